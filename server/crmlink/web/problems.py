"""Problems: which one an error is, and its sentence with what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from crmlink.access.errors import AccessError
from crmlink.accounting.errors import InvalidHost, InvalidReference, UnknownPackage
from crmlink.accounting.exports.errors import ExportError
from crmlink.batches.execute_row import load_params
from crmlink.commusoft.errors import CommusoftBusy, CommusoftError, RecordNotFound
from crmlink.linking.errors import LinkFailed, LinkingError
from crmlink.sources.errors import SourceError
from crmlink.store import Link, LinkMethod, LinkState
from crmlink.store.quotas import QuotaReached
from crmlink.store.unavailable import Unavailable
from crmlink.values.moments import format_moment
from crmlink.web.connection_words import replaced_in_words
from crmlink.web.problem_texts import PROBLEMS
from crmlink.web.problem_texts.commusoft import CAUSES, OUTCOME_OPEN
from crmlink.web.problem_texts.links import UNDO_OBSTACLES
from crmlink.web.problem_texts.lists import BATCH_STATE_LABELS
from crmlink.web.problem_texts.requests import LIMITS

TYPE_PREFIX = "urn:crmlink:problem:"


# Errors with a sentence of their own.
WITH_OWN_SENTENCE: dict[type[Exception], str] = {
    InvalidReference: "reference-malformed",
    ExportError: "export-refused",
    InvalidHost: "host-refused",
    QuotaReached: "limit-reached",
}


DATABASE_PROBLEMS = {
    Unavailable.AWAY: "database-unavailable",
    Unavailable.FULL: "database-full",
}
RETRY_SECONDS = 30.0  # after which a database that was away is asked again


@dataclass(frozen=True)
class Problem:
    """A problem as in RFC 9457: ``code`` ends its type, ``facts`` are its own members."""

    code: str
    detail: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """HTTP status."""
        return PROBLEMS[self.code][0]

    @property
    def title(self) -> str:
        """Title of the type."""
        return PROBLEMS[self.code][1]


def problem(code: str, **facts: Any) -> Problem:
    """Return a problem with its sentence; parameters the sentence does not use stay facts."""
    return Problem(code, PROBLEMS[code][2].format(**_render_params(facts)), facts)


def problem_from_error(error: Exception) -> Problem:
    """Return the problem of an exception; an unknown one is an internal error."""
    match error:
        case LinkFailed(link=link):
            return problem(**{"code": "internal-error"} | (link.failure or {}), link=link)
        case (
            LinkingError(code=code, facts=facts)
            | AccessError(code=code, facts=facts)
            | SourceError(code=code, facts=facts)
        ):
            return problem(code, **facts)
        case InvalidReference() | ExportError() | InvalidHost() | QuotaReached():
            return problem(WITH_OWN_SENTENCE[type(error)], sentence=_sentence(error))
        case UnknownPackage():
            return problem("package-unknown")
        case RecordNotFound():
            return problem("record-gone")
        case CommusoftBusy(retry_after=seconds):
            return problem("commusoft-busy", retry_after=seconds)
        case CommusoftError():
            return problem(error.code)
        case _:
            return problem("internal-error")


def database_problem(cause: Unavailable) -> Problem:
    """Return the problem of a database that cannot be used."""
    return problem(DATABASE_PROBLEMS[cause], retry_after=RETRY_SECONDS)


def problem_from_stored(failure: Mapping[str, Any]) -> Problem:
    """Return the problem stored as a batch row's failure."""
    facts = load_params(failure)
    code = facts.pop("code", "internal-error")
    return problem(code if code in PROBLEMS else "internal-error", **facts)


def problem_from_link(link: Link) -> Problem | None:
    """Return a link's problem; for one without an outcome, only that fact."""
    if not link.failure:
        return None
    found = problem(**link.failure)
    if link.state is not LinkState.INTENDED or link.method is LinkMethod.PAGES:
        return found
    return replace(found, detail=f"{CAUSES.get(found.code, '')} {OUTCOME_OPEN}".strip())


def trouble(code: str) -> Problem:
    """Return a present obstacle, such as an outage of Commusoft, not tied to one request."""
    found = problem(code if code in PROBLEMS else "internal-error")
    return replace(found, detail=CAUSES.get(found.code, found.detail))


def _sentence(error: Exception) -> str:
    if isinstance(error, QuotaReached):
        return LIMITS[error.quota].format(most=error.most)
    return str(error)


def _render_params(facts: dict[str, Any]) -> dict[str, Any]:
    words = dict.fromkeys(("by", "since", "current_reference"), None) | facts
    since = words["since"]
    if isinstance(since, datetime):
        words["since"] = format_moment(since)
    if "record" in facts:
        words["record"] = facts["record"].label
    if "holders" in facts:
        words["holders"] = " and ".join(row.label for row in facts["holders"])
    words["whom"] = f" ({words['by']}, {words['since']})" if words["by"] else ""
    words["by"] = words["by"] or "Someone"
    if "contents" in facts:
        words["replaced"] = " ".join(replaced_in_words(facts["contents"]))
    if "left_out" in facts:
        words["lines"] = facts["left_out"] + facts["contacts"]
    words["batch_state"] = BATCH_STATE_LABELS.get(str(words.get("state")), "not ready")
    words["decision"] = _decision(words)
    words.setdefault("record", "the chosen record")
    words.setdefault("waits_on", "this record")
    current = words["current_reference"]
    if "errors" in facts:
        words["errors"] = " ".join(facts["errors"])
    words["present"] = (
        f"the reference in Commusoft is now {current or 'empty'}"
        if "current_reference" in facts
        else f"the record has been linked again since{words['whom']}"
        if facts.get("by")
        else "the earlier reference was erased with the personal data of its contact"
        if facts.get("erased")
        else UNDO_OBSTACLES.get(str(facts.get("obstacle")), "it was changed since")
    )
    words["current_reference"] = current or "nothing"
    return words


def _decision(words: Mapping[str, Any]) -> str:
    match words.get("choice"):
        case "record":
            return f": {words['record']}" if "record" in words else ": a record was chosen"
        case "none":
            return ": not in Commusoft"
        case _:
            return ""
