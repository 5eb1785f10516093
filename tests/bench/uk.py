"""Seeded made-up UK records, and contacts that are hard in the ways that real ones are.

Surnames, forenames and towns follow steep frequencies, so that namesakes abound; families
share a surname, an address and a phone; firms have branches. Contacts lack fields, are
misspelt, abbreviated, moved, and some have no record though a relative or namesake has one.
"""

import json
import random
from bisect import bisect
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from bench.mailboxes import Mailboxes, own_domain
from bench.sets import MatchingSet
from crmlink.matching.normalise import NICKNAMES
from crmlink.matching.titles import Gender, gender_of_forename
from crmlink.values.contact_details import ContactDetails

WORDS = json.loads(Path(__file__).with_name("uk_words.json").read_text("utf-8"))
_SURNAMES = WORDS["surnames"] + [
    head + tail for head in WORDS["surname_heads"] for tail in WORDS["surname_tails"]
]
_SHORT = {"Road": "Rd", "Street": "St", "Avenue": "Ave", "Lane": "Ln", "Drive": "Dr", "Close": "Cl"}
# Of the contacts without a record, so many live with someone who has one or are a branch of a firm
# that has, and so many are called nearly the same. Few customers of a trade firm are related; lists
# full of families are measured apart (bench.matching sure).
RELATIVES, NEAR_NAMES = 0.15, 0.15
_TYPISTS = "abcdefghijklmnopqrstuvwxyz"


class _Steep:
    """Draws from a list so that the n-th is about 1/n as frequent as the first."""

    def __init__(self, values: list[str], flat: float) -> None:
        self._values = values
        self._sums = list(accumulate(1 / (place + flat) for place in range(1, len(values) + 1)))

    def __call__(self, draw: random.Random) -> str:
        return self._values[bisect(self._sums, draw.random() * self._sums[-1])]


a_surname = _Steep(random.Random(1).sample(_SURNAMES[170:], len(_SURNAMES) - 170), 400)
_common_surname = _Steep(WORDS["surnames"], 12)
a_forename = _Steep(WORDS["forenames"], 20)


def _person(draw: random.Random) -> str:
    family = _common_surname(draw) if draw.random() < 0.45 else a_surname(draw)
    middle = f" {a_forename(draw)}" if draw.random() < 0.08 else ""
    return f"{a_forename(draw)}{middle} {family}"


def _home(draw: random.Random) -> tuple[str, str, str]:
    town, area = draw.choice(WORDS["towns"])
    street = f"{draw.choice(WORDS['streets'])} {draw.choice(WORDS['street_types'])}"
    number = draw.randint(1, 150)
    local = random.Random(f"{town} {area} {street} {number // 40}")
    inward = "".join(local.choice("ABDEFGHJLNPQRSTUWXYZ") for _ in range(2))
    code = f"{area}{local.randint(1, 30)} {local.randint(0, 9)}{inward}"
    flat = f"Flat {draw.randint(1, 12)}, " if draw.random() < 0.08 else ""
    return f"{flat}{number} {street}", town, code


def _phone(draw: random.Random) -> str:
    return f"0171 {draw.randrange(10**7):07d}"  # London's code until 2000, not in use since


def _email(draw: random.Random, name: str, company: str, mailboxes: Mailboxes) -> str:
    return mailboxes.of_firm(draw, company, name) if company else mailboxes.of_person(draw, name)


def _company(draw: random.Random) -> str:
    head = draw.choice(
        [
            draw.choice(WORDS["business_words"]),
            a_surname(draw),
            draw.choice(WORDS["towns"])[0],
            f"{_common_surname(draw)} & {a_surname(draw)}",
            f"{draw.choice(WORDS['business_words'])} {a_surname(draw)}",
        ]
    )
    return f"{head} {draw.choice(WORDS['trades'])} {draw.choice(WORDS['forms'])}".strip()


def a_record(draw: random.Random, kind: str, mailboxes: Mailboxes) -> ContactDetails:
    person = _person(draw)
    company = _company(draw) if draw.random() < (0.9 if kind == "supplier" else 0.25) else ""
    address, town, code = _home(draw)
    return ContactDetails(
        kind=kind,  # type: ignore[arg-type]  # one of KINDS
        person=person if not company or draw.random() < 0.6 else "",
        company=company,
        address=address,
        town=town,
        postcode=code if draw.random() < 0.95 else "",
        email=_email(draw, person, company, mailboxes) if draw.random() < 0.7 else "",
        phones=tuple(_phone(draw) for _ in range(draw.choice([0, 1, 1, 1, 2]))),
    )


