"""The rules of the packages, once loaded: looked up, and with an administrator's hosts."""

import copy
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
    """The part of the rules that reads pages: what the browser extension runs."""
    kept = {
        package_id: {name: rule for name, rule in package.items() if name != "exports"}
        for package_id, package in packages["packages"].items()
    }
    return {name: packages[name] for name in ("version", "crms") if name in packages} | {
        "packages": kept
    }


def sites_of(packages: Packages) -> dict[str, Package]:
    """The rules of all web applications that have pages, packages and CRMs, by their id."""
    return {**packages["packages"], **packages.get("crms", {})}


def package_rules(packages: Packages, package_id: str) -> Package:
    """The rules of one package; raises `UnknownPackage`."""
    try:
        return cast("Package", packages["packages"][package_id])
    except (KeyError, TypeError) as error:
        raise UnknownPackage(package_id) from error


def package_name(packages: Packages, package_id: str) -> str:
    """How people call the package ("Xero"); raises `UnknownPackage`."""
    return str(package_rules(packages, package_id)["name"])


def with_hosts(packages: Packages, package_id: str, hosts: Iterable[str]) -> Packages:
    """A copy of the rules in which a package or CRM also answers at an admin's hosts.

    A host is `server.office.example` or `server.office.example:10444`. Raises `InvalidHost` when
    the package takes none, when it is no host, or when it is another package's.
    """
    changed = copy.deepcopy(packages)
    sites = sites_of(changed)
    package = sites[package_id] if package_id in sites else package_rules(changed, package_id)
    if not package.get("more_hosts"):
        raise InvalidHost(f"{package['name']} has fixed addresses: no host can be added to it.")
    for host in hosts:
        wanted = _added_host(host)
        for other in sites.values():
            if other is not package and any(
                _collides_with(rule, wanted) for rule in other.get("hosts", [])
            ):
                raise InvalidHost(f"{wanted} is an address of {other['name']}.")
        if wanted not in package["hosts"]:
            package["hosts"].append(wanted)
    return changed


def _added_host(host: str) -> str:
    wanted = host.strip().lower().removesuffix(":443")
    match = _ADDED_HOST.fullmatch(wanted)
    if not match or (match["port"] and not 0 < int(match["port"][1:]) < 65536):
        raise InvalidHost(
            f"“{host}” is not a host name. Give it like server.office.example:10444, "
            "without https:// and without what follows."
        )
    return wanted


def _collides_with(rule: str, host: str) -> bool:
    """Whether an added host falls under a rule of another package, whatever its port."""
    pattern = re.sub(r"\\\{\w+\\\}", "[a-z0-9-]+", re.escape(rule))
    return re.fullmatch(pattern, host.split(":")[0]) is not None
