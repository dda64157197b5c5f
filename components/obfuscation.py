"""The methods that are compared on the six-layer network: each a network whose edge half sends something else."""

from __future__ import annotations

import dataclasses

import numpy as np

from components.storage.artifacts import Examples
from components.training.data import batches, hidden_task, steps, target_task
from components.training.epoch_bar import EpochBar

#: Method -> what its level is.
METHODS = {
    "none": "",
    "signal": "coefficients kept",
    "bounded": "accuracy that may be lost",
    "pruning": "channels kept",
    "adversarial": "weight of the adversary",
    "bottleneck": "weight of the divergence",
    "shredder": "weight of the noise",
    "gaussian": "noise multiplier",
}
FROM_SCRATCH = ("adversarial", "bottleneck")
BOTTLENECK_GAMMA = 0.5
ADVERSARY_RATE = 1e-3


@dataclasses.dataclass(frozen=True)
class SplitNetConfig:
    """A six-layer network to train.

    Attributes:
        objective: `"plain"`, or `"signal"`: trained to stand the removal of signal content (`SignalTraining`).
        epochs: Passes over the train split; Adam's rate falls tenfold after 40 % and 80 % of them, as in the paper.
        batch_size: Examples in a batch.
        learning_rate: Adam's rate at the start.
        decov: Weight of the decorrelation penalty, for `"signal"`.
        gaussian: Weight of the divergence from N(0, 1), for `"signal"`.
        seed: Seed of initialisation, order and what is removed.
    """

    objective: str
    epochs: int
    batch_size: int
    learning_rate: float
    decov: float
    gaussian: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.objective}-seed{self.seed}"


@dataclasses.dataclass(frozen=True)
class ObfuscationConfig:
    """One method at one split layer.

    Attributes:
        network: The network that it starts from.
        method: One of `METHODS`.
        split_layer: The paper's split layer, 1 ... 6.
        level: Its strength, see `METHODS`; for `"signal"`, 0 keeps all that the server sees.
        hidden: The hidden columns that are attacked; methods that need one are trained against the first.
        fine_tune_epochs: Passes in which the server gets used to pruning or noise.
        attack_epochs: Most passes of each attack.
        attack_patience: Passes without a better validation score after which an attack ends.
    """

    network: SplitNetConfig
    method: str
    split_layer: int
    level: float
    hidden: tuple[str, ...]
    fine_tune_epochs: int
    attack_epochs: int
    attack_patience: int


def new_network(config: SplitNetConfig, schema):
    """The untrained six-layer network with the train split's statistics in front."""
    import keras

    from datamix_tf.models import splitnet

    keras.utils.set_random_seed(config.seed)
    normalization = keras.layers.Normalization(mean=schema["mean"], variance=schema["variance"], name="normalization")
    return splitnet(tuple(schema["shape"]), target_task(schema).outputs, normalization=normalization)


