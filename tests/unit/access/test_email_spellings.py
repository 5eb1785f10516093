"""A person's email is one thing in one spelling, whatever the database makes of its letters."""

from __future__ import annotations

import pytest

from crmlink.access.context import AccessContext, Actor
from crmlink.access.errors import EmailTaken, InvalidCredentials, PersonNotFound
from crmlink.access.people import authenticate_sso, invite, person_by_email
from crmlink.access.personal_data.subject import erase

EMAIL = "vivi.kelly@firm.example"
LOOK_ALIKES = ["vivİ.kelly@firm.example", "VİVİ.KELLY@FİRM.EXAMPLE", "vivi.\u212aelly@firm.example"]


@pytest.mark.parametrize("spelt", LOOK_ALIKES)
def test_another_spelling_is_another_person(
    access: AccessContext, server: Actor, spelt: str
) -> None:
    invite(access, server, "Vivi", EMAIL, "admin")
    with pytest.raises(InvalidCredentials):
        authenticate_sso(access, f"https://id.example#{spelt}", spelt)
    assert person_by_email(access, spelt) is None  # so no guess of theirs counts for the other
    with pytest.raises(PersonNotFound):
        erase(access, server, spelt)


@pytest.mark.parametrize("spelt", [EMAIL, EMAIL.upper(), f"  {EMAIL.title()} "])
def test_capitals_and_space_around_it_make_no_other_person(
    access: AccessContext, server: Actor, spelt: str
) -> None:
    person, _ = invite(access, server, "Vivi", EMAIL.title(), "clerk")
    found = person_by_email(access, spelt)
    assert found is not None
    assert found.id == person.id
    assert found.email == EMAIL.title()  # as it was written
    with pytest.raises(EmailTaken):
        invite(access, server, "Another", spelt, "clerk")
    assert authenticate_sso(access, "https://id.example#1", spelt).id == person.id
