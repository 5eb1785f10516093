"""Headings of columns: how two of them are compared, and a label for every column."""

from collections import Counter
from collections.abc import Sequence


def key(text: str) -> str:
    """What is compared of a heading: its letters and digits, without regard to case."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def letter(position: int) -> str:
    """A column's letters as spreadsheets count: 0 is A, 26 is AA."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def place(letters: str) -> int:
    """The position of a column from its letters: A is 0, AA is 26."""
    position = 0
    for sign in letters:
        position = position * 26 + ord(sign) - ord("A") + 1
    return position - 1


def labels(headings: Sequence[str]) -> tuple[str, ...]:
    """A label for every column, no two alike: its heading, with its letter where that must be."""
    trimmed = [" ".join(heading.split()) for heading in headings]
    seen: Counter[str] = Counter()
    found: list[str] = []
    for position, heading in enumerate(trimmed):
        seen[key(heading)] += 1
        label = heading or f"column {letter(position)}"
        if heading and seen[key(heading)] > 1:
            label = f"{heading} (column {letter(position)})"
        while label in found:
            label = f"{label} (column {letter(position)})"
        found.append(label)
    return tuple(found)
