"""The published profile as a validating mock server (Prism) takes every request of the client.

Needs the profile beside the checkout (see test_commusoft_profile) and the npm package
@stoplight/prism-cli in tests/node_modules; without either the check does not run, and says so.
"""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from crmlink.commusoft.sandbox import SandboxServer
from crmlink.kinds import KINDS
from unit.commusoft.fake_server import Enter
from unit.commusoft.test_profile import PROFILE

PRISM = Path(__file__).parents[2] / "node_modules" / ".bin" / "prism"


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """The address of a mock server that refuses what the profile does not allow."""
    for needed, what in ((PROFILE, "the published profile"), (PRISM, "@stoplight/prism-cli")):
        if not needed.exists():
            pytest.skip(f"DID NOT RUN: {what} is not here")
    command = [str(PRISM), "mock", str(PROFILE), "--errors", "--port", "0", "--host", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            lines = (line.partition("listening on ")[2] for line in server.stdout)
            address = next(line.split()[0] for line in lines if line)
            # Someone must go on reading, or the server stops when its pipe is full.
            threading.Thread(target=server.stdout.read, daemon=True).start()
            yield address
        finally:
            server.terminate()


@pytest.mark.slow
def test_every_request_of_the_client_is_accepted(
    prism: str, sandbox: SandboxServer, enter: Enter
) -> None:
    mock, real = enter(prism), enter(sandbox.p_url)
    for kind in KINDS:
        example = next(mock.records(kind))
        assert mock.record(kind, example.number, example.uuid).uuid == example.uuid
        for record in real.records(kind):
            mock.write_reference(record, "REF-1")
            mock.write_reference(record, None)


def test_a_request_that_the_profile_does_not_allow_is_refused(prism: str) -> None:
    own = "0b6ee5d4-3b58-4b69-8f0c-111111111111"
    reply = requests.put(
        f"{prism}/customers/{own}", json={"uuid": own}, headers={"X-Auth-Token": "t"}, timeout=30
    )
    assert reply.status_code >= 400
