"""A session of a Web Connector: what it is to ask QuickBooks, and what becomes of the answers.

Everything about a session is in the database, so it goes on in any process and after a restart.
"""

from __future__ import annotations

import structlog

from crmlink.sources.contact import Position
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import (
    OtherCompanyFile,
    SessionOver,
    SourceError,
    SourceFault,
    SourceUnreachable,
)
from crmlink.sources.quickbooks_desktop.connectors import find_session, hash_of_path
from crmlink.sources.quickbooks_desktop.qbxml import (
    Answer,
    first_position,
    read_answer,
    request_at,
)
from crmlink.sources.sync import begin_list, store_page
from crmlink.store import WebConnector

COMPLETE = 100  # per cent

log = structlog.get_logger()


def next_request(ctx: SourceContext, source_id: str, ticket: str, file_path: str) -> str:
    """Return the next request for QuickBooks.

    Raises SessionOver, or OtherCompanyFile if another file was opened in the middle of a list.
    """
    try:
        with ctx.database.writing() as session:
            connector = find_session(session, ctx, source_id, ticket)
            if connector is None:
                raise SessionOver
            source = connector.source
            if source.position is None:
                source.position = begin_list(source, first_position)
                source.read, connector.error = 0, ""
            source.position = position = _with_file(source.position, hash_of_path(file_path))
            return request_at(position["at"])
    except OtherCompanyFile as error:
        _note(ctx, source_id, ticket, error)
        raise


def receive_answer(
    ctx: SourceContext, source_id: str, ticket: str, text: str, *, failed: bool
) -> int:
    """Store an answer of QuickBooks; return how far the list is, in per cent.

    ``failed``: QuickBooks gave an error instead. Raises SessionOver, or another SourceError, after
    which the list begins anew with the next session.
    """
    try:
        with ctx.database.writing() as session:
            connector = find_session(session, ctx, source_id, ticket)
            if connector is None or connector.source.position is None:
                raise SessionOver
            if failed:
                raise SourceFault("hresult")
            source, position = connector.source, connector.source.position
            answer = read_answer(text, position["at"])
            if answer.company:
                _require_same_company(connector, answer, position.get("file", ""))
            store_page(session, ctx, source, answer.page, position)
            read, complete = source.read, source.position is None
    except SessionOver:
        raise
    except SourceError as error:
        _note(ctx, source_id, ticket, error)
        raise
    if complete:
        log.info("source read", source=source_id, contacts=read, complete=True, problem=None)
    return answer.percent


def note_unreachable(ctx: SourceContext, source_id: str, ticket: str) -> None:
    """Note that the Web Connector could not reach QuickBooks."""
    _note(ctx, source_id, ticket, SourceUnreachable("connection error"))


def error_of_session(ctx: SourceContext, source_id: str, ticket: str) -> str:
    """Return the code of what went wrong in a session, "" for nothing. Raises SessionOver."""
    with ctx.database.writing() as session:
        connector = find_session(session, ctx, source_id, ticket)
        if connector is None:
            raise SessionOver
        return connector.error


def close_session(ctx: SourceContext, source_id: str, ticket: str) -> None:
    """End a session; one that is over already stays so."""
    with ctx.database.writing() as session:
        connector = find_session(session, ctx, source_id, ticket)
        if connector is not None:
            connector.ticket_hash = ""
            connector.source.position = None


def _with_file(position: Position, file_hash: str) -> Position:
    """Return the position of a list with its company file. Raises OtherCompanyFile."""
    known = position.get("file", "")
    if known and file_hash and file_hash != known:
        raise OtherCompanyFile("in the middle")
    return position | {"file": known or file_hash}


def _require_same_company(connector: WebConnector, answer: Answer, file_hash: str) -> None:
    """Accept a renamed company or a moved file, but not both at once: that is another company.

    Raises OtherCompanyFile.
    """
    source = connector.source
    is_moved = not file_hash or file_hash != connector.file_hash
    if source.handle and answer.company != source.handle and is_moved:
        raise OtherCompanyFile
    connector.file_hash = file_hash or connector.file_hash
    source.handle = answer.company
    source.name = answer.company[:200]


def _note(ctx: SourceContext, source_id: str, ticket: str, error: SourceError) -> None:
    """Store what stopped a list; it begins anew with the next session."""
    with ctx.database.writing() as session:
        connector = find_session(session, ctx, source_id, ticket)
        if connector is None:
            return
        connector.error = connector.source.problem = error.code
        connector.source.position = None
    log.info("source read", source=source_id, complete=False, problem=error.code, cause=error.cause)
