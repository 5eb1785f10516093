"""One customer or supplier inside the sandbox, under both shapes of the API."""

from dataclasses import dataclass, field

from crmlink.kinds import Kind


@dataclass(slots=True)
class SandboxRecord:
    """What the sandbox knows of a record; text that is not known is ""."""

    kind: Kind
    number: str
    uuid: str
    created: str
    title: str = ""
    first_name: str = ""
    surname: str = ""
    company: str = ""
    email: str = ""
    telephone: str = ""
    mobile: str = ""
    line1: str = ""
    line2: str = ""
    line3: str = ""
    town: str = ""
    county: str = ""
    postcode: str = ""
    account_number: str = ""
    reference: str = ""
    deleted: bool = False
    position: str = ""
    updated: str = ""
    # What the API holds besides (a boiler, payment terms): kept so that a write that loses
    # something can be seen to lose it.
    settings: dict[str, str] = field(default_factory=dict)
    # Where the invoice goes, when that is another place: line1, line2, town, postcode.
    invoice: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same id that the rest of the project uses."""
        return f"{self.kind}-{self.number}"

    @property
    def person(self) -> str:
        """First name and surname."""
        return f"{self.first_name} {self.surname}".strip()
