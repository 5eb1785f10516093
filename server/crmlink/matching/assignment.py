"""Whole lists: many contacts at once on all cores, and at most one contact to a record."""

import os
import pickle
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from crmlink.matching.details import Suggestions
from crmlink.matching.matcher import Matcher
from crmlink.matching.parallel import AT_A_TIME, Answer, Contact, in_processes

WORTH_A_PROCESS = 1_000  # contacts from which starting processes pays
LARGE = 400  # contacts and records entangled, from which the sparse method is used
FORBIDDEN_COST = 1e4


def suggest_many(
    matcher: Matcher, contacts: Iterable[Contact], limit: int = 5, processes: int | None = None
) -> Generator[Answer, None, None]:
    """Suggestions for each contact, in the contacts' order, while they are read.

    Works on `processes` cores, all by default. What they know is the matcher as it is when the
    first answer is asked for. Raises BrokenProcessPool where a process dies.
    """
    incoming = iter(contacts)
    first = list(islice(incoming, WORTH_A_PROCESS))
    several = processes or os.cpu_count() or 1
    if len(first) < WORTH_A_PROCESS or several == 1:
        for contact_id, details in chain(first, incoming):
            yield contact_id, matcher.suggest(details, limit)
        return
    yield from in_processes(matcher, chain(first, incoming), limit, several)


def assign_one_to_one(answers: Sequence[Answer]) -> list[Answer]:
    """The same answers with every record offered first to at most one contact.

    Chooses the records so that all choices together are likeliest. A contact whose records are
    all better used elsewhere keeps none; what else is offered to a contact is what nobody got.
    A contact that got another record than its likeliest is not sure.
    """
    return list(_as_all_chosen(answers))


def assign_one_to_one_streaming(answers: Iterable[Answer]) -> Iterator[Answer]:
    """The same for a long list, whose answers are kept in a sixth of the memory until then."""
    return _as_all_chosen(_Packed(answers))


class _Packed(Iterable[Answer]):
    def __init__(self, answers: Iterable[Answer]) -> None:
        incoming = iter(answers)
        self._parcels: list[bytes] = []
        while some := list(islice(incoming, AT_A_TIME)):
            self._parcels.append(pickle.dumps(some, pickle.HIGHEST_PROTOCOL))

    def __iter__(self) -> Iterator[Answer]:
        for parcel in self._parcels:
            yield from pickle.loads(parcel)  # noqa: S301 - packed above


def _as_all_chosen(answers: Iterable[Answer]) -> Iterator[Answer]:
    chosen = _chosen(answers)
    taken = set(chosen.values())
    for place, (contact_id, suggestions) in enumerate(answers):
        yield contact_id, _as_chosen(suggestions, chosen.get(place), taken)


def _as_chosen(suggestions: Suggestions, chosen: str | None, taken: set[str]) -> Suggestions:
    if chosen is None:
        return replace(suggestions, items=())
    first = suggestions.items[0].record_id == chosen
    own = [
        replace(item, sure=item.sure and first)
        for item in suggestions.items
        if item.record_id == chosen
    ]
    others = [
        replace(item, sure=False) for item in suggestions.items if item.record_id not in taken
    ]
    return replace(suggestions, items=(*own, *others))


def _chosen(answers: Iterable[Answer]) -> dict[int, str]:
    """The place of each contact that gets a record, and the record's id."""
    records: dict[str, int] = {}
    rows, columns, gains = [], [], []
    for place, (_, suggestions) in enumerate(answers):
        for item in suggestions.items:
            rows.append(place)
            columns.append(records.setdefault(item.record_id, len(records)))
            gains.append(_log_odds_gain(item.probability, suggestions.none))
    if not rows:
        return {}
    ids = list(records)
    contacts = rows[-1] + 1  # as far as any record is offered to them
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
    """What choosing the record is worth beside leaving the contact without one."""
    return float(np.log(max(probability, 1e-12)) - np.log(max(none, 1e-12)))


def _best(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    gains: NDArray[np.float64],
) -> Iterator[tuple[int, int]]:
    """The pairs of one entangled group that are worth most together."""
    contacts, row = np.unique(rows, return_inverse=True)
    records, column = np.unique(columns, return_inverse=True)
    wanted = gains > 0
    row, column, gains = row[wanted], column[wanted], gains[wanted]
    if not len(row):
        return
    if len(contacts) + len(records) <= LARGE:
        worth = np.zeros((len(contacts), len(records) + len(contacts)))
        worth[row, column] = gains
        picked, to = linear_sum_assignment(worth, maximize=True)
        pairs = [(r, c) for r, c in zip(picked, to, strict=True) if worth[r, c] > 0]
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
