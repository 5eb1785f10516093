"""An office's own certificate: trusted through its authority, renewed, and never mixed up."""

from __future__ import annotations

import ssl
import stat
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from crmlink.store.base import utc_now
from crmlink.upkeep import local_certificates
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.local_certificates import (
    AUTHORITY,
    AUTHORITY_KEY,
    SERVER,
    SERVER_KEY,
    make_certificate,
)

NAMES = ("office-server", "192.168.1.5")


def shake_hands(folder: Path, authority: Path, name: str) -> None:
    """Connect to a server with this folder's certificate, in memory. Raises ssl.SSLError."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(folder / SERVER, folder / SERVER_KEY)
    client_side = ssl.create_default_context(cafile=authority)
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(back, there, server_hostname=name)
    server = server_side.wrap_bio(there, back, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.cipher()


def codes(data_dir: Path, *names: str) -> str:
    with pytest.raises(UpkeepFailure) as failure:
        make_certificate(data_dir, names, replace=False)
    return failure.value.code


@pytest.mark.parametrize("name", [*NAMES, "localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_authority_reaches_the_server(tmp_path: Path, name: str) -> None:
    made = make_certificate(tmp_path, NAMES, replace=False)
    assert made.is_new_authority
    shake_hands(made.folder, made.folder / AUTHORITY, name)


@pytest.mark.parametrize("name", ["bank.example", "192.168.1.6"])
def test_other_names_are_not_its_own(tmp_path: Path, name: str) -> None:
    made = make_certificate(tmp_path, NAMES, replace=False)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(made.folder, made.folder / AUTHORITY, name)


@pytest.mark.parametrize("name", ["bank.example", "192.168.1.6"])
def test_a_stolen_authority_certifies_no_other_site(tmp_path: Path, name: str) -> None:
    made = make_certificate(tmp_path, NAMES, replace=False)
    authority = x509.load_pem_x509_certificate((made.folder / AUTHORITY).read_bytes())
    forged = local_certificates._sign(made.folder, authority, (name,))
    (made.folder / SERVER).write_bytes(local_certificates._pem(forged))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(made.folder, made.folder / AUTHORITY, name)


@pytest.mark.skipif(sys.platform == "win32", reason="files inherit the folder's access there")
def test_the_keys_are_their_owners_alone(tmp_path: Path) -> None:
    folder = make_certificate(tmp_path, NAMES, replace=False).folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (AUTHORITY_KEY, SERVER_KEY):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_browsers_accept_how_long_it_lasts(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, NAMES, replace=False)
    authority, server = (
        x509.load_pem_x509_certificate((made.folder / name).read_bytes())
        for name in (AUTHORITY, SERVER)
    )
    assert server.not_valid_after_utc - server.not_valid_before_utc <= timedelta(days=397)
    years = (authority.not_valid_after_utc - utc_now()).days / 365.25
    assert 9.9 < years < 10.1


def test_the_same_command_renews_it_for_those_who_trust_it_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_certificate(tmp_path, NAMES, replace=False)
    authority = (made.folder / AUTHORITY).read_bytes()
    monkeypatch.setattr(local_certificates, "utc_now", lambda: utc_now() + timedelta(days=300))
    renewed = make_certificate(tmp_path, reversed(NAMES), replace=False)
    assert (renewed.is_new_authority, renewed.ended) == (False, made.ends)
    assert renewed.ends - made.ends > timedelta(days=299)
    assert (made.folder / AUTHORITY).read_bytes() == authority
    assert renewed.fingerprint == made.fingerprint
    server = x509.load_pem_x509_certificate((made.folder / SERVER).read_bytes())
    assert server.not_valid_after_utc == renewed.ends


def test_other_names_overwrite_nothing_unless_asked(tmp_path: Path) -> None:
    folder = make_certificate(tmp_path, NAMES, replace=False).folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert codes(tmp_path, "office-server") == "certificate-other-names"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    made = make_certificate(tmp_path, ["office-server"], replace=True)
    assert made.is_new_authority
    assert made.put_aside
    assert {path.name: path.read_bytes() for path in made.put_aside.iterdir()} == before


def test_files_that_do_not_fit_are_not_used(tmp_path: Path) -> None:
    folder = make_certificate(tmp_path, NAMES, replace=False).folder
    other = make_certificate(_folder(tmp_path / "other"), NAMES, replace=False).folder
    key = (folder / AUTHORITY_KEY).read_bytes()
    (folder / AUTHORITY_KEY).write_bytes((other / AUTHORITY_KEY).read_bytes())
    assert codes(tmp_path, *NAMES) == "certificate-unreadable"
    (folder / AUTHORITY_KEY).write_bytes(key[:60])
    assert codes(tmp_path, *NAMES) == "certificate-unreadable"
    (folder / AUTHORITY_KEY).write_bytes(key)
    (folder / SERVER).unlink()
    assert codes(tmp_path, *NAMES) == "certificate-unreadable"


def test_an_old_authority_signs_nothing_that_would_outlast_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_certificate(tmp_path, NAMES, replace=False)
    ahead = timedelta(days=3652 - 396)
    monkeypatch.setattr(local_certificates, "utc_now", lambda: utc_now() + ahead)
    assert codes(tmp_path, *NAMES) == "certificate-authority-old"


@pytest.mark.parametrize(
    "name",
    [
        "http://office-server",
        "office-server:8787",
        "0.0.0.0",  # noqa: S104
        "192.168.1",
        "a..b",
        "-a",
        "*.a",
        "",
        "com",
        "UK",
        "co.uk",
        "com.au",
        "xn--p1ai",
    ],
)
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    assert codes(tmp_path, name) == "certificate-name"
    assert not (tmp_path / "tls").exists()


def test_a_name_for_others_is_needed(tmp_path: Path) -> None:
    assert codes(tmp_path, "localhost") == "certificate-no-name"


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
