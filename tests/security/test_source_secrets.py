"""Sign-ins at accounting software: nothing usable in the database, its files, a backup or logs."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from crmlink.commusoft.vault import Vault
from crmlink.installation import KEY_FILE, Installation
from crmlink.linking.connections import rotate_keys
from crmlink.sources.connecting import begin_sign_in, disconnect
from crmlink.sources.context import SourceContext
from crmlink.sources.oauth import Credentials
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource, Device, SourceAccount, Workspace
from crmlink.upkeep.backup import make_backup
from crmlink.upkeep.checks import run_checks
from crmlink.upkeep.diagnosis import diagnosis
from crmlink.upkeep.export_workspace import export_workspace
from security.attack_fixture import everything
from support.accounting_apis.oauth_server import CLIENT_ID, CLIENT_SECRET, REDIRECT
from support.accounting_apis.others import FakePackage, fake_sage
from support.accounting_apis.servers import answers
from support.databases import sqlite_database
from support.source_factories import change_source, connect, sources_at

NAME, EMAIL = "Xanthippe Wolverstone", "xanthippe@marked.example"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite, whose files can be searched."""
    return sqlite_database(tmp_path)


@pytest.fixture
def sage() -> Iterator[FakePackage]:
    with fake_sage() as fake:
        yield fake


@pytest.fixture
def sources(installation: Installation, sage: FakePackage) -> SourceContext:
    return sources_at(installation, sage.server.package("sage_business_cloud"))


def use(sources: SourceContext, device: Device, sage: FakePackage) -> ContactSource:
    """A sign-in that was renewed, failed, and one that was left half-way."""
    [source] = connect(sources, device, sage.server, "sage_business_cloud")
    page = "https://accounts-extra.sageone.com/contacts/customers/4471"
    sage.entries = [
        {"id": "a" * 32, "name": NAME, "main_contact_person": {"email": EMAIL},
         "links": [{"href": page, "rel": "alternate", "type": "text/html"}]}
    ]  # fmt: skip
    for fault in (lambda: None, answers(500), answers(429), answers(403)):
        sage.server.fault = fault
        sage.server.oauth.expire_access()
        change_source(sources, source, resume_at=None)
        sync_source(sources, source.id)
    client = Credentials(CLIENT_ID, CLIENT_SECRET)
    begin_sign_in(sources, device, "sage_business_cloud", client, REDIRECT)
    return source


def secrets_of(sage: FakePackage) -> list[str]:
    found = [*sage.server.oauth.seen, CLIENT_SECRET]
    assert len(found) >= 6  # a code, two tokens, two renewed ones
    return found


def test_no_secret_is_in_database_files_backup_export_or_diagnosis(
    installation: Installation, sources: SourceContext, device: Device, sage: FakePackage,
    tmp_path: Path,
) -> None:  # fmt: skip
    use(sources, device, sage)
    backup = tmp_path / "backup.zip"
    make_backup(installation.settings, installation.database, backup)
    told = diagnosis(installation.settings, run_checks(installation.settings))
    kept = {
        "every row": repr(everything(installation.database)).encode(),
        "diagnosis": repr(told).encode(),
        "export": _export(installation, tmp_path),
    }
    assert NAME.encode() in kept["export"]
    kept |= {
        file.name: file.read_bytes()
        for file in tmp_path.iterdir()
        if file.is_file() and file.name not in (KEY_FILE, "secret.key")
    }
    assert "crmlink.sqlite" in kept
    assert NAME.encode() in kept["every row"]  # the search does find things
    for secret in secrets_of(sage):
        assert [name for name, content in kept.items() if secret.encode() in content] == []


def _export(installation: Installation, folder: Path) -> bytes:
    file = folder / "export.zip"
    with installation.database.reading() as session:
        workspace = session.scalars(select(Workspace)).one()
    export_workspace(installation.database, workspace, file)
    with zipfile.ZipFile(file) as opened:
        content = b"".join(opened.read(name) for name in opened.namelist())
    file.unlink()
    return content


def test_no_secret_and_no_name_is_in_the_logs(
    sources: SourceContext, device: Device, sage: FakePackage,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with caplog.at_level(logging.DEBUG):
        source = use(sources, device, sage)
        sage.server.fault = answers(500)
        disconnect(sources, device, source.public_id)
    imitation = "authlib.oauth2.rfc"  # the imitated server's own lines, in the same process
    ours = [
        record.getMessage() for record in caplog.records if not record.name.startswith(imitation)
    ]
    capfd_lines = [line for line in capfd.readouterr() if line]
    written = "\n".join([*ours, *capfd_lines])
    assert written
    lines = written.splitlines()
    for personal in (*secrets_of(sage), NAME, EMAIL):
        assert [line[:300] for line in lines if personal in line] == []


def test_a_reply_of_the_token_endpoint_is_in_no_error(
    sources: SourceContext, device: Device, sage: FakePackage
) -> None:
    source = use(sources, device, sage)
    with sources.database.reading() as session:
        problem = session.get_one(ContactSource, source.id).problem
    assert problem == "source-refused"  # a code, and nothing of the answer


def test_new_keys_open_the_sign_ins_and_the_old_ones_do_not(
    installation: Installation, sources: SourceContext, device: Device, sage: FakePackage
) -> None:
    [source] = connect(sources, device, sage.server, "sage_business_cloud")
    keys = installation.settings.data_dir / KEY_FILE
    old = keys.read_text()
    rotate_keys(installation.database, keys)
    assert not set(old.split()) & set(keys.read_text().split())
    with sources.database.reading() as session:
        sealed = session.scalars(select(SourceAccount.credentials)).one()
    assert sealed
    assert Vault.at(keys).open(sealed)["client_secret"] == CLIENT_SECRET
    assert sync_source(sources, source.id).complete
    keys.write_text(old)  # as after a restore without the keys
    change_source(sources, source, synced_at=None)
    assert sync_source(sources, source.id).problem == "source-refused"
