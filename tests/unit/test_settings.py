import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from crmlink.hosts import Host
from crmlink.settings import load_settings
from crmlink.settings.errors import InvalidSettings

CREDENTIALS = {
    "CRMLINK_COMMUSOFT_CLIENT_ID": "firm",
    "CRMLINK_COMMUSOFT_USERNAME": "api",
    "CRMLINK_COMMUSOFT_PASSWORD": "marked-password",
    "CRMLINK_COMMUSOFT_APPLICATION_ID": "app-1",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("CRMLINK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRMLINK_DATA_DIR", str(tmp_path / "data"))


def test_a_first_start_makes_the_folder_and_a_key_that_only_the_user_can_read() -> None:
    first, second = load_settings(), load_settings()
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert stat.S_IMODE((first.data_dir / "secret.key").stat().st_mode) == 0o600
    assert first.commusoft is None


def test_credentials_reach_the_client_and_stay_out_of_the_repr(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.commusoft
    assert settings.commusoft.base_url.startswith("https://app.commusoft.co.uk/")
    assert settings.commusoft.password == "marked-password"
    assert "marked-password" not in repr(settings)
    assert settings.secret_key not in repr(settings)


SMTP = {
    "CRMLINK_SMTP_HOST": "smtp.firm.example",
    "CRMLINK_SMTP_USER": "anna",
    "CRMLINK_SMTP_PASSWORD": "marked-password",
    "CRMLINK_SMTP_FROM": "crmlink@firm.example",
}


def test_a_mail_server_comes_from_the_environment_and_stays_out_of_the_repr(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings().mail_server is None
    for name, value in SMTP.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    server = settings.mail_server
    assert server
    assert (server.host, server.port, server.security) == ("smtp.firm.example", 587, "starttls")
    assert (server.password, server.sender_name) == ("marked-password", "crmlink")
    assert "marked-password" not in repr(settings)
    monkeypatch.setenv("CRMLINK_SMTP_SECURITY", "TLS")
    server = load_settings().mail_server
    assert server
    assert server.port == 465
    monkeypatch.setenv("CRMLINK_SMTP_PORT", "10465")
    monkeypatch.setenv("CRMLINK_SMTP_CA", "/etc/office-ca.crt")
    server = load_settings().mail_server
    assert server
    assert (server.port, server.ca_file) == (10465, Path("/etc/office-ca.crt"))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HOST", "", "CRMLINK_SMTP_HOST: Enter the mail server's name"),
        ("HOST", "http://mail", "CRMLINK_SMTP_HOST: Enter the mail server's name"),
        ("SECURITY", "ssl", "CRMLINK_SMTP_SECURITY: Choose STARTTLS"),
        ("SECURITY", "none", "CRMLINK_SMTP_SECURITY: A password needs STARTTLS"),
        ("PORT", "99999", "CRMLINK_SMTP_PORT must be a whole number"),
        ("USER", "", "CRMLINK_SMTP_USER: Enter the user name too"),
        ("PASSWORD", "", "CRMLINK_SMTP_PASSWORD: Enter the password too"),
        ("FROM", "crmlink", "CRMLINK_SMTP_FROM: Enter an email address"),
        ("FROM_NAME", "a\nb", "CRMLINK_SMTP_FROM_NAME: Use up to 200 characters"),
    ],
)
def test_an_unsafe_mail_server_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    for each, good in SMTP.items():
        monkeypatch.setenv(each, good)
    monkeypatch.setenv(f"CRMLINK_SMTP_{name}", value)
    with pytest.raises(InvalidSettings, match=sentence) as refused:
        load_settings()
    assert "marked-password" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CRMLINK_SECRET_KEY", "secret", "too easy to guess"),
        ("CRMLINK_SECRET_KEY", "a" * 64, "too easy to guess"),
        ("CRMLINK_DATABASE_URL", "sqlite:///:memory:", "lose every link"),
        ("CRMLINK_DATABASE_URL", "sqlite:///:memory:?timeout=5", "lose every link"),
        ("CRMLINK_DATABASE_URL", "sqlite:///file:x.sqlite?uri=true", "without file: or uri"),
        ("CRMLINK_DATABASE_URL", "sqlite:///FILE:x.sqlite?uri=true", "without file: or uri"),
        ("CRMLINK_DATABASE_URL", "sqlite:///x.sqlite?uri=true", "without file: or uri"),
        ("CRMLINK_DATABASE_URL", "sqlite:///file:x.sqlite", "without file: or uri"),
        ("CRMLINK_DATABASE_URL", "mysql://db/crmlink", "must look like"),
        ("CRMLINK_WEB_PROCESSES", "2", "several web processes need PostgreSQL"),
        ("CRMLINK_WEB_PROCESSES", "0", "a whole number from 1 to 100"),
        ("CRMLINK_COMMUSOFT_URL", "https://app.commusoft.co.uk/api", "incomplete"),
        ("CRMLINK_CORS_ORIGINS", "*", "isn't an origin"),
        ("CRMLINK_TLS_CERT", "/etc/ssl/office.crt", "needs both"),
        ("CRMLINK_TLS_KEY", "/etc/ssl/office.key", "needs both"),
        ("CRMLINK_PUBLIC_URL", "crmlink.firm.example", "the address people type"),
        ("CRMLINK_PUBLIC_URL", "ftp://crmlink.firm.example", "the address people type"),
        ("CRMLINK_PUBLIC_URL", "https://crmlink.firm.example/app", "the address people type"),
        ("CRMLINK_PUBLIC_URL", "https://a:b@crmlink.firm.example", "the address people type"),
        ("CRMLINK_PUBLIC_URL", "http://0.0.0.0:8787", "the address people type"),
        ("CRMLINK_ALLOWED_HOSTS", "office-server http://office", "'http://office' isn't a host"),
        ("CRMLINK_ALLOWED_HOSTS", "*", "'*' isn't a host"),
        ("CRMLINK_PROXY_ADDRESSES", "proxy.firm.example", "IP addresses or networks"),
        ("CRMLINK_PROXY_ADDRESSES", "10.0.0.1, 0.0.0.0/0", "every address would count"),
        ("CRMLINK_PUBLIC_URL", "http://[::1", "the address people type"),
        ("CRMLINK_PUBLIC_URL", "https://office:99999", "the address people type"),
        ("CRMLINK_CORS_ORIGINS", "https://[::1", "isn't an origin"),
        ("CRMLINK_CORS_ORIGINS", "https://office:99999", "isn't an origin"),
        ("CRMLINK_ALLOWED_HOSTS", "[::1", "isn't a host"),
        ("CRMLINK_ALLOWED_HOSTS", "office:99999", "isn't a host"),
        ("CRMLINK_DATABASE_URL", "postgresql://[::1/db", "must look like"),
        ("CRMLINK_DATABASE_URL", "postgresql://office:port/db", "must look like"),
        ("CRMLINK_DATABASE_URL", "sqlite:////tmp/a%00", "must look like"),
        ("CRMLINK_DATA_DIR", "~no-such-user/x", "CRMLINK_DATA_DIR.*isn't known"),
        ("CRMLINK_BACKUP_DIR", "~no-such-user/x", "CRMLINK_BACKUP_DIR.*isn't known"),
        ("CRMLINK_SOURCE_ADDRESSES", '{"xero": {"api": "https://[::1"}}', "SOURCE_ADDRESSES"),
        ("CRMLINK_UPDATES", "https://[::1", "https address of a folder"),
        ("CRMLINK_UPDATES", "http://office.example", "https address of a folder"),
        ("CRMLINK_UPDATES", "https://ann:secret@office.example", "https address of a folder"),
        ("CRMLINK_UPDATES", "releases", "https address of a folder"),
        ("CRMLINK_SYNC_MINUTES", "9" * 5_000, "CRMLINK_SYNC_MINUTES"),
        ("CRMLINK_SYNC_MINUTES", "soon", "CRMLINK_SYNC_MINUTES"),
        ("CRMLINK_COMMUSOFT_PACE", "quick", "fixed or auto"),
        ("CRMLINK_SYNC_MINUTES", "0", "CRMLINK_SYNC_MINUTES"),
    ],
)
def test_an_unsafe_or_broken_setting_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=sentence):
        load_settings()


