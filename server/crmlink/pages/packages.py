"""/packages: rules of the accounting packages, and the firm's own hosts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from flask import render_template, request, url_for
from werkzeug.utils import secure_filename
from werkzeug.wrappers import Response

from crmlink.accounting.errors import InvalidHost
from crmlink.accounting.package_rules import sites_of
from crmlink.accounting.rule_check import check_rule_file, known_addresses
from crmlink.linking.workspace_rules import (
    add_host,
    install_rules,
    list_hosts,
    remove_host,
    remove_rules,
)
from crmlink.pages.blueprint import Confirmation, blueprint, confirmation_page, redirect_to
from crmlink.pages.forms import Form, flash_message, sent
from crmlink.web.auth import current_actor, current_workspace, require_permission
from crmlink.web.problems import problem_from_error


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """An uploaded rule file, and its faults."""

    name: str
    wrong: tuple[str, ...]


@blueprint.get("/packages")
@require_permission("admin")
def packages() -> str:
    """Show every package with its hosts."""
    return _page()


@blueprint.post("/packages/rules")
@require_permission("admin")
def send_rules() -> str | Response | tuple[str, int]:
    """Check a rule file, and install it if requested and valid."""
    sent_file = request.files.get("file")
    if sent_file is None or not sent_file.filename:
        return _page(rules_error="Choose the edited rule file first."), 422
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / (secure_filename(sent_file.filename) or "rules.json")
        sent_file.save(file)
        found = RuleCheck(sent_file.filename, tuple(check_rule_file(file, known_addresses())))
        if found.wrong or request.form.get("then") != "install":
            return _page(checked=found), 422 if found.wrong else 200
        install_rules(current_workspace(), file, current_actor().device.id)
    flash_message("The new rules are in use. Extensions update automatically.")
    return redirect_to("pages.packages")


@blueprint.get("/packages/rules/remove")
@require_permission("admin")
def ask_remove_rules() -> str:
    """Show what returning to the built-in rules means."""
    return confirmation_page(
        Confirmation(
            title="Go back to crmlink's own rules?",
            sentences=("Your office's rule file is deleted. Keep a copy if you may need it.",),
            consequences=("crmlink and its extensions use the built-in rules.",),
            button="Go back",
            back=url_for("pages.packages"),
        )
    )


@blueprint.post("/packages/rules/remove")
@require_permission("admin")
def remove_own_rules() -> Response:
    """Return to the built-in rules."""
    remove_rules(current_workspace(), current_actor().device.id)
    flash_message("crmlink's own rules are in use again.")
    return redirect_to("pages.packages")


@blueprint.post("/packages/<package>/hosts")
@require_permission("admin")
def add_package_host(package: str) -> str | Response | tuple[str, int]:
    """Add a host of the firm."""
    form = sent("host")
    try:
        add_host(current_workspace(), package, form.values["host"], current_actor().device.id)
    except InvalidHost as refused:
        found = problem_from_error(refused)
        form.errors["host"] = found.detail
        return _page(package, form), found.status
    flash_message("Added. Extensions update automatically.")
    return redirect_to("pages.packages")


@blueprint.get("/packages/<package>/hosts/remove")
@require_permission("admin")
def ask_remove_host(package: str) -> str:
    """Show what removing a host means."""
    name = sites_of(current_workspace().packages).get(package, {}).get("name", package)
    host = request.args.get("host", "")[:300]
    return confirmation_page(
        Confirmation(
            title=f"Remove {host} from {name}?",
            sentences=("You can add it again at any time.",),
            consequences=(f"crmlink will no longer recognise {name} at this address.",),
            button="Remove",
            back=url_for("pages.packages"),
        )
    )


@blueprint.post("/packages/<package>/hosts/remove")
@require_permission("admin")
def remove_package_host(package: str) -> Response:
    """Remove a host of the firm."""
    remove_host(
        current_workspace(), package, request.args.get("host", ""), current_actor().device.id
    )
    flash_message("Removed.")
    return redirect_to("pages.packages")


def _page(
    refused: str = "",
    form: Form | None = None,
    checked: RuleCheck | None = None,
    rules_error: str = "",
) -> str:
    own = current_workspace().rule_file.own
    return render_template(
        "packages.html",
        document=current_workspace().packages,
        sites=sites_of(current_workspace().packages),
        added=list_hosts(current_workspace()),
        refused=refused,
        form=form,
        checked=checked,
        rules_error=rules_error,
        untouched=Form(),
        own=own if own.exists() else None,
        broken=check_rule_file(own) if own.exists() else [],
        by_schema_only=known_addresses() is None,
    )
