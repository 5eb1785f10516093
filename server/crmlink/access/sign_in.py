"""Sign-in before a workspace is known: the same person may be in several, as a row in each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crmlink.access.context import AccessContext, KeyedContext
from crmlink.access.errors import InvalidCredentials
from crmlink.access.people import (
    authenticate_password,
    authenticate_sso,
    people_by_email,
    workspaces_of_sso,
)
from crmlink.store import Person

NONE = 0  # id of no workspace: has no people, but trying there takes as long


def people_of_password(
    access: KeyedContext, email: str, password: str, *, has_failed: bool = False
) -> list[Person]:
    """Return the people with this email and password, one of each workspace.

    Raises InvalidCredentials if there is none.
    """
    owners = [person.workspace_id for person in people_by_email(access, email)]
    return _everywhere(
        access,
        owners or [NONE],
        lambda own: authenticate_password(own, email, password, has_failed=has_failed),
    )


def people_of_sso(access: KeyedContext, subject: str, email: str) -> list[Person]:
    """Return the people identified by single sign-on, one of each workspace.

    Raises InvalidCredentials if there is none.
    """
    owners = workspaces_of_sso(access, subject, email)
    return _everywhere(access, owners, lambda own: authenticate_sso(own, subject, email))


def _everywhere(
    access: KeyedContext, owners: Iterable[int], authenticate: Callable[[AccessContext], Person]
) -> list[Person]:
    people = []
    for workspace_id in owners:
        try:
            people.append(authenticate(access.of(workspace_id)))
        except InvalidCredentials:
            continue
    if not people:
        raise InvalidCredentials
    return people
