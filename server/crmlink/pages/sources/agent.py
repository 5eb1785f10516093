"""/sources/sage-50: how crmlink agent brings the contacts of Sage 50."""

from __future__ import annotations

from flask import render_template

from crmlink.pages.blueprint import blueprint
from crmlink.pages.sources.sketches import SKETCHES
from crmlink.pages.sources.steps import SAGE_50
from crmlink.web.auth import require_permission
from crmlink.web.hosts import public_address

OPTIONS = (
    '--company "Your company"', "--dsn SageLine50v30", "--user CRMLINK", "--token-file token.txt",
    "--password-file password.txt",
)  # fmt: skip


@blueprint.get("/sources/sage-50")
@require_permission("admin")
def agent_guide() -> str:
    """Show how the agent is set up on Sage's computer."""
    address = public_address()
    return render_template(
        "sources/agent.html",
        steps=SAGE_50,
        sketches=SKETCHES["sage_50"],
        command=("crmlink agent service install", f"--server {address}", *OPTIONS),
        reachable=address.startswith("https://"),
    )