def _relative(draw: random.Random, record: ContactDetails, mailboxes: Mailboxes) -> ContactDetails:
    """Somebody else: of the same family and house, or another branch of the same firm."""
    if record.company:
        address, town, code = _home(draw)
        domain = own_domain(record.email)
        name = f"{record.company} ({town})" if draw.random() < 0.8 else record.company
        return replace(
            record,
            company=name,
            address=address,
            town=town,
            postcode=code,
            person="",
            email=mailboxes.at_firm(draw, domain, "") if domain and draw.random() < 0.5 else "",
            phones=(_phone(draw),),
        )
    first, *_, family = record.person.split()
    others = NICKNAMES.get(first.lower(), frozenset()) | {first.lower()}
    forename = a_forename(draw)
    while forename.lower() in others:
        forename = a_forename(draw)
    name = f"{forename} {family}"
    email = mailboxes.of_person(draw, name) if draw.random() < 0.5 else ""
    return replace(record, person=name, email=email)


def _near_name(draw: random.Random, record: ContactDetails, mailboxes: Mailboxes) -> ContactDetails:
    """Somebody else again, elsewhere: a name that differs in one word or by a few letters."""
    words = (record.company or record.person).split()
    at = draw.randrange(len(words))
    chance = draw.random()
    if record.company and chance < 0.4:
        words[at] = draw.choice([*WORDS["business_words"], *WORDS["trades"]])
    elif record.company and chance < 0.7:
        words.insert(
            draw.randrange(2), draw.choice([a_surname(draw), draw.choice(WORDS["towns"])[0]])
        )
    elif record.company and len(words) > 2:
        del words[at]
    else:
        words[-1] = typed(draw, typed(draw, words[-1], 1.0), 0.5)
    other = a_record(draw, record.kind or "customer", mailboxes)
    name = " ".join(words)
    if record.company:
        return replace(other, company=name, person="")
    return replace(other, person=name, company="")


def records(count: int, seed: int) -> list[tuple[str, ContactDetails]]:
    """Made-up records with ids, nine customers to one supplier, with families and branches."""
    draw = random.Random(f"records {seed}")
    made: list[tuple[str, ContactDetails]] = []
    mailboxes = Mailboxes()
    for number in range(count):
        kind = "supplier" if draw.random() < 0.1 else "customer"
        if made and draw.random() < 0.12:
            details = _relative(draw, made[-1][1], mailboxes)
        else:
            details = a_record(draw, kind, mailboxes)
        made.append((f"{details.kind}-{number + 2001}", details))
    return made


def contacts(
    of: list[tuple[str, ContactDetails]],
    count: int,
    seed: int,
    share: float = 0.75,
    partial: bool = False,
    once: bool = False,
) -> tuple[list[tuple[str, ContactDetails]], dict[str, set[str]]]:
    """Contacts and the truth about them; `share` of them have a record.

    With `partial` every contact is of a record that has a postcode, and has a name and an
    address or postcode and no email or phone.
    With `once` no two have the same record.
    """
    draw = random.Random(f"contacts {seed}")
    made, truth = [], {}
    mailboxes = Mailboxes(details.email for _, details in of)
    listed = {_who(details) for _, details in of}
    places = draw.sample(range(len(of)), count) if once else []
    for number in range(count):
        record_id, details = of[places[number] if once else draw.randrange(len(of))]
        while partial and not details.postcode:
            record_id, details = of[draw.randrange(len(of))]
        contact_id = f"c{number}"
        if draw.random() < share:
            truth[contact_id] = {record_id}
        else:
            details = _outsider(draw, details, mailboxes, listed)
        made.append((contact_id, _as_contact(draw, details, partial, mailboxes)))
    return made, truth


def _outsider(
    draw: random.Random, record: ContactDetails, mailboxes: Mailboxes, listed: set[tuple[str, str]]
) -> ContactDetails:
    """Return the details of a contact without a record, near to those of the record or not."""
    chance = draw.random()
    while True:
        if chance < RELATIVES:
            details = _relative(draw, record, mailboxes)
        elif chance < RELATIVES + NEAR_NAMES:
            details = _near_name(draw, record, mailboxes)
        else:
            details = a_record(draw, record.kind or "customer", mailboxes)
        if _who(details) not in listed:
            return details


def _who(details: ContactDetails) -> tuple[str, str]:
    """Return what tells a person or a branch from all others: the name and the house."""
    return (details.company or details.person).lower(), details.address.lower()


