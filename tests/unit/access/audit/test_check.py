"""The audit holds, or it is told why not: changed, cut, continued, rewritten, without anchors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.findings import Code, Verdict
from crmlink.access.audit.fingerprint import Fingerprint
from crmlink.access.audit.rows import Row
from crmlink.access.audit.seals import gather
from crmlink.access.audit.sentences import verdict_sentences
from crmlink.access.audit.upkeep import accept_findings, flush_anchors, prepare_audit
from crmlink.access.audit.walk import Walk
from crmlink.access.context import AccessContext, Actor, note
from crmlink.installation import open_database
from crmlink.settings import Settings
from crmlink.store import AuditEntry, Database, Workspace
from crmlink.store.audit.anchors import FILE_NAME
from crmlink.store.audit.entries import START, AuditUnsigned
from support.audit_attacks import add, count, cut, hash_of, rewrite, run

LINES = 20
KEY, OTHER_KEY = "k" * 48, "another secret key, of 40 letters or more"
Attack = Callable[[Engine], None]


def fill(access: AccessContext, server: Actor, lines: int = LINES) -> None:
    for number in range(lines):
        with access.database.writing() as session:
            note(session, access, server, "link.linked", f"customer-{number}", new="R")


@pytest.fixture
def filled(access: AccessContext, server: Actor) -> AccessContext:
    """An audit of twenty lines, whose anchors are on the disk."""
    fill(access, server)
    flush_anchors(access.database)
    return access


@pytest.fixture
def anchors(filled: AccessContext) -> Path:
    return filled.database.audit_signer.anchors.path


def check(access: AccessContext) -> Verdict:
    return verify_audit(access.database, access.workspace_id)


def codes(access: AccessContext) -> list[Code]:
    verdict = check(access)
    return [
        *(finding.code for finding in verdict.findings),
        *(code for noted in verdict.noted for code in noted.codes),
    ]


def restarted(access: AccessContext, secret_key: str = KEY) -> AccessContext:
    """The same installation, opened again by another process."""
    folder = access.database.audit_signer.anchors.path.parent
    url = access.database.engine.url.render_as_string(hide_password=False)
    database = open_database(Settings(folder, url, secret_key))
    return replace(access, database=database, secret_key=secret_key)


def test_an_untouched_audit_holds(filled: AccessContext) -> None:
    verdict = check(filled)
    assert verdict.sound
    assert (verdict.count, verdict.broken_at) == (LINES, None)
    assert verdict_sentences(verdict) == []


def test_nothing_holds_too(access: AccessContext) -> None:
    assert check(access) == Verdict(0, "", (), (), ())


def line_changed(engine: Engine) -> None:
    run(engine, "UPDATE audit_entry SET subject = 'customer-99' WHERE place = 7")


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


def rewritten(engine: Engine) -> None:
    rewrite(engine, 7, subject="customer-99")


def rewritten_unsigned(engine: Engine) -> None:
    rewrite(engine, 7, subject="customer-99")
    run(engine, "UPDATE audit_entry SET mac = NULL, key_id = NULL")


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


def cut_short(engine: Engine) -> None:
    cut(engine, 3)


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


@pytest.mark.parametrize(("attack", "code", "place"), ATTACKS)
@pytest.mark.parametrize("verified_before", [False, True])
def test_a_change_with_the_database_alone_is_found_and_placed(
    filled: AccessContext,
    monkeypatch: pytest.MonkeyPatch,
    attack: Attack,
    code: Code,
    place: int,
    verified_before: bool,
) -> None:
    monkeypatch.setattr("crmlink.access.audit.check.REMEMBERED_AFTER", 1)
    if verified_before:
        assert check(filled).sound
    attack(filled.database.engine)
    verdict = check(filled)
    assert not verdict.sound
    assert (code, place) in [(finding.code, finding.place) for finding in verdict.findings]
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
    assert (finding.code, finding.place) == (Code.CHAIN_CONTINUED, 18)
    assert "line 18 or before" in verdict_sentences(check(filled))[0]


def test_what_was_verified_is_not_verified_line_by_line_again(
    filled: AccessContext, server: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmlink.access.audit.check.REMEMBERED_AFTER", LINES)
    taken: list[int] = []
    take = Walk.take

    def take_down(walk: Walk, row: Row) -> None:
        taken.append(row.place)
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
        return present.add(None, known.place) and present.hexdigest == known.rows


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


def test_a_missing_anchor_file_is_told_until_somebody_accepts_it(
    filled: AccessContext, server: Actor, anchors: Path
) -> None:
    anchors.unlink()
    assert codes(filled) == [Code.ANCHORS_MISSING]
    fill(filled, server, 1)  # what is written meanwhile is not lost by it
    later = restarted(filled)
    assert codes(later) == [Code.ANCHORS_MISSING]
    assert anchors.stat().st_mode & 0o077 == 0
    assert codes(restarted(later)) == [Code.ANCHORS_MISSING]
    assert "a new one was started" in verdict_sentences(check(later))[0]
    accept_findings(later, server)
    assert check(later).sound
    assert [noted.codes for noted in check(later).accepted] == [(Code.ANCHORS_MISSING,)] * 2


def shortened(content: bytes) -> bytes:
    return content[: content.rindex(b"\n")]


def emptied(content: bytes) -> bytes:
    return b""


def begun_only(content: bytes) -> bytes:
    return content.split(b"\n")[0]


def line_altered(content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join([*lines[:5], lines[5].replace(b"5", b"6"), *lines[6:]])


def line_left_out(content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join([*lines[:5], *lines[6:], lines[-1]])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (shortened, Code.ANCHORS_CUT),
        (begun_only, Code.ANCHORS_CUT),
        (emptied, Code.ANCHORS_CHANGED),
        (line_altered, Code.ANCHORS_CHANGED),
        (line_left_out, Code.ANCHORS_CHANGED),
    ],
)
@pytest.mark.parametrize("goes_on", [False, True])
def test_an_anchor_file_that_was_cut_or_changed_is_told(
    filled: AccessContext,
    server: Actor,
    anchors: Path,
    change: Callable[[bytes], bytes],
    found: Code,
    goes_on: bool,
) -> None:
    anchors.write_bytes(change(anchors.read_bytes()))
    if goes_on:
        fill(restarted(filled), server, 30)
        flush_anchors(filled.database)
        assert set(codes(filled)) & {Code.ANCHORS_CUT, Code.ANCHORS_CHANGED, Code.ANCHORS_MISSING}
    else:
        assert found in codes(filled)
        flush_anchors(filled.database)  # as the worker does, and each process at its end
        assert found in codes(filled)
    accept_findings(filled, server)
    assert check(filled).sound
    assert [file.name for file in anchors.parent.glob(f"{FILE_NAME}.*")] != []


def test_a_server_that_dies_or_loses_power_raises_no_alarm(
    filled: AccessContext, server: Actor, anchors: Path
) -> None:
    content = anchors.read_bytes()
    fill(filled, server, 5)
    for torn in (b"", b"\n1 2", b"\n1 21 1790000000 ab", b"\0" * 99):
        anchors.write_bytes(content + torn)  # the rest had not reached the disk
        assert check(filled).sound
        assert check(restarted(filled)).sound
    fill(filled, server, 5)
    assert check(filled).sound


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
        last = session.query(AuditEntry).order_by(AuditEntry.place.desc()).first()
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
        for place in range(1, 31):
            row: dict[str, Any] = {
                "workspace_id": 1, "place": place, "action": "link.linked",
                "subject": f"customer-{place}", "person_id": None, "device_id": None,
                "at": f"2026-01-01 10:00:{place:02}.000000", "details": '{"new": "R"}',
                "previous_hash": previous,
            }  # fmt: skip
            previous = row["hash"] = hash_of(row)
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


def test_nothing_is_added_to_the_audit_without_a_key(filled: AccessContext, server: Actor) -> None:
    url = filled.database.engine.url.render_as_string(hide_password=False)
    keyless = Database(url)
    with pytest.raises(AuditUnsigned), keyless.writing() as session:
        note(session, filled, server, "link.linked", "customer-1")
    with pytest.raises(AuditUnsigned):
        prepare_audit(keyless)
    assert count(filled.database.engine) == LINES


def test_what_was_rolled_back_leaves_no_anchor(
    filled: AccessContext, server: Actor, anchors: Path
) -> None:
    before = anchors.read_bytes()
    with suppress(RuntimeError), filled.database.writing() as session:
        note(session, filled, server, "link.linked", "customer-1")
        raise RuntimeError
    assert count(filled.database.engine) == LINES
    assert anchors.read_bytes() == before
    assert check(filled).sound


def test_a_full_disk_for_anchors_loses_no_decision(
    filled: AccessContext, server: Actor, anchors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("crmlink.store.audit.anchors.os.write", full)
        fill(filled, server, 3)
    assert check(filled).count == LINES + 3
    assert check(filled).sound
    flush_anchors(filled.database)
    cut(filled.database.engine, 1)
    assert codes(filled) == [Code.CHAIN_CUT]
