"""Requests to a server, over REST and gRPC."""

import contextlib
import copy
import json

import grpc
import keras
import numpy as np
import pytest
import tensorflow as tf
import urllib3
from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.cloud import warm_up
from serving.cloud.saved_model import WARMUP_FILE
from serving.cloud.servable import Servable
from tests.serving.contract_cases import grpc_examples, grpc_models, grpc_predict, http, model, rest_requests, warm_ups
from tests.serving.contract_cases.case import Part, Refused
from tests.serving.contract_cases.checking import cases, check, refused
from tests.serving.deployments import served

METHODS = {
    "Predict": (predict_pb2.PredictRequest, predict_pb2.PredictResponse),
    "Classify": (classification_pb2.ClassificationRequest, classification_pb2.ClassificationResponse),
    "Regress": (regression_pb2.RegressionRequest, regression_pb2.RegressionResponse),
    "MultiInference": (inference_pb2.MultiInferenceRequest, inference_pb2.MultiInferenceResponse),
    "GetModelMetadata": (
        get_model_metadata_pb2.GetModelMetadataRequest,
        get_model_metadata_pb2.GetModelMetadataResponse,
    ),
    "GetModelStatus": (get_model_status_pb2.GetModelStatusRequest, get_model_status_pb2.GetModelStatusResponse),
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    return model.deploy(str(tmp_path_factory.mktemp("cases")))


@pytest.fixture(scope="module")
def server(deployed):
    with served(lambda: deployed) as running:
        yield running


@pytest.fixture(scope="module")
def asks(server):
    """Asks over REST: `(status, headers, document)`."""
    with urllib3.PoolManager(retries=False) as pool:

        def ask(verb, path, body=None, headers=None):
            response = pool.request(verb, server.rest_url + path, body=body, headers=headers)
            return response.status, response.headers, json.loads(response.data)

        yield ask


@cases([*rest_requests.CASES, *http.CASES])
def test_rest_requests(case, asks):
    status, _, document = asks(*case.given)
    check(case, document if status == 200 else Refused(status, document["error"]))


def test_answers_are_json(asks):
    for verb, path, status in (("GET", "/v1/models/half", 200), ("GET", "/v1/models/none", 404)):
        assert asks(verb, path)[0] == status and asks(verb, path)[1]["content-type"] == "application/json"


@pytest.fixture(scope="module")
def calls(server):
    with _calls(f"127.0.0.1:{server.grpc_port}") as call:
        yield call


@contextlib.contextmanager
def _calls(address):
    """Asks over gRPC: a method and its request as JSON; the response or how it refuses."""
    with grpc.insecure_channel(address) as channel:
        stubs = (
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
        )

        def call(method, request):
            (stub,) = (stub for stub in stubs if hasattr(stub, method))
            try:
                return getattr(stub, method)(json_format.ParseDict(request, METHODS[method][0]()), timeout=30)
            except grpc.RpcError as error:
                return Refused(error.code().name, error.details())

        yield call


@cases([*grpc_predict.CASES, *grpc_examples.CASES, *grpc_models.CASES])
def test_grpc_requests(case, calls, server, monkeypatch):
    method, request = case.given[-2:]
    if case.given[0] == "fails":
        method, signature = case.given[1:]
        request = {"model_spec": {"name": model.NAME, "signature_name": signature}}
        request["input"] = {"example_list": {"examples": [{}]}}
        monkeypatch.setattr(server.repository.get(model.NAME), "predict", _fail)
    answer = calls(method, request)
    if isinstance(case.theirs, (Part, Refused)) or isinstance(answer, Refused):
        told = isinstance(answer, Refused)
        check(case, answer if told else json_format.MessageToDict(answer, preserving_proto_field_name=True))
    else:
        assert answer == json_format.ParseDict(case.theirs, METHODS[method][1]()), answer


def _fail(signature, arrays):
    raise tf.errors.InternalError(None, None, "the graph broke")


ARGUMENTS = {"grpc.max_connection_age_ms": 2000, "grpc.lb_policy_name": "grpclb"}


@pytest.fixture(scope="module")
def checking(deployed, tmp_path_factory):
    """A server that asks signatures for their method's name: asks it through a UNIX socket."""
    socket = f"{tmp_path_factory.mktemp('socket')}/s"
    options = {"check_methods": True, "grpc_socket_path": socket, "grpc_arguments": ARGUMENTS}
    with served(lambda: deployed[1:2], **options) as running, _calls(f"unix:{socket}") as call:
        yield call, running.repository.get(model.NAME)


OWN = {"Predict": "serving_default", "Classify": "classify_x", "Regress": "regress_x"}


@pytest.mark.parametrize("named", ["its own", "unknown", "none"])
@pytest.mark.parametrize("method", OWN)
def test_methods_are_checked_where_it_is_switched_on(method, named, checking, calls, server, monkeypatch):
    own = f"tensorflow/serving/{method.lower()}"
    name = {"its own": own, "unknown": "not/a/method", "none": ""}[named]
    request = {"model_spec": {"name": model.NAME, "signature_name": OWN[method]}}
    if method == "Predict":
        request["inputs"] = {"x": grpc_predict.floats(4.0)}
    else:
        request["input"] = {"example_list": {"examples": [{}]}}
    strict, servable = checking
    for one in (servable, server.repository.get(model.NAME)):
        definition = copy.deepcopy(one.signature_defs[OWN[method]])
        definition.method_name = name
        monkeypatch.setitem(one.signature_defs, OWN[method], definition)
    answer = strict(method, request)
    if named == "its own":
        assert not isinstance(answer, Refused)
    else:
        assert answer.status == ("INTERNAL" if method == "Predict" else "INVALID_ARGUMENT")
        assert f"signature method_name to be {'one of {' if method == 'Predict' else own}" in answer.text
    assert not isinstance(calls(method, request), Refused), "unchecked, any name will do"


def test_a_unix_socket(checking):
    answer = checking[0]("GetModelStatus", {"model_spec": {"name": model.NAME}})
    assert answer.model_version_status[0].version == model.VERSION


def test_a_keras_model(tmp_path):
    keras.Sequential([keras.Input((1,), name="x"), keras.layers.Rescaling(2, name="y")]).export(tmp_path, verbose=False)
    servable = Servable("keras", 1, str(tmp_path))
    signature = servable.signature()
    (name,) = signature.inputs
    (answer,) = servable.predict(signature, {name: np.array([[2], [3]], np.float32)}).values()
    assert answer.tolist() == [[4], [6]]


@cases(warm_ups.CASES)
def test_warm_up(case, server, tmp_path):
    servable, ran = copy.copy(server.repository.get(model.NAME)), []
    servable.predict = lambda signature, arrays: ran.append(Servable.predict(servable, signature, arrays))
    path = tmp_path / WARMUP_FILE
    path.parent.mkdir()
    if isinstance(case.given, bytes):
        path.write_bytes(case.given)
    elif case.given is not None:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for kind in case.given:
                writer.write(b"malformed" if kind == "malformed" else _record(kind).SerializeToString())
    check(case, refused(lambda: warm_up.run(servable, str(tmp_path)) or len(ran)))


def _record(kind):
    examples = {"example_list": {"examples": [{}]}}
    spec = {"name": "as it was recorded"}
    requests = {
        "predict_log": {"model_spec": spec, "inputs": {"x": grpc_predict.floats(4.0)}},
        "refused": {"model_spec": spec},
        "classify_log": {"model_spec": {**spec, "signature_name": "classify_x"}, "input": examples},
        "regress_log": {"model_spec": {**spec, "signature_name": "regress_x"}, "input": examples},
        "multi_inference_log": {
            "tasks": [
                {"model_spec": {**spec, "signature_name": f"{one}_x"}, "method_name": f"tensorflow/serving/{one}"}
                for one in ("classify", "regress")
            ],
            "input": examples,
        },
    }
    log = {"request": requests[kind]} if kind in requests else {}
    return json_format.ParseDict(
        {"predict_log" if kind == "refused" else kind: log}, prediction_log_pb2.PredictionLog()
    )


def test_examples_are_counted(server, calls):
    def counted():
        with urllib3.PoolManager(retries=False) as pool:
            lines = pool.request("GET", server.rest_url + "/monitoring/prometheus/metrics").data.decode().splitlines()
        figures = dict(line.rsplit(" ", 1) for line in lines if line.startswith(":tensorflow:serving:request_example"))
        buckets = [f'counts_bucket{{le="{bound}",model="{model.OLD_NAME}"}}' for bound in ("2", "4", "16384", "+Inf")]
        names = [*buckets, f'count_total{{model="{model.OLD_NAME}"}}']
        return np.array([float(figures.get(f":tensorflow:serving:request_example_{name}", 0)) for name in names])

    before = counted()
    three = {"example_list": {"examples": [{"features": {"feature": {"x": {"float_list": {"value": [1.0]}}}}}] * 3}}
    specs = [{"name": model.OLD_NAME, "signature_name": f"{kind}_x"} for kind in ("regress", "classify")]
    methods = [f"tensorflow/serving/{kind}" for kind in ("regress", "classify")]
    tasks = [{"model_spec": spec, "method_name": method} for spec, method in zip(specs, methods, strict=True)]
    for method, request in (("Regress", {"model_spec": specs[0]}), ("MultiInference", {"tasks": tasks})):
        assert not isinstance(calls(method, {**request, "input": three}), Refused)
    assert (counted() - before).tolist() == [0, 2, 2, 2, 6], "several inferences of the same examples are one request"
