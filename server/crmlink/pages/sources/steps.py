"""Where an office gets what crmlink needs to read its accounting software, in five steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectSteps:
    """The steps; ``local`` tells whether the software returns to an address of this computer."""

    steps: tuple[str, str, str, str, str]
    where: str  # web address of the developers' pages
    local: bool = True
    notes: tuple[str, ...] = ()


STEPS: Mapping[str, ConnectSteps] = {
    "xero": ConnectSteps(
        (
            "Sign in at Xero's developer pages with your own Xero account, and select New app.",
            "Name it, for example “crmlink of our office”, and choose the type Mobile or desktop "
            "app. This type has no secret to look after.",
            "Enter the redirect address below exactly as it is shown. Xero asks for your website "
            "too; any page of yours will do.",
            "Create the app, open Configuration, and copy the Client id.",
            "Paste the Client id here and continue. Xero asks which of your organisations crmlink "
            "may read.",
        ),
        "https://developer.xero.com/app/manage",
        notes=(
            "crmlink asks for one permission: to read contacts. It can change nothing in Xero.",
            "Xero's free plan allows 1,000 requests a day for each organisation. crmlink needs one "
            "for 1,000 contacts, and one each time it asks for changes.",
        ),
    ),
}
