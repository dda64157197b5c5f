"""The Oblivious HTTP gateway around a small application: what is told in plain, what is sealed, what is refused."""

import asyncio
import json
import time

import pytest

from serving.cloud.gateway import Gateway
from serving.protocol import bhttp, ohttp
from serving.protocol.limits import Limits
from serving.protocol.dates import read_date, write_date

KEYS = [ohttp.GatewayKey(3), ohttp.GatewayKey(2)]


class Application:
    """Answers 429 to `/busy`, fails in some places, says what it was asked elsewhere."""

    ERRORS = {
        "/broken": RuntimeError("secret path /home/me"),
        "/large": MemoryError(),
        "/end": asyncio.CancelledError(),
    }

    def __init__(self):
        self.scopes = []

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        if scope["path"] in self.ERRORS:
            raise self.ERRORS[scope["path"]]
        body = (await receive())["body"]
        status, headers = (
            (429, [(b"retry-after", b"7"), (b"set-cookie", b"a=b")]) if scope["path"] == "/busy" else (200, [])
        )
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": scope["path"].encode() + b" " + body})


@pytest.fixture
def application():
    return Application()


@pytest.fixture
def gateway(application):
    return Gateway(application, lambda: ohttp.GatewayKeys(KEYS), Limits(max_body_bytes=1 << 16), only=True)


def ask(gateway, body, method="POST", content_type=ohttp.REQUEST_TYPE, path=ohttp.GATEWAY_PATH):
    """Status, headers and content of what the gateway answers."""
    headers = [(b"content-type", content_type.encode())]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers, "client": None}
    sent = []

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    asyncio.run(gateway(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent)


def seal(path="/v1", content=b"x", key=KEYS[0], date=None, **headers):
    headers = {"date": write_date(time.time() if date is None else date), **headers}
    return ohttp.Sealed(key.config, bhttp.write_request("POST", path, headers, content))


def inside(gateway, sealed):
    """The answer in the sealed one, which must be there with 200."""
    status, headers, content = ask(gateway, sealed.body)
    assert status == 200 and headers["content-type"] == ohttp.RESPONSE_TYPE
    return bhttp.read_response(sealed.open(content))


def changed(body):
    return body[:-1] + bytes([body[-1] ^ 1])


@pytest.mark.parametrize(
    "body, status, kind",
    [
        (b"", 400, ohttp.NO_TYPE),
        (b"x" * 54, 400, ohttp.NO_TYPE),
        (b"\1" + seal().body[1:], 422, ohttp.KEY_PROBLEM),  # no key has this id
        (b"\2" + seal().body[1:], 422, ohttp.KEY_PROBLEM),  # another key has
        (changed(seal().body), 422, ohttp.KEY_PROBLEM),
        (seal(key=ohttp.GatewayKey(3)).body, 422, ohttp.KEY_PROBLEM),
        (bytes(1 << 17), 413, ohttp.NO_TYPE),
    ],
)
def test_errors_before_opening_are_plain(gateway, application, body, status, kind):
    found, headers, content = ask(gateway, body)
    assert (found, headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(content)["type"] == kind and json.loads(content)["title"] and not application.scopes


def test_other_methods_and_types_are_refused_in_plain(gateway):
    assert ask(gateway, b"x", content_type="message/bhttp")[0] == 415
    assert ask(gateway, b"", method="PUT")[0] == 405
    assert ask(gateway, b"", path="/v1/models/m")[0] == 403


@pytest.mark.parametrize(
    "request_, status, kind",
    [
        (b"\1@\xc8", 400, ohttp.NO_TYPE),  # an answer
        (b"\0\4POST", 400, ohttp.NO_TYPE),  # no path: nothing is there
        (b"\0\4POST\5https\0\1/\0\1x\0\0rest", 400, ohttp.NO_TYPE),  # padding that is none
        (bhttp.write_request("POST", "/", {"expect": "100-continue"}, b""), 417, ohttp.NO_TYPE),
        (bhttp.write_request("POST", "/", {}, b""), 400, ohttp.DATE_PROBLEM),
        (bhttp.write_request("POST", "/", {"date": "yesterday"}, b""), 400, ohttp.DATE_PROBLEM),
    ],
)
def test_errors_after_opening_are_sealed(gateway, application, request_, status, kind):
    sealed = ohttp.Sealed(KEYS[0].config, request_)
    found, headers, content = inside(gateway, sealed)
    assert (found, headers["content-type"], json.loads(content)["type"]) == (status, "application/problem+json", kind)
    assert abs(read_date(headers["date"]) - time.time()) < 60 and not application.scopes


def test_errors_of_the_application_are_sealed(gateway, caplog):
    assert inside(gateway, seal("/busy"))[:2] == (429, {"content-type": "application/json", "retry-after": "7"})
    assert [inside(gateway, seal(path))[0] for path in ("/large", "/end")] == [413, 503]
    status, _, content = inside(gateway, seal("/broken"))
    assert status == 500 and b"secret" not in content and "secret" in caplog.text


def test_the_application_is_told_nothing_of_who_asks(gateway, application):
    sealed = seal("/v1/x%20y?a=b", b"abc", authorization="Bearer t", cookie="me", forwarded="for=10.0.0.1")
    assert inside(gateway, sealed) == (200, {"content-type": "application/json"}, b"/v1/x y abc")
    (scope,) = application.scopes
    assert dict(scope["headers"]) == {b"authorization": b"Bearer t", b"content-length": b"3"} and not scope["client"]


def test_a_sealed_answer_has_no_other_headers(gateway):
    for sealed in (seal(), seal("/busy")):
        _, headers, _ = ask(gateway, sealed.body)
        assert set(headers) == {"content-type", "content-length", "cache-control"}
        assert headers["cache-control"] == "no-store"


def test_a_copy_is_not_answered_again(gateway, application):
    sealed = seal()
    answers = [inside(gateway, sealed)[0] for _ in range(3)]
    assert answers == [200, 409, 409] and len(application.scopes) == 1
    assert inside(gateway, seal())[0] == 200  # the same, sealed anew
    refused = seal("/busy")
    assert [inside(gateway, refused)[0] for _ in range(2)] == [429, 429]  # what was not answered may come again


@pytest.mark.parametrize("offset, status", [(-3600, 400), (-240, 200), (240, 200), (3600, 400)])
def test_the_date_must_be_within_minutes(gateway, offset, status):
    assert inside(gateway, seal(date=time.time() + offset))[0] == status


def test_two_keys_are_taken_and_offered(gateway):
    _, headers, content = ask(gateway, b"", method="GET")
    assert headers["content-type"] == ohttp.KEYS_TYPE
    assert ohttp.read_configs(content) == (KEYS[0].config, KEYS[1].config)
    for key in KEYS:
        assert inside(gateway, seal(key=key))[0] == 200
