"""The sandbox with a workspace's practice data, in this process or another one."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests
from flask import Response

from crmlink.store.only_server import try_lock

SANDBOX_PORT = 8788
SANDBOX_THREADS = 8  # as many calls at once as `crmlink sandbox` answers
FOLDER_HEADER = "Commusoft-Sandbox-Folder"


class LocalSandbox:
    """The sandbox of a folder, run by this process or another one with the same folder."""

    def __init__(self, folder: Path) -> None:
        self._address_file = folder / "sandbox.address"
        self._lock_file = folder / "sandbox.lock"
        self._state_file = folder / "sandbox.jsonl"
        self._folder = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
        self._exit_stack = ExitStack()

    def address(self) -> str:
        """Return the sandbox's URL; starts it unless it is running."""
        with self._turn():
            return self._address()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Keep other processes from looking until this one's sandbox can be seen."""
        with self._lock_file.open("ab") as lock:
            while not try_lock(lock):
                time.sleep(0.05)
            yield

    def _address(self) -> str:
        running_address = (
            self._address_file.read_text().strip() if self._address_file.exists() else ""
        )
        if self._runs_at(running_address):
            return running_address
        from crmlink.commusoft.sandbox import SandboxServer, create_sandbox

        application = create_sandbox(state_file=self._state_file)
        application.after_request(self._name_folder)
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

    def _name_folder(self, response: Response) -> Response:
        response.headers[FOLDER_HEADER] = self._folder
        return response

    def _runs_at(self, address: str) -> bool:
        """Return whether this folder's runs there: after a restart, another one may."""
        with requests.Session() as session:
            session.trust_env = False  # no proxy leads to this computer
            try:
                answer = session.get(address, timeout=10)
            except requests.RequestException:
                return False
        return answer.headers.get(FOLDER_HEADER) == self._folder
