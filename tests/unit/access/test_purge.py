"""No file of SQLite keeps an erased name for good, whatever was reading it at the time."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from crmlink.access.context import Actor
from crmlink.access.personal_data.subject import apply_retention, erase
from crmlink.access.preferences import Preferences, save_preferences
from crmlink.installation import Installation
from crmlink.linking.decisions import confirm
from crmlink.store import Database, Link, database
from crmlink.store.base import utc_now
from crmlink.worker import Worker
from support.erasing import EMAIL, NAME, of_desktop
from support.sandbox import new_key


@pytest.fixture(autouse=True)
def on_sqlite(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    if installation.database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has its own vacuum")
    monkeypatch.setattr(database, "PURGE_WAIT_MS", 50)


def files_that_hold(folder: Path, *words: str) -> list[str]:
    return [
        file.name
        for file in folder.glob("crmlink.sqlite*")
        if any(word.encode() in file.read_bytes() for word in words)
    ]


def test_what_a_reader_held_up_is_purged_by_the_worker(
    installation: Installation, actor: Actor, tmp_path: Path
) -> None:
    confirm(installation.workspace, of_desktop(), new_key(), actor.device.id)
    with installation.database.snapshot() as reader:  # a backup, a second process, a check
        reader.execute(text("SELECT count(*) FROM link")).scalar()
        erase(installation.access, actor, EMAIL)
        assert files_that_hold(tmp_path, NAME, EMAIL) == ["crmlink.sqlite-wal"]
        assert not installation.database.purge()
    later = Database(str(installation.database.engine.url))  # another process, after a crash
    with later.reading() as session:
        assert session.scalar(text("PRAGMA user_version"))
    later.close()
    Worker(installation)._purge()
    assert files_that_hold(tmp_path, NAME, EMAIL) == []
    with installation.database.reading() as session:
        assert session.scalar(text("PRAGMA user_version")) == 0
        assert session.scalar(text("PRAGMA busy_timeout")) == database.BUSY_TIMEOUT_MS


def test_what_retention_takes_away_is_purged_too(
    installation: Installation, actor: Actor, tmp_path: Path
) -> None:
    ctx, access = installation.workspace, installation.access
    confirm(ctx, of_desktop(contact_name="Zebedee Quux"), new_key(), actor.device.id)
    save_preferences(access, actor, Preferences(keep_names_days=1))
    with installation.database.writing() as session:
        session.query(Link).one().settled_at = utc_now().replace(year=2020)
    apply_retention(access)
    assert files_that_hold(tmp_path, "Zebedee Quux") == []
