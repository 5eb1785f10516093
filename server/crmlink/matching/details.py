"""Input and output types of matching; immutable, without logic."""

from collections.abc import Mapping
from dataclasses import dataclass

from crmlink.kinds import Kind
from crmlink.values import Address, read_name


@dataclass(frozen=True, slots=True)
class Details:
    """Details of a contact or a record; empty text where unknown.

    `name` is the person, `company` the organisation. Values are as entered, possibly several in one
    text; matching parses them. Emails, phones and addresses differ only if all pairs differ.
    `retired` marks one that is kept but no longer used (hidden, archived, deleted).
    """

    kind: Kind | None = None
    name: str = ""
    company: str = ""
    address: str = ""
    town: str = ""
    postcode: str = ""
    email: str = ""
    phones: tuple[str, ...] = ()
    account_number: str = ""
    other_emails: tuple[str, ...] = ()
    other_addresses: tuple[Address, ...] = ()
    retired: bool = False


def is_retired(details: Details) -> bool:
    """Return whether it is marked as no longer in use, by its package or in its name."""
    return details.retired or read_name(details.name).retired or read_name(details.company).retired


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
