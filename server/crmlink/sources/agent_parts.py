"""Contacts that an agent on another computer brings, part by part: whole lists only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crmlink.sources.connecting import connect_company, note_source
from crmlink.sources.contact import Company, ContactPage, ReadContact
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import OtherData, PartMissing, SourceUnreadable, TooManyCompanies
from crmlink.sources.sync import store_page
from crmlink.store import ContactSource, Device, SourceAccount
from crmlink.store.base import utc_now

MAX_COMPANIES = 50  # a misused token must not fill the page of companies


@dataclass(frozen=True, slots=True)
class ContactPart:
    """One part of a complete list of a company, in order from 1; ``reading`` names the list.

    ``data`` is what tells the company's data from that of another one of the same name, "" if the
    client does not say; ``has_moved`` if it is now at another place.
    """

    package: str
    company: str
    reading: str
    part: int
    is_last: bool
    contacts: Sequence[ReadContact]
    data: str = ""
    has_moved: bool = False


@dataclass(frozen=True, slots=True)
class PartResult:
    """How many contacts of the list have come, and whether it is complete."""

    contacts: int
    complete: bool


def store_part(ctx: SourceContext, device: Device, part: ContactPart) -> PartResult:
    """Store a part; the first part of a list ends an older list that is not complete.

    A part that comes again is not stored again. Raises PartMissing if one before it has not come,
    OtherData if another company's data has come under the name, SourceUnreadable for an empty list
    where there were contacts, or TooManyCompanies.
    """
    try:
        with ctx.database.writing() as session:
            source = _source(session, ctx, device, part)
            _require_same_data(source, part)
            if _has_come(source, part):
                return PartResult(source.read, part.is_last)
            position = _position(source, part)
            following = {"reading": part.reading, "part": part.part + 1}
            page = ContactPage(list(part.contacts), None if part.is_last else following)
            store_page(session, ctx, source, page, position)
            if part.is_last:
                source.handle = _handle(_name(part), _data_of(source))
            return PartResult(source.read, part.is_last)
    except SourceUnreadable as error:
        with ctx.database.writing() as session:
            source = _source(session, ctx, device, part)
            source.problem, source.position = error.code, None
        raise
    except OtherData as error:
        with ctx.database.writing() as session:
            _source(session, ctx, device, part).problem = error.code
        raise


def _source(
    session: Session, ctx: SourceContext, device: Device, part: ContactPart
) -> ContactSource:
    """Return the company's source, a new one for a company that is not known."""
    identity = {
        "workspace_id": ctx.workspace_id, "package": part.package, "tenant": part.company,
    }  # fmt: skip
    source = session.scalar(select(ContactSource).filter_by(**identity))
    if source is None:
        _require_room(session, ctx, part.package)
        account = SourceAccount(
            workspace_id=ctx.workspace_id, package=part.package, credentials=None
        )
        session.add(account)
        session.flush()
        source = connect_company(session, account, Company(part.company, part.company))
        source.requested_at = None
        session.flush()
        note_source(session, ctx, device, "source.connected", source)
    return source


def _require_same_data(source: ContactSource, part: ContactPart) -> None:
    """Bind a company's name to the data that comes first under it.

    Raises OtherData: an A/C is unique within one company only.
    """
    known = _data_of(source)
    if known in ("", part.data) or (part.has_moved and part.data):
        source.handle = _handle(_last_part(source), part.data)
    else:
        raise OtherData


def _require_room(session: Session, ctx: SourceContext, package: str) -> None:
    known = select(func.count(ContactSource.id)).filter_by(
        workspace_id=ctx.workspace_id, package=package
    )
    if (session.scalar(known) or 0) >= MAX_COMPANIES:
        raise TooManyCompanies


def _has_come(source: ContactSource, part: ContactPart) -> bool:
    if part.is_last and _last_part(source) == _name(part):
        return True
    at = (source.position or {}).get("at", {})
    return bool(at == {"reading": part.reading, "part": part.part + 1})


def _position(source: ContactSource, part: ContactPart) -> dict[str, Any]:
    """Return the position of a list at this part. Raises PartMissing."""
    at = {"reading": part.reading, "part": part.part}
    if part.part == 1:
        source.position = None
        return {"full": True, "began": utc_now().isoformat(), "at": at}
    if source.position is None or source.position["at"] != at:
        raise PartMissing
    return source.position


def _name(part: ContactPart) -> str:
    return f"{part.reading}/{part.part}"


def _handle(last_part: str, data: str) -> str:
    return f"{last_part} {data}" if data else last_part


def _last_part(source: ContactSource) -> str:
    return source.handle.partition(" ")[0]


def _data_of(source: ContactSource) -> str:
    return source.handle.partition(" ")[2]
