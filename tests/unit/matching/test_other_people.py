"""Other people and firms that share much with a record: a household, an agent, a head office."""

import pytest

from bench.other_people import KINDS, pairs, wrongly_sure
from crmlink.matching import decide


@pytest.mark.slow
def test_no_one_who_shares_a_place_a_phone_or_a_mailbox_is_surely_the_record() -> None:
    found, _ = wrongly_sure(seed=2, each=2)
    assert len(KINDS) >= 30
    assert found == {}


@pytest.mark.slow
def test_without_the_rules_for_households_and_branches_some_would_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decide, "FIRM_VETOES", ())
    monkeypatch.setattr(decide, "_is_same_person", lambda *_: True)
    found, _ = wrongly_sure(seed=2, each=1)
    assert len(found) > 5


def test_the_same_seed_draws_the_same_people() -> None:
    assert list(pairs(3, 1)) == list(pairs(3, 1))
    assert list(pairs(3, 1)) != list(pairs(4, 1))
