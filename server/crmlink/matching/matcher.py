"""Matcher: keeps the records of the mirror in memory and suggests records for a contact."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from crmlink.kinds import KINDS, Kind
from crmlink.matching.candidates import candidates
from crmlink.matching.decide import Ranking, rank, score
from crmlink.matching.details import Reason, Suggestion, Suggestions
from crmlink.matching.explain import reasons
from crmlink.matching.index import NO_STAMPS, InvertedIndex
from crmlink.matching.index_file import SavedIndex, load_index, save_index
from crmlink.matching.indexed_record import indexed_record
from crmlink.matching.normalised import NormalisedDetails, normalised_details
from crmlink.matching.scorecard import Scorecard, load_model
from crmlink.matching.search import search
from crmlink.matching.shared_lock import SharedLock
from crmlink.values.contact_details import ContactDetails

UPDATE_CHUNK_SIZE = 2_000  # records added under one hold of the lock


class Matcher:
    """Index in memory; thread-safe. Questions are answered at the same time, each of one state.

    An update waits for the questions before it, and those after it for the update.

    `country` is the ISO code for phone numbers without a country code. `match_rate` is the
    fraction of contacts that have a record; a default one until it is estimated.
    """

    def __init__(self, country: str = "GB", model: Scorecard | None = None) -> None:
        self.model = model or load_model()
        self.match_rate = self.model.default_match_rate
        self._country = country
        self._index = InvertedIndex()
        self._lock = SharedLock()

    def __len__(self) -> int:
        return len(self._index)

    def __getstate__(self) -> dict[str, Any]:
        with self._lock.reading():
            return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=SharedLock())

    def memory(self) -> int:
        """Return about how many bytes of memory the records take."""
        with self._lock.reading():
            return self._index.memory()

    def load_file(self, file: Path) -> SavedIndex | None:
        """Take the records of a file instead of those held; returns None if it cannot be read."""
        found = load_index(file)
        if found is None:
            return None
        with self._lock.writing():
            self._index, saved = found
        return saved

    def save(self, file: Path, mirror_version: int = 0, mark: str = "") -> None:
        """Write the records to a file, without a trace of removed ones. Raises OSError.

        ``mirror_version`` and its ``mark`` are noted in it.
        """
        with self._asking() as index:
            save_index(index, file, mirror_version, mark)

    def stamps(self) -> dict[str, int]:
        """Return the stamp with which each record was added, by its id."""
        with self._lock.reading():
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
            with self._lock.writing():
                self._index.add(prepared, stamps)

    def discard(self, record_ids: Iterable[str]) -> None:
        """Remove records; unknown ids are ignored."""
        with self._lock.writing():
            self._index.remove(record_ids)

    def suggest(
        self, contact: ContactDetails, limit: int = 5, at_least: float = 0.0
    ) -> Suggestions:
        """Return the records that the contact may be, likeliest first.

        At most `limit`, and none less probable than `at_least`.
        """
        normalised = self._terms(contact)
        with self._asking() as index:
            scored = score(index, normalised, candidates(index, normalised), self.model)
            decision = rank(index, scored, self.model, self.match_rate)
            return self._suggestions(index, normalised, decision, limit, at_least)

    def warm_up(self) -> None:
        """Do the deferred work that the first query after an update would have to do."""
        with self._asking():
            pass

    def search(self, text: str, kind: Kind | None = None, limit: int = 20) -> list[str]:
        """Return ids of records with every word of the text or a word it starts; best first."""
        with self._asking(by_prefix=True) as index:
            return search(index, text, self._country, kind, limit)

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
            with self._asking() as index:
                rows = candidates(index, normalised)
                scores.append(score(index, normalised, rows, self.model).scores)
        return self.model.estimated_match_rate(scores)

    @contextmanager
    def _asking(self, *, by_prefix: bool = False) -> Iterator[InvertedIndex]:
        """Yield the index, ready for questions and not changed meanwhile."""
        while True:
            with self._lock.reading():
                if self._index.is_ready(by_prefix):
                    yield self._index
                    return
            with self._lock.writing():
                self._index.refresh(by_prefix)

    def _terms(self, details: ContactDetails) -> NormalisedDetails:
        return normalised_details(details, self._country)

    def _suggestions(
        self,
        index: InvertedIndex,
        normalised: NormalisedDetails,
        decision: Ranking,
        limit: int,
        at_least: float,
    ) -> Suggestions:
        items = []
        for position, row in enumerate(decision.rows[:limit].tolist()):
            probability = float(decision.probabilities[position])
            if probability < at_least:
                continue
            record = indexed_record(index, row)
            item_reasons = reasons(normalised, record)
            if position < decision.near:
                item_reasons.append(Reason("near_tie", {}, None))
            if position == 0 and decision.namesakes:
                kind = KINDS[int(index.kinds[row]) - 1] if record.kind else "record"
                item_reasons.append(Reason("namesake", {"kind": kind}, None))
            if record.retired:
                item_reasons.append(Reason("retired_record", {}, None))
            if normalised.retired:
                item_reasons.append(Reason("retired_contact", {}, None))
            sure = position == 0 and decision.sure
            items.append(Suggestion(index.ids[row], probability, sure, tuple(item_reasons)))
        return Suggestions(tuple(items), decision.none)
