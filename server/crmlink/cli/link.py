"""crmlink locate, link and undo: linking without a browser."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from crmlink.kinds import KINDS, Kind

if TYPE_CHECKING:
    from crmlink.installation import Installation
    from crmlink.linking.context import WorkspaceContext
    from crmlink.linking.suggest import Contact, SuggestionResult
    from crmlink.store import Link, MirroredRecord


POLL_INTERVAL = 1.0  # seconds between two looks at what became of a link
WAIT_AFTER_LATE = 30.0  # seconds to look on, once nothing that was sent may land any more


@click.command("locate")
@click.argument("urls", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def locate_command(urls: tuple[str, ...], as_json: bool) -> None:
    """Show which contact a web address is of; - reads addresses from standard input."""
    from crmlink.accounting.locate import cautions, locate
    from crmlink.accounting.package_rules import package_rules
    from crmlink.accounting.rule_loading import built_in_packages

    packages = built_in_packages()
    for url in _lines(urls):
        location = locate(url, packages)
        if as_json:
            click.echo(json.dumps(location.as_dict(), ensure_ascii=False))
            continue
        if location.record:
            click.echo(f"Commusoft: {location.kind} {location.record}")
            continue
        if location.package is None:
            click.echo(f"Not a contact page that crmlink recognises: {url}")
            continue
        name = package_rules(packages, location.package)["name"]
        inside = f" in {location.organisation}" if location.organisation else ""
        what = location.kind or "contact"
        if location.page == "list":
            click.echo(f"{name}: a list of {location.kind or 'contact'}s{inside}")
        else:
            click.echo(f"{name}: {what} {location.reference}{inside}")
        for caution in cautions(location, packages):
            click.echo(f"  {caution}")


def _lines(urls: tuple[str, ...]) -> Iterable[str]:
    for url in urls:
        if url == "-":
            yield from (line.rstrip("\r\n") for line in sys.stdin)
        else:
            yield url


@click.command("link")
@click.argument("url")
@click.option("--name", default="", help="The contact's name or company.")
@click.option("--email", default="")
@click.option("--postcode", default="")
@click.option("--phone", default="")
@click.option(
    "--kind", type=click.Choice(KINDS), help="Customer or supplier, if the address doesn't show it."
)
@click.option("--record", "record_id", help="The Commusoft record, such as customer-1001.")
@click.option(
    "--connection",
    "connection_id",
    help="For scripts: the Commusoft account of the record, from GET /api/v1/workspace.",
)
@click.option("--replace", "replaces", help="The record's current reference, to be replaced.")
@click.option("--also-on", multiple=True, help="A record that has this reference and keeps it.")
@click.option(
    "--other-kind",
    "accepts_kind",
    is_flag=True,
    help="Link a supplier to a customer's record, or a customer to a supplier's.",
)
@click.option("--yes", is_flag=True, help="Don't ask; without --record, link only a sure match.")
@click.option("--json", "as_json", is_flag=True)
def link_command(
    url: str,
    name: str,
    email: str,
    postcode: str,
    phone: str,
    kind: Kind | None,
    record_id: str | None,
    connection_id: str | None,
    replaces: str | None,
    also_on: tuple[str, ...],
    accepts_kind: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Put the reference of the contact at URL on the matching Commusoft record."""
    from crmlink.cli.context import PRACTICE, open_installation_from_env
    from crmlink.linking.decisions import Decision, confirm, require_connection
    from crmlink.linking.overrides import Overrides, require_kind
    from crmlink.linking.suggest import suggest

    installation = open_installation_from_env()
    ctx = (
        installation.workspace
    )  # use this connection throughout: another may be connected in the meantime
    if connection_id:
        require_connection(ctx, connection_id)
    contact = _contact(ctx, url, kind, name, email, postcode, phone)
    if installation.uses_sandbox:
        click.echo(PRACTICE, err=True)
    sync_once(ctx)
    offer = suggest(ctx, contact)
    row = _chosen(ctx, offer, record_id, yes)
    overrides = Overrides(replaces, frozenset(also_on), accepts_kind=accepts_kind)
    require_kind(contact.kind, row, overrides)
    if not yes:
        differs = contact.kind not in (None, row.kind)
        though = f", a {row.kind}, though the contact is a {contact.kind}" if differs else ""
        click.confirm(
            f"Put {offer.contact.reference} on {row.label} ({row.public_id}){though}?",
            abort=True,
            err=True,
        )
    decision = Decision(
        package=contact.package,
        kind=contact.kind or row.kind,
        reference=contact.reference,
        record_id=row.public_id,
        organisation=contact.organisation,
        contact_name=name,
        overrides=overrides,
    )
    link = confirm(ctx, decision, uuid.uuid4().hex, _device(installation))
    _report(_wait_for_outcome(ctx, link), as_json)


