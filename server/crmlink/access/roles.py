"""What each role, and each scope of a script's token, permits."""

from __future__ import annotations

from collections.abc import Iterable

from crmlink.access.context import Actor
from crmlink.access.errors import NotYours
from crmlink.store import Device, Person, Role

CLERK = frozenset({"suggest", "read", "link", "collect"})
MANAGER = CLERK | {"undo_any", "batch", "report"}
ADMIN = MANAGER | {"admin"}
OF_ROLE = {Role.CLERK: CLERK, Role.MANAGER: MANAGER, Role.ADMIN: ADMIN}
OF_SCOPE = {
    "suggest": frozenset({"suggest"}),
    "link": frozenset({"link"}),
    "read": frozenset({"read", "report"}),
    "batch": frozenset({"collect", "batch"}),
    "admin": frozenset({"admin"}),
}
SCOPES = tuple(OF_SCOPE)


def permissions_of(person: Person) -> frozenset[str]:
    """What a person may do."""
    return OF_ROLE[person.role]


def permissions_of_scopes(scopes: Iterable[str], maker: Person | None) -> frozenset[str]:
    """What a script may do: its token's scopes, as far as who made it may do so now."""
    granted = frozenset[str]().union(*(OF_SCOPE.get(scope, frozenset()) for scope in scopes))
    return granted & OF_ROLE[maker.role] if maker else granted


def may_undo(actor: Actor, linked_by: Device) -> bool:
    """Whether what a device linked may be undone by this actor."""
    return "undo_any" in actor.permissions or (
        "link" in actor.permissions and actor.owns(linked_by)
    )


def refuse_undo(actor: Actor, linked_by: Device) -> None:
    """Raise NotYours where it may not be."""
    if not may_undo(actor, linked_by):
        raise NotYours(by=linked_by.who)
