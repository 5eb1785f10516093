"""How smoothly the review of a long list scrolls, in real Chromium.

    PYTHONPATH=tests python -m bench.scroll [--rows 10000]

Scrolls one list from its first row to its last, at a steady pace, and reports the time between
frames beside that of the same page at rest and of a blank page scrolled alike, in one run; with the
rows that stood in the page at most, and the memory of its script. The machine's other work shows in
all three alike.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import structlog
from playwright.sync_api import Page
from sqlalchemy import update

from crmlink.store import Batch, BatchRow, BatchState, Verdict
from support.list_files import GUID, Listed, draft, unlinked
from support.live_server import LiveServer, running_server, start_chromium

SECONDS = 12
VIEW = {"width": 1280, "height": 860}
REASONS = [["same_email", True], ["same_name", True], ["other_phone", False]]
FRAMES = """async ([seconds, moves]) => {
    const frames = [], end = document.documentElement.scrollHeight - innerHeight;
    const began = performance.now();
    let last = began, most = 0;
    while (last - began < 1000 * seconds) {
        const now = await new Promise(requestAnimationFrame);
        frames.push(now - last);
        last = now;
        if (moves) scrollTo(0, end * Math.min(1, (now - began) / (1000 * seconds)));
        most = Math.max(most, document.querySelectorAll("li.row").length);
    }
    return {frames: frames.slice(2), most, height: end};
}"""
BLANK = "<!doctype html><body><div></div>"


def main(rows: int) -> None:
    with running_server(400, 60) as live, start_chromium() as browser:
        batch = _list(live, rows)
        page = live.context(browser, "manager", viewport=VIEW).new_page()
        page.goto(f"{live.address}/lists/{batch.id}")
        page.wait_for_function("document.querySelectorAll('#list ol').length > 1")
        rest, moving = _frames(page, moves=False), _frames(page, moves=True)
        page.locator(f"#row-{rows}").wait_for()
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
        blank = page.context.new_page()
        blank.set_content(BLANK)
        blank.evaluate(f"document.querySelector('div').style.height = '{moving['height']}px'")
        empty = _frames(blank, moves=True)
    print(f"{rows:,} rows, {moving['height']:,} pixels in {SECONDS} s")
    for name, seen in (("at rest", rest), ("scrolled", moving), ("blank, scrolled", empty)):
        print(f"{name:16} {_words(seen['frames'])}")
    print(f"rows in the page: at most {moving['most']}; script memory after it: {heap:.0f} MB")


def _frames(page: Page, *, moves: bool) -> dict[str, Any]:
    seen: dict[str, Any] = page.evaluate(FRAMES, [SECONDS if moves else 4, moves])
    return seen


def _words(frames: list[float]) -> str:
    ordered = sorted(frames)
    late = sum(frame > 50 for frame in frames) / len(frames)
    return (
        f"{len(frames) / sum(frames) * 1000:5.1f} frames a second, median "
        f"{statistics.median(frames):5.1f} ms, 95% {ordered[int(0.95 * len(frames))]:6.1f} ms, "
        f"longest {ordered[-1]:6.1f} ms, over 50 ms {late:.1%}"
    )


def _list(live: LiveServer, rows: int) -> Batch:
    """A list under review: what matching would say is put there, for it is not measured here."""
    base = unlinked(live.installation, 300)
    many = tuple(
        Listed(f"{one.name} {number}", one.email, one.street, one.town, one.postcode, one.phone,
               GUID.format(number))
        for number in range(rows)
        for one in [base[number % len(base)]]
    )  # fmt: skip
    batch = draft(live.installation, live.sample.manager, many)
    ids = [f"customer-{int(one.reference.rpartition('-')[2])}" for one in base[:5]]
    offers = [[each, 0.9 - 0.2 * number, False, REASONS] for number, each in enumerate(ids[:4])]
    with live.installation.database.writing() as session:
        said = {"verdict": Verdict.CHECK, "best": ids[0], "suggestions": offers}
        session.execute(update(BatchRow).where(BatchRow.batch_id == batch.id).values(**said))
        session.execute(update(Batch).where(Batch.id == batch.id).values(state=BatchState.REVIEW))
    return batch


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    main(parser.parse_args().rows)
