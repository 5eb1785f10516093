"""The one Playwright of a test process: a second one beside it cannot be started."""

from __future__ import annotations

import atexit
import functools

from playwright.sync_api import Playwright, expect, sync_playwright

EXPECTED_WITHIN = 30_000  # milliseconds, after which a test says that it never came


@functools.cache
def shared_playwright() -> Playwright:
    """Return it, started at the first call; it ends with the process."""
    expect.set_options(timeout=EXPECTED_WITHIN)
    running = sync_playwright().start()
    atexit.register(running.stop)
    return running
