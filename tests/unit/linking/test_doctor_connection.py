"""What the doctor finds out about one account is remembered of that account alone."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from crmlink.app import create_app
from crmlink.cli import main
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation
from crmlink.linking.connections import connection_in_use
from crmlink.store import WorkspaceConnection
from support.access_factories import make_person
from support.page_client import signed_in_client
from support.sandbox import SandboxHandle
from unit.linking.test_connection_change import account, agreement, connect, other
from unit.linking.test_other_account import real

__all__ = ["other", "real"]


def test_a_dialect_stays_with_the_account_that_was_examined(
    practising: Installation, real: SandboxHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The examination of a large account takes minutes; another is connected in one of them."""
    admin = signed_in_client(
        create_app(practising.settings, practising),
        practising,
        make_person(practising.access, "admin"),
    )
    plain = CommusoftClient.token_shape

    def change_over(self: CommusoftClient) -> str:
        connect(practising, account(real), agreement(practising))
        return plain(self)

    with monkeypatch.context() as patched:
        patched.setattr(CommusoftClient, "token_shape", change_over)
        reply = admin.send("/commusoft/doctor")
        assert "Works: API type" in reply.get_data(as_text=True)
    in_use = connection_in_use(practising.database, practising.access.workspace_id)
    assert in_use.client_id == account(real).client_id
    assert in_use.dialect is None


@pytest.mark.parametrize("write_test", [False, True])
def test_a_dialect_that_the_command_finds_stays_with_its_account_too(
    practising: Installation,
    real: SandboxHandle,
    other: SandboxHandle,
    monkeypatch: pytest.MonkeyPatch,
    write_test: bool,
) -> None:
    """`crmlink doctor` on its own, while an admin connects another account on the page."""
    connect(practising, account(real), agreement(practising))
    plain = CommusoftClient.token_shape

    def change_over(self: CommusoftClient) -> str:
        connect(practising, account(other), agreement(practising))
        return plain(self)

    monkeypatch.setattr(CommusoftClient, "token_shape", change_over)
    settings = practising.settings
    environment = {
        "CRMLINK_DATA_DIR": str(settings.data_dir),
        "CRMLINK_DATABASE_URL": settings.database_url,
        "CRMLINK_SECRET_KEY": settings.secret_key,
    }
    words = ["doctor", *(["--write-test", "customer-1002", "--yes"] if write_test else [])]
    done = CliRunner(env=environment).invoke(main, words)
    in_use = connection_in_use(practising.database, practising.access.workspace_id)
    assert (in_use.base_url, in_use.dialect) == (account(other).base_url, None)
    with practising.database.reading() as session:
        connections = session.scalars(select(WorkspaceConnection)).all()
    dialects = {one.base_url: one.dialect or {} for one in connections}
    assert dialects[account(real).base_url]["name"] == "W", done.output
    if write_test:  # nothing is written for a connection that ended
        assert "another account was connected in the meantime" in done.output
        assert real.other_user.record("customer", "1002").raw["deleted"] == 0
