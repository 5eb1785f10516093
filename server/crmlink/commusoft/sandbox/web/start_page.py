"""The start page: what the sandbox is, and records to try."""

from flask import render_template

from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.seeded_random import word_list
from crmlink.commusoft.sandbox.web.addresses import record_path
from crmlink.kinds import KINDS


def start_page(ledger: RecordStore) -> str:
    """Return the start page as HTML; it needs no session."""
    cast = [
        (entry, record_path(kind, entry.number))
        for kind in KINDS
        for one in word_list("cast")[kind]
        if (entry := ledger.by_number(kind, one["number"])) is not None
    ]
    counts = {kind: len(ledger.all(kind)) for kind in KINDS}
    return render_template("web/start.html", cast=cast, counts=counts)
