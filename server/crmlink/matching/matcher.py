"""Matcher: keeps the records of the mirror in memory and suggests records for a contact."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from crmlink.kinds import KINDS, Kind
from crmlink.matching.candidates import candidates
from crmlink.matching.decide import Ranking, rank, score
from crmlink.matching.details import Reason, Suggestion, Suggestions
from crmlink.matching.explain import reasons
from crmlink.matching.index import NO_STAMPS, InvertedIndex
from crmlink.matching.index_file import load_index, save_index, without_removed
from crmlink.matching.indexed_record import indexed_record
from crmlink.matching.normalised import NormalisedDetails, normalised_details
from crmlink.matching.scorecard import Scorecard, load_model
from crmlink.matching.search import search
from crmlink.values.contact_details import ContactDetails

UPDATE_CHUNK_SIZE = 2_000  # records added under one hold of the lock


class Matcher:
    """Index in memory, thread-safe for many readers and one updater.

    `country` is the ISO code for phone numbers without a country code. `match_rate` is the
    fraction of contacts that have a record; a default one until it is estimated.
    """

    def __init__(self, country: str = "GB", model: Scorecard | None = None) -> None:
        self.model = model or load_model()
        self.match_rate = self.model.default_match_rate
        self._country = country
        self._index = InvertedIndex()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._index)

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def memory(self) -> int:
        """Return about how many bytes of memory the records take."""
        with self._lock:
            return self._index.memory()

    def load_file(self, file: Path) -> bool:
        """Take the records of a file instead of those held; returns whether it could be read."""
        found = load_index(file)
        if found is None:
            return False
        with self._lock:
            self._index = found
        return True

    def save(self, file: Path) -> None:
        """Write the records to a file, without a trace of removed ones. Raises OSError."""
        with self._lock:
            self._index.refresh()
            present = without_removed(self._index)
        save_index(present, file)

    def stamps(self) -> dict[str, int]:
        """Return the stamp with which each record was added, by its id."""
        with self._lock:
            return self._index.stamps()

    def update(
        self,
        records: Iterable[tuple[str, ContactDetails]],
        stamps: Mapping[str, int] = NO_STAMPS,
    ) -> None:
        """Add records, or replace those with the same id.

        A stamp tells later whether a record is still as it was added.
        """
        incoming = iter(records)
        while some := list(islice(incoming, UPDATE_CHUNK_SIZE)):
            prepared = [(record_id, self._terms(details)) for record_id, details in some]
            with self._lock:
                self._index.add(prepared, stamps)

    def discard(self, record_ids: Iterable[str]) -> None:
        """Remove records; unknown ids are ignored."""
        with self._lock:
            self._index.remove(record_ids)

    def suggest(self, contact: ContactDetails, limit: int = 5) -> Suggestions:
        """Return the records that the contact may be, likeliest first, at most `limit`."""
        normalised = self._terms(contact)
        with self._lock:
            self._index.refresh()
            scored = score(self._index, normalised, candidates(self._index, normalised), self.model)
            decision = rank(self._index, scored, self.model, self.match_rate)
            return self._suggestions(normalised, decision, limit)

    def warm_up(self) -> None:
        """Do the deferred work that the first query after an update would have to do."""
        with self._lock:
            self._index.refresh()

    def search(self, text: str, kind: Kind | None = None, limit: int = 20) -> list[str]:
        """Return ids of records with every word of the text or a word it starts; best first."""
        with self._lock:
            self._index.refresh()
            return search(self._index, text, self._country, kind, limit)

    def with_match_rate(self, match_rate: float) -> "Matcher":
        """Return a matcher of the same records with another match rate."""
        other = Matcher.__new__(Matcher)
        vars(other).update(vars(self), match_rate=match_rate)
        return other

    def estimate_match_rate(self, contacts: Sequence[ContactDetails]) -> float:
        """Return the estimated match rate of such contacts, from at most 2,000 of them."""
        step = max(1, len(contacts) // 2_000)
        scores = []
        for contact in contacts[::step]:
            normalised = self._terms(contact)
            with self._lock:
                self._index.refresh()
                rows = candidates(self._index, normalised)
                scores.append(score(self._index, normalised, rows, self.model).scores)
        return self.model.estimated_match_rate(scores)

    def _terms(self, details: ContactDetails) -> NormalisedDetails:
        return normalised_details(details, self._country)

    def _suggestions(
        self, normalised: NormalisedDetails, decision: Ranking, limit: int
    ) -> Suggestions:
        items = []
        for position, row in enumerate(decision.rows[:limit].tolist()):
            record = indexed_record(self._index, row)
            item_reasons = reasons(normalised, record)
            if position < decision.near:
                item_reasons.append(Reason("near_tie", {}, None))
            if position == 0 and decision.namesakes:
                kind = KINDS[int(self._index.kinds[row]) - 1] if record.kind else "record"
                item_reasons.append(Reason("namesake", {"kind": kind}, None))
            if record.retired:
                item_reasons.append(Reason("retired_record", {}, None))
            if normalised.retired:
                item_reasons.append(Reason("retired_contact", {}, None))
            probability = float(decision.probabilities[position])
            sure = position == 0 and decision.sure
            items.append(Suggestion(self._index.ids[row], probability, sure, tuple(item_reasons)))
        return Suggestions(tuple(items), decision.none)