@click.command("undo")
@click.argument("link_ids", nargs=-1, required=True, metavar="LINK...")
@click.option("--json", "as_json", is_flag=True)
def undo_command(link_ids: tuple[str, ...], as_json: bool) -> None:
    """Undo links: each record gets back the reference it had before."""
    from crmlink.cli.context import open_installation_from_env
    from crmlink.commusoft.errors import CommusoftError
    from crmlink.linking.decisions import UndoDecision, undo
    from crmlink.linking.errors import LinkFailed, LinkingError
    from crmlink.web.problems import problem_from_error

    installation = open_installation_from_env()
    ctx, device_id, failed = installation.workspace, _device(installation), 0
    for link_id in link_ids:
        try:
            link = undo(ctx, UndoDecision(link_id), uuid.uuid4().hex, device_id)
            _report(_wait_for_outcome(ctx, link), as_json)
        except (LinkingError, LinkFailed, CommusoftError) as error:
            failed += 1
            click.echo(f"{link_id}: {problem_from_error(error).detail}", err=True)
    if failed:
        sys.exit(1)


def _contact(
    ctx: WorkspaceContext,
    url: str,
    kind: Kind | None,
    name: str,
    email: str,
    postcode: str,
    phone: str,
) -> Contact:
    from crmlink.accounting.locate import cautions, locate
    from crmlink.linking.known_kinds import known_kind
    from crmlink.linking.suggest import Contact
    from crmlink.linking.workspace_rules import workspace_rules
    from crmlink.values.contact_details import ContactDetails

    packages = workspace_rules(ctx)
    location = locate(url, packages)
    if location.page is None:  # a record's page, perhaps at another Commusoft than the workspace's
        location = locate(url, ctx.packages)
    if location.record:
        raise click.ClickException(
            f"This is the page of {location.kind} {location.record} in Commusoft. Open the contact "
            "in your accounting software and copy the address from there."
        )
    if location.page != "contact" or not location.package or not location.reference:
        raise click.ClickException(
            "That isn't a contact page that crmlink recognises. Open the contact in your "
            "accounting software and copy the address from there."
        )
    for caution in cautions(location, packages):
        click.echo(caution, err=True)
    if kind and location.kind and kind != location.kind:
        raise click.ClickException(f"The address is of a {location.kind}, not a {kind}.")
    kind = (
        location.kind
        or kind
        or known_kind(ctx, location.package, location.organisation or "", location.reference)
    )
    return Contact(
        package=location.package,
        reference=location.reference,
        kind=kind,
        organisation=location.organisation or "",
        details=ContactDetails(
            kind=kind,
            name=name,
            email=email,
            postcode=postcode,
            phones=(phone,) if phone else (),
        ),
    )


def sync_once(ctx: WorkspaceContext) -> None:
    """Fill a mirror that has never been synced."""
    from crmlink.store import WorkspaceConnection

    with ctx.database.reading() as session:
        if session.get_one(WorkspaceConnection, ctx.connection_id).synced_at:
            return
    click.echo("Reading Commusoft's records for the first time…", err=True)
    ctx.sync()


