"""Matching of whole lists on all cores, and assignment of each record to at most one contact.

scipy is imported by the functions that need it: it costs 60 MB, and only lists need it.
"""

import os
import pickle
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from crmlink.matching.details import Suggestions
from crmlink.matching.matcher import Matcher
from crmlink.matching.parallel import CHUNK_SIZE, Answer, Contact, in_processes

MIN_PARALLEL_CONTACTS = 1_000  # fewer contacts are matched faster in this process
MIN_SPARSE_SIZE = 400  # contacts plus records of a component solved by the sparse method
FORBIDDEN_COST = 1e4


def suggest_many(
    matcher: Matcher, contacts: Iterable[Contact], limit: int = 5, processes: int | None = None
) -> Generator[Answer, None, None]:
    """Yield the suggestions for each contact, in the contacts' order, while they are read.

    Uses `processes` cores, all by default, and the matcher's state at the first `next()`. Raises
    BrokenProcessPool if a process dies.
    """
    incoming = iter(contacts)
    first = list(islice(incoming, MIN_PARALLEL_CONTACTS))
    several = processes or os.cpu_count() or 1
    if len(first) < MIN_PARALLEL_CONTACTS or several == 1:
        for contact_id, details in chain(first, incoming):
            yield contact_id, matcher.suggest(details, limit)
        return
    yield from in_processes(matcher, chain(first, incoming), limit, several)


def assign_one_to_one(answers: Sequence[Answer]) -> list[Answer]:
    """Return the answers with each record offered first to at most one contact.

    Maximises the joint likelihood of all choices. A contact whose records are all assigned
    elsewhere gets none; its further suggestions are unassigned records. A contact that is assigned
    another record than its likeliest is not sure.
    """
    return list(_as_all_chosen(answers))


def assign_one_to_one_streaming(answers: Iterable[Answer]) -> Iterator[Answer]:
    """Yield the same as `assign_one_to_one`, with the answers pickled in a sixth of the memory."""
    return _as_all_chosen(_Packed(answers))


class _Packed(Iterable[Answer]):
    """Answers kept pickled, in chunks."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        incoming = iter(answers)
        self._chunks: list[bytes] = []
        while some := list(islice(incoming, CHUNK_SIZE)):
            self._chunks.append(pickle.dumps(some, pickle.HIGHEST_PROTOCOL))

    def __iter__(self) -> Iterator[Answer]:
        for chunk in self._chunks:
            yield from pickle.loads(chunk)  # noqa: S301 - packed above


def _as_all_chosen(answers: Iterable[Answer]) -> Iterator[Answer]:
    chosen = _chosen(answers)
    assigned = set(chosen.values())
    for position, (contact_id, suggestions) in enumerate(answers):
        yield contact_id, _as_chosen(suggestions, chosen.get(position), assigned)


def _as_chosen(suggestions: Suggestions, chosen: str | None, assigned: set[str]) -> Suggestions:
    if chosen is None:
        return replace(suggestions, items=())
    first = suggestions.items[0].record_id == chosen
    chosen_items = [
        replace(item, sure=item.sure and first)
        for item in suggestions.items
        if item.record_id == chosen
    ]
    other_items = [
        replace(item, sure=False) for item in suggestions.items if item.record_id not in assigned
    ]
    return replace(suggestions, items=(*chosen_items, *other_items))


def _chosen(answers: Iterable[Answer]) -> dict[int, str]:
    """Return the record id assigned to each contact, by the contact's position."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    records: dict[str, int] = {}
    rows, columns, gains = [], [], []
    for position, (_, suggestions) in enumerate(answers):
        for item in suggestions.items:
            rows.append(position)
            columns.append(records.setdefault(item.record_id, len(records)))
            gains.append(_log_odds_gain(item.probability, suggestions.none))
    if not rows:
        return {}
    ids = list(records)
    contacts = rows[-1] + 1  # later contacts have no suggestion
    graph = coo_array(
        (np.ones(len(rows)), (rows, np.array(columns) + contacts)),
        shape=(contacts + len(ids),) * 2,
    )
    groups = connected_components(graph, directed=False)[1][rows]
    order = np.argsort(groups, kind="stable")
    edges = np.column_stack([rows, columns])[order]
    weights = np.array(gains)[order]
    chosen: dict[int, str] = {}
    bounds = np.flatnonzero(np.diff(groups[order])) + 1
    for part, gain in zip(np.split(edges, bounds), np.split(weights, bounds), strict=True):
        for row, column in _best(part[:, 0], part[:, 1], gain):
            chosen[row] = ids[column]
    return chosen


def _log_odds_gain(probability: float, none: float) -> float:
    """Return the gain in log odds of assigning the record rather than none."""
    return float(np.log(max(probability, 1e-12)) - np.log(max(none, 1e-12)))


def _best(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    gains: NDArray[np.float64],
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of one connected component with the greatest total gain."""
    from scipy.optimize import linear_sum_assignment

    contacts, row = np.unique(rows, return_inverse=True)
    records, column = np.unique(columns, return_inverse=True)
    positive = gains > 0
    row, column, gains = row[positive], column[positive], gains[positive]
    if not len(row):
        return
    if len(contacts) + len(records) <= MIN_SPARSE_SIZE:
        gain_matrix = np.zeros((len(contacts), len(records) + len(contacts)))
        gain_matrix[row, column] = gains
        picked, to = linear_sum_assignment(gain_matrix, maximize=True)
        pairs = [(r, c) for r, c in zip(picked, to, strict=True) if gain_matrix[r, c] > 0]
    else:
        pairs = _best_of_many(row, column, gains, len(contacts), len(records))
    for r, c in pairs:
        yield int(contacts[r]), int(records[c])


def _best_of_many(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    gains: NDArray[np.float64],
    contacts: int,
    records: int,
) -> list[tuple[int, int]]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    alone = np.arange(contacts)
    costs = coo_array(
        (
            np.concatenate([FORBIDDEN_COST - gains, np.full(contacts, FORBIDDEN_COST)]),
            (np.concatenate([row, alone]), np.concatenate([column, records + alone])),
        ),
        shape=(contacts, records + contacts),
    ).tocsr()
    picked, to = min_weight_full_bipartite_matching(costs)
    return [(int(r), int(c)) for r, c in zip(picked, to, strict=True) if c < records]
