"""What the doctor finds out about one account is remembered of that account alone."""

from __future__ import annotations

import pytest

from crmlink.app import create_app
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation
from crmlink.linking.connections import connection_in_use
from support.access_factories import make_person
from support.page_client import signed_in_client
from support.sandbox import SandboxHandle
from unit.linking.test_connection_change import account, agreement, connect
from unit.linking.test_other_account import real

__all__ = ["real"]


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
