"""Which faults the sandbox is to play, when, and how often.

`POST /sandbox/faults` adds one, as a JSON object; `GET` lists what is known and what is active, with
how often each struck; `DELETE` takes all away and lets go anyone who is kept waiting. Fields:

| field | meaning |
|---|---|
| `fault` | one of `FAULTS` |
| `method`, `path` | which requests: a method, and a pattern such as `/customers/*` below either shape's prefix (`/getToken` too); all, when left out |
| `after` | let so many matching requests through first |
| `count` | strike so often, then no more; for ever, when left out |
| `share` | strike only this share of the matching requests, drawn from a fixed seed |
| `done` | carry the request out before failing it; `lost` always does |
| `seconds` | how long to wait, or between two bytes |
| `status`, `retry_after` | for `status` |
| `location` | for `redirect` |
| `field` | for `dropped`: the record's field that keeps its old value |
| `size` | for `large`: bytes |
"""  # noqa: E501  # a table row cannot be broken

import dataclasses
import fnmatch
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from crmlink.commusoft.sandbox.shapes import RequestRejected

FAULTS: Mapping[str, str] = {
    "latency": "answers rightly, after a wait",
    "timeout": "does not answer for a long time, then closes the connection",
    "reset": "resets the connection",
    "lost": "carries the request out, then resets the connection: the answer is lost",
    "status": "answers with a status and nothing useful, with Retry-After if one is given",
    "html": "answers 200 with a log-in page",
    "empty": "answers 200 with nothing",
    "truncated": "answers with half of the JSON, as if that were all",
    "broken-off": "closes the connection in the middle of the answer",
    "wrong-type": "answers rightly, but calls it application/octet-stream",
    "stale": "answers with the record as it was before its last write",
    "dropped": "says yes to a write, but one field keeps its old value",
    "large": "answers rightly, then goes on with 50 MB of white space",
    "drip": "answers a byte at a time",
    "drip-headers": "answers a byte at a time, headers and all",
    "redirect": "sends the client elsewhere",
}
_SECONDS = {"latency": 1.0, "timeout": 60.0, "drip": 0.2, "drip-headers": 0.2}


@dataclass(slots=True)
class Fault:
    """One active fault; the fields are explained above."""

    fault: str
    method: str = "*"
    path: str = "*"
    after: int = 0
    count: int | None = None
    share: float = 1.0
    done: bool = False
    seconds: float | None = None
    status: int = 500
    retry_after: str | None = None
    location: str = "https://elsewhere.example/login"
    field: str = "reference"
    size: int = 50 * 1024 * 1024
    struck: int = 0
    matched: int = 0
    released: threading.Event = dataclasses.field(default_factory=threading.Event, repr=False)

    @property
    def pause(self) -> float:
        """Seconds to wait where none are given."""
        return _SECONDS.get(self.fault, 0.0) if self.seconds is None else self.seconds

    def as_dict(self) -> dict[str, Any]:
        """What `GET /sandbox/faults` shows of it."""
        shown = (one.name for one in fields(self) if one.name != "released")
        return {name: getattr(self, name) for name in shown}


_ASKED = {
    one.name: one for one in fields(Fault) if one.name not in ("struck", "released", "matched")
}
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "after": int,
    "count": int,
    "share": (int, float),
    "done": bool,
    "seconds": (int, float),
    "status": int,
    "size": int,
}


def read_fault(document: Mapping[str, Any]) -> Fault:
    """The fault that was asked for. Raises `RequestRejected` with a sentence."""
    for name, value in document.items():
        if name not in _ASKED:
            raise RequestRejected(f"A fault has no {name}; it has {', '.join(_ASKED)}.")
        if not isinstance(value, _TYPES.get(name, str)):
            raise RequestRejected(f"This {name} is of the wrong type.")
    if document.get("fault") not in FAULTS:
        raise RequestRejected(f"fault must be one of {', '.join(FAULTS)}.")
    return Fault(**document)


class FaultRegistry:
    """The active faults; the first that fits a request is played on it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: list[Fault] = []
        self._random = random.Random(1)  # a share of requests, not a key

    def add(self, fault: Fault) -> None:
        """Put one more up."""
        with self._lock:
            self._active.append(fault)

    def clear(self) -> None:
        """Take all away, and let go what they keep waiting."""
        with self._lock:
            for fault in self._active:
                fault.released.set()
            self._active.clear()

    def active(self) -> list[dict[str, Any]]:
        """The active faults, with how often each struck."""
        with self._lock:
            return [fault.as_dict() for fault in self._active]

    def take_match(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if any; it is counted."""
        with self._lock:
            return next((one for one in self._active if self._matches(one, method, path)), None)

    def _matches(self, fault: Fault, method: str, path: str) -> bool:
        if fault.method not in ("*", method) or not fnmatch.fnmatchcase(path, fault.path):
            return False
        fault.matched += 1
        if fault.matched <= fault.after or fault.struck == fault.count:
            return False
        if self._random.random() >= fault.share:
            return False
        fault.struck += 1
        return True
