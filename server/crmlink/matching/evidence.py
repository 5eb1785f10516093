"""What speaks for and against each candidate: one row of numbers per record.

Every feature is zero where either side says nothing, so that missing fields are neither for
nor against. A *weight* of a word is its rarity in the list at hand, the natural logarithm of
(records / records that hold it): agreeing on *Pargeter* says more than agreeing on *Smith*.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cdist

from crmlink.matching import normalise
from crmlink.matching.columns import FLAG_BITS, Floats, Ints, Vocabulary
from crmlink.matching.index import CODES, GRAMS, PHONES, Index, grams
from crmlink.matching.terms import ASIDE, MAIL, OTHER, TOWN, Terms, Words, mail_text

FLAGS = (1 << FLAG_BITS) - 1
EXACT, NICK, FUZZY, INITIAL = 1.0, 0.97, 0.95, 0.55
Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bag:
    """The candidates' words of one field as tables of shape (records, most words)."""

    at: NDArray[np.int64]  # place of the word among `distinct`, the last one for no word
    flags: Ints
    inside: NDArray[np.bool_]
    weights: Floats
    distinct: list[str]


def bag(table: Ints, vocabulary: Vocabulary, total: int) -> Bag:
    inside = table >= 0
    numbers, at = np.unique(table >> FLAG_BITS, return_inverse=True)
    if len(numbers) and numbers[0] < 0:  # the place of -1 moves to the end
        numbers, at = numbers[1:], np.where(inside, at.reshape(table.shape) - 1, len(numbers) - 1)
    rarity = np.append(_rarity(vocabulary.held(numbers), total), 0.0)
    at = at.reshape(table.shape)
    words = vocabulary.words
    return Bag(at, table & FLAGS, inside, rarity[at], [words[number] for number in numbers])


def _rarity(held: Floats, total: int) -> Floats:
    return np.log((total + 1.0) / np.maximum(held, 0.5))


def likeness(words: list[str], distinct: list[str], names: bool) -> Table:
    """How alike words are, shape (words, distinct + 1); the last column is for no word."""
    alike = np.zeros((len(words), len(distinct) + 1))
    if not words or not distinct:
        return alike
    spelling = cdist(words, distinct, scorer=OSA.normalized_similarity, dtype=np.float32)
    sound = cdist(words, distinct, scorer=JaroWinkler.normalized_similarity, dtype=np.float32)
    mean = (spelling + sound) / 2
    near = np.clip((mean - 0.55) / 0.45, 0, FUZZY)
    near[near < 0.25] = 0
    for row, word in enumerate(words):
        if word.isdigit():
            near[row] = 0
    near[spelling == 1] = EXACT
    alike[:, :-1] = near
    if names:
        _short_forms(words, distinct, alike)
    return alike


def _short_forms(words: list[str], distinct: list[str], alike: Table) -> None:
    for row, word in enumerate(words):
        known_as = normalise.NICKNAMES.get(word)
        for column, other in enumerate(distinct):
            if (len(word) == 1) != (len(other) == 1):
                if word[0] == other[0] and not word.isdigit():
                    alike[row, column] = INITIAL
            elif known_as and other in known_as:
                alike[row, column] = NICK


@dataclass(frozen=True, slots=True)
class Alignment:
    """Best partner of each of the contact's words and of each of the record's, 0 for none."""

    asked: Table  # (words, records)
    held: Table  # (records, most words)


def align(alike: Table, bag: Bag, mask: NDArray[np.bool_]) -> Alignment:
    paired = np.where(mask, alike[:, bag.at], 0.0)
    return Alignment(paired.max(axis=2, initial=0), paired.max(axis=0, initial=0))


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


