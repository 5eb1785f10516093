"""/sources/connect: sign-in at the accounting software, and the choice of companies."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from flask import Response as FlaskResponse
from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.hosts import Host
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import Form, flash_message, sent
from crmlink.pages.sources.asked import asked_page, begin_asked
from crmlink.pages.sources.sketches import SKETCHES
from crmlink.pages.sources.steps import STEPS
from crmlink.sources.connecting import (
    begin_sign_in,
    connect_companies,
    finish_sign_in,
    reached_before,
)
from crmlink.sources.errors import SourceError, SourceNotFound
from crmlink.sources.oauth import Credentials
from crmlink.sources.packages import SourcePackage
from crmlink.store.quotas import QuotaReached
from crmlink.web.auth import (
    current_actor,
    current_installation,
    current_open_workspace,
    require_permission,
)
from crmlink.web.hosts import external_url
from crmlink.web.problems import problem_from_error

MAX_LENGTH = 2_000
LOCAL_REDIRECT = "http://localhost/sources/callback"  # opens nothing: its address is pasted

Reply = str | Response | tuple[str, int]


@blueprint.get("/sources/connect/<package>")
@require_permission("admin")
def connect_source_form(package: str) -> str:
    """Show the steps, and the form for the client id or the user name."""
    known = _package(package)
    if known.asks_each_time:
        return asked_page(known, Form({"source": request.args.get("source", "")[:MAX_LENGTH]}))
    return _connect_page(known, Form({"redirect": _usual_redirect(package)}))


@blueprint.post("/sources/connect/<package>")
@require_permission("admin")
def connect_source(package: str) -> Reply:
    """Begin a sign-in, and send the person to the accounting software."""
    known = _package(package)
    if known.asks_each_time:
        return begin_asked(known)
    form = sent("client_id", "client_secret", "redirect")
    values = {name: value.strip()[:MAX_LENGTH] for name, value in form.values.items()}
    if not values["client_id"]:
        form.errors["client_id"] = "Paste the client id here."
    if known.has_secret and not values["client_secret"]:
        form.errors["client_secret"] = "Paste the client secret here."  # noqa: S105 # a sentence
    if not _may_return_to(values["redirect"]):
        form.errors["redirect"] = "Enter an address that begins with https:// or http://localhost."
    if form.errors:
        return _connect_page(known, form), 422
    client = Credentials(values["client_id"], values["client_secret"] if known.has_secret else "")
    url = begin_sign_in(
        current_open_workspace().sources,
        current_actor().device,
        package,
        client,
        values["redirect"],
    )
    comes_back = values["redirect"] == external_url("pages.source_callback")
    page = FlaskResponse(
        render_template(
            "sources/redirecting.html", package=package, url=url, comes_back=comes_back,
            form=Form(),
        )
    )  # fmt: skip
    if comes_back:
        page.headers["Refresh"] = f"0; url={url}"
    return page


@blueprint.get("/sources/callback")
@require_permission("admin")
def source_callback() -> Reply:
    """Receive what the accounting software sends back, and show the companies."""
    return _finish({name: value for name, value in request.args.items() if len(value) < MAX_LENGTH})


@blueprint.get("/sources/paste")
@require_permission("admin")
def paste_form() -> str:
    """Show the form for an address that opened no page."""
    return render_template("sources/paste.html", form=Form())


@blueprint.post("/sources/paste")
@require_permission("admin")
def paste_address() -> Reply:
    """Read what was sent back from a pasted address."""
    form = sent("address")
    answer = _answer_in(form.values["address"])
    if not answer:
        form.errors["address"] = "Paste the whole address, from https:// or http:// to the end."
        form.values["address"] = ""  # it may hold a code
        return render_template("sources/paste.html", form=form), 422
    return _finish(answer)


@blueprint.post("/sources/choose")
@require_permission("admin")
def choose_companies() -> Reply:
    """Connect the chosen companies, and read them."""
    tenants = request.form.getlist("tenant")
    if not tenants:
        flash_message("No company was chosen, so nothing is connected.", "caution")
        return redirect_to("pages.sources")
    sources, choice = current_open_workspace().sources, request.form.get("choice", "")
    device = current_actor().device
    try:
        connected = connect_companies(sources, device, choice, tenants)
    except QuotaReached as refused:
        flash_message(problem_from_error(refused).detail, "stop")
        reached = reached_before(sources, device, choice)
        return render_template("sources/choose.html", reached=reached), 409
    current_installation().wake_workers()
    names = " and ".join(source.name for source in connected)
    flash_message(f"{names} connected. The contacts are being read now.")
    return redirect_to("pages.sources")


def _finish(answer: Mapping[str, str]) -> Reply:
    try:
        reached = finish_sign_in(current_open_workspace().sources, current_actor().device, answer)
    except SourceError as error:
        flash_message(problem_from_error(error).detail, "stop")
        return redirect_to("pages.sources")
    return render_template("sources/choose.html", reached=reached)


def _answer_in(address: str) -> dict[str, str]:
    """Return the parts of a pasted address; without a state there is nothing to read."""
    try:
        pairs = parse_qsl(urlsplit(address.strip()[: 4 * MAX_LENGTH]).query, max_num_fields=50)
    except ValueError:
        return {}
    answer = dict(pairs)
    return answer if "state" in answer else {}


def _package(package_id: str) -> SourcePackage:
    package = current_open_workspace().sources.registry.get(package_id)
    if package is None or package_id not in STEPS:
        raise SourceNotFound
    return package


def _usual_redirect(package_id: str) -> str:
    """Return this server's own address where the software accepts it."""
    own = external_url("pages.source_callback")
    if own.startswith("https://"):
        return own
    if not STEPS[package_id].local:
        return ""
    host = Host.from_text(urlsplit(own).netloc)
    is_local = host is not None and host.name == "localhost"
    return own if is_local else LOCAL_REDIRECT


def _may_return_to(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = Host.from_text(parts.netloc)
    return host is not None and (
        parts.scheme == "https" or (parts.scheme == "http" and host.is_loopback)
    )


def _connect_page(package: SourcePackage, form: Form) -> str:
    return render_template(
        "sources/connect.html",
        package=package,
        steps=STEPS[package.id],
        sketches=SKETCHES[package.id],
        form=form,
        own=external_url("pages.source_callback"),
    )
