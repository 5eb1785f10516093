"""Reading the contacts of one source: page by page, resumable, one at a time for an account."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.commusoft.vault import VaultKeyMissing
from crmlink.sources.adapters import ADAPTERS, Adapter
from crmlink.sources.api import Api, Tokens
from crmlink.sources.contact import ContactPage, Position
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import (
    SignInElsewhere,
    SourceError,
    SourceLimited,
    SourceNotFound,
    SourceRefused,
    SourceSyncInProgress,
    SourceUnreadable,
)
from crmlink.sources.json_values import moment
from crmlink.sources.leases import SourceLease, source_lease
from crmlink.sources.oauth import Credentials, RenewedTokens
from crmlink.sources.schedule import QUIET
from crmlink.sources.stored_contacts import mark_missing, store_contacts
from crmlink.store import ContactSource
from crmlink.store.base import utc_now
from crmlink.store.place import is_same_place, place_of

CLOCK_OVERLAP = timedelta(days=1)  # the package's clock and the day of a change are unknown
FULL_INTERVAL = timedelta(days=1)  # merged and deleted contacts are noticed within two days
BACKOFF = timedelta(minutes=5)  # after a fault of the package or the line, and then doubled
MAX_BACKOFF = timedelta(hours=1)
MAX_RESTART_BACKOFF = timedelta(hours=6)  # a list that begins anew asks for all its pages again
MAX_PAGES, MAX_CONTACTS = 5_000, 1_000_000  # of one list
RUN = timedelta(minutes=1)  # after its calls of a minute a run goes on in the next one


@dataclass(slots=True)
class SourceSync:
    """Outcome of one run: contacts read, and whether the list is complete."""

    read: int = 0
    complete: bool = False
    problem: str | None = None


def sync_source(
    ctx: SourceContext,
    source_id: int,
    should_stop: Callable[[], bool] = lambda: False,
    tokens: Tokens | None = None,
) -> SourceSync:
    """Read a source's contacts, or go on where an earlier run stopped.

    All of them, or those changed since the last time. Errors of the package end the run and are
    stored with the source, as is when it goes on. ``tokens`` are of a session that is not kept.
    Raises SourceSyncInProgress or SourceNotFound.
    """
    with source_lease(ctx, source_id) as (lease, source):
        result = SourceSync()
        try:
            _read_pages(ctx, lease, source, tokens or _tokens(ctx, lease, source), result,
                        should_stop)  # fmt: skip
        except (SourceSyncInProgress, SourceNotFound):
            raise
        except VaultKeyMissing:
            result.problem = _stop(lease, SourceRefused("vault key"))
        except SourceError as error:
            result.problem = _stop(lease, error)
        return result


def _tokens(ctx: SourceContext, lease: SourceLease, source: ContactSource) -> Tokens:
    if source.account.credentials is None:
        raise SourceRefused("no credentials")
    _require_own(ctx, lease, source)
    vault = ctx.vault()

    def keep(credentials: Credentials) -> None:
        with lease.writing() as (_, current):
            current.account.credentials = vault.seal(credentials.as_secrets())

    credentials = Credentials.from_secrets(vault.open(source.account.credentials))
    return RenewedTokens(ctx.registry[source.package], credentials, keep)


def _require_own(ctx: SourceContext, lease: SourceLease, source: ContactSource) -> None:
    """Raise SignInElsewhere if the sign-in was connected in another copy of this database."""
    here, used_by = place_of(ctx.database), source.account.used_by
    if used_by is not None and not is_same_place(used_by, here):
        raise SignInElsewhere("a copy")
    if used_by != here:
        with lease.writing() as (_, current):
            current.account.used_by = here


def _read_pages(
    ctx: SourceContext,
    lease: SourceLease,
    source: ContactSource,
    tokens: Tokens,
    result: SourceSync,
    should_stop: Callable[[], bool],
) -> None:
    package, adapter = ctx.registry[source.package], ADAPTERS[source.package]
    api, began = Api(package, tokens), utc_now()
    position = source.position if source.is_begun else None
    position = position or begin_list(source, adapter.first_position)
    while not should_stop():
        page = _page(adapter, api, source.tenant, position["at"])
        with lease.writing() as (session, current):
            following = store_page(session, ctx, current, page, position)
        result.read += len(page.contacts)
        if following is None:
            result.complete = True
            return
        if page.stop_until:
            raise SourceLimited(page.stop_until)
        if api.calls >= package.calls_per_run:
            _pause(lease, began + RUN)
            return
        position = following


def _page(adapter: Adapter, api: Api, tenant: str, at: Position) -> ContactPage:
    """Return a page. Raises SourceError, also for an answer that its adapter cannot read."""
    failure: SourceError
    try:
        return adapter.page(api, tenant, at)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        failure = SourceUnreadable(type(error).__name__)
    raise failure  # without the other one, which may contain what was read


def begin_list(
    source: ContactSource, first_position: Callable[[datetime | None], Position]
) -> Position:
    """Return the position of a new list: of all contacts once a day, else of changed ones."""
    last = source.fully_synced_at
    full = (
        source.synced_at is None
        or last is None
        or not utc_now() - FULL_INTERVAL < last <= utc_now()
    )
    since = None if full or source.synced_at is None else source.synced_at - CLOCK_OVERLAP
    return _failures_of(source) | {
        "full": full,
        "began": utc_now().isoformat(),
        "requested": _request_of(source),
        "at": first_position(since),
    }


def store_page(
    session: Session,
    ctx: SourceContext,
    source: ContactSource,
    page: ContactPage,
    position: Position,
) -> Position | None:
    """Store a page that was read at a position; return where its list goes on, None at its end.

    In one transaction. Raises SourceUnreadable for a list that does not end, or if a complete list
    is empty that was not so before.
    """
    following = _following(page, position)
    if not source.is_begun:
        source.read = 0
    if position["full"] and "pages" not in position:
        source.left_out = None
    source.read += len(page.contacts)
    if source.read > MAX_CONTACTS:
        raise SourceUnreadable("a list without an end")
    store_contacts(session, source, page.contacts, ctx.rules(), full=position["full"])
    source.position = following
    source.problem = source.resume_at = None
    source.account.needs_sign_in = False
    if following is None:
        _complete(session, source, position)
    return following


def _following(page: ContactPage, position: Position) -> Position | None:
    """Return where a list goes on. Raises SourceUnreadable if it seems to go on for ever."""
    if page.next is None:
        return None
    mark, pages = _mark_of(page, position), position.get("pages", 0) + 1
    earlier = position.get("earlier", "")
    if (mark and mark in (position.get("mark"), earlier)) or pages > MAX_PAGES:
        raise SourceUnreadable("a list without an end")
    if pages & (pages - 1) == 0:  # pages that go round, however many, meet one of these (Brent)
        earlier = mark
    return position | {
        "at": page.next, "mark": mark, "earlier": earlier, "pages": pages, "failures": 0,
    }  # fmt: skip


def _mark_of(page: ContactPage, position: Position) -> str:
    """Return what tells a page's contacts from another page's of the same part; "" for none."""
    keys = [contact.key for contact in page.contacts]
    known = "\n".join([str(position["at"].get("part", "")), *keys])
    return hashlib.sha256(known.encode()).hexdigest()[:16] if keys else ""


def _complete(session: Session, source: ContactSource, position: Position) -> None:
    """Note a complete list; of all contacts, those missing from two in a row are deleted."""
    if position["full"]:
        if not source.read and source.round:
            raise SourceUnreadable("an empty list")
        source.round += 1
        mark_missing(session, source)
        source.fully_synced_at = utc_now()
    source.synced_at = moment(position["began"]) or utc_now()
    if source.account.credentials is None or not _is_requested_since(source, position):
        source.requested_at = None
    elif _is_requested_by_webhook(session, source):  # of which there may be many
        source.resume_at = utc_now() + QUIET


def _is_requested_since(source: ContactSource, position: Position) -> bool:
    """Return whether it was requested after its list began, which may lack the reason for that."""
    if "requested" in position:
        return _request_of(source) not in (None, position["requested"])
    began = moment(position["began"])  # of an older version, by this machine's clock
    return bool(source.requested_at and began and source.requested_at > began)


def _is_requested_by_webhook(session: Session, source: ContactSource) -> bool:
    heard = select(ContactSource.id).filter_by(
        account_id=source.account_id, webhook_at=source.requested_at
    )
    return session.scalar(heard.limit(1)) is not None


def _request_of(source: ContactSource) -> str | None:
    """Return what names the last request: its time, which may be of other machines' clocks."""
    return source.requested_at.astimezone(UTC).isoformat() if source.requested_at else None


