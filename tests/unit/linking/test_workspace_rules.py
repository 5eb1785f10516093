"""The rules of a workspace name its own Commusoft alone: numbers mean others in any other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crmlink.access.devices import command_line_actor
from crmlink.accounting.locate import locate
from crmlink.accounting.package_rules import at_hosts
from crmlink.accounting.rule_loading import load_packages
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.workspace_rules import add_host, commusoft_hosts, workspace_rules
from support.pages_account import open_without_api

PATH = "/customers/customer/1001/view/property/view"
PRACTICE = at_hosts(load_packages(), "commusoft", ["127.0.0.1:8788"], "http")


@pytest.mark.parametrize(
    ("url", "record"),
    [
        (f"http://127.0.0.1:8788{PATH}", "1001"),
        (f"https://127.0.0.1:8788{PATH}", None),
        (f"http://127.0.0.1:8789{PATH}", None),
        (f"http://127.0.0.1{PATH}", None),
        (f"http://localhost:8788{PATH}", None),
        (f"http://127.0.0.1:8788@evil.example{PATH}", None),
        (f"https://app.commusoft.co.uk{PATH}", None),
        (f"https://app.commusoft.us{PATH}", None),
        (
            "http://go.xero.com/app/!kR4N6/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d6186",
            None,
        ),
    ],
)
def test_in_practice_records_are_at_the_sandbox_alone(url: str, record: str | None) -> None:
    located = locate(url, PRACTICE)
    assert (located.record, located.reference) == (record, None)


def test_a_workspace_in_practice_knows_no_page_of_the_real_commusoft(
    ctx: WorkspaceContext,
) -> None:
    [host] = commusoft_hosts(ctx)
    assert re.fullmatch(r"127\.0\.0\.1:[0-9]+", host)
    rules = workspace_rules(ctx)
    assert locate(f"http://{host}{PATH}", rules).record == "1001"
    assert locate(f"https://app.commusoft.co.uk{PATH}", rules).page is None


def test_an_account_has_its_own_countrys_hosts_and_those_that_were_added(
    tmp_path: Path, database_url: str
) -> None:
    with open_without_api(tmp_path, database_url, "https://app.commusoft.us") as installation:
        ctx = installation.workspace
        assert commusoft_hosts(ctx) == ["app.commusoft.us"]
        add_host(
            ctx, "commusoft", "crm.firm.example", command_line_actor(installation.access).device.id
        )
        assert commusoft_hosts(ctx) == ["app.commusoft.us", "crm.firm.example"]
        rules = workspace_rules(ctx)
    for host, known in (
        ("app.commusoft.us", True),
        ("crm.firm.example", True),
        ("app.commusoft.co.uk", False),
    ):
        assert (locate(f"https://{host}{PATH}", rules).page == "record") == known
