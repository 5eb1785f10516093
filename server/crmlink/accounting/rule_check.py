"""Checks of an edited rule file before use: the schema, then known URLs.

The known URLs ("vectors") are JSON lists of `{url, package, page, kind, reference, organisation,
record}` in files named `*_urls*.json`. Missing keys are not compared, `package: null` without a
`record` must yield nothing, and `page` defaults to "contact". `hosts` (`{package: [host]}`) are
added first, as an administrator would.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from crmlink.accounting.errors import AccountingError, InvalidRules
from crmlink.accounting.locate import Location, locate
from crmlink.accounting.package_rules import Packages, package_name, with_hosts
from crmlink.accounting.rule_loading import load_packages, problems
from crmlink.strict_json import read_json

MAX_SENTENCES = 20
_VECTORS = Path(__file__).parents[3] / "tests" / "vectors"
_KEYS = ("package", "page", "kind", "reference", "organisation", "record")

Entry = dict[str, Any]


def check_rule_file(path: Path, vectors: Path | None = None) -> list[str]:
    """Return what is wrong with a rule file, as sentences for users; empty if nothing.

    `vectors` is a folder of `*_urls*.json` files or one such file; without it only the schema is
    checked. Never raises.
    """
    try:
        packages = load_packages(path)
    except InvalidRules as error:
        return _all_problems(path) or [str(error)]
    if vectors is None:
        return []
    try:
        entries = list(_entries(vectors))
    except (OSError, ValueError) as error:
        return [f"The known addresses in {vectors.name} cannot be read: {error}."]
    if not entries:
        return [f"There are no known addresses in {vectors.name} to check against."]
    return _shortened(list(_differences(packages, entries)))


def known_addresses() -> Path | None:
    """Return the folder of known URLs in a source checkout; None in an installation."""
    return _VECTORS if _VECTORS.is_dir() else None


def _all_problems(path: Path) -> list[str]:
    try:
        return _shortened(list(problems(read_json(path.read_text(encoding="utf-8")))))
    except (OSError, ValueError):
        return []


def _shortened(sentences: list[str]) -> list[str]:
    if len(sentences) <= MAX_SENTENCES:
        return sentences
    return [*sentences[:MAX_SENTENCES], f"And {len(sentences) - MAX_SENTENCES} more."]


def _entries(vectors: Path) -> Iterator[Entry]:
    paths = sorted(vectors.glob("*_urls*.json")) if vectors.is_dir() else [vectors]
    for path in paths:
        document = read_json(path.read_text(encoding="utf-8"))
        for entry in document if isinstance(document, list) else [document]:
            if not isinstance(entry, dict) or "url" not in entry or "package" not in entry:
                raise ValueError(f"an entry of {path.name} has no url or no package")
            if not isinstance(entry.get("hosts", {}), dict):
                raise ValueError(f"an entry of {path.name} has hosts that name no package")
            yield entry


def _differences(packages: Packages, entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        try:
            location = locate(entry["url"], _with_hosts_of(entry, packages))
        except AccountingError as error:
            yield f"{_printable(entry['url'])}: {error}"
            continue
        expected = _expected(entry)
        if any(getattr(location, key) != value for key, value in expected.items()):
            yield _sentence(entry, expected, location, packages)


def _with_hosts_of(entry: Entry, packages: Packages) -> Packages:
    for package, hosts in entry.get("hosts", {}).items():
        packages = with_hosts(packages, package, hosts)
    return packages


def _expected(entry: Entry) -> dict[str, str | None]:
    if entry["package"] is None and "record" not in entry:
        return dict.fromkeys(_KEYS)
    return {"page": "contact"} | {key: entry[key] for key in _KEYS if key in entry}


def _sentence(
    entry: Entry, expected: dict[str, str | None], location: Location, packages: Packages
) -> str:
    why = f" ({entry['why']})" if "why" in entry else ""
    wanted, actual = _meaning(expected, packages), _meaning(location.as_dict(), packages)
    return f"{_printable(entry['url'])}{why} should be {wanted}, but is {actual}."


def _meaning(values: dict[str, str | None], packages: Packages) -> str:
    if values.get("record"):
        return f"{values.get('kind')} {values['record']} of Commusoft"
    if values["package"] is None:
        return "no page that crmlink knows"
    try:
        name = package_name(packages, values["package"])
    except AccountingError:
        name = values["package"]
    if values["page"] == "list":
        return f"a list of {name}"
    parts = [f"a contact of {name}", values.get("kind"), f"reference {values.get('reference')}"]
    if values.get("organisation"):
        parts.append(f"organisation {values['organisation']}")
    return ", ".join(part for part in parts if part)


def _printable(url: object) -> str:
    text = ascii(url)[1:-1] if isinstance(url, str) else repr(url)
    return text if len(text) <= 120 else text[:120] + " …"
