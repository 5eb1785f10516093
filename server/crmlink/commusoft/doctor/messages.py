"""Sentences of the doctor's results for an admin, and a message to Commusoft's support."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmlink.commusoft.doctor.results import CheckResult

Args = Mapping[str, Any]
_FAILURES = {
    "commusoft-unreachable": "no connection",
    "commusoft-slow": "no answer in time",
    "commusoft-refused": "Commusoft refused the credentials or the token",
    "commusoft-busy": "Commusoft is busy",
    "commusoft-fault": "Commusoft reported an error",
    "commusoft-unreadable": "the answer could not be read",
    "record-gone": "there is no such record",
    "write-refused": "Commusoft refused to save it",
    "write-withdrawn": "another process took over, or another account was connected",
    "connection-ended": "another account was connected in the meantime",
    "ignored": "Commusoft accepted it, but nothing changed",
    "none": "neither its number nor its UUID worked",
    "name": "a record looks like customer-1001",
}
_TOKEN_SHAPES = {
    "token": "JSON with token",
    "userToken": "JSON with userToken",
    "text": "plain text",
}


def check_text(step: CheckResult) -> str:
    """Return a result as one sentence or two."""
    return _SENTENCES[step.code](step.args)


def support_message(steps: Iterable[CheckResult]) -> str:
    """Return a message to Commusoft's support: what was tried, seen and is asked.

    Contains no credential, no record and no reference.
    """
    seen = "\n".join(f"- {check_text(step)}" for step in steps if step.code not in _NOT_FOR_SUPPORT)
    return f"""Subject: API: updating the Third-Party Reference of a customer or supplier

Hello,

we use your API to set the Third-Party Reference (Edit > Other details) of customers and suppliers.
This is what we tried and saw:

{seen}

Please tell us:
1. Which base address and application ID should our account use, and does the token go in the header
   X-Auth-Token or in the query parameter token?
2. Which request updates an existing customer, and which a supplier (method, path, form or JSON)?
3. What is the field for the Third-Party Reference called when reading, and when writing?
4. Does an update replace the whole record, or only the fields we send?
5. Is there a limit on the number of calls?

