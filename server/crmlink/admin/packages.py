"""/packages: what crmlink knows of each accounting package, and the firm's own addresses."""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from crmlink.accounting.errors import HostRefused
from crmlink.accounting.packages import package_rules
from crmlink.accounting.rules import check
from crmlink.admin.forms import Form, sent, tell
from crmlink.admin.pages import Ask, ask, blueprint, here
from crmlink.api.guard import actor, desk, needs
from crmlink.house import COMMAND
from crmlink.linking.rules import add_host, hosts, remove_host
from crmlink.problems import problem_of


@blueprint.get("/packages")
@needs("admin")
def packages() -> str:
    """Every package with its addresses."""
    return _page()


@blueprint.post("/packages/<package>/hosts")
@needs("admin")
def add_package_host(package: str) -> str | Response | tuple[str, int]:
    """Add an address of the firm's own."""
    form = sent("host")
    try:
        add_host(desk(), package, form.values["host"], actor().device.id)
    except HostRefused as refused:
        found = problem_of(refused)
        form.errors["host"] = found.detail
        return _page(package, form), found.status
    tell("Added. Extensions learn it by themselves.")
    return here("pages.packages")


@blueprint.get("/packages/<package>/hosts/remove")
@needs("admin")
def ask_remove_host(package: str) -> str:
    """What taking an address away means."""
    name = package_rules(desk().packages, package)["name"]
    host = request.args.get("host", "")[:300]
    return ask(
        Ask(
            title=f"Take {host} away from {name}?",
            sentences=("You can add it again at any time.",),
            consequences=(f"crmlink does not know {name} at this address any more.",),
            button="Take it away",
            back=url_for("pages.packages"),
        )
    )


@blueprint.post("/packages/<package>/hosts/remove")
@needs("admin")
def remove_package_host(package: str) -> Response:
    """Take an address of the firm's own away."""
    remove_host(desk(), package, request.args.get("host", ""), actor().device.id)
    tell("Taken away.")
    return here("pages.packages")


def _page(refused: str = "", form: Form | None = None) -> str:
    own = desk().rule_file.own
    return render_template(
        "packages.html",
        document=desk().packages,
        added=hosts(desk()),
        refused=refused,
        form=form,
        untouched=Form(),
        own=own if own.exists() else None,
        broken=check(own) if own.exists() else [],
        command=COMMAND,
    )
