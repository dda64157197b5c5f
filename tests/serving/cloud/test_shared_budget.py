"""What is under way by one way counts for the others: REST, the gateway and gRPC have one budget of bytes."""

import threading
import time

import grpc
import pytest
import urllib3

from benchmarks.serving_process import free_port
from serving.cloud import __main__ as main
from serving.protocol import ohttp
from tests.serving.hostile import unfinished

KIB = 1 << 10
PREDICT = "/v1/models/half_plus_three:predict"
BODY = b'{"instances": [1.0]}'.ljust(70 * KIB)


@pytest.fixture(scope="module")
def server(models, tmp_path_factory):
    flags = ["--max_body_bytes", str(100 * KIB), "--max_inflight_bytes", str(150 * KIB), "--read_seconds", "30"]
    flags += ["--oblivious_key_file", str(tmp_path_factory.mktemp("budget") / "key")]
    flags += ["--rest_api_port", str(free_port()), "--port", str(free_port())]
    made = main.make_server(main.read_arguments(["--model_base_path", models, *flags]))
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    while not made.ready:
        assert thread.is_alive()
        time.sleep(0.01)
    yield made
    made.stop()
    thread.join(30)


@pytest.mark.parametrize(
    ("path", "kind"), [(PREDICT, "application/json"), (ohttp.GATEWAY_PATH, ohttp.REQUEST_TYPE)], ids=["rest", "gateway"]
)
def test_rest_the_gateway_and_grpc_share_one_budget(server, path, kind):
    url = server.rest_url

    def statuses():
        yield urllib3.request("POST", url + PREDICT, body=BODY, retries=False).status
        sealed = {"headers": {"content-type": ohttp.REQUEST_TYPE}, "body": BODY, "retries": False}
        yield urllib3.request("POST", url + ohttp.GATEWAY_PATH, **sealed).status
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            with pytest.raises(grpc.RpcError) as raised:
                channel.unary_unary("/tensorflow.serving.PredictionService/Predict")(BODY, timeout=10)
            yield raised.value.code()

    with unfinished(url, path, kind, 1, 90 * KIB):
        assert list(statuses()) == [429, 429, grpc.StatusCode.RESOURCE_EXHAUSTED]
    while server._in_flight.bytes:
        time.sleep(0.01)
    rest, sealed, called = statuses()
    assert rest == 200 and sealed in (400, 422) and called == grpc.StatusCode.INVALID_ARGUMENT  # sealed for nobody
