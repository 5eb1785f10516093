"""The command line, run as a person or a script runs it, against a real sandbox."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmlink.accounting.rule_loading import load_packages
from crmlink.cli import main
from crmlink.store import Database, MailKind, MailMessage
from support.sandbox import GREENFIELD_HAS, HOLLOWAY, OCONNOR_HAS, WEBSERVICE, SandboxHandle

CONTACT = f"https://go.xero.com/app/!kR4N6/contacts/contact/{HOLLOWAY}"
WHO = ["--name", "Margaret Holloway", "--email", "margaret.holloway@postbox.example"]
Run = Callable[..., Result]


@pytest.fixture
def run(sandbox: SandboxHandle, tmp_path: Path) -> Run:
    environment = {
        "CRMLINK_DATA_DIR": str(tmp_path),
        "CRMLINK_COMMUSOFT_URL": sandbox.address + WEBSERVICE,
    } | {
        f"CRMLINK_COMMUSOFT_{name}": "sandbox"
        for name in ("CLIENT_ID", "USERNAME", "PASSWORD", "APPLICATION_ID")
    }
    runner = CliRunner(env=environment)
    return lambda *arguments, typed=None: runner.invoke(main, arguments, input=typed)


def test_locate_prints_one_json_object_a_line(run: Run) -> None:
    found = run("locate", "-", CONTACT, "--json", typed="https://example.com/1\n\n")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line["url"] for line in lines] == ["https://example.com/1", "", CONTACT]
    assert lines[0]["package"] is None
    assert lines[2] == {
        "url": CONTACT,
        "package": "xero",
        "page": "contact",
        "kind": None,
        "reference": HOLLOWAY,
        "organisation": "!kR4N6",
        "record": None,
    }


def test_locate_names_commusofts_records_too(run: Run) -> None:
    url = "https://app.commusoft.co.uk/suppliers/list_supplier/77/view/supplier_details"
    location = json.loads(run("locate", url, "--json").stdout)
    assert (location["page"], location["kind"], location["record"]) == ("record", "supplier", "77")
    assert location["package"] is None
    assert run("locate", url).stdout == "Commusoft: supplier 77\n"
    refused = run("link", url)
    assert refused.exit_code == 1
    assert "the page of supplier 77 in Commusoft" in refused.output


def test_locate_tells_people_what_it_saw(run: Run) -> None:
    said = run("locate", CONTACT, "https://app.qbo.intuit.com/app/vendors", "nonsense").stdout
    assert said.splitlines() == [
        f"Xero: contact {HOLLOWAY} in !kR4N6",
        "QuickBooks Online: a list of suppliers",
        "Not a contact page that crmlink recognises: nonsense",
    ]


def test_a_sure_match_is_linked_and_undone_without_a_question(
    run: Run, sandbox: SandboxHandle
) -> None:
    linked = run("link", CONTACT, *WHO, "--postcode", "GL50 2TR", "--yes", "--json")
    assert linked.exit_code == 0, linked.output
    made = json.loads(linked.stdout)
    assert (made["state"], made["record"]) == ("linked", "customer-1001")
    assert sandbox.reference("customer-1001") == HOLLOWAY
    undone = run("undo", made["id"])
    assert "has no reference now" in undone.stdout
    assert sandbox.reference("customer-1001") is None


def test_many_are_undone_and_each_that_cannot_be_is_named(run: Run, sandbox: SandboxHandle) -> None:
    made = json.loads(run("link", CONTACT, "--record", "customer-1001", "--yes", "--json").stdout)
    undone = run("undo", "no-such-link", made["id"])
    assert undone.exit_code == 1
    assert "no-such-link: There is nothing" in undone.stderr
    assert "Margaret Holloway has no reference now" in undone.stdout
    assert sandbox.reference("customer-1001") is None


def test_a_person_chooses_from_the_list_and_confirms(run: Run, sandbox: SandboxHandle) -> None:
    linked = run("link", CONTACT, *WHO, typed="1\ny\n")
    assert linked.exit_code == 0, linked.output
    assert "Linked: Margaret Holloway (customer-1001)" in linked.stdout
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_the_other_kind_is_chosen_and_confirmed_only_with_its_own_word(
    run: Run, sandbox: SandboxHandle
) -> None:
    chosen = [CONTACT, *WHO, "--kind", "supplier"]
    refused = run("link", *chosen, typed="1\ny\n")
    assert "is a customer in Commusoft" in refused.stderr
    assert sandbox.reference("customer-1001") is None
    linked = run("link", *chosen, "--other-kind", typed="1\ny\n")
    assert linked.exit_code == 0, linked.output
    assert "a customer, though the contact is a supplier" in linked.stderr
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_no_is_no(run: Run, sandbox: SandboxHandle) -> None:
    assert run("link", CONTACT, *WHO, typed="1\nn\n").exit_code == 1
    assert sandbox.reference("customer-1001") is None


def test_a_name_alone_is_never_linked_unasked(run: Run, sandbox: SandboxHandle) -> None:
    refused = run("link", CONTACT, "--name", "John Smith", "--yes")
    assert refused.exit_code == 1
    assert "is not sure" in refused.stderr
    assert sandbox.reference("customer-1004") is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["https://go.xero.com/app/!x/invoicing/view/" + HOLLOWAY], "isn't a contact page"),
        ([CONTACT, "--record", "customer-424242", "--yes"], "doesn't know this Commusoft record"),
        ([CONTACT, "--record", "customer-1006", "--yes"], OCONNOR_HAS),
        (
            [CONTACT.replace(HOLLOWAY, GREENFIELD_HAS), "--record", "customer-1001", "--yes"],
            "Greenfield Lettings Limited already has this reference",
        ),
        ([CONTACT, "--name", "Qqqq Zzzz", "--yes"], "--record"),
        (
            [CONTACT, "--kind", "supplier", "--record", "customer-1001", "--yes"],
            "The contact is a supplier, but Margaret Holloway is a customer",
        ),
        ([CONTACT, *WHO, "--postcode", "GL50 2TR", "--kind", "supplier", "--yes"], "is not sure"),
    ],
)
def test_what_cannot_be_linked_is_said_in_a_sentence(
    run: Run, sandbox: SandboxHandle, arguments: list[str], says: str
) -> None:
    refused = run("link", *arguments)
    assert refused.exit_code == 1
    assert says in refused.stderr
    assert "Traceback" not in refused.output
    assert sandbox.reference("customer-1001") is None


def test_commusoft_down_is_said_and_loses_nothing(run: Run, sandbox: SandboxHandle) -> None:
    run("sync")
    sandbox.stop()
    refused = run("link", CONTACT, "--record", "customer-1001", "--yes")
    assert refused.exit_code == 1
    assert "We can't reach Commusoft" in refused.stderr


def test_sync_says_what_it_found(run: Run) -> None:
    assert "customers and" in run("sync").stdout
    assert "0 new, 0 changed, 0 deleted" in run("sync").stdout


def test_tokens_are_made_listed_and_revoked(run: Run) -> None:
    assert "no tokens yet" in run("token", "list").stdout
    token = run("token", "create", "Front desk").stdout.strip()
    assert token.startswith("crm_")
    listed = run("token", "list")
    assert token not in listed.stdout
    assert "Front desk" in listed.stdout
    assert run("token", "revoke", token[:12]).exit_code == 0
    assert json.loads(run("token", "list", "--json").stdout)["state"] == "revoked"
    assert run("token", "revoke", "crm_nothing").exit_code == 1
    assert run("token", "create", "x", "--scope", "everything").exit_code == 2
    assert run("token", "create", "x", "--days", "4000").exit_code == 2


def test_an_edited_rule_file_is_checked_installed_and_followed(run: Run, tmp_path: Path) -> None:
    edited = load_packages()
    edited["packages"]["freeagent"]["pages"][0]["path"] = "/people/{reference}"
    file = tmp_path / "edited.json"
    file.write_text(json.dumps(edited))
    checked = run("rules", "check", str(file))
    assert checked.exit_code == 1
    assert "freeagent.com/contacts/151730" in checked.stdout
    assert run("rules", "install", str(file)).exit_code == 1
    assert not (tmp_path / "packages.json").exists()
    file.write_text(json.dumps(load_packages()))
    assert run("rules", "check", str(file)).stdout.strip() == "No problems found."
    assert run("rules", "install", str(file)).exit_code == 0
    assert load_packages(tmp_path / "packages.json") == load_packages()


def test_an_installed_rule_file_is_audited_and_taken_out_again(run: Run, tmp_path: Path) -> None:
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(load_packages()))
    assert run("rules", "install", str(edited)).exit_code == 0
    assert (tmp_path / "packages.json").exists()
    assert run("rules", "remove").exit_code == 0
    assert not (tmp_path / "packages.json").exists()
    exported = run("audit", "export").stdout
    assert "rules.installed" in exported
    assert "rules.removed" in exported


def test_hosts_are_added_listed_used_and_removed(run: Run) -> None:
    page = "https://sage.office.example/Sage200WebPortal/Customers/27825"
    assert "No address" in run("hosts", "list").stdout
    assert "isn't a contact page" in run("link", page, "--yes").stderr
    assert run("hosts", "add", "sage_200", "sage.office.example").exit_code == 0
    assert run("hosts", "list").stdout.strip() == "sage_200  sage.office.example"
    assert "isn't a contact page" not in run("link", page, "--name", "Nobody Qqq", "--yes").stderr
    assert run("hosts", "add", "xero", "xero.office.example").exit_code == 1
    assert run("hosts", "remove", "sage_200", "sage.office.example").exit_code == 0
    assert "No address" in run("hosts", "list").stdout


def test_an_unsafe_setting_stops_every_command_with_its_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRMLINK_SECRET_KEY", "short")
    refused = run("sync")
    assert refused.exit_code == 1
    assert "CRMLINK_SECRET_KEY" in refused.stderr


def test_people_are_added_listed_given_roles_and_removed(run: Run) -> None:
    assert "No one yet" in run("person", "list").stdout
    added = run("person", "add", "Ann Lee", "ann@firm.example", "--role", "admin")
    assert added.stdout.startswith("http://127.0.0.1:8787/welcome#crmi_")
    assert run("person", "add", "Ann Lee", "ANN@firm.example").exit_code == 1
    assert run("person", "add", "Ann Lee", "no email").exit_code == 2
    assert "admin    Ann Lee <ann@firm.example>  invited" in run("person", "list").stdout
    assert "/welcome#crmi_" in run("person", "link", "ann@firm.example").stdout
    assert run("person", "role", "nobody@firm.example", "clerk").exit_code == 1
    assert json.loads(run("person", "list", "--json").stdout)["joined"] is False
    assert run("person", "role", "ann@firm.example", "clerk").exit_code == 1, "the last admin stays"
    assert run("person", "rename", "ann@firm.example", "Anne Lee").exit_code == 0
    assert run("person", "add", "Bo Ray", "bo@firm.example").exit_code == 0
    assert "now a manager" in run("person", "role", "bo@firm.example", "manager").stdout
    assert "signed out everywhere" in run("person", "log-out", "bo@firm.example").stdout
    everything = run("person", "log-out", "bo@firm.example", "--browsers").stdout
    assert "Browsers disconnected: 0." in everything
    assert "Bo Ray is removed" in run("person", "remove", "bo@firm.example").stdout
    listed = run("person", "list").stdout
    assert "Anne Lee" in listed
    assert "Bo Ray" not in listed


def test_a_new_person_is_emailed_their_link_where_email_is_set_up(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "emailing" not in run("person", "add", "Ann Lee", "ann@firm.example").stderr
    for name, value in (
        ("PUBLIC_URL", "https://crmlink.firm.example"),
        ("SMTP_HOST", "smtp.firm.example"),
        ("SMTP_FROM", "crmlink@firm.example"),
    ):
        monkeypatch.setenv(f"CRMLINK_{name}", value)
    added = run("person", "add", "Cy Poe", "cy@firm.example")
    assert added.stdout.startswith("https://crmlink.firm.example/welcome#crmi_")
    assert "crmlink is emailing it to cy@firm.example too" in added.stderr
    assert "emailing" not in run("person", "add", "Di Fox", "di@firm.example", "--no-email").stderr
    with Database(f"sqlite:///{tmp_path}/crmlink.sqlite").reading() as session:
        kept = session.query(MailMessage).one()
        assert kept.kind is MailKind.INVITATION
        assert kept.person
        assert kept.person.email == "cy@firm.example"


def test_a_one_time_link_leads_to_the_public_address(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = run("person", "add", "Ann Lee", "ann@firm.example")
    assert added.stdout.startswith("http://127.0.0.1:8787/welcome#crmi_")
    monkeypatch.setenv("CRMLINK_PUBLIC_URL", "https://crmlink.firm.example/")
    again = run("person", "link", "ann@firm.example")
    assert again.stdout.startswith("https://crmlink.firm.example/welcome#crmi_")
    elsewhere = run("person", "link", "ann@firm.example", "--server", "http://office:8787/")
    assert elsewhere.stdout.startswith("http://office:8787/welcome#crmi_")


def test_what_is_kept_about_a_customer_is_shown_and_erased(run: Run) -> None:
    run("sync")
    kept = json.loads(run("person", "export", "customer-1001").stdout)
    assert kept["records"][0]["postcode"] == "GL50 2TR"
    assert "1 records" in run("person", "erase", "customer-1001", "--yes").stdout
    run("sync")
    assert "GL50 2TR" not in run("person", "export", "customer-1001").stdout
    assert run("person", "erase", "nobody@nowhere.example", "--yes").exit_code == 1


def test_the_audit_is_exported_and_verified(run: Run) -> None:
    run("token", "create", "Nightly")
    assert "token.created" in run("audit", "export").stdout
    verdict = json.loads(run("audit", "verify", "--json").stdout)
    assert verdict["sound"]
    assert verdict["entries"] == 1
    assert "Audit log verified" in run("audit", "verify").stdout


def test_a_token_that_ends_soon_is_said_with_what_to_do(run: Run) -> None:
    token = run("token", "create", "Nightly", "--days", "9").stdout.strip()
    run("token", "create", "Stock", "--days", "90")
    listed = run("token", "list")
    assert (
        listed.stderr == f"Nightly expires soon. For a new one: crmlink token rotate {token[:12]}\n"
    )
    states = [
        json.loads(line)["state"] for line in run("token", "list", "--json").stdout.split("\n")[:2]
    ]
    assert states == ["valid", "expiring"]


def test_a_device_is_given_another_name(run: Run) -> None:
    made = json.loads(run("token", "create", "Nightly", "--json").stdout)
    assert run("device", "rename", made["id"], "Stock system").exit_code == 0
    assert "Stock system" in run("token", "list").stdout
    assert run("device", "rename", made["id"], " ").exit_code == 2
    assert run("device", "rename", "none", "Till").exit_code == 1


def test_a_token_is_rotated_and_all_are_revoked(run: Run) -> None:
    token = run("token", "create", "Nightly").stdout.strip()
    assert run("token", "rotate", token[:12]).stdout.startswith("crm_")
    assert run("token", "revoke").exit_code == 2
    assert "1 tokens are revoked" in run("token", "revoke", "--all").stdout
    assert "No browser is connected" in run("device", "list").stdout
    assert run("device", "revoke", "none").exit_code == 1


def test_a_worker_of_its_own_needs_postgresql(run: Run) -> None:
    refused = run("worker")
    assert refused.exit_code == 1
    assert "crmlink serve does its background work itself" in refused.stderr
