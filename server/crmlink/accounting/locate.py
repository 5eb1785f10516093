"""Locate: from a page's URL to the contact, or the Commusoft record, that the page shows.

The URL alone decides. A page that is not certainly one of these yields nothing: a missing reference
costs a search, a wrong one sends invoices to the wrong account. `extension/lib/page/locate.js` does
the same in JavaScript; `tests/vectors/` and a property test keep the two equal.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from crmlink.accounting.ascii_case import ascii_lower
from crmlink.accounting.package_rules import Package, Packages, package_rules
from crmlink.accounting.page_url import PageUrl, parse_page_url, split_path
from crmlink.accounting.references import (
    canonical_reference,
    matches,
    reference_in_page,
)
from crmlink.kinds import Kind

__all__ = ["Location", "canonical_reference", "cautions", "locate"]

_LABELS = {
    "organisation": "[a-z0-9-]+",
    "name": "[a-z0-9-]+",
    "digits": "[0-9]{1,3}",
}
_HOST_SLOT = re.compile(r"\{(organisation|name|digits)\}")
_TAB = re.compile(r"[A-Za-z][A-Za-z_-]{0,63}")
_NUMBER = re.compile(r"[0-9]+")

Captures = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Location:
    """What a URL shows; all fields but `url` are None for an unknown page.

    `page` is "contact", "list" or "record"; `reference` is canonical and set on contact pages only;
    `record` is the id of a record and set on its pages only, which belong to no package;
    `organisation` is the company file (Xero's short code, FreeAgent's subdomain, ...).
    """

    url: str
    package: str | None = None
    page: str | None = None
    kind: Kind | None = None
    reference: str | None = None
    organisation: str | None = None
    record: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """Return the fields as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _RuleMatch:
    """A page rule that matches a URL."""

    package: str | None
    rule: dict[str, Any]
    reference: str | None
    organisation: str | None
    record: str | None = None


def locate(url: str, packages: Packages) -> Location:
    """Return the package, page and reference that a URL identifies.

    Any other input (unknown host or page, malformed URL, no string) yields a `Location` with only
    its `url`. Never raises.
    """
    text = url if isinstance(url, str) else ""
    match = _find(parse_page_url(text), packages, follow=True)
    if match is None:
        return Location(text)
    return Location(
        url=text,
        package=match.package,
        page=match.rule["page"],
        kind=match.rule.get("kind"),
        reference=match.reference,
        organisation=match.organisation,
        record=match.record,
    )


def cautions(location: Location, packages: Packages) -> list[str]:
    """Return sentences to show beside the reference where the facts are not certain."""
    if location.package is None or location.reference is None:
        return []
    package = package_rules(packages, location.package)
    sentences = [
        caution["say"]
        for caution in package.get("cautions", [])
        if not _exempts(caution, location.reference)
    ]
    match = _find(parse_page_url(location.url), packages, follow=True)
    if match and match.package == location.package and "caution" in match.rule:
        sentences.append(match.rule["caution"])
    return sentences


def _exempts(caution: dict[str, str], reference: str) -> bool:
    pattern = caution.get("unless_reference")
    return pattern is not None and matches(pattern, reference)


def _find(address: PageUrl | None, packages: Packages, *, follow: bool) -> _RuleMatch | None:
    for package_id, rule, values in _matching(address, packages):
        if rule["page"] == "redirect":
            match = _target(values, address, packages) if follow and address else None
        elif _is_complete(rule, values):
            match = _RuleMatch(
                package_id, rule,
                values.get("reference"), values.get("organisation"), values.get("record"),
            )  # fmt: skip
        else:
            match = None
        if match:
            return match
    return None


def _is_complete(rule: dict[str, Any], values: dict[str, str]) -> bool:
    """Return whether the values name what such a page shows, and nothing else."""
    reference, record = "reference" in values, "record" in values
    return (reference, record) == (rule["page"] == "contact", rule["page"] == "record")


def _matching(
    address: PageUrl | None, packages: Packages
) -> Iterator[tuple[str | None, dict[str, Any], dict[str, str]]]:
    """Yield every page rule that a URL matches, with the captured values."""
    if address is None:
        return
    crms = [(None, crm) for crm in packages.get("crms", {}).values()]
    for package_id, package in [*packages["packages"].items(), *crms]:
        if address.scheme != package.get("scheme", "https"):
            continue
        for host in package.get("hosts", []):
            captured = _host_captures(host, address)
            for rule in package["pages"] if captured is not None else []:
                more = _page_captures(rule, address)
                if captured is not None and more is not None:
                    values = _canonical_captures([*captured, *more], package)
                    if values is not None:
                        yield package_id, rule, values


def _target(values: dict[str, str], address: PageUrl, packages: Packages) -> _RuleMatch | None:
    """Return the page a redirect leads to, if it has the same host and organisation."""
    target = values.get("target", "")
    inner = parse_page_url(address.origin + target if target.startswith("/") else target)
    if inner is None or inner.origin != address.origin:
        return None
    match = _find(inner, packages, follow=False)
    organisation = values.get("organisation")
    if match is None or (organisation and match.organisation not in (None, organisation)):
        return None
    return _RuleMatch(
        match.package, match.rule, match.reference, match.organisation or organisation
    )


