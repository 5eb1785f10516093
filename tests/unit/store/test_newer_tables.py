"""Tables that a newer version has migrated, before a server of this one that starts again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from crmlink.installation import open_installation
from crmlink.settings import Settings
from crmlink.settings.errors import NewerTables
from crmlink.store import Database
from crmlink.store.migrations.contracting import contract
from crmlink.store.newer_tables import TablesTooNew
from crmlink.store.revisions import newest_revision


def migrate_by_newer_version(database: Database) -> None:
    database.migrate()
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9000'"))


def version_of(database: Database) -> str:
    with database.engine.connect() as connection:
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_that_starts_again_during_a_rolling_restart_goes_on(
    database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url)
    migrate_by_newer_version(database)
    settings = Settings(data_dir=tmp_path, database_url=database_url, secret_key="k" * 48)
    installation = open_installation(settings)
    assert installation.workspace.workspace_id
    installation.close()
    assert version_of(database) == "9000"
    database.close()


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_only_until_a_migration_takes_away_what_it_needs(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    migrate_by_newer_version(database)
    with database.engine.begin() as connection:
        contract(connection, newest_revision())
    database.migrate()
    with database.engine.begin() as connection:
        contract(connection, "9000")
    with pytest.raises(TablesTooNew):
        database.migrate()
    with database.engine.begin() as connection, pytest.raises(ValueError, match="DROP"):
        contract(connection, "'; DROP TABLE link")
    database.close()


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
def test_the_one_server_of_a_sqlite_database_says_that_it_is_too_old(
    empty_database_url: str, tmp_path: Path
) -> None:
    database = Database(empty_database_url)
    migrate_by_newer_version(database)
    settings = Settings(data_dir=tmp_path, database_url=empty_database_url, secret_key="k" * 48)
    with pytest.raises(NewerTables, match="A newer version"):
        open_installation(settings)
    assert version_of(database) == "9000"
    database.close()
