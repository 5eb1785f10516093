"""Loading and validation of the rule file: every accounting package, as data.

`packages.schema.json` describes `packages.json`; what a schema cannot express is checked here. The
browser extension gets the same document: `extension/lib/page/locate.js` runs it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from crmlink.accounting.errors import InvalidRules
from crmlink.accounting.package_rules import Package, Packages
from crmlink.strict_json import read_json

if TYPE_CHECKING:
    import jsonschema

VERSION = 1
RULE_FILE = Path(__file__).with_name("packages.json")
SCHEMA_FILE = Path(__file__).with_name("packages.schema.json")

_COUNTS = re.compile(r"[*+?]|\{[0-9]{1,3},[0-9]{1,3}\}")
_CLASS = re.compile(r"\[\^?[^\]]+\]")
_MAX_COUNTS = 3


def load_packages(path: Path | None = None) -> Packages:
    """Return the parsed and checked rule file (`{"version": 1, "packages": {id: rules}}`).

    Raises `InvalidRules` with a sentence that names the fault and its place.
    """
    document = _read(path or RULE_FILE)
    wrong = next(problems(document), None)
    if wrong:
        raise InvalidRules(wrong)
    return cast("Packages", document)


def _read(path: Path) -> Any:
    try:
        return read_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRules(f"The rule file {path.name} cannot be read.") from error
    except ValueError as error:
        raise InvalidRules(f"The rule file {path.name} is not JSON: {error}.") from error


@cache
def built_in_packages() -> Packages:
    """Return the rules that crmlink comes with, read once; do not modify them.

    They are not checked here: the tests check them, and the checks take longer than the rules.
    """
    return cast("Packages", _read(RULE_FILE))


def problems(document: object) -> Iterator[str]:
    """Yield one sentence for each fault of a rule document."""
    from crmlink.accounting.exports.known_formats import export_problems

    if not isinstance(document, dict):
        yield "The rule file must hold one JSON object."
        return
    if document.get("version") != VERSION:
        yield (
            f"The rule file says version {document.get('version')!r}; "
            f"this crmlink understands version {VERSION}."
        )
        return
    errors = sorted(_validator().iter_errors(document), key=lambda error: list(error.absolute_path))
    for error in errors:
        yield _sentence(error)
    if not errors:
        for package_id, package in document["packages"].items():
            yield from _package_problems(package_id, package)
        for crm_id, crm in document.get("crms", {}).items():
            yield from _crm_problems(crm_id, crm)
        yield from export_problems(document)


@cache
def _validator() -> jsonschema.Draft202012Validator:
    import jsonschema  # only edited rule files need it

    return jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


def _sentence(error: jsonschema.ValidationError) -> str:
    place = ".".join(str(step) for step in error.absolute_path) or "the top"
    from jsonschema.exceptions import best_match

    best = best_match([error])
    message = (best or error).message
    return f"At {place}: {message if len(message) <= 200 else message[:200] + ' …'}"


def _package_problems(package_id: str, package: Package) -> Iterator[str]:
    reference = package["reference"]
    rules = [reference, package.get("organisation", {})]
    for pattern in [rule[key] for rule in rules for key in ("pattern", "in_lists") if key in rule]:
        yield from _pattern_problems(package_id, pattern)
    for caution in package.get("cautions", []):
        yield from _pattern_problems(package_id, caution.get("unless_reference", "a"))
    for number, page in enumerate(package.get("pages", []), start=1):
        yield from _page_problems(f"{package_id}, page {number}", package, page)


def _crm_problems(crm_id: str, crm: dict[str, Any]) -> Iterator[str]:
    yield from _pattern_problems(crm_id, crm["record"]["pattern"])
    for number, page in enumerate(crm["pages"], start=1):
        if page["path"].count("{record}") != 1 or "{reference}" in page["path"]:
            yield f"In {crm_id}, page {number}: a record's page needs {{record}} once."


def _pattern_problems(package_id: str, pattern: str) -> Iterator[str]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"In {package_id}: the pattern {pattern} is not understood: {error}."
        return
    for alternative in _CLASS.sub("x", pattern).split("|"):
        if not alternative:
            yield f"In {package_id}: the pattern {pattern} has an empty alternative."
        if len(_COUNTS.findall(alternative)) > _MAX_COUNTS:
            yield f"In {package_id}: the pattern {pattern} has too many open counts to be quick."


def _page_problems(place: str, package: Package, page: dict[str, Any]) -> Iterator[str]:
    if "below" in page:
        return
    templates = "".join([page["path"], page.get("fragment", ""), *page.get("query", {}).values()])
    everywhere = templates + "".join(package["hosts"])
    required = {"contact": (1, 0), "list": (0, 0), "redirect": (0, 1)}[page["page"]]
    if "{record}" in templates:
        yield f"In {place}: {{record}} is only for records, not for contacts."
    if (templates.count("{reference}"), templates.count("{target}")) != required:
        yield (
            f"In {place}: a contact page needs {{reference}} once, a redirect {{target}} once, "
            "a list neither."
        )
    if "{organisation}" in everywhere and "organisation" not in package:
        yield f"In {place}: {{organisation}} is used, but the package has no organisation."
