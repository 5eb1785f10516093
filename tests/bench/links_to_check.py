"""*Links to check* with very many linked contacts: what the page's questions take.

    PYTHONPATH=tests python -m bench.links_to_check [--contacts 100000] [--package xero]

One in a thousand is archived, one has moved, one has another email, and one another name.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from crmlink.access.devices import command_line_actor
from crmlink.folding import fold
from crmlink.installation import Installation, open_installation
from crmlink.linking.context import WorkspaceContext
from crmlink.reports.live_changes import LinkChanges, link_changes
from crmlink.reports.live_links import LiveFindings, live_findings
from crmlink.settings import Settings
from crmlink.store import (
    ContactSource,
    ContactState,
    Link,
    LinkState,
    MirroredRecord,
    SourceAccount,
    SourceContact,
)
from crmlink.store.base import utc_now

CHUNK = 10_000


def fill(installation: Installation, package: str, contacts: int) -> None:
    """Store linked contacts, and records with their references."""
    ctx = installation.workspace
    device_id = command_line_actor(installation.access).device.id
    with ctx.database.writing() as session:
        account = SourceAccount(workspace_id=ctx.workspace_id, package=package)
        source = ContactSource(
            workspace_id=ctx.workspace_id, package=package, tenant="t", name="Long",
            account=account, fully_synced_at=utc_now(), synced_at=utc_now(), round=1,
        )  # fmt: skip
        session.add_all([account, source])
        session.flush()
        for start in range(0, contacts, CHUNK):
            numbers = range(start, min(start + CHUNK, contacts))
            session.execute(insert(MirroredRecord), [_record(ctx, package, n) for n in numbers])
            session.execute(
                insert(SourceContact), [_contact(source.id, package, n) for n in numbers]
            )
            session.execute(insert(Link), [_link(ctx, device_id, package, n) for n in numbers])


def _reference(package: str, number: int) -> str:
    return str(number + 1) if package == "sage_business_cloud" else str(uuid.UUID(int=number + 1))


def _details(number: int) -> dict[str, Any]:
    return {
        "name": f"Customer {number} Limited", "email": f"c{number}@x.example",
        "address": f"{number} Long Lane", "town": "Leeds", "postcode": "LS1 1AA",
    }  # fmt: skip


def _record(ctx: WorkspaceContext, package: str, number: int) -> dict[str, Any]:
    reference = _reference(package, number)
    return _details(number) | {
        "connection_id": ctx.connection_id, "kind": "customer", "number": str(number + 1),
        "reference": reference, "reference_key": fold(reference), "company": "", "phones": [],
        "account_number": "", "mirror_version": 1,
    }  # fmt: skip


def _contact(source_id: int, package: str, number: int) -> dict[str, Any]:
    reference = _reference(package, number)
    moved = number % 1000 == 2
    more: dict[str, Any] = {"email": "other@x.example"} if number % 1000 == 3 else {}
    if moved:
        more = {"address": "1 New Road", "postcode": "LS3 3CC"}
    return _details(number) | {
        "source_id": source_id, "key": reference, "reference": reference,
        "reference_key": fold(reference), "kind": "customer",
        "state": ContactState.ARCHIVED if number % 1000 == 1 else ContactState.ACTIVE,
        "moved_at": utc_now() - timedelta(days=1) if moved else None,
        "moved_from": {"address": "1 Old Road", "town": "Leeds", "postcode": "LS2 2BB"}
        if moved else None,
    } | more  # fmt: skip


def _link(ctx: WorkspaceContext, device_id: int, package: str, number: int) -> dict[str, Any]:
    reference = _reference(package, number)
    name = "Another" if number % 1000 == 4 else f"Customer {number} Limited"
    return {
        "connection_id": ctx.connection_id, "device_id": device_id, "package": package,
        "idempotency_key": reference, "fingerprint": "", "kind": "customer",
        "contact_kind": "customer", "reference": reference, "contact_name": name,
        "record_number": str(number + 1), "record_label": name, "target": reference,
        "target_key": fold(reference), "state": LinkState.LINKED, "attempt_id": "",
        "created_at": utc_now() - timedelta(days=2),
    }  # fmt: skip


def timed(name: str, ask: Callable[[], str]) -> None:
    """Print how long a question takes of a core and by the clock, the better of two times."""
    times = []
    for _ in range(2):
        clock, core = time.perf_counter(), time.thread_time()
        found = ask()
        times.append((time.thread_time() - core, time.perf_counter() - clock))
    core, clock = min(times)
    print(f"{name}: {core:.2f} s of a core, {clock:.2f} s by the clock; {found}")


def _counts(found: LiveFindings | LinkChanges) -> str:
    sorts = {each.name: len(getattr(found, each.name)) for each in fields(found)}
    return ", ".join(f"{count} {name}" for name, count in sorts.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--package", default="sage_business_cloud")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder), database_url=f"sqlite:///{folder}/crmlink.sqlite",
            secret_key="k" * 48,
        )  # fmt: skip
        installation = open_installation(settings)
        fill(installation, options.package, options.contacts)
        ctx = installation.workspace
        timed("no longer right", lambda: _counts(live_findings(ctx)))
        timed("changed", lambda: _counts(link_changes(ctx)))
        installation.close()


if __name__ == "__main__":
    main()
