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
WAIT = "Nothing was saved. Try again in a minute."
OPEN = "We don't know yet whether the change was made; crmlink will finish it automatically."

# Causes at Commusoft, independent of the request.
CAUSES = {
    "commusoft-refused": "Commusoft doesn't accept crmlink's credentials.",
    "commusoft-unreadable": "Commusoft sent an answer we couldn't read.",
    "commusoft-fault": "Commusoft reported an error.",
    "commusoft-unreachable": "We can't reach Commusoft at the moment.",
    "commusoft-busy": "Commusoft is busy.",
    "commusoft-slow": "Commusoft didn't answer in time.",
}

UNDO_OBSTACLES = {
    "undone": "it was already undone",
    "intended": "we don't know its outcome yet",
    "failed": "it changed nothing",
    "conflict": "it ended in a conflict, so check the record in Commusoft",
    "undo": "it is itself an undo; link the contact again instead",
    "unchanged": "the record had this reference before",
    "gone": "the customer or supplier was deleted in Commusoft",
}


# Errors whose own text is the sentence.
WITH_OWN_SENTENCE: dict[type[Exception], str] = {
    InvalidReference: "reference-malformed",
    ExportError: "export-refused",
    InvalidHost: "host-refused",
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
    "filling": "being filled in on Commusoft's page",
    "reverting": "being put back on Commusoft's page",
}  # fmt: skip

