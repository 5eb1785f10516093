"""Where the reference's field is on a record's page, as an admin showed it to crmlink.

A page's text may name a person, so of its texts the field's label alone is kept: without
names of records, in no line of the audit, and within the reach of an erasure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crmlink.folding import compose, fold
from crmlink.kinds import Kind
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import InvalidRecordField
from crmlink.linking.workspace_rules import COMMUSOFT, commusoft_hosts
from crmlink.store import MirroredRecord, RecordField
from crmlink.store.erased import erased_people, phrases_of

MAX_SELECTOR_LENGTH, MAX_LABEL_LENGTH = 300, 100  # characters
_NAME = r"-?[A-Za-z_][A-Za-z0-9_-]*"
_ATTRIBUTE = r"\[[A-Za-z-]+(?:=\"[A-Za-z0-9_$.:()-]{0,100}\")?\]"
_SIMPLE = rf"(?>[#.]?{_NAME}|{_ATTRIBUTE}|:nth-of-type\([0-9]{{1,3}}\))"
# One field: no list, no wildcard, nothing that depends on what the page does.
SELECTOR = re.compile(rf"{_SIMPLE}+(?:(?: > | ){_SIMPLE}+)*")
PLAIN_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*")
OWN = re.compile(r"@|\d{4}")  # of an email, a telephone or a record's number
MIN_NAME_LENGTH = 4  # letters; a shorter name may be any word


NAMES_SOMEONE = (
    "label: It holds a name, an email or a number of a record, so it would fit that record alone."
)


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field on the pages of one kind of record, and the text beside it."""

    kind: Kind
    host: str
    selector: str
    label: str

    def as_dict(self) -> dict[str, Any]:
        """Return the columns."""
        return {
            "kind": self.kind,
            "host": self.host,
            "selector": self.selector,
            "label": self.label,
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
        if names_someone(session, ctx, checked.label):
            raise InvalidRecordField(errors=[NAMES_SOMEONE])
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
        record_audit(
            session, ctx.workspace_id, device_id, "record_field.shown", shown.kind,
            host=checked.host, selector=checked.selector,
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
            record_audit(
                session, ctx.workspace_id, device_id, "record_field.removed", kind,
                selector=removed[0],
            )  # fmt: skip


def _checked(ctx: WorkspaceContext, shown: ShownField) -> ShownField:
    host = shown.host.strip().lower()
    selector = shown.selector.strip()
    label = compose(shown.label.strip())
    errors = []
    if host not in commusoft_hosts(ctx):
        errors.append("host: Not an address of Commusoft that this workspace uses.")
    if len(selector) > MAX_SELECTOR_LENGTH or not SELECTOR.fullmatch(selector):
        errors.append("selector: A plain CSS selector of one field.")
    if not label or len(label) > MAX_LABEL_LENGTH or not PLAIN_LINE.fullmatch(label):
        errors.append("label: The text beside the field, in one line.")
    if OWN.search(label):
        errors.append(NAMES_SOMEONE)
    if errors:
        raise InvalidRecordField(errors=errors)
    return ShownField(shown.kind, host, selector, label)


def names_someone(session: Session, ctx: WorkspaceContext, *texts: str) -> bool:
    """Return whether a short text holds a name of a record, also of one that was erased."""
    erased = erased_people(session, ctx.workspace_id)
    if any(erased.are_named_in(text) for text in texts):
        return True
    names = select(MirroredRecord.name, MirroredRecord.company).filter_by(
        connection_id=ctx.connection_id
    )
    held = {fold(name) for row in session.execute(names) for name in row}
    said = {phrase for text in texts for phrase in phrases_of(fold(text))} & held
    usual = _usual_words(ctx)
    return any(len(name) >= MIN_NAME_LENGTH and not usual.issuperset(name.split()) for name in said)


def _usual_words(ctx: WorkspaceContext) -> set[str]:
    """Return words of labels, which may be a firm's name too: Sage is a supplier of many."""
    labels: Iterable[str] = ctx.packages["crms"][COMMUSOFT]["reference_labels"]
    names = [package["name"] for package in ctx.packages["packages"].values()]
    return {word for text in (*labels, *names) for word in fold(text).split()}


def _columns(row: RecordField) -> dict[str, Any]:
    return ShownField(row.kind, row.host, row.selector, row.label).as_dict()
