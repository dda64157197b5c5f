"""Keys: orthogonal, Haar-distributed, fresh, and nowhere to be found."""

import base64
import contextlib
import copy
import io
import json
import logging
import pathlib
import pickle
import subprocess
import sys
import traceback

import numpy as np
import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from serving.edge import client as client_module
from serving.edge.errors import EdgeError
from serving.edge.keys import Key, random_orthogonal, random_permutation
from tests.conftest import REPOSITORY
from tests.serving.edge.test_client import Recorded


@given(st.integers(1, 32))
def test_keys_are_orthogonal(size):
    key = random_orthogonal(size).astype(np.float64)
    assert key.shape == (size, size)
    # Rounding to float32 moves entries by at most 2**-25, a product of rows by at most size * 2**-24.
    assert np.abs(key @ key.T - np.eye(size)).max() <= size * 2.0**-23


def test_keys_are_haar_distributed():
    """Entries of Haar matrices have mean 0 and variance 1/n; the trace has mean 0 and variance 1."""
    size, count = 4, 4000
    keys = np.stack([random_orthogonal(size) for _ in range(count)])
    # 5 standard errors; the variance of a squared entry is below 2 / n^2.
    assert np.abs(keys.mean(axis=0)).max() < 5 * size**-0.5 / count**0.5
    assert np.abs((keys**2).mean(axis=0) - 1 / size).max() < 5 * 2**0.5 / size / count**0.5
    traces = np.trace(keys, axis1=1, axis2=2)
    assert abs(traces.mean()) < 5 / count**0.5 and abs(traces.var() - 1) < 5 * 2**0.5 / count**0.5


def test_permutations_are_uniform():
    counts = np.zeros((6, 6))
    for _ in range(3000):
        counts[np.arange(6), random_permutation(6)] += 1
    # 36 binomial counts with p = 1/6: 5 standard deviations.
    assert np.abs(counts - 500).max() < 5 * (3000 * 5 / 36) ** 0.5


def test_every_group_of_every_query_has_its_own_key(make, inputs, monkeypatch):
    Recorded.made = []
    monkeypatch.setattr(client_module, "Key", Recorded)
    client = make()
    for _ in range(3):
        client.predict(inputs)
    assert len(Recorded.made) == 9
    assert len({key.tobytes() for key in Recorded.made}) == 9


def test_keys_are_wiped_after_use_and_after_failure(make, inputs, monkeypatch):
    kept = []

    class Kept(Key):
        def __init__(self, size):
            super().__init__(size)
            kept.append(self)

    monkeypatch.setattr(client_module, "Key", Kept)
    make().predict(inputs)
    with pytest.raises(EdgeError):
        make("http://127.0.0.1:9", deadline=0.2).predict(inputs)
    assert len(kept) == 6 and all((key.matrix == 0).all() for key in kept)


def test_a_key_tells_nothing():
    key = Key(3)
    assert repr(key) == str(key) == f"{key}" == "<Key: hidden>"
    for dump in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            dump(key)
    with pytest.raises(TypeError):
        json.dumps(key)


def forms(key):
    """The ways in which a key could be written: raw in any float type and order, and as text with few digits."""
    for dtype in ("<f4", "<f8", "<f2", ">f4"):
        for matrix in (key, key.T):
            row = np.ascontiguousarray(matrix, dtype)
            yield from (entry.tobytes() for entry in row)
    yield from (f"{abs(value):.6f}"[:8].encode() for value in key.ravel())
    yield from (f"{abs(value):.4e}"[:6].encode() for value in key.ravel() if abs(value) < 1e-3)


