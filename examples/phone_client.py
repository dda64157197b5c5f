"""The edge client on something like a phone: no TensorFlow, one thread, int8 halves, little memory, low priority.

    python -m examples.phone_client                  # in a fresh environment with nothing but `.[edge]` (needs pip)
    python -m examples.phone_client --here           # with this interpreter, TensorFlow and Keras barred
    python examples/phone_client.py --bundle EDGE --url http://HOST:8501     # on a device: asks a server of yours

The first two make a small model, serve its cloud part in a process of its own and run the third as the phone. They
print what was installed, and what the phone tells of itself: seconds to import the client, peak memory, bytes and time
for each query of one picture. Last they compare the phone's answers with the model's in this process.

A network's answers depend a little on the key, and the phone tells its keys to nobody. This model's cloud part is
linear, hence its answers do not, and they can be compared number by number. Its weights are random, scaled so that its
probabilities spread from 0 to 1: the figures are of speed, size and agreement, not of accuracy. The int8 halves may
change a probability by 0.1 at most, the wire and the server alone by 0.01.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time

TENSORFLOW = ("tensorflow", "keras")
OF_ROUNDING, OF_WIRE = 0.1, 0.01  # largest differences of probabilities
#: Runs a script (its path comes first) where modules named with commas (they come second) cannot be imported.
WITHOUT = """\
import runpy, sys
sys.modules.update(dict.fromkeys(sys.argv[2].split(",")))
sys.argv = [sys.argv[1], *sys.argv[3:]]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def phone(arguments) -> None:
    """What runs on the phone: asks the server about pictures, one at a time, and prints a line of JSON."""
    limited = limit_memory(arguments.memory)
    priority = os.nice(arguments.nice) if hasattr(os, "nice") else 0
    started = time.perf_counter()
    import numpy as np

    from serving.edge.client import EdgeClient
    from serving.edge.errors import EdgeError

    imported = time.perf_counter()
    random = np.random.default_rng()
    try:
        client = EdgeClient(arguments.bundle, arguments.url, precision="int8", threads=1)
        shape = client.manifest.input_shape
        if not client.draws_covers:
            client.add_covers(secret_noise((client.manifest.group_size - 1) * arguments.queries, shape))
        x = np.load(arguments.inputs) if arguments.inputs else random.uniform(0, 255, (arguments.queries, *shape))
        loaded = time.perf_counter()
        answers, times = [], []
        for picture in x:
            begun = time.perf_counter()
            answers.append(client.predict(picture[None])[0].tolist())
            times.append(time.perf_counter() - begun)
    except (EdgeError, ValueError) as error:
        sys.exit(f"error: {error}")
    told = {
        "importable": [name for name in TENSORFLOW if importable(name)],
        "memory_limit_mb": arguments.memory if limited else None,
        "priority": priority,
        "import_s": round(imported - started, 3),
        "load_s": round(loaded - imported, 3),
        "first_query_ms": round(1000 * times[0], 1),
        "median_query_ms": round(1000 * sorted(times)[len(times) // 2], 1),
        "queries": len(times),
        "peak_memory_mb": round(peak_memory() / 2**20),
        "bytes_up": round(client.traffic.bytes_up_per_example),
        "bytes_down": round(client.traffic.bytes_down_per_example),
        "answers": answers,
    }
    print(json.dumps(told))


def secret_noise(count: int, shape):
    """Covers that nobody else knows, `[count, *shape]`, values 0 to 255, from the operating system's generator.

    A phone should have pictures of its owner's that were never published: they are as secret, and look like what is
    asked about. Covers that everybody has, such as random ones of a known seed, undo the mixing.
    """
    import numpy as np

    numbers = np.frombuffer(os.urandom(count * math.prod(shape)), np.uint8)
    return numbers.reshape(count, *shape).astype(np.float32)


def limit_memory(megabytes: int) -> bool:
    """Limits this process's address space; False where the platform cannot."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)
    except (ImportError, AttributeError, ValueError, OSError):
        return False
    return True


def importable(module: str) -> bool:
    """Whether a module can be imported here."""
    try:
        __import__(module)
    except ImportError:
        return False
    return True


def peak_memory() -> int:
    """Most memory that this process has occupied, in bytes."""
    try:
        # Not from getrusage, which begins with what the process that started this one occupied.
        with open("/proc/self/status", encoding="ascii") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak


def small_model(image_size: int, group_size: int, seed: int):
    """A `DataMixModel` with random weights and a linear cloud part: ResNet's stem on the edge, three labels."""
    import keras

    from datamix_tf import DataMixModel
    from datamix_tf.models.resnet import conv_bn

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    picture = keras.Input((image_size, image_size, 3))
    x = layers.ReLU()(conv_bn(layers.Rescaling(1 / 127.5, -1)(picture), 64, 7, 2, "stem"))
    pre = keras.Model(picture, layers.MaxPooling2D(3, 2, "same")(x))
    features = keras.Input(pre.output_shape[1:])
    x = layers.Conv2D(256, 3, 2, "same", use_bias=False)(features)
    main = keras.Model(features, layers.GlobalAveragePooling2D()(x))
    answers = keras.Input(main.output_shape[1:])
    return DataMixModel(pre, main, keras.Model(answers, layers.Dense(3)(answers)), group_size=group_size)


def drawn(count: int, size: int):
    """Pictures of 4 x 4 fields in random colours, float32 `[count, size, size, 3]`, values 0 to 255."""
    import numpy as np

    fields = np.random.default_rng(1).uniform(0, 255, (count, 4, 4, 3))
    places = np.arange(size) * 4 // size
    return fields[:, places][:, :, places].astype("float32")


def spread_answers(model, x) -> None:
    """Sets the classifier so that logits have mean 0 and deviation 2 on pictures: else all answers would be alike."""
    import numpy as np

    logits, classifier = np.asarray(model.unmixed()(x, training=False)), model.post.layers[-1]
    kernel, bias = classifier.get_weights()
    scale = 2 / logits.std(0)
    classifier.set_weights([kernel * scale, (bias - logits.mean(0)) * scale])


def on_the_phone(folder: str, here: bool, arguments: list[str]) -> dict:
    """Runs this file as a phone would, outside of the repository, and gives what it tells."""
    from benchmarks.edge_environment import REPOSITORY, edge_environment

    script, environment = os.path.abspath(__file__), dict(os.environ)
    # Libraries make their pools of threads before the client can ask for one thread.
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    if here:
        environment["PYTHONPATH"] = str(REPOSITORY)
        command = [sys.executable, "-c", WITHOUT, script, ",".join(TENSORFLOW)]
    else:
        environment.pop("PYTHONPATH", None)
        made = edge_environment(folder)
        command = [made.python, script]
        print(f"installed: {made.megabytes} MB on disk, {len(made.packages)} packages: {', '.join(made.packages)}")
    done = subprocess.run([*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the phone failed with status {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def references(model, edge: str, described, x):
    """Probabilities `[n, labels]` in this process: of the Keras model, and with the bundle's own int8 halves."""
    import numpy as np

    from benchmarks.check_serving import same_halves
    from serving.edge.bundle import Halves

    keras_answers = np.asarray(model.unmixed()(x, training=False))
    identity = np.eye(model.group_size, dtype="float32")
    groups = len(x) // model.group_size
    halves = Halves(edge, described, "int8", 1)
    halves_answers = same_halves(halves, model.main, x, np.stack([identity] * groups))
    return [1 / (1 + np.exp(-logits)) for logits in (keras_answers, halves_answers)]


def compare(arguments) -> None:
    """Makes a model, serves it, runs the phone and compares."""
    import numpy as np

    from benchmarks.serving_process import server_process
    from components.export.bundle import write_bundle
    from serving.edge import preprocess

    model = small_model(arguments.image_size, arguments.group_size, seed=0)
    queries = -(-arguments.queries // model.group_size) * model.group_size
    x = drawn(queries, arguments.image_size)
    spread_answers(model, x)
    with tempfile.TemporaryDirectory() as folder:
        base, edge, inputs = (os.path.join(folder, name) for name in ("serving", "edge", "inputs.npy"))
        pictures = preprocess.to_config(preprocess.ImagePreprocessing(arguments.image_size, arguments.image_size))
        named = {"name": "small", "labels": ("a", "b", "c"), "task": "binary", "preprocessing": pictures}
        described = write_bundle(model, os.path.join(base, "small", "1"), edge, **named)
        np.save(inputs, x)
        limits = ["--memory", str(arguments.memory), "--nice", str(arguments.nice)]
        with server_process(base) as (_, url, _):
            asked = ["--bundle", edge, "--url", url, "--inputs", inputs, *limits]
            told = on_the_phone(folder, arguments.here, asked)
        whole, same = references(model, edge, described, x)
    answers = np.array(told.pop("answers"))
    told["spread"] = round(float(whole.std()), 2)
    show(told, float(np.abs(answers - whole).max()), float(np.abs(answers - same).max()))


def show(told, of_rounding: float, of_wire: float) -> None:
    """Prints the table.

    Raises:
        RuntimeError: If TensorFlow can be imported on the phone, or its answers are too far from the model's.
    """
    if told["importable"]:
        raise RuntimeError(f"the phone was to be without {', '.join(TENSORFLOW)}, but imports {told['importable']}")
    limit = f"{told['memory_limit_mb']} MB" if told["memory_limit_mb"] else "none on this platform"
    rows = [
        ("TensorFlow, Keras", "cannot be imported"),
        ("limit of the address space", limit),
        ("niceness", told["priority"]),
        ("import of the client", f"{told['import_s']} s"),
        ("bundle loaded", f"{told['load_s']} s"),
        ("peak memory", f"{told['peak_memory_mb']} MB"),
        ("first query", f"{told['first_query_ms']} ms"),
        (f"median of {told['queries']} queries", f"{told['median_query_ms']} ms"),
        ("bytes for a query, up and down", f"{told['bytes_up']:,} and {told['bytes_down']:,}"),
        ("standard deviation of the probabilities", told["spread"]),
        ("largest difference to the Keras model", f"{of_rounding:.1e} (allowed: {OF_ROUNDING})"),
        ("largest difference to the same halves here", f"{of_wire:.1e} (allowed: {OF_WIRE})"),
    ]
    for name, value in rows:
        print(f"{name:<44} {value}")
    if of_rounding > OF_ROUNDING or of_wire > OF_WIRE:
        raise RuntimeError("the phone's answers are too far from those of the model in this process")


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--here", action="store_true", help="run the phone with this interpreter instead of installing `.[edge]` anew")
    add("--bundle", help="be the phone: the edge bundle to use, with --url")
    add("--url", help="be the phone: the server to ask")
    add("--inputs", help="be the phone: pictures as a .npy file, [n, height, width, channels] (default: random ones)")
    add("--queries", type=int, default=40, help="pictures that are asked about, whole groups (default: 40)")
    add("--memory", type=int, default=512, help="most megabytes of address space on the phone (default: 512)")
    add("--nice", type=int, default=10, help="added to the phone's niceness (default: 10)")
    add("--image_size", type=int, default=64, help="rows and columns of the small model's pictures (default: 64)")
    add("--group_size", type=int, default=8, help="its group size (default: 8)")
    arguments = parser.parse_args(argv)
    if bool(arguments.bundle) != bool(arguments.url):
        parser.error("expected --bundle and --url together (be the phone), or neither (make and serve a small model)")
    if min(arguments.queries, arguments.group_size) < 1 or arguments.image_size < 16:
        parser.error("expected --queries and --group_size of at least 1, --image_size of at least 16")
    if arguments.bundle:
        phone(arguments)
        return 0
    try:
        compare(arguments)
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
