"""Two ways to link a long list in a process that may be killed at any moment: ours and a naive one.

Each is run in a process of its own, over and over, until it says that it is done.
"""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import CommusoftError
from crmlink.installation import open_installation
from crmlink.linking.attempts import recover
from crmlink.linking.decisions import Decision, confirm
from crmlink.linking.overrides import Overrides
from crmlink.settings import Settings
from crmlink.store import Device, Link, LinkState, ProcessRole
from support.sandbox import FAST_LIMITS, connection_to


@dataclass(frozen=True)
class Job:
    """What is to be linked: record ids with the reference that is there, and the new one."""

    folder: Path
    sandbox: str
    wanted: tuple[tuple[str, str | None, str], ...]

    @property
    def settings(self) -> Settings:
        return Settings(
            data_dir=self.folder,
            database_url=f"sqlite:///{self.folder / 'crmlink.sqlite'}",
            secret_key="k" * 48,
            commusoft=connection_to(self.sandbox),
        )


def safe_writer(job: Job, parent: Connection) -> None:
    """One run of crmlink's own write path: recover, then go on with what is not linked yet."""
    settings = job.settings
    assert settings.commusoft
    installation = open_installation(
        settings, CommusoftClient(settings.commusoft, limits=FAST_LIMITS), ProcessRole.SERVER
    )
    ctx = installation.workspace
    with installation.database.reading() as session:
        device_id = session.query(Device).one().id
    ctx.ownership.mark_servers_ended()
    parent.send("working")
    while recover(ctx):
        pass
    with installation.database.reading() as session:
        done = {link.idempotency_key for link in session.query(Link)}

    def link(item: tuple[str, str | None, str]) -> None:
        record_id, present, reference = item
        decision = Decision(
            package="xero",
            kind="customer",
            reference=reference,
            record_id=record_id,
            overrides=Overrides(replaces=present),
        )
        try:
            confirm(ctx, decision, f"key-{record_id}", device_id)
        except CommusoftError:
            confirm(ctx, decision, f"key-{record_id}", device_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(link, [item for item in job.wanted if f"key-{item[0]}" not in done]))
    while recover(ctx):
        pass
    parent.send("done")


def naive_writer(job: Job, parent: Connection) -> None:
    """What one writes on a Friday afternoon: read, put, note. The note comes too late."""
    commusoft = CommusoftClient(connection_to(job.sandbox), limits=FAST_LIMITS)
    notes = sqlite3.connect(job.folder / "naive.sqlite", isolation_level=None)
    notes.execute("CREATE TABLE IF NOT EXISTS link (record TEXT, prior TEXT, target TEXT)")
    done = {record for (record,) in notes.execute("SELECT record FROM link")}
    parent.send("working")
    for record_id, _, reference in job.wanted:
        if record_id in done:
            continue
        record = commusoft.record("customer", record_id.removeprefix("customer-"))
        written = False
        while not written:
            with suppress(CommusoftError):
                commusoft.write_reference(record, reference)
                written = True
        notes.execute("INSERT INTO link VALUES (?, ?, ?)", (record_id, record.reference, reference))
    parent.send("done")


def safe_priors(job: Job) -> dict[str, str | None]:
    """What each finished link says stood on its record before."""
    installation = open_installation(
        job.settings, CommusoftClient(connection_to(job.sandbox), limits=FAST_LIMITS)
    )
    with installation.database.reading() as session:
        assert session.query(Link).filter(Link.state != LinkState.LINKED).count() == 0
        found = {link.record_id: link.prior for link in session.query(Link)}
    installation.close()
    return found


def naive_priors(job: Job) -> dict[str, str | None]:
    notes = sqlite3.connect(job.folder / "naive.sqlite")
    return dict(notes.execute("SELECT record, prior FROM link").fetchall())
