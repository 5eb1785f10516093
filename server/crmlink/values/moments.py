"""Moments and days as people here read them, whatever language the machine speaks."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime

FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(9999, 12, 29)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_day(day: date) -> str:
    """Return a day such as 29 Nov 2026; an aware moment is taken by the local clock."""
    day = day.astimezone() if isinstance(day, datetime) else day
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def format_moment(moment: datetime) -> str:
    """Return an aware moment by the local clock, such as 29 Nov 2026, 17:45."""
    local = moment.astimezone()
    return f"{format_day(local)}, {local:%H:%M}"


def format_for_table(moment: datetime) -> str:
    """Return an aware moment as spreadsheets here read it: 29/11/2026 17:45, by the local clock."""
    return moment.astimezone().strftime("%d/%m/%Y %H:%M")


def for_time_field(moment: datetime) -> str:
    """Return an aware moment as a form's field for day and time has it, by the local clock."""
    return moment.astimezone().strftime("%Y-%m-%dT%H:%M")


def from_time_field(text: str) -> datetime | None:
    """Return what was entered in a field for day and time, by the local clock; None if unreadable.

    A browser without such a field lets people type, also as they write it: 31/01/2026 17:45.
    """
    text = " ".join(text.replace("T", " ").split())
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y"):
        with suppress(ValueError, OverflowError):
            return datetime.strptime(text, form).astimezone()
    return None


def parse_day(text: str) -> date | None:
    """Return a day as people here write it: 31/01/2026.

    A day before or after all that is kept counts as the first or last one that can be compared.
    """
    with suppress(ValueError):
        return min(max(datetime.strptime(text, "%d/%m/%Y").date(), FIRST_DAY), LAST_DAY)
    return None
