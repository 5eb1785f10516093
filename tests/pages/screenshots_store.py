"""The pictures for the extension stores, in the sizes that they ask for, from those of the demo.

Run in the folder tests, after `make demo`, on a machine with ImageMagick:

    python -m pages.screenshots_store
"""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from support.live_server import start_chromium

DOCS = Path(__file__).parents[2] / "docs"
PICTURES, FOLDER = DOCS / "pictures", DOCS / "store" / "pictures"
ICON = Path(__file__).parents[2] / "extension" / "icons" / "icon.svg"
STYLE = """
* { margin: 0; box-sizing: border-box }
body { font-family: "DejaVu Sans", system-ui, sans-serif; background: #e4efec; color: #14332f;
       height: 100vh; display: flex; flex-direction: column; align-items: center; overflow: hidden }
h1 { font-size: 28px; line-height: 76px; font-weight: 650 }
.shot { width: 960px; border: 1px solid #b9cbc6; border-bottom: 0; border-radius: 12px 12px 0 0 }
.tile { flex-direction: row; justify-content: center; gap: 5vw }
.tile img { width: 22vw } .tile div { max-width: 58vw }
.tile h1 { line-height: 1.15; font-size: 12vh }
.tile p { font-size: 5.6vh; margin-top: 3vh; line-height: 1.35 }
.logo img { width: 82vw; margin: auto }
"""


@dataclass(frozen=True)
class StorePicture:
    """One picture: its size in pixels, and what is on it."""

    name: str
    width: int
    height: int
    body: str


def _shot(name: str, title: str, picture: str) -> StorePicture:
    image = f'<img class="shot" src="{_data(PICTURES / picture, "image/png")}">'
    return StorePicture(name, 1280, 800, f"<h1>{title}</h1>{image}")


def _tile() -> str:
    words = "<h1>crmlink</h1><p>From your accounting software to Commusoft, in one click</p>"
    return f'<img src="{_data(ICON, "image/svg+xml")}"><div>{words}</div>'


def _data(file: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def store_pictures() -> tuple[StorePicture, ...]:
    """Screenshots for all stores, tiles for Chrome and Edge, the logo for Edge."""
    return (
        _shot("1-suggestions", "The right customer first", "3-suggestions.png"),
        _shot("2-linked", "Checked in Commusoft, and easy to undo", "4-linked.png"),
        _shot("3-review", "Whole lists at once", "7-review.png"),
        _shot("4-fill-in", "Or without an API, on Commusoft&rsquo;s own pages", "8-fill-in.png"),
        _shot("5-connect", "Connected in one step", "2-approve.png"),
        StorePicture("tile-small", 440, 280, _tile()),
        StorePicture("tile-large", 1400, 560, _tile()),
        StorePicture("logo", 300, 300, f'<img src="{_data(ICON, "image/svg+xml")}">'),
    )


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with start_chromium() as browser:
        for picture in store_pictures():
            _take(browser, picture)


def _take(browser: Browser, picture: StorePicture) -> None:
    page = browser.new_page(viewport={"width": picture.width, "height": picture.height})
    kind = picture.name.partition("-")[0]
    page.set_content(
        f'<style>{STYLE}</style><body class="{kind}">{picture.body}', wait_until="load"
    )
    file = FOLDER / f"{picture.name}.png"
    page.screenshot(path=file)
    page.close()
    few = ["-dither", "None", "-colors", "256", "-strip"]
    subprocess.run(["convert", file, *few, f"png8:{file}"], check=True)


if __name__ == "__main__":
    main()
