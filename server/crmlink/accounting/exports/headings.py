"""Headings of columns: how two of them are compared, and a label for every column."""

from collections import Counter
from collections.abc import Sequence


def normalise_heading(text: str) -> str:
    """What is compared of a heading: its letters and digits, without regard to case."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def column_letter(position: int) -> str:
    """A column's letters as spreadsheets count: 0 is A, 26 is AA."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """The position of a column from its letters: A is 0, AA is 26."""
    position = 0
    for sign in letters:
        position = position * 26 + ord(sign) - ord("A") + 1
    return position - 1


def unique_labels(headings: Sequence[str]) -> tuple[str, ...]:
    """A label for every column, no two alike: its heading, with its letter where that must be."""
    trimmed = [" ".join(heading.split()) for heading in headings]
    seen: Counter[str] = Counter()
    found: list[str] = []
    for position, heading in enumerate(trimmed):
        seen[normalise_heading(heading)] += 1
        label = heading or f"column {column_letter(position)}"
        if heading and seen[normalise_heading(heading)] > 1:
            label = f"{heading} (column {column_letter(position)})"
        while label in found:
            label = f"{label} (column {column_letter(position)})"
        found.append(label)
    return tuple(found)
