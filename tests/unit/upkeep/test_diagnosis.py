"""What a diagnosis leaves out: whatever a line of the log or a check may name."""

from __future__ import annotations

import json
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from crmlink.logs import LOG_NAME
from crmlink.settings import Settings
from crmlink.upkeep.checks import Check, run_checks
from crmlink.upkeep.diagnosis import diagnosis
from crmlink.upkeep.texts import check_text

CANARY = "canary"


@pytest.fixture
def quiet(tmp_path: Path, settings: Settings) -> Settings:
    return replace(settings, data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/none.sqlite")


def test_only_codes_and_counts_of_log_lines_are_told(quiet: Settings) -> None:
    lines = [
        {"level": "warning", "event": "rule file refused", "problem": f"{CANARY}.internal is none"},
        {"level": "error", "event": "failed", "problem": "source-refused", "name": CANARY},
        {"level": "info", "event": CANARY},
    ]
    (quiet.data_dir / LOG_NAME).write_text("".join(json.dumps(each) + "\n" for each in lines))
    made = diagnosis(quiet, [Check("separation", "note", {"separated": False, "role": CANARY})])
    assert CANARY not in json.dumps(made)
    assert {"level": "error", "event": "failed", "problem": "source-refused", "count": 1} in made[
        "log"
    ]
    assert made["checks"] == [
        {"code": "separation", "health": "note", "args": {"separated": False}}
    ]


def test_a_certificate_of_another_host_is_told_without_it(
    quiet: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        error = ssl.SSLCertVerificationError()
        error.verify_message = f"Hostname mismatch, certificate is not valid for '{CANARY}.firm'."
        raise error

    monkeypatch.setattr("crmlink.upkeep.checks.socket.create_connection", refuse)
    found = list(run_checks(replace(quiet, public_url=f"https://{CANARY}.firm")))
    [certificate] = [each for each in found if each.code == "certificate"]
    assert certificate.args == {"cause": "Hostname mismatch"}


def test_a_database_that_cannot_be_opened_is_not_called_damaged(quiet: Settings) -> None:
    (quiet.data_dir / "none.sqlite").mkdir()
    [sound] = [each for each in run_checks(quiet) if each.code == "sound"]
    assert (sound.health, sound.args["problems"]) == ("failed", 0)
    assert "restore" not in check_text(sound)
    (quiet.data_dir / "none.sqlite").rmdir()
    (quiet.data_dir / "none.sqlite").write_bytes(b"no database" * 1_000)
    [sound] = [each for each in run_checks(quiet) if each.code == "sound"]
    assert "1 problem found" in check_text(sound)
