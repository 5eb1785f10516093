"""One installation for each module of attacks."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from security.attack_fixture import AttackFixture, make_target
from support.installations import open_app


@pytest.fixture(scope="module", autouse=True)
def without_logs() -> Iterator[None]:
    """Thousands of requests need not be told of one by one."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackFixture]:
    """Something of everything, on SQLite."""
    with open_app(tmp_path_factory.mktemp("target")) as app:
        yield make_target(app)
