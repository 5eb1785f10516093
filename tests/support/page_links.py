"""Records and links of an account without an API, of which only the pages are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crmlink.commusoft.connection import DEFAULT_ORIGIN
from crmlink.commusoft.mirror import show_reference, upsert_record
from crmlink.commusoft.records import Record
from crmlink.installation import Installation
from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Link, MirroredRecord
from support.pages_account import open_without_api

NAMES = (
    "Ashworth Bakery Limited", "Birch Lane Surgery", "Cotswold Cycles Limited",
    "Dunmore Veterinary Practice", "Elmstead Nurseries", "Foxglove Interiors Limited",
    "Greyfriars Print Works", "Harbour View Hotel", "Ivy House Care Limited",
    "Juniper Street Dental", "Kestrel Joinery Limited", "Larkspur Catering",
)  # fmt: skip
STREETS = ("Mill", "Station", "Church", "Castle", "Orchard", "Priory")
HELD = "0f9d8c7b-1111-4222-8333-944455556666"  # on customer-1003


@contextmanager
def open_pages_installation(
    folder: Path, database_url: str, origin: str = DEFAULT_ORIGIN
) -> Iterator[Installation]:
    """An installation without an API, with a dozen customers and a supplier."""
    with open_without_api(folder, database_url, origin) as installation:
        ctx = installation.workspace
        with installation.database.writing() as session:
            for number in range(1001, 1013):
                upsert_record(session, ctx.connection_id, _record("customer", str(number)))
            upsert_record(session, ctx.connection_id, _record("supplier", "501"))
            session.flush()
            show_reference(session, ctx.connection_id, "customer", "1003", HELD)
        yield installation


def link_of(ctx: WorkspaceContext, link_id: str) -> Link:
    with ctx.database.reading() as session:
        return session.get_one(Link, link_id)


def mirrored(ctx: WorkspaceContext, record_id: str) -> MirroredRecord:
    kind, _, number = record_id.partition("-")
    with ctx.database.reading() as session:
        return session.query(MirroredRecord).filter_by(kind=kind, number=number).one()


def _record(kind: Kind, number: str) -> Record:
    at = int(number) % 1001 % len(NAMES)
    return Record(
        kind=kind,
        number=number,
        uuid=None,
        name=f"Pat {NAMES[at].split()[1]}",
        company=NAMES[at],
        email=f"accounts@company{number}.example",
        phones=(f"01242 55{number}",),
        address=f"{number[-2:]} {STREETS[at % 6]} Street",
        town="Cheltenham",
        postcode=f"GL{50 + at} {1 + at % 9}TR",
        account_number="",
        reference=None,
        deleted=False,
        raw={},
    )
