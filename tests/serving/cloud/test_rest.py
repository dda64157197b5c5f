"""TensorFlow Serving's REST contract, behaviour by behaviour; docs/reference/rest.md lists them with these tests."""

import base64
import gzip
import json
import math
import socket
import time

import numpy as np
import pytest
import urllib3

from tests.serving.cloud.conftest import MAX_BODY
from tests.serving.deployments import served

MODEL = "/v1/models/half_plus_three"


def test_row_format(predict):
    assert predict({"instances": [1.0, 2.0, 5.0]}) == (200, {"predictions": [3.5, 4.0, 5.5]})


def test_row_format_with_named_input(predict):
    assert predict({"instances": [{"x": 1.0}, {"x": 2}]}) == (200, {"predictions": [3.5, 4.0]})


def test_column_format(predict):
    assert predict({"inputs": [1.0, 2.0]}) == (200, {"outputs": [3.5, 4.0]})
    assert predict({"inputs": {"x": [1.0, 2.0]}}) == (200, {"outputs": [3.5, 4.0]})


def test_several_inputs_and_outputs_by_row(predict):
    status, answer = predict(
        {"signature_name": "several", "instances": [{"tag": "a", "pair": [1, 2]}, {"tag": "bc", "pair": [3, 4]}]}
    )
    assert status == 200
    assert answer["predictions"] == [
        {"tag": "a", "raw_bytes": {"b64": "YQ=="}, "total": 3},
        {"tag": "bc", "raw_bytes": {"b64": "YmM="}, "total": 7},
    ]


def test_several_inputs_and_outputs_by_column(predict):
    status, answer = predict({"signature_name": "several", "inputs": {"tag": ["a"], "pair": [[1, 2]]}})
    assert status == 200
    assert answer["outputs"] == {"tag": ["a"], "raw_bytes": [{"b64": "YQ=="}], "total": [3]}


def test_columns_need_not_share_their_first_dimension(predict):
    status, answer = predict({"signature_name": "columns", "inputs": {"one": 2.0, "many": [1.0, 2.0, 3.0]}})
    assert (status, answer) == (200, {"outputs": {"scaled": [2.0, 4.0, 6.0], "count": 3}})


def test_binary_values_are_base64(predict):
    raw = bytes(range(256))
    value = {"b64": base64.b64encode(raw).decode()}
    _, answer = predict({"signature_name": "several", "instances": [{"tag": value, "pair": [0, 0]}]})
    assert base64.b64decode(answer["predictions"][0]["raw_bytes"]["b64"]) == raw


def test_signature_name_is_optional_and_checked(predict):
    assert predict({"signature_name": "serving_default", "instances": [1.0]})[0] == 200
    status, answer = predict({"signature_name": "other", "instances": [1.0]})
    assert status == 400 and answer["error"] == 'Serving signature name: "other" not found in signature def'
    assert predict({"signature_name": 3, "instances": [1.0]})[0] == 400


def test_numbers_that_are_not_finite(http):
    response = http("POST", f"{MODEL}:predict", '{"instances": [NaN, Infinity, -Infinity, 1e0]}')
    assert response.data == b'{"predictions": [NaN, Infinity, -Infinity, 3.5]}'


def test_floats_are_written_with_their_own_digits(predict, http):
    response = http("POST", f"{MODEL}:predict", '{"instances": [-5.8]}')
    written = json.loads(response.data)["predictions"][0]
    assert np.float32(written) == np.float32(-5.8) / np.float32(2) + np.float32(3)
    assert len(response.data) < len('{"predictions":[0.0999999046325684]}')


