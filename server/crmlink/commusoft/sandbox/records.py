"""Record of the sandbox: one customer or supplier, in both shapes of the API."""

from dataclasses import dataclass, field

from crmlink.kinds import Kind


@dataclass(slots=True)
class SandboxRecord:
    """All fields of a record; unknown text is ""."""

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
    # Other fields of the API (a boiler, payment terms), stored so that a test can see a write
    # lose them.
    settings: dict[str, str] = field(default_factory=dict)
    # Invoice address if it differs: line1, line2, town, postcode.
    invoice: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id used by the rest of the project."""
        return f"{self.kind}-{self.number}"

    @property
    def person(self) -> str:
        """First name and surname."""
        return f"{self.first_name} {self.surname}".strip()
