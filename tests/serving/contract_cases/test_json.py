"""JSON of requests and answers, without a server."""

import json

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving.cloud import json_examples, json_tensors
from serving.cloud.servable import Signature
from tests.serving.contract_cases import rest_answers, rest_examples, rest_json
from tests.serving.contract_cases.case import Refused
from tests.serving.contract_cases.checking import cases, check, refused


@cases(rest_json.CASES)
def test_json_to_tensors(case):
    dtypes, body = case.given
    signature = Signature("", None, {name: tf.TensorSpec(None, dtype) for name, dtype in dtypes.items()}, {})

    def read():
        parsed = json_tensors.parse(body if isinstance(body, bytes) else body.encode())
        arrays = json_tensors.to_arrays(parsed, signature)
        found = {name: _decoded(array) for name, array in arrays.items()}
        assert all(arrays[name].dtype == tf.as_dtype(dtype).as_numpy_dtype for name, dtype in dtypes.items())
        return {**found, "signature_name": parsed.signature_name} if parsed.signature_name else found

    check(case, refused(read))


def _decoded(array):
    return np.vectorize(bytes.decode, otypes=[object])(array).tolist() if array.dtype == object else array.tolist()


@cases(rest_answers.CASES)
def test_answers_to_json(case):
    kind, value = case.given
    text = refused(lambda: _written(kind, value))
    if isinstance(text, bytes):
        text = text.decode().replace(" ", "") if isinstance(case.theirs, str) else json.loads(text)
    check(case, text)


def _written(kind, value):
    if kind == rest_answers.ERROR:
        return json_tensors.error_body(value)
    if kind == rest_answers.CLASSES:
        rows = [{"classes": [{"label": label, "score": score} for label, score in row]} for row in value]
        return json_examples.to_json(json_format.ParseDict({kind: rows}, classification_pb2.ClassificationResult()))
    if kind == rest_answers.VALUES:
        result = regression_pb2.RegressionResult()
        for one in value:
            result.regressions.add(value=one)
        return json_examples.to_json(result)
    return json_tensors.to_json({name: _array(*content) for name, content in value.items()}, kind)


def _array(dtype, value):
    numpy = tf.as_dtype(dtype).as_numpy_dtype
    if isinstance(value, tuple):
        return np.zeros(value, numpy)
    return np.vectorize(str.encode, otypes=[object])(value) if dtype == "string" else np.array(value, numpy)


@cases(rest_examples.CASES)
def test_json_to_examples(case):
    answer = refused(lambda: json_examples.parse(case.given.encode()))
    if not isinstance(answer, Refused):
        answer = {"signature_name": answer[0], "input": json_format.MessageToDict(answer[1])}
    check(case, answer)
