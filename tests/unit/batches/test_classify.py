"""What a row is once the whole list was matched: facts in, judgements out."""

from typing import Any

from crmlink.batches.classify import Classification, ExistingLinks, MatchedRow, classify_rows
from crmlink.matching import Suggestion
from crmlink.matching.details import Suggestions
from crmlink.store import Verdict


def asked(
    position: int, *offers: tuple[str, float, bool], holders: tuple[str, ...] = (), **more: Any
) -> MatchedRow:
    items = tuple(Suggestion(record, probability, sure, ()) for record, probability, sure in offers)
    none = 1.0 - sum(item.probability for item in items)
    reference = more.get("reference", f"R{position}")
    found = Suggestions(items, max(none, 1e-9))
    return MatchedRow(position, position, reference, found, holders, more.get("retired", False))


def judged(*rows: MatchedRow, bound: float = 0.998, **standing: Any) -> list[Classification]:
    found = classify_rows(rows, ExistingLinks(**standing), bound)
    return [found[row.row_id] for row in rows]


def test_a_sure_match_that_no_one_else_claims_is_sure() -> None:
    [one] = judged(asked(1, ("customer-1", 0.9995, True)))
    assert (one.verdict, one.best, one.conflict) == (Verdict.SURE, "customer-1", None)


def test_the_admins_bound_holds_and_never_makes_sure_what_matching_does_not() -> None:
    rows = asked(1, ("customer-1", 0.9985, True)), asked(2, ("customer-2", 0.99999, False))
    assert [one.verdict for one in judged(*rows, bound=0.999)] == [Verdict.CHECK] * 2


def test_two_contacts_that_are_likely_one_record_are_a_conflict_for_both() -> None:
    one, other = judged(
        asked(1, ("customer-1", 0.9995, True)),
        asked(2, ("customer-1", 0.7, False), ("customer-2", 0.2, False)),
    )
    assert one.verdict is other.verdict is Verdict.CONFLICT
    assert one.conflict == {"code": "contact-twice", "record": "customer-1", "rows": [2]}
    assert other.conflict == {"code": "contact-twice", "record": "customer-1", "rows": [1]}


def test_a_record_that_was_given_to_another_row_is_a_conflict_for_who_is_likely_it() -> None:
    [one] = judged(asked(2, ("customer-1", 0.9995, True)), given={"customer-1": 7})
    assert one.conflict == {"code": "contact-twice", "record": "customer-1", "rows": [7]}


def test_a_reference_that_stands_on_one_record_is_linked_whatever_else_is_offered() -> None:
    [one] = judged(asked(1, ("customer-2", 0.6, False), holders=("customer-1",)))
    assert (one.verdict, one.best) == (Verdict.LINKED, "customer-1")


def test_a_reference_in_other_letters_is_another_one_and_left_to_a_person() -> None:
    one, other = judged(
        asked(1, ("customer-1", 0.9995, True), holders=("customer-1",), reference="Abc"),
        asked(2, holders=("customer-1",), reference="ABC"),
        references={"customer-1": "ABC"},
    )
    assert one.conflict == {
        "code": "record-has-reference", "record": "customer-1", "current_reference": "ABC",
    }  # fmt: skip
    assert (one.best, other.verdict) == ("customer-1", Verdict.LINKED)


def test_a_reference_on_another_record_than_the_sure_one_is_a_conflict() -> None:
    [one] = judged(asked(1, ("customer-2", 0.9995, True), holders=("customer-1",)))
    assert (one.verdict, one.best) == (Verdict.CONFLICT, "customer-2")
    assert one.conflict == {"code": "reference-elsewhere", "records": ["customer-1"]}


def test_a_reference_on_two_records_is_a_conflict() -> None:
    [one] = judged(asked(1, holders=("customer-1", "customer-2")))
    assert one.conflict == {"code": "reference-twice", "records": ["customer-1", "customer-2"]}


def test_a_likely_record_with_another_reference_is_a_conflict_and_stays_first() -> None:
    [one] = judged(
        asked(1, ("customer-1", 0.9995, True), ("customer-2", 0.0004, False)),
        references={"customer-1": "OLD"},
    )  # fmt: skip
    assert (one.verdict, one.best) == (Verdict.CONFLICT, "customer-1")
    assert one.conflict == {
        "code": "record-has-reference", "record": "customer-1", "current_reference": "OLD",
    }  # fmt: skip


def test_a_row_without_a_reference_cannot_contradict_one_and_is_left_to_a_person() -> None:
    [one] = judged(
        asked(1, ("customer-1", 0.9995, True), reference=""), references={"customer-1": "OLD"}
    )
    assert (one.verdict, one.best) == (Verdict.CHECK, "customer-1")


def test_what_is_better_used_elsewhere_is_not_offered_first_again() -> None:
    one, other = judged(
        asked(1, ("customer-1", 0.45, False), ("customer-2", 0.40, False)),
        asked(2, ("customer-1", 0.55, False)),
    )
    assert (one.best, other.best) == ("customer-2", "customer-1")
    assert one.verdict is other.verdict is Verdict.CHECK


def test_a_faint_likeness_is_none() -> None:
    faint, nothing = judged(asked(1, ("customer-1", 0.01, False)), asked(2))
    assert faint.verdict is nothing.verdict is Verdict.NONE


def test_a_retired_contact_takes_no_record_from_the_one_in_use_and_names_it() -> None:
    old, live = judged(
        asked(1, ("customer-1", 0.9999, False), retired=True),
        asked(2, ("customer-1", 0.9995, True)),
    )
    assert (live.verdict, live.best) == (Verdict.SURE, "customer-1")
    assert old.verdict is Verdict.CONFLICT
    assert old.conflict == {"code": "retired-twin", "record": "customer-1", "rows": [2]}


def test_a_record_given_to_a_row_in_use_is_not_the_retired_ones() -> None:
    [old] = judged(asked(2, ("customer-1", 0.9, False), retired=True), given={"customer-1": 7})
    assert old.conflict == {"code": "retired-twin", "record": "customer-1", "rows": [7]}


def test_a_retired_contact_alone_is_left_to_a_person() -> None:
    [old] = judged(asked(1, ("customer-1", 0.9999, False), retired=True))
    assert (old.verdict, old.best, old.conflict) == (Verdict.CHECK, "customer-1", None)


def test_two_retired_contacts_of_one_record_are_a_conflict_for_both() -> None:
    one, other = judged(
        asked(1, ("customer-1", 0.99, False), retired=True),
        asked(2, ("customer-1", 0.99, False), retired=True),
    )
    assert [one.conflict, other.conflict] == [
        {"code": "contact-twice", "record": "customer-1", "rows": [2]},
        {"code": "contact-twice", "record": "customer-1", "rows": [1]},
    ]
