"""Hosts as addresses and ``Host`` headers name them: parsed and compared exactly, port included.

werkzeug's ``trusted_hosts`` compares names only, so any port of this computer would do, and knows
no IPv6 addresses.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

_HOST = re.compile(r"(?:([a-z0-9._-]+)|\[([a-f0-9:.]+)\])(?::([0-9]{1,5}))?", re.ASCII)
_MAX_LENGTH = 253 + len(":65535")
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Host:
    """A name or an IP address (IPv6 without brackets), and a port; None: the scheme's own."""

    name: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Return the host that a header or an address names; None when it is none."""
        if not text or len(text) > _MAX_LENGTH:
            return None
        found = _HOST.fullmatch(text.lower())
        if found is None:
            return None
        name, address, port = found.groups()
        if address:
            try:
                name = str(ipaddress.IPv6Address(address))
            except ValueError:
                return None
        return cls(name, int(port) if port else None)

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can be meant."""
        if self.name == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.name).is_loopback
        except ValueError:
            return False

    @property
    def is_unspecified(self) -> bool:
        """Whether it stands for every address of this computer: 0.0.0.0 or ::."""
        try:
            return ipaddress.ip_address(self.name).is_unspecified
        except ValueError:
            return False

    def address(self, scheme: str) -> str:
        """Return the address of this host's start page, without a slash at its end."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        default = self.port in (None, DEFAULT_PORTS[scheme])
        return f"{scheme}://{name}" if default else f"{scheme}://{name}:{self.port}"
