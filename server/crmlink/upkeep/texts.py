"""Sentences about backups and checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crmlink.plurals import counted
from crmlink.upkeep.checks import Check
from crmlink.upkeep.errors import UpkeepFailure

Args = Mapping[str, Any]
_FAILURES = {
    "file-exists": "{file} exists already. Choose another name, so that no backup is overwritten.",
    "no-file": "There is no file {file}.",
    "no-backup": "{file} isn't a crmlink backup, or it was cut off.",
    "damaged": "The backup is damaged, or the database isn't whole. Nothing was changed. Use "
    "another backup, and run crmlink check.",
    "newer": "The backup was made by a newer crmlink ({version}). Update crmlink first.",
    "older-tables": "The database has another version's tables. Start crmlink serve once, then "
    "try again.",
    "passphrase-short": "Use a passphrase of {least} characters or more.",
    "passphrase-wrong": "That isn't the passphrase of this backup.",
    "passphrase-needed": "The keys in this backup are sealed. Enter its passphrase.",
    "no-place": "No folder for backups is set. Set CRMLINK_BACKUP_DIR where crmlink is started.",
    "keys-needed": "The keys are missing, so sign-ins, the audit log and Commusoft's credentials "
    "couldn't be used. Put secret.key, credential.keys and extension.key of the earlier server "
    "into the data folder first.",
    "target-in-use": "The PostgreSQL database is in use already, and nothing was changed. Create "
    "an empty one.",
    "moved": "A database was moved there already. Start crmlink with this CRMLINK_DATABASE_URL.",
    "other-move": "Another move into the PostgreSQL database was begun, or this one was cancelled. "
    "Create an empty database.",
    "counts-differ": "The table {table} has another number of rows in PostgreSQL, so the move is "
    "not finished. Run it again; if that doesn't help, create an empty database and use --cancel.",
    "certificate-name": "{name} can't be certified. Enter a computer's name, such as "
    "office-server, or an IP address, without http:// and a port.",
    "certificate-no-name": "Enter the name or address that other computers use for this one.",
    "certificate-other-names": "There is a certificate for {names}. Enter the same names to renew "
    "it. Add --replace for others: that makes a new authority, which every computer has to trust.",
    "certificate-authority-old": "The authority's own certificate ends on {ends}. Add --replace "
    "for a new one, which every computer has to trust.",
    "certificate-unreadable": "{file} can't be read, or doesn't belong to the other files. Restore "
    "it, or add --replace for a new authority, which every computer has to trust.",
    "update-unset": "It isn't set where newer versions are. Give a release's folder or wheel, or "
    "set CRMLINK_UPDATES.",
    "update-unread": "{name} in {place} can't be read ({cause}).",
    "update-none": "SHA256SUMS in {place} names no version of crmlink.",
    "update-name": "{file} isn't crmlink's wheel or installer: their names are "
    "crmlink-VERSION-py3-none-any.whl and crmlink-VERSION-setup.exe.",
    "update-unproved": "There is no checksum for {file}. Put the release's SHA256SUMS beside it, "
    "or give its checksum with --sha256.",
    "update-altered": "{file} isn't the file that the checksum is of, so it isn't used.",
    "update-incomplete": "Version {version} has no file there that fits how crmlink was installed "
    "here.",
    "update-checkout": "This crmlink runs from its source. Update that: git pull, then make run.",
    "update-shared": "crmlink isn't in an environment of its own here. In a container, start the "
    "newer image; otherwise update it with the program that installed it.",
    "update-no-program": "{program} installed crmlink, but it isn't found. Add its folder to PATH.",
    "update-interrupted": "An update was interrupted. Stop crmlink, delete {prefix}, and rename "
    "{copy} to that name: then the earlier version is back.",
    "update-rights": "crmlink is installed in {prefix}, and you may not write there. Run this as "
    "the administrator, or as the person who installed it.",
    "update-no-data": "There is no data in {data}. Set CRMLINK_DATA_DIR to crmlink's folder.",
    "database-in-use": "There is a database already, and nothing was changed. Add --replace to put "
    "it aside; an existing PostgreSQL database has to be emptied by you.",
}


UPDATE_TEXTS: Mapping[str, str] = {  # of upkeep.update.carry_out
    "stopping": "Stopping the service.",
    "backing-up": "Backing up to {backup}",
    "installing": "Installing crmlink {to}.",
    "checking": "Updating the tables and checking.",
    "going-back": "Going back to crmlink {from}.",
    "starting": "Starting the service.",
    "done": "crmlink {to} is installed. The backup from before: {backup}",
    "kept": "Nothing was changed: {cause}",
    "back": "crmlink {to} isn't installed: {cause} crmlink {from} is in place again.",
    "back-without-data": "crmlink {to} isn't installed: {cause} crmlink {from} is in place again, "
    "but its data isn't, so it wasn't started. Restore it: crmlink restore --replace {backup}",
    "silent": "crmlink {to} is installed, but the service doesn't answer at port {port}. Look at "
    "what it prints. The backup from before: {backup}",
    "step-install": "The installation failed. {output}",
    "step-version": "The new version doesn't start. {output}",
    "step-other": "The file holds another version ({version}).",
    "step-check": "crmlink check finds: {codes}.",
    "step-said": "{output}",
    "step-backup": "The backup failed. {output}",
    "step-restore": "Restoring failed. {output}",
    "step-stop": "The service can't be stopped. {output}",
    "step-start": "The service can't be started. {output}",
}


def failure_text(failure: UpkeepFailure) -> str:
    """Return why nothing was done, as a sentence."""
    return _FAILURES[failure.code].format_map(failure.facts)


def check_text(check: Check) -> str:
    """Return a check's result as a sentence or two."""
    return _CHECKS[check.code](check.args)