def _pause(lease: SourceLease, until: datetime) -> None:
    with lease.writing() as (_, source):
        source.resume_at = max(until, utc_now())


def _stop(lease: SourceLease, error: SourceError) -> str:
    """Store what stopped a run, and when it goes on; returns its code."""
    with lease.writing() as (session, source):
        source.problem = error.code
        source.resume_at = error.until if isinstance(error, SourceLimited) else None
        if isinstance(error, SourceRefused) and error.company_only and _has_others(session, source):
            source.resume_at = utc_now() + FULL_INTERVAL  # it may be let in again there
        elif isinstance(error, SourceRefused):
            source.account.needs_sign_in = True
        elif not isinstance(error, SourceLimited):
            source.resume_at = utc_now() + _note_failure(source, error)
        if not isinstance(error, SourceLimited):
            source.requested_at = None
    return error.code


def _note_failure(source: ContactSource, error: SourceError) -> timedelta:
    """Count a failure in the position, and return how long to pause.

    Failures count until a page is read; lists that begin anew, until one is complete: the page
    that ends them may be their last.
    """
    known = _failures_of(source)
    if isinstance(error, SourceUnreadable):  # perhaps the position is of an older form
        known["restarts"] = count = known["restarts"] + 1
        source.position, most = known, MAX_RESTART_BACKOFF
    else:
        known["failures"] = count = known["failures"] + 1
        source.position, most = (source.position or {}) | known, MAX_BACKOFF
    return min(BACKOFF * (1 << min(count - 1, 20)), most)


def _failures_of(source: ContactSource) -> dict[str, int]:
    position = source.position or {}
    return {name: int(position.get(name, 0)) for name in ("failures", "restarts")}


def _has_others(session: Session, source: ContactSource) -> bool:
    """Return whether other companies are read with the same sign-in."""
    others = select(ContactSource.id).filter_by(account_id=source.account_id)
    return session.scalar(others.where(ContactSource.id != source.id).limit(1)) is not None
