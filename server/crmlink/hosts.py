"""Hosts as a request's ``Host`` header names them: parsed and compared exactly, port included."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

_HOST = re.compile(r"(?:([a-z0-9._-]+)|\[([a-f0-9:.]+)\])(?::([0-9]{1,5}))?", re.ASCII)
_LONGEST = 253 + len(":65535")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Host:
    """A name or an IP address, and a port. An IPv6 address is written without brackets."""

    name: str
    port: int

    @classmethod
    def parse(cls, text: str | None, scheme: str) -> Self | None:
        """Return the host that a header or an address names; None when it is none."""
        if not text or len(text) > _LONGEST:
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
        return cls(name, int(port) if port else _DEFAULT_PORTS[scheme])

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can be meant."""
        if self.name == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.name).is_loopback
        except ValueError:
            return False

    def address(self, scheme: str) -> str:
        """Return the address of this host's start page, without a slash at its end."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        port = "" if self.port == _DEFAULT_PORTS[scheme] else f":{self.port}"
        return f"{scheme}://{name}{port}"
