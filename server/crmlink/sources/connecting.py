"""Connecting companies of an accounting package, and disconnecting them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crmlink.commusoft.vault import VaultKeyMissing
from crmlink.sources import oauth
from crmlink.sources.adapters import ADAPTERS
from crmlink.sources.api import Api
from crmlink.sources.contact import Company
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import SignInExpired, SourceError, SourceNotFound
from crmlink.sources.leases import account_lease
from crmlink.sources.oauth import Credentials, RenewedTokens
from crmlink.store import (
    ContactSource,
    Device,
    SourceAccount,
    SourceContact,
    SourceSignIn,
    WebConnector,
    audit,
)
from crmlink.store.base import utc_now
from crmlink.store.place import is_same_place, place_of
from crmlink.store.quotas import Quota, QuotaReached, require_room

SIGN_IN_TTL = timedelta(minutes=30)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReachedCompanies:
    """What a sign-in reached; ``choice`` names it when the companies are chosen."""

    package: str
    choice: str
    companies: tuple[Company, ...]


def begin_sign_in(
    ctx: SourceContext, device: Device, package_id: str, client: Credentials, redirect_uri: str
) -> str:
    """Return the URL at the package to which the person is sent."""
    journey = oauth.begin(ctx.registry[package_id], client.client_id, redirect_uri)
    secrets = {
        "verifier": journey.verifier,
        "redirect_uri": redirect_uri,
        "client": client.as_secrets(),
    }
    store_sign_in(ctx, device, package_id, journey.state, secrets)
    return journey.url


def finish_sign_in(
    ctx: SourceContext, device: Device, answer: Mapping[str, str]
) -> ReachedCompanies:
    """Return the companies that a sign-in reaches, by what came back from the package.

    Each answer counts once, and only for the device that began. Raises SignInExpired, SignInDenied
    or another SourceError.
    """
    package_id, secrets = take_sign_in(ctx, device, answer.get("state", ""))
    if "verifier" not in secrets:
        raise SignInExpired
    package = ctx.registry[package_id]
    code = oauth.code_of(package, answer)
    credentials = oauth.finish(
        package,
        Credentials.from_secrets(secrets["client"]),
        secrets["redirect_uri"],
        code,
        secrets["verifier"],
    )
    tokens = RenewedTokens(package, credentials, lambda _renewed: None)
    companies = ADAPTERS[package_id].companies(Api(package, tokens), answer)
    choice = oauth.new_state()
    kept = {
        "credentials": tokens.credentials.as_secrets(),
        "companies": [asdict(company) for company in companies],
    }
    store_sign_in(ctx, device, package_id, choice, kept)
    return ReachedCompanies(package_id, choice, tuple(companies))


def connect_companies(
    ctx: SourceContext, device: Device, choice: str, tenants: Sequence[str]
) -> list[ContactSource]:
    """Connect companies that a sign-in reached; returns them. Raises SignInExpired.

    A company that was connected before keeps its contacts, and uses the new sign-in. Raises
    QuotaReached if there are too many; then none is connected, and fewer can be chosen.
    """
    package_id, secrets = take_sign_in(ctx, device, choice)
    companies = [Company(**company) for company in secrets.get("companies", [])]
    chosen = [company for company in companies if company.tenant in tenants]
    if not chosen:
        raise SignInExpired
    try:
        return _connect(ctx, device, package_id, secrets["credentials"], chosen)
    except QuotaReached:
        store_sign_in(ctx, device, package_id, choice, secrets)
        raise


def reached_before(ctx: SourceContext, device: Device, choice: str) -> ReachedCompanies:
    """Return again what a sign-in reached that was not used up. Raises SignInExpired."""
    with ctx.database.reading() as session:
        found = _sign_in(session, ctx, device, choice)
    kept = ctx.vault().open(found.sealed)
    companies = tuple(Company(**company) for company in kept.get("companies", []))
    return ReachedCompanies(found.package, choice, companies)


def _connect(
    ctx: SourceContext,
    device: Device,
    package_id: str,
    credentials: Mapping[str, Any],
    chosen: Sequence[Company],
) -> list[ContactSource]:
    with ctx.database.writing() as session:
        account = SourceAccount(
            workspace_id=ctx.workspace_id,
            package=package_id,
            credentials=ctx.vault().seal(credentials),
            used_by=place_of(ctx.database),
        )
        session.add(account)
        session.flush()
        sources = [connect_company(session, account, company) for company in chosen]
        session.flush()
        delete_unused_accounts(session, ctx.workspace_id)
        for source in sources:
            note_source(session, ctx, device, "source.connected", source)
    return sources


def disconnect(ctx: SourceContext, device: Device, public_id: str) -> bool:
    """Forget a source with its contacts, and end its access at the package.

    Return whether the package confirmed that; if not, a person has to do it there. Raises
    SourceNotFound, or SourceSyncInProgress while it is read.
    """
    with ctx.database.reading() as session:
        account_id = find_source(session, ctx.workspace_id, public_id).account_id
    with account_lease(ctx, account_id):
        handle, account, is_last = _forget(ctx, device, public_id)
        if account.credentials is None:
            return True
        return _end_access(ctx, account, handle, is_last=is_last)


def _forget(ctx: SourceContext, device: Device, public_id: str) -> tuple[str, SourceAccount, bool]:
    """Delete a source with its contacts, and its sign-in if no other uses it.

    Return its handle, the sign-in, and whether that was deleted too.
    """
    with ctx.database.writing() as session:
        source = find_source(session, ctx.workspace_id, public_id)
        handle, account = source.handle, source.account
        session.execute(delete(SourceContact).where(SourceContact.source_id == source.id))
        note_source(session, ctx, device, "source.disconnected", source)
        session.execute(delete(WebConnector).where(WebConnector.source_id == source.id))
        session.delete(source)
        session.flush()
        others = select(ContactSource.id).filter_by(account_id=account.id)
        is_last = session.scalar(others.limit(1)) is None
        if is_last:
            session.delete(account)
        ctx.database.mark_purge_due(session)
    ctx.database.purge()
    return handle, account, is_last


def list_sources(session: Session, workspace_id: int) -> list[ContactSource]:
    """Return the sources of a workspace, oldest first."""
    query = select(ContactSource).filter_by(workspace_id=workspace_id)
    return list(session.scalars(query.order_by(ContactSource.id)))


def find_source(session: Session, workspace_id: int, public_id: str) -> ContactSource:
    """Return one source. Raises SourceNotFound."""
    query = select(ContactSource).filter_by(workspace_id=workspace_id, public_id=public_id)
    source = session.scalar(query)
    if source is None:
        raise SourceNotFound
    return source


def take_over(ctx: SourceContext, device: Device, public_id: str) -> None:
    """Use a sign-in here that came with a copy: a person says that no other crmlink uses it.

    Raises SourceNotFound.
    """
    here = place_of(ctx.database)
    with ctx.database.writing() as session:
        source = find_source(session, ctx.workspace_id, public_id)
        source.account.used_by, source.account.needs_sign_in = here, False
        of_sign_in = select(ContactSource).filter_by(account_id=source.account_id)
        for each in session.scalars(of_sign_in):
            each.problem, each.resume_at, each.requested_at = None, None, utc_now()
        note_source(session, ctx, device, "source.taken_over", source)


def request_sync(ctx: SourceContext, public_id: str) -> None:
    """Ask the worker to read a source as soon as its package allows. Raises SourceNotFound."""
    with ctx.database.writing() as session:
        source = find_source(session, ctx.workspace_id, public_id)
        if source.account.credentials is None:
            return  # the worker cannot read it
        source.requested_at = utc_now()
        if source.problem != "source-limited":
            source.resume_at = None


def _end_access(ctx: SourceContext, account: SourceAccount, handle: str, *, is_last: bool) -> bool:
    """End the access of one company; where others use the sign-in, its tokens stay good."""
    package = ctx.registry[account.package]
    if account.used_by is not None and not is_same_place(account.used_by, place_of(ctx.database)):
        return False  # the other copy still uses it

    def keep(renewed: Credentials) -> None:
        with ctx.database.writing() as session:
            current = session.get(SourceAccount, account.id)
            if current is not None:
                current.credentials = ctx.vault().seal(renewed.as_secrets())

    try:
        credentials = Credentials.from_secrets(ctx.vault().open(account.credentials or ""))
        tokens = RenewedTokens(package, credentials, keep)
        ended = ADAPTERS[package.id].disconnect(Api(package, tokens), handle)
        if is_last and package.addresses.revoke:
            oauth.revoke(package, tokens.credentials)
            ended = True
    except SourceError as error:
        log.warning(
            "access not ended at the package",
            package=package.id,
            problem=error.code,
            cause=error.cause,
        )
        return False
    except VaultKeyMissing:
        return False
    return ended


def connect_company(session: Session, account: SourceAccount, company: Company) -> ContactSource:
    """Connect a company with a sign-in; one that was connected before keeps its contacts.

    Raises QuotaReached for a new one.
    """
    identity = {
        "workspace_id": account.workspace_id,
        "package": account.package,
        "tenant": company.tenant,
    }
    source = session.scalar(select(ContactSource).filter_by(**identity))
    if source is None:
        require_room(session, account.workspace_id, Quota.SOURCES)
        source = ContactSource(**identity)
        session.add(source)
    source.account_id = account.id
    source.name, source.handle = company.name[:200], company.handle
    source.organisation = company.organisation
    source.connected_at = source.requested_at = utc_now()
    source.problem = source.resume_at = None
    return source


def delete_unused_accounts(session: Session, workspace_id: int) -> None:
    """Delete sign-ins that a newer one has replaced."""
    used = select(ContactSource.account_id)
    session.execute(
        delete(SourceAccount).where(
            SourceAccount.workspace_id == workspace_id, SourceAccount.id.not_in(used)
        )
    )


def store_sign_in(
    ctx: SourceContext, device: Device, package_id: str, state: str, secrets: Mapping[str, Any]
) -> None:
    """Keep a sign-in under way, encrypted and for this device alone, until SIGN_IN_TTL."""
    with ctx.database.writing() as session:
        session.execute(
            delete(SourceSignIn).where(SourceSignIn.created_at < utc_now() - SIGN_IN_TTL)
        )
        session.add(
            SourceSignIn(
                state_hash=_hash(state),
                workspace_id=ctx.workspace_id,
                device_id=device.id,
                package=package_id,
                sealed=ctx.vault().seal(secrets),
            )
        )


def take_sign_in(ctx: SourceContext, device: Device, state: str) -> tuple[str, dict[str, Any]]:
    """Return the package and secrets of a sign-in under way, once. Raises SignInExpired."""
    with ctx.database.writing() as session:
        found = _sign_in(session, ctx, device, state)
        session.delete(found)
    return found.package, ctx.vault().open(found.sealed)


def _sign_in(session: Session, ctx: SourceContext, device: Device, state: str) -> SourceSignIn:
    found = session.scalar(
        select(SourceSignIn).filter_by(
            state_hash=_hash(state), workspace_id=ctx.workspace_id, device_id=device.id
        )
    )
    if found is None or found.created_at < utc_now() - SIGN_IN_TTL:
        raise SignInExpired
    return found


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def note_source(
    session: Session, ctx: SourceContext, device: Device, action: str, source: ContactSource
) -> None:
    """Append what was done with a source to the audit log."""
    audit.append_entry(
        session, ctx.workspace_id, action, source.public_id,
        device_id=device.id, person_id=device.person_id, package=source.package,
    )  # fmt: skip
