"""What an edge client reports."""

from serving.protocol.terminal import printable


class BadInputError(ValueError):
    """A file that cannot be used; the text says why."""


class EdgeError(Exception):
    """The base of the errors below; no prediction was made. Its text may quote a server or a file: it is printable."""

    def __str__(self) -> str:
        return printable(super().__str__())


class BundleError(EdgeError):
    """The bundle is incomplete, changed, or of another schema."""


class CoverError(EdgeError):
    """There are not enough covers to complete the groups."""


class CloudError(EdgeError):
    """The cloud could not be reached or refused the request."""


class DeadlineError(CloudError):
    """The deadline passed before every answer was there."""


class BadAnswerError(CloudError):
    """The cloud answered with something that this bundle's model cannot have said."""
