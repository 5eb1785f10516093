"""/extension: what browsers fetch by themselves, before anyone has signed in to them.

A managed browser installs and updates the extension on its own and sends no cookie and no token, so
these addresses are public. They give away the extension, its version and its id; they read nothing
from the database, take nothing from the request but a served host, and are made once.
"""

from __future__ import annotations

from flask import Response, abort, request

from crmlink.browser_extension.archive import ExtensionMissing
from crmlink.browser_extension.signed_packages import (
    CHROMIUM_PACKAGE,
    CHROMIUM_UPDATES,
    FIREFOX_PACKAGE,
    FIREFOX_UPDATES,
    SignedPackages,
    signed_packages,
)
from crmlink.pages.blueprint import blueprint
from crmlink.web.auth import current_installation
from crmlink.web.hosts import public_address
from crmlink.web.rate_limits import package_limit


@blueprint.get(CHROMIUM_UPDATES)
@blueprint.get(FIREFOX_UPDATES)
def extension_updates() -> Response:
    """Return which version there is and where."""
    packages = packages_here()
    if request.path == CHROMIUM_UPDATES:
        return Response(packages.updates_xml, mimetype="application/xml")
    return Response(packages.updates_json, mimetype="application/json")


@blueprint.get(CHROMIUM_PACKAGE)
@blueprint.get(FIREFOX_PACKAGE)
@package_limit
def extension_package() -> Response:
    """Return the extension as a package for this server."""
    packages = packages_here()
    if request.path == CHROMIUM_PACKAGE:
        return Response(packages.crx, mimetype="application/x-chrome-extension")
    return Response(packages.xpi, mimetype="application/x-xpinstall")


def packages_here() -> SignedPackages:
    """Return the packages for the address of this request; 404 without the extension's files."""
    try:
        return signed_packages(current_installation().settings.data_dir, public_address())
    except ExtensionMissing:
        abort(404)
