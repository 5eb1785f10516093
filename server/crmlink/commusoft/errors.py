"""Errors of calls to Commusoft.

After a write only `WriteRejected`, `WriteWithdrawn` and `RecordNotFound` prove that nothing was
changed; after any other error the record must be read again. No message contains a secret, a URL or
a record's data.
"""

from typing import ClassVar

from crmlink.kinds import Kind


class CommusoftError(Exception):
    """Base class of failed calls; `cause` is a short text for the log, without data.

    `code` is stable: it is stored with links and ends a problem's type.
    """

    code: ClassVar[str] = "commusoft-fault"

    def __init__(self, cause: str = "") -> None:
        super().__init__(cause)
        self.cause = cause


class CommusoftUnreachable(CommusoftError):
    """No connection, or it broke: name not found, connection rejected, reset, TLS."""

    code = "commusoft-unreachable"


class CommusoftTimeout(CommusoftError):
    """No complete response before the deadline."""

    code = "commusoft-slow"


class CommusoftAuthError(CommusoftError):
    """The credentials, or the token obtained with them, are not accepted."""

    code = "commusoft-refused"


class CommusoftBusy(CommusoftError):
    """A wait is required; `retry_after` in seconds, bounded, None if unknown."""

    code = "commusoft-busy"

    def __init__(self, retry_after: float | None = None, cause: str = "") -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class CommusoftServerError(CommusoftError):
    """A response that means a failure of Commusoft, or a status that a call cannot explain."""

    def __init__(self, status: int, cause: str = "") -> None:
        super().__init__(cause or f"status {status}")
        self.status = status


class InvalidCommusoftResponse(CommusoftError):
    """A response that is not the API's: HTML, truncated, empty, too large, the wrong type."""

    code = "commusoft-unreadable"


class RecordNotFound(CommusoftError):
    """The record does not exist (any more), or is flagged deleted."""

    code = "record-gone"

    def __init__(self, kind: Kind, number: str) -> None:
        super().__init__(f"{kind}-{number}")
        self.kind: Kind = kind
        self.number = number


class WriteWithdrawn(CommusoftError):
    """The caller withdrew the write before it was sent."""

    code = "write-withdrawn"


class WriteRejected(CommusoftError):
    """Commusoft did not do the write; `status` is the HTTP status."""

    code = "write-refused"

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class ReferenceErased(WriteRejected):
    """Nothing was sent: the value is the pseudonym of an erased reference, not a reference."""

    code = "reference-erased"

    def __init__(self) -> None:
        super().__init__(0)


class NoApi(CommusoftError):
    """The account has no API."""

    code = "commusoft-no-api"


class ConnectionEnded(CommusoftError):
    """The connection was replaced or deleted while in use."""

    code = "connection-ended"


# After these a write is over: it was answered, or never sent. After others it may land late.
ANSWERED_WRITE_ERRORS = (WriteRejected, RecordNotFound, CommusoftAuthError, CommusoftBusy)
