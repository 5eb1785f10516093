"""The overview: how much is linked, and what waits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from crmlink.access.audit.upkeep import accept_findings
from crmlink.access.devices import command_line_actor
from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.installation import Installation
from crmlink.reports.link_health import shares
from crmlink.store import MirroredRecord
from crmlink.worker import Worker
from support.access_factories import make_person
from support.audit_attacks import run
from support.page_client import PageClient, signed_in_client
from support.sandbox import SandboxHandle


def test_the_page_tells_an_admin_all_of_it_and_a_clerk_what_concerns_a_clerk(
    admin: PageClient, clerk: PageClient, installation: Installation
) -> None:
    both = ("Conflicts", "Failed links", "Links in progress", "Draft lists")
    admins = ("Browsers waiting for your approval", "Tokens that expire soon")
    for_admin, for_clerk = admin.read("/"), clerk.read("/")
    assert all(words in for_admin for words in both + admins)
    assert all(words in for_clerk for words in both)
    assert not any(words in for_clerk for words in admins)
    customer = shares(installation.workspace)[0]
    assert f"{customer.linked} of {customer.of}" in for_admin
    assert f"{customer.by_crmlink} by crmlink" in for_admin


def test_a_commusoft_that_does_not_answer_is_said(
    admin: PageClient, installation: Installation, sandbox: SandboxHandle
) -> None:
    assert "reach Commusoft" not in admin.read("/")
    sandbox.stop()
    with pytest.raises(CommusoftUnreachable):
        installation.workspace.commusoft.record("customer", "1001")
    assert "We can't reach Commusoft" in admin.read("/")
    assert "We can't reach Commusoft" in admin.read("/commusoft")


def test_an_audit_that_did_not_hold_at_its_last_check_is_said_to_admins(
    admin: PageClient, clerk: PageClient, installation: Installation
) -> None:
    warning = "The audit log has been altered"
    assert warning not in admin.read("/")
    newest = "(SELECT max(place) FROM audit_entry)"
    run(
        installation.database.engine,
        f"UPDATE audit_entry SET details = '7' WHERE place = {newest}",  # noqa: S608
    )
    Worker(installation)._check_audit()  # as each night
    assert warning in admin.read("/")
    assert "was altered, or added" in admin.read("/audit")
    assert warning not in clerk.read("/")
    accept_findings(installation.access, command_line_actor(installation.access))
    assert warning not in admin.read("/")


def test_a_newer_version_is_said_to_admins_where_the_office_lets_crmlink_ask(
    admin: PageClient, clerk: PageClient, installation: Installation, tmp_path: Path
) -> None:
    worker, there = Worker(installation), "crmlink 99.0.0 is there"
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  crmlink-99.0.0-py3-none-any.whl\n")
    worker._check_for_update()
    assert there not in admin.read("/"), "no place is set"
    installation.settings = replace(installation.settings, updates=str(tmp_path))
    worker._check_for_update()
    assert there in admin.read("/")
    assert there not in clerk.read("/")
    (tmp_path / "SHA256SUMS").unlink()
    worker._check_for_update()
    assert there not in admin.read("/")


def test_an_empty_installation_says_what_to_do_next(app: Flask, installation: Installation) -> None:
    with installation.database.writing() as session:
        session.query(MirroredRecord).delete()
    visitor = signed_in_client(app, installation, make_person(installation.access))
    page = visitor.read("/")
    assert "No links yet" in page
    assert "All clear" in page
    assert "No customers yet" in page
    assert "No suppliers yet" in page
    assert "No records yet" in visitor.read("/records")
    assert "No links yet Get started" in visitor.read("/links")
