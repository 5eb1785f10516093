"""Webhooks: an accounting package says that something has changed, and crmlink reads.

What it sends is signed with a key that the package gave, and is believed for nothing else: not
what changed, not in which company. Sent again, it is a request to read, once more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.commusoft.vault import VaultKeyMissing
from crmlink.sources.connecting import find_source, note_source
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import SourceNotFound, WebhookRefused
from crmlink.sources.schedule import QUIET
from crmlink.store import ContactSource, Device
from crmlink.store.base import utc_now

# package → the header with its signature, as the makers' public documents have it
SIGNATURE_HEADERS: Mapping[str, str] = {
    "xero": "x-xero-signature",
    "quickbooks_online": "intuit-signature",
}
MAX_KEY_LENGTH = 500


def set_webhook_key(ctx: SourceContext, device: Device, public_id: str, key: str) -> None:
    """Keep the key that a package gave for its webhook; "" ends it.

    Raises SourceNotFound, also for a package without webhooks.
    """
    with ctx.database.writing() as session:
        source = find_source(session, ctx.workspace_id, public_id)
        if source.package not in SIGNATURE_HEADERS:
            raise SourceNotFound
        source.webhook_key = ctx.vault().seal({"key": key}) if key else None
        source.webhook_at = None
        action = "source.webhook_set" if key else "source.webhook_removed"
        note_source(session, ctx, device, action, source)


def receive_webhook(
    ctx: SourceContext, public_id: str, headers: Mapping[str, str], body: bytes
) -> bool:
    """Ask for the companies of a sign-in to be read; return whether that is new.

    Names of headers are in lower case.
    Raises WebhookRefused for anything that was not signed with the source's own key.
    """
    with ctx.database.reading() as session:
        source = session.scalar(
            select(ContactSource).filter_by(workspace_id=ctx.workspace_id, public_id=public_id)
        )
    if source is None or source.webhook_key is None:
        raise WebhookRefused
    given = headers.get(SIGNATURE_HEADERS.get(source.package, ""), "")
    if not hmac.compare_digest(given.encode(), _signature(ctx, source.webhook_key, body)):
        raise WebhookRefused
    with ctx.database.writing() as session:
        return _request(session, public_id)


def _signature(ctx: SourceContext, sealed: str, body: bytes) -> bytes:
    try:
        key = str(ctx.vault().open(sealed)["key"])
    except VaultKeyMissing:
        raise WebhookRefused from None
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest())


def _request(session: Session, public_id: str) -> bool:
    """Request the companies of a sign-in, not before QUIET after the last time.

    Returns whether any was not requested yet. One that is being read, by an earlier request, is
    requested anew: it may have been read before the change.
    """
    heard = session.scalar(select(ContactSource).filter_by(public_id=public_id))
    if heard is None:
        raise WebhookRefused
    present = utc_now()
    heard.webhook_at = present
    of_sign_in = select(ContactSource).filter_by(account_id=heard.account_id)
    is_new = False
    for source in session.scalars(of_sign_in):
        before, source.requested_at = source.requested_at, present
        if before is not None:
            continue
        is_new = True
        earliest = source.synced_at + QUIET if source.synced_at else present
        if earliest > present:
            source.resume_at = max(source.resume_at or earliest, earliest)
    return is_new
