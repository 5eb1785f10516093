"""The audit is signed with the installation's key: without it, with another, and before it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.findings import Code
from crmlink.access.audit.sentences import verdict_sentences
from crmlink.access.audit.upkeep import accept_findings, prepare_audit
from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.installation import open_database
from crmlink.settings import Settings
from crmlink.store import AuditEntry, Database
from crmlink.store.audit.entries import START, AuditUnsigned
from support.audit_attacks import (
    count,
    cut_short,
    entry_hash,
    rewrite,
    rewritten,
    rewritten_unsigned,
    run,
)
from support.audit_checks import KEY, LINES, OTHER_KEY, check, codes, fill, restarted


def before_signing(access: AccessContext, *statements: str) -> AccessContext:
    """The installation as a version left it that signed nothing and wrote no anchors."""
    run(
        access.database.engine,
        "UPDATE audit_entry SET mac = NULL, key_id = NULL",
        "DELETE FROM audit_seal",
        *statements,
    )
    access.database.audit_signer.anchors.path.unlink()
    return restarted(access)


def test_an_audit_of_before_is_checked_signed_and_anchored_at_the_first_start(
    filled: AccessContext, server: Actor
) -> None:
    later = before_signing(filled)
    verdict = check(later)
    assert verdict.sound
    assert verdict.count == LINES + 1
    with later.database.reading() as session:
        last = session.query(AuditEntry).order_by(AuditEntry.position.desc()).first()
    assert last
    assert (last.action, last.details, last.person_id) == ("audit.signed", {}, None)
    fill(later, server)
    assert check(restarted(later)).count == 2 * LINES + 1
    for attack in (rewritten, cut_short):
        attack(later.database.engine)
        assert not check(later).sound


def test_a_database_of_before_is_upgraded_with_its_audit(
    empty_database_url: str, tmp_path: Path
) -> None:
    older = Database(empty_database_url)
    older.migrate("0004")
    previous = START
    with older.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO workspace (id, account, name, mirror_version, created_at) "
                "VALUES (1, 'sandbox', 'Sandbox', 0, '2026-01-01')"
            )
        )
        for position in range(1, 31):
            row: dict[str, Any] = {
                "workspace_id": 1, "place": position, "action": "link.linked",
                "subject": f"customer-{position}", "person_id": None, "device_id": None,
                "at": f"2026-01-01 10:00:{position:02}.000000", "details": '{"new": "R"}',
                "previous_hash": previous,
            }  # fmt: skip
            previous = row["hash"] = entry_hash(row)
            names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
            row["at"] += "+00:00" if older.engine.dialect.name == "postgresql" else ""
            statement = f"INSERT INTO audit_entry ({names}) VALUES ({values})"  # noqa: S608
            connection.execute(text(statement), row)
    older.close()
    database = open_database(Settings(tmp_path, empty_database_url, KEY))
    verdict = verify_audit(database, 1)
    assert verdict_sentences(verdict) == []
    assert verdict.count == 31
    rewrite(database.engine, 7, subject="customer-99")
    assert not verify_audit(database, 1).sound
    database.close()


def test_an_audit_that_was_broken_before_it_was_signed_is_told_so(
    filled: AccessContext, server: Actor
) -> None:
    later = before_signing(filled, "UPDATE audit_entry SET subject = 'x' WHERE place = 7")
    assert codes(later) == [Code.LINE_CHANGED]
    assert "a line had been altered" in verdict_sentences(check(later))[0]
    accept_findings(later, server)
    assert check(later).sound
    run(later.database.engine, "UPDATE audit_entry SET subject = 'y' WHERE place = 7")
    assert codes(later) == [Code.LINE_CHANGED]


def test_signatures_taken_off_everything_make_no_audit_of_before(filled: AccessContext) -> None:
    engine = filled.database.engine
    rewritten_unsigned(engine)
    assert Code.LINE_UNSIGNED in codes(restarted(filled))


def test_nothing_is_added_to_the_audit_without_a_key(filled: AccessContext, server: Actor) -> None:
    url = filled.database.engine.url.render_as_string(hide_password=False)
    keyless = Database(url)
    with pytest.raises(AuditUnsigned), keyless.writing() as session:
        record_audit(session, filled, server, "link.linked", "customer-1")
    with pytest.raises(AuditUnsigned):
        prepare_audit(keyless)
    assert count(filled.database.engine) == LINES


def test_another_secret_key_is_told_and_what_was_anchored_still_compared(
    filled: AccessContext, server: Actor
) -> None:
    later = restarted(filled, OTHER_KEY)
    assert codes(later) == [Code.KEY_CHANGED]
    assert "the secret key was not the same as before" in verdict_sentences(check(later))[0]
    accept_findings(later, server)
    assert check(later).sound
    fill(later, server)
    assert check(later).sound
    assert check(restarted(later, OTHER_KEY)).sound
    rewritten(later.database.engine)
    assert not check(later).sound


def test_what_was_rewritten_before_the_key_changed_is_told(filled: AccessContext) -> None:
    rewritten(filled.database.engine)
    later = restarted(filled, OTHER_KEY)
    assert set(codes(later)) == {Code.KEY_CHANGED, Code.CHAIN_CONTINUED}
