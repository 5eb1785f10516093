"""Seeded drawing from weighted word lists."""

import json
import random
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import accumulate
from typing import Any


@cache
def word_list(name: str) -> Any:
    """The data file of that name, parsed."""
    text = (resources.files(__package__) / "data" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)


class SeededRandom:
    """One stream of random choices: the same seed and the same questions, the same answers."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  # made-up people, not keys
        self._sums: dict[int, tuple[Sequence[Any], list[float]]] = {}

    def chance(self, share: float) -> bool:
        """True in `share` of the cases."""
        return self._random.random() < share

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both possible."""
        return low + int(self._random.random() * (high - low + 1))

    def bits(self, count: int) -> int:
        """That many random bits."""
        return self._random.getrandbits(count)

    def one(self, options: Sequence[Any]) -> Any:
        """One of the options, all alike."""
        return options[int(self._random.random() * len(options))]

    def weighted(self, weights: Mapping[Any, float]) -> Any:
        """One of the keys, by its weight."""
        options, sums = self._sums_of(weights, lambda: (list(weights), list(weights.values())))
        return self._pick(options, sums)

    def common_first(self, options: Sequence[Any]) -> Any:
        """One of the options, the first far likelier than the last, as surnames are."""
        options, sums = self._sums_of(
            options, lambda: (options, [1 / (rank + 3) for rank in range(len(options))])
        )
        return self._pick(options, sums)

    def shuffled(self, options: Sequence[Any]) -> list[Any]:
        """The options in another order."""
        copy = list(options)
        self._random.shuffle(copy)
        return copy

    def _sums_of(self, key: Any, make: Any) -> tuple[Sequence[Any], list[float]]:
        # The word lists live as long as the process, so their identity can stand for them.
        if id(key) not in self._sums:
            options, weights = make()
            self._sums[id(key)] = (options, list(accumulate(weights)))
        return self._sums[id(key)]

    def _pick(self, options: Sequence[Any], sums: list[float]) -> Any:
        return self._random.choices(options, cum_weights=sums)[0]
