"""What the doctor saw at one step: a code with arguments, no words for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.errors import CommusoftError

Health = Literal["fine", "note", "failed"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One step. `args` holds counts, names of fields and ids: no secret, no record's data.

    The last step of an examination has the code `dialect` and carries what was found, or the code
    `nothing` when nothing was.
    """

    code: str
    health: Health = "fine"
    args: Mapping[str, Any] = field(default_factory=dict)
    dialect: Dialect | None = None


def failure_args(error: CommusoftError) -> dict[str, Any]:
    """How a call failed, for a step's arguments."""
    return {"failure": error.code, "cause": error.cause}
