"""Seeded made-up lists that are kept carelessly: persons misspelt on both sides, and
organisations known by the name alone, which everybody writes differently.

Beside uk.py, which has what a trade firm's list looks like, these have what lists of other
origin look like: other emails, halves of names, letters far from their place, branches and towns
in brackets, words of the kind of organisation left out or added.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.mailboxes import Mailboxes
from bench.sets import MatchingSet
from bench.uk import WORDS, a_forename, a_record, a_surname, records, typed
from crmlink.values.contact_details import ContactDetails

KINDS = json.loads(Path(__file__).with_name("organisation_words.json").read_text("utf-8"))
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def worn_set(size: int, asked: int, seed: int, emails: bool = True) -> MatchingSet:
    """Persons and firms, both sides worn; without `emails` known by where they live alone."""
    draw = random.Random(f"worn {seed} {emails}")
    kept = [(record_id, _known_by(draw, held, emails)) for record_id, held in records(size, seed)]
    chance = 0.2 if emails else 0.05
    held = [(record_id, _worn(draw, details, chance)) for record_id, details in kept]
    of, truth = [], {}
    mailboxes = Mailboxes()
    for number in range(asked):
        record_id, details = kept[draw.randrange(size)]
        if draw.random() < (0.9 if emails else 0.8):
            truth[f"w{number}"] = {record_id}
        else:
            details = _known_by(draw, a_record(draw, "customer", mailboxes), emails)
        of.append((f"w{number}", _worn(draw, _partial(draw, details), 0.3)))
    return MatchingSet(f"worn_{size}{'' if emails else '_homes'}", of, held, truth)


def _known_by(draw: random.Random, details: ContactDetails, emails: bool) -> ContactDetails:
    """The details that such a list has at all."""
    details = replace(details, phones=(), kind=None)
    if not emails:
        return replace(details, email="")
    if draw.random() < 0.8:
        details = replace(details, address="", postcode="")
    words = details.person.lower().replace("'", "").split()
    if not words:
        return details
    email = _mailbox(draw, words[0], words[-1]) if draw.random() < 0.8 else ""
    return replace(details, email=email)


def _mailbox(draw: random.Random, given: str, family: str) -> str:
    """An email made of a name or its initials, the domain often someone's own."""
    local = draw.choice(
        [
            f"{given}.{family}",
            f"{given}{family}",
            f"{given[0]}{family}",
            f"{given[0]}.{family}",
            f"{given}{family[0]}",
            f"{given[0]}{family[0]}",
            f"{given[0]}.{family[0]}",
        ]
    )
    number = str(draw.randint(1, 99)) if draw.random() < 0.5 else ""
    host = draw.choice([a_surname(draw), f"{a_surname(draw)}-{a_surname(draw)}", "postbox", "mail"])
    return f"{local}{number}@{host.lower()}.{draw.choice(['com', 'net', 'org', 'example'])}"


def _partial(draw: random.Random, details: ContactDetails) -> ContactDetails:
    """As a contact page shows it: some of the fields."""
    if not details.email and details.address:
        shown = draw.choice(["nothing", "postcode", "address", "all"])
        if shown in ("nothing", "postcode"):
            details = replace(details, address="", town="")
        return details if shown in ("postcode", "all") else replace(details, postcode="")
    return replace(details, email="") if draw.random() < 0.2 else details


def _worn(draw: random.Random, details: ContactDetails, chance: float) -> ContactDetails:
    """Misspelt anywhere, half a name or another forename, fields lost."""
    words = details.person.split()
    if len(words) > 1:
        turn = draw.random() / chance
        if turn < 0.5:
            words = [draw.choice(words)]
        elif turn < 0.8:
            words.reverse()
        elif turn < 0.9:
            words[0] = a_forename(draw)
        elif turn < 1.0:
            words[-1] = a_surname(draw)
    fields = {"person": " ".join(words), "company": details.company, "town": details.town}
    fields |= {"email": details.email, "address": details.address}
    for field, value in fields.items():
        for _ in range(draw.choice([1, 1, 2])):
            fields[field] = value = _slipped(draw, value, chance)
    for field in ("town", "email"):
        if draw.random() < chance * 0.7:
            fields[field] = ""
    code = typed(draw, details.postcode, chance / 2).upper()
    return replace(details, postcode=code, **fields)  # type: ignore[arg-type]  # texts by name


