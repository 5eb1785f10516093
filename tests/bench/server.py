"""What a request takes of a core, and how soon a restarted server answers, beside peers.

    PYTHONPATH=tests python -m bench.server

The application is called in this process, without sockets, so that a busy machine counts little;
the peer is a bare Flask endpoint that checks a JWT and reads one row, called in the same way and in
turn with it. 100,000 seeded made-up records, on SQLite.
"""

from __future__ import annotations

import io
import logging
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jwt
import structlog
from flask import Flask, jsonify, request
from sqlalchemy import event, insert

from bench.uk import contacts, records
from crmlink.access.api_tokens import create_api_token
from crmlink.access.devices import command_line_actor
from crmlink.app import create_app
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.installation import Installation, open_installation
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.linking.suggest import MIN_PROBABILITY
from crmlink.settings import Settings
from crmlink.store import MirroredRecord, WorkspaceConnection
from crmlink.store.records import empty_details
from crmlink.values.contact_details import ContactDetails

RECORDS = 100_000
ROUNDS, IN_A_ROUND = 5, 200
KEY = "a key of the bench, as long as keys are"
Call = Callable[[int], Any]


def peer() -> Call:
    """A bare Flask endpoint with a JWT and one row."""
    app = Flask("peer")
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE one (id INTEGER PRIMARY KEY, name TEXT)")
    database.execute("INSERT INTO one VALUES (1, 'x')")
    token = jwt.encode({"sub": "bench", "exp": time.time() + 9_999}, KEY, "HS256")

    @app.post("/peer")
    def answer() -> Any:
        claims = jwt.decode(request.headers["Authorization"][7:], KEY, ["HS256"])
        row = database.execute("SELECT * FROM one WHERE id = 1").fetchone()
        return jsonify(sub=claims["sub"], row=list(row), asked=request.get_json())

    return lambda _number: ask(app, "POST", "/peer", token, b'{"name": "a"}')


def ask(app: Flask, method: str, path: str, token: str, body: bytes = b"") -> None:
    """Call a WSGI application; fails on any answer but 200."""
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "HTTP_HOST": "127.0.0.1:8000",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.version": (1, 0),
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json" if body else "",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
    }  # fmt: skip
    status = []
    answer = app.wsgi_app(environ, lambda line, *_: status.append(line))  # type: ignore[arg-type]
    b"".join(answer)
    if status != ["200 OK"]:
        raise RuntimeError(f"{method} {path}: {status}")


def fill(installation: Installation, held: list[tuple[str, ContactDetails]]) -> None:
    """Put records into the mirror; one in three has a reference."""
    workspace = installation.workspace
    rows = [
        empty_details()
        | {
            "connection_id": workspace.connection_id, "kind": details.kind or "customer",
            "number": str(place), "name": details.person or details.name,
            "company": details.company, "email": details.email, "phones": list(details.phones),
            "address": details.address, "town": details.town, "postcode": details.postcode,
            "other_addresses": [asdict(each) for each in details.other_addresses],
            "reference": None if place % 3 else f"R{place}",
            "reference_key": None if place % 3 else f"r{place}", "mirror_version": 1,
        }
        for place, (_, details) in enumerate(held, 1)
    ]  # fmt: skip
    with installation.database.writing() as session:
        for start in range(0, len(rows), 5_000):
            session.execute(insert(MirroredRecord), rows[start : start + 5_000])
        session.get_one(WorkspaceConnection, workspace.connection_id).mirror_version = 1


def requests_of(
    installation: Installation, settings: Settings, asked: list[Any]
) -> dict[str, Call]:
    """The requests measured, by name."""
    app = create_app(settings, installation)
    _, token = create_api_token(
        installation.access, command_line_actor(installation.access), "Bench"
    )
    bodies = [
        app.json.dumps(
            {"package": "sage_50", "reference": f"C{number:05d}"}
            | {name: value for name, value in asdict(details).items()
               if name in ("kind", "name", "company", "person", "email", "phones", "address",
                           "town", "postcode")}
        ).encode()
        for number, (_, details) in enumerate(asked)
    ]  # fmt: skip
    typed = [
        letters[:6]
        for _, details in asked
        if len(letters := (details.person or details.company).partition(" ")[0]) > 1
        and letters.isascii()
        and letters.isalpha()
    ]
    return {
        "POST /suggestions": lambda number: ask(
            app, "POST", "/api/v1/suggestions", token, bodies[number % len(bodies)]
        ),
        "GET /workspace": lambda _number: ask(app, "GET", "/api/v1/workspace", token),
        "GET /records?q=": lambda number: ask(
            app, "GET", f"/api/v1/records?q={typed[number % len(typed)]}", token
        ),
    }


def milliseconds(calls: dict[str, Call]) -> dict[str, float]:
    """What each call takes of a core, all in turn: the least of the rounds."""
    best = dict.fromkeys(calls, float("inf"))
    for round_ in range(ROUNDS):
        for name, call in calls.items():
            started = time.thread_time()
            for number in range(IN_A_ROUND):
                call(round_ * IN_A_ROUND + number)
            took = (time.thread_time() - started) * 1000 / IN_A_ROUND
            best[name] = min(best[name], took)
    return best


def statements(installation: Installation, call: Call) -> int:
    """How many statements a call asks after the first, transactions' beginnings not counted."""
    asked: list[str] = []
    call(0)

    def keep(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(installation.database.engine, "before_cursor_execute", keep)
    call(0)
    event.remove(installation.database.engine, "before_cursor_execute", keep)
    return sum(not each.startswith("BEGIN") for each in asked)


def seconds_to_answer(index: LiveMatcher, question: ContactDetails) -> float:
    """What the first answer takes of a core."""
    started = time.thread_time()
    index.matcher().suggest(question)
    return time.thread_time() - started


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    held = records(RECORDS, 5)
    asked = contacts(held, ROUNDS * IN_A_ROUND, 6)[0]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder), database_url=f"sqlite:///{folder}/crmlink.sqlite",
            secret_key=KEY, requests_per_minute=1_000_000,
            commusoft=Connection("http://127.0.0.1:1", *["bench"] * 4),
        )  # fmt: skip
        assert settings.commusoft
        installation = open_installation(settings, CommusoftClient(settings.commusoft))
        fill(installation, held)
        ctx = installation.workspace
        anew = seconds_to_answer(ctx.index, asked[0][1])
        ctx.index.save()
        again = LiveMatcher(ctx.database, ctx.connection_id, ctx.database.index_files)
        restarted = seconds_to_answer(again, asked[0][1])
        print(f"first answer: {restarted:.1f} s of a core, index made anew {anew:.1f} s, "
              f"{anew / restarted:.0f} times")  # fmt: skip
        calls = requests_of(installation, settings, asked)
        counted = {name: statements(installation, call) for name, call in calls.items()}
        alone = ctx.index.matcher()
        calls |= {
            "matching alone": lambda number: alone.suggest(
                asked[number % len(asked)][1], at_least=MIN_PROBABILITY
            ),
            "peer": peer(),
        }
        took = milliseconds(calls)
        for name, each in took.items():
            asks = f", {counted[name]} statements" if name in counted else ""
            print(f"{name:18s} {each:6.2f} ms of a core, {each / took['peer']:5.1f} peers{asks}")
        installation.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