def _host_captures(template: str, address: PageUrl) -> Captures | None:
    name, _, port = template.partition(":")
    if port != address.port:
        return None
    expected, labels = name.split("."), address.host.split(".")
    if len(expected) != len(labels):
        return None
    captured: Captures = []
    for template_label, label in zip(expected, labels, strict=True):
        slot = _HOST_SLOT.search(template_label)
        if slot is None:
            if template_label != label:
                return None
            continue
        before = template_label[: slot.start()]
        rest = label[len(before) :]
        if not label.startswith(before) or not matches(_LABELS[slot[1]], rest):
            return None
        if rest.startswith("xn--"):
            return None
        if slot[1] == "organisation":
            captured.append(("organisation", rest))
    return captured


def _page_captures(rule: dict[str, Any], address: PageUrl) -> Captures | None:
    if "below" in rule:
        return _below_captures(rule, address)
    ignored = rule.get("ignore_case", [])
    path = _path_captures(split_path(rule["path"]), address.path, "path" in ignored)
    query = _query_captures(rule.get("query", {}), address.query, "query" in ignored)
    if path is None or query is None:
        return None
    if rule["page"] == "record" and (address.fragment is None or len(address.fragment) > 1):
        return None  # a route of its own: perhaps of another record
    if "fragment" not in rule:
        return path + query
    fragment = _path_captures(split_path(rule["fragment"]), address.fragment, False)
    return None if fragment is None else path + query + fragment


def _path_captures(
    template: list[str], parts: list[str] | None, ignore_case: bool
) -> Captures | None:
    if parts is None or len(parts) != len(template):
        return None
    captured: Captures = []
    for expected, part in zip(template, parts, strict=True):
        if expected == "{tab}":
            if not _TAB.fullmatch(part):
                return None
        elif expected.startswith("{"):
            captured.append((expected[1:-1], part))
        elif not _same(expected, part, ignore_case):
            return None
    return captured


def _query_captures(
    expected: dict[str, str], query: list[tuple[str, str | None]], ignore_case: bool
) -> Captures | None:
    """Return the values of the named parameters; None if one has two different values.

    A parameter in another case gives no value unless the rule allows it, but it can conflict.
    """
    captured: Captures = []
    for name, slot in expected.items():
        values = {value for key, value in query if _same(name, key, True)}
        if len(values) > 1 or None in values:
            return None
        if ignore_case or any(key == name for key, _ in query):
            captured += [(slot[1:-1], value) for value in values if value]
    return captured


def _canonical_captures(captured: Captures, package: Package) -> dict[str, str] | None:
    """Return the captured values in canonical form; None if two conflict or one is malformed."""
    values: dict[str, str] = {}
    for name, text in captured:
        value = _valid(name, text, package)
        if value is None or values.setdefault(name, value) != value:
            return None
    return values


def _valid(name: str, text: str, package: Package) -> str | None:
    if name == "reference":
        return reference_in_page(text, package)
    if name == "organisation":
        rule = package["organisation"]
        fits = matches(rule["pattern"], text) and text not in rule.get("never", [])
        return text if fits else None
    if name == "record":
        return text if matches(package["record"]["pattern"], text) else None
    return text


def _below_captures(rule: dict[str, Any], address: PageUrl) -> Captures | None:
    """Return the number at the end of a URL whose path is unknown.

    None unless path, query and fragment end in the same number, as far as they end in any.
    """
    start = split_path(rule["below"])
    path, fragment = address.path, address.fragment
    ignore_case = "path" in rule.get("ignore_case", [])
    if path is None or fragment is None or len(path) < len(start):
        return None
    if _path_captures(start, path[: len(start)], ignore_case) is None:
        return None
    rest = path[len(start) :]
    names = [name for name, _ in address.query + address.fragment_query]
    if _has_word([*rest, *fragment, *names], rule["never_words"]):
        return None
    ends = [
        *_last(rest),
        *_last(fragment),
        *_query_tail(address.query),
        *_query_tail(address.fragment_query),
    ]
    numbers = {end for end in ends if _NUMBER.fullmatch(end)}
    return [("reference", numbers.pop())] if len(numbers) == 1 else None


def _last(parts: list[str]) -> list[str]:
    return parts[-1:]


def _query_tail(query: list[tuple[str, str | None]]) -> Iterator[str]:
    for name, value in query[-1:]:
        yield value or name


def _has_word(parts: Iterable[str], words: list[str]) -> bool:
    text = ascii_lower("\n".join(parts))
    return any(word in text for word in words)


def _same(expected: str, actual: str, ignore_case: bool) -> bool:
    if ignore_case:
        return ascii_lower(expected) == ascii_lower(actual)
    return expected == actual
