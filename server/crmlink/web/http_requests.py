"""One incoming request of the web server: its deadlines, and whether its body is kept."""

from __future__ import annotations

import enum
import io
import time
from typing import Any

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser
from waitress.task import WSGITask

from crmlink.web.body_limits import REFUSED, STRANGER_BYTES

HEADER_SECONDS = 15.0
BODY_SECONDS = 30.0  # for any body, and longer for a large one:
BODY_BYTES_A_SECOND = 16_000
REFUSED_SECONDS = 60.0  # for a rejected body, read so that its sender can read the response
CHUNK_LINE_BYTES = 1_000  # a chunk's size with its extensions
TRAILER_BYTES = 8_000


class Body(enum.Enum):
    """What is done with the body of a request whose head has arrived."""

    UNJUDGED = enum.auto()
    ASKED = enum.auto()  # a thread authenticates the sender
    READ = enum.auto()
    FORGOTTEN = enum.auto()


class RequestParser(HTTPRequestParser):  # type: ignore[misc]
    """Parser of one incoming request."""

    def __init__(self, adjustments: Adjustments) -> None:
        super().__init__(adjustments)
        self.began = time.time()
        self.body = Body.UNJUDGED
        self.limit = STRANGER_BYTES
        self.sender_is_known = False

    def forget_body(self) -> None:
        """Read the rest of the body and discard it."""
        self.body = Body.FORGOTTEN
        if self.body_rcv is not None:
            self.body_rcv.buf = _Discarded()

    def deadline(self) -> float:
        """Return the time by which the request must be complete."""
        if not self.headers_finished:
            return self.began + HEADER_SECONDS
        if self.body is Body.FORGOTTEN:
            return self.began + REFUSED_SECONDS
        return self.began + BODY_SECONDS + int(self.content_length) / BODY_BYTES_A_SECOND

    def has_endless_line(self) -> bool:
        """Return whether chunk headers are longer than any client sends."""
        body = self.body_rcv
        return (
            len(body.control_line) > CHUNK_LINE_BYTES
            or len(body.trailer) > TRAILER_BYTES
            or self.body_bytes_received > 2 * self.limit + TRAILER_BYTES
        )


class RequestTask(WSGITask):  # type: ignore[misc]
    """Task that passes a request to the application, marked if its body was discarded."""

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment."""
        environ: dict[str, Any] = super().get_environment()
        # It would keep a file open until the response is read.
        environ.pop("wsgi.file_wrapper", None)
        if self.request.body is Body.FORGOTTEN:
            environ |= {REFUSED: True, "CONTENT_LENGTH": "0"}
        return environ


class _Discarded:
    """Buffer that discards everything, including an earlier buffer's contents."""

    def append(self, data: bytes) -> None:
        pass

    def getfile(self) -> io.BytesIO:
        return io.BytesIO()

    def close(self) -> None:
        pass

    def __len__(self) -> int:
        return 0
