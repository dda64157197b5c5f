"""Training on several replicas: each batch is shared among devices of a machine, or among worker processes anywhere.

Keras's `fit` knows replicas in one process only (keras-team/keras issue 20585), so that its loop is written out here.
Groups stay within a replica: a replica's share of a batch is consecutive rows, a multiple of the group size.
"""

from __future__ import annotations

import collections.abc
import contextlib
import threading

import keras


@contextlib.contextmanager
def strategy_scope(strategy):
    """The scope in which a model and its optimizers are built; `None` for one replica and no scope."""
    if strategy is None:
        yield
        return
    with strategy.scope():
        yield


def replicas_of(strategy) -> int:
    """How many replicas share a batch; 1 for `None`."""
    return 1 if strategy is None else strategy.num_replicas_in_sync


def fit(model, data, strategy, epochs: int, initial_epoch: int, steps_per_epoch: int, callbacks: list) -> None:
    """Trains a compiled model, built in the strategy's scope, as `model.fit` does on one replica.

    Args:
        model: With one `compile`d loss and built optimizers.
        data: Endless global batches `(x, y)`, the same on all workers; their size is a multiple of the replicas.
        strategy: A `tf.distribute` strategy, or `None`: Keras's own `fit`.
        epochs: As in Keras.
        initial_epoch: As in Keras.
        steps_per_epoch: As in Keras.
        callbacks: As in Keras. What they get are means over the replicas.
    """
    counts = {"epochs": epochs, "initial_epoch": initial_epoch, "steps_per_epoch": steps_per_epoch}
    if strategy is None:
        model.fit(data, shuffle=False, verbose=0, callbacks=callbacks, **counts)
        return
    _check_agreement(strategy, initial_epoch)
    import tensorflow as tf

    options = tf.data.Options()
    # Every worker makes all batches, which follow from their numbers alone, and takes its rows of each.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    batches = iter(strategy.experimental_distribute_dataset(data.with_options(options)))
    told = keras.callbacks.CallbackList(callbacks, model=model, epochs=epochs, steps=steps_per_epoch, verbose=0)

    @tf.function(reduce_retracing=True)
    def step(batch):
        logs = strategy.run(model.train_step, args=(batch,))
        return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None) for name, value in logs.items()}

    with _synchronized(model), _losses_apart(model):
        told.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            told.on_epoch_begin(epoch)
            for _ in range(steps_per_epoch):
                logs = step(next(batches))
            told.on_epoch_end(epoch, {name: float(value) for name, value in logs.items()})
        told.on_train_end()


@contextlib.contextmanager
def _synchronized(model):
    """Batch normalisations take their statistics over all replicas within the block."""
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.synchronized for layer in norms]
    for layer in norms:
        layer.synchronized = True
    try:
        yield
    finally:
        for layer, value in zip(norms, before, strict=True):
            layer.synchronized = value


@contextlib.contextmanager
def _losses_apart(model):
    """What layers `add_loss` is kept apart for each replica within the block: those of one process share its layers."""
    layers = model._flatten_layers()
    before = [layer._losses for layer in layers]
    for layer in layers:
        layer._losses = _LossesOfThread()
    try:
        yield
    finally:
        for layer, losses in zip(layers, before, strict=True):
            layer._losses = losses


class _LossesOfThread(collections.abc.MutableSequence):
    """A list for each thread: a replica is traced in a thread of its own."""

    def __init__(self):
        self._local = threading.local()

    @property
    def _own(self):
        return self._local.__dict__.setdefault("losses", [])

    def __getitem__(self, index):
        return self._own[index]

    def __setitem__(self, index, loss):
        self._own[index] = loss

    def __delitem__(self, index):
        del self._own[index]

    def __len__(self):
        return len(self._own)

    def insert(self, index, loss):
        self._own.insert(index, loss)


def _check_agreement(strategy, epoch):
    """All workers must go on from the same epoch, or they would wait for each other without end."""
    import tensorflow as tf

    @tf.function
    def spread():
        def deviation():
            context = tf.distribute.get_replica_context()
            own = tf.constant(float(epoch))
            mean = context.all_reduce(tf.distribute.ReduceOp.MEAN, own)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.abs(own - mean))

        return strategy.reduce(tf.distribute.ReduceOp.MEAN, strategy.run(deviation), axis=None)

    if float(spread()) > 0:
        raise RuntimeError(f"the workers do not see the same checkpoint (here: epoch {epoch}); give them one --keep")
