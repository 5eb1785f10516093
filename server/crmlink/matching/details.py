"""Input and output types of matching; immutable, without logic."""

from collections.abc import Mapping
from dataclasses import dataclass

from crmlink.values import ContactDetails, read_name


def is_retired(details: ContactDetails) -> bool:
    """Return whether it is marked as no longer in use, by its package or in its name."""
    names = (details.person_or_name, details.company_or_name)
    return details.retired or any(read_name(name).retired for name in names)


@dataclass(frozen=True, slots=True)
class Reason:
    """One agreement or difference as a code with arguments; `reason_texts.reason_text` renders it.

    `agrees` is None for a note about other records.
    """

    code: str
    args: Mapping[str, str]
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A record suggested for a contact; `probability` is calibrated, see `decide` for `sure`."""

    record_id: str
    probability: float
    sure: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Suggestions, best first; `none` is the probability that no record is the contact's."""

    items: tuple[Suggestion, ...]
    none: float
