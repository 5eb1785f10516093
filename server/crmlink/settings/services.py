"""Settings of what crmlink works with: Commusoft, sign-on, email, accounting software."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from environs import Env

from crmlink.access.oidc.provider import OidcProvider, UnsafeIssuer
from crmlink.commusoft.connection import DEFAULT_BASE_URL, Connection, ConnectionUnsafe
from crmlink.mail.field_texts import FIELDS
from crmlink.mail.server import DEFAULT_PORTS, InvalidMailServer, MailServer, Security
from crmlink.settings.data_place import SQLITE
from crmlink.settings.errors import InvalidSettings
from crmlink.settings.values import whole_number
from crmlink.sources.packages import PACKAGES, SourcePackage, UnsafeAddress, with_addresses
from crmlink.strict_json import NotJSON, read_json

CREDENTIALS = ("CLIENT_ID", "USERNAME", "PASSWORD", "APPLICATION_ID")
OIDC = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")
SMTP_NAMES = {
    "host": "HOST", "port": "PORT", "security": "SECURITY", "username": "USER",
    "password": "PASSWORD", "sender": "FROM", "sender_name": "FROM_NAME",
}  # fmt: skip
SMTP = (*SMTP_NAMES.values(), "CA")


def web_processes(env: Env, database_url: str) -> int:
    """Return the number of web processes. Raises InvalidSettings."""
    count = whole_number(env, "WEB_PROCESSES", 1, 100)
    if count > 1 and database_url.startswith(SQLITE):
        raise InvalidSettings(
            "CRMLINK_WEB_PROCESSES: several web processes need PostgreSQL. Set "
            "CRMLINK_DATABASE_URL, or leave the number out."
        )
    if count > 1 and sys.platform == "win32":
        raise InvalidSettings("CRMLINK_WEB_PROCESSES: on Windows there can be only one.")
    return count


def commusoft(env: Env) -> Connection | None:
    """Return the connection to Commusoft, None for practice data. Raises InvalidSettings."""
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


def oidc(env: Env) -> OidcProvider | None:
    """Return the provider of single sign-on, if one is set. Raises InvalidSettings."""
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


def mail_server(env: Env) -> MailServer | None:
    """Return the mail server, if one is set. Raises InvalidSettings."""
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
            whole_number(env, "SMTP_PORT", DEFAULT_PORTS[security], 65_535),
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


def source_packages(text: str) -> Mapping[str, SourcePackage]:
    """Return the packages whose contacts can be read, with changed addresses.

    Raises InvalidSettings.
    """
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
