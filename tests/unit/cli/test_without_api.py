"""An account without an API at the command line, and the choice of how references are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmlink.cli import main

Run = Callable[..., Result]
CONTACT = "https://go.xero.com/app/!kR4N6/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d6186"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    runner = CliRunner(env={"CRMLINK_DATA_DIR": str(tmp_path)})
    return lambda *arguments, typed=None: runner.invoke(main, arguments, input=typed)


def test_an_account_is_connected_by_the_address_of_its_pages(run: Run) -> None:
    wrong = run("connect", "--without-api", "--url", "http://crm.firm.example")
    assert (wrong.exit_code, "https://" in wrong.output) == (1, True)
    done = run("connect", "--without-api", "--url", "https://crm.firm.example")
    assert done.exit_code == 0, done.output
    assert "Connected without an API" in done.stdout
    assert run("writes").stdout == "pages\n"
    refused = run("writes", "api")
    assert (refused.exit_code, "without an API" in refused.output) == (1, True)
    doctor = run("doctor")
    assert (doctor.exit_code, "without an API" in doctor.output) == (1, True)
    assert run("disconnect", "--yes").exit_code == 0


def test_how_references_are_written_is_chosen_and_kept(run: Run) -> None:
    assert run("writes").stdout == "api\n"
    assert run("writes", "api-then-pages").stdout == "api-then-pages\n"
    assert run("writes").stdout == "api-then-pages\n"
    assert run("writes", "by hand").exit_code == 2


def test_a_link_that_waits_on_a_page_says_where_to_save_it(run: Run) -> None:
    run("sync")
    run("writes", "pages")
    who = ("--name", "Margaret Holloway", "--email", "margaret.holloway@postbox.example")
    kept = run("link", CONTACT, *who, "--postcode", "GL50 2TR", "--yes")
    assert kept.exit_code == 0, kept.output
    assert "to be saved on Commusoft's page" in kept.output