def test_the_hunt_for_key_material(make, deployed, server, inputs, monkeypatch, caplog, capfd, tmp_path):
    """Uses keys, fails with keys, and looks for them in all that is written, sent, raised or stored."""
    Recorded.made = []
    monkeypatch.setattr(client_module, "Key", Recorded)
    caplog.set_level(logging.DEBUG)
    places = {}
    client = make(wire="float32")
    post, bodies = client._transport.post, []
    monkeypatch.setattr(
        client._transport, "post", lambda path, body, deadline: bodies.append(body) or post(path, body, deadline)
    )
    client.predict(inputs)
    places["messages"] = b"".join(bodies)
    places["unpacked messages"] = b"".join(
        base64.b64decode(instance["b64"]) for body in bodies for instance in json.loads(body)["instances"]
    )
    try:
        make("http://127.0.0.1:9", deadline=0.2).predict(inputs)
    except EdgeError:
        stream = io.StringIO()
        traceback.TracebackException(*sys.exc_info(), capture_locals=True).print(file=stream)
        places["exceptions with their local variables"] = stream.getvalue().encode()
    places["logs"] = caplog.text.encode()
    captured = capfd.readouterr()
    places["output"] = (captured.out + captured.err).encode()
    for name in ("client", "pool", "traffic"):
        thing = {"client": client, "pool": client._pool, "traffic": client.traffic}[name]
        places[f"representation of the {name}"] = repr(getattr(thing, "__dict__", thing)).encode()
    with contextlib.suppress(TypeError):  # Locks and interpreters cannot be pickled, which is as good.
        places["pickled client"] = pickle.dumps(client)
    for folder in (deployed.edge, deployed.serving):
        for path in pathlib.Path(folder).rglob("*"):
            if path.is_file():
                places[str(path)] = path.read_bytes()
    deployed.model.save(tmp_path / "model.keras")
    places["model.keras"] = (tmp_path / "model.keras").read_bytes()
    places["config"] = json.dumps(deployed.model.get_config(), default=str).encode()
    places["server metrics"] = urllib3.request("GET", server.rest_url + "/monitoring/prometheus/metrics").data
    assert len(Recorded.made) == 6 and len(places) > 15
    for key in Recorded.made:
        for form in forms(key):
            for name, content in places.items():
                assert form not in content, f"key material in {name}"


def test_the_hunt_finds_what_is_there():
    key = random_orthogonal(4)
    for leak in (key.tobytes(), key.astype("f8").T.tobytes(), repr(key.tolist()).encode(), str(key).encode()):
        assert any(form in b"..." + leak + b"..." for form in forms(key))


# Looks for keys in the process's memory after they were used, wiped and collected. What is looked for is kept masked,
# and memory is masked before it is searched, so that the search does not find itself.
SEARCH = """
import gc, sys
import numpy as np
import serving.edge.client as client_module
import serving.edge.keys as keys

MASK, hidden, leave = 0x5A, [], sys.argv[3] == "leave"

def hide(matrix):
    kind = {4: np.uint32, 8: np.uint64}[matrix.itemsize]
    stored = matrix if matrix.flags.c_contiguous else matrix.T
    masked = np.empty(stored.shape, kind)
    for place in np.ndindex(*stored.shape):
        masked[place] = int(stored.view(kind)[place]) ^ int.from_bytes(bytes([MASK]) * matrix.itemsize, "little")
    hidden.extend(row.tobytes() for way in (masked, np.ascontiguousarray(masked.T)) for row in way)

columns, kept = keys.random_columns, []
def remembered(size, count):
    made = columns(size, count)
    hide(made)
    return made
keys.random_columns = remembered

class Remembered(keys.Key):
    def __init__(self, size):
        super().__init__(size)
        hide(self.matrix)
        if leave:
            kept.append(np.array(self.matrix))
client_module.Key = Remembered

client = client_module.EdgeClient(sys.argv[1], sys.argv[2], quiet=True)
for _ in range(3):
    client.predict(np.random.default_rng().uniform(0, 255, (4, 8, 8, 3)))
client.close()
del client
gc.collect()
found = 0
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps.readlines():
        span, rights, *_ = line.split()
        start, end = (int(part, 16) for part in span.split("-"))
        if "w" in rights:
            memory.seek(start)
            there = np.bitwise_xor(np.frombuffer(memory.read(end - start), np.uint8), MASK).tobytes()
            found += sum(there.count(row) for row in hidden)
print(len(hidden), found)
"""


@pytest.mark.skipif(not pathlib.Path("/proc/self/mem").exists(), reason="memory is read as Linux shows it")
def test_no_key_is_left_in_memory(deployed, server):
    def search(how):
        command = [sys.executable, "-c", SEARCH, deployed.edge, server.rest_url, how]
        result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return map(int, result.stdout.split())

    hidden, found = search("wipe")
    assert hidden == 8 * (1 + 2 * 3) and found == 0  # the exact matrix of the bundle's check; of each key two forms
    _, found = search("leave")
    assert found >= 3 * 4
