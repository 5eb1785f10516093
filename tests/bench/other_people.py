"""Other people and firms that share much with a record and are not it; none may be *sure*.

    PYTHONPATH=tests python -m bench.other_people [--each 20] [--seed 1]

Each kind draws a record and a contact for which the list has no record: of one household, of one
letting agent, care home, business park or head office. Prints how many of each kind are *sure*.
"""

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bench.uk import WORDS, records
from crmlink.matching import Matcher
from crmlink.values.contact_details import ContactDetails

Pair = tuple[ContactDetails, ContactDetails]  # the record, the contact
RECORDS = 2_000
FORENAMES = ["David", "Peter", "Andrew", "Graham", "Colin", "Susan", "Karen", "Janet", "Deborah"]
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


@dataclass(frozen=True)
class Scene:
    """What one pair is made of: places with their phones, forenames, surnames, firms' words."""

    at: ContactDetails
    elsewhere: ContactDetails
    one: str
    other: str
    family: str
    other_family: str
    trade: str
    other_trade: str
    word: str

    def person(self, name: str, **changes: object) -> ContactDetails:
        return replace(self.at, person=name, **changes)  # type: ignore[arg-type]  # texts by name

    def firm(self, name: str, **changes: object) -> ContactDetails:
        return replace(self.at, company=name, **changes)  # type: ignore[arg-type]  # texts by name

    def place(self, number: str) -> str:
        """The address with another number before its street."""
        return f"{number} {self.at.address.split(' ', 1)[1]}"


def _scene(draw: random.Random) -> Scene:
    one, other = draw.sample(FORENAMES, 2)
    family, other_family = draw.sample(WORDS["surnames"], 2)
    trade, other_trade = draw.sample(WORDS["trades"], 2)
    word = draw.choice(WORDS["business_words"])
    places = _home(draw), _home(draw)
    return Scene(*places, one, other, family, other_family, trade, other_trade, word)


def _home(draw: random.Random) -> ContactDetails:
    town, area = draw.choice(WORDS["towns"])
    street = f"{draw.choice(WORDS['streets'])} {draw.choice(WORDS['street_types'])}"
    inward = f"{draw.randint(0, 9)}{draw.choice(_LETTERS)}{draw.choice(_LETTERS)}"
    return ContactDetails(
        address=f"{draw.randint(151, 400)} {street}",
        town=town,
        postcode=f"{area}{draw.randint(1, 30)} {inward}",
        phones=(f"01632 {draw.randrange(10**6):06d}",),
    )


def _agents(scene: Scene, name: str, at: ContactDetails) -> ContactDetails:
    """A tenant of whom a letting agent gives its own phone and mailbox."""
    email = f"lettings@{scene.word.lower()}lets.example"
    return replace(at, person=name, phones=scene.at.phones, email=email)


def _care_home(scene: Scene, name: str, room: int) -> ContactDetails:
    return scene.person(name, address=f"Room {room}, {scene.word} House, {scene.at.address}")


def _unit(scene: Scene, name: str, unit: str) -> ContactDetails:
    return scene.firm(name, address=f"Unit {unit}, {scene.word} Business Park", phones=())


def _office(scene: Scene, town: str) -> str:
    return f"{scene.family} {scene.trade} ({town})"


