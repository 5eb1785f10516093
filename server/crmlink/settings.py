"""Settings with their defaults and environment variables; unsafe ones are rejected at start."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from environs import Env
from platformdirs import user_data_path

from crmlink.access.oidc_provider import OidcProvider, UnsafeIssuer
from crmlink.browser_extension.archive import Browser
from crmlink.browser_extension.store_links import NotAStoreLink, StoreLinks, parse_store_links
from crmlink.commusoft.connection import DEFAULT_BASE_URL, Connection, ConnectionUnsafe
from crmlink.data_folder import (
    NotPrivate,
    OwnedByAnother,
    Replaceable,
    SeveralNames,
    SharedFolder,
    make_database_private,
    make_private,
)
from crmlink.hosts import Host
from crmlink.mail.field_texts import FIELDS
from crmlink.mail.server import USUAL_PORTS, InvalidMailServer, MailServer, Security
from crmlink.sources.packages import PACKAGES, SourcePackage, UnsafeAddress, with_addresses
from crmlink.store.sqlite_file import UnclearDatabase, sqlite_file
from crmlink.strict_json import NotJSON, read_json

CREDENTIALS = ("CLIENT_ID", "USERNAME", "PASSWORD", "APPLICATION_ID")
OIDC = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")
MIN_SECRET_LENGTH = 32  # characters
SMTP_NAMES = {
    "host": "HOST", "port": "PORT", "security": "SECURITY", "username": "USER",
    "password": "PASSWORD", "sender": "FROM", "sender_name": "FROM_NAME",
}  # fmt: skip
SMTP = (*SMTP_NAMES.values(), "CA")
LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")
SQLITE, POSTGRESQL = "sqlite:///", "postgresql+psycopg://"
FILE_NAME = "crmlink.sqlite"
MAX_DIGITS = 9  # of a number


class InvalidSettings(Exception):
    """A setting is missing, contradictory or unsafe; the message says which and what to do."""


class OtherSecretKey(InvalidSettings):
    """A living process of the same database has another secret key."""

    def __init__(self) -> None:
        super().__init__(
            "Another server or worker of this database has another secret key. Copy secret.key, "
            "credential.keys and extension.key from its data folder, or set the same "
            "CRMLINK_SECRET_KEY."
        )


class DatabaseMoved(InvalidSettings):
    """The database was moved into another one, or the move into it is not finished."""

    def __init__(self, *, out: bool) -> None:
        super().__init__(
            "This database was moved into PostgreSQL, or is being moved. Set "
            "CRMLINK_DATABASE_URL as for crmlink db move; if the move was given up, run "
            "crmlink db move --cancel with it."
            if out
            else "The move into this database is not finished. Run crmlink db move again."
        )


@dataclass(frozen=True)
class Settings:
    """Settings of one installation; ``commusoft`` is None until real credentials are given."""

    data_dir: Path
    database_url: str = field(repr=False)  # may contain a password
    secret_key: str = field(repr=False)
    commusoft: Connection | None = None
    oidc: OidcProvider | None = None  # single sign-on, in addition to passwords
    cors_origins: tuple[str, ...] = ()
    sync_minutes: int = 30
    max_concurrent_calls: int = 4
    max_calls_per_second: int = 5
    paced_by_answers: bool = False  # the rate is only the most
    web_processes: int = 1  # of one ``crmlink serve``; several need PostgreSQL and a worker
    requests_per_minute: int = 600  # per device, and per address for anonymous users
    trusted_proxies: int = 0  # number of proxies, each adding to X-Forwarded-For
    proxy_addresses: tuple[str, ...] = LOOPBACK_NETWORKS  # addresses of the last proxy
    public_url: str = ""  # URL of this server without a trailing slash
    allowed_hosts: tuple[Host, ...] = ()  # further hosts of this server
    tls_cert: Path | None = None  # certificate with its chain, and its key: both or neither
    tls_key: Path | None = None
    store_links: StoreLinks = field(default_factory=dict)  # the extension's pages in stores
    backup_dir: Path | None = None  # of scheduled backups; None for none
    backups_kept: int = 14
    backup_passphrase: str = field(default="", repr=False)  # seals the keys in them
    mail_server: MailServer | None = None  # None: an admin may enter one on a page
    updates: str = ""  # where newer releases are, an https address or a folder; "": not asked
    source_packages: Mapping[str, SourcePackage] = field(default_factory=lambda: PACKAGES)


def load_settings() -> Settings:
    """Return the settings from the environment; creates the data folder and its secret key.

    Raises InvalidSettings with a sentence for an unsafe one.
    """
    data_dir, database_url = load_place()
    env = Env(prefix="CRMLINK_")
    tls_cert, tls_key = _tls_files(env)
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        secret_key=_secret_key(env.str("SECRET_KEY", ""), data_dir),
        commusoft=_commusoft(env),
        oidc=_oidc(env),
        cors_origins=tuple(map(_origin, env.str("CORS_ORIGINS", "").replace(",", " ").split())),
        sync_minutes=_int_setting(env, "SYNC_MINUTES", 30, 59),
        max_concurrent_calls=_int_setting(env, "COMMUSOFT_AT_ONCE", 4, 50),
        max_calls_per_second=_int_setting(env, "COMMUSOFT_PER_SECOND", 5, 1000),
        paced_by_answers=_choice(env, "COMMUSOFT_PACE", ("fixed", "auto")) == "auto",
        web_processes=_web_processes(env, database_url),
        requests_per_minute=_int_setting(env, "REQUESTS_PER_MINUTE", 600, 1_000_000),
        trusted_proxies=_int_setting(env, "TRUSTED_PROXIES", 0, 5, minimum=0),
        proxy_addresses=_networks(env.str("PROXY_ADDRESSES", "")),
        public_url=_public_url(env.str("PUBLIC_URL", "")),
        allowed_hosts=tuple(map(_host, env.str("ALLOWED_HOSTS", "").replace(",", " ").split())),
        tls_cert=tls_cert,
        tls_key=tls_key,
        store_links=_store_links(env.str("STORE_LINKS", "")),
        backup_dir=_backup_dir(env.str("BACKUP_DIR", "")),
        backups_kept=_int_setting(env, "BACKUPS_KEPT", 14, 1000),
        backup_passphrase=env.str("BACKUP_PASSPHRASE", ""),
        mail_server=_mail_server(env),
        updates=updates_setting(env.str("UPDATES", "")),
        source_packages=_source_packages(env.str("SOURCE_ADDRESSES", "")),
    )


def load_place() -> tuple[Path, str]:
    """Return the data folder, created if needed, and the database's address; makes no key.

    Raises InvalidSettings.
    """
    env = Env(prefix="CRMLINK_")
    given = env.str("DATA_DIR", "")
    data_dir = _folder("DATA_DIR", given or str(user_data_path("crmlink", appauthor=False)))
    database_url = _database_url(env.str("DATABASE_URL", ""), data_dir)
    _make_private(data_dir, database_url)
    return data_dir, database_url


def _make_private(data_dir: Path, database_url: str) -> None:
    try:
        make_private(data_dir)
        if file := sqlite_file(database_url):
            make_database_private(file)
    except NotPrivate as error:
        raise InvalidSettings(_privacy_advice(error)) from error
    except OSError as error:
        raise InvalidSettings(
            f"The data folder {data_dir} can't be created ({error.strerror}). "
            "Set CRMLINK_DATA_DIR to a folder you can write to."
        ) from error


def _privacy_advice(error: NotPrivate) -> str:
    match error:
        case OwnedByAnother():
            return (
                f"{error.path} belongs to another user, who could read and change crmlink's data. "
                "Run crmlink as that user, or make it yours with chown."
            )
        case SeveralNames():
            return (
                f"{error.path} has another name on its disk (a hard link), so it could be changed "
                "unnoticed. Remove the other name, or replace it with a copy."
            )
        case SharedFolder():
            return (
                f"Others can open the folder {error.path}, and it has files that aren't crmlink's. "
                "Set CRMLINK_DATA_DIR to a folder for crmlink alone, or close this one with "
                "chmod 700."
            )
        case Replaceable():
            return (
                f"Others can write to the folder {error.path}, so they could replace crmlink's "
                "database. Close it with chmod go-w, or keep the database in the data folder."
            )
        case _:
            return (
                f"Others can open {error.path}, and crmlink can't close it. Move the data folder "
                "to a disk that keeps permissions, or close it with chmod go-rwx."
            )


def _database_url(configured: str, data_dir: Path) -> str:
    url = re.sub("^postgres(ql)?://", POSTGRESQL, configured or f"{SQLITE}{data_dir / FILE_NAME}")
    try:
        file = sqlite_file(url)
    except UnclearDatabase:
        is_clear = False
    else:
        is_clear = url.startswith(POSTGRESQL if file is None else SQLITE)
    if not is_clear or "\0" in unquote(url):
        raise InvalidSettings(
            "CRMLINK_DATABASE_URL must look like sqlite:////folder/crmlink.sqlite or "
            "postgresql://user@host/database. Give the file itself, without file: or uri. A "
            "database in memory would lose every link when the server stops."
        )
    return url


def _secret_key(configured: str, data_dir: Path) -> str:
    if configured:
        if _is_weak(configured):
            raise InvalidSettings(
                f"CRMLINK_SECRET_KEY is too easy to guess: use {MIN_SECRET_LENGTH} random "
                "characters or more, or leave it out and crmlink creates one in the data folder."
            )
        return configured
    path = data_dir / "secret.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_secret_key(path)
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def _read_secret_key(path: Path) -> str:
    """Return the stored key; an incomplete one, as left by a full disk, is rejected."""
    key = path.read_text().strip()
    if _is_weak(key):
        raise InvalidSettings(
            f"The key in {path} is incomplete. Restore it from a backup, or delete the file: "
            "crmlink then creates a new one, everyone signs in again, and browsers and scripts "
            "have to be connected again."
        )
    return key


def _is_weak(key: str) -> bool:
    return len(key) < MIN_SECRET_LENGTH or len(set(key)) < MIN_SECRET_LENGTH // 4


def _int_setting(env: Env, name: str, default: int, maximum: int, minimum: int = 1) -> int:
    text = env.str(name, str(default))
    plain = text.isdecimal() and len(text) <= MAX_DIGITS
    if not plain or not minimum <= int(text) <= maximum:
        raise InvalidSettings(f"CRMLINK_{name} must be a whole number from {minimum} to {maximum}.")
    return int(text)


def _choice(env: Env, name: str, choices: tuple[str, ...]) -> str:
    """Return one of the choices, the first without one."""
    text = env.str(name, choices[0])
    if text not in choices:
        raise InvalidSettings(f"CRMLINK_{name} must be {' or '.join(choices)}.")
    return text


def _web_processes(env: Env, database_url: str) -> int:
    count = _int_setting(env, "WEB_PROCESSES", 1, 100)
    if count > 1 and database_url.startswith(SQLITE):
        raise InvalidSettings(
            "CRMLINK_WEB_PROCESSES: several web processes need PostgreSQL. Set "
            "CRMLINK_DATABASE_URL, or leave the number out."
        )
    if count > 1 and sys.platform == "win32":
        raise InvalidSettings("CRMLINK_WEB_PROCESSES: on Windows there can be only one.")
    return count


def _commusoft(env: Env) -> Connection | None:
    credentials = {name: env.str(f"COMMUSOFT_{name}", "") for name in CREDENTIALS}
    url = env.str("COMMUSOFT_URL", "")
    if not url and not any(credentials.values()):
        return None
    missing = [f"CRMLINK_COMMUSOFT_{name}" for name, value in credentials.items() if not value]
    if missing:
        raise InvalidSettings(
            f"Commusoft's credentials are incomplete: {', '.join(missing)} missing. "
            "Set all four, or none to use practice data."
        )
    try:
        return Connection(url or DEFAULT_BASE_URL, *credentials.values())
    except ConnectionUnsafe as error:
        raise InvalidSettings(f"CRMLINK_COMMUSOFT_URL: {error}") from error


def _oidc(env: Env) -> OidcProvider | None:
    values = {name: env.str(f"OIDC_{name}", "") for name in OIDC}
    if not any(values.values()):
        return None
    missing = [f"CRMLINK_OIDC_{name}" for name, value in values.items() if not value]
    if missing:
        raise InvalidSettings(
            f"Single sign-on is incomplete: {', '.join(missing)} missing. Set all three or none."
        )
    try:
        return OidcProvider(
            values["ISSUER"], values["CLIENT_ID"], values["CLIENT_SECRET"], env.str("OIDC_NAME", "")
        )
    except UnsafeIssuer as error:
        raise InvalidSettings(f"CRMLINK_OIDC_ISSUER: {error}") from error


def _mail_server(env: Env) -> MailServer | None:
    values = {name: env.str(f"SMTP_{name}", "") for name in SMTP}
    if not any(values.values()):
        return None
    try:
        security = Security(values["SECURITY"].lower() or Security.STARTTLS)
    except ValueError:
        raise InvalidSettings(f"CRMLINK_SMTP_SECURITY: {FIELDS['security']}") from None
    try:
        return MailServer(
            values["HOST"],
            _int_setting(env, "SMTP_PORT", USUAL_PORTS[security], 65_535),
            security,
            values["USER"],
            values["PASSWORD"],
            values["FROM"],
            values["FROM_NAME"] or "crmlink",
            Path(values["CA"]).expanduser() if values["CA"] else None,
        )
    except InvalidMailServer as error:
        name, code = next(iter(error.errors.items()))
        raise InvalidSettings(f"CRMLINK_SMTP_{SMTP_NAMES[name]}: {FIELDS[code]}") from error


def _public_url(text: str) -> str:
    if not text:
        return ""
    parts = _split(text)
    host = Host.from_text(parts.netloc)
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not host or host.is_unspecified or not plain:
        raise InvalidSettings(
            "CRMLINK_PUBLIC_URL must be the address people type to reach crmlink, such as "
            "https://crmlink.firm.example or http://192.168.1.5:8787, with nothing after it."
        )
    return host.address(parts.scheme)


def _split(text: str) -> SplitResult:
    """Return the parts of an address; all are empty if it has none."""
    try:
        return urlsplit(text)
    except ValueError:  # half of an IPv6 address
        return urlsplit("")


def _host(text: str) -> Host:
    host = Host.from_text(text)
    if host is None or host.is_unspecified:
        raise InvalidSettings(
            f"CRMLINK_ALLOWED_HOSTS: {text!r} isn't a host such as office-server or "
            "192.168.1.5:8787. Leave out http:// and anything after the name."
        )
    return host


def _tls_files(env: Env) -> tuple[Path | None, Path | None]:
    names = ("TLS_CERT", "TLS_KEY")
    certificate, key = (Path(text) if (text := env.str(name, "")) else None for name in names)
    if (certificate is None) != (key is None):
        raise InvalidSettings(
            "For https crmlink needs both CRMLINK_TLS_CERT, the certificate's file, and "
            "CRMLINK_TLS_KEY, its key's."
        )
    return certificate, key


def _store_links(text: str) -> dict[Browser, str]:
    try:
        return parse_store_links(text)
    except NotAStoreLink as error:
        raise InvalidSettings(
            f"CRMLINK_STORE_LINKS: {error} isn't the extension's page in the Chrome Web Store, "
            "Microsoft Edge Add-ons or Firefox Browser Add-ons."
        ) from error


def _backup_dir(text: str) -> Path | None:
    if not text:
        return None
    folder = _folder("BACKUP_DIR", text)
    if not folder.is_absolute():
        raise InvalidSettings(
            "CRMLINK_BACKUP_DIR must be a whole path, such as /srv/backups/crmlink."
        )
    return folder


def _folder(name: str, text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~ and no such user
        raise InvalidSettings(
            f"CRMLINK_{name}: the home folder in {text!r} isn't known. Give the whole path."
        ) from error


def updates_setting(text: str) -> str:
    """Return where newer releases are; "" for no place. Raises InvalidSettings."""
    if not text or Path(text).is_absolute():
        return text
    parts = _split(text)
    host = Host.from_text(parts.netloc)
    safe = parts.scheme == "https" or (parts.scheme == "http" and host and host.is_loopback)
    if not host or not safe or parts.query or parts.fragment:
        raise InvalidSettings(
            "CRMLINK_UPDATES must be the https address of a folder with crmlink's releases, or "
            "the whole path of one. Put no name or password into it."
        )
    return text


def _source_packages(text: str) -> Mapping[str, SourcePackage]:
    if not text:
        return PACKAGES
    try:
        changes = read_json(text)
        if not isinstance(changes, dict) or not all(map(_is_text_map, changes.values())):
            raise UnsafeAddress
        return with_addresses(changes)
    except (NotJSON, UnsafeAddress) as error:
        raise InvalidSettings(
            "CRMLINK_SOURCE_ADDRESSES must be JSON such as "
            '{"xero": {"api": "https://api.xero.com"}}, with the known names of packages and '
            "addresses. Each address must begin with https://."
        ) from error


def _is_text_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _networks(text: str) -> tuple[str, ...]:
    try:
        networks = [
            ipaddress.ip_network(network, strict=False)
            for network in text.replace(",", " ").split()
        ]
    except ValueError as error:
        raise InvalidSettings(
            "CRMLINK_PROXY_ADDRESSES must be IP addresses or networks, such as 10.0.0.5 or "
            f"172.18.0.0/16: {error}."
        ) from error
    if not all(network.prefixlen for network in networks):
        raise InvalidSettings(
            "CRMLINK_PROXY_ADDRESSES: every address would count as a proxy, so anyone could "
            "pretend to be someone else. Set the proxy's own address."
        )
    return tuple(map(str, networks)) or LOOPBACK_NETWORKS


def _origin(text: str) -> str:
    parts = _split(text)
    if (
        not parts.scheme
        or not Host.from_text(parts.netloc)
        or parts.path not in ("", "/")
        or "*" in text
    ):
        raise InvalidSettings(
            f"CRMLINK_CORS_ORIGINS: {text!r} isn't an origin such as https://intranet.example."
        )
    return f"{parts.scheme}://{parts.netloc}"
