"""Rules of one workspace: the rule file, and the hosts that its admin added."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy import delete, select

from crmlink.accounting.errors import InvalidHost, UnknownPackage
from crmlink.accounting.package_rules import Packages, at_hosts, normalised_host, with_hosts
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.store import PackageHost

log = structlog.get_logger()

COMMUSOFT = "commusoft"  # its id in the rule file


def workspace_rules(ctx: WorkspaceContext) -> Packages:
    """Return the rule document for this workspace's extensions.

    Commusoft is at the host of the account's own web application, and at those that an admin added:
    the same number is another record in another country's Commusoft, and in practice's. Hosts that
    a newer rule file no longer allows are omitted.
    """
    document = ctx.packages
    added_hosts = list_hosts(ctx)
    own = urlsplit(ctx.commusoft.web_url)
    if ctx.uses_sandbox:
        added_hosts.pop(COMMUSOFT, None)
        document = at_hosts(document, COMMUSOFT, [own.netloc], own.scheme)
    elif own.netloc not in _crm_hosts(document):
        added_hosts.setdefault(COMMUSOFT, []).append(own.netloc)
    document = _with_added(document, added_hosts)
    if ctx.uses_sandbox:
        return document
    theirs = {own.netloc, *added_hosts.get(COMMUSOFT, [])}
    return at_hosts(document, COMMUSOFT, [host for host in _crm_hosts(document) if host in theirs])


def _with_added(document: Packages, added_hosts: Mapping[str, list[str]]) -> Packages:
    for package, added in added_hosts.items():
        for host in added:
            try:
                document = with_hosts(document, package, [host])
            except (InvalidHost, UnknownPackage) as error:
                log.warning("added host left out", host=host, problem=type(error).__name__)
    return document


def commusoft_hosts(ctx: WorkspaceContext) -> list[str]:
    """Return the hosts on which the workspace's records have their pages."""
    return _crm_hosts(workspace_rules(ctx))


def _crm_hosts(document: Packages) -> list[str]:
    """Return Commusoft's hosts in a rule document."""
    return list(document.get("crms", {}).get(COMMUSOFT, {}).get("hosts", []))


def install_rules(ctx: WorkspaceContext, file: Path, device_id: int) -> None:
    """Install a checked rule file for this installation. Raises InvalidRules."""
    ctx.rule_file.install(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    with ctx.database.writing() as session:
        record_audit(
            session, ctx.workspace_id, device_id, "rules.installed", "workspace", sha256=digest
        )


def remove_rules(ctx: WorkspaceContext, device_id: int) -> None:
    """Return to the built-in rules."""
    if ctx.rule_file.remove():
        with ctx.database.writing() as session:
            record_audit(session, ctx.workspace_id, device_id, "rules.removed", "workspace")


def list_hosts(ctx: WorkspaceContext) -> dict[str, list[str]]:
    """Return the added hosts, by package."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    query = select(PackageHost).filter_by(workspace_id=ctx.workspace_id).order_by(PackageHost.host)
    with ctx.database.reading() as session:
        for row in session.scalars(query):
            found[row.package].append(row.host)
    return dict(found)


def add_host(ctx: WorkspaceContext, package: str, host: str, device_id: int) -> list[str]:
    """Add a host of the firm where a package runs; returns the package's added hosts.

    Adding it again changes nothing. Raises InvalidHost or UnknownPackage.
    """
    # Compared with all hosts, also those that are not in use while practising.
    with_hosts(_with_added(ctx.packages, list_hosts(ctx)), package, [host])
    host = normalised_host(host)
    if host not in list_hosts(ctx).get(package, []):
        with ctx.database.writing() as session:
            session.add(PackageHost(workspace_id=ctx.workspace_id, package=package, host=host))
            record_audit(session, ctx.workspace_id, device_id, "host.added", package, host=host)
    return list_hosts(ctx).get(package, [])


def remove_host(ctx: WorkspaceContext, package: str, host: str, device_id: int) -> list[str]:
    """Remove an added host; returns the remaining ones.

    One that an older version stored as it was typed, with the usual port, goes too.
    """
    host = host.strip().lower().removesuffix(":443")
    with ctx.database.writing() as session:
        removed = session.scalars(
            delete(PackageHost)
            .filter_by(workspace_id=ctx.workspace_id, package=package)
            .where(PackageHost.host.in_((host, f"{host}:443")))
            .returning(PackageHost.id)
        ).all()
        if removed:
            record_audit(session, ctx.workspace_id, device_id, "host.removed", package, host=host)
    return list_hosts(ctx).get(package, [])
