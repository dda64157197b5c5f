"""TensorFlow Serving's own test cases, one row each: what it answers, and where ours differs, why.

`test_*.py` ask each row.

The cases were read in its repository as of July 2026 and are told here in other words, with other inputs. Its tests for
the TFRT runtime (`tfrt_*_test.cc`) ask the same and are not counted again.
"""

from tests.serving.contract_cases import (
    batches,
    configs,
    grpc_examples,
    grpc_models,
    grpc_predict,
    http,
    metrics,
    rest_answers,
    rest_examples,
    rest_json,
    rest_requests,
    versions,
    warm_ups,
)
from tests.serving.contract_cases.case import Case

#: The rows by kind.
KINDS: dict[str, list[Case]] = {
    "JSON to tensors": rest_json.CASES,
    "JSON to examples": rest_examples.CASES,
    "answers to JSON": rest_answers.CASES,
    "REST requests": rest_requests.CASES,
    "HTTP": http.CASES,
    "gRPC: Predict": grpc_predict.CASES,
    "gRPC: Classify, Regress, MultiInference": grpc_examples.CASES,
    "gRPC: metadata and status": grpc_models.CASES,
    "configurations": configs.CASES,
    "folders of versions": versions.CASES,
    "warm-up": warm_ups.CASES,
    "batching": batches.CASES,
    "metrics": metrics.CASES,
}
