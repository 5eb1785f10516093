"""What accounting packages look like: rules as data, and what they say about a page's address."""

from crmlink.accounting.errors import (
    AccountingError,
    HostRefused,
    ReferenceMalformed,
    RulesBroken,
    UnknownPackage,
)
from crmlink.accounting.locate import Location, cautions, locate
from crmlink.accounting.package_rules import (
    Packages,
    for_pages,
    load_packages,
    package_name,
    package_rules,
    with_hosts,
)
from crmlink.accounting.references import canonical_reference

__all__ = [
    "AccountingError",
    "HostRefused",
    "Location",
    "Packages",
    "ReferenceMalformed",
    "RulesBroken",
    "UnknownPackage",
    "canonical_reference",
    "cautions",
    "for_pages",
    "load_packages",
    "locate",
    "package_name",
    "package_rules",
    "with_hosts",
]
