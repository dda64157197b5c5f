"""Batching, with a stand-in for the model, and metrics as text."""

import threading

import numpy as np
import tensorflow as tf

from serving.cloud.batching import Batcher, BatchingParameters
from serving.cloud.metrics import Metrics
from serving.cloud.model_config import read_batching
from serving.cloud.servable import Signature
from tests.serving.cloud.configs import write
from tests.serving.contract_cases import batches, metrics
from tests.serving.contract_cases.checking import cases, check, refused


class Half:
    """Stands where a `Servable` does: x / 2 + 2; remembers the sizes of its batches."""

    def __init__(self):
        self.gate, self.sizes, self.signatures = threading.Event(), [], []

    def predict(self, signature, arrays):
        assert self.gate.wait(10)
        self.sizes.append(len(arrays["x"]))
        self.signatures.append(signature.name)
        return {"y": arrays["x"] / 2 + 2}


def _signature(array, name="", inputs=("x",)):
    spec = tf.TensorSpec([None] * array.ndim)
    return Signature(name, None, dict.fromkeys(inputs, spec), {"y": spec})


@cases(batches.CASES)
def test_batches(case, tmp_path):
    if isinstance(case.given, str):
        check(case, refused(lambda: read_batching(write(tmp_path / "b", case.given))))
        return
    parameters, requests = case.given
    batcher, half = Batcher(BatchingParameters(**{"num_batch_threads": 1, **parameters})), Half()
    arrays = [np.array(rows, np.float32) for rows in requests]
    futures = [batcher.submit(half, _signature(array), {"x": array}, 10) for array in arrays]
    half.gate.set()
    rows = [future.result(10)["y"].tolist() for future in futures]
    batcher.close()
    check(case, {"sizes": half.sizes, "rows": rows})


def test_signatures_have_batches_of_their_own():
    batcher, half = Batcher(BatchingParameters(num_batch_threads=1)), Half()
    array = np.ones(2, np.float32)
    futures = [batcher.submit(half, _signature(array, name), {"x": array}, 10) for name in "abab"]
    half.gate.set()
    assert [future.result(10)["y"].tolist() for future in futures] == [[2.5, 2.5]] * 4
    batcher.close()
    assert set(half.signatures) == {"a", "b"} and sum(half.sizes) == 8


def test_inputs_of_different_numbers_of_rows():
    """The graph sees them as they are, alone."""
    batcher, half = Batcher(BatchingParameters(max_batch_size=1)), Half()
    half.gate.set()
    one, two = np.ones(1, np.float32), np.ones(2, np.float32)
    answer = batcher.submit(half, _signature(one, inputs=("w", "x")), {"w": one, "x": two}, 10).result(10)
    batcher.close()
    assert answer["y"].tolist() == [2.5, 2.5] and half.sizes == [2]


@cases(metrics.CASES)
def test_metrics(case):
    counted = Metrics()
    metric, labels, value = case.given
    figure = getattr(counted, metric)
    figure = figure.labels(*labels) if labels else figure
    getattr(figure, {"requests": "inc", "queued_rows": "set", "latency": "observe"}[metric])(value)
    lines = counted.text().decode().splitlines()
    check(case, [line for line in lines if line in case.theirs])
