"""The client against servers that misbehave: real sockets, scripted answers."""

import base64
import contextlib
import http.server
import json
import threading
import time

import numpy as np
import pytest

from serving.edge.errors import BadAnswerError, CloudError, DeadlineError
from serving.edge.manifest import Manifest
from serving.protocol import wire


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers with the next entry of `server.script`: a function of the handler and the body; the last one stays."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append(body)
        script = self.server.script
        (script.pop(0) if len(script) > 1 else script[0])(self, body)

    def answer(self, status, content=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def scripted():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    server.bodies, server.script, server.daemon_threads = [], [], True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def described(deployed):
    with open(f"{deployed.edge}/manifest.json", encoding="utf-8") as file:
        return Manifest.from_json(file.read())


def rows_of(body):
    return [base64.b64decode(instance["b64"]) for instance in json.loads(body)["instances"]]


def packed_answer(described, row, values=None, tag=None, fingerprint=None):
    """An answer to one row, right but for what is given."""
    values = np.zeros(described.answer_shape) if values is None else values
    start = wire.MAGIC + bytes([wire.LAYOUT, wire.CODES["float16"]]) + np.float32(1).tobytes()
    fingerprint = fingerprint or bytes.fromhex(described.fingerprint)
    return start + (tag or row[8:16]) + fingerprint + values.astype("<f2").tobytes()


def reply(described, change=lambda rows: rows, **wrong):
    """A script entry that answers every row, with `change` applied to the list of answers."""

    def send(handler, body):
        answers = change([packed_answer(described, row, **wrong) for row in rows_of(body)])
        predictions = [{"b64": base64.b64encode(answer).decode()} for answer in answers]
        handler.answer(200, json.dumps({"predictions": predictions}).encode())

    return send


def status(code, **headers):
    return lambda handler, body: handler.answer(code, b'{"error": "as scripted"}', headers.items())


def hang_up(handler, body):
    handler.close_connection = True
    handler.connection.close()


def half_an_answer(handler, body):
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"predictions": [')
    handler.close_connection = True


@pytest.mark.parametrize("failure", [status(429), status(503), hang_up, half_an_answer])
def test_what_may_pass_is_tried_again_with_the_same_bytes(scripted, described, make, inputs, failure):
    scripted.script = [failure, failure, reply(described)]
    assert make(scripted.url).predict(inputs[:4]).shape == (4, 3)
    assert len(scripted.bodies) == 3 and len(set(scripted.bodies)) == 1


@pytest.mark.parametrize("code", [400, 401, 404, 413, 500, 501, 302])
def test_other_statuses_are_not_tried_again(scripted, make, inputs, code):
    scripted.script = [status(code)]
    with pytest.raises(CloudError, match=rf"HTTP {code}.*as scripted"):
        make(scripted.url).predict(inputs[:4])
    assert len(scripted.bodies) == 1


def test_one_deadline_for_all_attempts(scripted, make, inputs):
    scripted.script = [status(503)]
    started = time.monotonic()
    with pytest.raises(DeadlineError, match=r"within 0\.6 s; the last attempt: HTTP 503.*as scripted"):
        make(scripted.url, deadline=0.6).predict(inputs[:4])
    assert time.monotonic() - started < 0.7 and 2 <= len(scripted.bodies) <= 6


def test_retry_after_is_heeded(scripted, described, make, inputs):
    scripted.script = [status(503, **{"retry-after": "0.4"}), reply(described)]
    started = time.monotonic()
    make(scripted.url).predict(inputs[:4])
    assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
    ids=["body", "header", "chunk"],
)
def test_an_answer_that_trickles_does_not_outlast_the_deadline(scripted, make, inputs, start):
    def trickle(handler, body):
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.wfile.write(start)
            for _ in range(50):
                handler.wfile.write(b"1")
                handler.wfile.flush()
                time.sleep(0.1)

    scripted.script = [trickle]
    started = time.monotonic()
    with pytest.raises(DeadlineError):
        make(scripted.url, deadline=0.5).predict(inputs[:4])
    assert time.monotonic() - started < 1.5


def test_no_server_at_all(make, inputs):
    with pytest.raises(DeadlineError, match=r"the last attempt: .*refused"):
        make("http://127.0.0.1:9", deadline=0.3).predict(inputs[:4])


def swap(answers):
    return [answers[1], answers[0], *answers[2:]]


NAN = np.full(16, np.nan)


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"change": lambda rows: rows[:-1]}, "answers to 4 rows, received 3"),
        ({"change": lambda rows: [*rows, rows[0]]}, "answers to 4 rows, received 5"),
        ({"change": swap}, "changed places"),
        ({"change": lambda rows: [row[:-2] for row in rows]}, "row 0 of the answer cannot be read"),
        ({"values": np.zeros(17)}, "row 0 of the answer cannot be read"),
        ({"values": NAN}, "not finite"),
        ({"fingerprint": bytes(8)}, "comes from the model 0000000000000000"),
        ({"change": lambda rows: [b"" for _ in rows]}, "row 0 of the answer cannot be read"),
    ],
)
def test_wrong_answers_are_refused_by_name(scripted, described, make, inputs, wrong, text):
    scripted.script = [reply(described, **wrong)]
    with pytest.raises(BadAnswerError, match=text):
        make(scripted.url).predict(inputs[:4])
    assert len(scripted.bodies) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"predictions": 3}', b'{"predictions": [1,2,3,4]}', b"\xff" * 9]
)
@pytest.mark.parametrize("wire_format", ["float16", "json"])
def test_answers_that_are_no_predictions(scripted, make, inputs, content, wire_format):
    scripted.script = [lambda handler, body: handler.answer(200, content)]
    with pytest.raises(BadAnswerError):
        make(scripted.url, wire=wire_format).predict(inputs[:4])


@pytest.mark.parametrize("rows", [[[0.0] * 15] * 4, [["a"] * 16] * 4, [[None] * 16] * 4, [[0.0] * 16] * 3])
def test_wrong_numbers_are_refused(scripted, make, inputs, rows):
    scripted.script = [lambda handler, body: handler.answer(200, json.dumps({"predictions": rows}).encode())]
    with pytest.raises(BadAnswerError):
        make(scripted.url, wire="json").predict(inputs[:4])


def test_all_or_nothing(scripted, described, make, inputs):
    """Of three messages the last one fails: nothing is predicted, counted or kept as a cover."""
    scripted.script = [reply(described), reply(described), status(500)]
    client = make(scripted.url, groups=1)
    with pytest.raises(CloudError):
        client.predict(inputs)
    assert len(scripted.bodies) == 3
    assert client.traffic.examples == client.traffic.messages == 0 and len(client._pool) == 40


def test_a_redirect_takes_no_mixtures_elsewhere(scripted, make, inputs):
    scripted.script = [status(307, location="http://127.0.0.1:9/")]
    with pytest.raises(CloudError, match="HTTP 307"):
        make(scripted.url).predict(inputs[:4])


def test_the_token_is_sent(scripted, described, make, inputs):
    tokens = []

    def check(handler, body):
        tokens.append(handler.headers["authorization"])
        reply(described)(handler, body)

    scripted.script = [check]
    make(scripted.url, token="secret").predict(inputs[:4])
    assert tokens == ["Bearer secret"]
