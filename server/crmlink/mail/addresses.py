"""Which email addresses are written to, and which computers may be the mail server.

The mail server is named by an admin, and may be in the office's network, so private addresses are
allowed. Never allowed are link-local ones, where clouds hand out their machines' credentials, and
those that mean many or no computers. The name is resolved once, and the checked address is the one
that is connected to, so a name that changes its address in between gains nothing. A page may name
ports of mail only, and shows no text of what answers there: with these three bounds, an admin of
crmlink who does not look after the network learns no more of it than whether mail servers answer.
"""

from __future__ import annotations

import ipaddress
import re

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}")
MAX_LENGTH = 254
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # of IPv4 addresses (NAT64)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def mailbox(email: str) -> str | None:
    """Return an email as mail servers take it, all of it plain ASCII; None if they do not.

    The domain may be international. A local part of other letters, or one that would need quoting,
    is refused: few mail servers take it, and quoting is what header injection lives on.
    """
    local, _, domain = email.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    if ".." in f".{local}." or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return None
    found = f"{local}@{domain}"
    return found if len(found) <= MAX_LENGTH else None


def refusal(text: str, *, unencrypted: bool, with_password: bool) -> str | None:
    """Return why this IP address may not be the mail server, as a code; None if it may.

    An unencrypted connection stays in the office's network, and one with a password on this
    computer.
    """
    address = _address(text)
    if address.is_loopback:
        return None
    if address.is_unspecified or address.is_multicast or address.is_link_local:
        return "address-forbidden"
    if address.is_reserved:
        return "address-forbidden"
    if unencrypted and (with_password or not address.is_private):
        return "address-unencrypted"
    return None


def _address(text: str) -> Address:
    """Return the address itself where another one only carries it."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _TRANSLATED:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