def _as_contact(
    draw: random.Random, details: ContactDetails, partial: bool, mailboxes: Mailboxes
) -> ContactDetails:
    moved = draw.random() < 0.06
    if moved:
        address, town, code = _home(draw)
        details = replace(details, address=address, town=town, postcode=code)
    keep = draw.choice(["name", "postcode", "address", "email", "phone", "most", "most"])
    if partial:
        keep = draw.choice(["postcode", "address"])
    shown = {
        "address": keep in ("address", "most"),
        "town": keep in ("address", "most") or draw.random() < 0.15,
        "postcode": keep in ("postcode", "most") or (keep == "address" and draw.random() < 0.4),
        "email": keep == "email" or (keep == "most" and draw.random() < 0.6),
        "phones": keep == "phone" or (keep == "most" and draw.random() < 0.5),
    }
    changes: dict[str, object] = {field: "" for field, said in shown.items() if not said}
    if "phones" in changes:
        changes["phones"] = ()
    elif details.phones:
        changes["phones"] = (
            _phone(draw) if draw.random() < 0.1 else _redialled(draw, details.phones[-1]),
        )
    if "email" not in changes and draw.random() < 0.12:
        changes["email"] = _other_email(draw, details, mailboxes)
    if "address" not in changes:
        changes["address"] = typed(draw, _abbreviated(draw, details.address), 0.15)
    if "postcode" not in changes:
        changes["postcode"] = _postcode_typed(draw, details.postcode)
    changes["person"], changes["company"] = _renamed(draw, details)
    return replace(details, kind=details.kind if draw.random() < 0.7 else None, **changes)  # type: ignore[arg-type]  # fields by name


def _other_email(draw: random.Random, details: ContactDetails, mailboxes: Mailboxes) -> str:
    """Return another mailbox of the same person or firm."""
    if domain := own_domain(details.email):
        return mailboxes.at_firm(draw, domain, details.person)
    return _email(draw, details.person, details.company, mailboxes)


def _renamed(draw: random.Random, details: ContactDetails) -> tuple[str, str]:
    company = details.company
    for form in (" Ltd.", " Ltd", " Limited", " PLC", " LLP", " & Sons"):
        if company.endswith(form) and draw.random() < 0.5:
            company = company.removesuffix(form)
    if "&" in company and draw.random() < 0.5:
        company = company.replace("&", "and")
    person = _renamed_person(draw, details.person)
    if company and draw.random() < 0.6:
        person = ""
    return typed(draw, person, 0.1), typed(draw, company, 0.1)


def _renamed_person(draw: random.Random, person: str) -> str:
    words = person.split()
    if words:
        forename = words[0]
        chance = draw.random()
        short = sorted(NICKNAMES.get(words[0].lower(), ()))
        if chance < 0.1 and short:
            words[0] = draw.choice(short).title()
        elif chance < 0.2:
            words[0] = words[0][0]
        if len(words) > 2 and draw.random() < 0.6:
            del words[1]
        person = " ".join(words)
        if draw.random() < 0.08:
            person = f"{words[-1]}, {' '.join(words[:-1])}"
        elif draw.random() < 0.15:
            person = f"{_title(draw, forename)} {person}"
    return person


def _title(draw: random.Random, forename: str) -> str:
    title = draw.choice(["Mr", "Mrs", "Ms", "Dr"])
    gender = gender_of_forename(forename.lower())
    if title == "Dr" or gender is Gender.UNKNOWN:
        return title
    if gender is Gender.MAN:
        return "Mr"
    return "Mrs" if title == "Mr" else title


def typed(draw: random.Random, text: str, chance: float) -> str:
    """The text with one slip of the keyboard, sometimes."""
    if len(text) < 4 or draw.random() > chance:
        return text
    at = draw.randrange(1, len(text) - 1)
    return draw.choice(
        [
            text[:at] + text[at + 1 :],
            text[:at] + draw.choice(_TYPISTS) + text[at:],
            text[:at] + draw.choice(_TYPISTS) + text[at + 1 :],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        ]
    )


def _abbreviated(draw: random.Random, address: str) -> str:
    for long, short in _SHORT.items():
        if address.endswith(long) and draw.random() < 0.4:
            return address.removesuffix(long) + short
    return address


def _postcode_typed(draw: random.Random, code: str) -> str:
    chance = draw.random()
    if chance < 0.1:
        return code.lower().replace(" ", "")
    if chance < 0.13:
        return code.split(" ")[0]
    return typed(draw, code, 0.04).upper()


def _redialled(draw: random.Random, phone: str) -> str:
    return draw.choice([phone, phone.replace(" ", ""), "+44 " + phone[1:], "0044" + phone[1:]])


def made_set(
    size: int, asked: int, seed: int, share: float = 0.75, partial: bool = False
) -> MatchingSet:
    """A whole made-up set."""
    held = records(size, seed)
    of, truth = contacts(held, asked, seed, share, partial)
    return MatchingSet(f"made_{size}", of, held, truth)