@pytest.mark.parametrize("path", ["", "/versions/123"])
def test_status(http, path):
    response = http("GET", MODEL + path)
    assert response.status == 200 and response.headers["content-type"] == "application/json"
    expected = {"version": "123", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert json.loads(response.data) == {"model_version_status": [expected]}


def test_version_in_the_path(predict):
    assert predict({"instances": [1.0]}, f"{MODEL}/versions/123:predict") == (200, {"predictions": [3.5]})


def test_metadata(http):
    answer = json.loads(http("GET", f"{MODEL}/metadata").data)
    assert answer["model_spec"] == {"name": "half_plus_three", "signature_name": "", "version": "123"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert signature["inputs"]["x"]["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert set(answer["metadata"]["signature_def"]) == {"signature_def"}
    assert json.loads(http("GET", f"{MODEL}/versions/123/metadata").data) == answer


def test_paths_are_case_insensitive(predict):
    assert predict({"instances": [1.0]}, "/V1/Models/half_plus_three:Predict")[0] == 200


@pytest.mark.parametrize(
    "method, path, text",
    [
        ("POST", "/v1/models/half:predict", "Servable not found for request: Latest(half)"),
        ("POST", f"{MODEL}/versions/7:predict", "Servable not found for request: Specific(half_plus_three, 7)"),
        ("GET", "/v1/models/half", "Could not find any versions of model half"),
        ("GET", f"{MODEL}/versions/7", "Could not find version 7 of model half_plus_three"),
        ("GET", f"{MODEL}/versions/{'0' * 5000}7", "Could not find version 7 of model half_plus_three"),
        ("GET", f"{MODEL}/versions/{2**63 - 1}", f"Could not find version {2**63 - 1} of model half_plus_three"),
        ("GET", "/v1/models/half/metadata", "Servable not found for request: Latest(half)"),
        ("GET", "/elsewhere", "Not found: /elsewhere"),
        ("BREW", "/elsewhere", "Not found: /elsewhere"),
        ("POST", "/v1/models/half%2Fplus%3Aé:predict", "Servable not found for request: Latest(half/plus:é)"),
    ],
)
def test_what_is_not_there_is_404(http, method, path, text):
    response = http(method, path, '{"instances": [1.0]}' if method == "POST" else None)
    assert (response.status, json.loads(response.data)) == (404, {"error": text})


@pytest.mark.parametrize(
    "method, path, text",
    [
        ("GET", f"{MODEL}:predict", "Malformed request: GET "),
        ("POST", MODEL, "Malformed request: POST "),
        ("PUT", f"{MODEL}:predict", "Malformed request: PUT "),
        ("BREW", f"{MODEL}:predict", "Malformed request: BREW "),
        ("POST", f"{MODEL}:explain", "Malformed request: "),
        ("POST", f"{MODEL}/metadata", "Malformed request: "),
        ("GET", f"{MODEL}/versions/x", "Malformed request: "),
        ("GET", f"{MODEL}/versions/%D9%A1", "Malformed request: "),  # ARABIC-INDIC DIGIT ONE
        ("GET", "/v1/model%C5%BF/half_plus_three", "Malformed request: "),  # LATIN SMALL LETTER LONG S
        ("GET", f"{MODEL}/versions/99999999999999999999", "Failed to convert version: 9"),
        ("GET", f"{MODEL}/versions/9223372036854775808", "Failed to convert version: 9223372036854775808 to numeric."),
        ("GET", f"{MODEL}/versions/{'9' * 5000}", "Failed to convert version: 9"),
        ("GET", "/v1/models", "Missing model name in request."),
        ("GET", "/v1/models/versions/1/metadata", "Missing model name in request."),
        ("GET", f"{MODEL}/labels/none", "Unrecognized servable version label: none"),
        ("GET", f"{MODEL}/labels/a%2Fb/metadata", "Unrecognized servable version label: a/b"),
        ("POST", f"{MODEL}/labels/stable:predict", "Unrecognized servable version label: stable"),
        ("OPTIONS", f"{MODEL}:predict", "Origin header is missing in CORS preflight"),
    ],
)
def test_malformed_requests_are_400(http, method, path, text):
    response = http(method, path)
    assert response.status == 400 and json.loads(response.data)["error"].startswith(text), response.data


def test_names_may_be_percent_encoded(predict, http):
    assert predict({"instances": [1.0]}, "/v1/models/half%5Fplus%5Fthree:predict") == (200, {"predictions": [3.5]})
    assert http("GET", "/v1/models/half%5fplus_three/versions/123/metadata").status == 200


@pytest.mark.parametrize("method, kind", [("classify", "classification"), ("regress", "regression")])
def test_classify_and_regress_say_that_the_signature_is_for_predict(predict, method, kind):
    status, answer = predict({"examples": [{"x": 1.0}]}, f"{MODEL}:{method}")
    assert status == 400 and answer["error"].startswith(f"No {kind} inputs found in SignatureDef: inputs {{")


def test_signatures_may_be_asked_for_their_method_s_name(models):
    with served(models, check_methods=True) as server:
        body = '{"signature_name": "classify_x_to_y", "examples": [{"x": 1.0}]}'
        response = urllib3.request("POST", f"{server.rest_url}{MODEL}:classify", body=body, retries=False)
    expected = (
        "Expected classification signature method_name to be tensorflow/serving/classify. Was: tensorflow/serving/"
    )
    assert response.status == 400 and json.loads(response.data)["error"] == expected + "predict"


def test_classify(predict):
    body = {"signature_name": "classify_x_to_y", "examples": [{"x": 20.0}, {"x": [0.25], "more": ["a", "b"]}]}
    expected = {"results": [[["large", 12.0], ["any", 20.0]], [["small", 2.125], ["any", 0.25]]]}
    assert predict(body, f"{MODEL}:classify") == (200, expected)


def test_regress_with_a_context(predict):
    body = {"signature_name": "regress_x_to_y", "context": {"x": 80.0}, "examples": [{}, {"x": 20.0}]}
    assert predict(body, f"{MODEL}:regress") == (200, {"results": [42.0, 12.0]})
    assert predict({**body, "context": {"x": {"b64": "AAAA"}}}, f"{MODEL}:regress")[0] == 400


@pytest.mark.parametrize(
    "body, text",
    [
        ({}, "key 'examples' is expected"),
        ({"examples": {}}, "Expecting 'examples' value to be an list/array"),
        ({"examples": []}, "'examples' value is an empty array"),
        ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ({"examples": [{"x": None}]}, "unexpected JSON type: Null"),
        ({"examples": [{"x": [[1.0]]}]}, "unexpected JSON type: Array"),
        ({"examples": [{"x": {"y": 1}}]}, "unexpected JSON type: Object"),
        ({"examples": [{"x": [1, 1.5]}]}, "Unexpected element type in feature: x"),
        ({"examples": [{"x": 2**63}]}, "Only int64_t is supported"),
        ({"examples": [{"x": 1.0}], "signature_name": "other"}, "No signature was found with the name: other"),
        ({"examples": [{"x": 1}], "signature_name": "regress_x_to_y"}, "the model refused the request"),
        ({"examples": [{"x": 1.0}], "signature_name": "several"}, "Expected one input Tensor"),
        ({"examples": [{"x": 1.0}], "signature_name": "classify_x_to_y"}, "Expected one output Tensor, found 2"),
    ],
)
def test_examples_that_cannot_be_used_are_400(predict, body, text):
    body = {"signature_name": "regress_x_to_y", **body}
    status, answer = predict(body, f"{MODEL}:regress")
    assert status == 400 and text in answer["error"]


@pytest.mark.parametrize(
    "number, answer",
    [
        ("-1e20", -5e19),
        (str(-(2**63) - 1), -(2.0**62)),
        (str(2**64), 2.0**63),
        ("Infinity", math.inf),
        ("1e39", math.inf),
    ],
)
def test_numbers_of_examples_beyond_whole_numbers_are_floats(predict, number, answer):
    body = f'{{"signature_name": "regress_x_to_y", "examples": [{{"x": {number}}}]}}'
    assert predict(body, f"{MODEL}:regress") == (200, {"results": [pytest.approx(answer)]})


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400])
def test_examples_with_more_digits_than_a_number_has_are_400(predict, number):
    status, answer = predict(
        f'{{"signature_name": "regress_x_to_y", "examples": [{{"x": {number}}}]}}', f"{MODEL}:regress"
    )
    assert status == 400 and "JSON Parse error: Number too big to be stored in double" in answer["error"]


@pytest.mark.parametrize(
    "number, read", [("1435774380", 1435774336.0), ("1.79769e+308", math.inf), ("-1e39", -math.inf), ("4.9e-324", 0.0)]
)
def test_numbers_are_rounded_to_the_input_s_type(predict, number, read):
    status, answer = predict(f'{{"instances": [{number}]}}')
    assert status == 200 and np.float32(answer["predictions"][0]) == np.float32(read) / np.float32(2) + np.float32(3)


def test_whole_numbers_of_64_bits(predict):
    values = [2**64 - 1, 2**63, 0]
    assert predict({"signature_name": "wide", "instances": values}) == (200, {"predictions": values})
    for value in (-1, 2**64, 1.0, True):
        status, answer = predict({"signature_name": "wide", "instances": [0, value]})
        assert status == 400 and "is not of expected type: uint64" in answer["error"]


@pytest.mark.parametrize("text", ["YQ==", "YQ", "Y\nQ==", " YQ\r\n"])
def test_base64_may_lack_padding_and_have_line_breaks(predict, text):
    _, answer = predict({"signature_name": "several", "inputs": {"tag": [{"b64": text}], "pair": [[0, 0]]}})
    assert answer["outputs"]["tag"] == ["a"]


def test_a_shape_that_the_signature_does_not_name_is_the_graph_s_to_refuse(predict):
    asked = {"signature_name": "column"}
    assert predict({**asked, "instances": [1.0, 2.0, 5.0]}) == (200, {"predictions": [2.5, 3.0, 4.5]})
    assert predict({**asked, "inputs": [[[1.0]]]}) == (200, {"outputs": [[[2.5]]]})
    assert predict({**asked, "inputs": []}) == (200, {"outputs": []})
    assert predict({"inputs": 1.0}) == (200, {"outputs": 3.5})
    status, answer = predict({"signature_name": "several", "inputs": {"tag": ["a"], "pair": 1}})
    assert status == 400 and "input 'pair' must have shape (None, 2), received (): the model refused" in answer["error"]


def test_more_rows_than_the_queue_holds(predict):
    values = [float(value) for value in range(5000)]
    assert predict({"instances": values}) == (200, {"predictions": [value / 2 + 3 for value in values]})


def test_outputs_that_json_cannot_hold_are_400(predict):
    status, answer = predict({"signature_name": "spectrum", "instances": [1.0]})
    assert status == 400 and "Failed to write JSON value for tensor type: complex64" in answer["error"]
    status, answer = predict({"signature_name": "word", "instances": [1.0]})
    assert status == 400 and "Tensor name: word has no shape information" in answer["error"]


def test_pages_from_elsewhere_may_ask_where_it_is_switched_on(models, http):
    origin = {"origin": "http://page"}
    assert "access-control-allow-origin" not in http("POST", f"{MODEL}:predict", '{"instances": [1.0]}', origin).headers
    with served(models, cors=True, token="secret") as server:

        def ask(method, path, **headers):
            return urllib3.request(method, server.rest_url + path, headers={**origin, **headers}, retries=False)

        preflight = ask("OPTIONS", f"{MODEL}:predict")
        assert preflight.status == 200 and preflight.headers["access-control-allow-methods"] == "POST, GET"
        for headers, status in (({}, 401), ({"authorization": "Bearer secret"}, 200)):
            answer = ask("GET", MODEL, **headers)
            assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, "*")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "1",
        b"\xff\xfe",
        "[" * 100_000,
        '{"instances": ' + "[" * 500 + "]" * 500 + "}",
        "{}",
        '{"instances": []}',
        '{"instances": 1.0}',
        '{"instances": [1.0], "inputs": [1.0]}',
        '{"instances": [[1.0], [1.0, 2.0]]}',
        '{"instances": ["a"]}',
        '{"instances": [true]}',
        '{"instances": [null]}',
        '{"instances": [1.0, {"x": 1.0}]}',
        '{"instances": [{"z": 1.0}]}',
        '{"instances": [{"x": 1.0, "z": 1.0}]}',
        '{"instances": [{"b64": "AAAA"}]}',
        '{"instances": [1e309]}',
        '{"instances": [1, true]}',
        '{"instances": [' + "9" * 5000 + "]}",
        '{"inputs": {"z": [1.0]}}',
        '{"signature_name": "several", "instances": ["a"]}',
        '{"signature_name": "several", "instances": [{"tag": "a", "pair": [1, 2.5]}]}',
        '{"signature_name": "several", "instances": [{"tag": "a", "pair": [1, 3000000000]}]}',
        '{"signature_name": "several", "instances": [{"tag": 1, "pair": [1, 2]}]}',
        '{"signature_name": "several", "instances": [{"tag": {"b64": "?"}, "pair": [1, 2]}]}',
        '{"signature_name": "positive", "instances": [-1.0]}',
        '{"signature_name": "several", "inputs": {"pair": [[1, 2]], "tag": ' + "[" * 100 + '"a"' + "]" * 100 + "}}",
        '{"signature_name": "unequal", "instances": [1.0, 2.0]}',
    ],
)
def test_bodies_that_cannot_be_used_are_400(predict, body):
    status, answer = predict(body)
    assert status == 400 and set(answer) == {"error"} and answer["error"]


