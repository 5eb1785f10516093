"""The extension as Firefox gets it, for the linter: `python -m support.packed_extension FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from crmlink.browser_extension.archive import Browser, extension_zip


def main(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(extension_zip(Browser.FIREFOX))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
