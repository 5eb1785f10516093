"""Options that describe an export file, shared by all commands that read one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from crmlink.kinds import KINDS, Kind

Command = TypeVar("Command", bound=Callable[..., Any])
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
ENCODINGS = ("utf-8", "cp1252", "utf-16", "mac_roman", "cp850")


@dataclass(frozen=True, slots=True)
class FileOptions:
    """Options for a file; None means as detected."""

    package: str | None
    kind: Kind | None
    sheet: str | None
    header_line: int | None
    encoding: str | None
    delimiter: str | None
    columns: dict[str, list[str]]

    @classmethod
    def of(cls, options: dict[str, Any]) -> FileOptions:
        """Return the options of a command; raises UsageError."""
        names = ("kind", "sheet", "header_line", "encoding")
        return cls(
            **{name: options[name] for name in names},
            package=options.get("package"),
            delimiter=DELIMITERS.get(options["delimiter"] or ""),
            columns=parse_columns(options["columns"]),
        )


def file_options(command: Command) -> Command:
    """Add the options for a file of a package to a command."""
    package = click.option("--package", help="Which package the file is of, such as sage_50.")
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
            raise click.UsageError(f"--column {each}: give it as FIELD=HEADING, such as name=Name.")
        columns[field.strip()] = [heading for heading in headings.split("=") if heading.strip()]
    return columns


_OPTIONS = (
    click.option("--kind", type=click.Choice(KINDS), help="What the file's lines are."),
    click.option("--sheet", help="Which sheet of a workbook."),
    click.option(
        "--header-line", type=click.IntRange(0), help="Where the headings are; 0: nowhere."
    ),
    click.option(
        "--encoding", type=click.Choice(ENCODINGS), help="How a text file's letters are written."
    ),
    click.option(
        "--delimiter", type=click.Choice(list(DELIMITERS)), help="What is between its columns."
    ),
    click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="FIELD=HEADING",
        help="Which column holds what; with several headings: phones=Phone=Mobile.",
    ),
)
