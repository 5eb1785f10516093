"""Tables that people sort and narrow by plain links, and take away for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from flask import Response, request

from crmlink.csv_safety import escape_formula
from crmlink.values.moments import parse_day

Row = TypeVar("Row")


class _Sortable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Order:
    """By which column a table is sorted; ``text`` is how an address says it, "" for the usual."""

    column: str
    descending: bool = False
    text: str = ""

    def toggled(self, column: str) -> str:
        """Return what the heading of a column leads to: that column, or the other way round."""
        return f"-{column}" if column == self.column and not self.descending else column

    def aria(self, column: str) -> str:
        """Return how a column is sorted, as aria-sort has it."""
        if column != self.column:
            return "none"
        return "descending" if self.descending else "ascending"


def parse_order(columns: Iterable[str], usual: str) -> Order:
    """Return the order that the address asks for; the usual one for anything it cannot mean."""
    asked = request.args.get("sort", "")
    known = asked.removeprefix("-") in set(columns)
    wanted = asked if known else usual
    return Order(wanted.removeprefix("-"), wanted.startswith("-"), asked if known else "")


def sorted_rows(
    rows: Iterable[Row], order: Order, keys: Mapping[str, Callable[[Row], _Sortable]]
) -> list[Row]:
    """Return the rows in this order; rows that are alike keep their places."""
    return sorted(rows, key=keys[order.column], reverse=order.descending)


@dataclass(frozen=True, slots=True)
class Days:
    """The days that an address asks for, both included; ``texts`` are as a person typed them."""

    texts: Mapping[str, str]

    @property
    def since(self) -> date | None:
        """The first day."""
        return parse_day(self.texts["since"])

    @property
    def until(self) -> date | None:
        """The last day."""
        return parse_day(self.texts["until"])

    @property
    def wrong(self) -> list[str]:
        """The names of those that are no days."""
        return [name for name, text in self.texts.items() if text and not parse_day(text)]

    def include(self, moment: datetime | None) -> bool:
        """Return whether a moment is within them, by the local clock; all is, without days."""
        if not (self.since or self.until):
            return True
        if moment is None:
            return False
        day = moment.astimezone().date()
        return (self.since or date.min) <= day <= (self.until or date.max)


def parse_days() -> Days:
    """Return the days in the address."""
    return Days({name: request.args.get(name, "").strip()[:20] for name in ("since", "until")})


def csv_reply(name: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Response:
    """Return a table that a spreadsheet opens as it is, with what it would run made harmless."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(headings)
    writer.writerows([escape_formula(value) for value in row] for row in rows)
    reply = Response(table.getvalue().encode("utf-8-sig"), mimetype="text/csv")
    reply.headers.set("Content-Disposition", "attachment", filename=name)
    return reply
