"""Fictional addresses in real towns, with postcode districts that belong to them."""

from dataclasses import dataclass
from typing import Any

from crmlink.commusoft.sandbox.seeded_random import SeededRandom, word_list

_INWARD = "ABDEFGHJLNPQRSTUWXYZ"  # C, I, K, M, O and V do not occur in inward codes


@dataclass(frozen=True, slots=True)
class Place:
    """One address."""

    line1: str
    line2: str
    town: str
    county: str
    postcode: str
    region: str
    dial: str


class AddressGenerator:
    """Generator of addresses; neighbouring houses share their postcode."""

    def __init__(self, draw: SeededRandom) -> None:
        self._draw = draw
        self._words = word_list("places")
        self._towns = {index: town["weight"] for index, town in enumerate(self._words["towns"])}
        self._postcodes: dict[tuple[str, str, int], str] = {}

    def town(self) -> dict[str, Any]:
        """Return a random town, larger ones more often."""
        town: dict[str, Any] = self._words["towns"][self._draw.weighted(self._towns)]
        return town

    def home(self) -> Place:
        """Return the address of a household."""
        draw, town = self._draw, self.town()
        street, number = self._street(town["region"]), draw.number(1, 160)
        if draw.chance(0.12):
            flat = f"Flat {draw.number(1, 24)}"
            return self._place(town, flat, f"{number} {street}", street, number)
        if draw.chance(0.04):
            installation = draw.one(self._words["houses"])
            return self._place(town, installation, street, street, number)
        letter = draw.one("AB") if draw.chance(0.03) else ""
        return self._place(town, f"{number}{letter} {street}", "", street, number)

    def premises(self) -> Place:
        """Return the address of a company."""
        draw, town = self._draw, self.town()
        if draw.chance(0.45):
            estate = draw.one(self._words["estates"])
            return self._place(town, f"Unit {draw.number(1, 30)}", estate, estate, 1)
        street, number = self._street(town["region"]), draw.number(1, 200)
        if draw.chance(0.2):
            floor = f"{draw.one(['First', 'Second', 'Ground'])} Floor"
            return self._place(town, floor, f"{number} {street}", street, number)
        return self._place(town, f"{number} {street}", "", street, number)

    def _street(self, region: str) -> str:
        draw, streets = self._draw, self._words["streets"]
        if region == "wales" and draw.chance(0.4):
            words = streets["wales"]
            return f"{draw.one(words['prefixed'])} {draw.one(words['names'])}"
        words = streets["england" if region == "wales" else region]
        if draw.chance(0.03):
            return "High Street"
        return f"{draw.common_first(words['names'])} {draw.weighted(words['kinds'])}"

    def _place(
        self, town: dict[str, Any], line1: str, line2: str, street: str, number: int
    ) -> Place:
        stretch = (town["town"], street, number // 30)
        if stretch not in self._postcodes:
            self._postcodes[stretch] = self._postcode(town)
        return Place(
            line1,
            line2,
            town["town"],
            town["county"],
            self._postcodes[stretch],
            town["region"],
            town["dial"],
        )

    def _postcode(self, town: dict[str, Any]) -> str:
        draw = self._draw
        end = f"{draw.number(1, 9)}{draw.one(_INWARD)}{draw.one(_INWARD)}"
        return f"{draw.one(town['outward'])} {end}"
