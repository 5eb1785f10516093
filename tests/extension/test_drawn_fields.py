"""The reference's field where only the drawing tells, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from support.live_server import start_chromium

FOLDER = Path(__file__).parents[2] / "extension" / "lib" / "commusoft"
FILES = ("dom_text", "control_name", "context", "find_field", "read_shown", "fill_field")
SCRIPTS = "\n".join((FOLDER / f"{name}.js").read_text("utf-8") for name in FILES)
VALUE = "8275f116-6419-4b82-889a-f41dcc1d6186"
LABEL = "Third-Party Reference"
RUN = """async ([scripts, value]) => {
    (0, eval)(scripts);
    const tools = globalThis.crmlinkPage;
    const subject = {kind: "customer", number: "1001", names: ["Margaret Holloway"]};
    const labels = ["Third-Party Reference"];
    const {field} = tools.findField(document, {labels, subject, rule: null});
    const filled = field ? await tools.fillField(field, value, {same: () => true}) : null;
    const all = tools.rootsOf(document).flatMap((root) => [...root.querySelectorAll("input")]);
    const holding = all.filter((one) => one.value === value).map((one) => one.id);
    return {why: filled?.why ?? null, filled: holding};
}"""

FLOATING = "<style>.f{position:relative}.f label{position:absolute;left:8px;top:3px}</style>"
IN_ONE_GRID = "display:grid;grid-template-columns:1fr 1fr"
IN_COLUMNS = (
    "<style>.c{{display:flex}}.l>*{{height:{label}px;line-height:{label}px}}"
    ".r>*{{height:{field}px}}input{{width:200px;height:24px}}</style><div class=c><div class=l>"
    "<div>Account number</div><div>{name}</div><div>VAT number</div></div><div class=r>"
    "<div><input id=a></div><div><input id=f></div><div><input id=v></div></div></div>"
)
COMPONENT = """<script>customElements.define("cs-field", class extends HTMLElement {
  connectedCallback() {
    this.attachShadow({mode: "open"}).innerHTML = `<div><input id=${this.getAttribute("key")}>
      <label>${this.getAttribute("label")}</label></div>`;
  }
});</script>"""

FILLED = {
    "labels over their fields that name none": FLOATING
    + "<div class=f><input id=a><label>Account number</label></div>"
    + f"<div class=f><input id=f><label>{LABEL}</label></div>"
    + "<div class=f><input id=v><label>VAT</label></div>",
    "labels after their fields in open shadow roots": COMPONENT
    + f"<cs-field key=a label=Town></cs-field><cs-field key=f label='{LABEL}'></cs-field>"
    + "<cs-field key=v label=VAT></cs-field>",
    "another slide with a twin": "<div style='width:400px;overflow:hidden'>"
    + "<div style='display:flex;width:800px'>"
    + f"<form style='width:400px'><label for=f>{LABEL}</label><input id=f></form>"
    + f"<form style='width:400px'><label for=g>{LABEL}</label><input id=g></form></div></div>",
    "under a heading that stays in sight": "<header style='position:sticky;top:0;height:90px;"
    + "background:#fff;z-index:5'>Commusoft</header><div style='height:1500px'></div>"
    + f"<label for=f>{LABEL}</label><input id=f><div style='height:1500px'></div>",
}
FILLED |= {
    "a column of labels beside a column of fields": IN_COLUMNS.format(
        name=LABEL, label=30, field=30
    ),
    "two lists side by side": "<style>ul{float:left}li{height:30px;list-style:none}</style>"
    + f"<ul><li>Account number</li><li>{LABEL}</li></ul>"
    + "<ul><li><input id=a></li><li><input id=f></li></ul>",
}
LEFT_ALONE = {
    "a column of labels of another height": IN_COLUMNS.format(name=LABEL, label=20, field=30),
    "a column of labels that is lower by half": "<style>.l{padding-top:12px}</style>"
    + IN_COLUMNS.format(name=LABEL, label=30, field=30),
    "a column of labels and fields with the label twice": IN_COLUMNS.format(
        name=LABEL, label=30, field=30
    )
    + f"<p>{LABEL}</p>",
    "a column of labels whose fields are called otherwise": IN_COLUMNS.format(
        name=LABEL, label=30, field=30
    ).replace("<input id=f>", "<input id=f aria-label='Old reference'>"),
    "a column of labels beside fields with labels above": "<style>.c{display:flex}</style>"
    + f"<div class=c><div><br>{LABEL}</div><div><div>Account number</div><input id=x></div></div>",
    "a column of fields that was scrolled by one": "<style>.r{height:60px;overflow-y:auto}</style>"
    + IN_COLUMNS.format(name=LABEL, label=30, field=30)
    + "<script>document.querySelector('.r').scrollTop = 30</script>",
    "a column of labels beside two columns of fields": IN_COLUMNS.format(
        name=LABEL, label=30, field=30
    ).replace("<input id=f>", "<input id=f><input id=g>"),
    "another's column of labels": "<div role=dialog aria-label='Jim Broad'>"
    + IN_COLUMNS.format(name=LABEL, label=30, field=30)
    + "</div>",
    "a label that is drawn below the field": f"<div style='{IN_ONE_GRID}'>"
    + f"<span style='order:3'>{LABEL}</span><input id=x style='order:2'>"
    + "<span style='order:1'>VAT</span><input id=y style='order:4'></div>",
    "a label that is drawn after the field": "<div style='display:flex;flex-direction:row-reverse;"
    + f"justify-content:flex-end'><span>{LABEL}</span><input id=x></div>",
    "a dialog over it": f"<label for=x>{LABEL}</label><input id=x>"
    + "<div style='position:fixed;inset:0;background:#0008'></div>",
}


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    with start_chromium() as browser:
        yield browser.new_page()


def run(tab: Page, body: str) -> dict[str, Any]:
    tab.goto("about:blank")
    tab.set_content(f"<!doctype html><h1>Margaret Holloway</h1>{body}")
    return dict(tab.evaluate(RUN, [SCRIPTS, VALUE]))


@pytest.mark.parametrize("how", FILLED)
def test_the_field_that_is_drawn_with_the_label_is_filled(tab: Page, how: str) -> None:
    assert run(tab, FILLED[how]) == {"why": None, "filled": ["f"]}


@pytest.mark.parametrize("how", LEFT_ALONE)
def test_a_field_that_is_not_surely_the_labels_is_left_alone(tab: Page, how: str) -> None:
    assert run(tab, LEFT_ALONE[how])["filled"] == []