KINDS: dict[str, Callable[[Scene], Pair]] = {
    "father, Sr": lambda s: (
        s.person(f"{s.one} {s.family} Sr"),
        s.person(f"{s.one} {s.family} Jr"),
    ),
    "son": lambda s: (s.person(f"{s.one} {s.family}"), s.person(f"{s.one} {s.family} (son)")),
    "twins": lambda s: (s.person(f"{s.one} {s.family}"), s.person(f"{s.other} {s.family}")),
    "twins, one mailbox": lambda s: (
        s.person(f"{s.one} {s.family}", email=f"{s.family.lower()}s@postbox.example"),
        s.person(f"{s.other} {s.family}", email=f"{s.family.lower()}s@postbox.example"),
    ),
    "spouse with initial": lambda s: (
        s.person(f"Mr {s.one[0]} {s.family}"),
        s.person(f"Mrs {s.one[0]} {s.family}"),
    ),
    "spouse with husband's name": lambda s: (
        s.person(f"Mr {s.one} {s.family}"),
        s.person(f"Mrs {s.one} {s.family}"),
    ),
    "spouse's mailbox": lambda s: (
        s.person(f"{s.one} {s.family}", email=f"{s.one.lower()}.{s.family.lower()}@mail.example"),
        s.person(f"{s.other} {s.family}", email=f"{s.one.lower()}.{s.family.lower()}@mail.example"),
    ),
    "couple and child": lambda s: (
        s.person(f"{s.one} & {s.other} {s.family}"),
        s.person(f"Mia {s.family}"),
    ),
    "surname of the household": lambda s: (
        s.person(f"{s.one} {s.family}"),
        s.person(s.family),
    ),
    "widow's partner": lambda s: (
        s.person(f"{s.one} {s.family}"),
        s.person(f"{s.other} {s.other_family}"),
    ),
    "flat a and b": lambda s: (
        s.person(f"{s.one} {s.family}", address=f"Flat A, {s.at.address}", phones=()),
        s.person(f"{s.other} {s.family}", address=f"Flat B, {s.at.address}", phones=()),
    ),
    "shop and flat above": lambda s: (
        s.firm(f"{s.family} {s.trade}", address=s.place("14"), phones=()),
        s.person(f"{s.one} {s.family}", address=s.place("14a"), phones=()),
    ),
    "next tenant": lambda s: (
        s.person(f"{s.one} {s.family}", phones=()),
        s.person(f"{s.one} {s.other_family}", phones=()),
    ),
    "next tenant, phone of the house": lambda s: (
        s.person(f"{s.one} {s.family}"),
        s.person(f"{s.other} {s.other_family}"),
    ),
    "letting agent's tenants": lambda s: (
        _agents(s, f"{s.one} {s.family}", s.at),
        _agents(s, f"{s.other} {s.family}", s.elsewhere),
    ),
    "letting agent's tenants of one forename": lambda s: (
        _agents(s, f"{s.one} {s.family}", s.at),
        _agents(s, f"{s.one} {s.other_family}", s.elsewhere),
    ),
    "letting agent and tenant": lambda s: (
        _agents(s, f"{s.one} {s.family}", s.at),
        s.firm(f"{s.word} Lets", email=f"lettings@{s.word.lower()}lets.example"),
    ),
    "landlord and tenant": lambda s: (
        s.person(f"{s.one} {s.family}"),
        replace(s.elsewhere, person=f"{s.other} {s.other_family}", phones=s.at.phones),
    ),
    "care home's residents": lambda s: (
        _care_home(s, f"{s.one} {s.family}", 4),
        _care_home(s, f"{s.other} {s.family}", 9),
    ),
    "care home's residents, initials": lambda s: (
        _care_home(s, f"Mrs {s.one[0]} {s.family}", 4),
        _care_home(s, f"Mrs {s.one} {s.family}", 9),
    ),
    "care home and resident": lambda s: (
        s.firm(f"{s.word} House Care Home"),
        _care_home(s, f"{s.one} {s.family}", 4),
    ),
    "owner and trading name": lambda s: (
        s.person(f"{s.one} {s.family}"),
        s.firm(f"{s.word} {s.trade}"),
    ),
    "owner's two firms": lambda s: (
        s.firm(f"{s.family} {s.trade} Ltd"),
        s.firm(f"{s.family} {s.other_trade} Ltd"),
    ),
    "owner's two firms, one mailbox": lambda s: (
        s.firm(f"{s.family} {s.trade}", email=f"office@{s.family.lower()}group.example"),
        s.firm(f"{s.family} {s.other_trade}", email=f"office@{s.family.lower()}group.example"),
    ),
    "firm and holding": lambda s: (
        s.firm(f"{s.family} {s.trade} Ltd"),
        s.firm(f"{s.family} {s.trade} Holdings Ltd"),
    ),
    "branches, head office's phone": lambda s: (
        s.firm(_office(s, s.at.town)),
        replace(s.elsewhere, company=_office(s, s.elsewhere.town), phones=s.at.phones),
    ),
    "branches of one name, one phone": lambda s: (
        s.firm(f"{s.family} {s.trade}"),
        replace(s.elsewhere, company=f"{s.family} {s.trade}", phones=s.at.phones),
    ),
    "branches of one town": lambda s: (
        s.firm(f"{s.family} {s.trade}", postcode=""),
        s.firm(f"{s.family} {s.trade}", address=s.elsewhere.address, postcode=""),
    ),
    "business park, next unit": lambda s: (
        _unit(s, f"{s.family} {s.trade}", "4"),
        _unit(s, f"{s.family} {s.trade}", "9"),
    ),
    "business park, one unit": lambda s: (
        _unit(s, f"{s.family} {s.trade}", "4"),
        _unit(s, f"{s.other_family} {s.trade}", "4"),
    ),
    "flats' companies of one agent": lambda s: (
        s.firm(f"12 {s.word} Court Management Ltd", email="blocks@agentsofblocks.example"),
        s.firm(f"14 {s.word} Court Management Ltd", email="blocks@agentsofblocks.example"),
    ),
    "numbered companies": lambda s: (
        s.firm(f"{s.word} Holdings 1 Ltd"),
        s.firm(f"{s.word} Holdings 2 Ltd"),
    ),
    "infant and junior school": lambda s: (
        s.firm(f"{s.word} Infant School"),
        s.firm(f"{s.word} Junior School"),
    ),
    "church and school": lambda s: (
        s.firm(f"St {s.one}'s Church"),
        s.firm(f"St {s.one}'s School"),
    ),
    "executors of another": lambda s: (
        s.person(f"{s.one} {s.family}"),
        s.person(f"Executors of {s.other} {s.family}"),
    ),
}


def pairs(seed: int, each: int) -> Iterator[tuple[str, ContactDetails, ContactDetails]]:
    """Yield `each` pairs of every kind: its name, the record, the contact."""
    draw = random.Random(f"other people {seed}")
    for kind, made in KINDS.items():
        for _ in range(each):
            yield kind, *made(_scene(draw))


def wrongly_sure(seed: int, each: int) -> tuple[Counter[str], list[Pair]]:
    """Return of each kind how many contacts are surely the record that they are not, and which.

    Each is asked in a list with no other pair's record.
    """
    matcher, found, which = Matcher(), Counter[str](), []
    matcher.update(records(RECORDS, 800 + seed))
    for kind, held, contact in pairs(seed, each):
        matcher.update([("held", held)])
        first = matcher.suggest(contact, 1).items[:1]
        if first and first[0].sure:
            found[kind] += 1
            which.append((held, contact))
    return found, which


def _shown(details: ContactDetails) -> str:
    return details.person or details.company


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    found, which = wrongly_sure(arguments.seed, arguments.each)
    for kind, count in found.most_common():
        print(f"{count:4d} of {arguments.each}  {kind}")
    for held, contact in which:
        print(f"  {_shown(contact)} / {_shown(held)}")
    print(f"{found.total()} of {len(KINDS) * arguments.each}, {len(KINDS)} kinds")


if __name__ == "__main__":
    main()
