"""The sample data that pages are tested with is copied, and no test sees what another one did."""

from __future__ import annotations

from typing import Any

import requests
from sqlalchemy import func, select

from crmlink.access.audit.check import verify_audit
from crmlink.installation import Installation
from crmlink.linking.decisions import UndoDecision, undo
from crmlink.store.base import Base
from support.live_server import SampleInstallation, sample_installation
from support.sample_data import populate
from support.sandbox import HOLLOWAY, SandboxHandle, new_key

OF_A_START = {"process", "audit_seal"}  # tables that starting and ending write to


def rows(installation: Installation) -> dict[str, int]:
    """How many rows each table has."""
    with installation.database.reading() as session:
        return {
            name: session.scalars(select(func.count()).select_from(table)).one()
            for name, table in Base.metadata.tables.items()
            if name not in OF_A_START
        }


def writes(sandbox: SandboxHandle) -> Any:
    return requests.get(f"{sandbox.address}/sandbox/writes", timeout=30).json()["writes"]


def is_sound(site: SampleInstallation) -> bool:
    access = site.installation.access
    return not verify_audit(access.database, access.workspace_id).findings


def test_a_copy_has_what_filling_it_in_makes(
    installation: Installation, sandbox: SandboxHandle
) -> None:
    populate(installation, sandbox)
    with sample_installation() as copy:
        assert rows(copy.installation) == rows(installation)
        assert writes(copy.commusoft) == writes(sandbox) != []
        assert is_sound(copy)


def test_what_is_done_in_one_copy_is_not_in_another() -> None:
    with sample_installation() as one, sample_installation() as other:
        workspace, sample = one.installation.workspace, one.sample
        undo(workspace, UndoDecision(sample.linked.id), new_key(), sample.browser.id)
        assert one.commusoft.reference("customer-1001") is None
        assert other.commusoft.reference("customer-1001") == HOLLOWAY
        assert rows(one.installation) != rows(other.installation)
        assert is_sound(one)
        assert is_sound(other)
