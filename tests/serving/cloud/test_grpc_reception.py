"""What a client of the gRPC API may cost, from a process of its own: silence, size, and who has no token."""

import concurrent.futures
import contextlib
import threading
import time

import grpc
import pytest
import tensorflow as tf
from tensorflow.core.example import example_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.serving_process import server_process
from serving.cloud.grpc_reception import LEAST_READERS
from tests.serving import hostile
from tests.serving.deployments import deploy_half_plus_three
from tests.serving.memory import watched_memory

MIB = 1 << 20
MAX_BODY, MAX_INFLIGHT = 32 * MIB, 64 * MIB
PREDICT = "/tensorflow.serving.PredictionService/Predict"
CLASSIFY = "/tensorflow.serving.PredictionService/Classify"
CHECK = "/grpc.health.v1.Health/Check"
WITH_TOKEN = [("authorization", "Bearer secret")]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return deploy_half_plus_three(str(tmp_path_factory.mktemp("reception")))


@contextlib.contextmanager
def server(base, *flags):
    """A server as a process with a token: gives the process and its gRPC address."""
    limits = ("--max_body_bytes", str(MAX_BODY), "--max_inflight_bytes", str(MAX_INFLIGHT), "--read_seconds", "3")
    with server_process(base, *limits, *flags) as (process, _, address):
        yield process, address


@pytest.fixture(scope="module")
def protected(base, tmp_path_factory):
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text("secret\n")
    with server(base, "--token_file", str(token)) as found:
        yield found


@pytest.fixture(scope="module")
def unprotected(base):
    with server(base) as found:
        yield found


def request():
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "half_plus_three"
    message.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0, 2.0], tf.float32))
    return message


@contextlib.contextmanager
def silent(address, count, metadata=()):
    """Calls that are open and say nothing, each on a connection of its own."""
    ended = threading.Event()

    def nothing():
        ended.wait(60)
        yield from ()

    with contextlib.ExitStack() as stack:
        calls = []
        for index in range(count):
            own = [("grpc.use_local_subchannel_pool", 1), ("number", index)]
            channel = stack.enter_context(grpc.insecure_channel(address, own))
            calls.append(channel.stream_unary(PREDICT).future(nothing(), metadata=metadata))
        time.sleep(1.0)
        try:
            yield calls
        finally:
            ended.set()


def answer(address, metadata=(), timeout=10.0):
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return list(stub.Predict(request(), metadata=metadata, timeout=timeout).outputs["y"].float_val)


@pytest.mark.parametrize("count", [16, 64])
def test_silent_calls_without_a_token_are_ended_and_hold_nobody_up(protected, count):
    _, address = protected
    with silent(address, count) as calls:
        assert answer(address, WITH_TOKEN) == [3.5, 4.0]
        codes = {call.code() for call in calls}
    assert codes == {grpc.StatusCode.UNAUTHENTICATED}


@pytest.mark.parametrize("count", [16, 64])
def test_silent_calls_of_those_who_may_call_hold_nobody_up_for_long(unprotected, count):
    _, address = unprotected
    with silent(address, count) as calls:
        started = time.monotonic()
        assert answer(address) == [3.5, 4.0]
        assert time.monotonic() - started < 5
        time.sleep(4.0)  # the time that a message has, and more
        assert all(call.done() for call in calls[:LEAST_READERS])
        codes = {call.code() for call in calls if call.done()}
    assert codes <= {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}


def flood(process, address, count, metadata=(), method=PREDICT):
    """Sends large messages at once; gives the status codes and by how much the server grew, in bytes."""
    message = bytes(31 * MIB)

    def send(index):
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(address, options) as channel:
            try:
                channel.unary_unary(method)(message, metadata=metadata, timeout=30)
            except grpc.RpcError as error:
                return error.code()
        return grpc.StatusCode.OK

    with watched_memory(process.pid) as growth, concurrent.futures.ThreadPoolExecutor(count) as threads:
        codes = list(threads.map(send, range(count)))
    return set(codes), growth()


