import json
import logging
import socket
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
import urllib3
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.cloud.model_config import discover
from serving.cloud.server import Server, ServerOptions
from serving.protocol.errors import ServingError
from tests.serving.cloud.test_grpc_api import request
from tests.serving.deployments import served


def test_a_server_leaves_the_logging_of_the_program_around_it_alone():
    class Handler(logging.Handler):
        closed = False

        def close(self):
            self.closed = True
            super().close()

    handler = Handler()
    server = Server(dict, ServerOptions(rest_api_port=0, grpc_port=None))
    server._socket.close()
    assert not handler.closed


def test_ports_open_once_the_models_are_loaded(models):
    go_on, opened = threading.Event(), []

    def slow():
        assert go_on.wait(30)
        return discover(models, None)

    def is_open(port):
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    with socket.create_server(("127.0.0.1", 0)) as free:
        grpc_port = free.getsockname()[1]
    server = Server(slow, ServerOptions(rest_api_port=0, grpc_port=grpc_port))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        opened += [is_open(server.rest_port), is_open(grpc_port)]
        go_on.set()
        while not server.ready:
            assert thread.is_alive()
        answer = urllib3.request("GET", server.rest_url + "/v1/models/half_plus_three", retries=False)
        assert opened == [False, False] and answer.status == 200 and is_open(grpc_port)
    finally:
        server.stop()
        thread.join(30)


def test_a_port_in_use_is_an_error_before_any_model_is_loaded():
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(ServingError, match=r"cannot listen on 127\.0\.0\.1:"):
        Server(dict, ServerOptions(rest_api_port=None, grpc_port=taken.getsockname()[1]))


def _has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
def test_ipv6(models):
    with served(models, host="::1") as server:
        assert server.rest_url == f"http://[::1]:{server.rest_port}"
        assert urllib3.request("GET", server.rest_url + "/healthz/ready", retries=False).status == 200
        with grpc.insecure_channel(f"[::1]:{server.grpc_port}") as channel:
            assert prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request(), timeout=10).outputs


def test_answers_as_bytes_and_metrics_elsewhere(models):
    with served(models, as_content=True, monitoring_path="/figures", batching=None) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            output = (
                prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request(), timeout=10).outputs["y"]
            )
        assert output.tensor_content and not output.float_val
        np.testing.assert_array_equal(tf.make_ndarray(output), [3.5, 4.0, 5.5])
        assert b":tensorflow:serving:" in urllib3.request("GET", server.rest_url + "/figures").data
        gone = urllib3.request("GET", server.rest_url + "/monitoring/prometheus/metrics", retries=False)
        assert (gone.status, set(json.loads(gone.data))) == (404, {"error"})
