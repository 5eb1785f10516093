"""What can go wrong with Commusoft, a type each.

After a write only `WriteRejected`, `WriteWithdrawn` and `RecordNotFound` say that nothing was
changed; after every other error the record must be read again to know. No message holds a secret,
a URL or a record's data.
"""

from typing import ClassVar

from crmlink.kinds import Kind


class CommusoftError(Exception):
    """Any failure of a call to Commusoft. `cause` is a short word for the log, never data.

    `code` is stable: it is stored with links and ends a problem's type.
    """

    code: ClassVar[str] = "commusoft-fault"

    def __init__(self, cause: str = "") -> None:
        super().__init__(cause)
        self.cause = cause


class CommusoftUnreachable(CommusoftError):
    """No connection, or it broke: name not found, refused, reset, TLS."""

    code = "commusoft-unreachable"


class CommusoftTimeout(CommusoftError):
    """No whole answer within the time allowed."""

    code = "commusoft-slow"


class CommusoftAuthError(CommusoftError):
    """The credentials, or the token made from them, are not accepted."""

    code = "commusoft-refused"


class CommusoftBusy(CommusoftError):
    """Asked to wait. `retry_after` is in seconds, bounded; None when nothing was said."""

    code = "commusoft-busy"

    def __init__(self, retry_after: float | None = None, cause: str = "") -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class CommusoftServerError(CommusoftError):
    """An answer that says Commusoft itself failed, or a status that a call cannot explain."""

    def __init__(self, status: int, cause: str = "") -> None:
        super().__init__(cause or f"status {status}")
        self.status = status


class InvalidCommusoftResponse(CommusoftError):
    """An answer that is not the API's: HTML, truncated, empty, too large, the wrong type."""

    code = "commusoft-unreadable"


class RecordNotFound(CommusoftError):
    """The record does not exist (any more), or is flagged deleted."""

    code = "record-gone"

    def __init__(self, kind: Kind, number: str) -> None:
        super().__init__(f"{kind}-{number}")
        self.kind: Kind = kind
        self.number = number


class WriteWithdrawn(CommusoftError):
    """Nothing was sent: whoever asked for the write is not to do it any more."""

    code = "write-withdrawn"


class WriteRejected(CommusoftError):
    """Commusoft answered that it did not do the write. `status` is the HTTP status."""

    code = "write-refused"

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class ReferenceErased(WriteRejected):
    """Nothing was sent: the value is the keyed hash of an erased reference, not a reference."""

    code = "reference-erased"

    def __init__(self) -> None:
        super().__init__(0)


class ConnectionEnded(CommusoftError):
    """Another account was connected, or this one disconnected, while it was being used."""

    code = "connection-ended"


# After these a write is over: it was answered, or never sent. After others it may land late.
ANSWERED_WRITE_ERRORS = (WriteRejected, RecordNotFound, CommusoftAuthError, CommusoftBusy)
