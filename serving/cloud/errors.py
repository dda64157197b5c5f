"""What goes wrong in the server, with its status in both protocols."""

from __future__ import annotations

import grpc

# HTTP status -> gRPC status, as TensorFlow Serving maps them; 408, 413 and 415 have no counterpart of their own there.
_GRPC = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    415: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class ServingError(Exception):
    """A request that is not answered; the text says why.

    Attributes:
        http_status: 400 bad request, 401 no valid token, 404 no such model, version, label or path, 408 sent too
            slowly,
            413 too large, 415 unknown encoding, 429 too many bytes under way, 501 not offered, 503 queue full or not
            ready, 504 deadline passed.
    """

    def __init__(self, http_status: int, message: str):
        super().__init__(message)
        self.http_status = http_status

    @property
    def grpc_status(self) -> grpc.StatusCode:
        """The gRPC status that corresponds to `http_status`."""
        return _GRPC.get(self.http_status, grpc.StatusCode.INTERNAL)
