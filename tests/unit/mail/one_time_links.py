"""The one-time links in emails of the outbox."""

from __future__ import annotations

import re
from email.message import EmailMessage

from crmlink.access.invitations import INVITATION
from support.mail_servers import both_texts
from unit.mail.conftest import PUBLIC_URL

LINK = re.compile(rf"{PUBLIC_URL}/welcome#({INVITATION}\w+)")


def token_in(message: EmailMessage) -> str:
    """The one-time link's token, the same in both parts."""
    plain, html = both_texts(message)
    found = LINK.findall(plain)
    assert len(found) == 1
    assert set(LINK.findall(html)) == set(found)
    return str(found[0])
