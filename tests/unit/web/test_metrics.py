"""What Prometheus reads: only with the token, figures that are right, and nothing of a firm."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from crmlink.access.devices import command_line_actor
from crmlink.access.people import invite
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import CommusoftError
from crmlink.installation import Installation
from crmlink.settings import load_settings
from crmlink.settings.errors import InvalidSettings
from crmlink.store import Link, LinkState, Process, ProcessRole, Workspace, WorkspaceConnection
from crmlink.store.base import new_id, utc_now
from crmlink.store.figures import read_figures
from crmlink.web.health import watch_worker
from crmlink.web.metrics import metrics_text
from crmlink.web.worker_status import worker_status
from crmlink.worker import Worker
from support.access_factories import make_person, page_actor
from support.installations import installation_of, open_app
from support.sandbox import FAST_LIMITS, connection_to

TOKEN = "a token of the operator 0123456789 abcdefghij"
BOARD = Path(__file__).parents[3] / "docs" / "deploy" / "grafana" / "crmlink.json"
Sample = tuple[str, frozenset[tuple[str, str]]]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with open_app(tmp_path, metrics_token=TOKEN) as found:
        yield found


@pytest.fixture
def own(app: Flask) -> Installation:
    return installation_of(app)


def ask(app: Flask, authorization: str | None = f"Bearer {TOKEN}") -> tuple[int, str]:
    headers = {"Authorization": authorization} if authorization else {}
    reply = app.test_client().get("/metrics", headers=headers)
    return reply.status_code, reply.get_data(as_text=True)


def samples(answer: str) -> dict[Sample, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer)
        for sample in family.samples
    }


def link_of(installation: Installation, number: int, state: LinkState) -> Link:
    return Link(
        connection_id=installation.workspace.connection_id, idempotency_key=new_id(),
        fingerprint="", package="sage_50", organisation="", kind="customer",
        reference=f"C{number}", contact_name="", record_number=str(number), record_label="",
        target=f"C{number}", state=state, attempt_id="",
        device_id=command_line_actor(installation.access).device.id,
    )  # fmt: skip


def value(answer: str, name: str, **labels: str) -> float:
    return samples(answer).get((f"crmlink_{name}", frozenset(labels.items())), 0.0)


@pytest.mark.parametrize(
    "authorization",
    [None, "", TOKEN, "Bearer", "Bearer ", f"bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer é"],
)
def test_without_the_token_nothing_is_told(app: Flask, authorization: str | None) -> None:
    status, answer = ask(app, authorization)
    assert status == 401
    assert "crmlink_" not in answer


def test_without_a_token_in_the_settings_there_is_no_such_page(tmp_path: Path) -> None:
    with open_app(tmp_path) as app:
        for authorization in (None, "Bearer ", "Bearer None"):
            assert ask(app, authorization) == (404, "Not found\n")


@pytest.mark.parametrize("token", ["short", "a" * 60, "ü" * 30 + "abcdefghijklm"])
def test_a_token_that_can_be_guessed_is_refused_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("CRMLINK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CRMLINK_METRICS_TOKEN", token)
    with pytest.raises(InvalidSettings, match="CRMLINK_METRICS_TOKEN"):
        load_settings()
    monkeypatch.setenv("CRMLINK_METRICS_TOKEN", TOKEN)
    assert load_settings().metrics_token == TOKEN
    assert TOKEN not in repr(load_settings())


def test_requests_are_counted_by_rule_and_never_by_what_was_typed(app: Flask) -> None:
    labels = {"route": "none", "method": "GET", "status": "303"}
    before = ask(app)[1]
    app.test_client().get("/Margaret-Holloway?q=Holloway")
    app.test_client().get("/links/Holloway")
    app.test_client().open("/log-in", method="HOLLOWAY")
    after = ask(app)[1]
    assert "olloway" not in after.lower()
    assert value(after, "requests_total", **labels) == 1 + value(before, "requests_total", **labels)
    by_rule = labels | {"route": "/links/<link_id>"}
    assert value(after, "requests_total", **by_rule) == 1 + value(
        before, "requests_total", **by_rule
    )


def test_figures_are_those_of_the_database_and_name_no_one(app: Flask, own: Installation) -> None:
    admin = make_person(own.access, "admin", "Margaret Holloway")
    invite(own.access, page_actor(own.access, admin), "Kim", "kim@firm.example", "clerk")
    since = utc_now() - timedelta(hours=2)
    connection_id = own.workspace.connection_id
    with own.database.writing() as session:
        session.get_one(WorkspaceConnection, connection_id).synced_at = since
    answer = ask(app)[1]
    assert value(answer, "database_up") == 1
    assert 7_190 < value(answer, "mirror_age_seconds") < 7_300
    assert value(answer, "links", state="conflict") == 0
    assert value(answer, "waiting_seconds", work="links") == 0
    for secret in ("olloway", "kim@", "firm.example", own.settings.secret_key, TOKEN):
        assert secret not in answer


def test_links_are_counted_by_state_and_the_oldest_unfinished_is_timed(
    installation: Installation,
) -> None:
    states = (LinkState.LINKED, LinkState.LINKED, LinkState.CONFLICT, LinkState.INTENDED)
    links = [link_of(installation, number, state) for number, state in enumerate(states)]
    with installation.database.writing() as session:
        session.add_all([*links, Process(role=ProcessRole.SERVER)])
    found = read_figures(installation.database)
    assert (found.links["linked"], found.links["conflict"], found.links["undone"]) == (2, 1, 0)
    assert found.servers == 1
    with installation.database.writing() as session:
        hour_ago = utc_now() - timedelta(hours=1)
        session.query(Link).filter_by(state=LinkState.INTENDED).update({"created_at": hour_ago})
    assert 3_590 < read_figures(installation.database).waiting["links"] < 3_700
    with installation.database.writing() as session:
        session.query(Workspace).update({"suspended_at": utc_now()})
    suspended = read_figures(installation.database)
    assert (suspended.waiting["links"], suspended.mirror) == (0, 0)
    with installation.database.writing() as session:
        session.query(Workspace).update({"suspended_at": None})
    assert read_figures(installation.database).waiting["links"] > 3_590
    with installation.database.writing() as session:  # practice data, or another account's
        session.query(WorkspaceConnection).update({"ended_at": utc_now()})
    assert read_figures(installation.database).waiting["links"] == 0


def test_calls_to_commusoft_and_their_faults_are_counted(app: Flask) -> None:
    labels = {"method": "POST", "outcome": "commusoft-unreachable"}
    before = value(ask(app)[1], "commusoft_calls_total", **labels)
    client = CommusoftClient(connection_to("http://127.0.0.1:9"), limits=FAST_LIMITS)
    with pytest.raises(CommusoftError):
        client.record("customer", "1")
    assert value(ask(app)[1], "commusoft_calls_total", **labels) == before + 1


def test_without_its_database_it_says_that_alone(app: Flask, own: Installation) -> None:
    own.database.close()
    own.database.engine = create_engine("postgresql+psycopg://none@127.0.0.1:1/nothing")
    status, answer = ask(app)
    assert (status, value(answer, "database_up")) == (200, 0.0)
    assert "crmlink_links" not in answer


def test_processes_that_share_a_folder_count_together(tmp_path: Path) -> None:
    count = "from crmlink.metrics import count_suggestion as c; c(offered=True); c(offered=False)"
    read = (
        "from crmlink.store import Database; from crmlink.web.metrics import metrics_text;"
        "print(metrics_text(Database('sqlite://')).decode())"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for program in (count, count, read):
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True, text=True, check=True, env=environment,
        )  # fmt: skip
    answer = done.stdout[done.stdout.index("# HELP") :]  # after a line about the database
    assert value(answer, "suggestions_total", result="offered") == 2


TWINS = """
import os, sys
from crmlink.store import Database
from crmlink.web.metrics import metrics_text
waits, ends = os.pipe()
if not (other := os.fork()):
    os.close(ends)
    os.read(waits, 1)
    os._exit(0)