def _disk(args: Args) -> str:
    return f"Disk: {args['free_mb']:,} MB free in the data folder."


def _sound(args: Args) -> str:
    if not args["problems"]:
        cause = args.get("cause")
        return (
            f"SQLite: the database can't be checked ({cause}): a full disk, missing rights, or "
            "another program that uses it."
            if cause
            else "SQLite: the database is whole."
        )
    return (
        f"SQLite: {counted(args['problems'], 'problem')} found. Stop crmlink, keep a copy of the "
        "data folder, and restore the newest backup."
    )


def _database(args: Args) -> str:
    if args.get("problem") == "absent":
        return "Database: there is none yet. It is made when crmlink starts."
    if args.get("problem"):
        return f"Database: it can't be read ({args['problem']})."
    return f"Database: it can be read ({args['kind']})."


def _tables(args: Args) -> str:
    if args["revision"] == args["newest"]:
        return f"Tables: up to date ({args['revision']})."
    return (
        f"Tables: version {args['revision']}, but this crmlink needs {args['newest']}. Start "
        "crmlink serve: it updates them. If that fails, an older crmlink is installed."
    )


def _clock(args: Args) -> str:
    if not args["minutes"]:
        return "Clock: not behind what was recorded."
    return f"Clock: {args['minutes']:,} minutes behind the newest entry. Set this computer's time."


def _keys(args: Args) -> str:
    if not args["credentials"]:
        return "Keys: no credentials of Commusoft or accounting software are stored."
    if args["readable"]:
        return "Keys: the stored credentials can be read."
    return (
        "Keys: stored credentials can't be read. Restore credential.keys from a backup, or connect "
        "the accounts again."
    )


def _secret(args: Args) -> str:
    if args["there"]:
        return "Secret key: there is one."
    return (
        "Secret key: secret.key is missing. Restore it from a backup before crmlink is started: "
        "with a new one everyone signs in again, and browsers and scripts are connected again."
    )


def _separation(args: Args) -> str:
    if args["separated"]:
        return "Firms: PostgreSQL separates them too."
    return (
        "Firms: only crmlink separates them, because its PostgreSQL user may not make a role. As a "
        f'superuser run CREATE ROLE "{args["role"]}" NOLOGIN; GRANT "{args["role"]}" TO crmlink\'s '
        "user; then restart crmlink."
    )


def _certificate(args: Args) -> str:
    if "days" in args:
        return f"Certificate: valid for {args['days']} more days."
    return f"Certificate: not checked or not accepted ({args['cause']})."


def _certificate_files(args: Args) -> str:
    if "cause" in args:
        return (
            f"Certificate's files: they can't be used ({args['cause']}). Check CRMLINK_TLS_CERT, "
            "CRMLINK_TLS_KEY and who may read the files."
        )
    if args["days"] < 0:
        return "Certificate's files: expired. If crmlink made them, run crmlink certificate make."
    return f"Certificate's files: valid for {args['days']} more days."


def _backups(args: Args) -> str:
    match args.get("problem"):
        case "unscheduled":
            return "Backups: none are scheduled. Set CRMLINK_BACKUP_DIR to a folder elsewhere."
        case "none":
            return "Backups: none in the folder yet."
        case "ahead":
            return "Backups: those in the folder are dated later than this computer's clock."
        case "unread":
            return f"Backups: the folder can't be read ({args['cause']})."
    return f"Backups: the newest is {args['hours']} hours old."


_CHECKS: Mapping[str, Callable[[Args], str]] = {
    "folder": lambda args: (
        f"Data folder: can't be written ({args['cause']})."
        if args
        else "Data folder: can be written."
    ),
    "disk": _disk,
    "sound": _sound,
    "secret": _secret,
    "database": _database,
    "tables": _tables,
    "clock": _clock,
    "keys": _keys,
    "audit": lambda args: (
        "Audit log: its last check found nothing."
        if args["sound"]
        else "Audit log: its last check found a problem. Run crmlink audit verify."
    ),
    "server": lambda args: f"Server: {args['running']} running.",
    "separation": _separation,
    "certificate": _certificate,
    "certificate-files": _certificate_files,
    "backups": _backups,
}
