"""A backup with everything that an office has, and another machine for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from crmlink.commusoft.connection import Connection
from crmlink.commusoft.vault import Vault
from crmlink.installation import (
    KEY_FILE,
    Installation,
)
from crmlink.store import (
    WorkspaceConnection,
)
from crmlink.upkeep.backup import make_backup
from support.backups import PASSPHRASE
from support.sample_data import populate
from support.sandbox import SandboxHandle


@pytest.fixture
def filled(installation: Installation, sandbox: SandboxHandle) -> Installation:
    populate(installation, sandbox)
    vault = Vault.at(installation.settings.data_dir / KEY_FILE)
    account = Connection("https://app.commusoft.co.uk/webservice_dev.php/api/v1", *["x" * 8] * 4)
    with installation.database.writing() as session:
        session.execute(update(WorkspaceConnection).values(credentials=vault.encrypt(account)))
    return installation


@pytest.fixture
def file(filled: Installation, tmp_path: Path) -> Path:
    made = tmp_path / "office.backup"
    make_backup(filled.settings, filled.database, made, PASSPHRASE)
    return made


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another machine's data folder."""
    folder = tmp_path / "other"
    folder.mkdir(mode=0o700)
    return folder