if not (asked := os.fork()):
    text = metrics_text(Database("sqlite://")).decode()
    sys.stdout.write(text[text.index("# HELP"):])
    sys.stdout.flush()
    os._exit(0)
os.waitpid(asked, 0)
print("#", other, asked)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="children are read from /proc")
def test_memory_is_told_of_each_web_process_of_a_server(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWINS], capture_output=True, text=True, check=True,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
    )  # fmt: skip
    told = samples(done.stdout[done.stdout.index("# HELP") :])
    pids = done.stdout.rstrip().rpartition("#")[2].split()
    for name, least in (("process_resident_memory_bytes", 1), ("process_cpu_seconds_total", 0)):
        found = {
            dict(labels)["pid"]: value for (each, labels), value in told.items() if each == name
        }
        assert found.keys() == set(pids)
        assert min(found.values()) >= least


def test_each_metric_of_the_board_is_one_that_crmlink_has(own: Installation) -> None:
    answer = metrics_text(own.database).decode()
    known = set(re.findall(r"^# TYPE (\w+)", answer, re.MULTILINE))
    board = json.loads(BOARD.read_text("utf-8"))
    asked = re.findall(
        r"(?:crmlink|process)_\w+",
        " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"]),
    )
    assert len(asked) >= 12
    for name in asked:
        assert name in known or name.removesuffix("_bucket") in known, name


def test_a_process_is_ready_while_its_tables_are_its_own(app: Flask, own: Installation) -> None:
    def state() -> tuple[int, str]:
        reply = app.test_client().get("/readyz")
        return reply.status_code, reply.get_json()["status"]

    assert state() == (200, "ok")
    for version, expected in (
        ("9999", (503, "tables too new for this version")),
        ("0005", (503, "tables not migrated")),
    ):
        with own.database.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
        assert state() == expected


def test_a_process_is_ready_while_its_background_work_runs(
    app: Flask, own: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(own)
    watch_worker(app, worker)
    status = worker_status(own.settings, own.database, worker).test_client()
    assert app.test_client().get("/readyz").get_json()["worker"] == "does not run"
    worker.start()
    try:
        assert app.test_client().get("/readyz").get_json()["status"] == "ok"
        assert status.get("/readyz").status_code == 200
        assert status.get("/metrics").status_code == 401
        told = status.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert value(told.get_data(as_text=True), "database_up") == 1
        with monkeypatch.context() as later:
            later.setattr(own.ownership, "_clock", lambda: time.monotonic() + 120)
            assert app.test_client().get("/readyz").status_code == 503, "silent for two minutes"
    finally:
        worker.stop()
    assert status.get("/readyz").status_code == 503


def test_scrapes_leave_no_lines_in_the_log(app: Flask) -> None:
    with capture_logs() as lines:
        ask(app)
    assert [line for line in lines if line["event"] == "request"] == []
