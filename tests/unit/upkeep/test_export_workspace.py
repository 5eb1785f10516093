"""A firm's export has all of it, nothing of another firm, and nothing that opens anything."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmlink.store.base import Base
from crmlink.store.belonging import OF_INSTALLATION, belongs_to, tables_of_workspaces
from crmlink.store.workspaces import find_workspace
from crmlink.upkeep.export_workspace import SECRETS, export_workspace
from security.attack_fixture import AttackFixture, everything, make_target
from security.routes import every_route
from support.access_factories import make_person, pair
from support.installations import open_app

SECRET_WORDS = ("hash", "credential", "password", "sealed", "user_code", "webhook_key", "login")
PUBLIC = {  # the chain, for checking, and where a company file is
    ("audit_entry", "hash"),
    ("audit_entry", "previous_hash"),
    ("web_connector", "file_hash"),
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackFixture]:
    """Something of everything in one firm, and a person with a browser in another."""
    with open_app(tmp_path_factory.mktemp("target")) as app:
        made = make_target(app)
        for route in every_route(app):
            route.path(made)
        pair(made.other, make_person(made.other, name="Of the other firm"))
        yield made


def exported(target: AttackFixture, workspace_id: int, file: Path) -> dict[str, str]:
    database = target.access.database
    export_workspace(database, find_workspace(database, workspace_id), file)
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_every_table_is_a_workspaces_or_the_installations() -> None:
    names = {table.name for table in Base.metadata.sorted_tables}
    assert names >= OF_INSTALLATION
    for table in tables_of_workspaces():
        belongs_to(table, 1)
    with pytest.raises(LookupError):
        belongs_to(Base.metadata.tables["process"], 1)


def test_every_column_that_opens_something_is_left_out() -> None:
    found = {
        (table.name, column.name)
        for table in tables_of_workspaces()
        for column in table.c
        if any(word in column.name for word in SECRET_WORDS)
    }
    assert found - PUBLIC == SECRETS


def test_both_firms_exports_together_have_each_row_once(
    target: AttackFixture, tmp_path: Path
) -> None:
    rows = everything(target.access.database)
    ids = (target.access.workspace_id, target.other.workspace_id)
    files = [exported(target, each, tmp_path / f"{each}.zip") for each in ids]
    for table in tables_of_workspaces():
        counts = [file[f"{table.name}.jsonl"].count("\n") for file in files]
        unowned = [row for row in rows[table.name] if table.name == "pairing" and row[1] is None]
        assert sum(counts) == len(rows[table.name]) - len(unowned), table.name
    assert len(files[0]["person.jsonl"].splitlines()) > 3
    assert "Of the other firm" in files[1]["person.jsonl"]
    assert "Of the other firm" not in str(files[0])


def test_the_file_says_what_it_is_holds_no_secret_and_replaces_no_other(
    target: AttackFixture, tmp_path: Path
) -> None:
    file = tmp_path / "firm.zip"
    content = exported(target, target.access.workspace_id, file)
    about = json.loads(content["about.json"])
    assert about["rows"]["link"] == content["link.jsonl"].count("\n") > 0
    assert file.stat().st_mode & 0o077 == 0
    for table in tables_of_workspaces():
        for line in content[f"{table.name}.jsonl"].splitlines():
            assert not {name for owner, name in SECRETS if owner == table.name} & set(
                json.loads(line)
            )
    with pytest.raises(FileExistsError):
        exported(target, target.access.workspace_id, file)
