"""Preferences of the workspace, set by an admin."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.access.errors import InvalidFields
from crmlink.matching.decide import SURE
from crmlink.store import Workspace

MAX_DAYS = 3650
MIN_SURE, MAX_SURE = SURE, 0.99999  # matching's own threshold is the minimum


@dataclass(frozen=True, slots=True)
class Preferences:
    """Preferences; ``keep_…_days`` are retention periods of personal data, 0 for unlimited.

    ``sure_bound`` is the minimum probability of *sure* in whole lists; with its default at most 1
    in 1,000 was wrong on the lists in docs/matching.md.
    """

    pairing_needs_admin: bool = False
    keep_names_days: int = 0  # of contacts and records on settled links
    keep_drafts_days: int = 90  # of abandoned lists
    sure_bound: float = SURE
    packages: tuple[str, ...] = ()  # ids of the accounting packages that the office uses


def format_percent(probability: float) -> str:
    """Return a probability as a percentage, such as 99.8."""
    return f"{100 * probability:.7g}"


def read_preferences(access: AccessContext) -> Preferences:
    """Return the stored preferences, with defaults for missing ones."""
    with access.database.reading() as session:
        kept = session.get_one(Workspace, access.workspace_id).preferences or {}
    known = {field.name for field in fields(Preferences)}
    values = {name: value for name, value in kept.items() if name in known}
    return Preferences(**values | {"packages": tuple(kept.get("packages", ()))})


def save_preferences(access: AccessContext, actor: Actor, preferences: Preferences) -> None:
    """Store the preferences. Raises InvalidFields."""
    errors = [
        f"{name}: Enter a whole number from 0 to {MAX_DAYS}."
        for name in ("keep_names_days", "keep_drafts_days")
        if not 0 <= getattr(preferences, name) <= MAX_DAYS
    ]
    if not MIN_SURE <= preferences.sure_bound <= MAX_SURE:
        errors.append(
            f"sure_bound: Enter a percentage from {format_percent(MIN_SURE)} "
            f"to {format_percent(MAX_SURE)}%."
        )
    if errors:
        raise InvalidFields(errors=errors)
    before, after = asdict(read_preferences(access)), asdict(preferences)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    with access.database.writing() as session:
        session.get_one(Workspace, access.workspace_id).preferences = after
        if changed:
            record_audit(
                session, access, actor, "preferences.changed", "workspace", changed=changed
            )
