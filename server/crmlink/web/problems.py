"""Problems: the status and sentence of every error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from crmlink.access.errors import AccessFailure
from crmlink.accounting.errors import InvalidHost, InvalidReference, UnknownPackage
from crmlink.accounting.exports.errors import ExportError
from crmlink.batches.execute_row import load_params
from crmlink.commusoft.errors import CommusoftBusy, CommusoftError, RecordNotFound
from crmlink.linking.errors import LinkFailed, LinkingFailure
from crmlink.store import Link, LinkMethod, LinkState
from crmlink.values.moments import format_moment
from crmlink.web.connection_words import replaced_in_words

TYPE = "urn:crmlink:problem:"
WAIT = "Nothing was written. Try again in a minute."
OPEN = "It is not known yet whether the change was made; crmlink finishes it automatically."

# Causes at Commusoft, independent of the request.
CAUSES = {
    "commusoft-refused": "Commusoft does not accept crmlink's credentials.",
    "commusoft-unreadable": "Commusoft answered with something that is not a record.",
    "commusoft-fault": "Commusoft reported a fault.",
    "commusoft-unreachable": "Commusoft cannot be reached at the moment.",
    "commusoft-busy": "Commusoft asks us to wait.",
    "commusoft-slow": "Commusoft did not answer in time.",
}

UNDO_OBSTACLES = {
    "undone": "it was undone already",
    "intended": "its outcome is not known yet",
    "failed": "it changed nothing",
    "conflict": "it ended in a conflict, so look at the record in Commusoft",
    "undo": "it is an undo itself; link the contact again instead",
    "unchanged": "the record had this reference before",
    "gone": "its record is not in Commusoft any more",
}


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


BATCH_WORDS = {
    "importing": "being read", "draft": "a draft", "matching": "being matched",
    "review": "under review", "writing": "being linked", "paused": "paused", "done": "finished",
    "cancelled": "cancelled", "undoing": "being undone", "undone": "undone",
}  # fmt: skip

# code → HTTP status, title, sentence
PROBLEMS: dict[str, tuple[int, str, str]] = {
    "malformed-request": (
        400,
        "Request not understood",
        "The request cannot be read; a body must be one JSON object.",
    ),
    "form-expired": (
        400,
        "The page was too old",
        "Nothing was changed: the page was opened before you signed in, or on another site. "
        "Reload it and try again.",
    ),
    "pairing-pending": (400, "Not approved yet", "This browser has not been approved yet."),
    "pairing-hasty": (400, "Too soon", "Ask again a little later."),
    "pairing-denied": (400, "Not approved", "This browser was not approved."),
    "pairing-over": (
        400,
        "The code has expired",
        "This code has expired: it was used already, or 10 minutes have passed. Select Connect "
        "again for a new one.",
    ),
    "grant-malformed": (
        400,
        "Request not understood",
        "The request's form lacks something, or asks for something that is not offered.",
    ),
    "grant-refused": (
        400,
        "Not connected",
        "crmlink does not know this browser's connection. Connect it again.",
    ),
    "device-revoked": (
        400,
        "Disconnected in crmlink",
        "This browser was disconnected. Connect it again, or ask your admin.",
    ),
    "device-expired": (
        400,
        "Connection expired",
        "This browser was not used for a long time, so its connection has expired. Connect it "
        "again.",
    ),
    "proof-missing": (
        400,
        "The extension has to be updated",
        "This browser's crmlink extension is too old for this server. Update it, then connect "
        "this browser again. Nothing is lost.",
    ),
    "proof-refused": (
        400,
        "Not connected",
        "This browser did not prove that it is the one that was connected. Connect it again.",
    ),
    "proof-elsewhere": (
        400,
        "Another address",
        "crmlink was asked at another address than it knows itself by, so it trusts no browser "
        "there. Tell your admin: the proxy in front of crmlink has to pass the address on.",
    ),
    "proof-nonce": (400, "Once more", "Send the same again, with the nonce that came with this."),
    "token-reused": (
        400,
        "Disconnected for safety",
        "The connection of this browser was used from somewhere else too, so crmlink ended it. "
        "Tell your admin, then connect it again.",
    ),
    "idempotency-key-missing": (
        400,
        "Idempotency-Key missing",
        "Send an Idempotency-Key header, so that a repeated request is carried out only once.",
    ),
    "token-refused": (
        401,
        "Not connected",
        "This browser or script is not connected. Connect it again, or use a valid token.",
    ),
    "log-in-refused": (
        401,
        "Not signed in",
        "Wrong email or password. Try again, or ask your admin for a new link.",
    ),
    "sso-refused": (
        400,
        "Single sign-on not completed",
        "The single sign-on was not completed. Try again.",
    ),
    "sso-denied": (
        403,
        "Single sign-on refused",
        "The single sign-on did not let you in. Try again, or use your password.",
    ),
    "sso-unproven": (
        403,
        "Email not proven",
        "The single sign-on does not vouch for your email address. Ask your admin to have it "
        "confirmed, or use your password.",
    ),
    "sso-unknown": (
        403,
        "Not invited",
        "Your email has not been invited here. Ask your admin for an invitation.",
    ),
    "not-yours": (
        403,
        "Not your link",
        "{by} made this link. They can undo it, and so can a manager.",
    ),
    "not-your-list": (
        403,
        "Not your list",
        "{by} collected this list. A token throws only lists away that it collected; people can, "
        "in crmlink under Lists.",
    ),
    "not-your-parked-contact": (
        403,
        "Not your parked contact",
        "{by} parked this contact. A token removes only contacts that it parked; people can, in "
        "crmlink under Parked contacts.",
    ),
    "role-too-low": (403, "Not allowed", "Only an admin can do this."),
    "beyond-token": (
        403,
        "Beyond this token",
        "A token cannot make another with more scopes or a later end than its own, and makes none "
        "anew but itself and what it made. An admin can, in crmlink under Devices.",
    ),
    "person-needed": (
        403,
        "Only a person can do this",
        "A token cannot invite anyone, make one-time links or raise a role. An admin can, in "
        "crmlink under People.",
    ),
    "scope-missing": (
        403,
        "Not allowed",
        "Your role or this token does not allow that: it lacks “{scope}”.",
    ),
    "not-found": (404, "Not found", "There is nothing at this address."),
    "pairing-unknown": (
        404,
        "Code not known",
        "No browser shows this code. Check it letter by letter, or select Connect again.",
    ),
    "record-unknown": (
        404,
        "Record not known",
        "crmlink does not know this Commusoft record. It may be new: an admin can update the "
        "records under Commusoft.",
    ),
    "method-not-allowed": (405, "Not possible here", "This address does not take that method."),
    "other-connection": (
        409,
        "Another account is connected",
        "Another Commusoft account is connected now than the one that this was decided for, so it "
        "was not carried out. Check it: the same number may be another record there.",
    ),
    "record-has-reference": (
        409,
        "The record has another reference",
        "{record} already has the reference {current_reference} in Commusoft{whom}. "
        "Nothing was changed.",
    ),
    "reference-taken": (
        409,
        "The reference is on another record",
        "{holders} already has this reference in Commusoft. Nothing was changed.",
    ),
    "kind-differs": (
        409,
        "Customer or supplier?",
        "The contact is a {contact_kind}, but {record} is a {record_kind} in Commusoft. "
        "Nothing was changed.",
    ),
    "reference-not-shown": (
        409,
        "Commusoft does not show the reference",
        "Commusoft does not tell crmlink whether {record} already has a reference. Look at the "
        "record in Commusoft first; nothing was changed.",
    ),
    "record-changed": (
        409,
        "The reference changed in Commusoft",
        "The reference in Commusoft is {current_reference}: neither the earlier one nor the new "
        "one, so crmlink stopped. Check the record before you decide again.",
    ),
    "link-in-progress": (
        409,
        "A link is in progress",
        "{by} started linking this contact or this record at {since}. Check again in a moment.",
    ),
    "link-waits-on-page": (
        409,
        "A link waits to be saved",
        "{by} decided at {since} what reference {waits_on} gets, and it is not saved on "
        "Commusoft's page yet. Save it there, or withdraw it.",
    ),
    "not-on-page": (
        409,
        "Not written on the page",
        "This link is written by Commusoft's API, so what a page shows does not end it.",
    ),
    "pages-alone": (
        409,
        "There is no API",
        "This account is connected without an API, so references are written on Commusoft's pages.",
    ),
    "not-seen-yet": (
        409,
        "Not seen on the page yet",
        "Commusoft's page still shows what was there before. crmlink looks again when the page is "
        "opened next.",
    ),
    "withdrawn": (
        409,
        "Withdrawn",
        "This was withdrawn before it was saved on Commusoft's page.",
    ),
    "withdrawn-unseen": (
        409,
        "Withdrawn without a look",
        "This was withdrawn without a look at Commusoft's page. Check the record there: it may "
        "have been saved all the same.",
    ),
    "commusoft-no-api": (
        409,
        "There is no API",
        "This account is connected without an API. Nothing can be read or written there by crmlink "
        "itself.",
    ),
    "record-being-tested": (
        409,
        "The record is being tested",
        "crmlink has been testing since {since} how this record is written, as {by} asked. Check "
        "again in a few minutes; Commusoft's page here shows how far it is.",
    ),
    "cannot-undo": (
        409,
        "Cannot be undone",
        "This link cannot be undone: {present}. Nothing was changed.",
    ),
    "batch-state": (
        409,
        "Not possible now",
        "The list is {batch_state}, so this cannot be done now. Refresh the page.",
    ),
    "batch-written": (
        409,
        "The list is kept",
        "Something of this list was written to Commusoft, so crmlink keeps it.",
    ),
    "row-decided": (
        409,
        "Already decided",
        "{by} has already decided this one{decision}. Check it before you change that.",
    ),
    "row-under-way": (
        409,
        "Already in progress",
        "This contact is being linked, or is linked already. To change it, undo its link first.",
    ),
    "record-chosen": (
        409,
        "The record is taken",
        "Already chosen for {contact} on this list. Only one of them can have this record.",
    ),
    "sample-needed": (
        409,
        "Check a sample first",
        "Check a sample first: the list has changed since one was shown.",
    ),
    "count-changed": (
        409,
        "The list has changed",
        "The number of contacts is now {contacts}. Check the summary again.",
    ),
    "connection-ended": (
        409,
        "Commusoft changed",
        "Another Commusoft account was connected, or this one disconnected, while this was under "
        "way. Check before you repeat it.",
    ),
    "connection-not-agreed": (
        409,
        "This replaces what is here",
        "{replaced} Nothing was changed. To go on, agree under Commusoft, Connect your account; or "
        "run at the server: crmlink connect",
    ),
    "nothing-to-link": (409, "Nothing to do", "No contact of this list is ready for that."),
    "email-taken": (409, "Email in use", "A person here has this email already."),
    "last-admin": (
        409,
        "The last admin",
        "There must be an admin. Make another person an admin first.",
    ),
    "invitation-refused": (
        410,
        "The link has expired",
        "This one-time link was used or replaced, or has expired. Ask your admin for a new one.",
    ),
    "reference-erased": (
        410,
        "The contact was erased",
        "This contact was erased, so crmlink keeps no reference that could be written. To link it "
        "after all, open it in the accounting package.",
    ),
    "record-gone": (
        410,
        "The record is gone",
        "This record has been deleted in Commusoft, so its reference cannot be changed.",
    ),
    "too-large": (413, "Too much at once", "The request is larger than crmlink accepts."),
    "unsupported-type": (415, "Send JSON", "Send the request's body as application/json."),
    "misdirected": (
        421,
        "Not crmlink's address",
        "crmlink is not served at this address. Use the one that your admin gave you. For admins: "
        "set CRMLINK_PUBLIC_URL to the address that people type, or name this one in "
        "CRMLINK_ALLOWED_HOSTS, and start crmlink again.",
    ),
    "invalid-fields": (422, "Some fields are not right", "{errors}"),
    "password-weak": (422, "Choose another password", "{reason}"),
    "reference-malformed": (
        422,
        "Not a reference of this software",
        "{sentence}",
    ),
    "package-needed": (
        422,
        "Which accounting software?",
        "Choose the accounting software this list came from.",
    ),
    "export-refused": (422, "The file cannot be taken", "{sentence}"),
    "lines-left-out": (
        409,
        "Many lines would be left out",
        "{left_out:,} of the {lines:,} lines would be left out. Nothing has been saved yet.",
    ),
    "package-unknown": (
        422,
        "Software not known",
        "crmlink does not know this accounting software.",
    ),
    "host-refused": (422, "Not an address to add", "{sentence}"),
    "idempotency-key-reused": (
        422,
        "Idempotency-Key used twice",
        "This Idempotency-Key belongs to another decision. Use a new key for each decision.",
    ),
    "records-from-api": (
        409,
        "Records come from the API",
        "crmlink reads this account's records from Commusoft's API, so none are imported.",
    ),
    "import-key-reused": (
        409,
        "Another import",
        "This import, or this part of it, had other records before. Start a new import.",
    ),
    "too-many-requests": (
        429,
        "Too many requests",
        "Too many attempts. Wait a minute, then try again.",
    ),
    "internal-error": (
        500,
        "Something went wrong in crmlink",
        "crmlink failed unexpectedly. What you asked for may or may not have been done: check "
        "before you repeat it.",
    ),
    "reference-not-kept": (
        502,
        "Commusoft did not keep it",
        "Commusoft accepted the change but does not show it: the record's reference is as it was "
        "before. Make the change in Commusoft by hand.",
    ),
    "write-unanswered": (
        504,
        "Commusoft has not answered yet",
        "Commusoft has not said whether it took the reference. crmlink looks until it is certain, "
        "for some minutes. Until then nothing else can be decided for this record.",
    ),
    "write-refused": (
        502,
        "Commusoft refused the change",
        "Commusoft refused to change this record. Its reference is as it was before.",
    ),
    "commusoft-refused": (
        502,
        "Commusoft does not let us in",
        f"{CAUSES['commusoft-refused']} Nothing was written. An admin can connect it again.",
    ),
    "commusoft-unreadable": (
        502,
        "Commusoft's answer is not readable",
        f"{CAUSES['commusoft-unreadable']} {WAIT}",
    ),
    "commusoft-fault": (502, "Commusoft has a fault", f"{CAUSES['commusoft-fault']} {WAIT}"),
    "commusoft-unreachable": (
        503,
        "Commusoft cannot be reached",
        f"{CAUSES['commusoft-unreachable']} {WAIT}",
    ),
    "commusoft-busy": (503, "Commusoft is busy", f"{CAUSES['commusoft-busy']} {WAIT}"),
    "credentials-missing": (
        503,
        "Commusoft's credentials are missing",
        "This crmlink works with the Commusoft account {client_id} at {base_url}, and its "
        "credentials came from CRMLINK_COMMUSOFT_… variables that are not set now. Set them again, "
        "or run at the server: crmlink disconnect",
    ),
    "sso-unreachable": (
        503,
        "Single sign-on cannot be reached",
        "The single sign-on cannot be reached at the moment. Try again in a minute, or use your "
        "password.",
    ),
    "commusoft-slow": (504, "Commusoft is slow", f"{CAUSES['commusoft-slow']} {WAIT}"),
}


def problem(code: str, **facts: Any) -> Problem:
    """Return a problem with its sentence; parameters the sentence does not use stay facts."""
    return Problem(code, PROBLEMS[code][2].format(**_in_words(facts)), facts)


def problem_of(error: Exception) -> Problem:
    """Return the problem of an exception; an unknown one is an internal error."""
    match error:
        case LinkFailed(link=link):
            return problem(**{"code": "internal-error"} | (link.failure or {}), link=link)
        case LinkingFailure(code=code, facts=facts) | AccessFailure(code=code, facts=facts):
            return problem(code, **facts)
        case InvalidReference():
            return problem("reference-malformed", sentence=str(error))
        case ExportError():
            return problem("export-refused", sentence=str(error))
        case InvalidHost():
            return problem("host-refused", sentence=str(error))
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


def problem_kept(failure: Mapping[str, Any]) -> Problem:
    """Return the problem stored as a batch row's failure."""
    facts = load_params(failure)
    code = facts.pop("code", "internal-error")
    return problem(code if code in PROBLEMS else "internal-error", **facts)


