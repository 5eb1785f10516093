"""Leases of accounts: one process at a time uses an account's tokens and writes its contacts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.sources.context import SourceContext
from crmlink.sources.errors import SourceNotFound, SourceSyncInProgress
from crmlink.store import ContactSource, SourceAccount
from crmlink.store.base import new_id


@dataclass(frozen=True, slots=True)
class SourceLease:
    """The lease of a source's account, held by this thread."""

    ctx: SourceContext
    source_id: int
    token: str

    @contextmanager
    def writing(self) -> Iterator[tuple[Session, ContactSource]]:
        """Yield a writing session and the source.

        Raises SourceSyncInProgress if another run has the lease, or SourceNotFound.
        """
        with self.ctx.database.writing() as session:
            source = _source(session, self.ctx, self.source_id)
            if source.account.sync_lease != self.token:
                raise SourceSyncInProgress
            yield session, source


@contextmanager
def source_lease(ctx: SourceContext, source_id: int) -> Iterator[tuple[SourceLease, ContactSource]]:
    """Hold the lease of a source's account. Raises SourceSyncInProgress or SourceNotFound."""
    with ctx.database.reading() as session:
        account_id = _source(session, ctx, source_id).account_id
    with account_lease(ctx, account_id) as token:
        lease = SourceLease(ctx, source_id, token)
        with ctx.database.reading() as session:
            source = _source(session, ctx, source_id)
        if source.account_id != account_id:  # connected again just now
            raise SourceSyncInProgress
        yield lease, source


@contextmanager
def account_lease(ctx: SourceContext, account_id: int) -> Iterator[str]:
    """Hold an account's lease; yields its token. Raises SourceSyncInProgress or SourceNotFound."""
    token = new_id()
    ctx.ownership.working_on.add(token)
    try:
        with ctx.database.writing() as session:
            account = session.get(SourceAccount, account_id)
            if account is None:
                raise SourceNotFound
            if is_read(session, ctx, account):
                raise SourceSyncInProgress
            account.sync_lease = token
            account.sync_owner_id = ctx.ownership.register(session)
        yield token
    finally:
        ctx.ownership.working_on.discard(token)
        with ctx.database.writing() as session:
            session.execute(
                update(SourceAccount)
                .where(SourceAccount.sync_lease == token)
                .values(sync_lease="", sync_owner_id=None)
            )


def is_read(session: Session, ctx: SourceContext, account: SourceAccount) -> bool:
    """Return whether a running process reads with this account."""
    return bool(account.sync_lease) and ctx.ownership.is_worked_on(
        session, account.sync_owner_id, account.sync_lease
    )


def _source(session: Session, ctx: SourceContext, source_id: int) -> ContactSource:
    query = select(ContactSource).filter_by(id=source_id, workspace_id=ctx.workspace_id)
    source = session.scalar(query)
    if source is None:
        raise SourceNotFound
    return source
