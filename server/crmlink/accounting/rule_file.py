"""The rule file in use: the installation's own while valid, else the built-in one."""

from __future__ import annotations

import threading
from pathlib import Path

import structlog

from crmlink.accounting.errors import InvalidRules
from crmlink.accounting.package_rules import Packages
from crmlink.accounting.rule_loading import built_in_packages, load_packages

log = structlog.get_logger()


class RuleFile:
    """Rule file that may appear, change and vanish; an invalid one keeps the last valid rules."""

    def __init__(self, path: Path) -> None:
        self.own = path
        self._stamp: tuple[int, int] | None = None
        self._rules = built_in_packages()
        self._lock = threading.Lock()

    def current(self) -> Packages:
        """Return the current rules; do not modify them."""
        with self._lock:
            stamp = self._seen()
            if stamp != self._stamp:
                self._stamp = stamp
                self._load()
            return self._rules

    def install(self, file: Path) -> None:
        """Replace the rules by a checked file, atomically. Raises InvalidRules."""
        load_packages(file)
        beside = self.own.with_suffix(".new")
        beside.write_bytes(file.read_bytes())
        beside.replace(self.own)

    def remove(self) -> bool:
        """Return to the built-in rules; returns whether there was an own file."""
        there = self.own.exists()
        self.own.unlink(missing_ok=True)
        return there

    def _seen(self) -> tuple[int, int] | None:
        try:
            stat = self.own.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size

    def _load(self) -> None:
        try:
            self._rules = load_packages(self.own) if self._stamp else built_in_packages()
        except InvalidRules as error:
            log.warning("rule file refused, the last good one stays", problem=str(error))
