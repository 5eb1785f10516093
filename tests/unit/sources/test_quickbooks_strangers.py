"""QuickBooks Desktop's answers as a fault or an attacker has them: nothing mixed, nothing lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from crmlink.installation import Installation
from crmlink.sources.errors import OtherCompanyFile, SessionOver, SourceFault, SourceUnreadable
from crmlink.sources.quickbooks_desktop.session import (
    close_session,
    error_of_session,
    note_unreachable,
)
from crmlink.store import ContactState, Device, SourceContact
from unit.sources.test_quickbooks_desktop import Office


@pytest.fixture
def office(installation: Installation, device: Device) -> Office:
    return Office(installation.sources, device)


def begun(office: Office, customers: int = 120) -> str:
    """A session whose company has been read, with customers to follow; its ticket."""
    for number in range(customers):
        office.add(number)
    ticket = office.sign_in()
    office.give(ticket, office.quickbooks(office.ask(ticket)))
    return ticket


@pytest.mark.parametrize(
    ("page", "old", "new"),
    [
        (1, ' iteratorRemainingCount="70"', ""),
        (2, ' iteratorRemainingCount="20"', ""),
        (2, 'iteratorRemainingCount="20"', 'iteratorRemainingCount="0"'),
        (2, 'iteratorRemainingCount="20"', 'iteratorRemainingCount="5"'),
        (2, 'iteratorID="iter-1"', 'iteratorID="iter-9"'),
        (2, 'statusCode="0"', 'statusCode="1"'),
    ],
)
def test_a_list_that_lost_contacts_is_not_taken_for_complete(
    office: Office, page: int, old: str, new: str
) -> None:
    ticket = begun(office)
    for _ in range(page - 1):
        office.give(ticket, office.quickbooks(office.ask(ticket)))
    right = office.quickbooks(office.ask(ticket))
    assert old in right
    wrong = right.replace(old, new)
    if "statusCode" in old:  # nothing was found: no entries either
        wrong = wrong[: wrong.index(">", wrong.index("<CustomerQueryRs")) + 1]
        wrong = wrong.replace(' iteratorRemainingCount="20"', "")
        wrong += "</CustomerQueryRs></QBXMLMsgsRs></QBXML>"
    with pytest.raises(SourceUnreadable):
        office.give(ticket, wrong)
    assert office.source.fully_synced_at is None
    close_session(office.ctx, office.id, ticket)
    office.read()
    assert len(office.contacts()) == 120


def test_another_file_in_the_middle_reads_nothing_into_this_company(office: Office) -> None:
    ticket = begun(office)
    office.give(ticket, office.quickbooks(office.ask(ticket)))
    office.path = r"C:\Shop.QBW"
    with pytest.raises(OtherCompanyFile):
        office.ask(ticket)
    assert error_of_session(office.ctx, office.id, ticket) == "source-other-file"
    assert office.source.problem == "source-other-file"
    assert len(office.contacts()) == 50


def test_a_file_that_is_named_late_or_in_other_letters_is_the_same(office: Office) -> None:
    office.path = ""
    ticket = begun(office)
    office.path = r"C:\Users\Anna\Office.QBW"
    office.give(ticket, office.quickbooks(office.ask(ticket)))
    office.path = office.path.upper()
    office.give(ticket, office.quickbooks(office.ask(ticket)))
    assert len(office.contacts()) == 100


def test_jobs_of_one_name_are_told_apart_whatever_says_that_they_are_jobs(office: Office) -> None:
    office.add(1, Name="Smith", FullName="Smith")
    office.add(2, Name="Jones", FullName="Jones")
    office.add(3, Name="Kitchen", FullName="Smith:Kitchen", Sublevel="1")
    office.add(4, Name="Kitchen", FullName="Jones:Kitchen", Sublevel="")
    office.add(5, Name="Kitchen", FullName="Jones:Roof:Kitchen", Sublevel="0")
    office.add(6, Name="Kitchen", FullName="", Sublevel="1")
    office.read()
    references = [reference for reference, _, _ in office.contacts().values()]
    assert sorted(references) == [
        "Jones", "Jones:Kitchen", "Jones:Roof:Kitchen", "Smith", "Smith:Kitchen"
    ]  # fmt: skip


def test_names_keep_their_letters_and_signs(office: Office) -> None:
    names = ["Zoë & Söhne <Ltd>", "“Quoted” 'n' \"so\"", "東京", "a;--", "&amp; literally"]
    for number, name in enumerate(names):
        office.add(number, Name=name, FullName=name, IsActive="false" if number else "true")
    office.read()
    with office.ctx.database.reading() as session:
        found = set(session.scalars(select(SourceContact.reference)))
    assert found == set(names)
    assert office.contacts()[names[1]][2] is ContactState.ARCHIVED


@pytest.mark.parametrize("status", ["500", "3120", "3100", "-1", "01", "", "0 "])
def test_any_other_status_is_an_error_and_the_list_begins_anew(office: Office, status: str) -> None:
    ticket = begun(office, 3)
    right = office.quickbooks(office.ask(ticket))
    with pytest.raises(SourceFault):
        office.give(ticket, right.replace('statusCode="0"', f'statusCode="{status}"'))
    assert office.contacts() == {}
    office.read()
    assert len(office.contacts()) == 3


def test_nothing_found_is_an_empty_list(office: Office) -> None:
    office.read()
    assert (office.contacts(), office.source.problem) == ({}, None)
    assert office.source.fully_synced_at is not None


def test_answers_out_of_order_store_nothing(office: Office) -> None:
    ticket = begun(office)
    first = office.quickbooks(office.ask(ticket))
    office.give(ticket, first)
    second = office.quickbooks(office.ask(ticket))
    office.give(ticket, second)
    assert len(office.contacts()) == 100
    with pytest.raises(SourceUnreadable):
        office.give(ticket, first)
    with pytest.raises(SessionOver):
        office.give(ticket, second)  # nothing was asked since
    assert len(office.contacts()) == 100
    assert office.source.fully_synced_at is None


def test_two_connectors_with_one_file_bring_one_whole_list(office: Office) -> None:
    first = begun(office)
    office.give(first, office.quickbooks(office.ask(first)))
    second = office.sign_in()
    pending = office.quickbooks(office.ask(second))
    with pytest.raises(SessionOver):
        office.give(first, pending)
    note_unreachable(office.ctx, office.id, first)
    close_session(office.ctx, office.id, first)
    assert office.give(second, pending) == 1
    progress = 0
    while progress < 100:
        progress = office.give(second, office.quickbooks(office.ask(second)))
    assert len(office.contacts()) == 120
    assert office.source.problem is None


def test_a_connection_error_in_the_middle_ends_the_list_and_the_next_one_is_whole(
    office: Office,
) -> None:
    ticket = begun(office)
    office.give(ticket, office.quickbooks(office.ask(ticket)))
    note_unreachable(office.ctx, office.id, ticket)
    assert error_of_session(office.ctx, office.id, ticket) == "source-unreachable"
    close_session(office.ctx, office.id, ticket)
    with pytest.raises(SessionOver):
        error_of_session(office.ctx, office.id, ticket)
    assert office.source.position is None
    office.read()
    assert (len(office.contacts()), office.source.problem) == (120, None)


LOST = "\x01"


def lossy(text: str) -> str:
    """An answer as QuickBooks and .NET write it: a forbidden character by its number."""
    return text.replace(LOST, "&#x1;")


def test_a_name_that_came_incomplete_is_no_reference_and_is_shown(office: Office) -> None:
    office.add(1, Name=f"Sm{LOST}ith", CompanyName="Smith Ltd")
    office.add(2, Name="Kitchen", FullName=f"Sm{LOST}ith:Kitchen", Sublevel="1")
    office.add(3, Name="Jones", Email=f"jo{LOST}@jones.example", Phone="0113 496 0018")
    office.add(4, Name="N" * 42)
    office.quickbooks.entities["Vendor"].append({"ListID": "V1", "Name": "Pipes"})
    ticket, told = office.sign_in(), 0
    while told < 100:
        told = office.give(ticket, lossy(office.quickbooks(office.ask(ticket))))
    with office.ctx.database.reading() as session:
        found = set(session.scalars(select(SourceContact.reference)))
    assert found == {"Jones", "Pipes"}
    assert office.source.left_out == {
        "count": 3, "names": ["Sm\ufffdith", "Sm\ufffdith:Kitchen", "N" * 42],
    }  # fmt: skip
    assert (office.source.problem, office.source.fully_synced_at is None) == (None, False)


def test_a_name_that_was_corrected_is_read_and_no_longer_shown(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = office.add(1, Name="N" * 42)
    office.read()
    assert office.source.left_out
    office.read()  # changes alone: it was not corrected
    assert office.source.left_out == {"count": 1, "names": ["N" * 42]}
    entry["Name"] = "Newer"
    monkeypatch.setattr("crmlink.sources.sync.FULL_INTERVAL", timedelta(0))
    office.read()
    assert office.source.left_out is None
    assert list(office.contacts()) == ["Newer"]


def test_a_reference_that_became_unreadable_is_kept_as_no_other_one(office: Office) -> None:
    entry = office.add(1, Name="Smith")
    office.read()
    entry["Name"] = f"Smith{LOST}"
    ticket = office.sign_in()
    for _ in range(3):
        office.give(ticket, lossy(office.quickbooks(office.ask(ticket))))
    assert office.contacts() == {}
