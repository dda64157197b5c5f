"""gRPC: GetModelMetadata and GetModelStatus. `given` is the method and the request as JSON."""

from tests.serving.contract_cases.case import Case, Part, Refused, not_offered
from tests.serving.contract_cases.grpc_predict import OVERRIDE
from tests.serving.contract_cases.names import NAME, ODD_NAME, OLDER, VERSION

METADATA, STATUS, BINARY = "get_model_metadata_impl", "get_model_status_impl", "tensorflow_model_server"
INVALID = "INVALID_ARGUMENT"
SPEC = {"name": NAME, "version": str(VERSION)}


def _metadata(what, request, theirs, files=METADATA):
    return Case(files, what, ("GetModelMetadata", request), theirs)


def _status(what, request, theirs, files=STATUS):
    return Case(files, what, ("GetModelStatus", request), theirs)


def _states(*versions):
    return {"model_version_status": [{"version": str(one), "state": "AVAILABLE", "status": {}} for one in versions]}


_FIELD = {"metadata_field": ["signature_def"]}

CASES = [
    _metadata("no field", {"model_spec": SPEC}, Refused(INVALID, "at least one metadata_field")),
    _metadata("no field of a model that is not there", {"model_spec": {"name": "m"}}, Refused(INVALID, "at least one")),
    _metadata(
        "an unknown field",
        {"model_spec": SPEC, "metadata_field": ["other"]},
        Refused(INVALID, "other is not supported"),
    ),
    _metadata("no model specification", _FIELD, Refused(INVALID, "Missing ModelSpec")),
    _metadata("a specification without a name", {"model_spec": {}, **_FIELD}, Refused(INVALID, "no name specified")),
    _metadata("a model that is not there", {"model_spec": {"name": "m"}, **_FIELD}, Refused("NOT_FOUND")),
    _metadata(
        "the signatures of a version",
        {"model_spec": SPEC, **_FIELD},
        Part({"model_spec": SPEC, "metadata": {"signature_def": {}}}),
    ),
    _metadata(
        "the signatures of the latest version",
        {"model_spec": {"name": NAME}, **_FIELD},
        Part({"model_spec": SPEC, "metadata": {"signature_def": {}}}),
        BINARY,
    ),
    not_offered(METADATA, "another model than the request's", OVERRIDE),
    _status("no model specification", {}, Refused(INVALID, "Missing ModelSpec")),
    _status(
        "a model that is not there",
        {"model_spec": {"name": "m"}},
        Refused("NOT_FOUND", "Could not find any versions of model m"),
    ),
    _status(
        "a version that is not there",
        {"model_spec": {"name": NAME, "version": "5"}},
        Refused("NOT_FOUND", f"Could not find version 5 of model {NAME}"),
    ),
    _status("all versions", {"model_spec": {"name": ODD_NAME}}, _states(VERSION, OLDER)),
    _status("one version", {"model_spec": {"name": ODD_NAME, "version": str(OLDER)}}, _states(OLDER)),
    _status("the only version", {"model_spec": {"name": NAME}}, _states(VERSION), BINARY),
    not_offered(STATUS, "another model than the request's", OVERRIDE),
]
