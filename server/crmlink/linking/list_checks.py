"""Checks of written links by one read of Commusoft's list for hundreds of them.

A link becomes *linked* only by a read that began after its PUT was answered and shows the target.
A list may be that read, if nothing speaks against it: it was not answered by a cache, it is whole,
and what single reads show of the newest link, of some others and of all those that it does not
show as linked is the same as it shows. Otherwise every link is read alone, as without lists.

A record that had the target before, as that of every undo, is shown with it by an old list too. A
list counts for it only if it also shows a newer link's value, which none before that link shows.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.commusoft.errors import (
    CommusoftAuthError,
    CommusoftBusy,
    CommusoftError,
    CommusoftUnreachable,
    ConnectionEnded,
)
from crmlink.commusoft.mirror import upsert_record
from crmlink.commusoft.records import Record
from crmlink.kinds import KINDS, Kind
from crmlink.linking.attempts import check_now
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.fresh_reads import mirror_changed_since
from crmlink.linking.list_trust import ListTrust
from crmlink.linking.settling import note_settled
from crmlink.store import Link, LinkState, WorkspaceConnection
from crmlink.store.base import utc_now

MIN_LINKS = 4  # links for which a list is read at all
LISTED_FOR_EACH = 500  # records of a list whose reading costs about as much as a single read
SAMPLE_SHARE = 0.01  # share of the links that are read alone too, besides the newest
NEWEST = 20  # links that may show how old a list is
NEVER = datetime.max.replace(tzinfo=UTC)
CHUNK_SIZE = 10  # links settled in a transaction, which holds the lock that people wait for
LOOKUP_CHUNK_SIZE = 100  # links looked up by one statement
MAX_PAUSE = 1.0  # seconds between two such transactions
OUTAGES = (CommusoftUnreachable, CommusoftAuthError, CommusoftBusy, ConnectionEnded)  # of all calls


@dataclass(frozen=True, slots=True)
class Listing:
    """What one read of a list shows: the wanted records, and how many it has in all.

    ``doubtful`` are numbers that it has twice; ``version`` is the mirror's before the read.
    """

    shown: dict[str, Record] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    records: int = 0
    version: int = 0


class ListChecker:
    """Checks what waits of one connection; its memory, of what lists are worth, may be lost."""

    def __init__(self, ctx: WorkspaceContext, stopped: Callable[[], bool]) -> None:
        self._ctx, self._trust, self._stopped = ctx, ctx.list_trust or ListTrust(), stopped
        self._guard = threading.Lock()
        self._listed: dict[Kind, int] = {}

    def listed(self) -> int:
        """Return how many records the longest list had that was read so far."""
        with self._guard:
            return max(self._listed.values(), default=0)

    def check(self, links: Sequence[Link]) -> str | None:
        """Settle written links, all of them if Commusoft answers; returns its problem's code.

        Every PUT must have been answered before this call: what is read here begins after it.
        """
        try:
            for kind in KINDS:
                self._check_kind(kind, [link for link in links if link.kind == kind])
        except (CommusoftError, CheckFailed) as error:
            return error.code
        except CheckStopped:
            pass
        return None

    def _check_kind(self, kind: Kind, links: list[Link]) -> None:
        if not self._trust.trusts(kind) or not self._is_worth_a_list(kind, len(links)):
            self._read_alone(links)
            return
        held = self._held_before(links)
        newest = self._newest_in_effect(kind) if held else []
        try:
            wanted = {link.record_number for link in (*links, *newest)}
            listing = self._read_list(kind, wanted)
        except OUTAGES:
            raise
        except CommusoftError:
            self._trust.doubt(kind)
            self._read_alone(links)
            return
        agreed = [link for link in links if _shows(listing, link)]
        if self._contradicts(agreed, [link for link in links if not _shows(listing, link)]):
            self._trust.doubt(kind)
            self._read_alone(agreed)
            return
        new = [link for link in agreed if link.id not in held]
        since = max((link.created_at for link in (*new, *newest) if _shows(listing, link)),
                    default=None)  # fmt: skip
        again = {link_id for link_id, ended in held.items() if since is None or ended >= since}
        self._settle([link for link in agreed if link.id not in again], listing)
        self._read_alone([link for link in agreed if link.id in again])

    def _is_worth_a_list(self, kind: Kind, links: int) -> bool:
        return links >= max(MIN_LINKS, self._listed.get(kind, 0) / LISTED_FOR_EACH)

    def _read_list(self, kind: Kind, wanted: set[str]) -> Listing:
        """Return the wanted records of a list. Raises CommusoftError, also if it breaks off."""
        with self._ctx.database.reading() as session:
            version = session.get_one(WorkspaceConnection, self._ctx.connection_id).mirror_version
        shown: dict[str, Record] = {}
        doubtful, records = set(), 0
        for record in self._ctx.commusoft.records_now(kind):
            records += 1
            if record.number in wanted:
                if record.number in shown:
                    doubtful.add(record.number)
                shown[record.number] = record
        with self._guard:
            self._listed[kind] = records
        return Listing(shown, doubtful, records, version)

    def _held_before(self, links: Sequence[Link]) -> dict[str, datetime]:
        """Return the links whose record has had their target before, by a link, and until when."""
        found: dict[str, datetime] = {}
        with self._ctx.database.reading() as session:
            for some in _chunks(links, LOOKUP_CHUNK_SIZE):
                by_record = {link.record_number: link for link in some}
                earlier = select(
                    Link.record_number, Link.prior, Link.target, Link.state,
                    Link.written_at, Link.settled_at,
                ).where(
                    Link.connection_id == self._ctx.connection_id,
                    Link.kind == some[0].kind,
                    Link.record_number.in_(by_record),
                    Link.id.not_in([link.id for link in some]),
                )  # fmt: skip
                for each in session.execute(earlier):
                    link = by_record[each.record_number]
                    if link.target in (each.prior, each.target):
                        found[link.id] = max(found.get(link.id, _landed(each)), _landed(each))
        return found

    def _newest_in_effect(self, kind: Kind) -> list[Link]:
        """Return some links whose value their record never had before them, by a link."""
        query = (
            select(Link)
            .filter_by(connection_id=self._ctx.connection_id, kind=kind, undoes_id=None)
            .where(Link.state == LinkState.LINKED, Link.target.is_not(None))
            .where(Link.prior.is_distinct_from(Link.target))
            .order_by(Link.created_at.desc())
            .limit(NEWEST)
        )
        with self._ctx.database.reading() as session:
            links = session.scalars(query).all()
        of_records = {link.record_number: link for link in reversed(links)}
        held = self._held_before(list(of_records.values()))
        return [link for link in of_records.values() if link.id not in held]

    def _contradicts(self, agreed: list[Link], others: list[Link]) -> bool:
        """Return whether single reads show something else than the list did.

        All that the list does not show as linked are read, and a sample of those it does. Raises
        CheckFailed if that is not known: then nothing is settled by the list.
        """
        if not agreed:
            self._read_alone(others)
            return False
        newest = max(agreed, key=lambda link: link.written_at or utc_now())
        count = min(len(agreed), 1 + int(SAMPLE_SHARE * len(agreed)))
        sample = {link.id: link for link in [newest, *random.sample(agreed, count - 1)]}
        for link in sample.values():
            if self._alone(link).state is not LinkState.LINKED:
                return True
        return LinkState.LINKED in [self._alone(link).state for link in others]

    def _read_alone(self, links: Sequence[Link]) -> None:
        for link in links:
            self._alone(link)

    def _alone(self, link: Link) -> Link:
        """Check one link by a read of its own. Raises CheckFailed, CheckStopped."""
        if self._stopped():
            raise CheckStopped
        checked = check_now(self._ctx, link)
        code = (checked.failure or {}).get("code", "")
        if checked.is_to_be_checked and code not in ("", "reference-not-kept", "record-gone"):
            raise CheckFailed(code)
        return checked

    def _settle(self, links: list[Link], listing: Listing) -> None:
        for some in _chunks(links, CHUNK_SIZE):
            began = time.monotonic()
            with self._ctx.database.writing() as session:
                _settle_as_linked(session, self._ctx, some, listing)
            # SQLite's lock knows no queue: who takes it again at once takes it from all others.
            time.sleep(min(MAX_PAUSE, (time.monotonic() - began) / 2))


class CheckFailed(Exception):
    """A written link could not be read; ``code`` is the failed call's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CheckStopped(Exception):
    """The worker is to stop; what is not checked waits."""


