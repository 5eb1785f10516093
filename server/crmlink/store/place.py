"""Which database this is: the same in one computer's folder, another one when it was copied.

A copy has the sign-ins of the first one, and two that use one sign-in end it for both.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crmlink.store.database import Database
from crmlink.store.sources import SourceAccount

RESTORED = "restored"  # of a backup: whether the first one is still used is for a person to say
MACHINE_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
WINDOWS_KEY, WINDOWS_VALUE = r"SOFTWARE\Microsoft\Cryptography", "MachineGuid"


def place_of(database: Database) -> str:
    """Return what tells a database from its copies, as far as the system has it.

    Of a SQLite file: the computer, the path and the file, each as a hash or a number; of PostgreSQL
    the number that its server made for itself, and the database's.
    """
    url = database.engine.url
    if database.is_shared:
        return _place_on_postgresql(database)
    file = Path(url.database or "").absolute()
    number = file.stat().st_ino if file.exists() else 0
    return f"{_hash(_machine())}:{_hash(str(file))}:{number}"


def is_same_place(one: str, other: str) -> bool:
    """Return whether both are one database: a folder may be renamed, and a file written anew."""
    if RESTORED in (one, other):
        return False
    first, second = one.split(":"), other.split(":")
    if len(first) != 3 or len(second) != 3:
        return one == other
    machines = {first[0], second[0]} - {_hash("")}
    return len(machines) < 2 and (first[1] == second[1] or first[2] == second[2] != "0")


def mark_as_restored(session: Session) -> None:
    """Let no sign-in of a restored database be used before a person has said that it may."""
    session.execute(
        update(SourceAccount)
        .where(SourceAccount.credentials.is_not(None))
        .values(used_by=RESTORED, sync_lease="", sync_owner_id=None)
    )


def note_move(source: Database, target: Database) -> None:
    """Let a database use the sign-ins of the one that was moved into it, which ends with that."""
    before, after = place_of(source), place_of(target)
    with target.writing() as session:
        for account in session.query(SourceAccount).filter(SourceAccount.used_by.is_not(None)):
            if account.used_by and is_same_place(account.used_by, before):
                account.used_by = after


def _place_on_postgresql(database: Database) -> str:
    number = "SELECT oid FROM pg_database WHERE datname = current_database()"
    server = "SELECT system_identifier FROM pg_control_system()"
    with database.engine.connect() as connection:
        own = connection.scalar(text(number))
        try:
            of_server = connection.scalar(text(server))
        except DBAPIError:  # not for every role
            of_server = ""
        connection.rollback()
    return f"postgresql {_hash(str(of_server))} {own}"


def _machine() -> str:
    """Return the system's own id of the computer; "" where it has none."""
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, WINDOWS_KEY) as key:
                return str(winreg.QueryValueEx(key, WINDOWS_VALUE)[0])
        except OSError:
            return ""
    found = (path.read_text().strip() for path in MACHINE_FILES if path.is_file())
    return next(filter(None, found), "")


def _hash(text_: str) -> str:
    return hashlib.sha256(text_.encode()).hexdigest()[:16]
