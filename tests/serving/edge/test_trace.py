"""A trace holds what the client did, and the keys only where it asks for them and only until it ends."""

import dataclasses
import pickle

import numpy as np
import pytest

from serving.edge import client as client_module
from serving.edge.errors import CloudError
from serving.edge.examples import probabilities
from serving.edge.keys import Key
from serving.edge.trace import Trace
from tests.serving.deployments import GROUP_SIZE


def blocks(exchange):
    """The keys of an exchange as one matrix, in the order in which the mixtures were sent."""
    size = len(exchange.inputs)
    whole = np.zeros((size, size), np.float32)
    for index, key in enumerate(exchange.keys):
        part = slice(index * GROUP_SIZE, (index + 1) * GROUP_SIZE)
        whole[part, part] = key.matrix
    return whole[exchange.shuffle]


def test_a_trace_without_keys_has_all_but_them(make, inputs, deployed):
    client, trace = make(), Trace()
    predicted = client.predict(inputs, trace)
    (exchange,) = trace.exchanges
    assert exchange.keys == () and exchange.shuffle is None
    rows = [row.tobytes() for row in exchange.inputs]
    assert len(set(rows)) == 12  # 11 inputs and a cover
    own = [rows.index(x.tobytes()) for x in inputs]
    np.testing.assert_array_equal(probabilities(exchange.outputs[own], "binary"), predicted)
    answers = np.asarray(deployed.model.main(exchange.mixtures, training=False))
    np.testing.assert_allclose(exchange.answers, answers, atol=0.05)  # float16 on the way
    traffic = client.traffic
    assert (exchange.bytes_up, exchange.bytes_down) == (traffic.bytes_up, traffic.bytes_down)
    assert min(exchange.mix_milliseconds, exchange.cloud_milliseconds, exchange.demix_milliseconds) > 0


def test_keys_and_shuffle_turn_features_into_mixtures(make, inputs, deployed):
    with Trace(keys=True) as trace:
        make().predict(inputs, trace)
        (exchange,) = trace.exchanges
        features = np.asarray(deployed.model.pre(exchange.inputs, training=False))
        np.testing.assert_allclose(np.tensordot(blocks(exchange), features, 1), exchange.mixtures, atol=1e-4)


def test_every_message_is_an_exchange(make, inputs):
    client, trace = make(groups=1), Trace()
    client.predict(inputs, trace)
    client.predict(inputs[:2], trace)
    assert [len(exchange.mixtures) for exchange in trace.exchanges] == [GROUP_SIZE] * 4
    assert sum(exchange.bytes_up for exchange in trace.exchanges) == client.traffic.bytes_up


@pytest.fixture
def made(monkeypatch):
    """The client's own keys, as they become."""
    made = []

    class Remembered(Key):
        def __init__(self, size):
            super().__init__(size)
            made.append(self)

    monkeypatch.setattr(client_module, "Key", Remembered)
    return made


def test_keys_end_with_the_trace(make, inputs, made):
    with Trace(keys=True) as trace:
        make().predict(inputs, trace)
        (exchange,) = trace.exchanges
        assert list(exchange.keys) == made and all(key.matrix.any() for key in made)
    assert not any(key.matrix.any() for key in made) and not exchange.shuffle.any()


def test_a_trace_that_asks_for_none_leaves_no_keys(make, inputs, made):
    make().predict(inputs, Trace())
    assert len(made) == 3 and not any(key.matrix.any() for key in made)


def test_an_exchange_that_failed_is_not_in_the_trace(make, inputs, made):
    with Trace(keys=True) as trace, pytest.raises(CloudError):
        make("http://127.0.0.1:9", deadline=0.2).predict(inputs, trace)
    assert trace.exchanges == [] and len(made) == 3 and not any(key.matrix.any() for key in made)


def test_keys_of_a_trace_are_not_printed_or_stored(make, inputs):
    with Trace(keys=True) as trace:
        make().predict(inputs[:4], trace)
        (exchange,) = trace.exchanges
        assert "<Key: hidden>" in repr(trace) and "shuffle" not in repr(trace)
        for dump in (pickle.dumps, dataclasses.asdict):
            with pytest.raises(TypeError, match="cannot be pickled or copied"):
                dump(exchange)
