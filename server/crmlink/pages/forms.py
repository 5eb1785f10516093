"""What somebody typed into a form, and what is wrong with it; and who is told what afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import flash, request

from crmlink.access.errors import AccessFailure, EmailTaken, InvalidFields, WeakPassword
from crmlink.web.problems import problem_of

FIELD_OF: Mapping[type[AccessFailure], str] = {EmailTaken: "email", WeakPassword: "password"}


@dataclass
class Form:
    """The values of a form by field, and a sentence for each that is wrong ("" for the whole)."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def first_error_field(self) -> str | None:
        return next((name for name in self.errors if name), None)

    def add_error(self, failure: AccessFailure, fields: Mapping[str, str] | None = None) -> None:
        """Say at which field a failure belongs; ``fields`` renames them for this form."""
        names = fields or {}
        if isinstance(failure, InvalidFields):
            for sentence in failure.facts.get("errors", []):
                name, _, text = str(sentence).partition(": ")
                self.errors[names.get(name, name)] = text
            return
        name = FIELD_OF.get(type(failure), "")
        self.errors[names.get(name, name)] = problem_of(failure).detail


def sent(*names: str) -> Form:
    """The fields of this request's form, as they were typed."""
    return Form({name: request.form.get(name, "") for name in names})


def is_ticked(name: str) -> bool:
    """Return whether a box of this request's form was ticked."""
    return request.form.get(name) == "yes"


def flash_message(sentence: str, tone: str = "good") -> None:
    """Show a sentence on the next page; ``tone`` is good, caution or stop."""
    flash(sentence, tone)
