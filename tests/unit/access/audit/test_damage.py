"""Whatever a damaged line or anchor holds: the check tells, the pages show, the work goes on."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine, inspect, text

from crmlink.access.audit.findings import Code
from crmlink.access.audit.flushing import flush_anchors
from crmlink.access.audit.log import entries, export_csv, verify
from crmlink.access.audit.seals import last_check_was_sound
from crmlink.access.audit.sentences import noted_sentence, verdict_sentences
from crmlink.access.audit.upkeep import accept_findings
from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.access.devices import command_line_actor
from crmlink.installation import open_database
from crmlink.linking.connections import get_or_create_workspace
from crmlink.settings import Settings
from support.audit_attacks import UNGUARD, rewrite, run

LINES = 20
KEY = "k" * 48
HASH = "a" * 64
DEEP = "[" * 5_000 + "]" * 5_000

# SQLite keeps whatever it is given in any column; PostgreSQL keeps to the columns' types.
ANYWHERE = {
    "deep": f"details = '{DEEP}'",
    "no object": "details = '7'",
    "a list": "details = '[1, 2]'",
}
SQLITE_ONLY = {
    "no JSON": "details = '{'",
    "bytes": "details = x'ff'",
    "half a letter": "details = CAST(x'ff' AS TEXT)",
    "without end": "details = '" + "[" * 100_000 + "'",
    "a number of 5,000 digits": 'details = \'{"new": ' + "9" * 5_000 + "}'",
    "no time": "at = '9999-99-99'",
    "a time without bytes": "at = x'ff'",
    "a time that is far": "at = '9999-12-31 23:59:59.999999-23:59'",
    "place in words": "place = 'x'",
    "place in bytes": "place = x'00ff'",
    "half a place": "place = 3.5",
    "endless place": "place = 9e999",
    "hash in bytes": "hash = x'00ff'",
    "hash that is no text": "hash = CAST(x'ff' AS TEXT)",
    "subject that is no text": "subject = CAST(x'ff' AS TEXT)",
    "action in bytes": "action = x'ff'",
    "signature in bytes": "mac = x'ff'",
    "key in bytes": "key_id = x'ff'",
    "a line break in the hash": "hash = 'x' || char(10) || '1 999 1700000000 ' || hash",
}
POSTGRESQL_ONLY = {"endless time": "at = 'infinity'", "time before Christ": "at = '0044-03-15 BC'"}
VOUCHING = "action = 'audit.accepted'"
ANCHORS = {
    "far": f"1 99 99999999999999999 {HASH}",
    "farther": f"1 99 {'9' * 400} {HASH}",
    "endless": f"1 99 {'9' * 5_000} {HASH}",
    "after the last year": f"1 99 999999999999 {HASH}",
    "endless place": f"1 {'9' * 5_000} 1 {HASH}",
    "endless workspace": f"{'9' * 5_000} 1 1 {HASH}",
    "other digits": f"1 ²³ 1 {HASH}",
    "words": "anything",
    "bytes": "\x80\xff",
}


@pytest.fixture
def filled(access: AccessContext, server: Actor) -> AccessContext:
    for number in range(LINES):
        with access.database.writing() as session:
            record_audit(session, access, server, "link.linked", f"customer-{number}", new="R")
    flush_anchors(access.database)
    return access


def restarted(access: AccessContext) -> AccessContext:
    folder = access.database.audit_signer.anchors.path.parent
    url = access.database.engine.url.render_as_string(hide_password=False)
    database = open_database(Settings(folder, url, KEY))
    workspace_id = get_or_create_workspace(database).id
    return replace(access, database=database, workspace_id=workspace_id)


def tells_and_goes_on(access: AccessContext, server: Actor) -> None:
    """Check, read, add, start again and accept: nothing of it may fail."""
    verdict = verify(access)
    assert not verdict.sound
    assert all(verdict_sentences(verdict))
    assert not last_check_was_sound(access.database, access.workspace_id)
    assert len(entries(access)) >= LINES
    assert entries(access, search="customer") != []
    assert export_csv(access, io.StringIO()) >= LINES
    with access.database.writing() as session:
        record_audit(session, access, server, "link.linked", "customer-99", new="R")
    flush_anchors(access.database)
    later = restarted(access)
    assert not verify(later).sound
    accept_findings(later, server)
    verdict = verify(later)
    assert verdict_sentences(verdict) == []
    assert all(map(noted_sentence, verdict.accepted))
    assert last_check_was_sound(later.database, later.workspace_id)
    later.database.close()


def damage(access: AccessContext, change: str, position: int) -> None:
    run(access.database.engine, f"UPDATE audit_entry SET {change} WHERE place = {position}")  # noqa: S608


@pytest.mark.parametrize("change", [*ANYWHERE, *SQLITE_ONLY, *POSTGRESQL_ONLY])
def test_a_damaged_line_is_told(filled: AccessContext, server: Actor, change: str) -> None:
    dialect = filled.database.engine.dialect.name
    known = ANYWHERE | (SQLITE_ONLY if dialect == "sqlite" else POSTGRESQL_ONLY)
    if change not in known:
        pytest.skip("this database does not take it")
    damage(filled, known[change], LINES)  # the last one, after which the work goes on
    tells_and_goes_on(filled, server)


@pytest.mark.parametrize("change", ["no JSON", "without end", "bytes", "place in words", "no time"])
def test_a_damaged_line_that_vouches_is_told(
    filled: AccessContext, server: Actor, change: str
) -> None:
    if filled.database.engine.dialect.name != "sqlite":
        pytest.skip("this database does not take it")
    damage(filled, f"{VOUCHING}, {SQLITE_ONLY[change]}", 3)
    tells_and_goes_on(filled, server)


@pytest.mark.parametrize("line", ANCHORS.values(), ids=ANCHORS)
def test_a_damaged_anchor_is_told(filled: AccessContext, server: Actor, line: str) -> None:
    path = filled.database.audit_signer.anchors.path
    path.write_bytes(path.read_bytes() + b"\n" + line.encode())
    assert Code.ANCHORS_DAMAGED in {finding.code for finding in verify(filled).findings}
    tells_and_goes_on(filled, server)


@pytest.mark.parametrize(
    "change", ["digest = x'ff'", "digest = CAST(x'ff' AS TEXT)", "position = 'x'", "mac = x'ff'"]
)
def test_a_damaged_seal_stops_nothing(filled: AccessContext, server: Actor, change: str) -> None:
    if filled.database.engine.dialect.name != "sqlite":
        pytest.skip("this database does not take it")
    run(filled.database.engine, f"UPDATE audit_seal SET {change}")  # noqa: S608
    damage(filled, "subject = 'x'", 3)
    tells_and_goes_on(filled, server)


def test_no_anchor_is_made_of_what_others_wrote(filled: AccessContext) -> None:
    path = filled.database.audit_signer.anchors.path
    before = path.read_bytes()
    forged = "'x' || chr(10) || '1 999 1700000000 '"
    if filled.database.engine.dialect.name == "sqlite":
        forged = forged.replace("chr", "char")
    run(
        filled.database.engine,
        f"UPDATE audit_entry SET place = 21, hash = {forged} || hash WHERE place = 20",  # noqa: S608
    )
    flush_anchors(filled.database)
    assert path.read_bytes() == before


def renumber(engine: Engine, by: int = 1, but: tuple[str, ...] = ()) -> None:
    """Give the firm another number, except in some tables, with the database alone."""
    postgresql = engine.dialect.name != "sqlite"
    # Looked up first: PostgreSQL lets no one look at a table whose guard is being taken away.
    found = inspect(engine)
    columns = {
        table: [column["name"] for column in found.get_columns(table)]
        for table in found.get_table_names()
    }
    with engine.begin() as thief:
        for statement in UNGUARD[engine.dialect.name]:
            thief.execute(text(statement))
        start = (
            "SET session_replication_role = replica" if postgresql
            else "PRAGMA defer_foreign_keys = ON"
        )  # fmt: skip
        thief.execute(text(start))
        thief.execute(text(f"UPDATE workspace SET id = id + {by}"))  # noqa: S608
        for table in columns.keys() - set(but):
            if "workspace_id" in columns[table]:
                thief.execute(text(f"UPDATE {table} SET workspace_id = workspace_id + {by}"))  # noqa: S608
        if but:
            names = ", ".join(columns["workspace"])
            taken = {"id": "1", "public_id": "'another'"}
            copied = ", ".join(taken.get(name, name) for name in columns["workspace"])
            thief.execute(text(f"INSERT INTO workspace ({names}) SELECT {copied} FROM workspace"))  # noqa: S608
        if postgresql:
            thief.execute(text("SET session_replication_role = DEFAULT"))


def emptied(engine: Engine) -> None:
    run(engine, "DELETE FROM audit_entry")
    renumber(engine)


def unsigned_and_forged(engine: Engine) -> None:
    renumber(engine)
    run(engine, "UPDATE audit_entry SET key_id = NULL, mac = NULL", "DELETE FROM audit_seal")
    rewrite(engine, 1, workspace_id=2)
    rewrite(engine, 7, subject="customer-forged")


def replaced(engine: Engine) -> None:
    """Leave the audit to a workspace that no one uses."""
    renumber(engine, -1, ("audit_entry", "audit_seal"))


@pytest.mark.parametrize("attack", [emptied, unsigned_and_forged, replaced])
def test_an_audit_cannot_be_left_behind(
    filled: AccessContext, attack: Callable[[Engine], None]
) -> None:
    attack(filled.database.engine)
    filled.database.close()
    for _ in range(2):  # and it stays found
        later = restarted(filled)
        server = command_line_actor(later)
        with later.database.writing() as session:
            record_audit(session, later, server, "link.linked", "customer-99", new="R")
        flush_anchors(later.database)
        verdict = verify(later)
        assert Code.WORKSPACE_CHANGED in {code for noted in verdict.noted for code in noted.codes}
        assert "given another number" in " ".join(verdict_sentences(verdict))
    accept_findings(later, server)
    assert verify(later).sound


def test_a_first_start_and_a_second_are_no_surprise(access: AccessContext, server: Actor) -> None:
    assert verify(access).sound
    with access.database.writing() as session:
        record_audit(session, access, server, "link.linked", "customer-1", new="R")
    assert verify(restarted(access)).sound
