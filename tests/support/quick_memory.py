"""Python's search for objects that only refer to each other, made seldom and over little.

A test process holds thousands of tests and all of crmlink, which live as long as it does. Looking
through them took a quarter of a second, every few tests.
"""

from __future__ import annotations

import gc


def search_seldom() -> None:
    """Let many objects be made before those that are left over are searched for."""
    gc.set_threshold(10_000, 20, 20)


def leave_out_what_is_there() -> None:
    """Search no more in what has been made so far; copies of this process share its memory then."""
    gc.collect()
    gc.freeze()
