"""How long a list takes to go into Commusoft's table, beside reading that table, in real Chromium.

    PYTHONPATH=tests python -m bench.table [--rows 5000] [--stop-after 200]

The imitated table holds `--rows` customers, three of four without a reference. The extension's own
scripts read all of it and then fill every row that lacks one; the model behind the page is compared
afterwards. For the table as fields and as a grid, with and without numbers. The peers are reading
the same rows, and, for fields, what the page itself takes for one change at a time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from browsers.chromium import Chromium
from browsers.page_driver import THIS_MACHINE
from e2e.commusoft_pages import ORIGIN, CommusoftPages, Variant
from e2e.commusoft_pages.pages import bundle
from e2e.commusoft_pages.records import Records, many_records

VARIANTS = (
    Variant("fields", "table_inputs"),
    Variant("fields with numbers", "table_inputs", "new", {"ids": True}),
    Variant("grid", "table_grid"),
    Variant("grid with numbers", "table_grid", "new", {"ids": True}),
)
SCRIPTS = [
    f"/lib/commusoft/table/{name}.js" for name in ("dom", "find", "rows", "scan", "write", "fill")
]
RULES = {
    "words": {
        "reference": ["Accounting reference"],
        "id": ["ID"],
        "name": ["Customer"],
        "address": ["Address"],
        "save": ["Save Accounting References"],
    },
    "links": [],
}
WORK = """async (rules, rows, stopAfter) => {
    const table = globalThis.crmlinkTable;
    const { table: found, count } = table.find(rules);
    if (!found) throw new Error(`${count} tables`);
    const lookup = table.lookup(rows, "customer", true, rules);
    const timed = async (work) => {
        const began = performance.now();
        const result = await work();
        return [result, (performance.now() - began) / 1000];
    };
    const quiet = { stopped: () => false, progress: () => undefined };
    const [reading, read] = await timed(() => table.readAll(found, rules, lookup, quiet));
    const ready = lookup.all.filter((one) => reading.placed.get(one.id).state === "ready");
    const fields = ready.slice(-20)
        .map((one) => reading.placed.get(one.id).element?.querySelector("input"))
        .filter(Boolean);
    const [, typed] = await timed(async () => {
        const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
        for (const value of ["typed", ""]) for (const field of fields) {
            set.call(field, value);
            field.dispatchEvent(new InputEvent("input", { bubbles: true }));
            await new Promise((done) => setTimeout(done));
        }
    });
    let done = 0;
    const control = {
        stopped: () => stopAfter > 0 && done >= stopAfter,
        progress: (now) => { done = now; },
    };
    const values = new Map(ready.map((one) => [one.id, one.target]));
    const expected = new Map(ready.map((one) => [one.id, one.prior]));
    const work = { found, rules, lookup, reading, values, expected, control };
    const [outcomes, filled] = await timed(() => table.fill(work));
    const states = {};
    for (const one of outcomes.values()) states[one] = (states[one] ?? 0) + 1;
    const own = fields.length > 0 ? typed / (2 * fields.length) : null;
    const { count: all, virtual } = reading;
    return { read, filled, own, count: all, virtual, ready: ready.length, states };
}"""


def main(rows: int, stop_after: int, only: str) -> None:
    records = many_records(rows)
    wanted = [_wanted(record_id, record) for record_id, record in records.items()]
    with tempfile.TemporaryDirectory() as folder:
        browser = Chromium((THIS_MACHINE, f"{ORIGIN}/*"))
        try:
            pages = CommusoftPages(browser, bundle(Path(folder)))
            for variant in VARIANTS:
                if only in variant.name:
                    _measure(browser, pages, variant, records, wanted, stop_after)
        finally:
            browser.close()


def _measure(
    browser: Chromium,
    pages: CommusoftPages,
    variant: Variant,
    records: Records,
    wanted: list[dict[str, Any]],
    stop_after: int,
) -> None:
    pages.serve(variant, records=records)
    page = pages.open_table()
    arguments = f"{json.dumps(RULES)}, {json.dumps(wanted)}, {stop_after}"
    helper = browser.open_own_page("options/options.html")
    tab = helper.evaluate(f"chrome.tabs.query({{ url: '{ORIGIN}/*' }}).then(([tab]) => tab.id)")
    page.driver.page.bring_to_front()  # type: ignore[attr-defined]
    seen = helper.evaluate(
        f"(async () => {{ const target = {{ tabId: {tab} }};"
        f" await chrome.scripting.executeScript({{ target, files: {json.dumps(SCRIPTS)} }});"
        f" const [{{ result, error }}] = await chrome.scripting.executeScript({{ target,"
        f" func: {WORK}, args: [{arguments}] }});"
        " if (error) throw new Error(error.message ?? String(error)); return result; })()"
    )
    model = page.model() or {}
    wrong = [
        one["id"] for one in wanted if model.get(one["id"]) not in (one["target"], one["prior"])
    ]
    right = sum(model.get(one["id"]) == one["target"] for one in wanted)
    done = sum(seen["states"].values())
    each, peer = seen["filled"] / max(1, done), seen["read"] / max(1, seen["count"])
    own = f", {each / seen['own']:.2f} times the page's own for one change" if seen["own"] else ""
    print(
        f"{variant.name:20} {seen['count']:,} rows{', drawn as seen' if seen['virtual'] else ''}: "
        f"read in {seen['read']:.1f} s ({1000 * peer:.2f} ms a row), {done:,} of {seen['ready']:,} "
        f"filled in {seen['filled']:.1f} s ({1000 * each:.1f} ms a row, {each / peer:.1f} times "
        f"reading{own}); {seen['states']}, model: {right:,} hold their target, {len(wrong)} wrong",
        flush=True,
    )
    helper.close()


def _wanted(record_id: str, record: dict[str, str]) -> dict[str, Any]:
    number = record_id.partition("-")[2]
    prior = record["reference"]
    return {
        "id": record_id,
        "kind": "customer",
        "number": number,
        "names": [f"{record['first_name']} {record['surname']}"],
        "address": record["line1"],
        "town": record["town"],
        "postcode": record["postcode"],
        "alone": True,
        "prior": prior,
        "target": prior or f"ACC{number}",
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--stop-after", type=int, default=0)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    main(arguments.rows, arguments.stop_after, arguments.only)
