"""An account without an API: its records have pages, and nothing can be asked or written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection, WebApplication
from crmlink.commusoft.errors import NoApi
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind


class PagesClient(CommusoftClient):
    """Client that knows the addresses of pages; every call raises `NoApi`."""

    has_api = False

    def __init__(self, application: WebApplication) -> None:
        super().__init__(Connection(application.origin, "", "", "", ""))

    def record(self, kind: Kind, number: str, uuid: str | None = None) -> NoReturn:
        """Raise `NoApi`."""
        raise NoApi

    def raw_list(self, kind: Kind, query: Mapping[str, str] | None = None) -> NoReturn:
        """Raise `NoApi`."""
        raise NoApi

    def write_reference(
        self,
        record: Record,
        reference: str | None,
        *,
        before_sending: Callable[[], None] | None = None,
    ) -> NoReturn:
        """Raise `NoApi`."""
        raise NoApi

    def token_shape(self) -> NoReturn:
        """Raise `NoApi`."""
        raise NoApi
