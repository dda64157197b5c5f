"""Dynamic batching: right answers to the right requests, a bounded queue, deadlines."""

import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from serving.cloud.batching import Batcher, BatchingParameters
from serving.cloud.servable import Signature
from serving.protocol.errors import ServingError

SIGNATURE = Signature(
    "double", None, {"x": tf.TensorSpec([None, 2], tf.float32)}, {"y": tf.TensorSpec([None, 2], tf.float32)}
)


class Double:
    """Stands where a `Servable` does; `gate` holds it up, `sizes` remembers its batches."""

    def __init__(self):
        self.gate, self.sizes = threading.Event(), []
        self.gate.set()

    def predict(self, signature, arrays):
        assert self.gate.wait(10)
        self.sizes.append(len(arrays["x"]))
        if (arrays["x"] == 13).any():
            raise ServingError(400, "unlucky")
        return {"y": 2 * arrays["x"]}


def rows(value, count=1):
    return {"x": np.full((count, 2), value, np.float32)}


@pytest.fixture
def make():
    made = []

    def batcher(**parameters):
        made.append(Batcher(BatchingParameters(**parameters)))
        return made[-1]

    yield batcher
    for batcher in made:
        batcher.close()


def test_requests_that_wait_run_together_and_get_their_own_rows(make):
    batcher, model = make(num_batch_threads=1, batch_timeout_micros=0), Double()
    model.gate.clear()
    futures = [batcher.submit(model, SIGNATURE, rows(value, 1 + value % 3), 10) for value in range(12)]
    model.gate.set()
    for value, future in enumerate(futures):
        np.testing.assert_array_equal(future.result(10)["y"], 2 * rows(value, 1 + value % 3)["x"])
    assert sum(model.sizes) == sum(1 + value % 3 for value in range(12)) and len(model.sizes) <= 3


def test_batches_stay_within_their_size(make):
    batcher, model = make(num_batch_threads=1, max_batch_size=4), Double()
    model.gate.clear()
    futures = [batcher.submit(model, SIGNATURE, rows(value, 3), 10) for value in range(5)]
    model.gate.set()
    assert [future.result(10)["y"][0, 0] for future in futures] == [0, 2, 4, 6, 8]
    assert max(model.sizes) <= 4


def test_a_large_request_runs_in_pieces(make):
    batcher, model = make(max_batch_size=4), Double()
    x = np.arange(100, 122, dtype=np.float32).reshape(11, 2)
    np.testing.assert_array_equal(batcher.submit(model, SIGNATURE, {"x": x}, 10).result(10)["y"], 2 * x)
    assert model.sizes == [4, 4, 3]


def test_a_full_queue_refuses_and_recovers(make):
    batcher, model = make(num_batch_threads=1, max_batch_size=2, max_enqueued_batches=2), Double()
    model.gate.clear()
    running = batcher.submit(model, SIGNATURE, rows(1, 2), 10)
    while batcher.queued_rows:
        time.sleep(0.001)
    waiting = [batcher.submit(model, SIGNATURE, rows(1, 2), 10) for _ in range(2)]
    with pytest.raises(ServingError, match="4 of 4 rows") as raised:
        batcher.submit(model, SIGNATURE, rows(1), 10)
    assert raised.value.http_status == 503
    model.gate.set()
    for future in [running, *waiting]:
        future.result(10)
    assert batcher.submit(model, SIGNATURE, rows(1), 10).result(10)["y"].shape == (1, 2)


def test_a_request_larger_than_the_queue_is_let_in_while_nobody_waits(make):
    batcher, model = make(max_batch_size=2, max_enqueued_batches=2, num_batch_threads=1), Double()
    assert batcher.submit(model, SIGNATURE, rows(1, 5), 10).result(10)["y"].shape == (5, 2)
    model.gate.clear()
    running = batcher.submit(model, SIGNATURE, rows(1, 2), 10)
    while batcher.queued_rows:
        time.sleep(0.001)
    large = batcher.submit(model, SIGNATURE, rows(2, 50), 10)
    with pytest.raises(ServingError, match="50 of 4 rows") as raised:
        batcher.submit(model, SIGNATURE, rows(1, 50), 10)
    assert raised.value.http_status == 503
    model.gate.set()
    assert running.result(10)["y"].shape == (2, 2) and large.result(10)["y"].shape == (50, 2)


def test_allowed_sizes_are_filled_up_and_the_answers_cut(make):
    batcher, model = make(max_batch_size=8, allowed_batch_sizes=(2, 8)), Double()
    for count in (1, 2, 3, 11):
        x = np.arange(100, 100 + 2 * count, dtype=np.float32).reshape(count, 2)
        np.testing.assert_array_equal(batcher.submit(model, SIGNATURE, {"x": x}, 10).result(10)["y"], 2 * x)
    assert model.sizes == [2, 2, 8, 8, 8]


