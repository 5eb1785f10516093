"""An audit of twenty lines, with its anchors."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmlink.access.audit.flushing import flush_anchors
from crmlink.access.context import AccessContext, Actor
from support.audit_checks import fill


@pytest.fixture
def filled(access: AccessContext, server: Actor) -> AccessContext:
    """An audit of twenty lines, whose anchors are on the disk."""
    fill(access, server)
    flush_anchors(access.database)
    return access


@pytest.fixture
def anchors(filled: AccessContext) -> Path:
    return filled.database.audit_signer.anchors.path
