"""What goes into matching and what comes out of it: plain immutable things, no work."""

from collections.abc import Mapping
from dataclasses import dataclass

from crmlink.kinds import Kind
from crmlink.values import Address, read_name


@dataclass(frozen=True, slots=True)
class Details:
    """What a contact or a record says about itself; empty text where it says nothing.

    `name` is the person, `company` the organisation. Values are as people wrote them, several in
    one text too: matching reads them itself. Each email, phone and address is compared, and they
    differ only where all do. `retired` says that the package or Commusoft keeps it but does not
    use it any more (hidden, archived, deleted).
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
    """Whether it is marked as no longer in use, by its package or in its name."""
    return details.retired or read_name(details.name).retired or read_name(details.company).retired


@dataclass(frozen=True, slots=True)
class Reason:
    """One agreement or difference, as a code with arguments; `reasons.say` has the words.

    `agrees` is None for a note, which is about the other records and not about this one.
    """

    code: str
    args: Mapping[str, str]
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A record offered for a contact. `probability` is calibrated; `sure` is rare and strict."""

    record_id: str
    probability: float
    sure: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Best first. `none` is the probability that no record is the contact's."""

    items: tuple[Suggestion, ...]
    none: float
