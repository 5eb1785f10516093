"""The API and its own description say the same, for every caller and whatever is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from marshmallow import fields

from crmlink.web.strict_parsing import StrictBoolean, StrictInteger
from security.fuzz import Outcome, fuzzed_app, run

EXAMPLES = 9  # for each operation, beside those at the edges of what the description says
MIN_CASES = 5_000


@pytest.fixture(scope="module")
def total() -> Outcome:
    return Outcome()


@pytest.mark.parametrize(
    ("role", "database_url"),
    [("clerk", "sqlite"), ("manager", "sqlite"), ("admin", "postgresql")],
    indirect=["database_url"],
)
def test_nothing_breaks_and_nothing_forbidden_is_taken(
    tmp_path: Path, database_url: str, total: Outcome, role: str
) -> None:
    with fuzzed_app(tmp_path, database_url=database_url) as app:
        outcome = run(app, role, EXAMPLES, edges=role != "clerk")
    print(f"{role}: {outcome}")
    total.add(outcome)
    assert outcome.errors == []
    assert outcome.failures == {}
    assert outcome.statuses[200] > 50  # or else nothing but refusals was seen
    assert sum(count for status, count in outcome.statuses.items() if status >= 500) == 0


def test_there_were_enough_cases(total: Outcome) -> None:
    print(total)
    assert total.cases >= MIN_CASES


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with fuzzed_app(tmp_path_factory.mktemp("twin")) as app:
        yield app


def lenient_numbers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StrictInteger, "_deserialize", fields.Integer._deserialize)


def lenient_truth(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StrictBoolean, "_deserialize", fields.Boolean._deserialize)


def a_fault(patch: pytest.MonkeyPatch) -> None:
    def save_preferences(*_: object) -> None:
        raise RuntimeError

    patch.setattr("crmlink.api.audit.save_preferences", save_preferences)


def another_type(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("crmlink.web.error_handlers.PROBLEM_JSON", "application/json")


def a_number_as_text(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StrictInteger, "_serialize", lambda self, value, *_, **__: str(value))


@pytest.mark.parametrize(
    ("twin", "check"),
    [
        (lenient_numbers, "negative_data_rejection"),
        (lenient_truth, "negative_data_rejection"),
        (a_fault, "not_a_server_error"),
        (another_type, "content_type_conformance"),
        (a_number_as_text, "response_schema_conformance"),
    ],
)
def test_a_server_that_does_otherwise_than_it_says_is_caught(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    twin: Callable[[pytest.MonkeyPatch], None],
    check: str,
) -> None:
    path = "/api/v1/preferences"
    twin(monkeypatch)
    outcome = run(app, "admin", 3, only=path)
    assert f"admin: {check}: PUT {path}" in outcome.failures
