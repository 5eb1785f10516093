"""The practice servers of firms that are suspended or deleted end; others go on."""

from __future__ import annotations

import pytest
import requests

from crmlink.access.workspaces import make_workspace, rename_workspace, suspend_workspace
from crmlink.installation import Installation
from crmlink.store import Workspace
from crmlink.store.workspaces import list_workspaces
from crmlink.upkeep.delete_workspace import delete_workspace

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def second(installation: Installation) -> Workspace:
    """A second firm, with practice data."""
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, "Holloway Plumbing")
    return make_workspace(installation.sign_in, "Quill Heating")[0]


def address_of(installation: Installation, firm: Workspace) -> str:
    """The practice server that the firm's context asks."""
    with installation.workspaces.use(firm.id) as workspace:
        return str(workspace.context.commusoft.connection.base_url)


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=30).status_code < 500
    except requests.ConnectionError:
        return False


def test_a_suspended_firms_practice_ends_and_begins_again(
    installation: Installation, second: Workspace
) -> None:
    before = address_of(installation, second)
    installation.stop_sandboxes()
    assert answers(before), "the firm is at work"
    suspend_workspace(installation.sign_in, second, suspended=True)
    with installation.workspaces.use(second.id):
        installation.stop_sandboxes()
        assert answers(before), "something is still done in it"
    installation.stop_sandboxes()
    assert not answers(before)
    suspend_workspace(installation.sign_in, second, suspended=False)
    assert answers(address_of(installation, second))


def test_a_deleted_firms_practice_ends(installation: Installation, second: Workspace) -> None:
    folder = installation.settings.data_dir
    before = address_of(installation, second)
    suspend_workspace(installation.sign_in, second, suspended=True)
    delete_workspace(installation.sign_in, second, folder)
    installation.stop_sandboxes()
    assert not answers(before)
    assert list(folder.glob("workspaces/*")) == []
