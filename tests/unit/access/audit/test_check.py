"""The audit holds, or it is told why not: changed, cut, continued, rewritten, without anchors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from crmlink.access.audit.findings import Code, Verdict
from crmlink.access.audit.fingerprint import Fingerprint
from crmlink.access.audit.flushing import flush_anchors
from crmlink.access.audit.rows import Row
from crmlink.access.audit.seals import gather
from crmlink.access.audit.sentences import verdict_sentences
from crmlink.access.audit.upkeep import accept_findings
from crmlink.access.audit.walk import Walk
from crmlink.access.context import AccessContext, Actor
from crmlink.store import Workspace
from support.audit_attacks import (
    add,
    cut,
    cut_short,
    line_changed,
    rewritten,
    rewritten_unsigned,
    run,
)
from support.audit_checks import LINES, check, codes, fill, restarted

Attack = Callable[[Engine], None]


def test_an_untouched_audit_holds(filled: AccessContext) -> None:
    verdict = check(filled)
    assert verdict.sound
    assert (verdict.count, verdict.broken_at) == (LINES, None)
    assert verdict_sentences(verdict) == []


def test_nothing_holds_too(access: AccessContext) -> None:
    assert check(access) == Verdict(0, "", (), (), ())


def time_made_unreadable(engine: Engine) -> None:
    run(engine, "UPDATE audit_entry SET at = '1999-01-01 00:00:00' WHERE place = 7")


def signature_changed(engine: Engine) -> None:
    run(engine, "UPDATE audit_entry SET mac = hash WHERE place = 7")


def signature_taken_off(engine: Engine) -> None:
    run(engine, "UPDATE audit_entry SET mac = NULL, key_id = NULL WHERE place = 7")


def other_key_claimed(engine: Engine) -> None:
    run(engine, "UPDATE audit_entry SET key_id = '0123456789abcdef' WHERE place = 7")


def line_taken_out(engine: Engine) -> None:
    run(engine, "DELETE FROM audit_entry WHERE place BETWEEN 7 AND 8")


def first_line_taken_out(engine: Engine) -> None:
    run(engine, "DELETE FROM audit_entry WHERE place = 1")


def line_put_before_all(engine: Engine) -> None:
    run(engine, "UPDATE audit_entry SET place = 0 WHERE place = 20")


def line_added(engine: Engine) -> None:
    add(engine, subject="customer-99")


def line_added_unsigned(engine: Engine) -> None:
    add(engine, subject="customer-99", mac=None, key_id=None)


def line_added_with_another_key(engine: Engine) -> None:
    add(engine, subject="customer-99", mac="0" * 64, key_id="0123456789abcdef")


def line_added_before_all(engine: Engine) -> None:
    add(engine, subject="customer-99", place=-1)


def acceptance_added(engine: Engine) -> None:
    cut(engine, 3)
    add(engine, action="audit.accepted", details='{"findings": ["chain_cut"], "wrong": ""}')


def cut_to_nothing(engine: Engine) -> None:
    run(engine, "DELETE FROM audit_entry")


ATTACKS: list[tuple[Attack, Code, int]] = [
    (line_changed, Code.LINE_CHANGED, 7),
    (time_made_unreadable, Code.LINE_CHANGED, 7),
    (signature_changed, Code.LINE_UNSIGNED, 7),
    (signature_taken_off, Code.LINE_UNSIGNED, 7),
    (other_key_claimed, Code.LINE_UNSIGNED, 7),
    (line_taken_out, Code.LINES_MISSING, 7),
    (first_line_taken_out, Code.LINES_MISSING, 1),
    (line_put_before_all, Code.LINE_CHANGED, 1),
    (rewritten, Code.LINE_UNSIGNED, 7),
    (rewritten_unsigned, Code.LINE_UNSIGNED, 1),
    (line_added, Code.LINE_UNSIGNED, 21),
    (line_added_unsigned, Code.LINE_UNSIGNED, 21),
    (line_added_with_another_key, Code.LINE_UNSIGNED, 21),
    (line_added_before_all, Code.LINE_CHANGED, 1),
    (acceptance_added, Code.LINE_UNSIGNED, 18),
    (cut_short, Code.CHAIN_CUT, 18),
    (cut_to_nothing, Code.CHAIN_CUT, 1),
]


@pytest.mark.parametrize(("attack", "code", "position"), ATTACKS)
@pytest.mark.parametrize("verified_before", [False, True])
def test_a_change_with_the_database_alone_is_found_and_placed(
    filled: AccessContext,
    monkeypatch: pytest.MonkeyPatch,
    attack: Attack,
    code: Code,
    position: int,
    verified_before: bool,
) -> None:
    monkeypatch.setattr("crmlink.access.audit.check.REMEMBERED_AFTER", 1)
    if verified_before:
        assert check(filled).sound
    attack(filled.database.engine)
    verdict = check(filled)
    assert not verdict.sound
    assert (code, position) in [(finding.code, finding.position) for finding in verdict.findings]
    assert all(verdict_sentences(verdict))


@pytest.mark.parametrize("attack", [attack for attack, _, _ in ATTACKS])
def test_starting_again_and_going_on_hides_no_change(
    filled: AccessContext, server: Actor, attack: Attack
) -> None:
    attack(filled.database.engine)
    later = restarted(filled)
    fill(later, server)
    flush_anchors(later.database)
    assert not check(later).sound
    assert not check(restarted(filled)).sound


def test_what_was_cut_and_continued_is_placed(filled: AccessContext, server: Actor) -> None:
    cut(filled.database.engine, 3)
    fill(filled, server)
    finding = check(filled).findings[0]
    assert (finding.code, finding.position) == (Code.CHAIN_CONTINUED, 18)
    assert "line 18 or before" in verdict_sentences(check(filled))[0]


def test_what_was_verified_is_not_verified_line_by_line_again(
    filled: AccessContext, server: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmlink.access.audit.check.REMEMBERED_AFTER", LINES)
    taken: list[int] = []
    take = Walk.take

    def take_down(walk: Walk, row: Row) -> None:
        taken.append(row.position)
        take(walk, row)

    monkeypatch.setattr(Walk, "take", take_down)
    assert check(filled).count == LINES
    assert taken == list(range(1, LINES + 1))
    taken.clear()
    fill(filled, server, 3)
    assert check(filled).count == LINES + 3
    assert taken == [LINES + 1, LINES + 2, LINES + 3]


@pytest.mark.parametrize(
    "change",
    [
        "subject = CAST(subject AS BLOB)",
        "subject = subject || char(0) || 'and more'",
        "subject = replace(subject, 'customer', char(92) || 'u0063ustomer')",
        "place = 7.5",
        "details = CAST(details AS BLOB)",
        "details = replace(details, 'R', 'S')",
        "at = replace(at, ':', ';')",
    ],
)
def test_what_was_verified_tells_any_change_of_what_a_column_holds(
    filled: AccessContext, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """SQLite takes anything in any column; nothing of it may look like what was verified."""
    engine = filled.database.engine
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's columns hold their own type alone")
    monkeypatch.setattr("crmlink.access.audit.check.REMEMBERED_AFTER", 1)
    assert check(filled).sound
    run(engine, f"UPDATE audit_entry SET {change} WHERE place = 7")  # noqa: S608
    assert not _is_remembered(filled)
    if "AS BLOB" not in change:  # bytes that are the same text mean the same
        assert not check(filled).sound


def _is_remembered(access: AccessContext) -> bool:
    evidence = gather(access.database, access.workspace_id)
    known = evidence.verified
    assert known.rows
    with access.database.snapshot() as session:
        present = Fingerprint(session, access.workspace_id)
        return present.add(None, known.position) and present.hexdigest == known.rows


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE audit_seal SET digest = '{digest}' WHERE subject = 'verified'",
        "UPDATE audit_seal SET digest = '{digest}', mac = digest WHERE subject = 'verified'",
        "UPDATE audit_seal SET position = 6 WHERE subject = 'verified'",
        "DELETE FROM audit_seal",
    ],
)
def test_no_thief_of_the_database_makes_up_what_was_verified(
    filled: AccessContext, monkeypatch: pytest.MonkeyPatch, forgery: str
) -> None:
    monkeypatch.setattr("crmlink.access.audit.check.REMEMBERED_AFTER", 1)
    assert check(filled).sound
    rewritten(filled.database.engine)
    run(filled.database.engine, forgery.format(digest="0" * 64))
    assert not check(filled).sound


def test_an_older_memory_put_back_hides_no_cut(
    filled: AccessContext, server: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmlink.access.audit.check.REMEMBERED_AFTER", 1)
    engine = filled.database.engine
    assert check(filled).sound
    with engine.begin() as connection:
        older = connection.execute(text("SELECT * FROM audit_seal")).mappings().all()
    fill(filled, server)
    flush_anchors(filled.database)
    assert check(filled).sound
    cut(engine, LINES)
    run(engine, "DELETE FROM audit_seal")
    with engine.begin() as connection:
        for seal in older:
            names = "workspace_id, subject, position, digest, mac"
            values = ":workspace_id, :subject, :position, :digest, :mac"
            connection.execute(
                text(f"INSERT INTO audit_seal ({names}) VALUES ({values})"),  # noqa: S608
                dict(seal),
            )
    assert codes(filled) == [Code.CHAIN_CUT]


def test_a_database_put_back_from_a_backup_is_accepted_once(
    filled: AccessContext, server: Actor, anchors: Path
) -> None:
    fill(filled, server, 10)
    cut(filled.database.engine, 8)
    fill(filled, server, 2)
    assert codes(filled) == [Code.CHAIN_CONTINUED, Code.CHAIN_CUT]
    assert accept_findings(filled, server) == [Code.CHAIN_CONTINUED, Code.CHAIN_CUT]
    assert check(filled).sound
    assert check(restarted(filled)).sound
    fill(filled, server, 3)
    flush_anchors(filled.database)
    assert check(filled).sound
    cut(filled.database.engine, 2)
    assert codes(filled) == [Code.CHAIN_CUT]


def test_accepting_forgives_what_is_wrong_now_and_nothing_later(
    filled: AccessContext, server: Actor
) -> None:
    line_changed(filled.database.engine)
    accept_findings(filled, server)
    assert check(filled).sound
    run(filled.database.engine, "UPDATE audit_entry SET subject = 'other' WHERE place = 7")
    assert codes(filled) == [Code.LINE_CHANGED]
    run(filled.database.engine, "UPDATE audit_entry SET subject = 'customer-99' WHERE place = 7")
    assert check(filled).sound
    run(filled.database.engine, "UPDATE audit_entry SET subject = 'other' WHERE place = 9")
    assert Code.LINE_CHANGED in codes(filled)


def test_with_nothing_wrong_nothing_is_accepted(filled: AccessContext, server: Actor) -> None:
    assert accept_findings(filled, server) == []
    assert check(filled).count == LINES


def test_lines_of_another_workspace_are_its_own(filled: AccessContext, server: Actor) -> None:
    with filled.database.writing() as session:
        other = Workspace()
        session.add(other)
    elsewhere = replace(filled, workspace_id=other.id)
    fill(elsewhere, server, 3)
    assert check(elsewhere).count == 3
    statement = f"DELETE FROM audit_entry WHERE workspace_id = {other.id}"  # noqa: S608
    run(filled.database.engine, statement)
    assert check(filled).sound
    assert codes(elsewhere) == [Code.CHAIN_CUT]
