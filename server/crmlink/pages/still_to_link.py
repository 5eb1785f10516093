"""/left: shares over time, unlinked records by value, duplicates, unusual references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import render_template, request
from werkzeug.wrappers import Response

from crmlink.kinds import KINDS, Kind, kind_named
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import flash_message
from crmlink.pages.links import page_number
from crmlink.reports.duplicates import (
    contested_records,
    dismiss_duplicate_pair,
    duplicate_pairs,
    shared_references,
)
from crmlink.reports.link_health import MirrorState, mirror_state
from crmlink.reports.live_links import (
    count_new_contacts,
    count_unlinked_contacts,
    sources_read,
)
from crmlink.reports.unlinked import SharePoint, malformed_references, share_history, unlinked
from crmlink.web.auth import (
    current_actor,
    current_installation,
    current_workspace,
    require_permission,
)

SPANS = (30, 90, 365)  # periods of the plot, in days
MAX_ROWS = 50  # of each type of duplicate
WIDTH, HEIGHT = 720, 220  # of the plot, in its own units
LEFT, RIGHT, TOP, BOTTOM = 44, 96, 12, 26  # around the lines
MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Series:
    """One kind's share over time, as drawn; ``y`` is the height of its last point."""

    kind: Kind
    points: str
    y: float
    label_y: float
    last: SharePoint


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: position and label."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Shares over time, ready to be drawn, and as a table."""

    lines: tuple[Series, ...]
    heights: tuple[Tick, ...]
    days: tuple[Tick, ...]
    rows: tuple[tuple[date, dict[Kind, SharePoint]], ...]


@blueprint.get("/left")
@require_permission("read")
def left() -> str:
    """Show the shares over time, and how much is left."""
    days = _days()
    return render_template(
        "reports/still_to_link.html",
        mirror=_mirror(),
        plot=draw(share_history(current_workspace(), days)),
        days=days,
        spans=SPANS,
        size=(WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM),
        left={kind: unlinked(current_workspace(), kind) for kind in KINDS},
        live=_live(),
        **_findings(),
    )


@blueprint.get("/left/<kind>")
@require_permission("read")
def left_unlinked(kind: str) -> str:
    """Show records of a kind without a reference: largest open balance first, then newest."""
    wanted = kind_named(kind) or "customer"
    return render_template(
        "reports/unlinked.html",
        mirror=_mirror(),
        kind=wanted,
        leaf=unlinked(current_workspace(), wanted, page_number()),
    )


@blueprint.post("/left/lookalikes/<pair_id>")
@require_permission("batch")
def dismiss_pair(pair_id: str) -> Response:
    """Mark a suspected duplicate pair as distinct."""
    number = int(pair_id) if pair_id.isascii() and pair_id.isdigit() and len(pair_id) < 10 else 0
    if dismiss_duplicate_pair(current_workspace(), current_actor().device.id, number):
        flash_message("Marked as not duplicates. crmlink won't ask again.")
    return redirect_to("pages.left")


def _live() -> dict[str, int] | None:
    """Return the numbers of live contacts without a record; None if none were read."""
    ctx = current_workspace()
    if not sources_read(ctx):
        return None
    return {"total": count_unlinked_contacts(ctx), "new": count_new_contacts(ctx)}


def _mirror() -> MirrorState:
    return mirror_state(current_workspace(), current_installation().settings.sync_minutes)


def draw(points: Sequence[SharePoint]) -> Plot:
    """Return the lines of shares, and the marks of both axes.

    A single day gives a whole line.
    """
    first, last = points[0].day, points[-1].day
    span = max(1, (last - first).days)

    def x(day: date) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / span

    def y(share: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)

    lines: list[Series] = []
    for kind in KINDS:
        own = [point for point in points if point.kind == kind and point.records]
        if not own:
            continue
        drawn = " ".join(f"{x(point.day):.1f},{y(point.share):.1f}" for point in own)
        end = y(own[-1].share)
        apart = [line.label_y for line in lines if abs(line.label_y - end) < 16]
        lines.append(Series(kind, drawn, end, apart[0] - 16 if apart else end, own[-1]))
    return Plot(
        lines=tuple(lines),
        heights=tuple(Tick(y(share / 4), f"{share * 25}%") for share in range(5)),
        days=tuple(Tick(x(day), _short(day)) for day in _marked(first, last)),
        rows=_table(points),
    )


def _marked(first: date, last: date) -> list[date]:
    span = (last - first).days
    return [first + timedelta(days=round(span * part / 4)) for part in range(5)]


def _short(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def _table(points: Sequence[SharePoint]) -> tuple[tuple[date, dict[Kind, SharePoint]], ...]:
    """Return the days on which something changed, newest first."""
    by_day: dict[date, dict[Kind, SharePoint]] = {}
    for point in points:
        by_day.setdefault(point.day, {})[point.kind] = point
    days = sorted(by_day)
    kept = [
        day
        for index, day in enumerate(days)
        if index in (0, len(days) - 1) or _figures(by_day[day]) != _figures(by_day[days[index - 1]])
    ]
    return tuple((day, by_day[day]) for day in reversed(kept))


def _figures(points: dict[Kind, SharePoint]) -> list[tuple[int, int]]:
    return [(point.records, point.linked) for point in points.values()]


def _days() -> int:
    asked = request.args.get("days", "")
    return int(asked) if asked in {str(span) for span in SPANS} else 90


def _findings() -> dict[str, object]:
    return {
        "twice": shared_references(current_workspace()),
        "rivals": contested_records(current_workspace()),
        "pairs": duplicate_pairs(current_workspace(), MAX_ROWS),
        "malformed": malformed_references(current_workspace()),
        "shown": MAX_ROWS,
    }
