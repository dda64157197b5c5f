"""What goes wrong in a server, with its HTTP status."""

from __future__ import annotations

TOO_MUCH_MEMORY = "the request takes more memory than there is; send fewer rows at a time"


class ServingError(Exception):
    """A request that is not answered; the text says why.

    Attributes:
        http_status: 400 bad request, 401 no valid token, 403 not allowed, 404 no such model, version or path, 408 sent
            too slowly, 413 too large, 415 unknown encoding, 429 too many bytes under way, 500 the model is at fault,
            501 not offered, 503 queue full or not ready, 504 deadline passed.
        code: Name of the gRPC status, where the HTTP status alone does not tell it.
    """

    def __init__(self, http_status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.http_status, self.code = http_status, code
