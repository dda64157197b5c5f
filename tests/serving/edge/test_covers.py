"""Covers, as the cloud gets them from a client."""

import numpy as np
import pytest

from serving.edge.errors import CoverError


def test_covers_are_distinct_and_not_the_inputs(make, inputs):
    with pytest.raises(CoverError, match=r"3 cover\(s\).* there are 2"):
        make(covers=np.concatenate([inputs[:1], inputs[1:2], inputs[1:2], inputs[2:3]])).predict(inputs[:1])
    make(covers=inputs[1:4]).predict(inputs[:1])


def test_earlier_inputs_become_covers(make, inputs):
    client = make(covers=None, reuse_inputs=True)
    with pytest.raises(CoverError):
        client.predict(inputs[:1])
    client.predict(inputs[:4])
    assert client.predict(inputs[4:5]).shape == (1, 3)


def test_earlier_inputs_are_not_sent_again_unasked(make, inputs):
    client = make(covers=None)
    client.predict(inputs[:4])
    with pytest.raises(CoverError):
        client.predict(inputs[4:5])


def test_covers_come_again_as_late_as_possible(make, inputs, covers, monkeypatch):
    client, sent = make(covers=covers[:12]), []
    ask = client._ask
    monkeypatch.setattr(
        client, "_ask", lambda rows, *rest: sent.extend(row.tobytes() for row in rows) or ask(rows, *rest)
    )
    true = {row.tobytes() for row in inputs}
    for index in range(8):
        client.predict(inputs[index : index + 1])
        used = [row for row in sent if row not in true]
        counts = [used.count(cover.tobytes()) for cover in covers[:12]]
        assert max(counts) - min(counts) <= 1
    assert sum(counts) == 24


def test_no_surplus_covers_beyond_eight_groups(make):
    many = np.random.default_rng(9).integers(0, 256, (9 * 4, 8, 8, 3)).astype(np.float32)
    client = make(covers=None)
    assert client.predict(many).shape == (36, 3)
    assert (client.traffic.messages, client.traffic.rows) == (2, 36)
