"""The matcher: follows the records and offers those that a contact may be."""

import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from crmlink.kinds import KINDS, Kind
from crmlink.matching.candidates import candidates
from crmlink.matching.decide import Ranking, rank, score
from crmlink.matching.details import Details, Reason, Suggestion, Suggestions
from crmlink.matching.explain import reasons
from crmlink.matching.index import InvertedIndex
from crmlink.matching.indexed_record import held
from crmlink.matching.normalised import NormalisedDetails, terms
from crmlink.matching.scorecard import Scorecard, load_model
from crmlink.matching.search import search

AT_A_TIME = 2_000  # records taken in between two chances for readers


class Matcher:
    """An index in memory that follows the mirror; safe for many readers and one updater.

    `country` is the ISO code that phone numbers without a country code belong to. `share` is
    the share of contacts that have a record: a usual one until it is estimated.
    """

    def __init__(self, country: str = "GB", model: Scorecard | None = None) -> None:
        self.model = model or load_model()
        self.share = self.model.usual_share
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

    def update(self, records: Iterable[tuple[str, Details]]) -> None:
        """Add records, or replace those with the same id."""
        incoming = iter(records)
        while some := list(islice(incoming, AT_A_TIME)):
            prepared = [(record_id, self._terms(details)) for record_id, details in some]
            with self._lock:
                self._index.put(prepared)

    def discard(self, record_ids: Iterable[str]) -> None:
        """Forget records; unknown ids are no error."""
        with self._lock:
            self._index.drop(record_ids)

    def suggest(self, contact: Details, limit: int = 5) -> Suggestions:
        """The records that the contact may be, the likeliest first, at most `limit`."""
        asked = self._terms(contact)
        with self._lock:
            self._index.refresh()
            scored = score(self._index, asked, candidates(self._index, asked), self.model)
            decision = rank(self._index, scored, self.model, self.share)
            return self._suggestions(asked, decision, limit)

    def warm_up(self) -> None:
        """Do now what the first question after an update would have to do."""
        with self._lock:
            self._index.refresh()

    def search(self, text: str, kind: Kind | None = None, limit: int = 20) -> list[str]:
        """Ids of records that have every word of the text, or its beginning; best first."""
        with self._lock:
            self._index.refresh()
            return search(self._index, text, self._country, kind, limit)

    def with_match_rate(self, share: float) -> "Matcher":
        """The same records, for contacts of which another share has a record."""
        other = Matcher.__new__(Matcher)
        vars(other).update(vars(self), share=share)
        return other

    def estimate_share(self, contacts: Sequence[Details]) -> float:
        """The share of such contacts that have a record, for `share`; from at most 2,000."""
        step = max(1, len(contacts) // 2_000)
        scores = []
        for contact in contacts[::step]:
            asked = self._terms(contact)
            with self._lock:
                self._index.refresh()
                rows = candidates(self._index, asked)
                scores.append(score(self._index, asked, rows, self.model).scores)
        return self.model.estimated_share(scores)

    def _terms(self, details: Details) -> NormalisedDetails:
        return terms(details, self._country)

    def _suggestions(self, asked: NormalisedDetails, decision: Ranking, limit: int) -> Suggestions:
        items = []
        for place, row in enumerate(decision.rows[:limit].tolist()):
            record = held(self._index, row)
            found = reasons(asked, record)
            if place < decision.near:
                found.append(Reason("near_tie", {}, None))
            if place == 0 and decision.namesakes:
                kind = KINDS[int(self._index.kinds[row]) - 1] if record.kind else "record"
                found.append(Reason("namesake", {"kind": kind}, None))
            if record.retired:
                found.append(Reason("retired_record", {}, None))
            if asked.retired:
                found.append(Reason("retired_contact", {}, None))
            probability = float(decision.probabilities[place])
            sure = place == 0 and decision.sure
            items.append(Suggestion(self._index.ids[row], probability, sure, tuple(found)))
        return Suggestions(tuple(items), decision.none)
