"""The gRPC statuses of the server's errors."""

from __future__ import annotations

import grpc

from serving.protocol.errors import ServingError

# HTTP status -> gRPC status, as TensorFlow Serving maps them; 408, 413 and 415 have no counterpart of their own there.
_STATUSES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    415: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


def grpc_status(error: ServingError) -> grpc.StatusCode:
    """The gRPC status of an error: its own `code`, or what corresponds to its `http_status`."""
    if error.code:
        return grpc.StatusCode[error.code]
    return _STATUSES.get(error.http_status, grpc.StatusCode.INTERNAL)
