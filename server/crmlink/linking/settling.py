"""Settlement of a link: what becomes true in the same transaction as its new state."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from crmlink.linking.audit import record_settled
from crmlink.linking.parked import unpark_linked
from crmlink.store import Link, LinkState
from crmlink.store.batches import show_as_undone
from crmlink.store.hidden_references import hide_settled_link


def note_settled(
    session: Session,
    link: Link,
    state: LinkState,
    failure: dict[str, Any] | None,
    seen_by_id: int | None = None,
) -> None:
    """Record a link's end, after its own row and the mirror's were written.

    A linked undo also settles the link it undoes, and its row of a list. ``seen_by_id`` is the
    device that saw the end, if it is not the one that decided.
    """
    record_settled(session, link, state, (failure or {}).get("code"), seen_by_id)
    if state is LinkState.LINKED and link.undoes_id:
        session.execute(
            update(Link)
            .where(Link.id == link.undoes_id, Link.state == LinkState.LINKED)
            .values(state=LinkState.UNDONE)
        )
        show_as_undone(session, link.undoes_id)
    elif state is LinkState.LINKED:
        unpark_linked(session, link)
    session.flush()
    hide_settled_link(session, link.id)
