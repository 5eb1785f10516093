"""How a workspace writes: by Commusoft's API, on its pages, or there where the API refuses."""

from __future__ import annotations

from dataclasses import dataclass

from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import PagesAlone
from crmlink.store import LinkMethod, Workspace, Writes


@dataclass(frozen=True, slots=True)
class Ways:
    """The method to try first, and whether the pages follow where the API refuses."""

    first: LinkMethod
    then_pages: bool


def how_it_writes(ctx: WorkspaceContext) -> Writes:
    """Return how the workspace writes; without an API always on the pages."""
    if not ctx.has_api:
        return Writes.PAGES
    with ctx.database.reading() as session:
        return session.get_one(Workspace, ctx.workspace_id).writes


def ways_to_write(ctx: WorkspaceContext) -> Ways:
    """Return the workspace's setting as methods."""
    writes = how_it_writes(ctx)
    first = LinkMethod.PAGES if writes is Writes.PAGES else LinkMethod.API
    return Ways(first, then_pages=writes is Writes.API_THEN_PAGES)


def choose_writes(ctx: WorkspaceContext, writes: Writes, device_id: int) -> None:
    """Store how the workspace writes. Raises PagesAlone.

    Links that wait on a page stay there, whatever is chosen.
    """
    if not ctx.has_api and writes is not Writes.PAGES:
        raise PagesAlone
    with ctx.database.writing() as session:
        workspace = session.get_one(Workspace, ctx.workspace_id)
        before, workspace.writes = workspace.writes, writes
        if before is not writes:
            record_audit(
                session, ctx.workspace_id, device_id, "workspace.writes", "workspace",
                changed={"writes": [before.value, writes.value]},
            )  # fmt: skip
