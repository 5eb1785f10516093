"""The browser extension as a download, packed for each browser."""

from __future__ import annotations

import io

from flask import abort, send_file
from werkzeug.wrappers import Response

from crmlink.browser_extension.archive import Browser, extension_zip
from crmlink.pages.blueprint import blueprint
from crmlink.web.auth import require_permission


@blueprint.get("/extension/<browser>")
@require_permission("read")
def download_extension(browser: str) -> Response:
    """Send the extension for a browser as a zip file."""
    if browser not in list(Browser):
        abort(404)
    return send_file(
        io.BytesIO(extension_zip(Browser(browser))),
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"crmlink-{browser}.zip",
    )
