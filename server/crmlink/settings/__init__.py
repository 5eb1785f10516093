"""Settings with their defaults and environment variables; unsafe ones are rejected at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from environs import Env

from crmlink.access.oidc.provider import OidcProvider
from crmlink.browser_extension.store_links import StoreLinks
from crmlink.commusoft.connection import Connection
from crmlink.hosts import Host
from crmlink.mail.server import MailServer
from crmlink.settings.data_place import load_place, metrics_token, secret_key
from crmlink.settings.services import (
    commusoft,
    mail_server,
    oidc,
    source_packages,
    web_processes,
)
from crmlink.settings.values import (
    LOOPBACK_NETWORKS,
    allowed_host,
    backup_dir,
    choice,
    networks,
    origin,
    public_url,
    store_links,
    tls_files,
    updates_setting,
    whole_number,
)
from crmlink.sources.packages import PACKAGES, SourcePackage


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
    index_memory: int = 512 * 2**20  # bytes of matching indexes in one process
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
    metrics_token: str = field(default="", repr=False)  # opens /metrics; "": it does not exist
    updates: str = ""  # where newer releases are, an https address or a folder; "": not asked
    source_packages: Mapping[str, SourcePackage] = field(default_factory=lambda: PACKAGES)


def load_settings(*, makes_key: bool = True) -> Settings:
    """Return the settings from the environment; creates the data folder and its secret key.

    The key is "" if there is none and ``makes_key`` is false. Raises InvalidSettings, with a
    sentence for an unsafe setting.
    """
    data_dir, database_url = load_place()
    env = Env(prefix="CRMLINK_")
    certificate, key = tls_files(env)
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        secret_key=secret_key(env.str("SECRET_KEY", ""), data_dir, makes_key=makes_key),
        commusoft=commusoft(env),
        oidc=oidc(env),
        cors_origins=tuple(map(origin, env.str("CORS_ORIGINS", "").replace(",", " ").split())),
        sync_minutes=whole_number(env, "SYNC_MINUTES", 30, 59),
        max_concurrent_calls=whole_number(env, "COMMUSOFT_AT_ONCE", 4, 50),
        max_calls_per_second=whole_number(env, "COMMUSOFT_PER_SECOND", 5, 1000),
        paced_by_answers=choice(env, "COMMUSOFT_PACE", ("fixed", "auto")) == "auto",
        web_processes=web_processes(env, database_url),
        index_memory=whole_number(env, "INDEX_MEMORY", 512, 1_000_000) * 2**20,
        requests_per_minute=whole_number(env, "REQUESTS_PER_MINUTE", 600, 1_000_000),
        trusted_proxies=whole_number(env, "TRUSTED_PROXIES", 0, 5, minimum=0),
        proxy_addresses=networks(env.str("PROXY_ADDRESSES", "")),
        public_url=public_url(env.str("PUBLIC_URL", "")),
        allowed_hosts=tuple(
            map(allowed_host, env.str("ALLOWED_HOSTS", "").replace(",", " ").split())
        ),
        tls_cert=certificate,
        tls_key=key,
        store_links=store_links(env.str("STORE_LINKS", "")),
        backup_dir=backup_dir(env.str("BACKUP_DIR", "")),
        backups_kept=whole_number(env, "BACKUPS_KEPT", 14, 1000),
        backup_passphrase=env.str("BACKUP_PASSPHRASE", ""),
        mail_server=mail_server(env),
        metrics_token=metrics_token(env.str("METRICS_TOKEN", "")),
        updates=updates_setting(env.str("UPDATES", "")),
        source_packages=source_packages(env.str("SOURCE_ADDRESSES", "")),
    )