@pytest.mark.parametrize(
    "url",
    ["http://app.commusoft.co.uk/api/v1", "ftp://x", "https://user:pw@host/api", "https://h/?a=b"],
)
def test_an_address_that_would_leak_the_password_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CRMLINK_COMMUSOFT_URL", url)
    with pytest.raises(InvalidSettings, match="CRMLINK_COMMUSOFT_URL"):
        load_settings()


def test_a_folder_that_cannot_be_made_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("CRMLINK_DATA_DIR", str(blocked / "data"))
    with pytest.raises(InvalidSettings, match="CRMLINK_DATA_DIR"):
        load_settings()


def test_an_empty_data_folder_is_none_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("CRMLINK_DATA_DIR", "")
    assert load_settings().data_dir == tmp_path / "crmlink", "not where the command was typed"


OIDC = {
    "CRMLINK_OIDC_ISSUER": "https://sso.firm.example",
    "CRMLINK_OIDC_CLIENT_ID": "crmlink",
    "CRMLINK_OIDC_CLIENT_SECRET": "marked-secret-5120",
}


def test_single_sign_on_is_a_setting_of_three_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().oidc is None
    for name, value in OIDC.items():
        monkeypatch.setenv(name, value)
        if name != "CRMLINK_OIDC_CLIENT_SECRET":
            with pytest.raises(InvalidSettings, match="missing"):
                load_settings()
    settings = load_settings()
    assert settings.oidc
    assert settings.oidc.name == "sso.firm.example"
    assert "marked-secret-5120" not in repr(settings)
    monkeypatch.setenv("CRMLINK_OIDC_NAME", "Firm Sign-on")
    assert load_settings().oidc == replace(settings.oidc, name="Firm Sign-on")


@pytest.mark.parametrize("issuer", ["http://sso.firm.example", "sso.firm.example"])
def test_an_issuer_that_could_be_listened_to_is_refused(
    monkeypatch: pytest.MonkeyPatch, issuer: str
) -> None:
    for name, value in OIDC.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CRMLINK_OIDC_ISSUER", issuer)
    with pytest.raises(InvalidSettings, match="CRMLINK_OIDC_ISSUER"):
        load_settings()


@pytest.mark.parametrize("kept", ["", "\n", "half-a-key"])
def test_a_key_file_that_was_cut_off_is_no_key(kept: str) -> None:
    settings = load_settings()
    (settings.data_dir / "secret.key").write_text(kept)
    with pytest.raises(InvalidSettings, match="incomplete"):
        load_settings()


def test_addresses_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMLINK_PUBLIC_URL", "https://CRMlink.Firm.example/")
    monkeypatch.setenv("CRMLINK_ALLOWED_HOSTS", "office-server, [fd00::1]:8787")
    monkeypatch.setenv("CRMLINK_PROXY_ADDRESSES", "10.0.0.5 172.18.0.0/16")
    settings = load_settings()
    assert settings.public_url == "https://crmlink.firm.example"
    assert settings.allowed_hosts == (Host("office-server"), Host("fd00::1", 8787))
    assert settings.proxy_addresses == ("10.0.0.5/32", "172.18.0.0/16")
