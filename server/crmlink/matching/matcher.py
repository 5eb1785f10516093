"""Finds the records that a contact may be, by shared values and similar names."""

import math
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz

from crmlink.matching import normalise
from crmlink.matching.details import Details, Reason, Suggestion, Suggestions
from crmlink.words import Kind

PRIOR = -7.0
CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class _Known:
    """A record's details, normalised once."""

    kind: Kind | None
    names: tuple[str, ...]
    postcode: str
    email: str
    phones: frozenset[str]
    account: str
    place: str

    def keys(self) -> Iterator[str]:
        yield from (f"n:{word}" for name in self.names for word in name.split())
        yield from (f"g:{gram}" for name in self.names for gram in _grams(name))
        yield from (f"a:{word}" for word in self.place.split())
        yield from (f"t:{phone}" for phone in self.phones)
        exact = (("p", self.postcode), ("e", self.email), ("k", self.account))
        yield from (f"{field}:{value}" for field, value in exact if value)


def _grams(name: str) -> set[str]:
    padded = f" {name} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


class Matcher:
    """An index in memory that follows the mirror; safe for many readers and one updater."""

    def __init__(self, country: str = "GB") -> None:
        self._country = country
        self._known: dict[str, _Known] = {}
        self._holders: defaultdict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def update(self, records: Iterable[tuple[str, Details]]) -> None:
        """Add records, or replace those with the same id."""
        for record_id, details in records:
            known = self._normalised(details)
            with self._lock:
                self._forget(record_id)
                self._known[record_id] = known
                for key in set(known.keys()):
                    self._holders[key].add(record_id)

    def discard(self, record_ids: Iterable[str]) -> None:
        """Forget records; unknown ids are no error."""
        for record_id in record_ids:
            with self._lock:
                self._forget(record_id)

    def suggest(self, contact: Details, limit: int = 5) -> Suggestions:
        """The records that the contact may be, the likeliest first."""
        with self._lock:
            return self._suggested(self._normalised(contact), limit)

    def search(self, text: str, kind: Kind | None = None, limit: int = 20) -> list[str]:
        """Ids of records with every word of the text, or its beginning, somewhere; best first."""
        words = normalise.fold(text).split()
        with self._lock:
            ranked = [
                (-fuzz.WRatio(normalise.fold(text), " ".join(known.names)), record_id)
                for record_id, known in self._known.items()
                if (kind is None or known.kind == kind) and _has_all(known, words)
            ]
        return [record_id for _, record_id in sorted(ranked)[:limit]]

    def _normalised(self, details: Details) -> _Known:
        names = (normalise.company(details.company), normalise.person(details.name))
        phones = (normalise.phone(phone, self._country) for phone in details.phones)
        return _Known(
            details.kind,
            tuple(name for name in names if name),
            normalise.postcode(details.postcode),
            normalise.email(details.email),
            frozenset(phone for phone in phones if phone),
            normalise.fold(details.account_number),
            normalise.address(f"{details.address} {details.town}"),
        )

    def _forget(self, record_id: str) -> None:
        known = self._known.pop(record_id, None)
        for key in set(known.keys()) if known else ():
            self._holders[key].discard(record_id)
            if not self._holders[key]:
                del self._holders[key]

    def _candidates(self, contact: _Known) -> list[str]:
        total: defaultdict[str, float] = defaultdict(float)
        rarest = sorted(set(contact.keys()), key=lambda key: (len(self._holders.get(key, ())), key))
        for key in rarest:
            holders = self._holders.get(key, ())
            if len(total) > CANDIDATES * 10 and len(holders) > CANDIDATES:
                break
            weight = self._weight(key)
            for record_id in holders:
                total[record_id] += weight
        ranked = sorted(total, key=lambda record_id: (-total[record_id], record_id))
        return ranked[:CANDIDATES]

    def _weight(self, key: str) -> float:
        share = len(self._holders.get(key, ())) / max(1, len(self._known))
        return max(0.05, -math.log(share + 1e-6)) * (0.15 if key.startswith("g:") else 1.0)

    def _suggested(self, contact: _Known, limit: int) -> Suggestions:
        scored = []
        for record_id in self._candidates(contact):
            score, reasons, strong = self._compared(contact, self._known[record_id])
            scored.append((score, record_id, reasons, strong))
        scored.sort(key=lambda item: (-item[0], item[1]))
        odds = [math.exp(min(50.0, score)) for score, *_ in scored]
        whole = 1.0 + sum(odds)
        items = []
        for place, (score, record_id, reasons, strong) in enumerate(scored[:limit]):
            rival = scored[1][0] if place == 0 and len(scored) > 1 else -math.inf
            near = score - rival < 4.0 if place == 0 else False
            if near and len(scored) > 1:
                reasons = (*reasons, Reason("near_tie", {}, False))
            probability = odds[place] / whole
            sure = place == 0 and strong and not near and probability >= 0.999
            items.append(Suggestion(record_id, probability, sure, reasons))
        return Suggestions(tuple(items), 1.0 / whole)

    def _compared(self, contact: _Known, known: _Known) -> tuple[float, tuple[Reason, ...], bool]:
        similarity = max(
            (fuzz.token_sort_ratio(a, b) / 100 for a in contact.names for b in known.names),
            default=0.0,
        )
        score, reasons, corroborated = PRIOR + 9.0 * max(0.0, similarity - 0.4), [], False
        if similarity >= 0.999:
            reasons.append(Reason("same_name", {}, True))
        elif similarity >= 0.75:
            args = {"contact": contact.names[0].title(), "record": known.names[0].title()}
            reasons.append(Reason("name_spelling", args, True))
        elif contact.names and known.names:
            reasons.append(Reason("other_name", {}, False))
        for said, key, same in self._exact(contact, known):
            if same:
                score += min(6.0, self._weight(key))
                corroborated = True
            else:
                score -= 1.0
            args = {"contact": contact.postcode, "record": known.postcode}
            reasons.append(Reason(("same_" if same else "other_") + said, args, same))
        if contact.kind and known.kind and contact.kind != known.kind:
            score -= 2.0
            reasons.append(Reason("other_kind", {"kind": known.kind}, False))
        all_agree = similarity >= 0.9 and all(reason.agrees for reason in reasons)
        return score, tuple(reasons), corroborated and all_agree

    def _exact(self, contact: _Known, known: _Known) -> Iterator[tuple[str, str, bool]]:
        if contact.email and known.email:
            yield "email", f"e:{contact.email}", contact.email == known.email
        if contact.phones and known.phones:
            shared = sorted(contact.phones & known.phones)
            yield "phone", f"t:{(shared or ['?'])[0]}", bool(shared)
        if contact.postcode and known.postcode:
            same = contact.postcode == known.postcode
            yield "postcode", f"p:{contact.postcode}", same
        if contact.account and known.account:
            yield "account_number", f"k:{contact.account}", contact.account == known.account


def _has_all(known: _Known, words: list[str]) -> bool:
    held = " ".join((*known.names, known.place, known.postcode.lower(), known.account))
    digits = " ".join(known.phones)
    return all(f" {word}" in f" {held}" or word.lstrip("0") in digits for word in words)
