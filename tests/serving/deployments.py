"""Small models to serve, and servers for them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time

import keras
import tensorflow as tf

from components.export.bundle import write_bundle
from components.pusher import push_saved_model
from datamix_tf import DataMixModel
from serving.cloud.model_config import discover
from serving.cloud.server import Server, ServerOptions
from serving.edge import preprocess

GROUP_SIZE, LABELS = 4, ("round", "red", "large")


@dataclasses.dataclass(frozen=True)
class Deployment:
    """A private model, where its cloud part is served from, and its bundle."""

    model: DataMixModel
    serving: str
    edge: str


def private_model(activation: str | None = "relu", **options) -> DataMixModel:
    """A model of 8 x 8 pictures with random weights; without activation, predictions do not depend on keys.

    `options` are of `DataMixModel`.
    """
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    pre = keras.Model(image, layers.Conv2D(5, 3, 2, padding="same")(layers.Rescaling(1 / 128, -1)(image)))
    features = keras.Input(pre.output_shape[1:])
    main = keras.Model(
        features, layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3, activation=activation, padding="same")(features))
    )
    answers = keras.Input(main.output_shape[1:])
    post = keras.Model(answers, layers.Dense(len(LABELS))(answers))
    return DataMixModel(pre, main, post, group_size=GROUP_SIZE, **options)


def deploy(folder: str, version: int = 1, model: DataMixModel | None = None) -> Deployment:
    """Exports a model to `folder/serving/toy/<version>` and `folder/edge`."""
    model = model or private_model()
    source, edge = os.path.join(folder, f"export-{version}"), os.path.join(folder, "edge")
    serving = os.path.join(folder, "serving")
    write_bundle(
        model,
        source,
        edge,
        name="toy",
        version=version,
        task="binary",
        labels=LABELS,
        preprocessing=preprocess.to_config(preprocess.ImagePreprocessing(8, 8)),
    )
    push_saved_model(source, os.path.join(serving, "toy", str(version)))
    return Deployment(model, serving, edge)


def deploy_half_plus_three(folder: str, name: str = "half_plus_three", version: int = 123) -> str:
    """Pushes the model of TensorFlow Serving's examples, with more signatures to test with; returns the base path."""

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def predict(self, x):
            return {"y": x / 2 + 3}

        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.string, "tag"), tf.TensorSpec([None, 2], tf.int32, "pair")]
        )
        def several(self, tag, pair):
            return {"tag": tag, "raw_bytes": tag, "total": tf.reduce_sum(pair, axis=1)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "seconds")])
        def spin(self, seconds):
            """Works for so long."""
            end = tf.timestamp() + tf.cast(tf.reduce_max(seconds), tf.float64)
            while tf.timestamp() < end:
                pass
            return {"seconds": seconds}

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, "one"), tf.TensorSpec([None], tf.float32, "many")])
        def columns(self, one, many):
            return {"scaled": one * many, "count": tf.size(many)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def positive(self, x):
            with tf.control_dependencies([tf.debugging.assert_positive(x)]):
                return {"y": tf.identity(x)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def unequal(self, x):
            return {"first": x[:1], "all": x}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def word(self, x):
            return {"word": tf.constant("done") + tf.strings.substr("", 0, tf.size(x) * 0)}

        @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, "x")])
        def column(self, x):
            return {"y": x / 2 + 2}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.uint64, "x")])
        def wide(self, x):
            return {"x": x}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def spectrum(self, x):
            return {"z": tf.complex(x, -x)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
        def classify(self, inputs):
            x = self.feature(inputs)
            label = tf.where(x > 10, "large", "small")
            return {"classes": tf.stack([label, tf.fill(tf.shape(x), "any")], 1), "scores": tf.stack([x / 2 + 2, x], 1)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
        def regress(self, inputs):
            return {"outputs": self.feature(inputs)[:, None] / 2 + 2}

        def feature(self, serialized):
            return tf.io.parse_example(serialized, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]

    model = Model()
    source = os.path.join(folder, f"export-{name}-{version}")
    signatures = {
        "serving_default": model.predict,
        "several": model.several,
        "spin": model.spin,
        "columns": model.columns,
        "positive": model.positive,
        "unequal": model.unequal,
        "word": model.word,
        "column": model.column,
        "wide": model.wide,
        "spectrum": model.spectrum,
        "classify_x_to_y": model.classify,
        "regress_x_to_y": model.regress,
    }
    tf.saved_model.save(model, source, signatures=signatures)
    base = os.path.join(folder, "models")
    push_saved_model(source, os.path.join(base, name, str(version)))
    return base


@contextlib.contextmanager
def served(models, **options):
    """A running server on free ports, ready to answer.

    Args:
        models: A base path, or a function that gives `ServedModel`s.
        **options: Of `ServerOptions`.
    """
    configured = models if callable(models) else lambda: discover(models, None)
    options = {"rest_api_port": 0, "grpc_port": 0, "poll_seconds": 0.1, "drain_seconds": 5.0, **options}
    server = Server(configured, ServerOptions(**options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 60
    while not server.ready:
        assert time.monotonic() < end, "the server did not get ready"
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.stop()
        thread.join(30)
        assert not thread.is_alive(), "the server did not stop"
