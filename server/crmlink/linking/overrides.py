"""Overrides: the second, explicit choices that a user makes on top of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmlink.kinds import Kind
from crmlink.linking.errors import KindMismatch
from crmlink.store import MirroredRecord


@dataclass(frozen=True, slots=True)
class Overrides:
    """Explicit overrides; none is ever assumed.

    ``replaces`` is the record's other reference, to be replaced; ``also_on`` the ids of records
    that may keep this reference too; ``checked_empty``: the user looked at the record in Commusoft,
    whose API does not show the field; ``accepts_kind``: the record is a customer and the contact a
    supplier, or the reverse.
    """

    replaces: str | None = None
    also_on: frozenset[str] = frozenset()
    checked_empty: bool = False
    accepts_kind: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the form stored in a JSON column; see ``from_dict``."""
        kept = {
            "replaces": self.replaces,
            "also_on": sorted(self.also_on),
            "checked_empty": self.checked_empty,
        }
        return kept | ({"accepts_kind": True} if self.accepts_kind else {})

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any] | None) -> Overrides:
        """Return overrides from their stored form, also an older one; none for None."""
        kept = kept or {}
        return cls(
            replaces=kept.get("replaces"),
            also_on=frozenset(kept.get("also_on", ())),
            checked_empty=bool(kept.get("checked_empty")),
            accepts_kind=bool(kept.get("accepts_kind")),
        )


def require_kind(kind: Kind | None, record: MirroredRecord, overrides: Overrides) -> None:
    """Raise KindMismatch if the record is of the other kind and the user has not accepted it.

    ``kind`` is the contact's known or stated kind; None if unknown.
    """
    if kind and kind != record.kind and not overrides.accepts_kind:
        raise KindMismatch(record=record, contact_kind=kind, record_kind=record.kind)
