"""Every decision is in the audit, with the value before and after it."""

from __future__ import annotations

from crmlink.access.audit.log import entries
from crmlink.access.refresh_tokens import TokenResponse
from crmlink.installation import Installation
from crmlink.linking.decisions import UndoDecision, confirm, undo
from support.access_factories import make_person, pair
from support.sandbox import GREENFIELD_HAS, HOLLOWAY, OTHER, decision, new_key


def clerks_browser(installation: Installation) -> TokenResponse:
    return pair(installation.access, make_person(installation.access, name="Anna Pike"))


def told(installation: Installation) -> list[tuple[str, str, object, object]]:
    """The link entries, the oldest first: action, record, prior, new."""
    found = entries(installation.access, action="link.")
    return [
        (e.entry.action, e.entry.subject, e.entry.details["prior"], e.entry.details["new"])
        for e in reversed(found)
    ]


def test_a_link_and_its_undo_are_told_with_who_and_from_where(installation: Installation) -> None:
    browser = clerks_browser(installation)
    link = confirm(installation.workspace, decision(), new_key(), browser.device.id)
    undo(installation.workspace, UndoDecision(link.id), new_key(), browser.device.id)
    assert told(installation) == [
        ("link.intended", "customer-1001", None, HOLLOWAY),
        ("link.linked", "customer-1001", None, HOLLOWAY),
        ("link.intended", "customer-1001", HOLLOWAY, None),
        ("link.undone", "customer-1001", HOLLOWAY, None),
    ]
    last = entries(installation.access, action="link.undone")[0]
    assert last.person
    assert last.device
    assert (last.person.name, last.device.name) == ("Anna Pike", "Front desk")
    assert last.entry.details["undoes"] == link.id


def test_a_reference_that_was_replaced_is_told(installation: Installation) -> None:
    browser = clerks_browser(installation)
    replaced = decision("customer-1007", OTHER, replaces=GREENFIELD_HAS)
    confirm(installation.workspace, replaced, new_key(), browser.device.id)
    assert told(installation)[-1] == ("link.linked", "customer-1007", GREENFIELD_HAS, OTHER)


def test_a_decision_that_is_refused_before_it_is_kept_is_not_told(
    installation: Installation,
) -> None:
    browser = clerks_browser(installation)
    key = new_key()
    for _ in range(2):
        confirm(installation.workspace, decision(), key, browser.device.id)
    assert len(told(installation)) == 2