def test_one_bad_request_does_not_fail_the_requests_in_its_batch(http, server):
    pool = urllib3.PoolManager(retries=False, maxsize=8)
    import concurrent.futures

    def ask(value):
        body = json.dumps({"signature_name": "positive", "instances": [value]})
        return pool.request("POST", server.rest_url + f"{MODEL}:predict", body=body).status

    values = [1.0, -1.0] * 20
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, values)) == [200, 400] * 20


def test_gzip_in_and_out(http):
    values = [float(value) for value in range(1000)]
    body = gzip.compress(json.dumps({"instances": values}).encode())
    headers = {"content-encoding": "gzip", "accept-encoding": "gzip"}
    response = http("POST", f"{MODEL}:predict", body, headers, decode_content=False)
    assert response.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(response.data))["predictions"] == [value / 2 + 3 for value in values]
    assert "content-encoding" not in http("POST", f"{MODEL}:predict", body, {"content-encoding": "gzip"}).headers


def test_gzip_bombs_are_413(http):
    bomb = gzip.compress(b" " * (100 * MAX_BODY))
    assert len(bomb) < MAX_BODY
    response = http("POST", f"{MODEL}:predict", bomb, {"content-encoding": "gzip"})
    assert response.status == 413 and f"at most {MAX_BODY} bytes" in json.loads(response.data)["error"]


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(b'{"instances": [1.0]}')[:-9]], ids=["not gzip", "cut short"]
)
def test_broken_gzip_is_400(http, body):
    assert http("POST", f"{MODEL}:predict", body, {"content-encoding": "gzip"}).status == 400


