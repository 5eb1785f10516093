"""Forms: typed values and their errors, and messages for the next page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import flash, request

from crmlink.access.errors import AccessError, EmailTaken, InvalidFields, WeakPassword
from crmlink.store.quotas import QuotaReached
from crmlink.web.problems import problem_from_error

FIELD_OF: Mapping[type[AccessError], str] = {EmailTaken: "email", WeakPassword: "password"}


@dataclass
class Form:
    """Values of a form by field, and an error for each invalid one ("" for the whole form)."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def first_error_field(self) -> str | None:
        """Name of the first invalid field."""
        return next((name for name in self.errors if name), None)

    def add_error(
        self, failure: AccessError | QuotaReached, fields: Mapping[str, str] | None = None
    ) -> None:
        """Add a failure's error to its field; ``fields`` renames fields for this form."""
        names = fields or {}
        if isinstance(failure, InvalidFields):
            for sentence in failure.facts.get("errors", []):
                name, _, text = str(sentence).partition(": ")
                self.errors[names.get(name, name)] = text
            return
        name = FIELD_OF.get(type(failure), "") if isinstance(failure, AccessError) else ""
        self.errors[names.get(name, name)] = problem_from_error(failure).detail


def sent(*names: str) -> Form:
    """Return the fields of this request's form as typed."""
    return Form({name: request.form.get(name, "") for name in names})


def is_ticked(name: str) -> bool:
    """Return whether a checkbox of this request's form was ticked."""
    return request.form.get(name) == "yes"


def number_in(text: str, digits: int = 9) -> int | None:
    """Return a whole number of at most so many digits, as forms and addresses have; else None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def flash_message(sentence: str, tone: str = "good") -> None:
    """Show a sentence on the next page; ``tone`` is good, caution or stop."""
    flash(sentence, tone)
