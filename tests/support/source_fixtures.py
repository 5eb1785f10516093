"""Fixtures of live sources: a device that connects them, imitated packages, the sources at them.

`tests/conftest.py` offers them to all folders. A file whose sources are at another package has a
`sources` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crmlink.installation import Installation
from crmlink.sources.context import SourceContext
from crmlink.store import ContactSource, Device
from support.accounting_apis.kashflow import FakeKashFlow, fake_kashflow
from support.accounting_apis.xero import OFFICE, FakeXero, fake_xero
from support.source_factories import connect, device_of, sources_at


@pytest.fixture
def device(installation: Installation, device_id: int) -> Device:
    """Who connects the packages."""
    return device_of(installation.access, device_id)


@pytest.fixture
def xero() -> Iterator[FakeXero]:
    with fake_xero() as server:
        yield server


@pytest.fixture
def kashflow() -> Iterator[FakeKashFlow]:
    with fake_kashflow() as server:
        yield server


@pytest.fixture
def sources(installation: Installation, xero: FakeXero) -> SourceContext:
    """The installation's sources, with Xero at the imitated one."""
    return sources_at(installation, xero.server.package("xero"))


@pytest.fixture
def source(sources: SourceContext, device: Device, xero: FakeXero) -> ContactSource:
    """A company of the imitated Xero, connected and not read yet."""
    return connect(sources, device, xero.server, "xero", OFFICE)[0]
