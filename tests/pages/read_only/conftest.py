"""One sample installation for a whole file, for tests that change nothing another test sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from crmlink.app import create_app
from crmlink.installation import Installation
from support.live_server import SampleInstallation, sample_installation
from support.sample_data import SampleData


@pytest.fixture(scope="module")
def site() -> Iterator[SampleInstallation]:
    with sample_installation() as opened:
        yield opened


@pytest.fixture(scope="module")
def installation(site: SampleInstallation) -> Installation:
    return site.installation


@pytest.fixture(scope="module")
def sample(site: SampleInstallation) -> SampleData:
    return site.sample


@pytest.fixture(scope="module")
def app(site: SampleInstallation) -> Flask:
    application = create_app(site.installation.settings, site.installation)
    application.testing = False
    return application
