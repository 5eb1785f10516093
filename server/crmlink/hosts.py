"""Hosts of URLs and ``Host`` headers, parsed and compared exactly, port included.

werkzeug's ``trusted_hosts`` compares names only, so it accepts any port of this computer, and has
no IPv6 addresses.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

_HOST = re.compile(r"(?:([a-z0-9._-]+)|\[([a-f0-9:.]+)\])(?::([0-9]{1,5}))?", re.ASCII)
_MAX_LENGTH = 253 + len(":65535")
LAST_PORT = 65535
DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(name: str) -> bool:
    """Return whether a host's name or IP address can only mean this computer."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Host:
    """A name or an IP address (IPv6 without brackets), and a port; None: the scheme's default."""

    name: str
    port: int | None = None

    @classmethod
    def from_text(cls, text: str | None) -> Self | None:
        """Return the host of a header or URL; None if it is invalid."""
        if not text or len(text) > _MAX_LENGTH:
            return None
        match = _HOST.fullmatch(text.lower())
        if match is None:
            return None
        name, address, port = match.groups()
        if address:
            try:
                name = str(ipaddress.IPv6Address(address))
            except ValueError:
                return None
        if port and int(port) > LAST_PORT:
            return None
        return cls(name, int(port) if port else None)

    @property
    def is_loopback(self) -> bool:
        """Whether it can only mean this computer."""
        return is_loopback(self.name)

    @property
    def is_unspecified(self) -> bool:
        """Whether it means every address of this computer: 0.0.0.0 or ::."""
        try:
            return ipaddress.ip_address(self.name).is_unspecified
        except ValueError:
            return False

    def address(self, scheme: str) -> str:
        """Return the URL of this host's start page without a trailing slash."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        default = self.port in (None, DEFAULT_PORTS[scheme])
        return f"{scheme}://{name}" if default else f"{scheme}://{name}:{self.port}"