def test_fewer_rows_may_run_than_wait(make):
    batcher, model = make(max_batch_size=8, max_execution_batch_size=3, thread_pool_name="pool"), Double()
    assert batcher.submit(model, SIGNATURE, rows(1, 8), 10).result(10)["y"].shape == (8, 2)
    assert model.sizes == [3, 3, 2] and any(thread.name == "pool-0" for thread in threading.enumerate())


@pytest.mark.parametrize("shape", [(3,), (3, 3), (0, 2), (1, 3, 2)])
def test_a_shape_that_the_signature_does_not_name_goes_to_the_model_alone(make, shape):
    batcher, model = make(max_batch_size=2, num_batch_threads=1), Double()
    model.gate.clear()
    running = batcher.submit(model, SIGNATURE, rows(1), 10)
    mates = [batcher.submit(model, SIGNATURE, {"x": np.ones(shape, np.float32)}, 10) for _ in range(2)]
    model.gate.set()
    running.result(10)
    assert [mate.result(10)["y"].shape for mate in mates] == [shape] * 2 and model.sizes[1:] == [shape[0]] * 2


def test_without_batching_each_request_is_whole_and_alone():
    batcher, model = Batcher(None), Double()
    model.gate.clear()
    futures = [batcher.submit(model, SIGNATURE, rows(value, 100), 10) for value in range(4)]
    model.gate.set()
    assert [future.result(10)["y"][0, 0] for future in futures] == [0, 2, 4, 6] and model.sizes == [100] * 4
    batcher.close()


def test_rows_that_do_not_answer_rows_are_computed_as_a_whole(make):
    class Total(Double):
        def predict(self, signature, arrays):
            return {"y": super().predict(signature, arrays)["y"].sum(axis=0, keepdims=True)}

    batcher, model = make(max_batch_size=4), Total()
    assert batcher.submit(model, SIGNATURE, rows(1, 10), 10).result(10)["y"].tolist() == [[20, 20]]


def test_a_request_that_runs_past_its_deadline_stops(make):
    class Slow(Double):
        def predict(self, signature, arrays):
            time.sleep(0.05)
            return super().predict(signature, arrays)

    batcher, model = make(max_batch_size=1, max_enqueued_batches=100), Slow()
    with pytest.raises(ServingError, match="while the request was running"):
        batcher.submit(model, SIGNATURE, rows(1, 50), 0.2).result(10)
    assert 1 <= len(model.sizes) <= 5


def test_a_deadline_that_passes_in_the_queue(make):
    batcher, model = make(num_batch_threads=1, max_batch_size=1), Double()
    model.gate.clear()
    running = batcher.submit(model, SIGNATURE, rows(1), 10)
    late = batcher.submit(model, SIGNATURE, rows(1), 0.01)
    time.sleep(0.05)
    model.gate.set()
    running.result(10)
    with pytest.raises(ServingError) as raised:
        late.result(10)
    assert raised.value.http_status == 504 and model.sizes == [1]


def test_a_cancelled_request_is_not_run(make):
    batcher, model = make(num_batch_threads=1, max_batch_size=1), Double()
    model.gate.clear()
    running, given_up = (batcher.submit(model, SIGNATURE, rows(1), 10) for _ in range(2))
    assert given_up.cancel()
    model.gate.set()
    running.result(10)
    batcher.submit(model, SIGNATURE, rows(1), 10).result(10)
    assert len(model.sizes) == 2


def test_a_bad_request_fails_alone(make):
    batcher, model = make(num_batch_threads=1), Double()
    model.gate.clear()
    batcher.submit(model, SIGNATURE, rows(0, 64), 10)
    futures = [batcher.submit(model, SIGNATURE, rows(value), 10) for value in (12, 13, 14)]
    model.gate.set()
    assert futures[0].result(10)["y"][0, 0] == 24 and futures[2].result(10)["y"][0, 0] == 28
    with pytest.raises(ServingError, match="unlucky"):
        futures[1].result(10)


def test_closing_answers_what_is_queued():
    batcher, model = Batcher(BatchingParameters(num_batch_threads=1)), Double()
    futures = [batcher.submit(model, SIGNATURE, rows(value), 10) for value in range(5)]
    batcher.close()
    assert [future.result(0)["y"][0, 0] for future in futures] == [0, 2, 4, 6, 8]
    with pytest.raises(ServingError, match="shutting down"):
        batcher.submit(model, SIGNATURE, rows(1), 10)
