"""What can go wrong in this room, as types. Each one's text is a sentence for a person."""


class AccountingError(Exception):
    """Base of this room's failures."""


class InvalidRules(AccountingError):
    """The rule file cannot be used; the text says where it is wrong."""


class UnknownPackage(AccountingError):
    """No accounting package has this id."""

    def __init__(self, package: str) -> None:
        super().__init__(f"crmlink knows no accounting package called “{package}”.")
        self.package = package


class InvalidReference(AccountingError):
    """The text cannot be a reference of this package; `expected` says what one looks like."""

    def __init__(self, package: str, reference: str, expected: str) -> None:
        super().__init__(f"“{reference}” cannot be the reference. It should be {expected}.")
        self.package = package
        self.reference = reference
        self.expected = expected


class InvalidHost(AccountingError):
    """An administrator's host cannot be added; the text says why."""
