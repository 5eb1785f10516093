"""Drawings for the steps: a window, what is in it, and where to select or type.

They are schematic and crmlink's own. Labels are those of the makers' public documents, so a window
may look different and still have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LINE, TOP, BOX = 20, 44, 26  # heights, in units of the drawing


@dataclass(frozen=True, slots=True)
class Sketch:
    """A window with lines of text, and under them a button to press or a field to fill."""

    window: str
    lines: tuple[str, ...]
    mark: str
    is_field: bool = False

    @property
    def box_top(self) -> int:
        """Where the marked button or field begins."""
        return TOP + LINE * len(self.lines) - 8

    @property
    def height(self) -> int:
        """Height of the drawing."""
        return self.box_top + BOX + 12


HERE = "crmlink, this page"
_REDIRECT = "Redirect address"
SKETCHES: Mapping[str, tuple[Sketch, Sketch, Sketch, Sketch, Sketch]] = {
    "xero": (
        Sketch("Xero developer", ("My Apps",), "New app"),
        Sketch("New app", ("App name: crmlink of our office", "Web app"), "Mobile or desktop app"),
        Sketch("New app", ("Company or application URL",), "Redirect URI", is_field=True),
        Sketch("Your app", ("App details", "Configuration"), "Client id: Copy"),
        Sketch(HERE, (_REDIRECT,), "Client id", is_field=True),
    ),
    "freeagent": (
        Sketch("FreeAgent developer dashboard", ("Email", "Password"), "Sign in"),
        Sketch("FreeAgent developer dashboard", ("My apps",), "Create New App"),
        Sketch(
            "New app", ("Name: crmlink of our office",), "OAuth redirect URIs", is_field=True
        ),
        Sketch("Your app", ("OAuth secret",), "OAuth identifier: copy"),
        Sketch(HERE, (_REDIRECT, "Client id"), "Client secret", is_field=True),
    ),
    "sage_business_cloud": (
        Sketch("Sage developer self-service", ("Email", "Password"), "Sign in"),
        Sketch("Sage developer self-service", ("My apps",), "Create app"),
        Sketch("Create app", ("Name: crmlink of our office",), "Callback URL", is_field=True),
        Sketch("Your app", ("Client Secret",), "Client ID: copy"),
        Sketch(HERE, (_REDIRECT, "Client id"), "Client secret", is_field=True),
    ),
    "quickbooks_online": (
        Sketch("Intuit developer", ("My apps", "QuickBooks Online"), "Create an app"),
        Sketch("Your app", ("Production", "Keys & credentials"), "Questionnaire"),
        Sketch("Your app", ("Production", "Settings"), "Redirect URI: https://…", is_field=True),
        Sketch("Your app", ("Production", "Client Secret"), "Client ID: copy"),
        Sketch(HERE, (_REDIRECT, "Client id"), "Client secret", is_field=True),
    ),
    "kashflow": (
        Sketch("Your notes", ("User name", "Password"), "Memorable word"),
        Sketch(HERE, ("User name",), "Password", is_field=True),
        Sketch("Your memorable word", ("Character 2", "Character 5"), "Character 7", is_field=True),
        Sketch("Live contacts", ("Your company", "Reading: 1,200 contacts until now"), "… Reading"),
        Sketch("Live contacts", ("Your company", "Last read: yesterday"), "Read now …"),
    ),
    "quickbooks_desktop": (
        Sketch(HERE, (), "Create the password"),
        Sketch("Password for the Web Connector", ("Shown only now",), "Download crmlink.qwc"),
        Sketch("Web Connector", ("File, Update Web Services",), "Add an application"),
        Sketch("Web Connector", ("crmlink",), "Password", is_field=True),
        Sketch("Web Connector", ("crmlink", "Auto-Run"), "Update Selected"),
    ),
    "sage_50": (
        Sketch("Sage 50, Settings", ("User Management", "New user"), "CRMLINK", is_field=True),
        Sketch("ODBC Data Sources", ("System DSN", "SageLine50v30"), "Configure"),
        Sketch("Command Prompt", (), "pip install crmlink[sage50]", is_field=True),
        Sketch("Create a token", ("Bring live contacts",), "Create a token"),
        Sketch("Command Prompt", ("as administrator",), "crmlink agent service …", is_field=True),
    ),
}  # fmt: skip
