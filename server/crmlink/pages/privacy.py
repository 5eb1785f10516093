"""/privacy: what crmlink does with data, for anyone who asks; the same text as in the stores."""

from __future__ import annotations

from flask import render_template

from crmlink.pages.blueprint import blueprint


@blueprint.get("/privacy")
def privacy() -> str:
    """Show the privacy policy."""
    return render_template("privacy.html")