# code → HTTP status, title, sentence
PROBLEMS: dict[str, tuple[int, str, str]] = {
    "malformed-request": (
        400,
        "Request not understood",
        "The request can't be read; its body must be one JSON object.",
    ),
    "form-expired": (
        400,
        "The page was too old",
        "Nothing was changed: the page was opened before you signed in, or on another site. "
        "Reload it and try again.",
    ),
    "pairing-pending": (400, "Not approved yet", "This browser has not been approved yet."),
    "pairing-hasty": (400, "Too soon", "Try again a little later."),
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
        "The request is missing something, or asks for something crmlink doesn't offer.",
    ),
    "grant-refused": (
        400,
        "Not connected",
        "crmlink doesn't recognise this browser's connection. Connect it again.",
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
        "We couldn't check that this is the browser that was connected. Connect it again.",
    ),
    "proof-elsewhere": (
        400,
        "Another address",
        "crmlink doesn't know the address it was reached at, so it can't trust this browser. Tell "
        "your admin: the proxy in front of crmlink must pass on the address.",
    ),
    "proof-nonce": (400, "Send it again", "Send this again with the nonce in this answer."),
    "token-reused": (
        400,
        "Disconnected for safety",
        "The connection of this browser was used from somewhere else too, so crmlink ended it. "
        "Tell your admin, then connect it again.",
    ),
    "idempotency-key-missing": (
        400,
        "Idempotency-Key missing",
        "Send an Idempotency-Key header, so that a repeated request has no further effect.",
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
        "Your single sign-on refused to sign you in. Try again, or use your password.",
    ),
    "sso-unproven": (
        403,
        "Email not proven",
        "Your single sign-on hasn't confirmed your email address. Ask your admin to have it "
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
        "{by} collected this list. A token can only delete lists that it collected. People can "
        "delete it in crmlink, under Lists.",
    ),
    "not-your-parked-contact": (
        403,
        "Not your parked contact",
        "{by} parked this contact. A token can only remove contacts that it parked. People can "
        "remove it in crmlink, under Parked contacts.",
    ),
    "role-too-low": (403, "Not allowed", "Only an admin can do this."),
    "beyond-token": (
        403,
        "Beyond this token",
        "A token can't create one with more scopes or a later expiry than its own, and can only "
        "replace itself and tokens it created. An admin can, in crmlink under Devices.",
    ),
    "person-needed": (
        403,
        "Only a person can do this",
        "A token can't invite anyone, create one-time links or raise a role. An admin can, in "
        "crmlink under People.",
    ),
    "scope-missing": (
        403,
        "Not allowed",
        "Your role or this token doesn't allow this; it needs “{scope}”.",
    ),
    "not-found": (404, "Not found", "There is nothing at this address."),
    "pairing-unknown": (
        404,
        "Code not recognised",
        "No browser is showing this code. Check each letter, or select Connect again.",
    ),
    "record-unknown": (
        404,
        "Record not known",
        "crmlink doesn't know this Commusoft record. It may be new: an admin can update the "
        "records under Commusoft.",
    ),
    "method-not-allowed": (405, "Not possible here", "This address doesn't allow that method."),
    "other-connection": (
        409,
        "Another account is connected",
        "crmlink now uses a different Commusoft account from the one this was decided for, so "
        "nothing was changed. Check it: the same number may be someone else there.",
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
        "Commusoft doesn't show us whether {record} already has a reference. Check the record in "
        "Commusoft first. Nothing was changed.",
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
    "page-read-earlier": (
        409,
        "Load the page again",
        "This page of Commusoft was opened before crmlink last saw {record}, and shows something "
        "else. Nothing was changed. Load the page again.",
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
        "{by} started a saving test on this record at {since}. Try again in a few minutes; the "
        "Commusoft page in crmlink shows its progress.",
    ),
    "cannot-undo": (
        409,
        "Cannot be undone",
        "This link can't be undone: {present}. Nothing was changed.",
    ),
    "batch-state": (
        409,
        "Not possible now",
        "The list is {batch_state}, so this can't be done now. Refresh the page.",
    ),
    "batch-written": (
        409,
        "The list is kept",
        "Contacts of this list were linked in Commusoft, so it can't be deleted.",
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
        "Another Commusoft account was connected, or this one disconnected, in the meantime. Check "
        "before you repeat it.",
    ),
    "connection-not-agreed": (
        409,
        "This replaces what is here",
        "{replaced} Nothing was changed. To continue, agree under Commusoft, Connect your account, "
        "or run on the server: crmlink connect",
    ),
    "nothing-to-link": (409, "Nothing to do", "No contact on this list is ready for this."),
    "email-taken": (409, "Email in use", "Someone here already has this email."),
    "last-admin": (
        409,
        "The last admin",
        "crmlink needs an admin. Make someone else an admin first.",
    ),
    "invitation-refused": (
        410,
        "The link has expired",
        "This one-time link was used or replaced, or has expired. Ask your admin for a new one.",
    ),
    "reference-erased": (
        410,
        "The contact was erased",
        "This contact was erased, so crmlink no longer has its reference. To link it after all, "
        "open it in your accounting software.",
    ),
    "record-gone": (
        410,
        "The record is gone",
        "This record has been deleted in Commusoft, so its reference cannot be changed.",
    ),
    "too-large": (413, "Too large", "This is larger than crmlink accepts."),
    "unsupported-type": (415, "Send JSON", "Send the request's body as application/json."),
    "misdirected": (
        421,
        "Not crmlink's address",
        "This isn't crmlink's address. Use the one your admin gave you. For admins: set "
        "CRMLINK_PUBLIC_URL to the address people type, or add this one to "
        "CRMLINK_ALLOWED_HOSTS, and restart crmlink.",
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
    "export-refused": (422, "The file can't be imported", "{sentence}"),
    "lines-left-out": (
        409,
        "Many lines would be left out",
        "{left_out:,} of the {lines:,} lines would be left out. Nothing has been saved yet.",
    ),
    "package-unknown": (
        422,
        "Software not supported",
        "crmlink doesn't support this accounting software.",
    ),
    "host-refused": (422, "This address can't be added", "{sentence}"),
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
        "We didn't expect this. What you asked for may or may not have been done: check before you "
        "repeat it.",
    ),
    "reference-not-kept": (
        502,
        "Commusoft did not keep it",
        "Commusoft accepted the change but doesn't show it: the record's reference is as it was "
        "before. Enter the reference in Commusoft yourself.",
    ),
    "write-unanswered": (
        504,
        "Commusoft has not answered yet",
        "Commusoft hasn't said whether it saved the reference. crmlink keeps checking for a few "
        "minutes. Until then, nothing else can be decided for this record.",
    ),
    "write-refused": (
        502,
        "Commusoft refused the change",
        "Commusoft refused to change this record. Its reference is as it was before.",
    ),
    "commusoft-refused": (
        502,
        "crmlink can't sign in to Commusoft",
        f"{CAUSES['commusoft-refused']} Nothing was saved. An admin can connect it again.",
    ),
    "commusoft-unreadable": (
        502,
        "We couldn't read Commusoft's answer",
        f"{CAUSES['commusoft-unreadable']} {WAIT}",
    ),
    "commusoft-fault": (502, "Commusoft has a problem", f"{CAUSES['commusoft-fault']} {WAIT}"),
    "commusoft-unreachable": (
        503,
        "We can't reach Commusoft",
        f"{CAUSES['commusoft-unreachable']} {WAIT}",
    ),
    "commusoft-busy": (503, "Commusoft is busy", f"{CAUSES['commusoft-busy']} {WAIT}"),
    "credentials-missing": (
        503,
        "Commusoft's credentials are missing",
        "crmlink uses the Commusoft account {client_id} at {base_url}, but the CRMLINK_COMMUSOFT_… "
        "variables with its credentials are no longer set. Set them again, or run on the server: "
        "crmlink disconnect",
    ),
    "sso-unreachable": (
        503,
        "We can't reach the single sign-on",
        "We can't reach the single sign-on at the moment. Try again in a minute, or use your "
        "password.",
    ),
    "commusoft-slow": (504, "Commusoft is taking too long", f"{CAUSES['commusoft-slow']} {WAIT}"),
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
        case InvalidReference() | ExportError() | InvalidHost():
            return problem(WITH_OWN_SENTENCE[type(error)], sentence=str(error))
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
