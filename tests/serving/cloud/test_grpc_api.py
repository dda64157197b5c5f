"""The gRPC API, through TensorFlow Serving's own client stubs."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
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
    for name, text in (("z", "not found in signature"), ("y", "duplicate output tensor alias: y")):
        message.output_filter[1:] = [name]
        with pytest.raises(grpc.RpcError, match=text) as raised:
            stub.Predict(message, timeout=10)
        assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_the_graph_sees_the_shape_that_was_sent(stub):
    assert tf.make_ndarray(stub.Predict(request(x=[[1.0, 2.0]]), timeout=10).outputs["y"]).tolist() == [[3.5, 4.0]]


def examples(*values):
    given = input_pb2.Input()
    for value in values:
        given.example_list.examples.add().features.feature["x"].float_list.value.append(value)
    return given


def spec(signature, name="half_plus_three"):
    return model_pb2.ModelSpec(name=name, signature_name=signature)


def test_classify_and_regress(stub):
    model = spec("classify_x_to_y")
    answer = stub.Classify(
        classification_pb2.ClassificationRequest(model_spec=model, input=examples(20.0, 2.0)), timeout=10
    )
    found = [[(one.label, one.score) for one in row.classes] for row in answer.result.classifications]
    assert found == [[("large", 12.0), ("any", 20.0)], [("small", 3.0), ("any", 2.0)]]
    assert (answer.model_spec.signature_name, answer.model_spec.version.value) == ("classify_x_to_y", 123)
    model = spec("regress_x_to_y")
    answer = stub.Regress(regression_pb2.RegressionRequest(model_spec=model, input=examples(2.0)), timeout=10)
    assert [one.value for one in answer.result.regressions] == [3.0]


def inference_of(*tasks, given=None):
    tasks = [
        inference_pb2.InferenceTask(model_spec=spec(name, model), method_name=f"tensorflow/serving/{method}")
        for model, name, method in tasks
    ]
    return inference_pb2.MultiInferenceRequest(tasks=tasks, input=examples(2.0) if given is None else given)


def test_several_inferences_of_the_same_examples(stub):
    ours = "half_plus_three"
    asked = inference_of((ours, "regress_x_to_y", "regress"), (ours, "classify_x_to_y", "classify"))
    first, second = stub.MultiInference(asked, timeout=10).results
    assert first.regression_result.regressions[0].value == 3.0 and first.model_spec.signature_name == "regress_x_to_y"
    assert second.classification_result.classifications[0].classes[0].score == 3.0


@pytest.mark.parametrize(
    "tasks, given, code",
    [
        ([], None, grpc.StatusCode.INVALID_ARGUMENT),
        ([("other", "regress_x_to_y", "regress")], None, grpc.StatusCode.NOT_FOUND),
        ([("", "regress_x_to_y", "regress")], None, grpc.StatusCode.INVALID_ARGUMENT),
        ([("half_plus_three", "regress_x_to_y", "predict")], None, grpc.StatusCode.UNIMPLEMENTED),
        ([("half_plus_three", "serving_default", "regress")], None, grpc.StatusCode.INVALID_ARGUMENT),
        ([("half_plus_three", "regress_x_to_y", "regress")] * 2, None, grpc.StatusCode.INVALID_ARGUMENT),
        ([("half_plus_three", "regress_x_to_y", "regress")], input_pb2.Input(), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_inferences_that_cannot_be(stub, tasks, given, code):
    with pytest.raises(grpc.RpcError) as raised:
        stub.MultiInference(inference_of(*tasks, given=given), timeout=10)
    assert raised.value.code() == code


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
        (request(version_label="stable"), grpc.StatusCode.INVALID_ARGUMENT),
        (request(signature_name="other"), grpc.StatusCode.FAILED_PRECONDITION),
        (request(name=""), grpc.StatusCode.INVALID_ARGUMENT),
        (request(signature_name="several"), grpc.StatusCode.INVALID_ARGUMENT),
        (huge(), grpc.StatusCode.INVALID_ARGUMENT),
        (huge_strings(), grpc.StatusCode.INVALID_ARGUMENT),
        (with_unknown_inputs(), grpc.StatusCode.INVALID_ARGUMENT),
        (negative(), grpc.StatusCode.INVALID_ARGUMENT),
        (of_another_dtype(), grpc.StatusCode.INVALID_ARGUMENT),
        (request(x=np.zeros(MAX_BODY // 4 + 100)), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (predict_pb2.PredictRequest(), grpc.StatusCode.INVALID_ARGUMENT),
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
    for name, code in (("other", grpc.StatusCode.NOT_FOUND), (None, grpc.StatusCode.INVALID_ARGUMENT)):
        message = get_model_status_pb2.GetModelStatusRequest()
        if name:
            message.model_spec.name = name
        with pytest.raises(grpc.RpcError) as raised:
            status_stub.GetModelStatus(message, timeout=10)
        assert raised.value.code() == code


def test_a_client_cannot_have_other_folders_served(status_stub):
    with pytest.raises(grpc.RpcError) as raised:
        status_stub.HandleReloadConfigRequest(model_management_pb2.ReloadConfigRequest(), timeout=10)
    assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
