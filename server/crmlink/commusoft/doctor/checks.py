"""Checks of the doctor: address, TLS, token, lists, references, write method."""

import socket
import ssl
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import PUBLISHED_DIALECT, WEBSERVICE_DIALECT, Dialect, dialect_for
from crmlink.commusoft.doctor.field_stats import Survey, places_of, survey_list
from crmlink.commusoft.doctor.form_check import WriteJournal
from crmlink.commusoft.doctor.results import CheckResult, failure_args
from crmlink.commusoft.doctor.write_check import (
    RecordBusy,
    WriteCheck,
    run_write_test,
)
from crmlink.commusoft.errors import CommusoftError, InvalidCommusoftResponse, RecordNotFound
from crmlink.commusoft.limits import ClientLimits
from crmlink.kinds import KINDS, Kind

_KNOWN_PATHS = ("/webservice_dev.php/api/v1", "/api/v1")


def run_checks(
    connection: Connection,
    write_test: str | None = None,
    trial: str | None = None,
    known_reference: str | None = None,
    limits: ClientLimits | None = None,
    *,
    journal: WriteJournal | None = None,
) -> Iterator[CheckResult]:
    """Yield the result of one check after another; the last one has the dialect, if found.

    Only reads, unless `write_test` names a record (`customer-1001`) that the admin agreed to: its
    own reference is then written back. With `trial`, a value is also written and removed, which
    alone proves that a method works. `known_reference` is that record's reference in Commusoft's
    own page: it locates the field if no spelling is known. Nothing is written without a `journal`,
    which stores what must be restored (ValueError).
    """
    if write_test is not None and journal is None:
        raise ValueError("a write test needs a journal")
    limits = limits or ClientLimits()
    yield _address(connection)
    yield from _tls(connection, limits)
    client = CommusoftClient(connection, limits=limits)
    if not (yield from _log_in(client)):
        yield from _try_known_paths(connection, limits)
        yield CheckResult("nothing", "failed")
        return
    surveys = yield from _survey(client)
    if "customer" not in surveys:
        yield CheckResult("nothing", "failed")
        return
    client = client.with_dialect(_dialect_of(client, surveys))
    client = yield from _ids(client, surveys)
    place = yield from _references(client, surveys, write_test, known_reference)
    test = (write_test, trial, journal) if write_test is not None and journal else None
    yield from _decide(client, test, place)


def _address(connection: Connection) -> CheckResult:
    parts = urlsplit(connection.base_url)
    name = dialect_for(connection.base_url).name
    args = {"host": parts.hostname, "path": parts.path, "shape": name}
    return CheckResult("address", "fine", args | {"loopback": connection.is_loopback})


def _tls(connection: Connection, limits: ClientLimits) -> Iterator[CheckResult]:
    parts = urlsplit(connection.base_url)
    if parts.scheme != "https" or parts.hostname is None:
        yield CheckResult("tls", "note", {"failure": "not-used"})
        return
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection(
                (parts.hostname, parts.port or 443), limits.connect_timeout
            ) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as sock,
        ):
            yield CheckResult("tls", "fine", {"version": sock.version(), "days": _days_left(sock)})
    except ssl.SSLCertVerificationError as error:
        yield CheckResult(
            "tls", "failed", {"failure": "certificate", "cause": error.verify_message}
        )
    except OSError as error:
        # Continue: the host may be reachable through a proxy only.
        yield CheckResult(
            "tls", "note", {"failure": "no-connection", "cause": type(error).__name__}
        )


def _days_left(sock: ssl.SSLSocket) -> int | None:
    certificate = sock.getpeercert() or {}
    ends = certificate.get("notAfter")
    if not isinstance(ends, str):
        return None
    left = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - datetime.now(UTC)
    return left.days


def _log_in(client: CommusoftClient) -> Generator[CheckResult, None, bool]:
    try:
        shape = client.token_shape()
    except CommusoftError as error:
        yield CheckResult("token", "failed", failure_args(error))
        return False
    yield CheckResult("token", "fine", {"shape": shape})
    if client.sandbox:
        yield CheckResult("sandbox", "note")
    return True


def _try_known_paths(connection: Connection, limits: ClientLimits) -> Iterator[CheckResult]:
    """Try the host's other known paths: an incomplete address is the likeliest mistake."""
    parts = urlsplit(connection.base_url)
    for path in _KNOWN_PATHS:
        url = f"{parts.scheme}://{parts.netloc}{path}"
        if url == connection.base_url:
            continue
        try:
            CommusoftClient(replace(connection, base_url=url), limits=limits).token_shape()
        except CommusoftError:
            continue
        yield CheckResult("better-address", "note", {"url": url})
        return


def _survey(client: CommusoftClient) -> Generator[CheckResult, None, dict[Kind, Survey]]:
    surveys: dict[Kind, Survey] = {}
    for kind in KINDS:
        started = time.monotonic()
        ways = client.dialect.ways(kind)
        try:
            with client.raw_list(kind) as reply:
                survey = survey_list(kind, reply.body, ways.writing.reference)
        except CommusoftError as error:
            needed = kind == "customer"
            yield CheckResult(
                "list", "failed" if needed else "note", {"kind": kind} | failure_args(error)
            )
            continue
        if not surveys:
            yield CheckResult("token-place", "fine", {"place": client.dialect.token_place})
        surveys[kind] = survey
        seen: dict[str, Any] = {
            "kind": kind,
            "place": survey.place,
            "count": survey.count,
            "deleted": survey.deleted,
            "seconds": round(time.monotonic() - started, 1),
        }
        yield CheckResult("list", "fine" if survey.count else "note", seen)
        yield _fields(survey)
    return surveys


