"""Generator of the sandbox's records: a fixed set, then as many plausible ones as requested.

The n-th record of a seed is the same for any number, so a state file still fits when the sandbox is
started with another number.
"""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle

from crmlink.commusoft.sandbox.addresses import AddressGenerator, Place
from crmlink.commusoft.sandbox.names import NameGenerator, Person, slug
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.commusoft.sandbox.seeded_random import SeededRandom, word_list
from crmlink.kinds import Kind

FIRST_NUMBER: dict[Kind, int] = {"customer": 2001, "supplier": 701}
_EPOCH = datetime(2015, 1, 5, 9, 0, tzinfo=UTC)
_NAMES = uuid.UUID("5d3c1a52-6f0e-4a39-8f6b-0c7b1d2e9a44")


def population(kind: Kind, count: int, seed: int) -> Iterator[SandboxRecord]:
    """Yield the fixed records, then generated ones until there are `count` of the kind."""
    cast = word_list("cast")[kind]
    for place, data in enumerate(cast):
        number = data["number"]
        own = str(uuid.uuid5(_NAMES, f"{kind}-{number}"))
        yield SandboxRecord(kind=kind, uuid=own, created=_time(place), **data)
    crowd = _RecordGenerator(kind, seed)
    for index in range(max(0, count - len(cast))):
        yield crowd.next_entry(index)


def _time(hours: int) -> str:
    return (_EPOCH + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


class _RecordGenerator:
    """Generator of records; remembers the last ones for households and duplicates."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self._kind: Kind = kind
        self._draw = SeededRandom(f"{kind}/{seed}")
        self._places = AddressGenerator(self._draw)
        self._people = NameGenerator(self._draw)
        self._words = word_list("business")
        self._blocks: dict[str, Iterator[int]] = {}
        self._taken = {
            one.get(name, "")
            for records in (word_list("cast")[each] for each in ("customer", "supplier"))
            for one in records
            for name in ("telephone", "mobile")
        }
        self._last: tuple[Person, Place] | None = None

    def next_entry(self, index: int) -> SandboxRecord:
        """Return the next record."""
        draw = self._draw
        entry = SandboxRecord(
            kind=self._kind,
            number=str(FIRST_NUMBER[self._kind] + index),
            uuid=str(uuid.UUID(int=draw.bits(128), version=4)),
            created=_time(24 + 2 * index % 90_000),
        )
        if self._kind == "supplier" or draw.chance(0.17):
            self._as_company(entry)
        else:
            self._as_household(entry)
        self._bookkeeping(entry)
        return entry

    def _as_household(self, entry: SandboxRecord) -> None:
        draw, person, place = self._draw, None, None
        if self._last is not None and draw.chance(0.07):
            # Two people of one household, each with a record, most with the same surname.
            place = self._last[1]
            surname = self._last[0].surname if draw.chance(0.8) else None
            person = self._people.person(place.region, surname)
        elif self._last is not None and draw.chance(0.02):
            # The same person entered again, after a move or by mistake.
            person = self._last[0]
            place = self._last[1] if draw.chance(0.4) else None
        place = place or self._places.home()
        person = person or self._people.person(place.region)
        self._last = (person, place)
        self._settle(entry, place, person)
        if draw.chance(0.03):
            entry.first_name = entry.first_name[:1]
        if draw.chance(0.76):
            entry.email = self._people.private_email(person)
        entry.telephone = self._phone(place.dial) if draw.chance(0.52) else ""
        entry.mobile = self._phone("07700 900") if draw.chance(0.5) else ""

    def _as_company(self, entry: SandboxRecord) -> None:
        draw, place = self._draw, self._places.premises()
        person = self._people.person(place.region)
        self._settle(entry, place, person)
        entry.company = self._people.company(self._kind, place.region, place.town, person)
        entry.position = draw.one(self._words["positions"])
        if self._kind == "customer" and draw.chance(0.12):
            entry.title = entry.first_name = ""
        if draw.chance(0.85):
            entry.email = self._people.company_email(entry.company, person)
        entry.telephone = self._phone(place.dial) if draw.chance(0.88) else ""
        entry.mobile = self._phone("07700 900") if draw.chance(0.15) else ""

    def _settle(self, entry: SandboxRecord, place: Place, person: Person) -> None:
        entry.title = person.title if self._draw.chance(0.9) else ""
        entry.first_name, entry.surname = person.first_name, person.surname
        entry.line1, entry.line2 = place.line1, place.line2
        entry.town, entry.county, entry.postcode = place.town, place.county, place.postcode
        if self._draw.chance(0.015):
            entry.postcode = ""

    def _bookkeeping(self, entry: SandboxRecord) -> None:
        draw = self._draw
        if draw.chance(0.35):
            entry.account_number = f"{slug(entry.surname)[:4].upper():X<4}{draw.number(1, 99):02d}"
        if draw.chance(0.08):
            entry.reference = str(uuid.UUID(int=draw.bits(128), version=4))
        entry.deleted = draw.chance(0.02)
        if self._kind == "customer" and draw.chance(0.6):
            make, model = draw.one(self._words["boilers"])
            entry.settings = {"boiler_make": make, "boiler_model": model}
        entry.settings["payment_terms"] = draw.one(("7", "14", "30"))

    def _phone(self, block: str) -> str:
        """Return the next telephone number of a block reserved by Ofcom for drama.

        Numbers repeat once the block is used up.
        """
        if block not in self._blocks:
            self._blocks[block] = cycle(self._draw.shuffled(range(1000)))
        while True:
            number = f"{block}{next(self._blocks[block]):03d}"
            if number not in self._taken:
                return number


def copy_of(entry: SandboxRecord) -> SandboxRecord:
    """Return an independent copy."""
    return replace(entry, settings=dict(entry.settings))
