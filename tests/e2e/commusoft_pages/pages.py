"""The imitated pages under Commusoft's address, and a look at the model behind them."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from browsers.page_driver import Browser, PageDriver, SavedPage, wait_for, wait_through
from browsers.saved import saved_site
from e2e.commusoft_pages.records import ORIGIN, Records, record_address, sample_records

FOLDER = Path(__file__).parent
MODULES = FOLDER.parents[1] / "node_modules"
TABLE = f"{ORIGIN}/system_settings/accounting/link_customers_and_suppliers"
ELSEWHERE = "https://elsewhere.example/frame.html"
LIBRARIES = {
    "angularjs": "angular/angular.js",
    "list": "angular/angular.js",
    "vue": "vue/dist/vue.global.js",
    "table_inputs": "vue/dist/vue.global.js",
    "table_grid": "handsontable/dist/handsontable.full.js",
}
BUNDLED = ("react", "angular")
# The roots in which the page may have drawn itself.
ROOT = (
    "(document.querySelector('#app iframe')?.contentDocument"
    " ?? document.querySelector('#app').shadowRoot ?? document)"
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A way in which the page of a record is made."""

    name: str
    framework: str
    layout: str = "new"
    options: dict[str, Any] = field(default_factory=dict)


VARIANTS = (
    Variant("plain-old", "plain", "old"),
    Variant("plain-wrapped", "plain", "new", {"labelling": "wrap"}),
    Variant("plain-aria-label", "plain", "new", {"labelling": "aria-label"}),
    Variant("plain-aria-labelledby", "plain", "new", {"labelling": "aria-labelledby"}),
    Variant("plain-sibling", "plain", "old", {"labelling": "sibling"}),
    Variant("plain-table", "plain", "old", {"labelling": "table"}),
    Variant("plain-frame", "plain", "old", {"where": "frame"}),
    Variant("plain-shadow", "plain", "new", {"where": "shadow"}),
    Variant("angularjs", "angularjs", "old"),
    Variant("angularjs-blur", "angularjs", "old", {"update": "blur"}),
    Variant("angularjs-debounce", "angularjs", "old", {"update": 400}),
    Variant("angular", "angular"),
    Variant("angular-blur", "angular", "new", {"update": "blur"}),
    Variant("react", "react"),
    Variant("vue", "vue"),
    Variant("vue-lazy", "vue", "new", {"lazy": True}),
    Variant("vue-old", "vue", "old", {"label": "Accounting Reference"}),
)


class OpenPage:
    """A page in front: what a person does on it, and what is behind it."""

    def __init__(self, driver: PageDriver) -> None:
        self.driver = driver

    def edit(self) -> None:
        """Press Edit, and wait for the form."""
        self.click("Edit")
        wait_for(self.driver, "window.drawnEditing && window.commusoftModel() !== null")

    def click(self, words: str) -> None:
        """Press the first link or button with these words."""
        found = f"[...{ROOT}.querySelectorAll('a, button')].find((it) => it.offsetParent && it.textContent.trim() === {json.dumps(words)})"  # noqa: E501
        wait_for(self.driver, f"!!({found})")
        self.driver.evaluate(f"{found}.click()")

    def save(self) -> None:
        """Press the page's Save; nothing is waited for."""
        self.click("Save")

    def is_saved(self) -> None:
        """Wait until the page shows the record again after a save."""
        wait_through(self.driver, "window.commusoftModel && window.commusoftModel() === null")

    def focus_reference(self) -> None:
        """Put the keyboard into the true field."""
        wait_for(self.driver, f"({TRUE_FIELD}).focus() ?? true")

    def type_reference(self, value: str) -> None:
        """Type into the true field and leave it, as a person does without crmlink."""
        self.focus_reference()
        self.driver.evaluate(f"({TRUE_FIELD}).select()")
        self.driver.type(value)
        self.driver.press("Tab")

    def shown(self) -> str:
        """Return what the true field holds on the screen."""
        return str(self.driver.evaluate(f"({TRUE_FIELD}).value"))

    def model(self) -> dict[str, str] | None:
        """Return what the framework would send on Save; None while nothing is edited."""
        behind = self.driver.evaluate("window.commusoftModel()")
        return None if behind is None else dict(behind["values"])

    def is_dirty(self) -> bool | None:
        """Return whether the framework knows that a person changed something, if it keeps that."""
        behind = self.driver.evaluate("window.commusoftModel()")
        return None if behind is None else behind["dirty"]

    def record(self, record_id: str) -> dict[str, str]:
        """Return what the application holds of a record: what was saved."""
        return dict(self.driver.evaluate(f"backend.record({json.dumps(record_id)})"))

    def saves(self) -> list[dict[str, Any]]:
        """Return every save that was carried out, oldest first."""
        return list(self.driver.evaluate("backend.state().saves"))

    def fault(self, **faults: Any) -> None:
        """Let the application fail: `failOnce`, `drop`, `session` (true), `slow` (ms)."""
        self.driver.evaluate(f"(backend.fault({json.dumps(faults)}), null)")

    def change_behind(self, record_id: str, **values: str) -> None:
        """Change a record as a colleague would, without a word to the page."""
        arguments = f"{json.dumps(record_id)}, {json.dumps(values)}"
        self.driver.evaluate(f"(backend.put({arguments}), null)")

    def go(self, record_id: str, layout: str = "new") -> None:
        """Go to another record in the same document."""
        path = record_address(record_id, layout).removeprefix(ORIGIN)
        self.driver.evaluate(f"(backend.go({json.dumps(path)}), null)")

    def beside(self) -> list[str]:
        """Return what the decoys' own fields hold."""
        return list(self.driver.evaluate("window.decoyValues()"))


