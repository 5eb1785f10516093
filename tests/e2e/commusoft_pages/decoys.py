"""What else a page may hold where a careless program would fill the wrong thing.

The expectation says what may come of filling the reference's field:

| expectation | meaning |
|---|---|
| `fills` | the true field takes the reference, and nothing else on the page changes |
| `refuses` | nothing on the page changes |
| `either` | one of both |
| `not believed` | the page changes what was filled: it must be said, and not be called filled |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Expectation = Literal["fills", "refuses", "either", "not believed"]


@dataclass(frozen=True, slots=True)
class Decoy:
    """One thing that the page holds besides, or instead of, the true field."""

    name: str
    expected: Expectation
    what: str


DECOYS = (
    Decoy("two-fields", "refuses", "a second field with the label"),
    Decoy("hidden-twin", "fills", "a second field with the label, not displayed"),
    Decoy("invisible-twin", "fills", "a second field with the label, invisible"),
    Decoy("see-through-twin", "either", "a second field with the label, fully transparent"),
    Decoy("off-screen-twin", "either", "a second field with the label, off the screen"),
    Decoy("hidden-type-twin", "either", "a second field with the label, of type hidden"),
    Decoy("help-text", "fills", "the label's words in the help of another field"),
    Decoy("reference-2", "fills", "a field whose label goes on with a 2"),
    Decoy("reference-2-only", "refuses", "only a field whose label goes on with a 2"),
    Decoy("longer-label", "fills", "a field whose label has a word before"),
    Decoy("readonly", "refuses", "the field can only be read"),
    Decoy("aria-readonly", "refuses", "the field says that it can only be read"),
    Decoy("disabled", "refuses", "the field is disabled"),
    Decoy("disabled-fieldset", "refuses", "the field's fieldset is disabled"),
    Decoy("select2", "refuses", "a select2 with the label, and its search"),
    Decoy("closed-shadow", "refuses", "the field is in a closed shadow root"),
    Decoy("cross-origin-frame", "refuses", "the field is in a frame of another site"),
    Decoy("far-label", "refuses", "the label is far away from any field"),
    Decoy("number", "refuses", "a field for numbers with the label"),
    Decoy("password", "refuses", "a field for a password with the label"),
    Decoy("checkbox", "refuses", "a box to tick with the label"),
    Decoy("email-type", "refuses", "a field for an email with the label"),
    Decoy("file", "refuses", "a field for a file with the label"),
    Decoy("textarea", "either", "a text of several lines with the label"),
    Decoy("select", "refuses", "a choice with the label"),
    Decoy("contenteditable", "refuses", "a text that can be edited but is no field"),
    Decoy("job-form", "either", "a job's own form below the record, with the label"),
    Decoy("signs-conflict", "either", "the label stands beside one field and names another"),
    Decoy("modal-open", "either", "another record's form over the page"),
    Decoy("modal-only", "refuses", "another record's form alone has the label"),
    Decoy("grid-filter", "either", "a filter in a table whose column has the label"),
    Decoy("grid-filter-only", "refuses", "only a filter in a table whose column has the label"),
    Decoy("placeholder", "either", "a search whose placeholder is the label"),
    Decoy("placeholder-only", "refuses", "only a search whose placeholder is the label"),
    Decoy("max-length", "not believed", "the field takes 10 characters"),
    Decoy("trims", "fills", "the page trims what is typed"),
    Decoy("upper-cases", "not believed", "the page turns what is typed into capitals"),
    Decoy("cuts-off", "not believed", "the page cuts off what is typed"),
    Decoy("clears-on-blur", "not believed", "the page empties the field when it is left"),
    Decoy("puts-back-later", "not believed", "the page empties the field a little later"),
    Decoy("copies", "not believed", "the page copies what is typed to another field"),
    Decoy("replaced-on-focus", "either", "the page puts a new field in the field's place"),
    Decoy("moves-on-input", "not believed", "the page goes to another record while it is filled"),
)
