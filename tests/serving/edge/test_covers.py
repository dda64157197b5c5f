"""Covers, as the cloud gets them from a client."""

import os
import threading

import numpy as np
import pytest

from serving.edge.cover_uses import CoverUses
from serving.edge.errors import CoverError
from serving.edge.trace import Trace


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


def found_and_rebuilt(mixtures, candidates):
    """What a cloud makes of a group whose covers may be among candidates of which it knows the features, `[n, d]`.

    Returns:
        `(found, feature)`: indices of candidates that lie in the span of the mixtures, and what is left of the sum of
        squares when these are taken away: the one feature that it does not know, up to its sign.
    """
    basis = np.linalg.svd(mixtures, full_matrices=False)[2]
    outside = candidates - candidates @ basis.T @ basis
    found = np.flatnonzero(np.linalg.norm(outside, axis=1) < 1e-3 * np.linalg.norm(candidates, axis=1))
    rest = mixtures.T @ mixtures - candidates[found].T @ candidates[found]
    values, vectors = np.linalg.eigh(rest)
    return found, vectors[:, -1] * max(values[-1], 0) ** 0.5


def test_covers_that_the_cloud_knows_undo_everything_and_secret_ones_do_not(make, deployed, inputs, covers):
    """Why the covers must be secret, whatever the key: demo and examples must not use a data set's or a seed's."""

    def features(x):
        return np.asarray(deployed.model.pre(x, training=False), np.float64).reshape(len(x), -1)

    wanted = features(inputs[:1])[0]
    for secret in (False, True):
        pool = np.frombuffer(os.urandom(covers.size), np.uint8).reshape(covers.shape) if secret else covers
        trace = Trace()
        make(covers=pool, wire="float32").predict(inputs[:1], trace)
        mixtures = trace.exchanges[0].mixtures.reshape(4, -1).astype(np.float64)
        found, feature = found_and_rebuilt(mixtures, features(covers))
        error = min(np.abs(sign * feature - wanted).max() for sign in (1, -1)) / np.abs(wanted).max()
        if secret:
            assert len(found) == 0 and error > 0.1
        else:
            assert len(found) == 3 and error < 1e-3


def test_counts_are_shared_by_clients_that_name_one_file(make, inputs, tmp_path):
    """Twelve covers, three for each query: four clients, one after the other, send each once."""
    pool = np.random.default_rng(3).integers(0, 256, (12, 8, 8, 3)).astype(np.float32)
    trace = Trace()
    for index in range(4):
        make(covers=pool, cover_uses=str(tmp_path / "uses.json")).predict(inputs[index : index + 1], trace)
    rows = [row.tobytes() for exchange in trace.exchanges for row in exchange.inputs]
    assert sorted(rows.count(cover.tobytes()) for cover in pool) == [1] * 12


def test_threads_that_share_a_file_of_counts_lose_none(tmp_path):
    def count():
        for _ in range(25):
            with CoverUses(str(tmp_path / "uses.json")).counting() as counts:
                counts["a"] = counts.get("a", 0) + 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with CoverUses(str(tmp_path / "uses.json")).counting() as counts:
        assert counts == {"a": 100}
