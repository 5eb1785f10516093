"""A list of contacts becomes a draft on the server, and nothing is written to Commusoft."""

from pathlib import Path

from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import MARGARET
from e2e.turns import in_chromium, in_firefox

LIST = "https://go.xero.com/app/!kR4N6/contacts"


@in_chromium
def test_the_contacts_on_a_list_are_kept_as_a_draft_and_the_next_page_joins_it(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(LIST)
    clerk.link_to_crm("list")
    assert "Margaret Holloway" in clerk.reads()
    assert access.ask("batches")["batches"] == []
    clerk.press("Enter")
    clerk.sees("list-kept")
    [draft] = access.ask("batches")["batches"]
    assert (draft["package"], draft["organisation"]) == ("xero", "!kR4N6")
    rows = access.ask(f"batches/{draft['id']}/rows")["rows"]
    assert ("Margaret Holloway", "margaret.holloway@postbox.example") in [
        (row["name"], row["email"]) for row in rows
    ]
    assert f"{len(rows)} contacts saved" in clerk.reads()

    clerk.look_at(LIST)
    assert clerk.page
    clerk.page.evaluate(_ONE_MORE)
    clerk.link_to_crm("list")
    assert f"({len(rows)} contacts)" in clerk.reads()
    clerk.press("Enter")
    clerk.sees("list-kept")
    assert "1 contact saved" in clerk.reads()
    [draft] = access.ask("batches")["batches"]
    assert draft["contacts"] == len(rows) + 1
    assert access.writes() == []


@in_firefox
def test_a_page_of_the_list_brings_the_references_that_the_packages_own_export_lacks(
    clerk: PopupDriver, access: RunningServices, tmp_path: Path
) -> None:
    export = tmp_path / "Contacts.csv"
    export.write_text(
        "*ContactName,AccountNumber,EmailAddress,FirstName,LastName,POAddressLine1,POPostalCode\n"
        "Margaret Holloway,,margaret.holloway@postbox.example,,,14 Orchard Close,GL50 2TR\n"
        "Nobody Onthepage,,nobody@nowhere.example,,,1 Moon Lane,TR1 2AB\n"
    )
    result = access.crmlink("batch", "import", str(export), "--kind", "customer")
    assert "This file doesn't include" in result
    clerk.look_at(LIST)
    clerk.link_to_crm("list")
    assert "(2 contacts)" in clerk.reads()
    clerk.press("Enter")
    clerk.sees("list-kept")
    assert "1 reference added." in clerk.reads()
    [draft] = access.ask("batches")["batches"]
    rows = {row["name"]: row for row in access.ask(f"batches/{draft['id']}/rows")["rows"]}
    margaret, unmatched = rows["Margaret Holloway"], rows["Nobody Onthepage"]
    assert (margaret["reference"], margaret["postcode"]) == (MARGARET, "GL50 2TR")
    assert unmatched["reference"] in (None, "")
    access.crmlink("batch", "match", draft["id"])
    access.crmlink("batch", "accept-sure", draft["id"], "--yes")
    access.crmlink("batch", "write", draft["id"], "--yes")
    assert access.reference("customer-1001") == MARGARET


@in_chromium
def test_a_list_that_changes_before_enter_is_not_sent(
    clerk: PopupDriver, access: RunningServices
) -> None:
    clerk.look_at(LIST)
    clerk.link_to_crm("list")
    assert clerk.page
    clerk.page.evaluate(_ONE_MORE)
    clerk.press("Enter")
    clerk.sees("trouble-list-changed")
    assert access.ask("batches")["batches"] == []


_ONE_MORE = """(() => {
    const link = document.createElement('a');
    link.href = '/app/!kR4N6/contacts/contact/11111111-2222-4333-8444-555555555555';
    link.textContent = 'Ruth Adeyemi';
    document.body.append(link);
    return true;
})()"""
