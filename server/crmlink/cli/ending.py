"""The end of a process: asked for by a signal, and within a bounded time."""

from __future__ import annotations

import os
import signal
import threading

STOP_SECONDS = 28.0  # systems and containers kill after 30


def wait_for_end() -> None:
    """Wait for SIGTERM or Ctrl+C."""
    asked = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: asked.set())
    asked.wait()


def end_in(seconds: float) -> None:
    """End this process after some seconds, whatever still runs: its work is taken over.

    Without it Python would wait for every call to Commusoft that a thread is in.
    """
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()
