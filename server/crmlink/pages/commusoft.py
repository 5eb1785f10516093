"""/commusoft: the account, its doctor, and the sync of records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import current_app, render_template, request, stream_template, url_for
from werkzeug.wrappers import Response

from crmlink.commusoft.checklist.questions import QUESTIONS
from crmlink.commusoft.connection import DEFAULT_BASE_URL, Connection, ConnectionUnsafe
from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.doctor import CheckResult, check_text, run_checks, support_message
from crmlink.commusoft.doctor.field_stats import leaves
from crmlink.commusoft.errors import NoApi
from crmlink.installation import CLI_PATH, OpenWorkspace
from crmlink.linking.checklist import read_checklist
from crmlink.linking.connections import Consent, contents_in_use, delete_connection, save_connection
from crmlink.linking.errors import ConnectionNotAgreed
from crmlink.linking.examination import examine
from crmlink.linking.write_tests import open_write_tests
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.commusoft_pages import check_agreement, writing_context
from crmlink.pages.forms import Form, flash_message, sent
from crmlink.pages.labels import PACE_REASONS
from crmlink.pages.sync_job import SyncJob
from crmlink.reports.link_health import mirror_state, shares
from crmlink.store import Device, WriteTest
from crmlink.web.auth import (
    current_access,
    current_actor,
    current_installation,
    current_open_workspace,
    current_workspace,
    require_permission,
)
from crmlink.web.connection_words import ended_in_words, replaced_in_words
from crmlink.web.problems import Problem, problem_from_error
from crmlink.web.problems import trouble as trouble_of

Reply = str | Response | tuple[str, int] | tuple[Iterator[str], dict[str, str]]
CREDENTIALS = ("client_id", "username", "password", "application_id")
LABELS = {
    "client_id": "Client id",
    "username": "User name",
    "password": "Password",
    "application_id": "Application id",
}
RECORD_ID = re.compile(r"(customer|supplier)-[0-9]{1,19}")
UNBUFFERED = {"X-Accel-Buffering": "no"}  # a reverse proxy must not buffer the results


@blueprint.get("/commusoft")
@require_permission("admin")
def commusoft() -> str:
    """Show the account and the mirror."""
    return _page(Form())


@blueprint.post("/commusoft/sync")
@require_permission("admin")
def sync_now() -> Response:
    """Start a full sync; the page shows its progress."""
    if not current_workspace().has_api:
        raise NoApi
    _sync_job().start()
    return redirect_to("pages.commusoft")


@blueprint.post("/commusoft/doctor")
@require_permission("admin")
def run_doctor() -> Reply:
    """Check the account; each result is sent as soon as it is known."""
    if not current_workspace().has_api:
        raise NoApi
    form = sent("record")
    record = form.values["record"].strip().lower()
    if record and not RECORD_ID.fullmatch(record):
        form.errors["record"] = "Enter a record like customer-1001 or supplier-501."
    elif record and "agreed" not in request.form:
        form.errors["record"] = "Tick the box too, or leave the record empty."
    if form.errors:
        return _page(form), 422
    steps = examine(current_workspace(), current_actor().device.id, record or None)
    return _streamed(steps, "doctor")


@blueprint.get("/commusoft/connect")
@require_permission("admin")
def connect_form() -> str:
    """Show the form for credentials."""
    return _connect_page(Form({"url": DEFAULT_BASE_URL}))


@blueprint.post("/commusoft/connect")
@require_permission("admin")
def connect() -> Reply:
    """Try the credentials, and store them encrypted if they work.

    The user must agree to what is deleted or put aside, as it is now.
    """
    form = sent("url", "agreement", *CREDENTIALS)
    for name in CREDENTIALS:
        if not form.values[name].strip():
            form.errors[name] = "Commusoft gives you this one too."
    try:
        account = Connection(
            form.values["url"].strip(), *(form.values[name] for name in CREDENTIALS)
        )
    except ConnectionUnsafe as error:
        form.errors["url"] = str(error)
    else:
        check_agreement(form, account)
    if form.errors or current_open_workspace().account_of_environment:
        return _connect_page(form), 422
    attempt = Attempt(
        current_open_workspace(), account, current_actor().device, form.values["agreement"]
    )
    return _streamed(attempt.steps(), "connect", attempt)


@blueprint.get("/commusoft/disconnect")
@require_permission("admin")
def ask_disconnect() -> Reply:
    """Show what disconnecting means."""
    contents = contents_in_use(current_access().database, current_access().workspace_id)
    if contents is None or contents.practice or current_open_workspace().account_of_environment:
        return redirect_to("pages.commusoft")
    return confirmation_page(
        Confirmation(
            title="Disconnect Commusoft?",
            sentences=tuple(ended_in_words(contents)),
            button="Delete the credentials" if contents.has_credentials else "Disconnect",
            back=url_for("pages.commusoft"),
        )
    )


@blueprint.post("/commusoft/disconnect")
@require_permission("admin")
def disconnect() -> Response:
    """Disconnect the account, delete its credentials if it has any, and use the sandbox."""
    has_credentials = current_workspace().has_api
    if current_open_workspace().account_of_environment:
        flash_message("Environment variables set the account. Remove them first.", "stop")
    elif delete_connection(
        current_access().database, current_access().workspace_id, current_actor().device
    ):
        done = "The credentials are deleted." if has_credentials else "Commusoft is disconnected."
        flash_message(f"{done} crmlink now uses practice data.")
    return redirect_to("pages.commusoft")


@dataclass
class Attempt:
    """An account being tried, and put into use once its dialect is found."""

    where: OpenWorkspace
    account: Connection
    by: Device
    agreement: str
    connected: bool = False
    problem: Problem | None = None

    def steps(self) -> Iterator[CheckResult]:
        """Yield results as they arrive."""
        for step in run_checks(self.account):
            yield step
            if step.dialect:
                self._connect(step.dialect)

    def _connect(self, dialect: Dialect) -> None:
        try:
            save_connection(
                self.where.access.database,
                self.where.id,
                self.account,
                Consent(by=self.by, agreement=self.agreement),
                vault=self.where.vault(),
                dialect=dialect,
            )
        except ConnectionNotAgreed as refused:
            self.problem = problem_from_error(refused)
            return
        self.connected = True
        _sync_job().start()


def _streamed(steps: Iterator[CheckResult], purpose: str, attempt: Attempt | None = None) -> Reply:
    seen: list[CheckResult] = []

    def texts() -> Iterator[tuple[str, str]]:
        for step in steps:
            seen.append(step)
            yield step.health, check_text(step)

    page = stream_template(
        "doctor.html",
        steps=texts(),
        purpose=purpose,
        found=lambda: bool(seen and seen[-1].dialect),
        failed=lambda: any(step.health == "failed" for step in seen),
        letter=lambda: support_message(seen),
        command=CLI_PATH,
        attempt=attempt,
    )
    return page, UNBUFFERED


def _sync_job() -> SyncJob:
    """Return the sync started by a page, one per connection."""
    present = current_open_workspace().context
    jobs: dict[int, SyncJob] = current_app.extensions.setdefault("crmlink.sync", {})
    sync_job = jobs.get(present.workspace_id)
    if sync_job is None or sync_job.workspace is not present:
        sync_job = jobs[present.workspace_id] = SyncJob(present)
    return sync_job


def _page(form: Form) -> str:
    here_, every = current_open_workspace(), current_installation().settings.sync_minutes
    sync_job = _sync_job()
    mirror = mirror_state(current_workspace(), every)
    newest = not (sync_job.ended and mirror.since and mirror.since > sync_job.ended)
    trouble = (
        sync_job.problem if newest else None
    ) or current_workspace().commusoft.last_error_code
    return render_template(
        "commusoft.html",
        form=form,
        shares=shares(current_workspace()),
        mirror=mirror,
        sync_job=sync_job,
        result=sync_job.result if newest else None,
        trouble=trouble_of(trouble) if trouble else None,
        write_tests=open_write_tests(current_workspace()),
        held_before=_held_before,
        connection=current_workspace().commusoft.connection,
        by_environment=here_.account_of_environment is not None,
        has_account=here_.has_account,
        **writing_context(),
        pace=current_workspace().commusoft.pace,
        pace_reasons=PACE_REASONS,
        every=every,
        checklist=read_checklist(current_workspace()),
        questions=len(QUESTIONS),
        command=CLI_PATH,
    )


def _connect_page(form: Form) -> str:
    contents = contents_in_use(current_access().database, current_access().workspace_id)
    return render_template(
        "connect.html",
        contents=contents,
        sentences=replaced_in_words(contents) if contents else [],
        form=form,
        labels=LABELS,
        by_environment=current_open_workspace().account_of_environment is not None,
        command=CLI_PATH,
    )


def _held_before(test: WriteTest) -> list[tuple[str, Any]]:
    """Return the filled fields of a record before a test that may have emptied some."""
    return [(name, value) for name, value in leaves(test.before or {}) if value]
