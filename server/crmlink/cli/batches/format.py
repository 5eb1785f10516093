"""Texts about whole lists for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crmlink.plurals import counted

if TYPE_CHECKING:
    from crmlink.batches.progress import Overview, Summary
    from crmlink.batches.rows import ReviewRow


def counts_line(found: Overview) -> str:
    """Return a list's counts in one line."""
    counts = found.counts
    parts = [f"{counts.rows} contacts"]
    parts += [f"{number} {verdict.value}" for verdict, number in counts.verdicts.items() if number]
    written = [f"{number} {state.value}" for state, number in counts.states.items()
               if number and state.value != "idle"]  # fmt: skip
    return f"{found.batch.state.value}: {', '.join(parts + written)}"


def progress_line(found: Overview) -> str:
    """Return a list's progress in one line."""
    from crmlink.store import RowState
    from crmlink.web.problems import trouble

    counts, progress = found.counts, found.progress
    how_far = f": {progress.done} of {progress.of} done" if progress.of else ""
    parts = [f"{found.batch.state.value}{how_far}"]
    if failed := counts.states.get(RowState.FAILED, 0):
        parts.append(f"{failed} failed")
    if progress.rate:
        parts.append(f"{60 * progress.rate:.0f} a minute")
    if progress.seconds_left:
        parts.append(f"{duration(progress.seconds_left)} left")
    line = ", ".join(parts)
    if progress.problem:
        line += f". {trouble(progress.problem).detail}"
    return line


def summary_lines(planned: Summary) -> Iterator[str]:
    """Yield what linking would do, and omit."""
    if planned.package_missing:
        yield "Not known yet: which accounting software this list came from."
    yield (
        f"{counted(planned.to_link, 'contact')} would be linked: "
        f"{counted(planned.customers, 'customer')}, {counted(planned.suppliers, 'supplier')}, "
        f"in about {duration(planned.seconds)}."
    )
    for number, words in (
        (planned.replaces, "replacing an existing reference (confirmed)"),
        (planned.also_on, "with the reference also on another record (confirmed)"),
        (planned.other_kind, "to a record of the other kind, customer or supplier (confirmed)"),
        (planned.undecided, "left out: not decided"),
        (planned.conflicts, "of these in conflict"),
        (planned.none, "left out: not in Commusoft"),
        (planned.without_reference, "left out: without a reference yet"),
        (planned.linked_already, "already linked"),
    ):
        if number:
            yield f"  {number:,} {words}"


def row_lines(found: ReviewRow) -> Iterator[str]:
    """Yield a row and its suggestions."""
    from crmlink.matching.reason_texts import confidence, reason_text
    from crmlink.web.problems import problem_from_stored

    row = found.row
    place = _place(row.address, row.town, row.postcode)
    state = "" if row.state.value == "idle" else f" [{row.state.value}]"
    state = (" [no longer in use]" if row.retired else "") + state
    yield f"{row.position}. {row.label} {row.reference} ({row.verdict.value}){state}  {place}"
    if found.twin:
        twin = found.twin
        yield f"     still in use: {twin.position}. {twin.label} {twin.reference}"
    record = found.chosen or (found.offers[0].record if found.offers else None)
    if record is not None:
        suggestion = next(
            (item.suggestion for item in found.offers if item.record.id == record.id), None
        )
        sure = f"  {confidence(suggestion)}" if suggestion else ""
        where = _place(record.address, record.town, record.postcode)
        yield f"     {record.label} ({record.public_id}){sure}  {where}"
        if suggestion:
            yield f"     {'; '.join(reason_text(reason) for reason in suggestion.reasons)}"
    if row.failure:
        yield f"     {problem_from_stored(row.failure).detail}"


def duration(seconds: float) -> str:
    """Return a duration as text."""
    if seconds < 90:
        return f"{round(seconds)} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"


def _place(address: str, town: str, postcode: str) -> str:
    """Return an address in one line; exports often repeat town and postcode in it."""
    return ", ".join([address, *(part for part in (town, postcode) if part not in address)])