def test_other_encodings_are_415(http):
    assert http("POST", f"{MODEL}:predict", b"x", {"content-encoding": "br"}).status == 415


def test_large_bodies_are_413_whether_declared_or_not(http):
    assert http("POST", f"{MODEL}:predict", b" " * (MAX_BODY + 1)).status == 413
    chunks = (b" " * 65536 for _ in range(2 * MAX_BODY // 65536))
    assert http("POST", f"{MODEL}:predict", chunks).status == 413


def test_slow_headers_and_slow_bodies_are_cut(server, predict):
    trickling = socket.create_connection(("127.0.0.1", server.rest_port))
    trickling.sendall(b"POST /v1/models/half_plus_three:predict HTTP/1.1\r\nHost: x\r\nX-")
    slow_body = socket.create_connection(("127.0.0.1", server.rest_port))
    slow_body.sendall(b"POST /v1/models/half_plus_three:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    started = time.monotonic()
    trickling.settimeout(5)
    slow_body.settimeout(5)
    assert trickling.recv(1000) == b""
    assert b" 408 " in slow_body.recv(1000)
    assert time.monotonic() - started < 4
    assert predict({"instances": [1.0]})[0] == 200


def test_endless_headers_and_unread_answers_are_cut(server, predict):
    """A header of megabytes; and answers of megabytes that nobody fetches."""
    greedy = socket.create_connection(("127.0.0.1", server.rest_port))
    greedy.sendall(b"GET /v1/models/half_plus_three HTTP/1.1\r\nHost: x\r\nX-Long: ")
    with pytest.raises(OSError):
        for _ in range(1000):
            greedy.sendall(b"a" * 65536)
    numbers = ",".join(["1.5"] * 1000)
    body = ('{"instances": [' + numbers + "]}").encode()
    head = f"POST {MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    unread = socket.socket()
    unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    unread.connect(("127.0.0.1", server.rest_port))
    unread.settimeout(0.5)
    ended = time.monotonic() + 20
    with pytest.raises(OSError, match=r"reset|Broken pipe|closed"):
        while time.monotonic() < ended:
            try:
                unread.sendall(head + body)
            except TimeoutError:
                time.sleep(0.2)
    assert predict({"instances": [1.0]})[0] == 200


def test_scalar_strings(predict):
    status, answer = predict({"signature_name": "word", "inputs": [1.0]})
    assert (status, answer) == (200, {"outputs": "done"})


def test_health_and_metrics(models):
    # A server of its own: another may still be counting what an earlier test asked it.
    with served(models) as server, urllib3.PoolManager(retries=False) as pool:

        def get(path):
            return pool.request("GET", server.rest_url + path)

        def counted(status):
            label = f':tensorflow:serving:request_count{{model_name="half_plus_three",status="{status}"}}'
            lines = get("/monitoring/prometheus/metrics").data.decode().splitlines()
            assert "# TYPE :tensorflow:serving:request_count counter" in lines
            return next((float(line.split()[-1]) for line in lines if line.startswith(label)), 0.0)

        assert get("/healthz/live").status == get("/healthz/ready").status == 200
        assert (counted("OK"), counted("INVALID_ARGUMENT")) == (0, 0)
        for value in (1.0, "a"):
            pool.request("POST", server.rest_url + f"{MODEL}:predict", body=json.dumps({"instances": [value]}))
        assert (counted("OK"), counted("INVALID_ARGUMENT")) == (1, 1)
        labels = '{API="predict",entrypoint="REST",model_name="half_plus_three"}'
        metrics = get("/monitoring/prometheus/metrics").data.decode()
        assert f":tensorflow:serving:request_latency_count{labels} 1" in metrics.splitlines()


def test_invented_model_names_make_no_new_metrics(http, predict):
    for index in range(5):
        predict({"instances": [1.0]}, f"/v1/models/invented{index}:predict")
    assert b"invented" not in http("GET", "/monitoring/prometheus/metrics").data


def test_a_scalar_in_a_column(predict):
    status, answer = predict({"signature_name": "columns", "inputs": {"one": math.pi, "many": [1.0]}})
    assert status == 200 and np.float32(answer["outputs"]["scaled"][0]) == np.float32(math.pi)


def test_an_answer_that_takes_too_long_is_504(models):
    with served(models, timeout=0.2) as server, urllib3.PoolManager(retries=False) as pool:
        body = json.dumps({"signature_name": "spin", "instances": [1.0]})
        response = pool.request("POST", server.rest_url + f"{MODEL}:predict", body=body)
        assert response.status == 504
        assert json.loads(response.data) == {"error": "the answer was not ready within 0.2 s"}
