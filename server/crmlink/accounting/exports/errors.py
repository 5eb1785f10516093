"""Errors of reading an export file."""

from crmlink.accounting.errors import AccountingError
from crmlink.accounting.exports.messages import export_error_text


class ExportError(AccountingError):
    """An export file cannot be read, or not with the given options.

    `messages` renders the text from `code` and `facts`.
    """

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(export_error_text(code, facts))
        self.code = code
        self.facts = facts
