"""Sentences of the doctor's results for an admin, and a message to Commusoft's support."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmlink.commusoft.doctor.results import CheckResult

Args = Mapping[str, Any]
_FAILURES = {
    "commusoft-unreachable": "no connection",
    "commusoft-slow": "no answer in time",
    "commusoft-refused": "the credentials or the token were refused",
    "commusoft-busy": "Commusoft asked to wait",
    "commusoft-fault": "Commusoft answered with a fault",
    "commusoft-unreadable": "the answer was not the API's",
    "record-gone": "there is no such record",
    "write-refused": "the write was refused",
    "write-withdrawn": "another process took over, or another account was connected",
    "connection-ended": "another account was connected meanwhile",
    "ignored": "it was accepted, but nothing changed",
    "none": "neither its number nor its UUID led to it",
    "name": "that is no record's id, which looks like customer-1001",
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

we connect to your API to fill the Third-Party Reference (Edit > Other details) of customers and
suppliers. This is what we tried and saw:

{seen}

Please tell us:
1. Which base address and application id belong to our account, and does the token go in the header
   X-Auth-Token or in the query parameter token?
2. Which request updates an existing customer, and which a supplier (method, path, form or JSON)?
3. What is the field for the Third-Party Reference called, when reading and when writing?
4. Does an update replace the whole record, or only the fields that are sent?
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
)
_NOT_FOR_SUPPORT = ("sandbox", "dialect", "nothing", "not-written", *_WITH_RECORD)


def _failed(args: Args) -> str:
    cause = f" ({args['cause']})" if args.get("cause") else ""
    return f"{_FAILURES[args['failure']]}{cause}"


def _address(args: Args) -> str:
    return f"Address: {args['host']}{args['path']}, which looks like shape {args['shape']}."


def _tls(args: Args) -> str:
    failure = args.get("failure")
    if failure == "not-used":
        return "TLS: not used, the address is this machine itself."
    if failure == "certificate":
        return f"TLS: the certificate was not accepted ({args['cause']})."
    if failure:
        return f"TLS: no direct connection ({args['cause']}); there may be a proxy on the way."
    days = "" if args["days"] is None else f", the certificate is good for {args['days']} days"
    return f"TLS: {args['version']}{days}."


def _token(args: Args) -> str:
    if "failure" in args:
        return f"Token: none, {_failed(args)}."
    return f"Token: received as {_TOKEN_SHAPES[args['shape']]}."


def _list(args: Args) -> str:
    if "failure" in args:
        return f"List of {args['kind']}s: not read, {_failed(args)}."
    place = f"under {args['place']}" if args["place"] else "as a plain array"
    return (
        f"List of {args['kind']}s: {args['count']:,} {place}, {args['deleted']:,} of them deleted,"
        f" in {args['seconds']} s."
    )


def _fields(args: Args) -> str:
    parts = [
        f"{one['field'].replace('_', ' ')} {_share(one['count'], args['of'])} ({one['spelling']})"
        for one in args["filled"]
    ]
    return f"Fields of {args['kind']}s: {', '.join(parts) or 'none filled'}."


def _share(count: int, of: int) -> str:
    return f"{round(100 * count / of)} %" if of else "0 %"


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
        return f"References of {kind}: no known field. Filled fields that may be it: {names}."
    return f"References of {kind}: no field for them is shown."


def _known_reference(args: Args) -> str:
    if not args["places"]:
        return "The reference that Commusoft's page shows does not stand anywhere on this record."
    return f"The reference that Commusoft's page shows stands in {', '.join(args['places'])}."


def _write_record(args: Args) -> str:
    if "failure" in args:
        return f"Write test: {args['record']} could not be read, {_failed(args)}."
    if not args["shown"]:
        return f"Write test on {args['record']}, which shows no field for a reference."
    state = "has a reference" if args["has_reference"] else "has no reference"
    return f"Write test on {args['record']}, which {state}."


_PROOFS = {
    "form": "a trial value was written, read and taken back, and a field that was not sent stayed",
    "trial": "a trial value was written, read and taken back",
    "stamp": "the record's time stamp moved, so it was written",
    "none": "whether it would change the reference, only a trial value or the first link can tell",
}


def _write_kept(args: Args) -> str:
    proof = _PROOFS[args["proof"]]
    return f"Written as {args['way']} in {args['place']}: kept, nothing else changed; {proof}."


def _write_spoiled(args: Args) -> str:
    return (
        f"Written as {args['way']} in {args['place']}: the record changed in"
        f" {', '.join(args['fields'])}. The test stopped; please look at the record in Commusoft."
    )


def _write_not_restored(args: Args) -> str:
    if args["fields"] and args["way"] == "mapped-form":
        return (
            f"Not everything could be put back. Please open {args['record']} in Commusoft and look"
            f" at {', '.join(args['fields'])}; crmlink shows what was there under Commusoft."
        )
    own = f"set it back to {args['reference']}" if args["reference"] else "empty it again"
    return (
        f"The trial value could not be taken back. Please open {args['record']} in Commusoft,"
        f" Edit > Other details > Third-Party Reference, and {own}."
    )


def _dialect(args: Args) -> str:
    if args["tested"]:
        return f"Found: shape {args['name']}, writing tested on a {args['tested']}."
    return f"Found: shape {args['name']}. Writing was not tested: name a record to test it on."


_SENTENCES: Mapping[str, Callable[[Args], str]] = {
    "address": _address,
    "tls": _tls,
    "token": _token,
    "sandbox": lambda _: "This is the sandbox, not Commusoft.",
    "better-address": lambda args: f"The same host answers at {args['url']}: use that address.",
    "token-place": lambda args: f"Token: accepted in the {args['place']}.",
    "list": _list,
    "fields": _fields,
    "record": _record,
    "references": _references,
    "known-reference": _known_reference,
    "write-record": _write_record,
    "write-interrupted": lambda args: f"Write test of {args['record']} broke off: {_failed(args)}.",
    "write-busy": lambda args: (
        f"Nothing was written to {args['record']}: a link to it is on its way, or another write"
        " test of it. Try again in a few minutes."
    ),
    "write-created": lambda args: (
        f"Written as {args['way']}: the list has another record now. Please look for a double of"
        f" {args['record']} in Commusoft."
    ),
    "write-skipped": lambda args: f"Not tried: {args['way']}, which might create a record.",
    "write-needs-trial": lambda args: (
        f"Not tried: {args['way']}, which only a trial value can prove (--trial)."
    ),
    "write-unsuited": lambda args: (
        f"Not tried: {args['way']}, which {args['record']} cannot prove. Name a customer with a"
        " county or a second address line, and without a title."
    ),
    "write-put-back": lambda args: (
        f"Written as {args['way']} in {args['place']}: the record changed in"
        f" {', '.join(args['fields'])}. All was put back, and this way is not used."
    ),
    "write-tried": lambda args: f"Written as {args['way']} in {args['place']}: {_failed(args)}.",
    "write-kept": _write_kept,
    "write-spoiled": _write_spoiled,
    "write-not-restored": _write_not_restored,
    "dialect": _dialect,
    "not-written": lambda args: (
        f"No way to write a {args['kind']}'s reference was found. Ask Commusoft's support; until"
        " then put it in on the record's page in Commusoft."
    ),
    "nothing": lambda _: "No way to work with this account was found.",
}
