"""HTTP below the REST API. `given` is the verb, the path, the body and headers; answers are JSON."""

import gzip

from tests.serving.contract_cases.case import Case, Refused, held, not_offered
from tests.serving.contract_cases.names import NAME, VERSION

REQUEST, SERVER = "evhttp_request", "evhttp_server"
HANDLERS = "Handlers, dispatchers and options of the HTTP library are interfaces of C++"
QUERY = "A query (`?...`) is no part of the path"
ADDED = "TLS, tokens, 408, 413, 415 and the limits behind them"
_BODY = b'{"inputs": [4, 6]}'
_POST = ("POST", f"/v1/models/{NAME}:predict")
_ANSWER = {"outputs": [4.0, 5.0]}
_STATUS = {
    "model_version_status": [
        {"version": str(VERSION), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    ]
}


def _case(what, given, theirs, ours=None, why="", files=REQUEST):
    return Case(files, what, given, theirs, ours, why)


def _gzip(body, name="content-encoding", encoding="gzip"):
    return (*_POST, body, {name: encoding})


CASES = [
    _case("GET of a path that nobody handles", ("GET", "/none"), Refused(404), files=f"{REQUEST} {SERVER}"),
    _case("GET", ("GET", f"/v1/models/{NAME}"), _STATUS, files=f"{REQUEST} {SERVER}"),
    _case("POST", (*_POST, _BODY), _ANSWER),
    _case("a path with a slash at its end", ("GET", f"/v1/models/{NAME}/"), Refused(400, "Malformed request")),
    _case(
        "a path with a query",
        ("GET", f"/v1/models/{NAME}?a=b"),
        Refused(404, f"Could not find any versions of model {NAME}?a=b"),
        _STATUS,
        QUERY,
    ),
    _case("headers' names in capitals", _gzip(gzip.compress(_BODY), "CONTENT-ENCODING"), _ANSWER),
    held(REQUEST, "headers of answers", "test_answers_are_json"),
    _case("gzip that is none", _gzip(b"hello"), Refused(400)),
    _case("gzip", _gzip(gzip.compress(_BODY)), _ANSWER),
    _case("gzip by another name", _gzip(gzip.compress(_BODY), encoding="my_gzip"), _ANSWER, Refused(415), ADDED),
    _case("gzip of a large body", _gzip(gzip.compress(_BODY + b" " * (1 << 20))), _ANSWER),
    Case(REQUEST, "gzip of more than is allowed", held="test_gzip_bombs_are_413", why=ADDED),
    not_offered(REQUEST, "gzip that is not inflated", HANDLERS),
    held(SERVER, "a server that is given port 0 has a port", "test_rest_requests"),
    held(SERVER, "requests under way are answered before the end", "test_sigterm_answers_what_is_under_way"),
    *(
        not_offered(SERVER, what, HANDLERS)
        for what in (
            "a server that accepts and one that ends",
            "a handler in another's place",
            "one dispatcher",
            "a handler before a dispatcher",
            "two dispatchers, in order",
            "a handler that waits for the client",
        )
    ),
]
