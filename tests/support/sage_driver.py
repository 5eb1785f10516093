"""Sage 50's ODBC driver, played by SQLite: its ledgers, its columns, and what it was asked."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

SALES = ("ACCOUNT_REF", "NAME", "CONTACT_NAME", "ADDRESS_1", "ADDRESS_2", "ADDRESS_3",
         "ADDRESS_4", "ADDRESS_5", "TELEPHONE", "TELEPHONE_2", "E_MAIL", "E_MAIL_2",
         "BALANCE", "RECORD_DELETED", "INACTIVE_ACCOUNT")  # fmt: skip


class DriverError(Exception):
    """As pyodbc's: the state first, then a text with the connection's settings."""


@dataclass
class SageDriver:
    """The driver; ``connect`` is what pyodbc offers."""

    columns: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {"SALES_LEDGER": SALES, "PURCHASE_LEDGER": SALES}
    )
    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)  # connection strings
    statements: list[str] = field(default_factory=list)
    open: int = 0
    refuses: bool = False

    def add(self, reference: str, ledger: str = "SALES_LEDGER", **more: Any) -> None:
        """Add an account to a ledger."""
        self.rows.append((ledger, {"ACCOUNT_REF": reference, "NAME": f"Name {reference}"} | more))

    def connect(self, string: str = "", **_: Any) -> _Connection:
        """Return a connection to the ledgers as they are now."""
        self.strings.append(string)
        if self.refuses:
            raise DriverError("28000", f"login failed: {string}")
        database = sqlite3.connect(":memory:")
        for ledger, columns in self.columns.items():
            database.execute(f"CREATE TABLE {ledger} ({', '.join(columns)})")
        for ledger, row in self.rows:
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            statement = f"INSERT INTO {ledger} ({names}) VALUES ({marks})"  # noqa: S608 # a test's
            database.execute(statement, [*row.values()])
        database.execute("PRAGMA query_only = ON")
        self.open += 1
        return _Connection(self, database)

    def module(self) -> ModuleType:
        """It as the module pyodbc."""
        module = ModuleType("pyodbc")
        module.__dict__.update(SimpleNamespace(connect=self.connect, Error=DriverError).__dict__)
        return module


class _Connection:
    def __init__(self, driver: SageDriver, database: sqlite3.Connection) -> None:
        self._driver, self._database = driver, database
        database.set_trace_callback(driver.statements.append)

    def cursor(self) -> sqlite3.Cursor:
        """Return a cursor of PEP 249."""
        return self._database.cursor()

    def close(self) -> None:
        """Close it, once."""
        self._driver.open -= 1
        self._database.close()
