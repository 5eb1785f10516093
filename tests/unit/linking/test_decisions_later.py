"""What one decision may not do to a later one, or to one that is on its way."""

import pytest

from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.linking.context import Desk
from crmlink.linking.decisions import confirm, undo
from crmlink.linking.errors import CannotUndo, LinkInProgress
from crmlink.store import Link, LinkState
from crmlink.web.problems import problem_of
from support.sandbox import HOLLOWAY, OTHER, Playing, decision, new_key
from unit.linking.test_attempts import fails, meddled

NOTHING = frozenset[str]()


def link(desk: Desk, device_id: int, reference: str, replaces: str | None = None) -> Link:
    made = confirm(desk, decision(reference=reference, replaces=replaces), new_key(), device_id)
    assert made.state is LinkState.LINKED
    return made


def test_the_undo_of_a_link_takes_back_no_later_decision_for_the_same_value(
    desk: Desk, device_id: int, sandbox: Playing
) -> None:
    first = link(desk, device_id, HOLLOWAY)
    link(desk, device_id, OTHER, replaces=HOLLOWAY)
    last = link(desk, device_id, HOLLOWAY, replaces=OTHER)
    with pytest.raises(CannotUndo) as caught:
        undo(desk, first.id, new_key(), device_id, NOTHING)
    assert "linked anew since (Office" in problem_of(caught.value).detail
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert undo(desk, last.id, new_key(), device_id, NOTHING).target == OTHER


def test_a_value_that_was_cleared_by_hand_and_linked_again_belongs_to_the_later_link(
    desk: Desk, device_id: int, sandbox: Playing
) -> None:
    first = link(desk, device_id, HOLLOWAY)
    sandbox.put_reference("customer-1001", None)
    second = link(desk, device_id, HOLLOWAY)
    with pytest.raises(CannotUndo):
        undo(desk, first.id, new_key(), device_id, NOTHING)
    assert undo(desk, second.id, new_key(), device_id, NOTHING).state is LinkState.LINKED


def test_once_the_later_link_is_undone_the_earlier_one_can_be(
    desk: Desk, device_id: int, sandbox: Playing
) -> None:
    first = link(desk, device_id, HOLLOWAY)
    second = link(desk, device_id, OTHER, replaces=HOLLOWAY)
    undo(desk, second.id, new_key(), device_id, NOTHING)
    undo(desk, first.id, new_key(), device_id, NOTHING)
    assert sandbox.reference("customer-1001") is None


def test_a_reference_that_is_on_its_way_to_one_record_does_not_set_out_to_another(
    desk: Desk, device_id: int, sandbox: Playing
) -> None:
    """Ids are unique only in an organisation: two companies' contact 12 may be linked at once."""
    lost = meddled(desk, write_reference=fails(CommusoftUnreachable()))
    assert confirm(lost, decision(), new_key(), device_id).state is LinkState.INTENDED
    elsewhere = decision("customer-1002", organisation="!other")
    with pytest.raises(LinkInProgress):
        confirm(desk, elsewhere, new_key(), device_id)
    assert sandbox.reference("customer-1002") is None
