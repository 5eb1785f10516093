"""What reading sources needs, of one installation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crmlink.accounting.package_rules import Packages
from crmlink.commusoft.vault import Vault
from crmlink.sources.packages import SourcePackage
from crmlink.store import Database, Ownership


@dataclass(frozen=True, slots=True)
class SourceContext:
    """One workspace's sources; ``registry`` has the packages with this installation's addresses."""

    database: Database
    workspace_id: int
    vault: Callable[[], Vault]
    registry: Mapping[str, SourcePackage]
    rules: Callable[[], Packages]
    ownership: Ownership
