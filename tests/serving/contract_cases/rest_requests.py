"""REST requests to a server. `given` is the verb, the path and the body; answers are JSON."""

from urllib.parse import quote

from tests.serving.contract_cases.case import Case, Part, Refused, held, not_offered
from tests.serving.contract_cases.names import LABEL, NAME, ODD_LABEL, ODD_NAME, OLDER, VERSION

UTIL, HANDLER, BINARY = "http_rest_api_util", "http_rest_api_handler", "tensorflow_model_server"
OURS, ODD, LABELLED = f"/v1/models/{NAME}", f"/v1/models/{quote(ODD_NAME, '')}", quote(ODD_LABEL, "")
ONE_VERSION = "`/labels/L` without a method gives that version's status, not all versions'"


def _ask(files, what, verb, path, body, theirs, ours=None, why=""):
    return Case(files, what, (verb, path, body), theirs, ours, why)


def _refused(files, what, verb, path, status, text="", body=None):
    return _ask(files, what, verb, path, body, Refused(status, text))


def _state(*versions):
    fine = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": str(one), "state": "AVAILABLE", "status": fine} for one in versions]}


def _malformed(files, what, verb, path):
    return _refused(files, what, verb, path, 400, "Malformed request")


_BOTH = f"{UTIL} {HANDLER}"
_X = '{"signature_name": "%s", "examples": [{"x": %s}]}'

