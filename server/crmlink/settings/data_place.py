"""The data folder, the database's address and the secret key."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from urllib.parse import unquote

from environs import Env
from platformdirs import user_data_path

from crmlink.data_folder import (
    NotPrivate,
    OwnedByAnother,
    Replaceable,
    SeveralNames,
    SharedFolder,
    make_database_private,
    make_private,
)
from crmlink.settings.errors import InvalidSettings
from crmlink.settings.values import folder
from crmlink.store.sqlite_file import UnclearDatabase, sqlite_file

MIN_SECRET_LENGTH = 32  # characters
SQLITE, POSTGRESQL = "sqlite:///", "postgresql+psycopg://"
FILE_NAME = "crmlink.sqlite"


def load_place() -> tuple[Path, str]:
    """Return the data folder, created if needed, and the database's address; makes no key.

    Raises InvalidSettings.
    """
    env = Env(prefix="CRMLINK_")
    given = env.str("DATA_DIR", "")
    data_dir = folder("DATA_DIR", given or str(user_data_path("crmlink", appauthor=False)))
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
                f"Others can open the folder {error.path}, and it isn't for crmlink alone. "
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


def secret_key(configured: str, data_dir: Path, *, makes_key: bool) -> str:
    """Return the configured secret key, or the stored one, made at the first start.

    "" if there is none and it is not to be made. Raises InvalidSettings.
    """
    if configured:
        if _is_weak(configured):
            raise InvalidSettings(
                f"CRMLINK_SECRET_KEY is too easy to guess: use {MIN_SECRET_LENGTH} random "
                "characters or more, or leave it out and crmlink creates one in the data folder."
            )
        return configured
    path = data_dir / "secret.key"
    if not makes_key and not path.exists():
        return ""
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


def metrics_token(configured: str) -> str:
    """Return the token that opens the figures, "" for none. Raises InvalidSettings."""
    if configured and (_is_weak(configured) or not configured.isascii()):
        raise InvalidSettings(
            f"CRMLINK_METRICS_TOKEN is too easy to guess: use {MIN_SECRET_LENGTH} random "
            "characters or more, such as those that `openssl rand -hex 24` prints."
        )
    return configured


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
