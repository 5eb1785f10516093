"""What the tests of live sources share."""

from __future__ import annotations

import pytest

from crmlink.installation import Installation
from crmlink.store import Device
from support.source_factories import device_of


@pytest.fixture
def device(installation: Installation, device_id: int) -> Device:
    """Who connects the packages."""
    return device_of(installation.access, device_id)
