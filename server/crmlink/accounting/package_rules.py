"""Lookup in loaded package rules, and addition of an administrator's hosts."""

import re
from collections.abc import Iterable
from typing import Any, cast

from crmlink.accounting.errors import InvalidHost, UnknownPackage

Packages = dict[str, Any]
Package = dict[str, Any]

_ADDED_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
    r"(?P<port>:[0-9]{1,5})?"
)


def browser_rules(packages: Packages) -> Packages:
    """Return the part of the rules for reading pages, which the browser extension runs."""
    browser_part = {
        package_id: {name: rule for name, rule in package.items() if name != "exports"}
        for package_id, package in packages["packages"].items()
    }
    return {name: packages[name] for name in ("version", "crms") if name in packages} | {
        "packages": browser_part
    }


def sites_of(packages: Packages) -> dict[str, Package]:
    """Return the rules of all web applications with pages, packages and CRMs, by id."""
    return {**packages["packages"], **packages.get("crms", {})}


def package_rules(packages: Packages, package_id: str) -> Package:
    """Return the rules of one package; raises `UnknownPackage`."""
    try:
        return cast("Package", packages["packages"][package_id])
    except (KeyError, TypeError) as error:
        raise UnknownPackage(package_id) from error


def package_name(packages: Packages, package_id: str) -> str:
    """Return the package's display name ("Xero"); raises `UnknownPackage`."""
    return str(package_rules(packages, package_id)["name"])


def with_hosts(packages: Packages, package_id: str, hosts: Iterable[str]) -> Packages:
    """Return a copy of the rules in which a package or CRM also has these hosts.

    A host is `server.office.example` or `server.office.example:10444`. Raises `InvalidHost` if the
    package accepts none, if it is no valid host, or if it belongs to another package.
    """
    sites = sites_of(packages)
    package = sites[package_id] if package_id in sites else package_rules(packages, package_id)
    if not package.get("more_hosts"):
        raise InvalidHost(
            f"{package['name']} always has the same addresses, so you can't add another."
        )
    known = list(package["hosts"])
    for host in hosts:
        host_ = normalised_host(host)
        for other_package in sites.values():
            if other_package is not package and any(
                _collides_with(rule, host_) for rule in other_package.get("hosts", [])
            ):
                raise InvalidHost(f"{host_} is already an address of {other_package['name']}.")
        if host_ not in known:
            known.append(host_)
    group = "packages" if package_id in packages["packages"] else "crms"
    return packages | {group: packages[group] | {package_id: package | {"hosts": known}}}


def at_hosts(packages: Packages, crm_id: str, hosts: list[str], scheme: str = "https") -> Packages:
    """Return a copy of the rules in which the CRM is at these hosts alone.

    Plain http is for a practice server of this computer.
    """
    crms = packages.get("crms", {})
    if crm_id not in crms:
        return packages
    crm = crms[crm_id] | {"hosts": hosts} | ({} if scheme == "https" else {"scheme": scheme})
    return packages | {"crms": crms | {crm_id: crm}}


def normalised_host(host: str) -> str:
    """Return an added host in the one form in which it is stored. Raises `InvalidHost`."""
    normalised = host.strip().lower().removesuffix(":443")
    match = _ADDED_HOST.fullmatch(normalised)
    if not match or (match["port"] and not 0 < int(match["port"][1:]) < 65536):
        raise InvalidHost(
            f"“{host}” isn't a host name. Enter it like server.office.example:10444, "
            "without https:// or anything after it."
        )
    return normalised


def _collides_with(rule: str, host: str) -> bool:
    """Return whether an added host may be what another package's rule or host means.

    Two packages may be on two ports of one server; without a port a host is the whole server.
    """
    name, _, port = rule.partition(":")
    added_name, _, added_port = host.partition(":")
    pattern = re.sub(r"\\\{\w+\\\}", "[a-z0-9-]+", re.escape(name))
    same_server = re.fullmatch(pattern, added_name) is not None
    return same_server and (not port or not added_port or port == added_port)
