"""Lists whose records are all alike: the work for a contact stays bounded, and no tie is sure."""

from dataclasses import replace

import pytest

from crmlink.matching import Matcher, decide, matcher
from crmlink.matching.assignment import assign_one_to_one
from crmlink.matching.candidates import MAX_CANDIDATES
from crmlink.values.contact_details import ContactDetails

RECORDS = 3_000
ALIKE = ContactDetails(
    person="John Smith",
    address="1 High Street",
    town="Leeds",
    postcode="LS1 1AA",
    email="john.smith@pargeterhall.example",
    phones=("0113 496 0000",),
)


@pytest.mark.parametrize(
    "shown",
    [
        ALIKE,
        ContactDetails(person=ALIKE.person, town=ALIKE.town),
        ContactDetails(person=ALIKE.person, phones=ALIKE.phones),
        ContactDetails(person=ALIKE.person, email=ALIKE.email),
        ContactDetails(company="Smith Heating", postcode=ALIKE.postcode),
    ],
)
def test_few_of_many_alike_records_are_looked_at_and_none_is_sure(
    monkeypatch: pytest.MonkeyPatch, shown: ContactDetails
) -> None:
    looked_at: list[int] = []

    def counted(*given: object) -> decide.ScoredCandidates:
        scored = decide.score(*given)  # type: ignore[arg-type]  # passed on
        looked_at.append(len(scored.rows))
        return scored

    monkeypatch.setattr(matcher, "score", counted)
    made = Matcher()
    made.update((f"r{number}", shown) for number in range(RECORDS))
    answers = [(f"c{number}", made.suggest(shown)) for number in range(20)]
    assert looked_at == [MAX_CANDIDATES] * 20
    assert not any(item.sure for _, found in answers for item in found.items)
    given = [found.items[0] for _, found in assign_one_to_one(answers) if found.items]
    assert len({item.record_id for item in given}) == len(given) > 0
    assert not any(item.sure for item in given)


def test_the_one_record_that_has_more_in_common_is_sure_among_thousands_of_namesakes() -> None:
    made = Matcher()
    namesake = ContactDetails(person=ALIKE.person, town=ALIKE.town)
    made.update((f"r{number}", namesake) for number in range(RECORDS))
    made.update([("own", ALIKE)])
    first = made.suggest(replace(ALIKE, town="")).items[0]
    assert (first.record_id, first.sure) == ("own", True)
