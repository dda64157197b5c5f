"""The gRPC API, through TensorFlow Serving's own client stubs."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.serving.cloud.conftest import MAX_BODY


def request(x=(1.0, 2.0, 5.0), name="half_plus_three", version=None, **spec):
    message = predict_pb2.PredictRequest()
    message.model_spec.name = name
    for key, value in spec.items():
        setattr(message.model_spec, key, value)
    if version is not None:
        message.model_spec.version.value = version
    message.inputs["x"].CopyFrom(tf.make_tensor_proto(x, tf.float32))
    return message


@pytest.fixture
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture
def status_stub(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def test_predict(stub):
    answer = stub.Predict(request(), timeout=10)
    np.testing.assert_allclose(tf.make_ndarray(answer.outputs["y"]), [3.5, 4.0, 5.5])
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("half_plus_three", 123)
    assert answer.model_spec.signature_name == "serving_default"


def test_the_answer_is_in_the_typed_fields_as_tensorflow_serving_s_is(stub):
    """Its own example clients read `float_val`."""
    output = stub.Predict(request(), timeout=10).outputs["y"]
    assert list(output.float_val) == [3.5, 4.0, 5.5] and not output.tensor_content
    message = predict_pb2.PredictRequest()
    message.model_spec.name, message.model_spec.signature_name = "half_plus_three", "several"
    message.inputs["tag"].CopyFrom(tf.make_tensor_proto([b"a", b"b"]))
    message.inputs["pair"].CopyFrom(tf.make_tensor_proto([[1, 2], [3, 4]], tf.int32))
    outputs = stub.Predict(message, timeout=10).outputs
    assert list(outputs["total"].int_val) == [3, 7] and list(outputs["tag"].string_val) == [b"a", b"b"]


def test_output_filter(stub):
    message = request()
    message.output_filter.append("y")
    assert list(stub.Predict(message, timeout=10).outputs) == ["y"]
    message.output_filter.append("z")
    with pytest.raises(grpc.RpcError) as raised:
        stub.Predict(message, timeout=10)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def huge():
    message = request()
    message.inputs["x"].tensor_shape.dim[0].size = 1 << 40
    return message


def huge_strings():
    message = request(signature_name="several")
    message.inputs.clear()
    message.inputs["tag"].CopyFrom(tf.make_tensor_proto(["a"]))
    message.inputs["tag"].tensor_shape.dim[0].size = 1 << 40
    message.inputs["pair"].CopyFrom(tf.make_tensor_proto([[1, 2]], tf.int32))
    return message


def with_unknown_inputs():
    message = request()
    for index in range(100):
        message.inputs[f"a{index}"].CopyFrom(tf.make_tensor_proto([1.0]))
        message.inputs[f"a{index}"].tensor_shape.dim[0].size = MAX_BODY // 4
    return message


def negative():
    message = request()
    message.inputs["x"].tensor_shape.dim[0].size = -1
    return message


def of_another_dtype():
    message = request()
    message.inputs["x"].CopyFrom(tf.make_tensor_proto([1, 2], tf.int64))
    return message


@pytest.mark.parametrize(
    "message, code",
    [
        (request(name="other"), grpc.StatusCode.NOT_FOUND),
        (request(version=7), grpc.StatusCode.NOT_FOUND),
        (request(version_label="stable"), grpc.StatusCode.NOT_FOUND),
        (request(signature_name="other"), grpc.StatusCode.INVALID_ARGUMENT),
        (request(x=[[1.0]]), grpc.StatusCode.INVALID_ARGUMENT),
        (huge(), grpc.StatusCode.INVALID_ARGUMENT),
        (huge_strings(), grpc.StatusCode.INVALID_ARGUMENT),
        (with_unknown_inputs(), grpc.StatusCode.INVALID_ARGUMENT),
        (negative(), grpc.StatusCode.INVALID_ARGUMENT),
        (of_another_dtype(), grpc.StatusCode.INVALID_ARGUMENT),
        (request(x=np.zeros(MAX_BODY // 4 + 100)), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (predict_pb2.PredictRequest(), grpc.StatusCode.NOT_FOUND),
    ],
)
def test_errors(stub, message, code):
    with pytest.raises(grpc.RpcError) as raised:
        stub.Predict(message, timeout=10)
    assert raised.value.code() == code and raised.value.details()


def test_the_clients_deadline_is_kept(stub):
    message = predict_pb2.PredictRequest()
    message.model_spec.name, message.model_spec.signature_name = "half_plus_three", "spin"
    message.inputs["seconds"].CopyFrom(tf.make_tensor_proto([1.0], tf.float32))
    with pytest.raises(grpc.RpcError) as raised:
        stub.Predict(message, timeout=0.1)
    assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_metadata(stub):
    message = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    message.model_spec.name = "half_plus_three"
    answer = stub.GetModelMetadata(message, timeout=10)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert signatures.signature_def["serving_default"].inputs["x"].dtype == tf.float32.as_datatype_enum


def test_status(status_stub):
    message = get_model_status_pb2.GetModelStatusRequest()
    message.model_spec.name = "half_plus_three"
    (status,) = status_stub.GetModelStatus(message, timeout=10).model_version_status
    assert (status.version, status.state) == (123, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    message.model_spec.name = "other"
    with pytest.raises(grpc.RpcError) as raised:
        status_stub.GetModelStatus(message, timeout=10)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_client_cannot_have_other_folders_served(status_stub):
    with pytest.raises(grpc.RpcError) as raised:
        status_stub.HandleReloadConfigRequest(model_management_pb2.ReloadConfigRequest(), timeout=10)
    assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
