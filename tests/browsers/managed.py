"""A Chromium that an office manages: it reads policies that no other browser here reads.

Chromium looks in one fixed folder, /etc/chromium. A mount that only this process and its children
see puts the test's folder there; it needs no rights where Linux allows user namespaces.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from browsers.find import CHROMIUM, Unavailable, find

CHROMIUM_FOLDER = Path("/etc/chromium")
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
MANAGED_FLAGS = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",)
# By default nobody, and so no test, may look into an extension that came by policy.
FOR_TESTS = {"DeveloperToolsAvailability": 1}


def can_manage() -> bool:
    """Whether this machine lets a test put policies before a Chromium."""
    if not sys.platform.startswith("linux") or not CHROMIUM_FOLDER.is_dir():
        return False
    try:
        return (
            subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
        )
    except FileNotFoundError:
        return False


def set_policies(folder: Path, policy: bytes) -> Path:
    """The folder for ``Chromium(policies=…)`` with a policy file as IT gets it."""
    managed_folder = folder / "policies" / "managed"
    managed_folder.mkdir(parents=True)
    (managed_folder / "crmlink.json").write_bytes(policy)
    (managed_folder / "tests.json").write_text(json.dumps(FOR_TESTS))
    return folder


def managed(folder: Path, policies: Path) -> Path:
    """A program that starts the machine's Chromium with other policies. Raises Unavailable."""
    if not can_manage():
        raise Unavailable("no policies can be put before Chromium on this machine")
    words: list[Any] = [policies, CHROMIUM_FOLDER, find(CHROMIUM).path]
    source, target, program = (shlex.quote(str(word)) for word in words)
    script = folder / "managed-chromium"
    inside = f'mount --bind {source} {target} && exec {program} "$@"'
    script.write_text(
        f'#!/bin/sh\nexec {" ".join(NAMESPACE)} sh -c {shlex.quote(inside)} sh "$@"\n'
    )
    script.chmod(0o755)
    return script
