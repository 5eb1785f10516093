"""Sign-ins that are asked for each time: password first, then characters of the memorable word."""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import Form, flash_message, sent
from crmlink.pages.sources.sketches import SKETCHES
from crmlink.pages.sources.steps import STEPS
from crmlink.sources.asked_reading import start_reading
from crmlink.sources.asked_sign_in import begin_asked_sign_in, finish_asked_sign_in
from crmlink.sources.errors import SourceError
from crmlink.sources.packages import SourcePackage
from crmlink.store.quotas import QuotaReached
from crmlink.web.auth import current_actor, current_open_workspace, require_permission
from crmlink.web.problems import problem_from_error

MAX_LENGTH = 200

Reply = str | Response | tuple[str, int]


def asked_page(package: SourcePackage, form: Form) -> str:
    """Return the page that asks for the user name and the password."""
    return render_template(
        "sources/ask.html",
        package=package,
        steps=STEPS[package.id],
        sketches=SKETCHES[package.id],
        form=form,
    )


def begin_asked(package: SourcePackage) -> Reply:
    """Send the password to the accounting software, and ask for the characters it wants."""
    form = sent("user_name", "source")
    password = request.form.get("password", "")[:MAX_LENGTH]  # never shown again
    user_name = form.values["user_name"].strip()[:MAX_LENGTH]
    if not user_name:
        form.errors["user_name"] = "Enter the user name."
    if not password:
        form.errors["password"] = "Enter the password."  # noqa: S105 # a sentence
    if form.errors:
        return asked_page(package, form), 422
    try:
        asked = begin_asked_sign_in(
            current_open_workspace().sources, current_actor().device, package.id, user_name,
            password, form.values["source"],
        )  # fmt: skip
    except SourceError as error:
        form.errors[""] = problem_from_error(error).detail
        return asked_page(package, form), 422
    return render_template("sources/characters.html", asked=asked, form=Form())


@blueprint.post("/sources/characters")
@require_permission("admin")
def source_characters() -> Response:
    """Finish a sign-in with the asked characters, and read the contacts."""
    here = current_open_workspace()
    characters = [each.strip() for each in request.form.getlist("character")]
    try:
        source, session = finish_asked_sign_in(
            here.sources, current_actor().device, request.form.get("choice", ""), characters
        )
    except (SourceError, QuotaReached) as error:
        flash_message(problem_from_error(error).detail, "stop")
        return redirect_to("pages.sources")
    start_reading(here.sources, source.id, session)
    flash_message(f"{source.name} is connected. The contacts are being read now.")
    return redirect_to("pages.sources")
