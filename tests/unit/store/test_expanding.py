"""Migrations only add, so that servers of the version before go on reading and writing.

Each is run by itself, and the tables before and after it are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from crmlink.store import Database
from crmlink.store.revisions import MIGRATIONS

Columns = dict[str, dict[str, Any]]
# What the servers of their time could not go on with. They came before several servers could share
# a database (0032), or concern what no server but the first one ever writes.
EARLY = "0032"
AGREED = {
    ("0042", "workspace.public_id: required, without a default"),  # made by the first server alone
    ("0042", "workspace: new unique (public_id)"),
}


@dataclass(frozen=True)
class Tables:
    """Tables as a database describes them."""

    columns: dict[str, Columns] = field(default_factory=dict)
    unique: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def of(cls, database: Database) -> Tables:
        inspector = sa.inspect(database.engine)
        names = set(inspector.get_table_names()) - {"alembic_version"}
        return cls(
            {
                name: {str(each["name"]): dict(each) for each in inspector.get_columns(name)}
                for name in names
            },
            {name: _unique(inspector, name) for name in names},
        )


def _unique(inspector: sa.Inspector, table: str) -> set[tuple[str, ...]]:
    found: list[Sequence[str | None]] = [
        each["column_names"] for each in inspector.get_unique_constraints(table)
    ]
    found += [each["column_names"] for each in inspector.get_indexes(table) if each["unique"]]
    return {tuple(str(name) for name in names) for names in found}


def contracts(before: Tables, after: Tables) -> set[str]:
    """What a server that knows the tables before cannot go on with."""
    found = {f"{table}: gone" for table in before.columns.keys() - after.columns.keys()}
    for table in before.columns.keys() & after.columns.keys():
        old, new = before.columns[table], after.columns[table]
        found |= {f"{table}.{name}: gone" for name in old.keys() - new.keys()}
        for name, column in new.items():
            was_required = name in old and not old[name]["nullable"]
            if not column["nullable"] and not was_required and column["default"] is None:
                found.add(f"{table}.{name}: required, without a default")
            if name in old and str(old[name]["type"]) != str(column["type"]):
                found.add(f"{table}.{name}: another type")
        found |= {
            f"{table}: new unique ({', '.join(names)})"
            for names in after.unique[table] - before.unique[table]
        }
    return found


def revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    walked = ScriptDirectory.from_config(config).walk_revisions()
    return [script.revision for script in walked][::-1]


@pytest.mark.slow
@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
def test_each_migration_leaves_the_version_before_what_it_needs(empty_database_url: str) -> None:
    database, found = Database(empty_database_url), set()
    chain = revisions()
    assert chain.index(EARLY) > 0
    before = Tables()
    for revision in chain:
        database.migrate(revision)
        after = Tables.of(database)
        if revision > EARLY:
            found |= {(revision, what) for what in contracts(before, after)}
        before = after
    database.close()
    assert found == AGREED


def old_columns() -> list[sa.Column[Any]]:
    return [sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(8))]


BREAKS: dict[str, tuple[str, Callable[[], list[sa.schema.SchemaItem]]]] = {
    "drops": ("t.name: gone", lambda: [old_columns()[0]]),
    "requires": (
        "t.name: required, without a default",
        lambda: [old_columns()[0], sa.Column("name", sa.String(8), nullable=False)],
    ),
    "adds a required one": (
        "t.new: required, without a default",
        lambda: [*old_columns(), sa.Column("new", sa.String, nullable=False)],
    ),
    "changes a type": (
        "t.name: another type", lambda: [old_columns()[0], sa.Column("name", sa.Integer)],
    ),
    "allows only one": (
        "t: new unique (name)", lambda: [*old_columns(), sa.UniqueConstraint("name")],
    ),
}  # fmt: skip


def described(url: str, columns: list[Any]) -> Tables:
    database, metadata = Database(url), sa.MetaData()
    sa.Table("t", metadata, *columns)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS t")
        metadata.create_all(connection)
    found = Tables.of(database)
    database.close()
    return found


@pytest.mark.parametrize("what", BREAKS)
@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
def test_a_migration_that_takes_away_is_found(empty_database_url: str, what: str) -> None:
    message, columns = BREAKS[what]
    before = described(empty_database_url, old_columns())
    assert contracts(before, described(empty_database_url, columns())) == {message}
    more = [*old_columns(), sa.Column("new", sa.String, nullable=False, server_default="")]
    assert contracts(before, described(empty_database_url, more)) == set()
    assert contracts(before, Tables()) == {"t: gone"}
