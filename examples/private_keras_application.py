"""Private inference with a network of keras.applications: cut, trained through the mixing, exported, served, asked.

    python -m examples.private_keras_application [--alpha 0.35] [--epochs 15] [--dataset folder:PATH]

The network is MobileNetV2, first trained as it is, to tell people apart (the avatars' identities). `split` then cuts it
into M_pre and M_post, which stay on the edge, and M_main, which goes to the cloud; `DataMixModel` mixes the features
between them, and the same weights learn to bear that. The parts are written as they are deployed (`write_bundle`), the
cloud's part is served by the embedded server in a process of its own, and the edge client asks it over HTTP.

Printed are the accuracies before and after, with what always naming the more frequent label reaches (chance), how well
the answers over HTTP agree with the model in this process, and the bytes for each picture. The training is short: the
figures show that everything fits together, not what the method can reach.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from examples import data

WEIGHTS = ("none", "imagenet")


def network(shape, classes: int, alpha: float, weights: str):
    """MobileNetV2 for pictures with values 0 to 255, which returns logits `[batch, classes]`.

    Raises:
        InputError: If the weights cannot be downloaded.
    """
    import keras

    from components.errors import InputError

    # The scaling is built into the network's own graph: nested models cannot be cut inside.
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(keras.Input(shape))
    given = None if weights == "none" else weights
    try:
        body = keras.applications.MobileNetV2(
            input_tensor=scaled, include_top=False, pooling="avg", alpha=alpha, weights=given
        )
    except Exception as error:  # Keras raises a bare one when a download fails
        if not given:
            raise
        raise InputError(f"cannot download --weights {weights} ({error}); go online, or take --weights none") from error
    return keras.Model(body.inputs[0], keras.layers.Dense(classes, name="predictions")(body.outputs[0]))


def settle(model, x) -> None:
    """Sets the batch normalisations to the statistics of inputs `[n, ...]`, and to follow those of a short training."""
    import keras

    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for momentum in (0.0, 0.9):  # MobileNetV2's own, 0.999, would keep what it started with
        for layer in normalizations:
            layer.momentum = momentum
        if not momentum:
            model(x, training=True)


def fit(model, pictures, epochs: int, batch_size: int, callbacks=()) -> None:
    """Compiles and trains a model on the train split, with whole batches only."""
    import keras

    x, y = pictures.target["train"]
    whole, task = len(x) - len(x) % batch_size, pictures.task
    model.compile(keras.optimizers.Adam(2e-3), task.loss(), metrics=[task.metric()], jit_compile=False)
    if not epochs:
        return
    # Made here, the optimizer's variables are not traced one by one.
    model.optimizer.build(model.trainable_variables)
    x = x[:whole].astype("float32")
    model.fit(x, y[:whole], batch_size=batch_size, epochs=epochs, callbacks=callbacks, verbose=0)


def answer(model, x):
    """Logits `[n, outputs]`."""
    return np.concatenate([np.asarray(model(x[start : start + 64], training=False)) for start in range(0, len(x), 64)])


def accuracy(logits, y, task) -> float:
    """Share of right labels, 0 to 1."""
    return float(((logits > 0) == y).mean() if task.kind == "binary" else (logits.argmax(1) == y).mean())


def decisions(scores, task, threshold=0.0):
    """What is answered: 0/1 for each binary label, or the class."""
    return scores > threshold if task.kind == "binary" else scores.argmax(1)


def main(argv=None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_flags(parser, examples=700, image_size=48, target="identity")
    add = parser.add_argument
    add("--alpha", type=float, default=0.35, help="width of MobileNetV2: 0.35 (default) to 1.4")
    add("--weights", choices=WEIGHTS, default="none", help="imagenet is downloaded (default: none)")
    add("--after", default="block_2_add", help="last layer on the edge (default: block_2_add)")
    add("--group_size", type=int, default=8, help="pictures that are mixed with each other (default: 8)")
    add(
        "--epochs",
        type=int,
        default=15,
        help="passes without, and again with mixing; 0 for random weights (default: 15)",
    )
    arguments = parser.parse_args(argv)

    import keras

    from components.errors import InputError
    from components.export.bundle import write_bundle
    from datamix_tf import DataMixModel, MixingCurriculum, split

    keras.utils.set_random_seed(arguments.seed)
    pictures = data.load(arguments)
    task = pictures.task
    x, y = pictures.target["test"]
    x = x.astype("float32")
    batch_size = 2 * arguments.group_size
    model = network(pictures.schema.shape, task.outputs, arguments.alpha, arguments.weights)
    try:
        private = DataMixModel(
            *split(model, after=arguments.after, before="predictions"),
            group_size=arguments.group_size,
            seed=arguments.seed,
        )
    except ValueError as error:
        raise InputError(" ".join(str(error).split())) from error
    if arguments.weights == "none":
        settle(model, pictures.target["train"][0][:64].astype("float32"))
    fit(model, pictures, arguments.epochs, batch_size)
    plain = accuracy(answer(model, x), y, task)
    sizes = [part.count_params() for part in (private.pre, private.main, private.post)]
    print(
        f"MobileNetV2 x {arguments.alpha:g}, cut after {arguments.after}: parameters of M_pre, M_main, M_post: {sizes}"
    )
    fit(private, pictures, arguments.epochs, batch_size, [MixingCurriculum(0.5)])
    mixed = answer(private, x)
    rows = [
        (f"plain, {arguments.epochs} epochs", plain),
        (f"private, {arguments.epochs} more epochs through the mixing", accuracy(mixed, y, task)),
        ("the same weights without mixing", accuracy(answer(private.unmixed(), x), y, task)),
    ]
    kind = "labels" if task.kind == "binary" else "classes"
    print(f"\naccuracy, {len(x)} test pictures, {task.outputs} {kind} (chance {100 * pictures.chance():.1f} %):")
    for name, value in rows:
        print(f"  {name:<48} {100 * value:5.1f} %")

    with tempfile.TemporaryDirectory() as folder:
        base, edge = os.path.join(folder, "serving"), os.path.join(folder, "edge")
        described = {"labels": task.labels, "task": task.kind, "preprocessing": pictures.schema.preprocessing}
        write_bundle(private, os.path.join(base, "faces", "1"), edge, name="faces", **described)
        share, checked = ask(folder, private, pictures, decisions(mixed, task))
    show(share, checked)
    return {"accuracies": dict(rows), "as_in_process": share, **checked}


def ask(folder: str, private, pictures, in_process):
    """Serves what is in `folder` in a process of its own and asks it about the test split.

    Returns:
        `(share, checked)`: the share of decisions that equal `in_process`, made with other keys, and the figures of
        `benchmarks.check_serving`, with the same keys.
    """
    from benchmarks.check_serving import check
    from benchmarks.serving_process import server_process
    from examples.phone_client import secret_noise
    from serving.edge.client import EdgeClient

    x, y = pictures.target["test"]
    # Nobody else may know the covers; training pictures, which others have, too, would undo the mixing.
    covers = secret_noise(4 * private.group_size, x.shape[1:])
    with server_process(os.path.join(folder, "serving")) as (_, url, _):
        with EdgeClient(os.path.join(folder, "edge"), url, covers=covers) as client:
            probabilities = client.predict(x)
        checked = check(folder, "float32", "float16", url, private, pictures.task, (x, y))
    same = decisions(probabilities, pictures.task, 0.5) == in_process
    return float(np.mean(same)), checked


def show(share, checked) -> None:
    """Prints what came of the questions."""
    print(f"\nover HTTP, {checked['examples']} pictures, float16 on the wire:")
    print(f"  decisions as in process, other keys              {100 * share:5.1f} %")
    print(f"  largest difference of probabilities, same keys   {checked['largest_difference']:.1e}")
    print(f"  accuracy                                         {checked['accuracy_served']:5.1f} %")
    print(f"  bytes for a picture, up and down                 {checked['bytes_up']:,} and {checked['bytes_down']:,}")


if __name__ == "__main__":
    sys.exit(data.run(main))