def train_network(config: SplitNetConfig, examples: Examples):
    """Trains a six-layer network for the target; returns it."""
    from datamix_tf.models.splitnet import NUM_LAYERS, sent_layer
    from datamix_tf.training.signal_training import SignalTraining

    schema = examples.read_json("schema.json")
    network = new_network(config, schema)
    fitted = network
    if config.objective == "signal":
        cuts = [sent_layer(split_layer) for split_layer in range(2, NUM_LAYERS + 1)]
        every = max(1, schema["splits"]["train"] // config.batch_size // len(cuts))
        fitted = SignalTraining(
            network, cuts, decov=config.decov, gaussian=config.gaussian, every=every, seed=config.seed
        )
    _fit(fitted, config, examples, config.epochs, f"{config.name}")
    return network


def build(config: ObfuscationConfig, network, examples: Examples):
    """A method's network, trained as far as the method asks for it.

    Args:
        config: The method.
        network: A trained network of `config.network`, of its own for each method (weights may change).
        examples: The data.

    Returns:
        `(model, level)`: a functional model with one `Obfuscation`, and the level in use (for `"bounded"`, the
        coefficients that are kept).
    """
    import keras

    from datamix_tf.graph import run_on
    from datamix_tf.layers import GaussianMechanism, GaussianSample, LearnedNoise, Sent
    from datamix_tf.models.splitnet import sent
    from datamix_tf.obfuscation.pruning import prune
    from datamix_tf.obfuscation.signal import obfuscate

    schema = examples.read_json("schema.json")
    if config.method in FROM_SCRATCH:
        network = new_network(config.network, schema)
    tensor, seed = sent(network, config.split_layer), config.network.seed

    def with_layers(*layers):
        x = tensor
        for layer in layers:
            x = layer(x)
        return keras.Model(network.inputs[0], run_on(keras.Model(tensor, network.outputs[0]), x))

    if config.method == "none":
        return with_layers(Sent(name="sent")), 0.0
    if config.method == "signal":
        return obfuscate(network, tensor, int(config.level) or None)[0], config.level
    if config.method == "bounded":
        kept = _smallest_rank(network, config, examples)
        return obfuscate(network, tensor, kept)[0], float(kept)
    if config.method == "pruning":
        model = prune(network, tensor, int(config.level))
        _fine_tune_server(model, tensor, config, examples)
        return model, config.level
    if config.method == "gaussian":
        model = with_layers(
            GaussianMechanism(_median_norm(network, tensor, examples), config.level, seed, name="noise")
        )
        _fine_tune_server(model, tensor, config, examples)
        return model, config.level
    if config.method == "adversarial":
        model = with_layers(Sent(name="sent"))
        _train_against_adversary(model, config, examples, config.network.epochs, gamma=config.level)
    elif config.method == "bottleneck":
        sample = GaussianSample(config.level, at_inference=True, seed=seed, name="sample")
        model = with_layers(sample, Sent(name="sent"))
        _train_against_adversary(model, config, examples, config.network.epochs, gamma=BOTTLENECK_GAMMA)
    else:
        noise = LearnedNoise(seed=seed, name="noise")
        model = with_layers(noise)
        for layer in model.layers:
            layer.trainable = layer is noise
        weights = {"gamma": BOTTLENECK_GAMMA, "distance_weight": -config.level}
        _train_against_adversary(model, config, examples, config.fine_tune_epochs, **weights)
        model.trainable = True
    return model, config.level


def content_by_layer(network, x) -> dict[int, float]:
    """Log of the share of each feature that the next layer sees, by split layer (figure 2 before it is summed)."""
    import keras

    from datamix_tf.models.splitnet import NUM_LAYERS, sent
    from datamix_tf.obfuscation.signal import fields_of, front_of, preserved_content

    result = {}
    for split_layer in range(1, NUM_LAYERS + 1):
        tensor = sent(network, split_layer)
        front = front_of(keras.Model(tensor, network.outputs[0]))
        features = keras.Model(network.inputs[0], tensor).predict(x, batch_size=64, verbose=0)
        basis, _ = front.decompose()
        fields = fields_of(front, features).reshape(len(features), -1, basis.shape[0])
        result[split_layer] = preserved_content(fields, basis)
    return result


def _smallest_rank(network, config, examples):
    """The fewest coefficients that lose no more validation accuracy than the level."""
    from components.training.data import arrays
    from datamix_tf.models.splitnet import sent
    from datamix_tf.obfuscation.profile import choose, profile

    _, x, y = arrays(examples, "valid")
    fractions = 1 - 2.0 ** (-np.arange(0, 20) / 2)
    entries = profile(
        network, {config.split_layer: sent(network, config.split_layer)}, x.astype("float32"), y, fractions
    )
    return choose(entries, float("inf"), config.level).kept


def _median_norm(network, tensor, examples):
    import keras

    from components.training.data import arrays

    _, x, _ = arrays(examples, "valid")
    features = keras.Model(network.inputs[0], tensor).predict(x.astype("float32"), batch_size=64, verbose=0)
    return float(np.median(np.linalg.norm(features.reshape(len(features), -1), axis=1)))


def _fine_tune_server(model, tensor, config, examples):
    import keras

    for layer in keras.Model(model.inputs[0], tensor).layers:
        layer.trainable = False
    _fit(model, config.network, examples, config.fine_tune_epochs, f"{config.method} {config.level:g}")
    model.trainable = True


def _optimizer(config, epochs, steps):
    """Adam, ten times slower after 40 % and 80 % of the epochs."""
    import keras

    boundaries = [max(1, round(share * epochs * steps)) for share in (0.4, 0.8)]
    rates = [config.learning_rate * factor for factor in (1.0, 0.1, 0.01)]
    if boundaries[0] == boundaries[1]:
        boundaries, rates = boundaries[:1], rates[:2]
    return keras.optimizers.Adam(keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates))


def _fit(model, config, examples, epochs, label):
    schema = examples.read_json("schema.json")
    batch_size = min(config.batch_size, schema["splits"]["train"])
    data = batches(examples, "train", batch_size, seed=config.seed)
    optimizer = _optimizer(config, epochs, schema["splits"]["train"] // batch_size)
    task = target_task(schema)
    model.compile(optimizer, task.loss(), metrics=[task.metric()], jit_compile=False)
    an_epoch = steps(schema, "train", batch_size)
    model.fit(data, epochs=epochs, steps_per_epoch=an_epoch, verbose=0, callbacks=[EpochBar(label)])


def _train_against_adversary(model, config, examples, epochs, **weights):
    import keras

    from datamix_tf.training.adversarial import AdversarialTraining, adversary_for

    schema, network = examples.read_json("schema.json"), config.network
    batch_size = min(network.batch_size, schema["splits"]["train"])
    data = batches(examples, "train", batch_size, seed=network.seed, beside=config.hidden[0])
    adversary = adversary_for(model, hidden_task(schema, config.hidden[0]).outputs)
    training = AdversarialTraining(model, adversary, **weights)
    optimizer = _optimizer(network, epochs, schema["splits"]["train"] // batch_size)
    training.compile(
        keras.optimizers.Adam(ADVERSARY_RATE), optimizer=optimizer, loss=target_task(schema).loss(), jit_compile=False
    )
    bar, an_epoch = EpochBar(f"{config.method} {config.level:g}"), steps(schema, "train", batch_size)
    training.fit(data, epochs=epochs, steps_per_epoch=an_epoch, verbose=0, callbacks=[bar])
