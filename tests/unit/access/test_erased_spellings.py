"""An erased person does not come back, nor stay, in another spelling of their name."""

from __future__ import annotations

import pytest

from crmlink.access.context import Actor
from crmlink.access.personal_data.subject import erase
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.folding import spellings
from crmlink.installation import Installation
from crmlink.store import MirroredRecord
from support.erasing import EMAIL, where_kept

SPELT = (
    "Mrs Margaret Holloway", "Holloway, Margaret", "HOLLOWAY MARGARET", "Holloway, Margaret (Mrs)",
    "Margaret Holloway (DNU)", "Holloway; Márgaret", "Margaret-Holloway",
)  # fmt: skip


def listed(installation: Installation, actor: Actor, contact: ListedContact) -> int:
    page = ListPage("sage_50", "", "customer", [contact])
    return append_contacts(installation.workspace, actor.device.id, page).contacts


@pytest.mark.parametrize("name", SPELT)
@pytest.mark.parametrize("by", ["phone", "postcode"])
def test_a_contact_in_another_spelling_is_not_kept(
    installation: Installation, actor: Actor, name: str, by: str
) -> None:
    with installation.database.reading() as session:
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
        phones, postcode = record.phones, record.postcode
    erase(installation.access, actor, EMAIL)
    known = {"phones": tuple(phones)} if by == "phone" else {"postcode": postcode}
    contact = ListedContact("HOL77", kind="customer", name=name, **known)
    assert listed(installation, actor, contact) == 0


@pytest.mark.parametrize("name", SPELT[:4])
def test_a_row_in_another_spelling_is_found(
    installation: Installation, actor: Actor, name: str
) -> None:
    assert listed(installation, actor, ListedContact("HOL77", kind="customer", name=name)) == 1
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, name) == []


@pytest.mark.parametrize(
    "name", ["Margaret Hollowell", "Mr M Holloway", "Martin Holloway", "Margaret Holloway Ltd"]
)
def test_a_relative_and_a_firm_are_kept(
    installation: Installation, actor: Actor, name: str
) -> None:
    erase(installation.access, actor, EMAIL)
    contact = ListedContact("HOL77", kind="customer", name=name, phones=("01632 960114",))
    assert listed(installation, actor, contact) == 1


def test_spouses_with_initials_alone_are_two() -> None:
    assert spellings("Mr J Smith").isdisjoint(spellings("Mrs J Smith"))
