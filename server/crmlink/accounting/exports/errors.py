"""Why an export file is refused."""

from crmlink.accounting.errors import AccountingError
from crmlink.accounting.exports.messages import export_error_text


class ExportError(AccountingError):
    """An export file cannot be read, or not as it was asked; the text says why.

    `code` and `facts` are what `messages` made the text of.
    """

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(export_error_text(code, facts))
        self.code = code
        self.facts = facts
