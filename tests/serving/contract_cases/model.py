"""The model that the cases ask: y = x / 2 + 2, with what else upstream's tests ask of models."""

from __future__ import annotations

import os
import shutil

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from serving.cloud.model_config import ServedModel
from tests.serving.contract_cases.names import LABEL, NAME, ODD_LABEL, ODD_NAME, OLD_NAME, OLDER, VERSION

_TEXTS, _NUMBERS = tf.TensorSpec([None], tf.string, "inputs"), tf.TensorSpec(None, tf.float32, "inputs")
_METHODS = {"classify_x": "classify", "classify_both": "classify", "regress_x": "regress", "regress_x_more": "regress"}


class _Model(tf.Module):
    def __init__(self):
        super().__init__()
        self.counter = tf.Variable(0.0)

    def signatures(self):
        def signature(function, *specs):
            return tf.function(function, input_signature=specs)

        def x(examples):
            features = {"x": tf.io.FixedLenFeature([], tf.float32, 0.0)}
            return tf.io.parse_example(examples, features)["x"]

        def texts(like):
            return tf.fill(tf.shape(like), "any")

        def both(inputs):
            numbers = tf.stack([x(inputs), -x(inputs)], 1)
            return {"classes": tf.fill(tf.shape(numbers), "any"), "scores": numbers}

        def malformed(classes, scores):
            return signature(lambda inputs: {"classes": classes(both(inputs)), "scores": scores(both(inputs))}, _TEXTS)

        def classes(answer):
            return answer["classes"]

        def scores(answer):
            return answer["scores"]

        return {
            "serving_default": signature(lambda x: {"y": x / 2 + 2}, tf.TensorSpec(None, tf.float32, "x")),
            "more": signature(lambda x: {"y": x / 2 + 3}, tf.TensorSpec(None, tf.float32, "x")),
            "regress_numbers": signature(lambda inputs: {"outputs": inputs / 2 + 3}, _NUMBERS),
            "classify_numbers": signature(lambda inputs: {"scores": inputs / 2 + 3}, _NUMBERS),
            "regress_x": signature(lambda inputs: {"outputs": x(inputs)[:, None] / 2 + 2}, _TEXTS),
            "regress_x_more": signature(lambda inputs: {"outputs": x(inputs) / 2 + 3}, _TEXTS),
            "classify_x": signature(lambda inputs: {"scores": x(inputs)[:, None] / 2 + 2}, _TEXTS),
            "classify_both": signature(both, _TEXTS),
            "classes_only": signature(lambda inputs: {"classes": classes(both(inputs))}, _TEXTS),
            "scores_of_rank_3": malformed(classes, lambda answer: scores(answer)[:, :, None]),
            "classes_of_numbers": malformed(scores, scores),
            "scores_of_texts": malformed(classes, classes),
            "fewer_classes": malformed(lambda answer: classes(answer)[:1], scores),
            "fewer_scores": malformed(classes, lambda answer: scores(answer)[:1]),
            "scores_without_class": malformed(classes, lambda answer: tf.repeat(scores(answer), 2, 1)),
            "regress_rank_3": signature(lambda inputs: {"outputs": x(inputs)[:, None, None]}, _TEXTS),
            "regress_texts": signature(lambda inputs: {"outputs": texts(inputs)}, _TEXTS),
            "regress_surplus": signature(lambda inputs: {"outputs": tf.repeat(x(inputs), 2)}, _TEXTS),
            "get_counter": signature(lambda: {"output": tf.identity(self.counter)}),
            "incr_counter": signature(lambda: {"output": self.counter.assign_add(1.0)}),
            "reset_counter": signature(lambda: {"output": self.counter.assign(0.0)}),
            "incr_counter_by": signature(
                lambda delta: {"output": self.counter.assign_add(delta)}, tf.TensorSpec([], tf.float32, "delta")
            ),
        }


def _write_old(folder: str) -> None:
    v1 = tf.compat.v1
    info, signature = v1.saved_model.utils.build_tensor_info, v1.saved_model.build_signature_def
    with tf.Graph().as_default(), v1.Session() as session:
        half, two = (v1.get_variable(name, initializer=value) for name, value in (("half", 0.5), ("two", 2.0)))
        x, examples = v1.placeholder(tf.float32, None, "x"), v1.placeholder(tf.string, [None], "examples")
        features = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})
        inputs, result = {"inputs": info(examples)}, info(half * features["x"] + two)
        signatures = {
            "serving_default": signature({"x": info(x)}, {"y": info(half * x + two)}, "tensorflow/serving/predict"),
            "regress_x": signature(inputs, {"outputs": result}, "tensorflow/serving/regress"),
            "classify_x": signature(inputs, {"scores": result}, "tensorflow/serving/classify"),
        }
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=signatures)
        builder.save()


def deploy(folder: str) -> list[ServedModel]:
    """Writes the models; returns what a server serves: one version, under the odd name two, and the old one."""
    base = os.path.join(folder, "half")
    newest = os.path.join(base, f"{VERSION:08d}")
    model = _Model()
    tf.saved_model.save(model, newest, signatures=model.signatures())
    _name_methods(os.path.join(newest, "saved_model.pb"))
    shutil.copytree(newest, os.path.join(base, str(OLDER)))
    old = os.path.join(folder, OLD_NAME)
    _write_old(os.path.join(old, str(VERSION)))
    return [
        ServedModel(OLD_NAME, old),
        ServedModel(NAME, base, labels={LABEL: VERSION}),
        ServedModel(ODD_NAME, base, latest=None, labels={ODD_LABEL: OLDER}),
    ]


def _name_methods(path: str) -> None:
    """TensorFlow 2 calls every signature one for predict; upstream's models name their own methods."""
    with open(path, "rb") as file:
        saved = saved_model_pb2.SavedModel.FromString(file.read())
    for name, method in _METHODS.items():
        saved.meta_graphs[0].signature_def[name].method_name = f"tensorflow/serving/{method}"
    with open(path, "wb") as file:
        file.write(saved.SerializeToString())
