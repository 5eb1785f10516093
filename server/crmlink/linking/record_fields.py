"""Where the reference's field is on a record's page, as an admin showed it to crmlink."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from crmlink.folding import compose
from crmlink.kinds import Kind
from crmlink.linking.audit import note
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import InvalidRecordField
from crmlink.linking.workspace_rules import commusoft_hosts
from crmlink.store import RecordField

MOST_SELECTOR, MOST_TEXT = 300, 100  # characters
_NAME = r"-?[A-Za-z_][A-Za-z0-9_-]*"
_SIMPLE = (
    rf"(?:[#.]?{_NAME}|\[[A-Za-z-]+(?:=\"[^\"\\\]\n]{{0,100}}\")?\]|:nth-of-type\([0-9]{{1,3}}\))"
)
# One field: no list, no wildcard, nothing that depends on what the page does.
SELECTOR = re.compile(rf"{_SIMPLE}+(?:(?: > | ){_SIMPLE}+)*")
PLAIN_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*")


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field on the pages of one kind of record, and the texts beside and above it."""

    kind: Kind
    host: str
    selector: str
    label: str
    section: str

    def as_dict(self) -> dict[str, Any]:
        """Return the columns."""
        return {
            "kind": self.kind,
            "host": self.host,
            "selector": self.selector,
            "label": self.label,
            "section": self.section,
        }


def record_fields(ctx: WorkspaceContext) -> Sequence[RecordField]:
    """Return the workspace's fields, at most one of each kind."""
    query = select(RecordField).filter_by(workspace_id=ctx.workspace_id).order_by(RecordField.kind)
    with ctx.database.reading() as session:
        return session.scalars(query).all()


def show_field(ctx: WorkspaceContext, shown: ShownField, device_id: int) -> None:
    """Store where the field is, in place of an earlier one. Raises InvalidRecordField."""
    checked = _checked(ctx, shown)
    with ctx.database.writing() as session:
        row = session.scalar(
            select(RecordField).filter_by(workspace_id=ctx.workspace_id, kind=shown.kind)
        )
        if row is not None and _columns(row) == checked.as_dict():
            return
        session.execute(
            delete(RecordField).filter_by(workspace_id=ctx.workspace_id, kind=shown.kind)
        )
        session.add(
            RecordField(workspace_id=ctx.workspace_id, device_id=device_id, **checked.as_dict())
        )
        note(
            session, ctx.workspace_id, device_id, "record_field.shown", shown.kind,
            host=checked.host, selector=checked.selector, label=checked.label,
        )  # fmt: skip


def remove_field(ctx: WorkspaceContext, kind: Kind, device_id: int) -> None:
    """Forget where the field is; crmlink finds it by its label again."""
    with ctx.database.writing() as session:
        removed = session.scalars(
            delete(RecordField)
            .filter_by(workspace_id=ctx.workspace_id, kind=kind)
            .returning(RecordField.selector)
        ).all()
        if removed:
            note(
                session, ctx.workspace_id, device_id, "record_field.removed", kind,
                selector=removed[0],
            )  # fmt: skip


def _checked(ctx: WorkspaceContext, shown: ShownField) -> ShownField:
    host = shown.host.strip().lower()
    selector = shown.selector.strip()
    label, section = compose(shown.label.strip()), compose(shown.section.strip())
    errors = []
    if host not in commusoft_hosts(ctx):
        errors.append("host: Not an address of Commusoft that this workspace uses.")
    if len(selector) > MOST_SELECTOR or not SELECTOR.fullmatch(selector):
        errors.append("selector: A plain CSS selector of one field.")
    if not label or len(label) > MOST_TEXT or not PLAIN_LINE.fullmatch(label):
        errors.append("label: The text beside the field, in one line.")
    if len(section) > MOST_TEXT or not PLAIN_LINE.fullmatch(section):
        errors.append("section: The heading above the field, in one line.")
    if errors:
        raise InvalidRecordField(errors=errors)
    return ShownField(shown.kind, host, selector, label, section)


def _columns(row: RecordField) -> dict[str, Any]:
    return ShownField(row.kind, row.host, row.selector, row.label, row.section).as_dict()
