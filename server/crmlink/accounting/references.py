"""References: the form of each package's references, and their canonical form."""

import re
from collections.abc import Mapping
from typing import Any

from crmlink.accounting.ascii_case import ascii_lower, ascii_upper
from crmlink.accounting.errors import InvalidReference
from crmlink.accounting.package_rules import Package, Packages, package_rules
from crmlink.folding import compose

_AROUND = " \t\r\n\u00a0"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BARE_GUID = re.compile(r"([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")


def canonical_reference(package: str, reference: str, packages: Packages) -> str:
    """Return a typed or pasted reference in the package's canonical form.

    All are in the Unicode form NFC, GUIDs in lower case with dashes, a Sage 50 A/C in capitals
    without spaces; numbers and QuickBooks Desktop names are unchanged. Raises `UnknownPackage`,
    `InvalidReference`.
    """
    rules = package_rules(packages, package)
    tidied = _tidied(compose(reference), rules["reference"]["canonical"])
    if not is_reference(tidied, rules) and not is_listed_reference(tidied, rules):
        raise InvalidReference(package, reference, rules["reference"]["expected"])
    return tidied


def reference_in_page(text: str, package: Package) -> str | None:
    """Return a URL's reference in canonical form, or None if it is not one.

    Only case is normalised: other text in a URL is never turned into a reference.
    """
    lowered = ascii_lower(text) if package["reference"]["canonical"] == "guid" else text
    return lowered if is_reference(lowered, package) else None


def is_reference(text: str, package: Package) -> bool:
    """Return whether a text is a canonical reference of this package."""
    return _may_be(text, package["reference"], "pattern")


def is_listed_reference(text: str, package: Package) -> bool:
    """Return whether a text is a canonical reference that only a file or a user may give."""
    return "in_lists" in package["reference"] and _may_be(text, package["reference"], "in_lists")


def _may_be(text: str, rule: Mapping[str, Any], pattern: str) -> bool:
    if not text.strip(_AROUND) or len(text) > rule["max"] or _CONTROL.search(text):
        return False
    return matches(rule.get(pattern), text) and text not in rule.get("never", [])


def matches(pattern: str | None, text: str) -> bool:
    """Return whether the whole text matches a rule file's pattern (None: any text)."""
    return pattern is None or re.fullmatch(pattern, text) is not None


def _tidied(text: str, canonical: str) -> str:
    if canonical == "exact":
        return text
    trimmed = text.strip(_AROUND)
    if canonical == "upper":
        return ascii_upper(trimmed.replace(" ", "").replace("\u00a0", ""))
    if canonical == "guid":
        bare = ascii_lower(trimmed)
        if bare.startswith("{") and bare.endswith("}"):
            bare = bare[1:-1]
        match = _BARE_GUID.fullmatch(bare)
        return "-".join(match.groups()) if match else bare
    return trimmed
