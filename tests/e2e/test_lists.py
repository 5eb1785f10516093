"""A list of contacts becomes a draft on the server, and nothing is written to Commusoft."""

from browsers.clerk import Clerk
from browsers.office import Office

LIST = "https://go.xero.com/app/!kR4N6/contacts"


def test_the_contacts_on_a_list_are_kept_as_a_draft_and_the_next_page_joins_it(
    clerk: Clerk, office: Office
) -> None:
    clerk.look_at(LIST)
    clerk.link_to_crm("list")
    assert "Margaret Holloway" in clerk.reads()
    assert office.ask("batches")["batches"] == []
    clerk.press("Enter")
    clerk.sees("list-kept")
    [draft] = office.ask("batches")["batches"]
    assert (draft["package"], draft["organisation"]) == ("xero", "!kR4N6")
    rows = office.ask(f"batches/{draft['id']}/rows")["rows"]
    assert ("Margaret Holloway", "margaret.holloway@postbox.example") in [
        (row["name"], row["email"]) for row in rows
    ]
    assert f"{len(rows)} contacts kept" in clerk.reads()

    clerk.look_at(LIST)
    assert clerk.page
    clerk.page.evaluate(_ONE_MORE)
    clerk.link_to_crm("list")
    assert f"({len(rows)} contacts)" in clerk.reads()
    clerk.press("Enter")
    clerk.sees("list-kept")
    assert "One contact kept" in clerk.reads()
    [draft] = office.ask("batches")["batches"]
    assert draft["contacts"] == len(rows) + 1
    assert office.writes() == []


def test_a_list_that_changes_before_enter_is_not_sent(clerk: Clerk, office: Office) -> None:
    clerk.look_at(LIST)
    clerk.link_to_crm("list")
    assert clerk.page
    clerk.page.evaluate(_ONE_MORE)
    clerk.press("Enter")
    clerk.sees("trouble-list-changed")
    assert office.ask("batches")["batches"] == []


_ONE_MORE = """(() => {
    const link = document.createElement('a');
    link.href = '/app/!kR4N6/contacts/contact/11111111-2222-4333-8444-555555555555';
    link.textContent = 'Ruth Adeyemi';
    document.body.append(link);
    return true;
})()"""
