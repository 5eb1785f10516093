"""/commusoft: which account, whether it answers, and bringing the records up to date."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import current_app, render_template, request, stream_template, url_for
from werkzeug.wrappers import Response

from crmlink.access.people import take_along
from crmlink.commusoft.connection import DEFAULT_BASE_URL, Connection, ConnectionUnsafe
from crmlink.commusoft.doctor import Step, examine, say, support_message
from crmlink.commusoft.vault import Vault
from crmlink.installation import COMMAND, KEYS_NAME, House
from crmlink.linking.connections import (
    connect_account,
    disconnect_account,
    keep_dialect,
    note_write_test,
)
from crmlink.pages.blueprint import Ask, ask, blueprint, here
from crmlink.pages.forms import Form, sent, tell
from crmlink.pages.sync_job import SyncErrand
from crmlink.reports.link_health import mirror_state, shares
from crmlink.store import Device
from crmlink.web.auth import actor, desk, house, needs
from crmlink.web.problems import problem

Reply = str | Response | tuple[str, int] | tuple[Iterator[str], dict[str, str]]
CREDENTIALS = ("client_id", "username", "password", "application_id")
LABELS = {
    "client_id": "Client id",
    "username": "User name",
    "password": "Password",
    "application_id": "Application id",
}
RECORD_ID = re.compile(r"(customer|supplier)-[0-9]{1,19}")
UNBUFFERED = {"X-Accel-Buffering": "no"}  # a proxy in front must hand on each step as it comes


@blueprint.get("/commusoft")
@needs("admin")
def commusoft() -> str:
    """The account and the mirror, as they stand."""
    return _page(Form())


@blueprint.post("/commusoft/sync")
@needs("admin")
def sync_now() -> Response:
    """Read all records again; the page shows how far it is."""
    _errand().start()
    return here("pages.commusoft")


@blueprint.post("/commusoft/doctor")
@needs("admin")
def run_doctor() -> Reply:
    """Examine the account; each step is sent as soon as it is known."""
    form = sent("record")
    record = form.values["record"].strip().lower()
    if record and not RECORD_ID.fullmatch(record):
        form.errors["record"] = "A record's id looks like customer-1001 or supplier-501."
    elif record and "agreed" not in request.form:
        form.errors["record"] = "Tick the box too, or leave the record out."
    if form.errors:
        return _page(form), 422
    here_ = house()
    if record:
        note_write_test(here_.database, here_.desk.workspace_id, actor().device.id, record)
    steps = examine(here_.desk.commusoft.connection, record or None)
    return _streamed(_kept(here_, steps), "doctor")


@blueprint.get("/commusoft/connect")
@needs("admin")
def connect_form() -> str:
    """The form for the credentials that Commusoft gave out."""
    return _connect_page(Form({"url": DEFAULT_BASE_URL}))


@blueprint.post("/commusoft/connect")
@needs("admin")
def connect() -> Reply:
    """Try the credentials, and keep them locked when they work."""
    form = sent("url", *CREDENTIALS)
    for name in CREDENTIALS:
        if not form.values[name].strip():
            form.errors[name] = "Commusoft gives you this one too."
    try:
        connection = Connection(
            form.values["url"].strip(), *(form.values[name] for name in CREDENTIALS)
        )
    except ConnectionUnsafe as error:
        form.errors["url"] = str(error)
    if form.errors or house().settings.commusoft:
        return _connect_page(form), 422
    return _streamed(_connected(house(), connection, actor().device), "connect")


@blueprint.get("/commusoft/disconnect")
@needs("admin")
def ask_disconnect() -> str:
    """What disconnecting means."""
    return ask(
        Ask(
            title="Disconnect Commusoft?",
            sentences=(
                "crmlink forgets the credentials. Links, records and the audit stay.",
                "It goes on with this account until it is started again; then it works with the "
                "sandbox.",
            ),
            button="Forget the credentials",
            back=url_for("pages.commusoft"),
        )
    )


@blueprint.post("/commusoft/disconnect")
@needs("admin")
def disconnect() -> Response:
    """Forget the credentials."""
    disconnect_account(house().database, actor().device)
    tell("The credentials are forgotten. Start crmlink again to work without this account.")
    return here("pages.commusoft")


def _kept(where: House, steps: Iterator[Step]) -> Iterator[Step]:
    """Steps as they come; what the last one found is remembered."""
    for step in steps:
        yield step
        if step.dialect:
            keep_dialect(where.database, where.desk.workspace_id, step.dialect)


def _connected(where: House, connection: Connection, by: Device) -> Iterator[Step]:
    """Steps as they come; when a way was found, the credentials are kept locked."""
    for step in examine(connection):
        yield step
        if step.dialect:
            vault = Vault.at(where.settings.data_dir / KEYS_NAME)
            workspace = connect_account(where.database, vault, connection, step.dialect, by)
            take_along(where.database, where.office.workspace_id, workspace.id)


def _streamed(steps: Iterator[Step], purpose: str) -> Reply:
    seen: list[Step] = []

    def told() -> Iterator[tuple[str, str]]:
        for step in steps:
            seen.append(step)
            yield step.health, say(step)

    page = stream_template(
        "doctor.html",
        steps=told(),
        purpose=purpose,
        found=lambda: bool(seen and seen[-1].dialect),
        failed=lambda: any(step.health == "failed" for step in seen),
        letter=lambda: support_message(seen),
        command=COMMAND,
    )
    return page, UNBUFFERED


def _errand() -> SyncErrand:
    errand: SyncErrand = current_app.extensions.setdefault("crmlink.sync", SyncErrand(desk()))
    return errand


def _page(form: Form) -> str:
    here_ = house()
    errand = _errand()
    trouble = errand.problem or desk().commusoft.trouble
    return render_template(
        "commusoft.html",
        form=form,
        shares=shares(desk()),
        mirror=mirror_state(desk(), here_.settings.sync_minutes),
        errand=errand,
        trouble=problem(trouble) if trouble else None,
        connection=desk().commusoft.connection,
        by_environment=here_.settings.commusoft is not None,
        has_account=here_.has_account,
        every=here_.settings.sync_minutes,
        command=COMMAND,
    )


def _connect_page(form: Form) -> str:
    return render_template(
        "connect.html",
        form=form,
        labels=LABELS,
        by_environment=house().settings.commusoft is not None,
        command=COMMAND,
    )
