"""Sandbox: simulates Commusoft over HTTP, for demonstrations and tests."""

from crmlink.commusoft.sandbox.app import create_sandbox
from crmlink.commusoft.sandbox.record_store import StateDamaged
from crmlink.commusoft.sandbox.serving import SandboxServer
from crmlink.commusoft.transport import SANDBOX_HEADER

__all__ = ["SANDBOX_HEADER", "SandboxServer", "StateDamaged", "create_sandbox"]
