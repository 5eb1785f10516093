"""The client: the whole list of records, one record, and the one write."""

from collections.abc import Iterator

from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import Dialect, dialect_for
from crmlink.commusoft.patience import Patience
from crmlink.commusoft.records import Record
from crmlink.words import Kind


class Commusoft:
    """One Commusoft account; safe to share between threads.

    Every call ends within `patience.total` seconds and raises a `CommusoftError` when it fails.
    """

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.connection = connection
        self.dialect = dialect or dialect_for(connection.base_url)
        self.patience = patience or Patience()
        self.sandbox = False

    def records(self, kind: Kind) -> Iterator[Record]:
        """Every record of `kind`, deleted ones included and flagged."""
        raise NotImplementedError

    def record(self, kind: Kind, number: str, uuid: str | None = None) -> Record:
        """The record as it is now; `RecordGone` when it does not exist or is deleted."""
        raise NotImplementedError

    def write_reference(self, record: Record, reference: str | None) -> None:
        """Put `reference` (None clears it) on `record`: one request, never tried again in here.

        Returns when Commusoft said yes, which is not yet proof: read the record again.
        """
        raise NotImplementedError

    def page_url(self, kind: Kind, number: str) -> str:
        """The record's page in Commusoft's web application."""
        raise NotImplementedError
