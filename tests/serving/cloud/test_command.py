"""`python -m serving.cloud` as a process: start, answer, drain, refuse; TLS and tokens."""

import contextlib
import datetime
import json
import os
import re
import signal
import subprocess
import sys
import threading

import grpc
import pytest
import urllib3

from benchmarks.serving_process import server_process
from serving.cloud import __main__ as server_command
from tests.conftest import REPOSITORY
from tests.serving.deployments import served

PREDICT = "/v1/models/half_plus_three:predict"
BODY = '{"instances": [1.0]}'


def command(*flags):
    return [sys.executable, "-m", "serving.cloud", *flags]


@pytest.fixture
def process(models):
    """Starts the command and waits until it says that it serves; gives the process, its URL and gRPC address."""
    with contextlib.ExitStack() as stack:
        yield lambda *flags: stack.enter_context(server_process(models, *flags))


def received_bytes(pool, url):
    text = pool.request("GET", url + "/monitoring/prometheus/metrics").data.decode()
    return float(re.search(r"^datamix_request_bytes_total (\S+)$", text, re.MULTILINE)[1])


def test_sigterm_answers_what_is_under_way(process):
    running, url, _ = process()
    pool, answers = urllib3.PoolManager(retries=False, maxsize=8), []
    body = json.dumps({"signature_name": "spin", "instances": [0.5]})
    clients = [
        threading.Thread(target=lambda: answers.append(pool.request("POST", url + PREDICT, body=body).status))
        for _ in range(4)
    ]
    for client in clients:
        client.start()
    # The metrics tell when all requests have arrived.
    while received_bytes(pool, url) < 4 * len(body):
        pass
    running.send_signal(signal.SIGTERM)
    for client in clients:
        client.join(30)
    assert answers == [200] * 4
    _, error = running.communicate(timeout=30)
    assert running.returncode == 0 and "Traceback" not in error


@pytest.mark.parametrize("flags, said", [([], True), (["--ssl_certificate", "x", "--ssl_private_key", "x"], False)])
def test_a_gateway_without_tls_says_so(caplog, flags, said):
    flags = ["--model_base_path", ".", "--oblivious_key_file", "key", *flags]
    server_command._warn(server_command.read_arguments(flags))
    assert ("OBLIVIOUS HTTP WITHOUT TLS" in caplog.text) == said


@pytest.mark.parametrize(
    "flags",
    [["--grpc_socket_path", "/tmp/socket"], ["--rest_api_port", "0"]],
)
def test_grpc_is_closed_where_all_must_be_sealed(flags):
    flags = ["--model_base_path", ".", "--oblivious_key_file", "key", "--oblivious_only", *flags]
    with pytest.raises(ValueError, match="--oblivious_only closes gRPC"):
        server_command.read_arguments(flags)


@pytest.mark.parametrize(
    "flags, text",
    [
        ([], "give either --model_base_path or --model_config_file"),
        (["--model_base_path", "/nowhere"], "there is none at /nowhere"),
        (["--model_base_path", ".", "--ssl_certificate", "x"], "belong together"),
        (["--model_base_path", ".", "--rest_api_port", "0", "--port", "0"], "nothing to serve"),
        (["--model_base_path", ".", "--max_body_bytes", "0"], "--max_body_bytes must be above 0"),
        (["--model_base_path", ".", "--token_file", "/nowhere"], "--token_file"),
        (["--model_config_file", "/nowhere"], "/nowhere"),
        (["--model_base_path", ".", "--ssl_config_file=x"], "--ssl_config_file is not offered: use --ssl_certificate"),
        (["--model_base_path", ".", "--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
    ],
)
def test_wrong_flags_are_one_line(flags, text):
    result = subprocess.run(command(*flags), cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.returncode == 2 and len(errors) == 1 and text in errors[0]
    assert "Traceback" not in result.stderr


def test_off_loopback_without_tls_and_token_says_so(process):
    running, _, _ = process("--host", "0.0.0.0")
    running.send_signal(signal.SIGTERM)
    _, error = running.communicate(timeout=30)
    assert "LISTENING ON 0.0.0.0 without TLS" in error and "LISTENING ON 0.0.0.0 without a token" in error


def test_a_token_is_asked_for_by_both_protocols(models, http):
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    from tests.serving.cloud.test_grpc_api import request

    with served(models, token="secret") as server, urllib3.PoolManager(retries=False) as pool:
        for headers, status in (
            ({}, 401),
            ({"authorization": "Bearer wrong"}, 401),
            ({"authorization": "Basic secret"}, 401),
            ({"authorization": "Bearer secret"}, 200),
        ):
            assert pool.request("POST", server.rest_url + PREDICT, body=BODY, headers=headers).status == status
        assert pool.request("GET", server.rest_url + "/healthz/ready").status == 200
        assert pool.request("GET", server.rest_url + "/monitoring/prometheus/metrics").status == 401
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            with pytest.raises(grpc.RpcError) as raised:
                stub.Predict(request(), timeout=10)
            assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED
            assert stub.Predict(request(), timeout=10, metadata=[("authorization", "Bearer secret")]).outputs


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1; paths of certificate and key."""
    import ipaddress

    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    paths = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    with open(paths[0], "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    with open(paths[1], "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return paths


def test_tls_on_both_protocols(models, tmp_path):
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    from tests.serving.cloud.test_grpc_api import request

    certificate, key = make_certificate(tmp_path)
    with served(models, certificate=certificate, private_key=key) as server:
        assert server.rest_url.startswith("https://")
        trusting = urllib3.PoolManager(retries=False, ca_certs=certificate)
        assert trusting.request("POST", server.rest_url + PREDICT, body=BODY).status == 200
        with pytest.raises(urllib3.exceptions.SSLError):
            urllib3.PoolManager(retries=False).request("POST", server.rest_url + PREDICT, body=BODY)
        with open(certificate, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        with grpc.secure_channel(f"127.0.0.1:{server.grpc_port}", credentials) as channel:
            assert prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request(), timeout=10).outputs


def test_help_explains_every_flag():
    text = subprocess.run(command("--help"), cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    for flag in ("--model_base_path", "--rest_api_port", "--port", "--token_file", "--max_inflight_bytes"):
        assert flag in text
