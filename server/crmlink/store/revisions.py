"""Versions of the tables, as the migrations' files name them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

MIGRATIONS = Path(__file__).with_name("migrations")
REVISION = re.compile(r'^revision = "(\w+)"', re.M)
DOWN_REVISION = re.compile(r'^down_revision = "(\w+)"', re.M)


@cache
def newest_revision() -> str:
    """Return the version that the tables have after all migrations: the one that none follows."""
    texts = [path.read_text("utf-8") for path in (MIGRATIONS / "versions").glob("[0-9]*.py")]
    followed = {found[1] for text in texts if (found := DOWN_REVISION.search(text))}
    newest = {found[1] for text in texts if (found := REVISION.search(text))} - followed
    return newest.pop() if len(newest) == 1 else ""


@cache
def older_revisions() -> frozenset[str]:
    """Return the versions that a migration of this version follows."""
    texts = (path.read_text("utf-8") for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    return frozenset(found[1] for text in texts if (found := DOWN_REVISION.search(text)))