def problem_of_link(link: Link) -> Problem | None:
    """Return a link's problem; for one without an outcome, only that fact."""
    if not link.failure:
        return None
    found = problem(**link.failure)
    if link.state is not LinkState.INTENDED or link.method is LinkMethod.PAGES:
        return found
    return replace(found, detail=f"{CAUSES.get(found.code, '')} {OPEN}".strip())


def trouble(code: str) -> Problem:
    """Return a present obstacle, such as an outage of Commusoft, not tied to one request."""
    found = problem(code if code in PROBLEMS else "internal-error")
    return replace(found, detail=CAUSES.get(found.code, found.detail))


def _in_words(facts: dict[str, Any]) -> dict[str, Any]:
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
    words["batch_state"] = BATCH_WORDS.get(str(words.get("state")), "not ready")
    words["decision"] = _decision(words)
    words.setdefault("record", "the chosen record")
    words.setdefault("waits_on", "this record")
    current = words["current_reference"]
    if "errors" in facts:
        words["errors"] = " ".join(facts["errors"])
    words["present"] = (
        f"Commusoft now holds {current or 'no reference'}"
        if "current_reference" in facts
        else f"the record was linked anew since{words['whom']}"
        if facts.get("by")
        else "what stood there before was erased with the personal data of its contact"
        if facts.get("erased")
        else UNDO_OBSTACLES.get(str(facts.get("obstacle")), "it was changed since")
    )
    words["current_reference"] = current or "nothing"
    return words


def _decision(words: Mapping[str, Any]) -> str:
    match words.get("choice"):
        case "record":
            return f": it is {words['record']}" if "record" in words else ": it has a record"
        case "none":
            return ": no record is its"
        case _:
            return ""