Thank you."""


# A record's id and reference are confidential.
_WITH_RECORD = (
    "write-record",
    "write-not-restored",
    "write-interrupted",
    "write-created",
    "write-busy",
    "write-unsuited",
    "write-unread",
)
_NOT_FOR_SUPPORT = ("sandbox", "dialect", "nothing", "not-written", *_WITH_RECORD)


def _failed(args: Args) -> str:
    cause = f" ({args['cause']})" if args.get("cause") else ""
    return f"{_FAILURES[args['failure']]}{cause}"


def _address(args: Args) -> str:
    return f"Address: {args['host']}{args['path']} (looks like API type {args['shape']})."


def _tls(args: Args) -> str:
    failure = args.get("failure")
    if failure == "not-used":
        return "TLS: not used, because the address is this computer."
    if failure == "certificate":
        return f"TLS: the certificate was not accepted ({args['cause']})."
    if failure:
        return f"TLS: no direct connection ({args['cause']}); there may be a proxy in between."
    days = "" if args["days"] is None else f", the certificate is valid for {args['days']} days"
    return f"TLS: {args['version']}{days}."


def _token(args: Args) -> str:
    if "failure" in args:
        return f"Token: not received, {_failed(args)}."
    return f"Token: received as {_TOKEN_SHAPES[args['shape']]}."


def _list(args: Args) -> str:
    if "failure" in args:
        return f"List of {args['kind']}s: not read, {_failed(args)}."
    place = f"in {args['place']}" if args["place"] else "in a plain array"
    return (
        f"List of {args['kind']}s: {args['count']:,} {place}, {args['deleted']:,} of them deleted,"
        f" read in {args['seconds']} seconds."
    )


def _fields(args: Args) -> str:
    parts = [
        f"{one['field'].replace('_', ' ')} {_share(one['count'], args['of'])} ({one['spelling']})"
        for one in args["filled"]
    ]
    return f"Fields of {args['kind']}s: {', '.join(parts) or 'none filled'}."


def _share(count: int, of: int) -> str:
    return f"{round(100 * count / of)}%" if of else "0%"


def _record(args: Args) -> str:
    if "failure" in args:
        return f"One {args['kind']}: not read, {_failed(args)}."
    name = {"uuid": "UUID", "number": "number"}[args["id"]]
    return f"One {args['kind']}: read by its {name}."


def _references(args: Args) -> str:
    kind = f"{args['kind']}s"
    if args["places"]:
        places = ", ".join(f"{place} ({count:,} filled)" for place, count in args["places"].items())
        return f"References of {kind}: in {places}."
    if args["shown"]:
        return f"References of {kind}: none yet; the empty field is {', '.join(args['shown'])}."
    if args["suspects"]:
        names = ", ".join(f"{place} ({count:,})" for place, count in args["suspects"].items())
        return f"References of {kind}: no known field. Filled fields that could be it: {names}."
    return f"References of {kind}: Commusoft shows no field for them."


def _known_reference(args: Args) -> str:
    if not args["places"]:
        return "The reference that Commusoft's page shows is not in any field of this record."
    return f"The reference that Commusoft's page shows is in {', '.join(args['places'])}."


def _write_record(args: Args) -> str:
    if "failure" in args:
        return f"Saving test: {args['record']} could not be read, {_failed(args)}."
    if not args["shown"]:
        return f"Saving test on {args['record']}, which shows no field for a reference."
    state = "has a reference" if args["has_reference"] else "has no reference"
    return f"Saving test on {args['record']}, which {state}."


_PROOFS = {
    "form": "a trial value was saved, read again and removed, and a field that was not sent stayed",
    "trial": "a trial value was saved, read again and removed",
    "stamp": "the record's time stamp changed, so it was saved",
    "none": "only a trial value or the first link can show whether a changed reference is saved",
}


def _write_kept(args: Args) -> str:
    proof = _PROOFS[args["proof"]]
    return f"Saved as {args['way']} in {args['place']}: nothing else changed; {proof}."


def _write_spoiled(args: Args) -> str:
    return (
        f"Saved as {args['way']} in {args['place']}: this also changed"
        f" {', '.join(args['fields'])}. The test was stopped. Please check the record in Commusoft."
    )


def _write_not_restored(args: Args) -> str:
    if args["way"] == "mapped-form":
        fields = [
            f"{path} (was empty)" if path in args["empty"] else path for path in args["fields"]
        ]
        kept = " crmlink shows the earlier values under Commusoft." if args["kept"] else ""
        return (
            f"Not everything could be restored. Please open {args['record']} in Commusoft and check"
            f" {', '.join(fields)}.{kept}"
        )
    own = f"change it back to {args['reference']}" if args["reference"] else "delete it"
    return (
        f"The trial value could not be removed. Please open {args['record']} in Commusoft,"
        f" Edit > Other details > Third-Party Reference, and {own}."
    )


def _dialect(args: Args) -> str:
    if args["tested"]:
        return f"Works: API type {args['name']}, saving tested on a {args['tested']}."
    return f"Works: API type {args['name']}. Saving was not tested; choose a record to test it on."


_SENTENCES: Mapping[str, Callable[[Args], str]] = {
    "address": _address,
    "tls": _tls,
    "token": _token,
    "sandbox": lambda _: "This is practice data, not Commusoft.",
    "better-address": lambda args: f"The same host answers at {args['url']}: use that address.",
    "token-place": lambda args: f"Token: accepted in the {args['place']}.",
    "list": _list,
    "fields": _fields,
    "record": _record,
    "references": _references,
    "known-reference": _known_reference,
    "write-record": _write_record,
    "write-interrupted": lambda args: (
        f"Saving test on {args['record']} was interrupted: {_failed(args)}."
    ),
    "write-busy": lambda args: (
        f"Nothing was saved on {args['record']}: it is being linked, or tested, right now."
        " Try again in a few minutes."
    ),
    "write-created": lambda args: (
        f"Saved as {args['way']}: there is one more record now. Please check Commusoft for a"
        f" duplicate of {args['record']}."
    ),
    "write-skipped": lambda args: f"Not tried: {args['way']}, which might create a record.",
    "write-needs-trial": lambda args: (
        f"Not tried: {args['way']}, which needs a trial value (--trial)."
    ),
    "write-unsuited": lambda args: (
        f"Not tried: {args['way']}, which cannot be tested on {args['record']}. Choose a customer"
        " with a county or a second address line, and without a title."
    ),
    "write-put-back": lambda args: (
        f"Saving as {args['way']} in {args['place']}: the record changed in"
        f" {', '.join(args['fields'])}. Everything was restored, and this way is not used."
    ),
    "write-unread": lambda args: (
        f"Saving as {args['way']}: {args['record']} could not be read afterwards, {_failed(args)}."
        " crmlink keeps what it held under Commusoft, and restores what changed as soon as"
        " Commusoft answers."
    ),
    "write-tried": lambda args: f"Saving as {args['way']} in {args['place']}: {_failed(args)}.",
    "write-kept": _write_kept,
    "write-spoiled": _write_spoiled,
    "write-not-restored": _write_not_restored,
    "dialect": _dialect,
    "not-written": lambda args: (
        f"We found no way to save a {args['kind']}'s reference. Ask Commusoft's support. Until"
        " then, enter references in Commusoft yourself."
    ),
    "nothing": lambda _: "We found no way to work with this account.",
}
