"""The sandbox with a workspace's practice data, in this process or another one."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import requests

from crmlink.commusoft.transport import SANDBOX_HEADER

SANDBOX_PORT = 8788
SANDBOX_THREADS = 8  # as many calls at once as `crmlink sandbox` answers


class LocalSandbox:
    """The sandbox of a folder, run by this process or another one with the same folder."""

    def __init__(self, folder: Path) -> None:
        self._address_file = folder / "sandbox.address"
        self._state_file = folder / "sandbox.jsonl"
        self._exit_stack = ExitStack()

    def address(self) -> str:
        """Return the sandbox's URL; starts it unless it is running."""
        running_address = (
            self._address_file.read_text().strip() if self._address_file.exists() else ""
        )
        if _is_running(running_address):
            return running_address
        from crmlink.commusoft.sandbox import SandboxServer, create_sandbox

        application = create_sandbox(state_file=self._state_file)
        try:
            server = SandboxServer(application, SANDBOX_PORT, threads=SANDBOX_THREADS)
        except OSError:
            server = SandboxServer(application, threads=SANDBOX_THREADS)
        address = self._exit_stack.enter_context(server).url
        self._address_file.write_text(address)
        return address

    def stop(self) -> None:
        """Stop the sandbox if this process runs it."""
        self._exit_stack.close()

    def forget(self) -> None:
        """Stop the sandbox and delete its data."""
        self.stop()
        self._state_file.unlink(missing_ok=True)
        self._address_file.unlink(missing_ok=True)


def _is_running(address: str) -> bool:
    try:
        return SANDBOX_HEADER in requests.get(address, timeout=2).headers
    except requests.RequestException:
        return False
