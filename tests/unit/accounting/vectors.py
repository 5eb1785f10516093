"""The vectors under `tests/vectors/`: addresses, references and cautions with what they must give.

An entry about an address is compared on the keys that it has; where it names a package but no
page, it is about a contact page; `hosts` are added to the rules as an administrator would.
"""

import json
from pathlib import Path
from typing import Any

from crmlink.accounting.locate import Location, locate
from crmlink.accounting.package_rules import Packages, with_hosts
from crmlink.accounting.rule_loading import load_packages

VECTORS = Path(__file__).parents[2] / "vectors"
KEYS = ("package", "page", "kind", "reference", "organisation", "record")
NOTHING = dict.fromkeys(KEYS)

Entry = dict[str, Any]


def read(name: str) -> list[Entry]:
    entries: list[Entry] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return entries


def address_entries() -> list[Entry]:
    names = sorted(path.name for path in VECTORS.glob("*_urls*.json"))
    return [entry for name in names for entry in read(name)]


def expected(entry: Entry) -> dict[str, str | None]:
    """What an entry demands: everything empty where it names neither package nor record."""
    if entry["package"] is None and "record" not in entry:
        return dict(NOTHING)
    return {"page": "contact"} | {key: entry[key] for key in KEYS if key in entry}


def rules_for(entry: Entry, packages: Packages) -> Packages:
    for package, hosts in entry.get("hosts", {}).items():
        packages = with_hosts(packages, package, hosts)
    return packages


def failures(packages: Packages) -> list[str]:
    """The addresses for which these rules give something else than the vectors demand."""
    wrong = []
    for entry in address_entries():
        got: Location = locate(entry["url"], rules_for(entry, packages))
        demanded = expected(entry)
        if {key: got.as_dict()[key] for key in demanded} != demanded:
            wrong.append(entry["url"])
    return wrong


def packages() -> Packages:
    return load_packages()
