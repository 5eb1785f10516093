"""Sources that are connected to an imitated package, over a real database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from crmlink.access.context import AccessContext
from crmlink.installation import Installation
from crmlink.sources.connecting import begin_sign_in, connect_companies, finish_sign_in
from crmlink.sources.context import SourceContext
from crmlink.sources.oauth import Credentials
from crmlink.sources.packages import SourcePackage
from crmlink.store import ContactSource, Device, SourceContact
from support.accounting_apis.oauth_server import CLIENT_ID, CLIENT_SECRET, REDIRECT
from support.accounting_apis.servers import PackageServer


def sources_at(installation: Installation, package: SourcePackage) -> SourceContext:
    """The installation's sources, with a package at an imitated server."""
    registry = {**installation.sources.registry, package.id: package}
    installation.first.sources = replace(installation.sources, registry=registry)
    return installation.sources


def device_of(access: AccessContext, device_id: int) -> Device:
    with access.database.reading() as session:
        return session.get_one(Device, device_id)


def connect(
    ctx: SourceContext,
    device: Device,
    server: PackageServer,
    package: str,
    *tenants: str,
    answer: dict[str, str] | None = None,
) -> list[ContactSource]:
    """Sign in at an imitated package, and connect companies of it; without names all."""
    secret = CLIENT_SECRET if ctx.registry[package].has_secret else ""
    url = begin_sign_in(ctx, device, package, Credentials(CLIENT_ID, secret), REDIRECT)
    reached = finish_sign_in(ctx, device, server.consent(url) | (answer or {}))
    chosen = tenants or [company.tenant for company in reached.companies]
    return connect_companies(ctx, device, reached.choice, chosen)


def contacts_of(ctx: SourceContext, source: ContactSource) -> dict[str, SourceContact]:
    """A source's contacts, by name."""
    with ctx.database.reading() as session:
        found = session.scalars(select(SourceContact).filter_by(source_id=source.id))
        return {contact.name: contact for contact in found}


def source_now(ctx: SourceContext, source: ContactSource) -> ContactSource:
    """A source as it is stored now."""
    with ctx.database.reading() as session:
        return session.get_one(ContactSource, source.id)


def change_source(ctx: SourceContext, source: ContactSource, **values: Any) -> None:
    """Change stored values of a source, such as its times."""
    with ctx.database.writing() as session:
        row = session.get_one(ContactSource, source.id)
        for name, value in values.items():
            setattr(row, name, value)
