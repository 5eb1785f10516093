"""What the doctor saw at one step: a code with arguments, no words for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.errors import (
    CommusoftBusy,
    CommusoftError,
    CommusoftFault,
    CommusoftRefused,
    CommusoftSlow,
    CommusoftUnreachable,
    CommusoftUnreadable,
    RecordGone,
    WriteRefused,
)

Health = Literal["fine", "note", "failed"]
_FAILURES: Mapping[type[CommusoftError], str] = {
    CommusoftUnreachable: "unreachable",
    CommusoftSlow: "slow",
    CommusoftRefused: "refused",
    CommusoftBusy: "busy",
    CommusoftFault: "fault",
    CommusoftUnreadable: "unreadable",
    RecordGone: "gone",
    WriteRefused: "write-refused",
}


@dataclass(frozen=True, slots=True)
class Step:
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
    return {"failure": _FAILURES.get(type(error), "fault"), "cause": error.cause}
