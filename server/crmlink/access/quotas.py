"""Limits of a firm, which an operator sets and sees beside what is in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from crmlink.access.context import Actor, SignInContext, record_audit
from crmlink.access.errors import InvalidFields
from crmlink.access.workspaces import actor_there, facts_of_operator
from crmlink.store import MirroredRecord, Workspace, WorkspaceConnection
from crmlink.store.quotas import Quota, count_of

MAX_QUOTA = 1_000_000_000
COUNTED = (Quota.PEOPLE, Quota.DEVICES, Quota.LISTS, Quota.SOURCES)


@dataclass(frozen=True, slots=True)
class Usage:
    """A limit of a firm, None for none, and how many there are, None where that is not counted."""

    quota: Quota
    most: int | None
    used: int | None

    @property
    def is_reached(self) -> bool:
        """Whether there are as many as the limit, or more."""
        return self.most is not None and self.used is not None and self.used >= self.most


def set_limits(
    context: SignInContext,
    workspace: Workspace,
    limits: Mapping[Quota, int | None],
    by: Actor | None = None,
) -> None:
    """Set limits of a workspace, or end those that are None; the others stay as they are.

    ``by`` is an operator on a page, None the command line. Raises InvalidFields.
    """
    wrong = [
        quota for quota, most in limits.items() if most is not None and not 1 <= most <= MAX_QUOTA
    ]
    if wrong:
        raise InvalidFields(errors=[f"{quota}: Enter a whole number from 1." for quota in wrong])
    access = context.of(workspace.id)
    actor = actor_there(access, by)
    with context.database.writing() as session:
        row = session.get_one(Workspace, workspace.id)
        before = row.limits or {}
        merged = before | {quota.value: most for quota, most in limits.items()}
        after = {name: most for name, most in merged.items() if most is not None}
        if after != before:
            row.limits = after or None
            text = ", ".join(f"{name} {most}" for name, most in after.items()) or "none"
            facts = facts_of_operator(by)
            record_audit(
                session, access, actor, "workspace.limited", "workspace", limits=text, **facts
            )


def list_usage(context: SignInContext, workspace: Workspace) -> list[Usage]:
    """Return every limit of a workspace, with what is in use."""
    records = (
        select(func.count())
        .select_from(MirroredRecord)
        .join(WorkspaceConnection, WorkspaceConnection.id == MirroredRecord.connection_id)
        .where(
            WorkspaceConnection.workspace_id == workspace.id, MirroredRecord.deleted_at.is_(None)
        )
    )
    with context.database.reading() as session:
        limits = session.get_one(Workspace, workspace.id).limits or {}
        used = {quota: count_of(session, workspace.id, quota) for quota in COUNTED}
        used[Quota.RECORDS] = session.scalar(records) or 0
    return [Usage(quota, limits.get(quota), used.get(quota)) for quota in Quota]
