"""schemathesis over the API's own description, in process, once for each role.

``python -m security.fuzz --cases N`` is the long run; the tests use ``run`` for the short one.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
import structlog
from flask import Flask
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.hooks import HookContext
from schemathesis.schemas import BaseSchema

from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from security.attack_fixture import ROLES
from security.reconnecting_client import MARK, PROOF_MARK, AlwaysConnected
from support.installations import installation_of, open_app
from support.sandbox import HOLLOWAY, OCONNOR_HAS, OTHER

# What a valid request must not get: a rule of the office's, such as that a reference must look
# like one, is not in the schema. That an answer needs a token is the matrix's business: the check
# for it cannot call an application in process.
LEFT_OUT = ("positive_data_acceptance", "ignored_auth")
# The address of an import is also that of the record *import*, which can be asked for and is none.
EXCEPTED = {("allow_header_conformance", "POST /api/v1/records/import")}
# Values that mean something here, which no generator comes upon: every other valid request that
# has such a field gets one of them, so that it goes on to where the work is done.
MEANT: dict[str, tuple[str, ...]] = {
    "package": ("xero", "quickbooks_online", "freeagent", "sage_50"),
    "reference": (HOLLOWAY, OTHER, OCONNOR_HAS, "12345", "HOL001"),
    "record_id": ("customer-1001", "customer-1002", "supplier-501", "customer-1"),
    "kind": ("customer", "supplier"),
    "q": ("holloway", "GL50", "07700 900231"),
    "email": ("robin@firm.example", "kim@firm.example"),
    "host": ("sage.office.example", "sage.other.example:10444"),
}


@dataclass
class Outcome:
    """What a run did, and what it found: failures by check and operation, one example each."""

    cases: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        self.cases += other.cases
        self.seconds += other.seconds
        self.statuses += other.statuses
        self.failures |= other.failures
        self.errors += other.errors

    def __str__(self) -> str:
        lines = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return f"{self.cases:,} cases in {self.seconds:.0f} s ({lines})"


@contextmanager
def fuzzed_app(folder: Path, **more: Any) -> Iterator[Flask]:
    """A server with a small sandbox behind it, its mirror full."""
    with (
        SandboxServer(create_sandbox(60, 12)) as sandbox,
        open_app(folder, sandbox.url, **more) as app,
    ):
        installation_of(app).workspace.sync()
        yield app


def run(
    app: Flask, role: str, examples: int, seed: int = 1, only: str = "", *, edges: bool = True
) -> Outcome:
    """Send what the description allows and what it forbids, ``examples`` for each operation.

    ``only`` is one path, where not all are meant; ``edges``: every value at the edge of what the
    description says too, which are the most.
    """
    began, outcome = time.monotonic(), Outcome()
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "headers": {"Authorization": MARK},
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            "checks": {name: {"enabled": False} for name in LEFT_OUT},
            "phases": {"stateful": {"enabled": False}, "coverage": {"enabled": edges}},
        }
    )
    connected = AlwaysConnected(app, role)
    schema: BaseSchema = schemathesis.openapi.from_wsgi(
        "/api/openapi.json", connected, config=config, headers={"Authorization": MARK}
    )
    if only:
        schema = schema.include(path=only)
    meant = MEANT | {
        "connection_id": (installation_of(app).workspace.public_connection_id,),
    }

    def mean_something(context: HookContext, case: Case[Any]) -> Case[Any]:
        return _mean_something(case, meant)

    schema.hook("map_case")(mean_something)
    with _without_climbing():
        for event in from_schema(schema).execute():
            match event:
                case events.ScenarioFinished(recorder=recorder):
                    _count(outcome, role, recorder)
                case events.NonFatalError() | events.FatalError():
                    outcome.errors.append(f"{role}: {event}")
    outcome.seconds = time.monotonic() - began
    return outcome


@contextmanager
def _without_climbing() -> Iterator[None]:
    """Draw plain examples: climbing towards more answers of success costs minutes, for nothing."""
    before = hypothesis.settings.get_current_profile_name()
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("plain", phases=phases)
    hypothesis.settings.load_profile("plain")
    yield
    hypothesis.settings.load_profile(before)


def _mean_something(case: Case[Any], meant: Mapping[str, tuple[str, ...]]) -> Case[Any]:
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    if case.headers and "DPoP" in case.headers:
        case.headers["DPoP"] = PROOF_MARK
    draw = random.Random(zlib.crc32(f"{case.body!r}{case.query}{case.path_parameters}".encode()))
    for values in (case.body, case.query, case.path_parameters):
        if not isinstance(values, dict):
            continue
        for name in set(values) & set(meant):
            if isinstance(values[name], str) and draw.random() < 0.5:
                values[name] = draw.choice(meant[name])
    return case


def _count(outcome: Outcome, role: str, recorder: ScenarioRecorder) -> None:
    outcome.cases += len(recorder.interactions)
    for seen in recorder.interactions.values():
        outcome.statuses[seen.response.status_code if seen.response else 0] += 1
    for case_id, checks in recorder.checks.items():
        case = recorder.cases[case_id].value
        for check in checks:
            if check.failure_info and (check.name, recorder.label) not in EXCEPTED:
                lines = (
                    f"{check.failure_info.failure.message}\n{case.method} {case.formatted_path} "
                    f"query={case.query} headers={case.headers} body={case.body!r:.500}"
                )
                outcome.failures.setdefault(f"{role}: {check.name}: {recorder.label}", lines)


def main() -> None:
    """Run until there were enough cases; exit 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--examples", type=int, default=25, help="for each operation in a round")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    total, seed = Outcome(), 1
    while total.cases < arguments.cases:
        for role in ROLES:
            with tempfile.TemporaryDirectory() as folder, fuzzed_app(Path(folder)) as app:
                found = run(app, role, arguments.examples, seed)
            print(f"seed {seed}, {role}: {found}", flush=True)
            for name, lines in found.failures.items() - total.failures.items():
                print(f"\n{name}\n{lines}\n", flush=True)
            for error in found.errors:
                print(error, flush=True)
            total.add(found)
        seed += 1
    print(f"In all {total}; {len(total.failures)} failures, {len(total.errors)} errors")
    sys.exit(1 if total.failures or total.errors else 0)


if __name__ == "__main__":
    main()
