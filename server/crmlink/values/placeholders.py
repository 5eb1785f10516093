"""Placeholders typed into a field for lack of a value: *n/a*, *-*, *TBC*, *Main Contact*."""

import re

PHRASES = frozenset(
    phrase
    for line in (
        "n/a|n.a.|n.a|na|n\\a|n / a|none|nil|null|tbc|tba|tbd|t.b.c.|unknown|not known|not given",
        "not provided|not applicable|not available|not supplied|not set|not entered|no email",
        "no e-mail|no email address|no phone|no tel|no mobile|no address|no number|no contact",
        "no name|no postcode|xx|xxx|xxxx|ex-directory|ex directory|x directory|blank|empty",
        "undefined|to be confirmed|to be advised|see notes|see above|as above|same as above|ditto",
    )
    for phrase in line.split("|")
)
# Written by packages where no contact person was entered.
PERSONS = frozenset(("main contact", "primary contact", "main", "accounts contact", "the owner"))
_NO_LETTERS = re.compile(r"[\W_]*")
_AROUND = " \t\r\n\u00a0()[]<>{}*\"'"


def is_placeholder(text: str, *, person: bool = False) -> bool:
    """Return whether the text is a placeholder.

    With `person`, also whether it is a package's word for an unnamed contact person.
    """
    if _NO_LETTERS.fullmatch(text):
        return True
    bare = " ".join(text.strip(_AROUND).lower().split()).rstrip(".!")
    return bare in PHRASES or bare + "." in PHRASES or (person and bare in PERSONS)


def without_placeholder(text: str, *, person: bool = False) -> str:
    """Return the text, or an empty one if it is a placeholder."""
    return "" if is_placeholder(text, person=person) else text
