"""Seeded random choices from weighted word lists."""

import json
import random
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import accumulate
from typing import Any


@cache
def word_list(name: str) -> Any:
    """Return the parsed data file of that name."""
    text = (resources.files(__package__) / "data" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)


class SeededRandom:
    """Stream of random choices, reproducible by its seed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  # made-up people, not keys
        self._sums: dict[int, tuple[Sequence[Any], list[float]]] = {}

    def chance(self, share: float) -> bool:
        """Return True with probability `share`."""
        return self._random.random() < share

    def number(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def bits(self, count: int) -> int:
        """Return that many random bits."""
        return self._random.getrandbits(count)

    def one(self, options: Sequence[Any]) -> Any:
        """Return one of the options, all equally likely."""
        return options[int(self._random.random() * len(options))]

    def weighted(self, weights: Mapping[Any, float]) -> Any:
        """Return one of the keys, by its weight."""
        options, sums = self._sums_of(weights, lambda: (list(weights), list(weights.values())))
        return self._pick(options, sums)

    def common_first(self, options: Sequence[Any]) -> Any:
        """Return one of the options; the first is far likelier than the last, as with surnames."""
        options, sums = self._sums_of(
            options, lambda: (options, [1 / (rank + 3) for rank in range(len(options))])
        )
        return self._pick(options, sums)

    def shuffled(self, options: Sequence[Any]) -> list[Any]:
        """Return the options in random order."""
        copy = list(options)
        self._random.shuffle(copy)
        return copy

    def _sums_of(self, key: Any, make: Any) -> tuple[Sequence[Any], list[float]]:
        # Word lists live as long as the process, so their identity is a valid key.
        if id(key) not in self._sums:
            options, weights = make()
            self._sums[id(key)] = (options, list(accumulate(weights)))
        return self._sums[id(key)]

    def _pick(self, options: Sequence[Any], sums: list[float]) -> Any:
        return self._random.choices(options, cum_weights=sums)[0]
