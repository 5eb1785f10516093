"""A very long list of contacts read over HTTP: memory, time, and whether all have come.

    PYTHONPATH=tests python -m bench.live_contacts [--contacts 100000]

The accounting package is a process of its own, so that the memory is the reader's alone.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import structlog
from sqlalchemy import func, select

from crmlink.installation import open_installation
from crmlink.settings import Settings
from crmlink.sources.context import SourceContext
from crmlink.sources.packages import PACKAGES, Addresses
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource, SourceAccount, SourceContact
from crmlink.store.base import utc_now
from faults.processes import processes


class _Tokens:
    """A sign-in that never ends."""

    def header(self, *, renew: bool = False) -> str:
        return "Bearer good"


def serve(contacts: int, parent: Connection) -> None:
    """A package with so many contacts, in Xero's form."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            page, size = int(query["page"][0]), int(query["pageSize"][0])
            numbers = range((page - 1) * size, min(page * size, contacts))
            body = json.dumps(
                {
                    "pagination": {"page": page, "pageCount": -(-contacts // size)},
                    "Contacts": [_contact(number) for number in numbers],
                }
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    parent.send(server.server_address[1])
    server.serve_forever()


def _contact(number: int) -> dict[str, object]:
    return {
        "ContactID": str(uuid.UUID(int=number + 1)), "ContactStatus": "ACTIVE", "IsCustomer": True,
        "Name": f"Customer number {number} of a long list", "EmailAddress": f"c{number}@x.example",
        "UpdatedDateUTC": "/Date(1767225600000+0000)/",
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": f"0113 {number:07}"}],
        "Addresses": [{"AddressType": "STREET", "AddressLine1": f"{number} Long Lane",
                       "City": "Leeds", "PostalCode": "LS1 1AA"}],
    }  # fmt: skip


@contextmanager
def package_process(contacts: int) -> Iterator[str]:
    """The address of such a package while it runs."""
    ours, its = processes().Pipe()
    process = processes().Process(target=serve, args=(contacts, its), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


def read_all(ctx: SourceContext, source_id: int) -> Iterator[int]:
    """Read until the list is complete; yield the memory in KiB after each run of a minute."""
    while True:
        done = sync_source(ctx, source_id, tokens=_Tokens())
        assert done.problem is None, done.problem
        yield resident()
        if done.complete:
            return
        with ctx.database.writing() as session:
            session.get_one(ContactSource, source_id).resume_at = None


def resident() -> int:
    """This process's memory in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def add_source(ctx: SourceContext, tenant: str = "t") -> int:
    """A company that is connected; its id."""
    with ctx.database.writing() as session:
        account = SourceAccount(workspace_id=ctx.workspace_id, package="xero", credentials="")
        source = ContactSource(
            workspace_id=ctx.workspace_id, package="xero", tenant=tenant, name="Long",
            account=account, requested_at=utc_now(),
        )  # fmt: skip
        session.add_all([account, source])
        session.flush()
        return source.id


def at(ctx: SourceContext, url: str) -> SourceContext:
    """The sources with the package at an address."""
    package = replace(PACKAGES["xero"], addresses=Addresses("", "", url))
    return replace(ctx, registry={"xero": package})


def run(contacts: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, package_process(contacts) as url:
        settings = Settings(
            data_dir=Path(folder), database_url=f"sqlite:///{folder}/crmlink.sqlite",
            secret_key="k" * 48,
        )  # fmt: skip
        here = open_installation(settings)
        ctx = at(here.sources, url)
        source_id = add_source(ctx)
        for name in ("all, new", "all again"):
            with ctx.database.writing() as session:
                session.get_one(ContactSource, source_id).fully_synced_at = None
            before, began = resident(), time.perf_counter()
            after = list(read_all(ctx, source_id))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(
                f"{name}: {time.perf_counter() - began:.0f} s, memory {before // 1024} MB before, "
                f"{', '.join(str(each // 1024) for each in after)} after each run, {peak // 1024} "
                "at most"
            )
        with ctx.database.reading() as session:
            print("stored:", session.scalar(select(func.count(SourceContact.id))))
        here.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=100_000)
    run(parser.parse_args().contacts)
