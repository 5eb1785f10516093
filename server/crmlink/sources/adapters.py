"""What an adapter of a package does, and which one a package has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from crmlink.sources import freeagent, kashflow, quickbooks_online, sage_accounting, xero
from crmlink.sources.api import Api
from crmlink.sources.contact import Company, ContactPage, Position


class Adapter(Protocol):
    """Reading one package; no state, so that a list can go on in another process."""

    def companies(self, api: Api, answer: Mapping[str, str]) -> list[Company]:
        """Return the companies that a sign-in reaches; ``answer`` came with its code."""
        ...

    def first_position(self, since: datetime | None) -> Position:
        """Return where a list begins: of all contacts, or of those changed since a time."""
        ...

    def page(self, api: Api, tenant: str, position: Position) -> ContactPage:
        """Return one page of a list. Raises SourceError."""
        ...

    def disconnect(self, api: Api, handle: str) -> bool:
        """End the access at the package; returns False if only a revoked token can."""
        ...


ADAPTERS: Mapping[str, Adapter] = {
    "xero": xero.Xero(),
    "freeagent": freeagent.FreeAgent(),
    "sage_business_cloud": sage_accounting.SageAccounting(),
    "quickbooks_online": quickbooks_online.QuickBooksOnline(),
    "kashflow": kashflow.KashFlow(),
}
