"""Whole lists for tests, in every state: the sandbox's cast and others as a Xero export."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from crmlink.access.preferences import read_preferences
from crmlink.accounting.exports.reader import detect_format
from crmlink.batches.accept_sure import accept_sure, draw_sample
from crmlink.batches.control import start_writing
from crmlink.batches.file_import import ListFile, import_file
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.batches.progress import summary
from crmlink.batches.writer import write_waiting
from crmlink.installation import Installation
from crmlink.store import Batch, MirroredRecord, Person
from support.access_factories import page_actor

GUID = "3f1e60a2-7c4b-4d10-9a55-{:012d}"
HEADER = (
    "*ContactName", "AccountNumber", "EmailAddress", "FirstName", "LastName", "POAttentionTo",
    "POAddressLine1", "POAddressLine2", "POAddressLine3", "POAddressLine4", "POCity", "PORegion",
    "POPostalCode", "POCountry", "PhoneNumber", "FaxNumber", "MobileNumber", "DDINumber",
    "ContactID",
)  # fmt: skip
REFERENCE_COLUMN = HEADER.index("ContactID")  # Xero's own export has none: someone added it


@dataclass(frozen=True)
class Listed:
    """A contact of a file."""

    name: str
    email: str = ""
    street: str = ""
    town: str = ""
    postcode: str = ""
    phone: str = ""
    reference: str = ""


CAST = (
    Listed("Margaret Holloway", "margaret.holloway@postbox.example", "14 Orchard Close",
           "Cheltenham", "GL50 2TR", "01632 960114", GUID.format(1001)),
    Listed("J Pryce-Davies", "", "27 Cathedral Rd, Flat 3", "Cardiff", "CF11 9HA",
           "029 2018 0231", GUID.format(1002)),
    Listed("Ashdown and Sons Builders Limited", "accounts@ashdownbuilders.example",
           "Unit 4 Riverside Ind Est", "Lewes", "BN7 2PE", "", GUID.format(1003)),
    Listed("John Smith", reference=GUID.format(1004)),
    Listed("Smith, John", "john.smith@letterbox.example", "52 Station Road", "York", "YO24 1AA",
           "", GUID.format(1005)),
    Listed("Siân O'Connor", "sian.oconnor@postbox.example", "3 Bryn Awel", "Bangor", "LL57 1DT",
           "", "5f0c2b1e-7a3d-4c58-9e21-3b8a6d4f1c70"),
    Listed("Greenfield Lettings Ltd", "office@greenfieldlettings.example", "101 High Street",
           "Solihull", "B91 3SX", "", GUID.format(1007)),
    Listed("D Owusu", "david.owusu@letterbox.example", "19 Elm Grove", "London", "SE15 5DF", "",
           GUID.format(1008)),
    Listed("Castle View Care Home", "", "Castle Hill", "Lincoln", "LN1 3AA", "01632 960710",
           GUID.format(1010)),
    Listed("Zebedee Quillfeather", "z.quillfeather@nowhere.example", "1 Moon Lane", "Truro",
           "TR1 2AB", "", GUID.format(9001)),
    Listed("Ottoline Marchbanks", "ottoline@nowhere.example", "7 Gull Rock", "Bude", "EX23 8AB",
           "", GUID.format(9002)),
)  # fmt: skip
BROKEN = Listed("Reginald Broken", "reg@nowhere.example", reference="not one of Xero's")


def xero_file(rows: tuple[Listed, ...] = CAST, *, references: bool = True) -> bytes:
    """An export of Xero with a column of references that someone added, as Excel saves it."""
    header = HEADER if references else HEADER[:-1]
    text = io.StringIO()
    table = csv.DictWriter(text, header, restval="", extrasaction="ignore")
    table.writeheader()
    for row in rows:
        table.writerow(
            {
                "*ContactName": row.name, "EmailAddress": row.email, "POAddressLine1": row.street,
                "POCity": row.town, "POPostalCode": row.postcode, "PhoneNumber": row.phone,
                "ContactID": row.reference,
            }
        )  # fmt: skip
    return text.getvalue().encode("utf-8-sig")


def draft(
    installation: Installation,
    person: Person,
    rows: tuple[Listed, ...] = CAST,
    *,
    references: bool = True,
    name: str = "Xero customers",
) -> Batch:
    """A file kept as a draft."""
    path = Path(installation.settings.data_dir) / "Contacts.csv"
    path.write_bytes(xero_file(rows, references=references))
    columns = {"reference": REFERENCE_COLUMN} if references else None
    found = detect_format(path, "Contacts.csv", installation.workspace.packages)
    found = found.with_overrides(kind="customer", columns=columns)
    device = page_actor(installation.access, person).device.id
    return import_file(
        installation.workspace,
        device,
        ListFile(path, "Contacts.csv", found, name=name),
        agreed=len(rows),
    ).batch


def matched(
    installation: Installation,
    person: Person,
    rows: tuple[Listed, ...] = CAST,
    *,
    references: bool = True,
    name: str = "Xero customers",
) -> Batch:
    """A list that waits for its review."""
    batch = draft(installation, person, rows, references=references, name=name)
    bound = read_preferences(installation.access).sure_bound
    start_matching(installation.workspace, batch.device_id, batch.id, bound)
    match_waiting(installation.workspace)
    return batch


def accepted(
    installation: Installation,
    person: Person,
    rows: tuple[Listed, ...] = CAST,
    name: str = "Xero customers",
) -> Batch:
    """A list whose sure rows someone has accepted."""
    batch = matched(installation, person, rows, name=name)
    accept_sure(
        installation.workspace,
        batch.device_id,
        batch.id,
        draw_sample(installation.workspace, batch.id).token,
    )
    return batch


def started(
    installation: Installation,
    person: Person,
    rows: tuple[Listed, ...] = CAST,
    name: str = "Xero customers",
) -> Batch:
    """A list that is to be written, and of which nothing is yet."""
    batch = accepted(installation, person, rows, name)
    start_writing(
        installation.workspace,
        batch.device_id,
        batch.id,
        summary(installation.workspace, batch.id).to_link,
    )
    return batch


def linked(
    installation: Installation,
    person: Person,
    rows: tuple[Listed, ...] = CAST,
    name: str = "Xero customers",
) -> Batch:
    """A list that is written."""
    batch = started(installation, person, rows, name)
    write_waiting(installation.workspace)
    return batch


def unlinked(installation: Installation, count: int, skip: int = 0) -> tuple[Listed, ...]:
    """Customers of the sandbox without a reference, as their accounting package lists them."""
    with installation.database.reading() as session:
        records = (
            session.query(MirroredRecord)
            .filter_by(kind="customer", reference=None, deleted_at=None)
            .order_by(MirroredRecord.id.desc())
            .offset(skip)
            .limit(count)
        )
        return tuple(
            Listed(
                record.label, record.email, record.address, record.town, record.postcode,
                record.phones[0] if record.phones else "", GUID.format(int(record.number)),
            )
            for record in records
        )  # fmt: skip


def work(installation: Installation) -> None:
    """What the worker would do by now."""
    match_waiting(installation.workspace)
    write_waiting(installation.workspace)
