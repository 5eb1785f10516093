"""Column headings: comparison, letters, and unique labels."""

from collections import Counter
from collections.abc import Sequence


def normalise_heading(text: str) -> str:
    """Return a heading's letters and digits, case folded, for comparison."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def column_letter(position: int) -> str:
    """Return a column's letters as in a spreadsheet: 0 is A, 26 is AA."""
    letters = ""
    position += 1
    while position:
        position, index = divmod(position - 1, 26)
        letters = chr(ord("A") + index) + letters
    return letters


def column_index(letters: str) -> int:
    """Return the index of a column from its letters: A is 0, AA is 26."""
    position = 0
    for sign in letters:
        position = position * 26 + ord(sign) - ord("A") + 1
    return position - 1


def unique_labels(headings: Sequence[str]) -> tuple[str, ...]:
    """Return a distinct label for each column: its heading, with its letter where needed."""
    trimmed = [" ".join(heading.split()) for heading in headings]
    used: Counter[str] = Counter()
    labels: dict[str, None] = {}  # in order
    for position, heading in enumerate(trimmed):
        used[normalise_heading(heading)] += 1
        label = heading or f"column {column_letter(position)}"
        if heading and used[normalise_heading(heading)] > 1:
            label = f"{heading} (column {column_letter(position)})"
        while label in labels:
            label = f"{label} (column {column_letter(position)})"
        labels[label] = None
    return tuple(labels)
