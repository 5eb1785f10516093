"""Lines that an older version wrote: an erased person goes from them, and the chain still holds."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crmlink.access.audit.log import entries, export_csv, verify
from crmlink.access.audit.upkeep import prepare_audit
from crmlink.access.context import Actor, record_audit
from crmlink.access.personal_data.subject import erase
from crmlink.installation import Installation, open_database
from crmlink.linking.decisions import confirm
from crmlink.store import AuditEntry, Link
from support import audit_attacks
from support.access_factories import make_person, make_token, with_token
from support.erasing import EMAIL, NAME, of_desktop, where_kept
from support.page_client import signed_in_client
from support.sandbox import HOLLOWAY, new_key


def write_old_lines(installation: Installation, actor: Actor) -> str:
    """A link as an older version noted it, with its reference in clear; the link's id."""
    link = confirm(installation.workspace, of_desktop(), new_key(), actor.device.id)
    facts = {"link": link.id, "package": link.package}
    with installation.database.writing() as session:
        access = installation.access
        record_audit(
            session, access, actor, "link.linked", link.record_id, prior=None, new=NAME, **facts
        )
        record_audit(
            session, access, actor, "link.undone", link.record_id, prior=NAME, new=None, **facts
        )
        record_audit(
            session, access, actor, "link.linked", "customer-1", prior=None, new="Z1", **facts
        )
    return link.id


def position_of(installation: Installation, **details: Any) -> int:
    with installation.database.reading() as session:
        lines = session.query(AuditEntry).order_by(AuditEntry.position.desc())
        return next(line.position for line in lines if details.items() <= line.details.items())


def test_an_erased_reference_goes_from_old_lines_and_the_audit_stays_sound(
    installation: Installation, actor: Actor
) -> None:
    write_old_lines(installation, actor)
    before = {each.entry.position: each.entry.hash for each in entries(installation.access)}
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, NAME) == []
    assert verify(installation.access).sound
    after = {
        each.entry.position: each.entry.hash for each in entries(installation.access, limit=None)
    }
    assert before.items() <= after.items()
    assert position_of(installation, new="Z1")  # others keep what they say
    with (
        pytest.raises(DBAPIError, match="only ever added to"),
        installation.database.writing() as s,
    ):
        s.execute(text("UPDATE audit_entry SET subject = 'x' WHERE place = 1"))


def test_a_line_is_overwritten_once_more_and_holds(
    installation: Installation, actor: Actor
) -> None:
    write_old_lines(installation, actor)
    with installation.database.writing() as session:
        record_audit(
            session, installation.access, actor, "link.linked", "customer-1002",
            prior=NAME, new="Liam Stays",
        )  # fmt: skip
    erase(installation.access, actor, EMAIL)
    liam = of_desktop("customer-1002", "Liam Stays", contact_name="Liam Stays")
    confirm(installation.workspace, liam, new_key(), actor.device.id)
    erase(installation.access, actor, "customer-1002")
    assert where_kept(installation, NAME, "Liam Stays") == []
    assert verify(installation.access).sound


@pytest.mark.parametrize("changed", ["details", "subject"])
def test_any_other_change_of_an_overwritten_line_is_found(
    installation: Installation, actor: Actor, changed: str
) -> None:
    write_old_lines(installation, actor)
    erase(installation.access, actor, EMAIL)
    position = position_of(installation, prior=None, package="quickbooks_desktop")
    value = json.dumps({"new": "forged"}) if changed == "details" else "customer-99"
    statement = f"UPDATE audit_entry SET {changed} = '{value}' WHERE place = {position}"  # noqa: S608
    audit_attacks.run(installation.database.engine, statement)
    assert verify(installation.access).broken_at == position


def test_no_one_without_the_key_overwrites_a_line(installation: Installation, actor: Actor) -> None:
    write_old_lines(installation, actor)
    engine, position = installation.database.engine, position_of(installation, new=NAME)
    with engine.begin() as connection:
        row = next(row for row in audit_attacks.rows(connection) if row["place"] == position)
    details = json.dumps({"new": "forged"})
    statement = f"UPDATE audit_entry SET details = '{details}' WHERE place = {position}"  # noqa: S608
    audit_attacks.run(engine, statement)
    lines = [[position, row["hash"], audit_attacks.entry_hash(row | {"details": details})]]
    audit_attacks.add(engine, action="audit.redacted", details=json.dumps({"lines": lines}))
    assert verify(installation.access).broken_at == position


def test_it_holds_under_another_key_too(
    installation: Installation, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_old_lines(installation, actor)
    erase(installation.access, actor, EMAIL)
    from dataclasses import replace

    installation.ownership.close()  # a process with another key does not start beside it
    database = open_database(replace(installation.settings, secret_key="n" * 48))
    prepare_audit(database)
    moved = replace(installation.access, database=database)
    codes = {code.value for noted in verify(moved).noted for code in noted.codes}
    assert codes == {"key_changed"}
    assert verify(moved).findings == ()
    database.close()


def test_a_reference_is_shown_until_it_is_erased(installation: Installation, actor: Actor) -> None:
    confirm(installation.workspace, of_desktop(), new_key(), actor.device.id)
    confirm(
        installation.workspace, of_desktop("customer-1002", "Liam Stays"), new_key(),
        actor.device.id,
    )  # fmt: skip
    access = installation.access

    def shown() -> list[Any]:
        return [each.details["new"] for each in entries(access, action="link.linked")]

    assert shown() == ["Liam Stays", NAME]
    for part in (NAME, "liam st", HOLLOWAY):
        found = entries(access, search=part, action="link.linked")
        assert len(found) == (part != HOLLOWAY)
    erase(access, actor, EMAIL)
    assert shown() == ["Liam Stays", "(erased)"]
    out = io.StringIO()
    export_csv(access, out)
    told = list(csv.DictReader(io.StringIO(out.getvalue())))
    linked = [json.loads(line["details"]) for line in told if line["action"] == "link.linked"]
    assert [details["new"] for details in linked] == ["(erased)", "Liam Stays"]
    assert len(entries(access, search=NAME, action="link.linked")) == 1  # by who knows the name


def test_page_api_and_table_show_the_same(
    app: Flask, installation: Installation, actor: Actor
) -> None:
    for record_id, name in (("customer-1001", NAME), ("customer-1002", "Liam Stays")):
        made = of_desktop(record_id, name, contact_name=name)
        link = confirm(installation.workspace, made, new_key(), actor.device.id)
    erase(installation.access, actor, EMAIL)
    admin = signed_in_client(
        app, installation, make_person(installation.access, "admin", "Ada Whitcombe")
    )
    script = with_token(app, make_token(installation.access, "admin"))
    for told in (
        admin.read("/audit"),
        admin.client.get("/audit.csv").text,
        json.dumps(script.get("/api/v1/audit").get_json()),
    ):
        assert "Liam Stays" in told
        assert "(erased)" in told
        assert "erased:" not in told
        assert NAME not in told
    with installation.database.writing() as session:  # as when an account takes practice's place
        session.delete(session.get_one(Link, link.id))
    assert entries(installation.access, search=link.id)[0].details["new"] == "(no longer kept)"