def _chosen(
    ctx: WorkspaceContext, offer: SuggestionResult, record_id: str | None, yes: bool
) -> MirroredRecord:
    from crmlink.linking.suggest import find_record
    from crmlink.matching.reason_texts import confidence, reason_text

    if record_id:
        with ctx.database.reading() as session:
            return find_record(session, ctx.connection_id, record_id)
    if not offer.suggestions:
        raise click.ClickException(
            "Nothing in Commusoft looks like this contact. Choose a record with --record, or add "
            "details with --name, --email, --postcode or --phone."
        )
    if yes:
        row, best = offer.suggestions[0]
        if not best.sure:
            raise click.ClickException(
                f"The best match, {row.label} ({row.public_id}), is not sure. Choose the record "
                "with --record."
            )
        return row
    for position, (row, item) in enumerate(offer.suggestions, 1):
        place = ", ".join(part for part in (row.address, row.town, row.postcode) if part)
        click.echo(f"{position}. {row.label} ({row.public_id})  {confidence(item)}", err=True)
        click.echo(f"   {place}", err=True)
        click.echo(f"   {'; '.join(reason_text(reason) for reason in item.reasons)}", err=True)
    number = click.prompt(
        "Which one?", prompt_suffix=" ", type=click.IntRange(1, len(offer.suggestions)), err=True
    )
    return offer.suggestions[number - 1][0]


def _device(installation: Installation) -> int:
    from crmlink.access.devices import command_line_actor

    return command_line_actor(installation.access).device.id


def _wait_for_outcome(ctx: WorkspaceContext, link: Link) -> Link:
    """The link at its end: no server need run that would finish it.

    Still ``intended`` when Commusoft does not answer for longer than it could still carry out what
    was sent.
    """
    from crmlink.linking.attempts import recover
    from crmlink.linking.decisions import find_link
    from crmlink.store import LinkMethod, LinkState

    if link.method is LinkMethod.PAGES:
        return link
    until = time.monotonic() + ctx.commusoft.late_write_seconds + WAIT_AFTER_LATE
    if link.state is LinkState.INTENDED:
        click.echo(
            "Saved. Commusoft hasn't answered yet; waiting until the outcome is known…", err=True
        )
    while link.state is LinkState.INTENDED and time.monotonic() < until:
        time.sleep(POLL_INTERVAL)
        recover(ctx)
        link = find_link(ctx, link.id)
    return link


def _report(link: Link, as_json: bool) -> None:
    from crmlink.linking.errors import LinkFailed
    from crmlink.store import LinkMethod, LinkState

    if link.state in (LinkState.FAILED, LinkState.CONFLICT):
        raise LinkFailed(link)
    if as_json:
        fields = {
            "id": link.id,
            "state": link.state.value,
            "record": link.record_id,
            "reference": link.target,
            "prior_reference": link.prior,
        }
        click.echo(json.dumps(fields))
    elif link.state is LinkState.INTENDED and link.method is LinkMethod.PAGES:
        click.echo(
            f"Kept, to be saved on Commusoft's page: open {link.record_label} there in a browser "
            "that is connected to crmlink."
        )
    elif link.state is LinkState.INTENDED:
        click.echo(
            "Saved, but not finished: Commusoft isn't answering. crmlink serve will finish it when "
            "Commusoft answers. Until then, nothing else can be decided for this record."
        )
    elif link.undoes_id:
        now = f"its earlier reference {link.target} back" if link.target else "no reference now"
        click.echo(f"Undone: {link.record_label} has {now}.")
    else:
        click.echo(f"Linked: {link.record_label} ({link.record_id}) now has {link.target}.")
        click.echo(f"Checked in Commusoft. To undo: crmlink undo {link.id}")
