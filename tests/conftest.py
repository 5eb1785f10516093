"""The fixtures that more than one room's tests use: a real sandbox over HTTP, a real database."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from crmlink.access.api_tokens import create_api_token
from crmlink.access.devices import command_line_actor
from crmlink.app import create_app
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation, open_installation
from crmlink.linking.context import WorkspaceContext
from crmlink.settings import Settings
from support.access_factories import make_token, with_token
from support.databases import KINDS, empty_database, new_database
from support.faulty_sandbox.serving import running_sandbox
from support.log_settings import keep_no_loggers, usual_log_settings
from support.page_links import open_pages_installation
from support.postgresql_server import running_postgresql
from support.quick_apps import make_apps_quickly
from support.quick_databases import commit_quickly, migrate_quickly, migrating_each
from support.quick_memory import leave_out_what_is_there, search_seldom
from support.quick_mirrors import fill_mirror, introduce
from support.quick_sandboxes import make_sandboxes_quickly
from support.sample_snapshots import SampleSnapshot, records_of
from support.sandbox import FAST_LIMITS, SandboxHandle, connection_to
from support.shared_statements import share_compiled_statements

pytest_plugins = ["support.source_fixtures"]

keep_no_loggers()
search_seldom()
share_compiled_statements()
commit_quickly()
migrate_quickly()
make_apps_quickly()
make_sandboxes_quickly()
# The same examples in each run, however slow it is. `make fuzz` looks for others.
_anyhow = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.register_profile("same", _anyhow, derandomize=True, max_examples=150)
hypothesis.settings.register_profile("fuzz", _anyhow, max_examples=2_000)
hypothesis.settings.load_profile("same")
# Drawing a traceback in colours, with what every variable holds, takes half a minute.
structlog.get_config()["processors"][-1].exception_formatter = structlog.dev.plain_traceback


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Half as many workers again as there are cores: browsers and servers make tests wait.

    As many as cores with `-n logical`, for tests that only compute.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # xdist reads it
    cores = os.cpu_count() or 1
    return cores if config.getoption("numprocesses") == "logical" else max(2, cores * 3 // 2)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sqlite-only", action="store_true", help="leave PostgreSQL out")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases on PostgreSQL where only SQLite was asked for."""
    if config.getoption("--sqlite-only"):
        items[:] = [item for item in items if "postgresql" not in item.name]


def pytest_collection_finish() -> None:
    leave_out_what_is_there()


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Begin with the umask of most systems: crmlink closes it for its whole process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def own_log_settings() -> Iterator[None]:
    with usual_log_settings():
        yield


@pytest.fixture
def snapshot() -> SampleSnapshot | None:
    """What the installation is a copy of; None begins one without a past."""
    return None


@pytest.fixture
def sandbox(snapshot: SampleSnapshot | None) -> Iterator[SandboxHandle]:
    """A sandbox with its fixed cast and a few dozen others, on a port of its own."""
    with running_sandbox(snapshot.records() if snapshot else records_of()) as handle:
        yield handle


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real PostgreSQL of this run, with {} for the database's name."""
    with running_postgresql() as address:
        yield address


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each of the two kinds, with today's tables and no rows."""
    return new_database(request, tmp_path)


@pytest.fixture(params=KINDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each of the two kinds without tables, for migrations."""
    with migrating_each():
        yield empty_database(request, tmp_path)


@pytest.fixture
def settings(
    sandbox: SandboxHandle, tmp_path: Path, database_url: str, snapshot: SampleSnapshot | None
) -> Settings:
    return Settings(
        data_dir=tmp_path,
        database_url=database_url,
        secret_key=snapshot.secret_key if snapshot else secrets.token_urlsafe(48),
        commusoft=connection_to(sandbox.address),
    )


@pytest.fixture
def installation(settings: Settings, snapshot: SampleSnapshot | None) -> Iterator[Installation]:
    """An open installation whose records are copied, with a client that does not wait."""
    assert settings.commusoft
    opened = open_installation(settings, CommusoftClient(settings.commusoft, limits=FAST_LIMITS))
    if snapshot:
        introduce(opened)
    else:
        fill_mirror(opened)
    yield opened
    opened.close()


@pytest.fixture
def without_api(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """An installation without an API, with a dozen customers and a supplier."""
    with open_pages_installation(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
def ctx(installation: Installation) -> WorkspaceContext:
    return installation.workspace


@pytest.fixture
def device_id(installation: Installation) -> int:
    return create_api_token(installation.access, command_line_actor(installation.access), "Office")[
        0
    ].id


@pytest.fixture
def app(settings: Settings, installation: Installation) -> Flask:
    application = create_app(settings, installation)
    application.testing = False
    return application


@pytest.fixture
def client(app: Flask, installation: Installation) -> FlaskClient:
    """A client that sends a valid token with the usual scopes."""
    return with_token(app, make_token(installation.access))
