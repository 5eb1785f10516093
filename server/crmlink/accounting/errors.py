"""Errors of the accounting room; each message is a sentence for users."""


class AccountingError(Exception):
    """Base class of accounting errors."""


class InvalidRules(AccountingError):
    """The rule file is invalid; the message names the place."""


class UnknownPackage(AccountingError):
    """No accounting package has this id."""

    def __init__(self, package: str) -> None:
        super().__init__(f"crmlink doesn't support accounting software called “{package}”.")
        self.package = package


class InvalidReference(AccountingError):
    """The text cannot be a reference of this package; `expected` describes a valid one."""

    def __init__(self, package: str, reference: str, expected: str) -> None:
        super().__init__(f"“{reference}” isn't a valid reference. It should be {expected}.")
        self.package = package
        self.reference = reference
        self.expected = expected


class InvalidHost(AccountingError):
    """An administrator's host cannot be added; the message gives the reason."""
