"""Options that describe an export file, shared by all commands that read one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crmlink.kinds import KINDS, Kind

if TYPE_CHECKING:
    from crmlink.accounting.exports.model import FormatHints

Command = TypeVar("Command", bound=Callable[..., Any])
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
ENCODINGS = ("utf-8", "cp1252", "utf-16", "mac_roman", "iso8859_14", "cp850")


@dataclass(frozen=True, slots=True)
class FileOptions:
    """Options for a file: its format, and the contacts' kind and columns; None as detected."""

    hints: FormatHints
    kind: Kind | None
    columns: dict[str, list[str]]

    @classmethod
    def of(cls, options: dict[str, Any]) -> FileOptions:
        """Return the options of a command; raises UsageError."""
        from crmlink.accounting.exports.model import FormatHints

        hints = FormatHints(
            package=options.get("package"),
            delimiter=DELIMITERS.get(options["delimiter"] or ""),
            **{name: options[name] for name in ("sheet", "header_line", "encoding")},
        )
        return cls(hints, options["kind"], parse_columns(options["columns"]))


def file_options(command: Command) -> Command:
    """Add the options for a file of a package to a command."""
    package = click.option(
        "--package", help="Which accounting software the file is from, such as sage_50."
    )
    return package(table_options(command))


def table_options(command: Command) -> Command:
    """Add the options for any table to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def parse_columns(given: Iterable[str]) -> dict[str, list[str]]:
    """Return the columns of repeated FIELD=HEADING options, also FIELD=ONE=TWO."""
    columns: dict[str, list[str]] = {}
    for each in given:
        field, equals, headings = each.partition("=")
        if not equals:
            raise click.UsageError(
                f"--column {each}: write it as FIELD=HEADING, such as name=Name."
            )
        columns[field.strip()] = [heading for heading in headings.split("=") if heading.strip()]
    return columns


_OPTIONS = (
    click.option(
        "--kind", type=click.Choice(KINDS), help="Whether they are customers or suppliers."
    ),
    click.option("--sheet", help="Which sheet of the workbook to read."),
    click.option(
        "--header-line", type=click.IntRange(0), help="Which line has the headings; 0 if none does."
    ),
    click.option("--encoding", type=click.Choice(ENCODINGS), help="The text file's encoding."),
    click.option(
        "--delimiter", type=click.Choice(list(DELIMITERS)), help="What separates its columns."
    ),
    click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="FIELD=HEADING",
        help="Which column to use for a field; for several columns: phones=Phone=Mobile.",
    ),
)