def _fields(survey: Survey) -> CheckResult:
    filled = [
        {"field": field, "spelling": spelling, "count": count}
        for (field, spelling), count in sorted(survey.filled.items())
    ]
    return CheckResult(
        "fields", "fine", {"kind": survey.kind, "of": survey.count, "filled": filled}
    )


def _dialect_of(client: CommusoftClient, surveys: dict[Kind, Survey]) -> Dialect:
    """Return the dialect that the names of fields show, whatever the address."""
    style = surveys["customer"].style
    found = {"W": WEBSERVICE_DIALECT, "P": PUBLISHED_DIALECT}.get(style or "", client.dialect)
    return replace(found, token_place=client.dialect.token_place)


def _ids(
    client: CommusoftClient, surveys: dict[Kind, Survey]
) -> Generator[CheckResult, None, CommusoftClient]:
    """Check by which id one record can be read."""
    for kind, survey in surveys.items():
        sample = survey.sample
        if sample is None:
            continue
        own = client.dialect.ways(kind)
        paths = (own.record_path, f"/{kind}s/{{number}}", f"/{kind}s/{{uuid}}")
        for path in dict.fromkeys(paths):
            if "{uuid}" in path and not sample.uuid:
                continue
            candidate = client.with_dialect(
                client.dialect.with_ways(kind, replace(own, record_path=path))
            )
            try:
                candidate.record(kind, sample.number, sample.uuid)
            except (RecordNotFound, InvalidCommusoftResponse):
                continue
            except CommusoftError as error:
                yield CheckResult("record", "failed", {"kind": kind} | failure_args(error))
                break
            client = candidate
            yield CheckResult("record", "fine", {"kind": kind, "id": _id_of(path)})
            break
        else:
            yield CheckResult("record", "failed", {"kind": kind, "failure": "none", "cause": ""})
    return client


def _id_of(path: str) -> str:
    return "uuid" if "{uuid}" in path else "number"


def _references(
    client: CommusoftClient,
    surveys: dict[Kind, Survey],
    write_test: str | None,
    known_reference: str | None,
) -> Generator[CheckResult, None, str | None]:
    """Check where references are; returns the path, None if it must be guessed."""
    for kind, survey in surveys.items():
        found: dict[str, Any] = {
            "kind": kind,
            "places": dict(survey.references.most_common()),
            "shown": sorted(survey.shown),
            "suspects": dict(survey.suspects.most_common(5)),
        }
        yield CheckResult("references", "fine" if survey.references else "note", found)
    place: str | None = None
    if write_test and known_reference:
        place = yield from _place_of_known(client, write_test, known_reference)
    for counted in ("references", "shown"):
        for survey in surveys.values():
            counts = getattr(survey, counted)
            place = place or (counts.most_common(1)[0][0] if counts else None)
    return place


def _place_of_known(
    client: CommusoftClient, write_test: str, known_reference: str
) -> Generator[CheckResult, None, str | None]:
    test = _test(write_test, None)
    if test is None:
        return None
    try:
        record = client.record(test.kind, test.number)
    except CommusoftError:
        return None  # the write test, which follows, reports it
    places = places_of(record.raw, known_reference)
    yield CheckResult("known-reference", "fine" if places else "failed", {"places": places})
    return places[0] if len(places) == 1 else None


def _decide(
    client: CommusoftClient, asked: tuple[str, str | None, WriteJournal] | None, place: str | None
) -> Iterator[CheckResult]:
    client = client.with_dialect(_placed(client.dialect, place))
    if asked is None:
        yield CheckResult("dialect", "note", _tested(client.dialect, None), client.dialect)
        return
    write_test, trial, journal = asked
    test = _test(write_test, trial)
    if test is None:
        yield CheckResult(
            "write-record", "failed", {"record": write_test, "failure": "name", "cause": ""}
        )
    dialect = (yield from _write(client, test, place, journal)) if test else None
    if test and dialect:
        yield CheckResult("dialect", "fine", _tested(dialect, test.kind), dialect)
        return
    yield CheckResult("dialect", "note", _tested(client.dialect, None), client.dialect)


def _write(
    client: CommusoftClient, test: WriteCheck, place: str | None, journal: WriteJournal
) -> Generator[CheckResult, None, Dialect | None]:
    """Run the write test; only a finished one shows that no method works."""
    try:
        dialect = yield from run_write_test(client, test, place, journal)
    except RecordBusy:
        yield CheckResult("write-busy", "failed", {"record": test.record_id})
        return None
    except CommusoftError as error:
        yield CheckResult(
            "write-interrupted", "failed", {"record": test.record_id} | failure_args(error)
        )
        return None
    if dialect is None:
        yield CheckResult("not-written", "failed", {"kind": test.kind})
    return dialect


def _placed(dialect: Dialect, place: str | None) -> Dialect:
    """Return the dialect with the path where references were found."""
    if place is None:
        return dialect
    for kind in KINDS:
        writing = replace(dialect.ways(kind).writing, reference=place)
        dialect = dialect.with_writing(kind, writing)
    return dialect


def _tested(dialect: Dialect, kind: Kind | None) -> dict[str, Any]:
    return {"name": dialect.name, "tested": kind, "token_place": dialect.token_place}


def _test(record_id: str, trial: str | None) -> WriteCheck | None:
    kind, _, number = record_id.strip().partition("-")
    if kind not in KINDS or not number:
        return None
    return WriteCheck("customer" if kind == "customer" else "supplier", number, trial)
