"""Options of the agent's service, in a folder of its own; its secrets are sealed there.

The service's command names the folder alone, so that neither the token nor a password is where the
system shows what runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmlink.commusoft.vault import Vault, VaultKeyMissing
from crmlink.sources.errors import AgentFailed
from crmlink.sources.sage_50.agent import Destination, SageData

OPTIONS, SECRETS, KEYS = "agent.json", "agent.sealed", "credential.keys"


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """What the service runs with; it repeats every so many minutes."""

    data: SageData
    destination: Destination
    minutes: int


def keep_options(folder: Path, options: AgentOptions) -> None:
    """Write the options, and the token and the password sealed. The folder is there already."""
    data, destination = options.data, options.destination
    sealed = Vault.at(folder / KEYS).seal({"password": data.password, "token": destination.token})
    plain = {
        "user": data.user, "dsn": data.dsn, "driver": data.driver, "folder": data.folder,
        "address": destination.address, "company": destination.company,
        "minutes": options.minutes,
    }  # fmt: skip
    _write(folder / SECRETS, sealed)
    _write(folder / OPTIONS, json.dumps(plain, ensure_ascii=False, indent=2))


def kept_options(folder: Path) -> AgentOptions:
    """Return the options as they were written. Raises AgentFailed."""
    try:
        plain: Mapping[str, Any] = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
        sealed = (folder / SECRETS).read_text(encoding="utf-8")
        secrets = Vault((folder / KEYS).read_text().split()).open(sealed)
        data = SageData(
            plain["user"], secrets["password"], plain["dsn"], plain["driver"], plain["folder"]
        )
        destination = Destination(plain["address"], secrets["token"], plain["company"])
        return AgentOptions(data, destination, int(plain["minutes"]))
    except (OSError, ValueError, LookupError, TypeError, VaultKeyMissing):
        raise AgentFailed("not-set-up", folder=str(folder)) from None


def forget_options(folder: Path) -> None:
    """Delete the options and the secrets, as far as they are there."""
    for name in (SECRETS, KEYS, OPTIONS):
        (folder / name).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as opened:
        opened.write(text)
    beside.replace(path)
