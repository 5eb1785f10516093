"""Commusoft client: lists records, reads one record, and writes one reference."""

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from crmlink.commusoft.auth import AuthenticatedTransport
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import Dialect, dialect_for
from crmlink.commusoft.errors import InvalidCommusoftResponse, RecordNotFound, ReferenceErased
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.pace import PaceState
from crmlink.commusoft.parsing import iter_records, parse_record, parse_single
from crmlink.commusoft.records import Record
from crmlink.commusoft.request_body import fill_path, write_body, write_path
from crmlink.commusoft.shared.account import SharedAccount
from crmlink.commusoft.transport import Response
from crmlink.deadline import Deadline
from crmlink.kinds import Kind
from crmlink.pseudonyms import holds_pseudonym
from crmlink.strict_json import NotJSON, read_json

# The published profile's host serves the API alone; pages are on the web application's host.
_PAGE_HOSTS = {"api.commusoft.com": "app.commusoft.co.uk"}
_PAGES: dict[Kind, str] = {
    "customer": "/customers/customer/{number}/view/property/view",
    "supplier": "/suppliers/list_supplier/{number}/view/supplier_details",
}


class CommusoftClient:
    """Client of one Commusoft account; thread-safe.

    Every call ends within `limits.total_timeout` seconds and raises a `CommusoftError` on failure.
    """

    has_api = True

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect | None = None,
        limits: ClientLimits | None = None,
        shared: SharedAccount | None = None,
    ) -> None:
        self.connection = connection
        self._dialect = dialect or dialect_for(connection.base_url)
        self._limits = limits or ClientLimits()
        self._account = AuthenticatedTransport(
            connection, self._limits, self._dialect.token_place, shared
        )
        self._background = False

    @property
    def sandbox(self) -> bool:
        """Whether a response identified the server as the sandbox."""
        return self._account.transport.sandbox

    @property
    def last_error_code(self) -> str | None:
        """Code of the error of the last call; None if it got a response."""
        return self._account.transport.last_error_code

    @property
    def dialect(self) -> Dialect:
        """The dialect in use, with the token's place once known."""
        return replace(self._dialect, token_place=self._account.token_place)

    def records(self, kind: Kind, created_after: datetime | None = None) -> Iterator[Record]:
        """Yield every record of `kind`, deleted ones included and flagged.

        `created_after` (aware) omits older ones where the API supports it. This call fetches the
        whole response into a temporary file, so the caller may iterate slowly. After an error the
        list is incomplete: a missing record proves nothing.
        """
        ways = self._dialect.ways(kind)
        query = {}
        if created_after is not None and ways.created_filter:
            when = created_after.astimezone(UTC)
            query[ways.created_filter] = when.strftime("%Y-%m-%dT%H:%M:%S")
        return _iter_records(kind, self.raw_list(kind, query), ways.writing.reference)

    def records_now(self, kind: Kind) -> Iterator[Record]:
        """Yield what ``records`` does; raises `InvalidCommusoftResponse` if a cache answered."""
        reply = self.raw_list(kind)
        if reply.headers.get("Age", "0").strip() != "0":
            reply.body.close()
            raise InvalidCommusoftResponse("a list out of a cache")
        return _iter_records(kind, reply, self._dialect.ways(kind).writing.reference)

    def record(self, kind: Kind, number: str, uuid: str | None = None) -> Record:
        """Return the current record; raises `RecordNotFound` if it is missing or deleted.

        Where records are read by UUID and none is given, the whole list is searched for it.
        """
        ways = self._dialect.ways(kind)
        if "{uuid}" in ways.record_path and not uuid:
            uuid = self._uuid_of(kind, number)
        path = fill_path(ways.record_path, number, uuid)
        with (
            self._deadline() as deadline,
            self._account.get(path, {}, self._limits.record_bytes, deadline) as reply,
        ):
            if reply.status in (404, 410):
                raise RecordNotFound(kind, number)
            record = parse_single(kind, _document(reply), ways.writing.reference)
        if record.number != number or (uuid and record.uuid and record.uuid != uuid):
            raise InvalidCommusoftResponse("another record than the one asked for")
        if record.deleted:
            raise RecordNotFound(kind, number)
        return record

    def write_reference(
        self,
        record: Record,
        reference: str | None,
        *,
        before_sending: Callable[[], None] | None = None,
    ) -> None:
        """Write `reference` to `record`, None clears it; sends one request, never repeated.

        Returns when Commusoft confirmed it, which is no proof: read the record again. Raises
        `ReferenceErased` for the pseudonym of an erased reference. The request may wait for its
        slot; `before_sending` is called after that and may raise `WriteWithdrawn`.
        """
        if holds_pseudonym(reference):
            raise ReferenceErased
        writing = self._dialect.ways(record.kind).writing
        path = write_path(writing, record)
        body, content_type = write_body(writing, record, reference)
        with self._deadline() as deadline:
            self._account.write(writing.method, path, body, content_type, deadline, before_sending)

    def with_dialect(self, dialect: Dialect) -> "CommusoftClient":
        """Return the same session with another dialect, for the doctor."""
        other = copy.copy(self)
        other._dialect = dialect
        return other

    def in_background(self) -> "CommusoftClient":
        """Return the same session for background work: interactive calls take precedence."""
        other = copy.copy(self)
        other._background = True
        return other

    @property
    def max_concurrent(self) -> int:
        """Maximum number of concurrent calls."""
        return self._limits.max_concurrent

    @property
    def late_write_seconds(self) -> float:
        """Seconds for which a write without a response may still be carried out."""
        return self._limits.late_write_seconds

    @property
    def background_per_second(self) -> float:
        """Calls per second available to background work."""
        return self._account.transport.background_per_second

    @property
    def pace(self) -> PaceState | None:
        """The pace by Commusoft's answers, None if it is fixed."""
        return self._account.transport.pace

    def _deadline(self) -> Deadline:
        return Deadline(self._limits.total_timeout, background=self._background)

    def rest(self) -> None:
        """Close idle connections; the next call opens one."""
        self._account.transport.close_idle()

    def token_shape(self) -> str:
        """Return the shape in which the token was received, for the doctor."""
        with self._deadline() as deadline:
            return self._account.token_shape(deadline)

    def raw_list(self, kind: Kind, query: Mapping[str, str] | None = None) -> Response:
        """Return the list's response unparsed; the caller closes it."""
        path = self._dialect.ways(kind).list_path
        with self._deadline() as deadline:
            reply = self._account.get(path, query or {}, self._limits.list_bytes, deadline)
        if reply.status in (404, 410):
            reply.body.close()
            raise InvalidCommusoftResponse(f"no list at this address: status {reply.status}")
        return reply

    def page_url(self, kind: Kind, number: str) -> str:
        """Return the URL of the record's page in Commusoft's web application."""
        return self.web_url + fill_path(_PAGES[kind], number, None)

    @property
    def web_url(self) -> str:
        """The web application's URL without a trailing slash."""
        parts = urlsplit(self.connection.base_url)
        return f"{parts.scheme}://{_PAGE_HOSTS.get(parts.netloc, parts.netloc)}"

    def _uuid_of(self, kind: Kind, number: str) -> str:
        found = next((one for one in self.records(kind) if one.number == number), None)
        if found is None or found.deleted:
            raise RecordNotFound(kind, number)
        if not found.uuid:
            raise InvalidCommusoftResponse("a record without a UUID")
        return found.uuid


def _iter_records(kind: Kind, reply: Response, reference: str) -> Iterator[Record]:
    with reply:
        for raw in iter_records(kind, reply.body):
            yield parse_record(kind, raw, reference)


def _document(reply: Response) -> Any:
    with contextlib.suppress(NotJSON):
        return read_json(reply.body.read(), control_characters=True)
    # Raised outside the handler: the parser's exception contains the whole document.
    raise InvalidCommusoftResponse("an answer that breaks off or is not JSON")