CASES = [
    # Paths that are taken apart: the answer shows the name, the version or the label that was read.
    _ask(UTIL, "a name of reserved characters", "GET", ODD, None, _state(VERSION, OLDER)),
    _refused(UTIL, "a version", "GET", f"{OURS}/versions/99", 404, f"Could not find version 99 of model {NAME}"),
    _ask(
        UTIL,
        "a label",
        "GET",
        f"{ODD}/labels/{LABELLED}",
        None,
        _state(VERSION, OLDER),
        _state(OLDER),
        ONE_VERSION,
    ),
    _refused(
        UTIL,
        "a label of reserved characters",
        "GET",
        f"{OURS}/labels/new%21%23%2F%3A%3F/metadata",
        400,
        "Unrecognized servable version label: new!#/:?",
    ),
    _ask(
        UTIL,
        "metadata by label",
        "GET",
        f"{OURS}/labels/{LABEL}/metadata",
        None,
        Part({"model_spec": {"name": NAME, "version": str(VERSION)}}),
    ),
    _ask(
        UTIL,
        "metadata by name and label of reserved characters",
        "GET",
        f"{ODD}/labels/{LABELLED}/metadata",
        None,
        Part({"model_spec": {"name": ODD_NAME, "version": str(OLDER)}}),
    ),
    _ask(UTIL, "predict: a name of reserved characters", "POST", f"{ODD}:predict", '{"inputs": 4}', {"outputs": 4.0}),
    _ask(
        UTIL,
        "predict: a version",
        "POST",
        f"{ODD}/versions/{OLDER}:predict",
        '{"inputs": 4}',
        {"outputs": 4.0},
    ),
    _ask(UTIL, "predict: a label", "POST", f"{OURS}/labels/{LABEL}:predict", '{"inputs": 4}', {"outputs": 4.0}),
    _refused(
        UTIL,
        "predict: a label of reserved characters",
        "POST",
        f"{OURS}/labels/a%2Fb%3Ac:predict",
        400,
        "Unrecognized servable version label: a/b:c",
        '{"inputs": 4}',
    ),
    _ask(
        UTIL,
        "predict: a name and a label of reserved characters",
        "POST",
        f"{ODD}/labels/{LABELLED}:predict",
        '{"inputs": 4}',
        {"outputs": 4.0},
    ),
    # Paths that are none.
    _malformed(_BOTH, "GET of what is not there", "GET", "/v1/modules"),
    _malformed(_BOTH, "POST to what is not there", "POST", "/v1/modules"),
    _malformed(_BOTH, "GET of predict", "GET", f"{OURS}:predict"),
    _malformed(_BOTH, "GET of predict, version for versions", "GET", "/v1/models/m/version/5:predict"),
    _malformed(_BOTH, "POST without a name", "POST", "/v1/models"),
    _malformed(_BOTH, "POST, version for versions", "POST", "/v1/models/m/version/5:regress"),
    _malformed(_BOTH, "a version that is a word", "POST", "/v1/models/m/versions/LAST:regress"),
    _malformed(HANDLER, "a label as a version", "POST", "/v1/models/m/versions/my_label:regress"),
    _refused(
        _BOTH,
        "a version beyond 64 bits",
        "POST",
        f"/v1/models/m/versions/{2**64}:predict",
        400,
        "Failed to convert version",
    ),
    _malformed(_BOTH, "POST of metadata", "POST", f"{OURS}/metadata"),
    _malformed(_BOTH, "a version and a label", "POST", "/v1/models/m/versions/5/labels/l:regress"),
    _malformed(HANDLER, "label for labels", "POST", "/v1/models/m/label/l:regress"),
    _malformed(HANDLER, "GET of a path below a name", "GET", "/v1/models/m/other"),
    _refused(HANDLER, "GET without a name", "GET", "/v1/models", 400, "Missing model name"),
    _refused(HANDLER, "a path outside the API", "GET", "/statusz", 404),
    _refused(HANDLER, "another path outside the API", "GET", "/home", 404),
    # Predict.
    _refused(HANDLER, "no such model", "POST", "/v1/models/m:predict", 404, body='{"instances": [1]}'),
    _refused(
        HANDLER,
        "no such model, with a version",
        "POST",
        "/v1/models/m/versions/5:predict",
        404,
        body='{"instances": [1]}',
    ),
    _refused(HANDLER, "a version glued to the name", "POST", f"{OURS}99:predict", 404, body='{"instances": [1]}'),
    _refused(HANDLER, "no body", "POST", f"{OURS}:predict", 400, "JSON Parse error: The document is empty"),
    _refused(HANDLER, "no JSON", "POST", f"{OURS}:predict", 400, "JSON Parse error: Invalid value", "inputs: 1"),
    _refused(
        HANDLER,
        "texts for floats",
        "POST",
        f"{OURS}:predict",
        400,
        "not of expected type: float",
        '{"instances": ["a"]}',
    ),
    _refused(
        HANDLER,
        "no such label",
        "POST",
        f"{OURS}/labels/none:predict",
        400,
        "Unrecognized servable version label",
        '{"instances": [1]}',
    ),
    _refused(
        HANDLER,
        "a number as the signature's name",
        "POST",
        f"{OURS}:predict",
        400,
        "'signature_name' key must be a string value.",
        '{"signature_name": 1}',
    ),
    _ask(
        HANDLER,
        "rows of pairs",
        "POST",
        f"{OURS}:predict",
        '{"instances": [[2, 4], [6, 8]]}',
        {"predictions": [[3.0, 4.0], [5.0, 6.0]]},
    ),
    _ask(
        f"{HANDLER} {BINARY}",
        "rows of numbers",
        "POST",
        f"{OURS}/versions/{VERSION}:predict",
        '{"instances": [0, 1.5]}',
        {"predictions": [2.0, 2.75]},
    ),
    _ask(
        HANDLER,
        "rows, by label",
        "POST",
        f"{OURS}/labels/{LABEL}:predict",
        '{"instances": [0, 1.5]}',
        {"predictions": [2.0, 2.75]},
    ),
    _ask(
        HANDLER,
        "rows, with the signature's name",
        "POST",
        f"{OURS}/versions/{VERSION}:predict",
        '{"signature_name": "serving_default", "instances": [8]}',
        {"predictions": [6.0]},
    ),
    _ask(
        f"{HANDLER} {BINARY}",
        "columns, with the signature's name",
        "POST",
        f"{OURS}/versions/{VERSION}:predict",
        '{"signature_name": "serving_default", "inputs": [8]}',
        {"outputs": [6.0]},
    ),
    held(HANDLER, "the answer's type is application/json, errors' too", "test_answers_are_json"),
    # Regress and classify.
    _ask(f"{HANDLER} {BINARY}", "regress", "POST", f"{OURS}:regress", _X % ("regress_x", 8.0), {"results": [6.0]}),
    _ask(
        HANDLER,
        "regress, by version",
        "POST",
        f"{OURS}/versions/{VERSION}:regress",
        _X % ("regress_x", 8.0),
        {"results": [6.0]},
    ),
    _ask(
        HANDLER,
        "regress, by label",
        "POST",
        f"{OURS}/labels/{LABEL}:regress",
        _X % ("regress_x", 8.0),
        {"results": [6.0]},
    ),
    _ask(
        f"{HANDLER} {BINARY}",
        "classify, scores without classes",
        "POST",
        f"{OURS}:classify",
        _X % ("classify_x", 8.0),
        {"results": [[["", 6.0]]]},
    ),
    _ask(
        HANDLER,
        "classify, by label",
        "POST",
        f"{OURS}/labels/{LABEL}:classify",
        _X % ("classify_x", 3.0),
        {"results": [[["", 3.5]]]},
    ),
    # Status and metadata.
    _ask(f"{HANDLER} {BINARY}", "the status of all versions", "GET", OURS, None, _state(VERSION)),
    _ask(HANDLER, "the status of a version", "GET", f"{OURS}/versions/{VERSION}", None, _state(VERSION)),
    _ask(HANDLER, "the status by label", "GET", f"{OURS}/labels/{LABEL}", None, _state(VERSION)),
    _ask(
        f"{HANDLER} {BINARY}",
        "the metadata",
        "GET",
        f"{OURS}/metadata",
        None,
        Part(
            {
                "model_spec": {"name": NAME, "signature_name": "", "version": str(VERSION)},
                "metadata": {
                    "signature_def": {
                        "signature_def": {
                            "regress_x": {
                                "inputs": {
                                    "inputs": {
                                        "dtype": "DT_STRING",
                                        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
                                    }
                                },
                                "outputs": {"outputs": {"dtype": "DT_FLOAT"}},
                                "method_name": "tensorflow/serving/regress",
                                "defaults": {},
                            },
                            "serving_default": {
                                "inputs": {
                                    "x": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [], "unknown_rank": True}}
                                },
                                "method_name": "tensorflow/serving/predict",
                            },
                        }
                    }
                },
            }
        ),
    ),
    not_offered(BINARY, "a model of TFLite, with and without a signature", "no TFLite models are served"),
    not_offered(BINARY, "a trace from the profiler's service", "`SessionService` and the profiler are not offered"),
    not_offered(BINARY, "a model with TF Text's operations", "Operations of TensorFlow Text are not there"),
    held(BINARY, "the metrics, where the monitoring file says so", "test_health_and_metrics"),
]