# By the page's own knowledge, not by a label.
TRUE_FIELD = (
    f'{ROOT}.querySelector(\'[data-key=reference], [name="customerDetails.c_27"], #ng-reference,'
    f" #react-reference') ?? [...{ROOT}.querySelectorAll('label.line')]"
    ".find((line) => line.textContent.trim() === backend.label())?.querySelector('input')"
)


class CommusoftPages:
    """Serves the imitated pages in a browser, under Commusoft's address."""

    def __init__(self, browser: Browser, bundles: Path) -> None:
        """`bundles` is the folder that `bundle` filled."""
        self.browser = browser
        self.bundles = bundles

    def serve(
        self,
        variant: Variant,
        decoys: Iterable[str] = (),
        records: Records | None = None,
        more: dict[str, SavedPage] | None = None,
    ) -> None:
        """Answer for every record's address with this variant, from records no one has changed.

        The accounting packages' saved pages, and `more`, are answered for as well.
        """
        records = sample_records() if records is None else records
        page = self._page(variant, list(decoys), records)
        addresses = [f"{ORIGIN}/customers", f"{ORIGIN}/suppliers", TABLE] + [
            record_address(record_id, layout) for record_id in records for layout in ("old", "new")
        ]
        site = saved_site() | self._assets(variant) | dict.fromkeys(addresses, page) | (more or {})
        frame = '<!doctype html><label>{} <input id="decoy"></label>'
        label = variant.options.get("label", "Third-Party Reference")
        self.browser.serve(site | {ELSEWHERE: SavedPage(frame.format(label))})

    def open(self, address: str) -> OpenPage:
        """Open an address of the imitation in a fresh tab in front."""
        page = OpenPage(self.browser.visit(address))
        wait_for(page.driver, "!!window.backend && !!window.commusoftModel")
        unknown = page.driver.evaluate("window.unknownDecoys()")
        if unknown:
            raise ValueError(f"the page knows no decoy {', '.join(unknown)}")
        return page

    def open_record(self, record_id: str = "customer-1001", layout: str = "new") -> OpenPage:
        """Open a record's page in a fresh tab in front."""
        return self.open(record_address(record_id, layout))

    def open_table(self) -> OpenPage:
        """Open the table of accounting references in a fresh tab in front."""
        return self.open(TABLE)

    def tab(self, record_id: str, layout: str = "new") -> OpenPage:
        """Return the tab that shows a record, once there is one, however it was opened."""
        return OpenPage(self.browser.tab_at(record_address(record_id, layout)))

    def _page(self, variant: Variant, decoys: list[str], records: Records) -> SavedPage:
        settings = {
            "run": uuid.uuid4().hex,
            "layout": variant.layout,
            "options": variant.options,
            "decoys": decoys,
            "records": records,
        }
        arguments = json.dumps(settings).replace("<", "\\u003c")
        scripts = ["backend", "decoys", variant.framework]
        if variant.framework in LIBRARIES:
            scripts.insert(0, "library")
        tags = "".join(f'<script src="/assets/{name}.js"></script>' for name in scripts)
        return SavedPage(
            "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Commusoft</title>"
            "<link rel='stylesheet' href='/assets/style.css'></head><body><nav>"
            "<a href='/customers'>Customers</a>"
            "<input type='search' placeholder='Search everything'></nav>"
            f"<div id='shell'><div id='app'></div></div><script>window.PAGE = {arguments};</script>"
            f"{tags}</body></html>"
        )

    def _assets(self, variant: Variant) -> dict[str, SavedPage]:
        files = {name: FOLDER / f"web/{name}.js" for name in ("backend", "decoys")}
        folder = self.bundles if variant.framework in BUNDLED else FOLDER / "web"
        files[variant.framework] = folder / f"{variant.framework}.js"
        if variant.framework in LIBRARIES:
            files["library"] = MODULES / LIBRARIES[variant.framework]
        assets = {
            f"{ORIGIN}/assets/{name}.js": SavedPage(
                path.read_text("utf-8"), "text/javascript; charset=utf-8"
            )
            for name, path in files.items()
        }
        style = (MODULES / "handsontable/dist/handsontable.full.css").read_text("utf-8")
        return assets | {f"{ORIGIN}/assets/style.css": SavedPage(style, "text/css")}


def bundle(folder: Path) -> Path:
    """Fill the folder with what React and Angular need, and return it."""
    subprocess.run(["node", FOLDER / "build.mjs", folder], check=True, timeout=120)
    return folder