def _landed(link: Any) -> datetime:
    """Return a time by which Commusoft had carried out a link's PUT."""
    in_effect = link.state in (LinkState.LINKED, LinkState.UNDONE)
    landed: datetime | None = (link.written_at if in_effect else None) or link.settled_at
    return landed or NEVER


def _shows(listing: Listing, link: Link) -> bool:
    record = listing.shown.get(link.record_number)
    if record is None or record.deleted or link.record_number in listing.doubtful:
        return False
    same = not (record.uuid and link.record_uuid) or record.uuid == link.record_uuid
    return same and record.reference_shown and record.reference == link.target


def _settle_as_linked(
    session: Session, ctx: WorkspaceContext, links: Sequence[Link], listing: Listing
) -> None:
    """Settle links that the list showed as linked, unless one was settled or taken meanwhile.

    All links first: a transaction that settles one of them alone locks it before the mirror, too.
    """
    settled = [link for link in links if _end(session, link)]
    for link in settled:
        if not mirror_changed_since(session, ctx, link.kind, link.record_number, listing.version):
            upsert_record(session, ctx.connection_id, listing.shown[link.record_number])
        note_settled(session, link, LinkState.LINKED, None)


def _end(session: Session, link: Link) -> bool:
    ended = session.scalar(
        update(Link)
        .where(
            Link.id == link.id,
            Link.state == LinkState.INTENDED,
            Link.attempt_id == "",
            Link.writes == link.writes,
            Link.written_at.is_not(None),
        )
        .values(state=LinkState.LINKED, failure=None, settled_at=utc_now(), owner_id=None)
        .returning(Link.id)
    )
    return ended is not None


def _chunks(links: Sequence[Link], size: int) -> Iterator[Sequence[Link]]:
    for start in range(0, len(links), size):
        yield links[start : start + size]