class Evidence:
    """The features of one contact's candidates; `features` has shape (records, FEATURES)."""

    def __init__(self, index: Index, asked: Terms, rows: Ints) -> None:
        self.index, self.asked, self.rows = index, asked, rows
        self.total = len(index)
        self._log_total = float(np.log(self.total + 1.0))
        self.columns: dict[str, Floats] = {}
        self._persons: NDArray[np.bool_] = ~index.firms[rows] & (not asked.firm)
        self._places()
        self._names()
        self._postcodes()
        self._emails()
        self._phones()
        self._code("account")
        self._kind()
        self._bare()

    def features(self) -> Table:
        zeros = np.zeros(len(self.rows))
        names = np.column_stack([self.columns.get(name, zeros) for name in NAME_FEATURES])
        others = np.column_stack([self.columns.get(name, zeros) for name in OTHER_FEATURES])
        persons = self._persons[:, None]
        return np.hstack([names * persons, names * ~persons, others])

    # names

    def _names(self) -> None:
        asked = self.asked
        words = [word for word, _ in (*asked.label, *asked.other)]
        if not words:
            return
        held = bag(self.index.name_bags.table(self.rows), self.index.names, self.total)
        alike = likeness(words, held.distinct, names=True)
        weights = self._rarities(self.index.names, words)
        is_other = (held.flags & OTHER) > 0
        options: list[tuple[dict[str, Floats], NDArray[np.bool_]]] = []
        cut = len(asked.label)
        for own, own_alike, own_weights in (
            (asked.label, alike[:cut], weights[:cut]),
            (asked.other, alike[cut:], weights[cut:]),
        ):
            for mask, flag in ((held.inside & ~is_other, 0), (held.inside & is_other, OTHER)):
                if own and (flag == 0 or mask.any()):
                    found = self._name(own, own_alike, own_weights, held, mask, flag)
                    has: NDArray[np.bool_] = mask.any(axis=1)
                    options.append((found, has))
        self._keep_best(options)

    def _rarities(self, vocabulary: Vocabulary, words: list[str]) -> Floats:
        numbers = np.array([vocabulary.find(word) for word in words], np.int64)
        return _rarity(vocabulary.held(numbers), self.total)

    def _keep_best(self, options: list[tuple[dict[str, Floats], NDArray[np.bool_]]]) -> None:
        """Of several pairs of names the one that fits best speaks; a second one that fits, too."""
        if len(options) == 1:
            self.columns.update(options[0][0])
            return
        fits = np.stack([np.where(has, found["name_fit"], -1.0) for found, has in options])
        best = fits.argmax(axis=0)
        places = np.arange(len(self.rows))
        for name in options[0][0]:
            self.columns[name] = np.stack([found[name] for found, _ in options])[best, places]
        second = np.sort(fits, axis=0)[-2]
        self.columns["name_second"] = np.where(second > 0.75, 1.0, 0.0)

    def _name(
        self,
        own: Words,
        alike: Table,
        weights: Floats,
        held: Bag,
        mask: NDArray[np.bool_],
        flag: int,
    ) -> dict[str, Floats]:
        found = align(alike, held, mask)
        aside = np.array([(f & ASIDE) > 0 for _, f in own])
        record_weights = np.where(mask, held.weights, 0.0)
        record_aside = (held.flags & ASIDE) > 0
        weights = np.where(aside, weights / 2, weights)
        record_weights = np.where(record_aside, record_weights / 2, record_weights)
        column = weights[:, None]
        exact = (column * (found.asked == EXACT)).sum(axis=0)
        near = (
            column * np.where((found.asked < NICK) & (found.asked > INITIAL), found.asked, 0)
        ).sum(axis=0)
        lacking = column * (1 - found.asked)
        elsewhere = self._in_place([word for word, _ in own])
        lacking_main = (lacking * ~aside[:, None] * ~elsewhere).sum(axis=0)
        surplus = record_weights * (1 - found.held)
        surplus_main = (surplus * ~record_aside).sum(axis=1)
        whole, record_whole = weights.sum(), record_weights.sum(axis=1)
        covered = (column * found.asked).sum(axis=0) / max(whole, 1e-9)
        record_covered = _share((record_weights * found.held).sum(axis=1), record_whole)
        cosine = self._cosine(own, flag)
        joined, swapped = self._spelling(own, held, mask)
        there = mask.any(axis=1)
        has = there.astype(np.float64)
        mine_left = ((found.asked < 0.5) & ~aside[:, None] & ~elsewhere).sum(axis=0)
        theirs_left = ((found.held < 0.5) & mask & ~record_aside).sum(axis=1)
        swapped_words = np.minimum(mine_left, theirs_left)
        same = has * (
            (found.asked == EXACT).all(axis=0) & ((found.held == EXACT) | ~mask).all(axis=1)
        )
        fit = np.maximum(cosine, np.maximum(joined, swapped)) * 0.5 + 0.25 * (
            covered + record_covered
        )
        return {
            "name_fit": fit * has,
            "name_same": same,
            "name_exact": exact,
            "name_both_covered": covered * record_covered * has,
            "name_near": np.minimum(near, 12.0),
            "name_nick": ((found.asked == NICK).sum(axis=0)).astype(np.float64),
            "name_initial": ((found.asked == INITIAL).sum(axis=0)).astype(np.float64),
            "name_lacking": np.minimum(lacking_main, 15.0) * has,
            "name_lacking_aside": (lacking * aside[:, None] * ~elsewhere).sum(axis=0) * has,
            "name_elsewhere": (lacking * elsewhere).sum(axis=0) * has,
            "name_surplus": np.minimum(surplus_main, 15.0),
            "name_surplus_aside": (surplus * record_aside).sum(axis=1),
            "name_swap": np.minimum(np.minimum(lacking_main, surplus_main), 10.0) * has,
            "name_words_swapped": np.minimum(swapped_words, 3) * has,
            "name_covered": covered * has,
            "name_record_covered": record_covered,
            "name_cosine": cosine,
            "name_spelling": joined,
            "name_order": np.maximum(swapped - joined, 0.0),
            "name_best": np.maximum(np.maximum(swapped, joined), cosine),
            "name_first_word": has * (found.asked[0] >= INITIAL),
            "name_number_swap": has * self._numbers_differ(own, found, held, mask),
            "name_one_word": has * (len(own) == 1),
            "name_there": has,
        }

    def _numbers_differ(
        self, own: Words, found: Alignment, held: Bag, mask: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        mine = np.array([word[:1].isdigit() for word, _ in own])
        if not mine.any():
            return np.zeros(len(self.rows), np.bool_)
        digits = np.array([word[:1].isdigit() for word in held.distinct] + [False])
        theirs = (digits[held.at] & mask & (found.held < 0.5)).any(axis=1)
        differ: NDArray[np.bool_] = theirs & ((found.asked < 0.5) & mine[:, None]).any(axis=0)
        return differ

    def _in_place(self, words: list[str]) -> NDArray[np.bool_]:
        """Which of the words the record has in its address or town, shape (words, records)."""
        numbers = [self.index.places.find(normalise.address(word)) for word in words]
        held = self._place_numbers
        return np.stack([(held == n).any(axis=1) & (n >= 0) for n in numbers])

    def _cosine(self, own: Words, flag: int) -> Floats:
        """Cosine of runs of three letters, each weighted by its rarity."""
        return self._gram_cosine(" ".join(word for word, _ in own), flag)

    def _gram_cosine(self, text: str, flag: int) -> Floats:
        mine = grams([text])[0]
        rarity = self.index.gram_rarity
        weight = np.zeros(GRAMS)
        weight[mine] = rarity[mine]
        table = self._gram_table
        held = np.where((table >= 0) & ((table & FLAGS) == flag), table >> FLAG_BITS, 0)
        held_rarity = rarity[held]
        product = (weight[held] * held_rarity).sum(axis=1)
        length = np.sqrt((held_rarity**2).sum(axis=1)) * np.sqrt((rarity[mine] ** 2).sum())
        return _share(product, length)

    def _spelling(self, own: Words, held: Bag, mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        words = [word for word, flag in own if not flag & ASIDE] or [word for word, _ in own]
        distinct = [*held.distinct, ""]
        main = mask & ((held.flags & ASIDE) == 0)
        main |= mask & ~main.any(axis=1)[:, None]
        lists = [[distinct[at] for at in row] for row in np.where(main, held.at, -1).tolist()]
        straight = ["".join(words_) for words_ in lists]
        ordered = ["".join(sorted(words_)) for words_ in lists]
        joined = cdist(["".join(words)], straight, scorer=OSA.normalized_similarity)[0]
        swapped = cdist(["".join(sorted(words))], ordered, scorer=OSA.normalized_similarity)[0]
        there = mask.any(axis=1)
        return joined.astype(np.float64) * there, swapped.astype(np.float64) * there

    # places

    def _places(self) -> None:
        table = self.index.place_bags.table(self.rows)
        self._place_numbers = np.where(table >= 0, table >> FLAG_BITS, -1)
        self._gram_table = self.index.gram_bags.table(self.rows)
        own = self.asked.place
        if not own:
            return
        held = bag(table, self.index.places, self.total)
        words = [word for word, _ in own]
        alike = likeness(words, held.distinct, names=False)
        weights = self._rarities(self.index.places, words)
        mine_town = np.array([flag == TOWN for _, flag in own])
        their_town = (held.flags & TOWN) > 0
        self._address(words, alike, weights, held, mine_town, their_town)
        self._town(alike, weights, held, mine_town, their_town)

    def _address(
        self,
        words: list[str],
        alike: Table,
        weights: Floats,
        held: Bag,
        mine_town: NDArray[np.bool_],
        their_town: NDArray[np.bool_],
    ) -> None:
        street = held.inside & ~their_town
        both = street.any(axis=1) & (~mine_town).any()
        mine = ~mine_town
        if not mine.any():
            return
        found = align(alike[mine], held, held.inside)
        column = weights[mine][:, None]
        has = both.astype(np.float64)
        exact = (column * (found.asked == EXACT)).sum(axis=0)
        near = (column * np.where(found.asked < EXACT, found.asked, 0)).sum(axis=0)
        covered = _share((column * found.asked).sum(axis=0), np.full(len(self.rows), column.sum()))
        street_weights = np.where(street, held.weights, 0)
        theirs = _share((street_weights * found.held).sum(axis=1), street_weights.sum(axis=1))
        own_words = [word for word, town in zip(words, mine_town, strict=True) if not town]
        numbers = np.array([word[0].isdigit() for word in own_words])
        digits = np.array([word[0].isdigit() for word in held.distinct] + [False])[held.at] & street
        number_agrees = (found.asked[numbers] == EXACT).any(axis=0)
        number_both = digits.any(axis=1) & numbers.any()
        best = np.maximum(covered, theirs)
        self.columns |= {
            "address_exact": exact * has,
            "address_near": np.minimum(near, 12.0) * has,
            "address_covered": covered * has,
            "address_record_covered": theirs * has,
            "address_other": has * (best < 0.25),
            "house_number": has * (number_agrees & number_both),
            "house_number_other": has * (~number_agrees & number_both),
        }

    def _town(
        self,
        alike: Table,
        weights: Floats,
        held: Bag,
        mine_town: NDArray[np.bool_],
        their_town: NDArray[np.bool_],
    ) -> None:
        if not mine_town.any():
            return
        town = held.inside & their_town
        has = town.any(axis=1).astype(np.float64)
        found = align(alike[mine_town], held, held.inside)
        column = weights[mine_town][:, None]
        agreed = (column * np.where(found.asked == EXACT, 1.0, 0.0)).sum(axis=0)
        near = (column * np.where(found.asked < EXACT, found.asked, 0)).sum(axis=0)
        covered = (column * found.asked).sum(axis=0) / max(float(column.sum()), 1e-9)
        self.columns |= {
            "town_exact": np.minimum(agreed, 10.0) * has,
            "town_near": np.minimum(near, 10.0) * has,
            "town_other": has * (covered < 0.3),
        }

    # codes

    def _code(self, field: str) -> tuple[NDArray[np.int64], NDArray[np.bool_], float]:
        """Adds agreement and difference of one code; gives the records' numbers of it."""
        value = getattr(self.asked, field)
        held = self.index.code_table[self.rows, CODES.index(field)].astype(np.int64)
        number = self.index.codes.find(f"{field[0]}:{value}") if value else -1
        rarity = float(_rarity(self.index.codes.held(np.array([number])), self.total)[0])
        same = (held == number) & (number >= 0)
        if value:
            self.columns[f"{field}_same"] = same * rarity
            self.columns[f"{field}_other"] = ((held >= 0) & ~same).astype(np.float64)
        return held, same, rarity

    def _alike(self, value: str, held: NDArray[np.int64], of: NDArray[np.bool_]) -> Floats:
        """How alike the code is to the records' ones where `of` is true."""
        alike = np.zeros(len(held))
        if of.any():
            words = self.index.codes.words
            texts = [words[number][2:] for number in held[of].tolist()]
            alike[of] = cdist([value], texts, scorer=OSA.normalized_similarity)[0]
        return alike

    def _postcodes(self) -> None:
        if not self.asked.postcode:
            return
        held, same, _ = self._code("postcode")
        _, same_outward, rarity = self._code("outward")
        self.columns.pop("outward_other", None)
        near = self._alike(self.asked.postcode, held, (held >= 0) & ~same)
        close = near * len(self.asked.postcode) >= len(self.asked.postcode) - 1.01
        part = same_outward & ~same
        self.columns["outward_same"] = part * rarity
        self.columns["postcode_near"] = (close & ~same) * self._log_total
        self.columns["postcode_other"] *= ~close & ~part

    def _emails(self) -> None:
        if not self.asked.email:
            return
        held, same, _ = self._code("email")
        near = self._alike(self.asked.email, held, (held >= 0) & ~same)
        cosine = self._gram_cosine(mail_text(self.asked.email), MAIL) * ~same
        near = np.maximum(near, cosine)
        self.columns["email_near"] = np.maximum(near - 0.3, 0.0)
        self.columns["email_close"] = (np.maximum(near - 0.7, 0.0) * self._log_total).astype(float)
        self.columns["email_other"] *= near < 0.5
        self._code("domain")
        if self.asked.domain:
            self.columns["domain_same"] *= ~same

    def _phones(self) -> None:
        asked = self.asked.phones
        if not asked:
            return
        held = self.index.code_table[self.rows, PHONES].astype(np.int64)
        numbers = np.array([self.index.codes.find(f"+:{phone}") for phone in asked], np.int64)
        rarity = _rarity(self.index.codes.held(numbers), self.total)
        same = (held[:, :, None] == numbers) & (numbers >= 0)
        agreed = (same * rarity).max(axis=(1, 2), initial=0)
        there = (held >= 0).any(axis=1)
        other = there & (agreed == 0)
        near = np.zeros(len(held), np.bool_)
        for column in range(held.shape[1]):
            of = other & (held[:, column] >= 0)
            for phone in asked if of.any() else ():
                near |= self._alike(phone, held[:, column], of) * len(phone) >= len(phone) - 1.01
        self.columns["phone_same"] = agreed
        self.columns["phone_near"] = near * self._log_total
        self.columns["phone_other"] = (other & ~near).astype(np.float64)

    def _bare(self) -> None:
        """Where nothing beside the names could be compared."""
        compared = np.zeros(len(self.rows), np.bool_)
        for name, column in self.columns.items():
            if not name.startswith(("name_", "person_", "kind_", "domain_")):
                compared |= column != 0
        there = self.columns.get("name_there", np.zeros(len(self.rows)))
        self.columns["bare"] = there * ~compared

    def _kind(self) -> None:
        if self.asked.kind:
            own = 1 if self.asked.kind == "customer" else 2
            kinds = self.index.kinds[self.rows]
            self.columns["kind_other"] = ((kinds > 0) & (kinds != own)).astype(np.float64)


NAME_FEATURES = (
    "name_same",
    "name_exact",
    "name_near",
    "name_nick",
    "name_initial",
    "name_lacking",
    "name_lacking_aside",
    "name_elsewhere",
    "name_surplus",
    "name_surplus_aside",
    "name_swap",
    "name_words_swapped",
    "name_number_swap",
    "name_covered",
    "name_record_covered",
    "name_both_covered",
    "name_cosine",
    "name_spelling",
    "name_order",
    "name_best",
    "name_fit",
    "name_first_word",
    "name_one_word",
    "name_there",
    "bare",
)
OTHER_FEATURES = (
    "name_second",
    "address_exact",
    "address_near",
    "address_covered",
    "address_record_covered",
    "address_other",
    "house_number",
    "house_number_other",
    "town_exact",
    "town_near",
    "town_other",
    "postcode_same",
    "postcode_near",
    "outward_same",
    "postcode_other",
    "email_same",
    "email_near",
    "email_close",
    "email_other",
    "domain_same",
    "domain_other",
    "phone_same",
    "phone_near",
    "phone_other",
    "account_same",
    "account_other",
    "kind_other",
)
FEATURES = tuple(
    [f"person:{name}" for name in NAME_FEATURES]
    + [f"firm:{name}" for name in NAME_FEATURES]
    + list(OTHER_FEATURES)
)
