"""Page URLs, parsed by the rules of the WHATWG URL standard, or rejected.

Only plain URLs are accepted: https (http where a practice workspace's rules say so), no user info,
the host in plain letters, no control characters, at most 8,192 characters (UTF-16 units).
`extension/lib/page/page_url.js` must accept and reject the same.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import ada_url

MAX_LENGTH = 8192

# The host must be in its final spelling: no look-alike letters that a parser would normalise,
# no backslashes, no user info, nothing between scheme and host.
_PLAIN_START = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?(?=[/?#]|\Z)", re.IGNORECASE | re.ASCII
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class PageUrl:
    """Parts of a page URL; `path` and `fragment` parts are decoded, None if that fails.

    `path` starts with "" (the part before the first slash) and has no empty last part; `fragment`
    is split in the same way; `query` keeps every pair, with None for a value that cannot be
    decoded.
    """

    scheme: str
    host: str
    port: str
    path: list[str] | None
    query: list[tuple[str, str | None]]
    fragment: list[str] | None
    fragment_query: list[tuple[str, str | None]]

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")


def parse_page_url(url: object) -> PageUrl | None:
    """Return the parts of a URL, or None if it is not a plain page URL."""
    if not isinstance(url, str) or len(url) > MAX_LENGTH:
        return None
    text = url.strip(" ")
    if _SURROGATE.search(text) or _CONTROL.search(text) or not _PLAIN_START.match(text):
        return None
    if len(url.encode("utf-16-le", "surrogatepass")) > 2 * MAX_LENGTH:
        return None
    try:
        parsed = ada_url.URL(text)
    except ValueError:
        return None
    fragment, _, fragment_query = parsed.hash.removeprefix("#").partition("?")
    return PageUrl(
        scheme=parsed.protocol.removesuffix(":"),
        host=parsed.hostname,
        port=parsed.port,
        path=_parts(parsed.pathname),
        query=_pairs(parsed.search.removeprefix("?")),
        fragment=_parts(fragment),
        fragment_query=_pairs(fragment_query),
    )


def split_path(text: str) -> list[str]:
    """Return the parts of a path or of its template; one trailing slash is ignored."""
    parts = text.split("/")
    return parts[:-1] if len(parts) > 1 and parts[-1] == "" else parts


def _parts(text: str) -> list[str] | None:
    decoded = []
    for part in split_path(text):
        value = _decoded(part)
        if value is None or "/" in value or "\\" in value:
            return None
        decoded.append(value)
    return decoded


def _pairs(query: str) -> list[tuple[str, str | None]]:
    pairs = []
    for pair in query.split("&"):
        name, _, value = pair.replace("+", " ").partition("=")
        decoded_name = _decoded(name)
        if decoded_name:
            pairs.append((decoded_name, _decoded(value)))
    return pairs


def _decoded(text: str) -> str | None:
    if _BAD_PERCENT.search(text):
        return None
    try:
        value = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(value) else value
