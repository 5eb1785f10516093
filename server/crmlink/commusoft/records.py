"""One Commusoft customer or supplier, as this project knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crmlink.kinds import Kind
from crmlink.values import Address


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read.

    `name` is the person without a title, `address` the lines joined with a comma; text that
    Commusoft does not hold is "". Of several emails and addresses (where the invoice goes, where
    the work is) the record's own ones come first. `reference` is the Third-Party Reference, None
    when empty. `reference_shown` is False when the reply had no field for it at all: then nobody
    can tell what stands there. `raw` is what Commusoft sent, for the write; it is never stored or
    logged, and two records that differ only in it are equal.
    """

    kind: Kind
    number: str
    uuid: str | None
    name: str
    company: str
    email: str
    phones: tuple[str, ...]
    address: str
    town: str
    postcode: str
    account_number: str
    reference: str | None
    deleted: bool
    raw: Mapping[str, Any] = field(compare=False)
    reference_shown: bool = True
    other_emails: tuple[str, ...] = ()
    other_addresses: tuple[Address, ...] = ()

    @property
    def id(self) -> str:
        """The record's id everywhere outside this room, such as `customer-1001`."""
        return f"{self.kind}-{self.number}"

    def __repr__(self) -> str:
        return f"Record({self.id})"
