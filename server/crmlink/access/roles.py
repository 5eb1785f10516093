"""Permissions of each role, and of each scope of a script's token."""

from __future__ import annotations

from collections.abc import Iterable

from crmlink.access.context import Actor
from crmlink.access.errors import NotLinkOwner, NotListOwner, NotParkedContactOwner
from crmlink.store import Device, Person, Role

CLERK = frozenset({"suggest", "read", "link", "collect"})
MANAGER = CLERK | {"undo_any", "batch", "report"}
ADMIN = MANAGER | {"admin", "contacts"}
ROLE_PERMISSIONS = {Role.CLERK: CLERK, Role.MANAGER: MANAGER, Role.ADMIN: ADMIN}
SCOPE_PERMISSIONS = {
    "suggest": frozenset({"suggest"}),
    "link": frozenset({"link"}),
    "read": frozenset({"read", "report"}),
    "batch": frozenset({"collect", "batch"}),
    "contacts": frozenset({"contacts"}),  # bring live contacts, and nothing else
    "admin": frozenset({"admin"}),
}
SCOPES = tuple(SCOPE_PERMISSIONS)


def role_permissions(person: Person) -> frozenset[str]:
    """Return a person's permissions."""
    return ROLE_PERMISSIONS[person.role]


def permissions_of_scopes(scopes: Iterable[str], maker: Person | None) -> frozenset[str]:
    """Return a token's permissions: its scopes, limited by its creator's present role."""
    granted = frozenset[str]().union(
        *(SCOPE_PERMISSIONS.get(scope, frozenset()) for scope in scopes)
    )
    return granted & ROLE_PERMISSIONS[maker.role] if maker else granted


def may_undo(actor: Actor, linked_by: Device) -> bool:
    """Return whether an actor may undo the links of a device."""
    return "undo_any" in actor.permissions or (
        "link" in actor.permissions and actor.owns(linked_by)
    )


def require_may_undo(actor: Actor, linked_by: Device) -> None:
    """Raise NotLinkOwner unless an actor may undo the links of a device."""
    if not may_undo(actor, linked_by):
        raise NotLinkOwner(by=linked_by.actor_name)


def require_may_discard(actor: Actor, collected_by: Device) -> None:
    """Raise NotListOwner if a script would delete a list collected by others."""
    if actor.is_script and not actor.owns(collected_by):
        raise NotListOwner(by=collected_by.actor_name)


def require_may_unpark(actor: Actor, parked_by: Device) -> None:
    """Raise NotParkedContactOwner if a script would remove a contact parked by others."""
    if actor.is_script and not actor.owns(parked_by):
        raise NotParkedContactOwner(by=parked_by.actor_name)


def require_may_observe(actor: Actor, linked_by: Device) -> None:
    """Raise NotLinkOwner if a script would say what a page showed of another's link."""
    if actor.is_script and not actor.owns(linked_by):
        raise NotLinkOwner(by=linked_by.actor_name)
