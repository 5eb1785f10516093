"""People of one household whose names are alike: near forenames, generations, initials."""

from dataclasses import replace

import pytest

from crmlink.matching import Matcher
from crmlink.values.contact_details import ContactDetails
from support.alike_names import HELD, filled_matcher, is_sure, two


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return filled_matcher()


@pytest.mark.parametrize("email", ["r.h@postbox.example", "kiandra.h@postbox.example"])
def test_a_shared_email_is_no_proof_where_the_forename_is_another(
    matcher: Matcher, email: str
) -> None:
    held = replace(HELD, person="Kiandra Holloway", email=email)
    assert is_sure(matcher, replace(held, person="Kiarna Holloway"), held) is False
    assert is_sure(matcher, replace(held, person="Kiadnra Holloway"), held) is True


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("Kiara Holloway", "Kiana Holloway", False),  # no list knows either
        ("Nazia Begum", "Shazia Begum", False),
        ("Manjit Singh", "Ranjit Singh", False),
        ("Gurwinder Kaur", "Surwinder Kaur", False),
        ("Lina Holloway", "Lisa Holloway", False),
        ("Asim Chaudhry", "Qasim Chaudhry", False),
        ("Amir Chaudhry", "Amira Chaudhry", False),
        ("Dacian Holloway", "Daciana Holloway", False),
        ("Bernard Holloway", "Bernardia Holloway", False),
        ("Stelio Holloway", "Stelia Holloway", False),
        ("Yanrong Wong", "Yanhong Wong", False),
        ("Tao Wong", "Tan Wong", False),
        ("Nguyen Van An", "Nguyen Van Anh", False),
        ("Lee Xiaoying", "Lee Xiaobing", False),
        ("Gurwinder Kaur", "Gurjinder Kaur", False),  # a rarer one, and one that no list knows
        ("Rajvinder Singh", "Rajminder Singh", False),
        ("Julia Holloway", "Julie Holloway", False),  # mother and daughter
        ("Nicola Holloway", "Nicole Holloway", False),
        ("Helen Holloway", "Ellen Holloway", False),
        ("John Holloway", "Jack Holloway", False),  # father and son
        ("Julia Holloway", "Jules Holloway", True),
        ("John Holloway", "Johnny Holloway", True),
        ("Catherine Holloway", "Katherine Holloway", True),
        ("Kiandra Holloway", "Kiandrra Holloway", True),
        ("Bernard Holloway", "Bernrad Holloway", True),
        ("Janice Holloway", "Janicee Holloway", True),
    ],
)
def test_forenames_that_are_alike_are_two_peoples_unless_one_is_a_slip_of_the_other(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    assert is_sure(matcher, *two(HELD, one, other, turned)) is sure


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("Thomas Kiara", "Thomas Kiarna", False),  # Thomas may be the surname
        ("Thomas Kiandra", "Thomas Kiarna", False),
        ("Thomas Kiandra", "Kiarna Thomas", False),
        ("Mohammed Asif", "Mohammed Atif", False),  # the name that all brothers have
        ("Abdul Majid", "Abdul Sajid", False),
        ("Muhammad Naeem Hussain", "Muhammad Nadeem Hussain", False),
        ("Shah Nidhi", "Shah Vidhi", False),
        ("Gill Manjit", "Gill Ranjit", False),
        ("Quinn Kiandra", "Quinn Kiarna", False),
        ("Amin Kiandra", "Amin Kiarna", False),
        ("Pargeter Kathrina", "Pargeter Katharina", False),  # others are called either
        ("Pargeter Alexandra", "Pargeter Alexandria", False),
        ("Thomas Bennett", "Thomas Benett", True),  # a surname that others have as well
        ("Rebecca Kiandra", "Rebecca Kiarna", True),  # no surname
    ],
)
def test_behind_a_forename_that_may_be_a_surname_the_last_word_may_be_the_forename(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    names = ("Ruth Bennett", "Paul Bennett", "Kathrina Pugh", "Katharina Nkemelu")
    pargeters = [f"{name} Pargeter" for name in ("Ruth", "Paul", "Sara", "Tom")]
    others = [ContactDetails(person=name) for name in (*names, *pargeters)]
    assert is_sure(matcher, *two(HELD, one, other, turned), *others) is sure


def test_mother_and_daughter_of_one_mailbox_are_two(matcher: Matcher) -> None:
    held = replace(HELD, person="Julia Holloway", email="holloways@postbox.example")
    assert is_sure(matcher, replace(held, person="Julie Holloway"), held) is False
    assert is_sure(matcher, replace(held, person="Jules Holloway"), held) is True


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("Conor Lavin", "Conor Lavin Jr", False),
        ("Conor Lavin Snr", "Conor Lavin Jnr", False),
        ("Conor Lavin", "Conor Lavin (son)", False),
        ("Conor Lavin (father)", "Conor Lavin (son)", False),
        ("Conor Lavin II", "Conor Lavin", False),
        ("Conor Lavin Junior", "Conor Lavin Jnr", True),
        ("Junior Lavin", "Junior Lavin", True),
        ("Conor Senior", "Conor Senior", True),
    ],
)
def test_a_father_and_a_son_of_one_name_are_never_sure_even_with_one_email(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    both = replace(HELD, email="conor.lavin@postbox.example")
    assert is_sure(matcher, *two(both, one, other, turned)) is sure


@pytest.mark.parametrize(
    ("written", "held", "email", "sure"),
    [
        ("M Holloway", "M Holloway", "theholloways", False),  # Mark and Mary
        ("M Holloway", "Mary Holloway", "holloway.family2", False),
        ("Mary Holloway", "M Holloway", "holloways", False),
        ("M Holloway", "M Holloway", "m.holloway", True),
        ("M Holloway", "Mary Holloway", "maryh", True),
        ("Mary Holloway", "Mary Holloway", "theholloways", True),
    ],
)
def test_a_mailbox_of_the_surname_alone_makes_up_for_no_initial(
    matcher: Matcher, written: str, held: str, email: str, sure: bool
) -> None:
    both = replace(HELD, email=f"{email}@postbox.example")
    assert is_sure(matcher, replace(both, person=written), replace(both, person=held)) is sure


@pytest.mark.parametrize(
    ("written", "held", "sure"),
    [
        ("Kimberley Rupert", "Kimberley Rupert", True),
        ("Rupert Kimberley", "Kimberley Rupert", False),  # either may be the surname
        ("Pargeter Lee", "Lee Pargeter", True),
    ],
)
def test_a_town_says_too_little_where_forenames_are_exchanged(
    matcher: Matcher, written: str, held: str, sure: bool
) -> None:
    contact = ContactDetails(person=written, town=HELD.town)
    assert is_sure(matcher, contact, replace(HELD, person=held)) is sure


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("Lachlan Holloway", "Lachkan Holloway", True),  # k is beside l
        ("Lachlan Holloway", "Lachgan Holloway", False),
        ("Lachlan Holloway", "Lschlan Holloway", True),
        ("Lachlan Holloway", "Lachlsn Holloway", True),
        ("Lachlan Holloway", "Lachlam Holloway", False),  # an ending
        ("Lachlan Holloway", "Kachlan Holloway", False),  # the first letter
        ("Kiandra Holloway", "Kisndra Holloway", False),  # no list knows either
        ("Ebony Holloway", "Ebiny Holloway", False),  # short, and a vowel for a vowel
    ],
)
def test_a_rarer_forename_is_the_same_where_a_key_beside_the_right_one_was_hit(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    assert is_sure(matcher, *two(HELD, one, other, turned)) is sure


def test_a_rarer_forename_that_others_have_too_is_no_slip_of_another(matcher: Matcher) -> None:
    contact, held = (
        replace(HELD, person="Lachkan Holloway"),
        replace(HELD, person="Lachlan Holloway"),
    )
    others = [ContactDetails(person=name) for name in ("Lachkan Pugh", "Lachlan Pugh")]
    assert is_sure(matcher, contact, held) is True
    assert is_sure(matcher, contact, held, *others) is False


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "sure"),
    [
        ("Tabitha Doman", "Tabitha Domna", True),
        ("Arabella Quinzi", "Arabella Quimnzi", True),  # m is beside n
        ("Arabella Wytkin", "Arabella Wytkon", True),
        ("Arabella Heaney", "Arabella Heney", False),  # the next tenant
        ("Arabella Rafter", "Arabella Raftery", False),
        ("Kiandra Doman", "Kiandra Domna", False),  # Kiandra may be the surname
        ("Amin Doman", "Amin Domna", False),
        ("Tabitha Grady", "Tabitha Brady", False),  # the next tenant
        ("Rebecca Grady", "Rebecca Brady", False),
        ("Rebecca Priest", "Rebecca Rpiest", True),
        ("Rebecca Rushwood", "Rebecca Gushwood", True),  # long surnames seldom differ so
        ("Ligia", "Lidia", False),  # of one name neither is a surname
    ],
)
def test_behind_a_forename_that_no_one_has_as_a_surname_another_word_is_the_surname(
    matcher: Matcher, one: str, other: str, sure: bool, turned: bool
) -> None:
    both = replace(HELD, email="thepeople@postbox.example" if " " not in one else "")
    assert is_sure(matcher, *two(both, one, other, turned)) is sure


def test_two_surnames_that_others_have_too_are_no_slips_of_each_other(matcher: Matcher) -> None:
    contact, held = (replace(HELD, person=f"Candice {name}") for name in ("Birton", "Burton"))
    others = [ContactDetails(person=f"Owen {name}") for name in ("Birton", "Burton")]
    assert is_sure(matcher, contact, held) is True
    for shared in ({}, {"address": "", "postcode": "", "phones": ()}):  # a town alone
        one, other = replace(contact, **shared), replace(held, **shared)  # type: ignore[arg-type]  # texts by name
        assert is_sure(matcher, one, other, *others) is False
