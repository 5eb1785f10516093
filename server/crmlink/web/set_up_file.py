"""The file with the first admin's one-time code, for a server that runs without a terminal.

Only the user whom the server runs as, and Windows' administrators, can read it. It opens the set-up
page in a browser; no output, log or command line has the code.
"""

from __future__ import annotations

import os
from pathlib import Path

from crmlink.web.hosts import invitation_url

FILE_NAME = "first-admin.html"
PAGE = """<!doctype html>
<html lang="en-GB">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="1; url={link}">
<title>Set up crmlink</title>
<h1>Set up crmlink</h1>
<p><a href="{link}">Continue to crmlink</a></p>
<p>The one-time code is {code}. It works on this computer only, for seven days at most.
Starting crmlink again makes another.</p>
</html>
"""


def write_set_up_file(data_dir: Path, address: str, code: str) -> Path:
    """Write the file anew, for a server at this address of its own computer; return its path."""
    file, beside = data_dir / FILE_NAME, data_dir / f"{FILE_NAME}.new"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(PAGE.format(link=invitation_url(address, code), code=code))
    beside.replace(file)
    return file


def set_up_file(data_dir: Path) -> Path | None:
    """Return the path of the file; None where there is none."""
    file = data_dir / FILE_NAME
    return file if file.is_file() else None


def remove_set_up_file(data_dir: Path) -> None:
    """Delete the file, once there is an admin."""
    (data_dir / FILE_NAME).unlink(missing_ok=True)
