"""The worker's part of the outbox: claims one email after the other, and sends it.

No email is sent twice for one event: its row is claimed by one process, and *handing over* is
committed before the line that ends it. A process that dies before that line has sent nothing, so
the email waits again. After it this cannot be known, and the email is sent again only on an admin's
word.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.access.invitations import emailed_token, open_invitation_until
from crmlink.access.new_passwords import open_link
from crmlink.mail.addresses import mailbox
from crmlink.mail.letters import Letter, email_of
from crmlink.mail.server import MailServer
from crmlink.mail.service import MailService
from crmlink.mail.texts import Recipient, letter_of
from crmlink.mail.transport import FINAL, OF_SERVER, OF_SETTINGS, Envelope, MailProblem, deliver
from crmlink.mail.unsubscribe import CHOICES, unsubscribe_token
from crmlink.store import Batch, Database, MailKind, MailMessage, MailState, Ownership, Person
from crmlink.store.base import new_id, utc_now
from crmlink.store.connections import is_in_use
from crmlink.store.workspaces import active_workspaces

log = structlog.get_logger()

PAUSES = tuple(timedelta(minutes=each) for each in (1, 5, 15, 30, 60, 120, 240))
PAUSE_OF_SETTINGS = timedelta(minutes=15)  # too many wrong passwords would lock the account
RETENTION = timedelta(days=30)
UNDER_WAY = (MailState.SENDING, MailState.HANDING_OVER)


def firms_with_emails(database: Database) -> list[int]:
    """Return the ids of active workspaces with emails that wait or are under way.

    Also those that wait for later: they are cancelled where email was switched off.
    """
    unsent = (MailState.WAITING, *UNDER_WAY)
    return active_workspaces(
        database, select(MailMessage.workspace_id).where(MailMessage.state.in_(unsent))
    )


class ClaimLost(Exception):
    """Another process has the email, or it was cancelled: nothing more may be sent."""


class MailSender:
    """Sends an installation's emails; ``stopping`` tells that the process ends."""

    def __init__(
        self,
        service: MailService,
        ownership: Ownership,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._service, self._ownership, self._stopping = service, ownership, stopping
        self._access = service.access

    def send_due(self) -> int:
        """Send what is due; returns how many were sent. Stops at a fault of the server."""
        self._free_left()
        status = self._service.status()
        if not status.sends or status.server is None:
            self._cancel_all()
            return 0
        sent = 0
        while not self._stopping() and (message := self._claim()) is not None:
            try:
                problem = self._send(message, status.server)
            finally:
                self._ownership.working_on.discard(message.lease)
            sent += problem is None
            if problem is not None and problem.code in OF_SERVER:
                break
        return sent

    def _free_left(self) -> None:
        """Free emails of processes that died: what was not handed over waits again."""
        query = select(MailMessage).where(
            MailMessage.workspace_id == self._access.workspace_id, MailMessage.state.in_(UNDER_WAY)
        )
        with self._access.database.reading() as session:
            if not session.scalars(query.limit(1)).first():
                return
        with self._access.database.writing() as session:
            for message in session.scalars(query).all():
                if self._ownership.is_worked_on(session, message.owner_id, message.lease):
                    continue
                if message.state is MailState.SENDING:
                    message.state = MailState.WAITING
                else:
                    message.state, message.problem = MailState.UNKNOWN, {"code": "unclear"}
                    message.ended_at = utc_now()
                message.lease, message.owner_id = "", None

    def _cancel_all(self) -> None:
        """Cancel what waits while email is switched off: it must not go out weeks later."""
        waiting = (
            MailMessage.workspace_id == self._access.workspace_id,
            MailMessage.state == MailState.WAITING,
        )
        with self._access.database.reading() as session:
            if session.scalar(select(MailMessage.id).where(*waiting).limit(1)) is None:
                return
        with self._access.database.writing() as session:
            session.execute(
                update(MailMessage)
                .where(*waiting)
                .values(
                    state=MailState.CANCELLED, problem={"code": "switched-off"}, ended_at=utc_now()
                )
            )

    def _claim(self) -> MailMessage | None:
        """Return the next email that is due and still wanted, claimed for this process."""
        due = (
            select(MailMessage)
            .where(
                MailMessage.workspace_id == self._access.workspace_id,
                MailMessage.state == MailState.WAITING,
                MailMessage.due_at <= utc_now(),
            )
            .order_by(MailMessage.due_at, MailMessage.id)
            .limit(1)
        )
        while not self._stopping():
            with self._access.database.reading() as session:
                if session.scalar(due) is None:
                    return None
            with self._access.database.writing() as session:
                message = session.scalar(due)
                if message is None:
                    return None
                if self._is_wanted(session, message):
                    lease = new_id()
                    self._ownership.working_on.add(lease)
                    message.owner_id, message.lease = self._ownership.register(session), lease
                    message.state = MailState.SENDING
                    message.attempts += 1
                    return message
        return None

    def _is_wanted(self, session: Session, message: MailMessage) -> bool:
        """Return whether an email is still to be sent; ends it otherwise."""
        if message.expires_at <= utc_now():
            message.problem = message.problem or {"code": "too-late"}
            message.state, message.ended_at = MailState.FAILED, utc_now()
            return False
        why = self._obstacle(session, message)
        if why == "no-person":  # also for an address that no one here has: leave no trace of it
            session.execute(delete(MailMessage).where(MailMessage.id == message.id))
            session.expunge(message)
            return False
        if why == "address-unusable":
            message.state = MailState.FAILED
        elif why:
            message.state = MailState.CANCELLED
        if why:
            message.problem, message.ended_at = {"code": why}, utc_now()
        return not why

    def _obstacle(self, session: Session, message: MailMessage) -> str | None:
        person = message.person
        if person is None or person.removed_at is not None:
            return "no-person"
        if mailbox(person.email) is None:
            return "address-unusable"
        match message.kind:
            case MailKind.NEW_PASSWORD:
                return open_link(session, self._access, message)
            case MailKind.INVITATION:
                token = emailed_token(self._access, message)
                is_open = open_invitation_until(session, self._access, token)
                return None if is_open else "not-needed"
            case _ if not getattr(person, CHOICES[message.kind]):
                return "not-wanted"
            case MailKind.LIST_ENDED:
                return _list_obstacle(session, message)
        return None

    def _send(self, message: MailMessage, server: MailServer) -> MailProblem | None:
        person = message.person
        assert person is not None  # noqa: S101 # others are not claimed
        recipient = mailbox(person.email) or ""
        content = email_of(self._letter(message, person), server, recipient, message.public_id)
        envelope = Envelope(server.sender, recipient, self._service.own_name)
        try:
            deliver(server, envelope, content, lambda: self._mark_handing_over(message))
        except MailProblem as problem:
            self._note_problem(message, problem)
            log.warning("email not sent", kind=message.kind.value, problem=problem.code,
                        reply=problem.reply, attempts=message.attempts)  # fmt: skip
            return problem
        except ClaimLost:
            log.warning("email left to another process", kind=message.kind.value)
            return MailProblem("claim-lost")
        self._record(message, state=MailState.SENT, problem=None, ended_at=utc_now())
        log.info("email sent", kind=message.kind.value)
        return None

    def _letter(self, message: MailMessage, person: Person) -> Letter:
        base = self._service.public_url
        if message.kind in CHOICES:
            signed = unsubscribe_token(self._access, person, message.kind)
            recipient = Recipient(person.name, stop_url=f"{base}/unsubscribe/{signed}")
        else:
            token = emailed_token(self._access, message)
            with self._access.database.reading() as session:
                expires_at = open_invitation_until(session, self._access, token)
            recipient = Recipient(person.name, token, expires_at)
        return letter_of(message.kind, message.facts, base, recipient)

    def _mark_handing_over(self, message: MailMessage) -> None:
        """Commit that from now on the email may arrive. Raises ClaimLost."""
        if not self._record(message, state=MailState.HANDING_OVER):
            raise ClaimLost

    def _note_problem(self, message: MailMessage, problem: MailProblem) -> None:
        kept = {"code": problem.code, "reply": problem.reply}
        if problem.code == "unclear":
            self._record(message, state=MailState.UNKNOWN, problem=kept, ended_at=utc_now())
        elif problem.code in FINAL:
            self._record(message, state=MailState.FAILED, problem=kept, ended_at=utc_now())
        else:
            due_at = utc_now() + _pause(message, problem)
            self._record(message, state=MailState.WAITING, problem=kept, due_at=due_at)
            if problem.code in OF_SERVER:
                self._hold_others_until(due_at)

    def _hold_others_until(self, moment: datetime) -> None:
        """Let other emails wait too: each would only meet the same fault."""
        with self._access.database.writing() as session:
            session.execute(
                update(MailMessage)
                .where(
                    MailMessage.workspace_id == self._access.workspace_id,
                    MailMessage.state == MailState.WAITING,
                    MailMessage.due_at < moment,
                )
                .values(due_at=moment)
            )

    def _record(self, message: MailMessage, **values: Any) -> bool:
        """Store what became of an email; returns False if this process has lost it."""
        if values["state"] not in UNDER_WAY:
            values |= {"lease": "", "owner_id": None}
        with self._access.database.writing() as session:
            kept = session.scalar(
                update(MailMessage)
                .where(MailMessage.id == message.id, MailMessage.lease == message.lease)
                .values(**values)
                .returning(MailMessage.id)
            )
        return kept is not None


def send_again(access: AccessContext, actor: Actor, public_id: str) -> bool:
    """Let an email wait again that was given up, or of which it is not known; False for others."""
    with access.database.writing() as session:
        message = session.scalar(
            select(MailMessage).filter_by(workspace_id=access.workspace_id, public_id=public_id)
        )
        if message is None or message.state not in (MailState.FAILED, MailState.UNKNOWN):
            return False
        moment = utc_now()
        message.state, message.problem, message.ended_at = MailState.WAITING, None, None
        message.due_at, message.expires_at = (
            moment,
            moment + (message.expires_at - message.created_at),
        )
        record_audit(
            session, access, actor, "email.again", message.public_id, email=message.kind.value
        )
    return True


def list_messages(access: AccessContext, limit: int = 50) -> list[MailMessage]:
    """Return the newest emails of people, newest first."""
    query = (
        select(MailMessage)
        .where(MailMessage.workspace_id == access.workspace_id, MailMessage.person_id.is_not(None))
        .order_by(MailMessage.created_at.desc(), MailMessage.id.desc())
        .limit(limit)
    )
    with access.database.reading() as session:
        return list(session.scalars(query))


def delete_old_messages(access: AccessContext) -> None:
    """Delete emails that ended long ago."""
    with access.database.writing() as session:
        session.execute(
            delete(MailMessage).where(
                MailMessage.workspace_id == access.workspace_id,
                MailMessage.ended_at < utc_now() - RETENTION,
            )
        )


def _list_obstacle(session: Session, message: MailMessage) -> str | None:
    """Return why an email about a list is not needed: deleted, seen, or continued."""
    batch = session.get(Batch, message.facts.get("list"))
    if batch is None or batch.state.value != message.facts.get("state"):
        return "not-needed"
    if not is_in_use(session, batch.connection_id):
        return "not-needed"
    seen = batch.seen_at and batch.finished_at and batch.seen_at >= batch.finished_at
    return "seen" if seen else None


def _pause(message: MailMessage, problem: MailProblem) -> timedelta:
    pause = PAUSES[min(message.attempts, len(PAUSES)) - 1]
    return max(pause, PAUSE_OF_SETTINGS) if problem.code in OF_SETTINGS else pause
