"""An erased person does not come back, nor stay, in another spelling of their name."""

from __future__ import annotations

import io

import pytest

from crmlink.access.context import Actor
from crmlink.access.personal_data.subject import erase
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.batches.file_import import ListFile, import_file
from crmlink.folding import spellings
from crmlink.installation import Installation
from crmlink.store import MirroredRecord
from support.batch_factories import detected
from support.erasing import EMAIL, NAME, where_kept

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


TYPED = (NAME, "Holloway, Margaret", EMAIL, "Mrs M Holloway: Margaret Holloway, Cheltenham")


def with_a_bad_line(installation: Installation, actor: Actor, reference: str) -> None:
    """Import a file whose first line is left out for its reference, which is told."""
    ctx = installation.workspace
    file = io.BytesIO(
        f'A/C,Name,Address Line 1\n"{reference}",Someone,1 Road\nA2,Bob,2 Road\n'.encode()
    )
    found = detected(ctx, file, "Customers.csv")
    import_file(ctx, actor.device.id, ListFile(file, "Customers.csv", found), agreed=1)


@pytest.mark.parametrize("reference", TYPED)
def test_a_line_that_was_left_out_keeps_no_name(
    installation: Installation, actor: Actor, reference: str
) -> None:
    with_a_bad_line(installation, actor, reference)
    assert where_kept(installation, reference)
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, reference) == []


@pytest.mark.parametrize("reference", TYPED)
def test_nor_does_one_that_comes_later(
    installation: Installation, actor: Actor, reference: str
) -> None:
    erase(installation.access, actor, EMAIL)
    with_a_bad_line(installation, actor, reference)
    assert where_kept(installation, reference) == []
