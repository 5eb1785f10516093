"""Results of the doctor's checks: codes with arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.errors import CommusoftError

Health = Literal["fine", "note", "failed"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one check; `args` has counts, names of fields and ids, no secrets or records.

    The last result has the code `dialect` with what was found, or the code `nothing`.
    """

    code: str
    health: Health = "fine"
    args: Mapping[str, Any] = field(default_factory=dict)
    dialect: Dialect | None = None


def failure_args(error: CommusoftError) -> dict[str, Any]:
    """Return a failed call's arguments for a result."""
    return {"failure": error.code, "cause": error.cause}
