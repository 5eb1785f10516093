"""One to one over a whole list: an only claimant is sure where the list has most records."""

from dataclasses import replace
from typing import Any

import pytest

from crmlink.batches.classify import Classification, ExistingLinks, MatchedRow, classify_rows
from crmlink.batches.row_details import dump_suggestions, offered_suggestions
from crmlink.matching import Reason, Suggestion, reason_text
from crmlink.matching.details import Suggestions
from crmlink.store import BatchRow, Verdict

LIKELY = 0.98


def row(position: int, *chances: float, kind: str = "customer", **more: Any) -> MatchedRow:
    """A row whose first suggestion is the record of its own number."""
    items = tuple(
        Suggestion(f"{kind}-{position + 1000 * place}", chance, chance > 0.995, (), True)
        for place, chance in enumerate(chances)
    )
    none = 1.0 - sum(chances)
    return MatchedRow(position, position, f"R{position}", Suggestions(items, none), **more)


def judged(
    *rows: MatchedRow, customers: int = 20, bound: float = 0.995, **standing: Any
) -> list[Classification]:
    """The verdicts on these rows in a list of 18 more that are sure."""
    given = [*rows, *(row(position, 0.9999) for position in range(100, 118))]
    links = ExistingLinks(records={"customer": customers, "supplier": 50}, **standing)
    found = classify_rows(given, links, bound)
    return [found[each.row_id] for each in rows]


def test_an_only_claimant_is_sure_where_the_list_has_most_records() -> None:
    [one] = judged(row(1, LIKELY))
    assert (one.verdict, one.best) == (Verdict.SURE, "customer-1")
    assert one.probability == pytest.approx(0.99711, abs=1e-4)


@pytest.mark.parametrize("customers", [60, 20_000])
def test_a_list_of_a_part_of_the_records_says_nothing(customers: int) -> None:
    [one] = judged(row(1, LIKELY), customers=customers)
    assert (one.verdict, one.probability) == (Verdict.CHECK, LIKELY)


def test_a_contact_alone_is_no_list() -> None:
    found = classify_rows([row(1, LIKELY)], ExistingLinks(records={"customer": 1}), 0.995)
    assert found[1].verdict is Verdict.CHECK


def test_records_of_the_other_kind_say_nothing() -> None:
    [one] = judged(row(1, LIKELY, kind="supplier"))
    assert one.verdict is Verdict.CHECK


def test_what_matching_does_not_vouch_for_is_never_made_sure() -> None:
    named = row(1, LIKELY)
    items = tuple(replace(item, vouched=False) for item in named.suggestions.items)
    [one] = judged(replace(named, suggestions=replace(named.suggestions, items=items)))
    assert one.verdict is Verdict.CHECK


def test_another_contact_that_may_be_the_record_forbids_it() -> None:
    other = Suggestion("customer-1", 0.02, False, (), False)
    [one, two] = judged(
        row(1, LIKELY), MatchedRow(2, 2, "R2", Suggestions((other,), 0.98))
    )  # fmt: skip
    assert (one.verdict, two.verdict) == (Verdict.CHECK, Verdict.NONE)


def test_another_record_that_the_contact_may_be_forbids_it() -> None:
    [one] = judged(row(1, LIKELY, 0.01))
    assert one.verdict is Verdict.CHECK


def test_the_admins_bound_holds_for_a_whole_list_too() -> None:
    [one] = judged(row(1, LIKELY), bound=0.998)
    assert one.verdict is Verdict.CHECK


def test_no_list_makes_sure_what_is_not_likely_or_not_in_use() -> None:
    [unlikely] = judged(row(1, 0.9))
    [retired] = judged(row(1, LIKELY, retired=True))
    assert {unlikely.verdict, retired.verdict} == {Verdict.CHECK}


def test_a_record_that_another_row_was_given_is_in_conflict_as_before() -> None:
    [one] = judged(row(1, LIKELY), given={"customer-1": 7})
    assert one.verdict is Verdict.CONFLICT


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_reason_says_that_the_whole_list_made_it_sure(verdict: Verdict) -> None:
    kept = dump_suggestions(row(1, LIKELY, 0.01).suggestions, 0.001)
    shown = offered_suggestions(
        BatchRow(suggestions=kept, verdict=verdict, best="customer-1", probability=0.997)
    )
    by_list = verdict is Verdict.SURE
    assert [item.sure for item in shown] == [by_list, False]
    assert shown[0].probability == (0.997 if by_list else LIKELY)
    assert [reason_text(reason) for reason in shown[0].reasons] == (
        ["no other contact of the list is near this one"] if by_list else []
    )
    assert shown[1].reasons == ()


def test_what_is_sure_by_itself_needs_no_list() -> None:
    own = Suggestion("customer-1", 0.999, True, (Reason("same_name", {}, True),), True)
    kept = dump_suggestions(Suggestions((own,), 0.001), 0.001)
    [shown] = offered_suggestions(
        BatchRow(suggestions=kept, verdict=Verdict.SURE, best="customer-1", probability=0.999)
    )
    assert [reason.code for reason in shown.reasons] == ["same_name"]