def test_large_messages_without_a_token_are_not_read(protected):
    process, address = protected
    codes, growth = flood(process, address, 24)
    assert codes == {grpc.StatusCode.UNAUTHENTICATED}
    assert growth < 24 * MIB  # a window of 64 KiB each, and gRPC's own buffers; whole, the messages are 744 MiB
    assert answer(address, WITH_TOKEN) == [3.5, 4.0]


def test_large_messages_to_a_health_check_without_a_token_are_not_read(protected):
    """It needs no token, and so no message."""
    process, address = protected
    codes, growth = flood(process, address, 24, method=CHECK)
    assert codes == {grpc.StatusCode.OK} and growth < 24 * MIB


def test_connections_that_say_nothing_are_closed(protected):
    _, address = protected
    with hostile.silent(address, 50) as sockets:
        assert hostile.still_open(sockets, 8) == 0  # the time that a message has, and more


def test_large_messages_of_those_who_may_call_stay_within_the_budget(unprotected):
    process, address = unprotected
    codes, growth = flood(process, address, 48)
    refusals = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert codes <= {
        *refusals,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }  # where the machine is busy, a message comes too slowly
    # What is read, with its copy, and what is in flight; as much again that the allocator keeps. All are 1,488 MiB.
    assert growth < 2 * (2 * LEAST_READERS * MAX_BODY + MAX_INFLIGHT)
    assert answer(address) == [3.5, 4.0]


def varint(number):
    """A number as protocol buffers write it."""
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def field(number, content):
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def small_but(kind):
    """A small message to Classify that becomes a large one."""
    spec = predict_pb2.PredictRequest()
    spec.model_spec.name = "half_plus_three"
    if kind == "examples":  # an empty one is two bytes
        spec.model_spec.signature_name = "classify_x_to_y"
        return spec.SerializeToString() + field(2, field(1, b"\x0a\x00" * MIB))
    spec.model_spec.signature_name = "classify_x_to_y"
    context = example_pb2.Example()
    context.features.feature["a"].bytes_list.value.append(bytes(4 * MIB))
    examples = field(1, b"") * 1000 + field(2, context.SerializeToString())  # it is part of each
    return spec.SerializeToString() + field(2, field(2, examples))


@pytest.mark.parametrize("kind", ["examples", "context"])
def test_messages_count_as_what_they_become(unprotected, kind):
    process, address = unprotected
    message = small_but(kind)
    assert len(message) < 5 * MIB

    def call(_):
        with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            try:
                channel.unary_unary(CLASSIFY)(message, timeout=60)
            except grpc.RpcError as error:
                return error.code()
        return grpc.StatusCode.OK

    with watched_memory(process.pid) as growth, concurrent.futures.ThreadPoolExecutor(8) as threads:
        codes = list(threads.map(call, range(8)))
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) >= 7  # one of a million examples fits
    assert growth() < 4 * MAX_INFLIGHT  # all at once are 500 MiB, or 32 GiB


def test_a_wrong_token_is_refused_on_every_method(protected):
    _, address = protected
    services = {
        "PredictionService": ("Predict", "GetModelMetadata"),
        "ModelService": ("GetModelStatus", "HandleReloadConfigRequest"),
    }
    with grpc.insecure_channel(address) as channel:
        for service, methods in services.items():
            for method in methods:
                for metadata in ((), [("authorization", "Bearer other")], [("authorization", "")]):
                    with pytest.raises(grpc.RpcError) as raised:
                        channel.unary_unary(f"/tensorflow.serving.{service}/{method}")(
                            b"", metadata=metadata, timeout=10
                        )
                    assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_what_is_no_message_is_named(unprotected):
    _, address = unprotected
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary(PREDICT)(b"\xff\xff\xff", timeout=10)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "PredictRequest" in raised.value.details()
