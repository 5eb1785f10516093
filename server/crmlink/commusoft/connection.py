"""Address and credentials of one Commusoft account; rejects addresses that leak secrets."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from crmlink.hosts import is_loopback

DEFAULT_ORIGIN = "https://app.commusoft.co.uk"
DEFAULT_BASE_URL = "https://app.commusoft.co.uk/webservice_dev.php/api/v1"


class ConnectionUnsafe(ValueError):
    """Credentials must not be sent to this address; the message is a sentence with the reason."""


@dataclass(frozen=True)
class Connection:
    """Address and credentials of one account.

    `base_url` ends before `/getToken`; plain http is accepted for loopback hosts only. The repr
    shows the address alone. Raises `ConnectionUnsafe`.
    """

    base_url: str
    client_id: str = field(repr=False)
    username: str = field(repr=False)
    password: str = field(repr=False)
    application_id: str = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _safe_address(self.base_url))

    @property
    def is_loopback(self) -> bool:
        """Whether the address is this machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")


@dataclass(frozen=True)
class WebApplication:
    """An account's web application, for work on its pages; `origin` is its scheme and host.

    Raises `ConnectionUnsafe`.
    """

    origin: str

    def __post_init__(self) -> None:
        address = _safe_address(self.origin).lower()
        if urlsplit(address).path:
            raise ConnectionUnsafe(
                "Give the address of Commusoft's web application without what follows its host."
            )
        object.__setattr__(self, "origin", address)


def _safe_address(base_url: str) -> str:
    """Return the address without a trailing slash; raises `ConnectionUnsafe`."""
    text = base_url.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConnectionUnsafe("The Commusoft address isn't a web address.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ConnectionUnsafe("The Commusoft address must start with https:// and a host name.")
    if parts.username is not None or parts.password is not None:
        raise ConnectionUnsafe("The Commusoft address must not contain a user name or password.")
    if parts.query or parts.fragment:
        raise ConnectionUnsafe("The Commusoft address must not have anything after its path.")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConnectionUnsafe(
            "The Commusoft address must start with https://, or others could read the password."
        )
    return text.rstrip("/")