def _slipped(draw: random.Random, text: str, chance: float) -> str:
    """One slip of the keyboard sometimes, and now and then a worse one."""
    if len(text) < 4 or draw.random() > chance:
        return text
    worse = draw.random()
    at, other = sorted(draw.sample(range(len(text)), 2))
    if worse < 0.2:  # two letters have changed places
        return text[:at] + text[other] + text[at + 1 : other] + text[at] + text[other + 1 :]
    if worse < 0.3:  # a space too many or too few
        return text.replace(" ", "", 1) if " " in text else f"{text[:at]} {text[at:]}"
    if worse < 0.4:
        return text[:at] + draw.choice(_LETTERS) * 2 + text[at + 1 :]
    return typed(draw, text, 1.0)


def organisations(size: int, asked: int, seed: int) -> MatchingSet:
    """Organisations by the name alone, with neighbours that are nearly called the same."""
    draw = random.Random(f"organisations {seed}")
    known: dict[str, _Organisation] = {}
    while len(known) < size:
        some = _Organisation(draw)
        if known and draw.random() < 0.1:
            some = some.neighbour_of(draw, next(reversed(known.values())))
        known[some.written(draw, 0.25)] = some
    held = [(f"o{at}", ContactDetails(company=name)) for at, name in enumerate(known)]
    listed = list(known.values())
    of, truth = [], {}
    for number in range(asked):
        at = draw.randrange(size)
        if draw.random() < 0.85:
            truth[f"a{number}"] = {f"o{at}"}
            name = listed[at].written(draw, 0.6)
        else:
            other = _Organisation(draw)
            if draw.random() < 0.6:
                other.neighbour_of(draw, listed[at])
            name = other.written(draw, 0.6)
        of.append((f"a{number}", ContactDetails(company=name)))
    return MatchingSet(f"organisations_{size}", of, held, truth)


class _Organisation:
    """What an organisation is: a kind, and what tells it from others of the kind."""

    def __init__(self, draw: random.Random) -> None:
        self.town = draw.choice(WORDS["towns"])[0] if draw.random() < 0.5 else a_surname(draw)
        self.kind: list[str] = draw.choice(KINDS["kinds"])
        heads: list[Callable[[], str]] = [
            lambda: self.town,
            lambda: self.town,
            lambda: a_surname(draw),
            lambda: f"{a_forename(draw)} {a_surname(draw)}",
            lambda: f"{draw.choice(KINDS['saints'])} {a_forename(draw)}'s",
            lambda: draw.choice(WORDS["business_words"]),
            lambda: f"{draw.choice(WORDS['business_words'])} {a_surname(draw)}",
        ]
        self.head = draw.choice(heads)()
        self.quality = draw.choice(KINDS["qualities"]) if draw.random() < 0.4 else ""
        self.told_by_town = False

    def neighbour_of(self, draw: random.Random, other: "_Organisation") -> "_Organisation":
        """Makes it nearly the other: a word differs, or the town alone."""
        kept = draw.choice(
            [
                ("head", "town"),
                ("kind", "quality", "town"),
                ("head", "quality"),
                ("head", "kind", "quality"),
                ("head", "kind", "quality"),
            ]
        )
        for name in kept:
            setattr(self, name, getattr(other, name))
        self.told_by_town = len(kept) == 3 and "head" in kept
        return self

    def written(self, draw: random.Random, freedom: float) -> str:
        """The name as someone writes it, the further from its usual form the more freedom."""

        def free(part: float) -> bool:
            return draw.random() < freedom * part

        kind = draw.choice(self.kind) if free(0.4) else self.kind[0]
        if free(0.25):
            kind = ""
        quality = "" if free(0.4) else self.quality
        if free(0.12):
            quality = draw.choice(KINDS["qualities"])
        if kind and self.head == self.town and free(0.3):
            name = f"{quality} {kind} of {self.head}"
        else:
            name = f"{self.head} {quality} {kind}"
        name = " ".join(name.split())
        for full, short in KINDS["short"]:
            if free(0.5):
                name = name.replace(full, short)
        if free(0.3):
            name = f"The {name}"
        name = self._with_more(draw, freedom, name, kind)
        return _slipped(draw, name, freedom * 0.25)

    def _with_more(self, draw: random.Random, freedom: float, name: str, kind: str) -> str:
        """Return the name with an owner, a town, a kind or a tail, sometimes."""

        def free(part: float) -> bool:
            return draw.random() < freedom * part

        if free(0.15):
            name = f"{draw.choice(KINDS['owners'])} {name}"
        if self.town not in name and (self.told_by_town or free(0.5)):
            name += draw.choice([f" ({self.town})", f", {self.town}", f" {self.town}"])
        elif kind and free(0.15):
            name += f" ({self.kind[0].lower()})"
        if free(0.15):
            name += f" {draw.choice(KINDS['tails'])}"
        return name
