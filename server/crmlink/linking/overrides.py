"""What a person saw and agreed to on top of a choice: the second, separate choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmlink.kinds import Kind
from crmlink.linking.errors import KindMismatch
from crmlink.store import MirroredRecord


@dataclass(frozen=True, slots=True)
class Overrides:
    """Nothing of this is ever assumed.

    ``replaces`` is the other reference on the record, to be replaced; ``also_on`` the ids of the
    records that may keep this reference as well; ``checked_empty`` that the record was looked at
    in Commusoft where its API does not show the field; ``accepts_kind`` that the record is a
    customer and the contact a supplier, or the reverse.
    """

    replaces: str | None = None
    also_on: frozenset[str] = frozenset()
    checked_empty: bool = False
    accepts_kind: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As it is kept in a JSON column; ``from_dict`` reads it."""
        kept = {
            "replaces": self.replaces,
            "also_on": sorted(self.also_on),
            "checked_empty": self.checked_empty,
        }
        return kept | ({"accepts_kind": True} if self.accepts_kind else {})

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any] | None) -> Overrides:
        """What ``as_dict`` gave, now or before a field was known; nothing agreed for None."""
        kept = kept or {}
        return cls(
            replaces=kept.get("replaces"),
            also_on=frozenset(kept.get("also_on", ())),
            checked_empty=bool(kept.get("checked_empty")),
            accepts_kind=bool(kept.get("accepts_kind")),
        )


def require_kind(kind: Kind | None, record: MirroredRecord, overrides: Overrides) -> None:
    """Raise KindMismatch when the record is of the other kind and nobody has agreed to that.

    ``kind`` is what the contact is known, or was said, to be; None where nothing tells.
    """
    if kind and kind != record.kind and not overrides.accepts_kind:
        raise KindMismatch(record=record, contact_kind=kind, record_kind=record.kind)
