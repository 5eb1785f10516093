"""Fictional names of people and companies, from word lists."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from anyascii import anyascii

from crmlink.commusoft.sandbox.seeded_random import SeededRandom, word_list


@dataclass(frozen=True, slots=True)
class Person:
    """A person's name."""

    title: str
    first_name: str
    surname: str


class NameGenerator:
    """Generator of names with the mix of a region of the United Kingdom."""

    def __init__(self, draw: SeededRandom) -> None:
        self._draw = draw
        self._words = word_list("people")
        self._business = word_list("business")

    def person(self, region: str, surname: str | None = None) -> Person:
        """Return a person of the region, with the surname if given."""
        draw, words = self._draw, self._words
        origin = draw.weighted(words["shares"][region])
        gender = "women" if draw.chance(0.52) else "men"
        names = words["origins"][origin]
        own = draw.common_first(names["surnames"])
        if origin == "polish" and gender == "women":
            own = re.sub(r"ski$", "ska", own)
        if draw.chance(0.02):
            own = f"{own}-{draw.common_first(words['origins']['english']['surnames'])}"
        first = draw.common_first(names[gender])
        if draw.chance(0.06):
            first = words["short_forms"].get(first, first)
        return Person(draw.weighted(words["titles"][gender]), first, surname or own)

    def surname(self, region: str) -> str:
        """Return a surname for a company's name."""
        return self.person(region).surname

    def company(self, kind: str, region: str, town: str, owner: Person) -> str:
        """Return the name of a customer's company or a supplier."""
        draw, words = self._draw, self._business
        pattern = draw.weighted(words["customers" if kind == "customer" else "suppliers"])
        if kind == "customer" and region == "wales" and draw.chance(0.15):
            pattern = draw.weighted(words["wales"])
        # Draw only the parts that the pattern names.
        fields = {name: self._part(name, region, town, owner) for name in _fields(pattern)}
        return str(pattern.format(**fields))

    def _part(self, name: str, region: str, town: str, owner: Person) -> str:
        draw, words = self._draw, self._business
        own = {"town": town, "first": owner.first_name, "surname": owner.surname}
        if name in own:
            return own[name]
        if name == "surname2":
            return self.surname(region)
        if name == "initials":
            letters = "ABCDEFGHJKLMNPRSTW"
            return "".join(draw.one(letters) for _ in range(draw.number(2, 3)))
        lists = {"word2": "words", "church": "churches", "goods": "goods"}
        return str(draw.one(words[lists.get(name, f"{name}s")]))

    def private_email(self, person: Person) -> str:
        """Return an email at a fictional mail provider."""
        draw, first, last = self._draw, slug(person.first_name), slug(person.surname)
        local = draw.one(
            (f"{first}.{last}", f"{first}{last}", f"{first[:1]}{last}", f"{last}.{first}")
        )
        if draw.chance(0.45):
            local += str(draw.number(1, 99))
        return f"{local}@{draw.weighted(self._business['private_domains'])}"

    def company_email(self, company: str, person: Person) -> str:
        """Return a mailbox of the company."""
        draw = self._draw
        name = re.sub(r"\b(ltd|limited|llp|plc|cyf|the|and|t/a)\b|&", " ", company.lower())
        domain = slug(name)[:40] or "office"
        box = draw.one(self._business["mailboxes"])
        if draw.chance(0.3):
            box = slug(person.first_name)
        return f"{box}@{domain}.example"


@cache
def _fields(pattern: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(r"{(\w+)}", pattern)))


@cache
def slug(text: str) -> str:
    """Return letters and digits alone, in lower case, without accents."""
    return re.sub(r"[^a-z0-9]", "", anyascii(unicodedata.normalize("NFC", text)).lower())
