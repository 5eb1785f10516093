"""Connecting an account: tried first, kept locked, and opened only with the right key."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmlink.cli import main
from crmlink.commusoft.checklist.questions import QUESTIONS
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.vault import Vault, VaultKeyMissing
from support.sandbox import HOLLOWAY, PROFILE, WEBSERVICE, SandboxHandle

SECRETS = Connection("https://crm.example/api", "firm", "user", "marked-password", "marked-app")
TYPED = "sandbox\nsandbox\nsandbox\nsandbox\n"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    runner = CliRunner(env={"CRMLINK_DATA_DIR": str(tmp_path)})
    return lambda *arguments, typed=None: runner.invoke(main, arguments, input=typed)


@pytest.mark.parametrize("shape", [WEBSERVICE, PROFILE])
def test_an_account_is_examined_kept_and_used(run: Run, sandbox: SandboxHandle, shape: str) -> None:
    connected = run("connect", "--url", sandbox.address + shape, typed=TYPED)
    assert connected.exit_code == 0, connected.output
    assert "Connected." in connected.stdout
    assert "customers and" in run("sync").stdout
    assert run("doctor").exit_code == 0
    assert run("disconnect", "--yes").exit_code == 0


def test_an_account_that_does_not_let_us_in_is_not_kept(
    run: Run, sandbox: SandboxHandle, tmp_path: Path
) -> None:
    typed = TYPED.replace("sandbox\n", "wrong\n", 1)
    refused = run("connect", "--url", sandbox.address + WEBSERVICE, typed=typed)
    assert refused.exit_code == 1
    assert "Nothing was saved" in refused.stderr
    assert "Traceback" not in refused.output
    assert not (tmp_path / "credential.keys").exists()


def test_the_checklists_report_is_printed_and_nothing_is_checked(run: Run) -> None:
    printed = run("doctor", "--checklist")
    assert printed.exit_code == 0
    assert f"0 of {len(QUESTIONS)} questions" in printed.stdout
    assert "Address:" not in printed.stdout


def test_plain_http_to_another_machine_is_refused(run: Run) -> None:
    refused = run("connect", "--url", "http://crm.example/api", typed=TYPED)
    assert refused.exit_code == 1
    assert "https://" in refused.stderr


def test_the_doctor_tells_every_step_to_programs_too(run: Run, sandbox: SandboxHandle) -> None:
    run("connect", "--url", sandbox.address + WEBSERVICE, typed=TYPED)
    steps = [json.loads(line) for line in run("doctor", "--json").stdout.splitlines()]
    assert steps[-1]["code"] == "dialect"
    assert all(step["text"] for step in steps)


def test_a_write_test_writes_the_records_own_reference_back(
    run: Run, sandbox: SandboxHandle
) -> None:
    run("connect", "--url", sandbox.address + WEBSERVICE, typed=TYPED)
    before = sandbox.reference("customer-1006")
    assert run("doctor", "--write-test", "customer-1006", typed="n\n").exit_code == 1
    tested = run("doctor", "--write-test", "customer-1006", "--yes")
    assert tested.exit_code == 0, tested.output
    assert sandbox.reference("customer-1006") == before
    assert run("doctor", "--trial", "X").exit_code == 2
    assert ",commusoft.write_tested,customer-1006,,Command line," in run("audit", "export").stdout


def test_what_is_stored_does_not_show_a_secret(
    run: Run, sandbox: SandboxHandle, tmp_path: Path
) -> None:
    run("connect", "--url", sandbox.address + WEBSERVICE, typed=TYPED)
    keys = (tmp_path / "credential.keys").read_text().split()
    stored = (tmp_path / "crmlink.sqlite").read_bytes()
    assert b'"password"' not in stored
    assert keys[0].encode() not in stored
    assert (tmp_path / "credential.keys").stat().st_mode & 0o077 == 0


def test_rotating_the_keys_keeps_the_account_and_retires_the_old_key(
    run: Run, sandbox: SandboxHandle, tmp_path: Path
) -> None:
    run("connect", "--url", sandbox.address + WEBSERVICE, typed=TYPED)
    old = (tmp_path / "credential.keys").read_text()
    assert "1 account" in run("keys", "rotate").stdout
    new = (tmp_path / "credential.keys").read_text()
    assert len(new.split()) == 1
    assert run("sync").exit_code == 0
    (tmp_path / "credential.keys").write_text(old)
    refused = run("sync")
    assert refused.exit_code == 1
    assert "credential.keys" in refused.stderr


def test_a_vault_opens_with_its_own_keys_only(tmp_path: Path) -> None:
    vault = Vault.at(tmp_path / "a")
    locked = vault.encrypt(SECRETS)
    assert "marked" not in locked
    assert Vault.at(tmp_path / "a").decrypt(locked) == SECRETS
    with pytest.raises(VaultKeyMissing):
        Vault.at(tmp_path / "b").decrypt(locked)


def test_tokens_of_practice_are_the_firms(run: Run, sandbox: SandboxHandle) -> None:
    run("token", "create", "For the till")
    run("connect", "--url", sandbox.address + WEBSERVICE, typed=TYPED)
    assert "For the till" in run("token", "list").stdout


def practise(run: Run) -> None:
    """A link, made in the sandbox of the installation."""
    assert run("sync").exit_code == 0
    address = f"https://go.xero.com/app/contacts/contact/{HOLLOWAY}"
    linked = run("link", address, "--name", "Margaret Holloway", "--record", "customer-1001",
                 "--kind", "customer", "--yes")  # fmt: skip
    assert linked.exit_code == 0, linked.output


def test_connecting_says_what_comes_from_practice_and_asks(
    run: Run, sandbox: SandboxHandle
) -> None:
    practise(run)
    refused = run("connect", "--url", sandbox.address + WEBSERVICE, typed=TYPED + "n\n")
    assert refused.exit_code == 1
    assert "made-up records, 1 link and 0 lists." in refused.stderr
    assert ",commusoft." not in run("audit", "export").stdout
    agreed = run("connect", "--url", sandbox.address + WEBSERVICE, "--yes", typed=TYPED)
    assert agreed.exit_code == 0, agreed.output
    assert ",commusoft.practice_emptied,workspace,,Command line," in run("audit", "export").stdout
    assert run("disconnect", typed="n\n").exit_code == 1
    gone = run("disconnect", "--yes")
    assert "0 links and 0 lists" in gone.stderr
    assert "No account is connected" in run("disconnect", "--yes").stderr


def test_an_account_of_the_environment_is_agreed_to_once(
    run: Run, sandbox: SandboxHandle, tmp_path: Path
) -> None:
    practise(run)
    named = {"CLIENT_ID": "sandbox", "USERNAME": "sandbox", "PASSWORD": "sandbox",
             "APPLICATION_ID": "sandbox", "URL": sandbox.address + WEBSERVICE}  # fmt: skip
    runner = CliRunner(
        env={"CRMLINK_DATA_DIR": str(tmp_path)}
        | {f"CRMLINK_COMMUSOFT_{name}": value for name, value in named.items()}
    )
    refused = runner.invoke(main, ["sync"])
    assert refused.exit_code == 1
    assert "1 link and 0 lists" in refused.stderr
    assert "crmlink connect" in refused.stderr
    assert runner.invoke(main, ["person", "list"]).exit_code == 0, "people need no Commusoft"
    assert runner.invoke(main, ["connect"], input="y\n").exit_code == 0
    assert runner.invoke(main, ["sync"]).exit_code == 0
    assert "CRMLINK_COMMUSOFT" in runner.invoke(main, ["disconnect", "--yes"]).stderr
    assert "CRMLINK_COMMUSOFT_… variables" in run("sync").stderr
    assert run("disconnect", "--yes").exit_code == 0
    assert run("sync").exit_code == 0
