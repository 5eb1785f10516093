"""Forms that the doctor proved, while links are written by them: one that changes more is refused.

A proof is of one record on one day. So each link's write by a form is compared like the proof: if
another field has changed, the form is no longer used until the doctor proves it again.
"""

from __future__ import annotations

from dataclasses import replace

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.dialect import Dialect, base_dialect, dialect_for
from crmlink.commusoft.doctor.field_changes import changed_fields
from crmlink.commusoft.parsing import reference_path
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind
from crmlink.linking.audit import record_audit
from crmlink.linking.connections import load_dialect
from crmlink.linking.context import WorkspaceContext
from crmlink.store import WorkspaceConnection, WriteTest


def client_to_write(ctx: WorkspaceContext, kind: Kind) -> CommusoftClient:
    """Return the context's client, without a form that is no longer proved."""
    writing = ctx.commusoft.dialect.ways(kind).writing
    if not writing.sent:
        return ctx.commusoft
    with ctx.database.reading() as session:
        stored = load_dialect(session.get_one(WorkspaceConnection, ctx.connection_id))
    if stored is None:
        stored = dialect_for(ctx.commusoft.connection.base_url)
    if stored.ways(kind).writing == writing:
        return ctx.commusoft
    return ctx.commusoft.with_dialect(
        replace(stored, token_place=ctx.commusoft.dialect.token_place)
    )


def refuse_changed_form(ctx: WorkspaceContext, test: WriteTest, held: Record) -> None:
    """Refuse the form of a link's write if the record has changed in more than its reference."""
    if test.before is None or test.trial is not None or test.dialect is None:
        return
    dialect = Dialect.from_dict(test.dialect)
    writing = dialect.ways(test.kind).writing
    place = reference_path(held.raw, writing.reference)
    changed = [path for path in changed_fields(test.before, held.raw) if path != place]
    if not changed:
        return
    with ctx.database.writing() as session:
        connection = session.get_one(WorkspaceConnection, ctx.connection_id)
        stored = load_dialect(connection)
        if stored is None or stored.ways(test.kind).writing != writing:
            return
        unproved = replace(
            base_dialect(stored.name).ways(test.kind).writing, reference=writing.reference
        )
        connection.dialect = stored.with_writing(test.kind, unproved).as_dict()
        record_audit(
            session, ctx.workspace_id, None, "commusoft.form_refused", test.record_id,
            way=writing.name, fields=changed,
        )  # fmt: skip
