"""gRPC's health and reflection services, through their own stubs."""

import grpc
import pytest

from tests.serving.deployments import served

health_pb2 = pytest.importorskip("grpc_health.v1.health_pb2")
health_pb2_grpc = pytest.importorskip("grpc_health.v1.health_pb2_grpc")
reflection_pb2 = pytest.importorskip("grpc_reflection.v1alpha.reflection_pb2")
reflection_pb2_grpc = pytest.importorskip("grpc_reflection.v1alpha.reflection_pb2_grpc")

SERVING = health_pb2.HealthCheckResponse.SERVING


def asked(service=""):
    return health_pb2.HealthCheckRequest(service=service)


@pytest.mark.parametrize("service", ["", "PredictionService", "tensorflow.serving.ModelService"])
def test_health(channel, service):
    stub = health_pb2_grpc.HealthStub(channel)
    assert stub.Check(asked(service), timeout=10).status == SERVING
    watching = stub.Watch(asked(service), timeout=10)
    assert next(watching).status == SERVING
    watching.cancel()


def test_health_of_what_is_not_there(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    with pytest.raises(grpc.RpcError) as raised:
        stub.Check(asked("elsewhere"), timeout=10)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND
    watching = stub.Watch(asked("elsewhere"), timeout=10)
    assert next(watching).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watching.cancel()


def test_reflection(channel):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    name = "tensorflow.serving.PredictionService"
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=name),
    ]
    names, files = stub.ServerReflectionInfo(iter(requests), timeout=10)
    assert name in {service.name for service in names.list_services_response.service}
    assert any(b"PredictionService" in file for file in files.file_descriptor_response.file_descriptor_proto)


def test_probes_need_no_token_and_the_others_do(models):
    with served(models, token="secret") as server, grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(asked(), timeout=10).status == SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        for answers in (
            health.Watch(asked(), timeout=10),
            reflection.ServerReflectionInfo(
                iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=10
            ),
        ):
            with pytest.raises(grpc.RpcError) as raised:
                next(answers)
            assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED
