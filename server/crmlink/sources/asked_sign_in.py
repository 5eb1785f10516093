"""Sign-ins that are asked for each time: nothing of them is kept but the company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.sources import oauth
from crmlink.sources.adapters import ADAPTERS
from crmlink.sources.api import Api
from crmlink.sources.connecting import (
    connect_company,
    delete_unused_accounts,
    find_source,
    note_source,
    store_sign_in,
    take_sign_in,
)
from crmlink.sources.contact import Company
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import OtherCompany, SignInExpired, SourceError
from crmlink.sources.kashflow_session import (
    AskedCharacters,
    SessionTokens,
    begin_session,
    finish_session,
)
from crmlink.store import ContactSource, Device, SourceAccount
from crmlink.store.base import utc_now
from crmlink.store.quotas import QuotaReached


@dataclass(frozen=True, slots=True)
class AskedSignIn:
    """The second step of a sign-in: its name, and the positions of the asked characters."""

    package: str
    choice: str
    positions: tuple[int, ...]


def begin_asked_sign_in(
    ctx: SourceContext,
    device: Device,
    package_id: str,
    user_name: str,
    password: str,
    source_id: str = "",
) -> AskedSignIn:
    """Return what the package asks next; ``source_id`` is the source to be read, if there is one.

    Only the package's temporary token is kept, encrypted and until its one use. Raises SignInWrong
    or another SourceError.
    """
    asked = begin_session(ctx.registry[package_id], user_name, password)
    choice = oauth.new_state()
    secrets = {
        "temporary": asked.temporary_token,
        "positions": list(asked.positions),
        "source": source_id,
    }
    store_sign_in(ctx, device, package_id, choice, secrets)
    return AskedSignIn(package_id, choice, asked.positions)


def finish_asked_sign_in(
    ctx: SourceContext, device: Device, choice: str, characters: Sequence[str]
) -> tuple[ContactSource, SessionTokens]:
    """Connect the company of a sign-in, or find it again; return it and the session.

    Each choice counts once, and only for the device that began. Raises SignInExpired, SignInWrong,
    OtherCompany or another SourceError, or QuotaReached.
    """
    package_id, secrets = take_sign_in(ctx, device, choice)
    if "temporary" not in secrets:
        raise SignInExpired
    asked = AskedCharacters(tuple(secrets["positions"]), secrets["temporary"])
    package = ctx.registry[package_id]
    tokens, answer = finish_session(package, asked, characters)
    try:
        [company] = ADAPTERS[package_id].companies(Api(package, tokens), answer)
        with ctx.database.writing() as session:
            source = _connected(session, ctx, device, package_id, company, secrets["source"])
    except (SourceError, QuotaReached):
        tokens.end()
        raise
    return source, tokens


def _connected(
    session: Session,
    ctx: SourceContext,
    device: Device,
    package_id: str,
    company: Company,
    source_id: str,
) -> ContactSource:
    if source_id:
        wanted = find_source(session, ctx.workspace_id, source_id)
        if wanted.tenant != company.tenant:
            raise OtherCompany
    known = session.scalar(
        select(ContactSource).filter_by(
            workspace_id=ctx.workspace_id, package=package_id, tenant=company.tenant
        )
    )
    if known is not None:
        known.account.needs_sign_in = False
        known.requested_at, known.problem, known.resume_at = utc_now(), None, None
        return known
    account = SourceAccount(workspace_id=ctx.workspace_id, package=package_id, credentials=None)
    session.add(account)
    session.flush()
    source = connect_company(session, account, company)
    session.flush()
    delete_unused_accounts(session, ctx.workspace_id)
    note_source(session, ctx, device, "source.connected", source)
    return source
