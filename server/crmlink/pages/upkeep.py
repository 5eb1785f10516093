"""/upkeep: backups of this installation, and its checks."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from flask import abort, render_template, send_file
from werkzeug.wrappers import Response

from crmlink.access.context import record_audit
from crmlink.installation import CLI_PATH
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import Form, flash_message, sent
from crmlink.store.base import utc_now
from crmlink.upkeep.backup import TEMPORARY, make_backup
from crmlink.upkeep.checks import Check, run_checks
from crmlink.upkeep.diagnosis import diagnosis
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.schedule import KeptBackup, back_up_now, kept_backups
from crmlink.upkeep.sealed_keys import MIN_PASSPHRASE
from crmlink.upkeep.texts import check_text, failure_text
from crmlink.web.auth import current_access, current_actor, current_installation, require_permission

Reply = str | Response | tuple[str, int]
P = ParamSpec("P")
R = TypeVar("R")


def require_only_firm(view: Callable[P, R]) -> Callable[P, R]:
    """Decorate a view of the installation: 404 where several firms share it.

    A backup has all of them, so it is for the command line alone.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if current_installation().has_several:
            abort(404)
        return view(*args, **kwargs)

    return guarded


@blueprint.get("/upkeep")
@require_permission("admin")
@require_only_firm
def upkeep() -> str:
    """Show the backups, and what can be checked."""
    return _page(Form())


@blueprint.post("/upkeep/backups")
@require_permission("admin")
@require_only_firm
def back_up() -> Reply:
    """Make a backup in the folder for backups."""
    here = current_installation()
    try:
        made = back_up_now(here.settings, here.database)
    except UpkeepFailure as failure:
        return _page(Form(errors={"": failure_text(failure)})), 422
    except OSError as error:
        return _page(Form(errors={"": f"The folder can't be written ({error.strerror})."})), 422
    _record("backup.made")
    flash_message(f"Backup made: {made.path.name}.")
    return redirect_to("pages.upkeep")


@blueprint.post("/upkeep/download")
@require_permission("admin")
@require_only_firm
def download_backup() -> Reply:
    """Make a backup whose keys are sealed with the passphrase, and send it."""
    form = sent("passphrase", "again")
    if form.values["passphrase"] != form.values["again"]:
        form.errors["again"] = "Enter the same passphrase twice."
        return _page(form), 422
    here = current_installation()
    with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}-", dir=here.settings.data_dir) as folder:
        file = Path(folder) / "backup"
        try:
            make_backup(here.settings, here.database, file, form.values["passphrase"] or " ")
        except UpkeepFailure as failure:
            form.errors["passphrase"] = failure_text(failure)
            return _page(form), 422
        content = io.BytesIO(file.read_bytes())
    _record("backup.downloaded")
    return send_file(
        content,
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=f"crmlink-{utc_now():%Y%m%d-%H%M%S}.backup",
        max_age=0,
    )


@blueprint.get("/upkeep/backups/<filename>")
@require_permission("admin")
@require_only_firm
def kept_backup(filename: str) -> Response:
    """Send a backup of the folder."""
    backups, _ = _backups()
    found = next((one for one in backups if one.path.name == filename), None)
    if found is None:
        abort(404)
    _record("backup.downloaded")
    return send_file(found.path, as_attachment=True, download_name=filename, max_age=0)


@blueprint.post("/upkeep/checks")
@require_permission("admin")
@require_only_firm
def check_installation() -> str:
    """Run the checks, and show their results."""
    return _page(Form(), list(run_checks(current_installation().settings)))


@blueprint.get("/upkeep/diagnosis")
@require_permission("admin")
@require_only_firm
def download_diagnosis() -> Response:
    """Send the diagnosis, which holds no personal data."""
    settings = current_installation().settings
    report = diagnosis(settings, run_checks(settings))
    content = io.BytesIO(json.dumps(report, indent=1, ensure_ascii=False).encode())
    return send_file(
        content,
        mimetype="application/json",
        as_attachment=True,
        download_name="crmlink-diagnosis.json",
        max_age=0,
    )


def _record(action: str) -> None:
    access = current_access()
    with access.database.writing() as session:
        record_audit(session, access, current_actor(), action, "workspace")


def _backups() -> tuple[list[KeptBackup], str]:
    """Return the backups in the folder, and why it can't be read."""
    try:
        return kept_backups(current_installation().settings), ""
    except OSError as error:
        return [], error.strerror or type(error).__name__


def _where() -> str:
    """Return what a command needs before it, to use this installation's data."""
    if sys.platform == "win32":
        return ""
    return f"CRMLINK_DATA_DIR={_spelled(current_installation().settings.data_dir)} "


def _spelled(path: Path) -> str:
    """Return a path as it is typed into a command."""
    return f'"{path}"' if " " in str(path) else str(path)


def _page(form: Form, checks: list[Check] | None = None) -> str:
    backups, unread = _backups()
    file = _spelled(backups[0].path) if backups else "FILE"
    return render_template(
        "upkeep.html",
        form=form,
        settings=current_installation().settings,
        backups=backups,
        unread=unread,
        checks=[(check.health, check_text(check)) for check in checks or []],
        least=MIN_PASSPHRASE,
        restore_command=f"{_where()}{_spelled(CLI_PATH)} restore --replace {file}",
    )
