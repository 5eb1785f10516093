"""How names, codes and places are made comparable, whatever people type."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink.matching import normalise

TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="aAoO0iI1'\u2019.-,&()/@+ LTDltdMcMacÉßÆ邦", max_size=40),
    st.lists(
        st.sampled_from(
            [
                "Mr",
                "Smith,",
                "Ltd",
                "t/a",
                "The",
                "and",
                "O'",
                "Mc",
                "(Leeds)",
                "St",
                "p.l.c.",
                "co",
                "community",
                "interest",
                "company",
                "limited",
            ]
        ),
        max_size=7,
    ).map(" ".join),
)


def phone(text: str) -> str:
    return normalise.phone(text)


def name(text: str) -> str:
    return normalise.name(text, as_company=True)


FUNCTIONS: list[Callable[[str], str]] = [
    normalise.ascii_text,
    normalise.fold,
    normalise.person,
    normalise.company,
    name,
    normalise.address,
    normalise.postcode,
    normalise.outward,
    normalise.email,
    normalise.company_domain,
    phone,
]
SHRINKING = [function for function in FUNCTIONS if function is not phone]


@pytest.mark.parametrize("function", FUNCTIONS)
@given(text=TEXTS)
def test_normalising_what_is_normal_changes_nothing(
    function: Callable[[str], str], text: str
) -> None:
    once = function(text)
    assert function(once) == once


@pytest.mark.parametrize("function", SHRINKING)
@given(text=TEXTS)
def test_normalising_never_gives_more_letters_than_the_text_spelt_in_ascii(
    function: Callable[[str], str], text: str
) -> None:
    assert len(function(text)) <= len(normalise.ascii_text(text))


@given(text=TEXTS)
def test_a_phone_is_empty_or_in_the_international_form(text: str) -> None:
    number = normalise.phone(text)
    assert number == "" or (number[0] == "+" and number[1:].isdigit() and 6 <= len(number) <= 16)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Mrs Margaret Holloway", "margaret holloway"),
        ("HOLLOWAY, Margaret", "margaret holloway"),
        ("Smith, Dr. John OBE", "john smith"),
        ("Jonathan Pryce-Davies", "jonathan pryce davies"),
        ("Siân O\u2019Connor", "sian oconnor"),
        ("Sian O' Connor", "sian oconnor"),
        ("Ewan Mc Donald", "ewan mcdonald"),
        ("Mac Donald, Ewan", "ewan macdonald"),
        ("\u0418\u0432\u0430\u043d Bj\u00f6rn", "ivan bjorn"),
        ("Sir", "sir"),
    ],
)
def test_persons_are_read_in_one_order_without_titles(written: str, normal: str) -> None:
    assert normalise.person(written) == normal


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Ashdown & Sons Builders Ltd", "ashdown sons builders"),
        ("Ashdown and Sons Builders Limited", "ashdown sons builders"),
        ("The Old Bakery Company", "old bakery"),
        ("Smith p.l.c.", "smith"),
        ("Cymorth Cyf", "cymorth"),
        ("Castleview Healthcare Ltd t/a Castle View", "castleview healthcare castle view"),
        ("Limited", "limited"),
        ("Fish & Co (UK) Ltd.", "fish"),
        ("Fish Public Limited Company", "fish"),
        ("Fish Community Interest Company", "fish"),
        ("Fish Limited Liability Partnership", "fish"),
        ("Community Interest Company", "community interest"),
        ("Fish (Leeds) C.I.C.", "fish leeds"),
        ("Fish trading as Chips", "fish chips"),
    ],
)
def test_companies_are_read_without_legal_form(written: str, normal: str) -> None:
    assert normalise.company(written) == normal


def test_a_company_in_the_field_for_persons_is_read_as_one_and_the_other_way_round() -> None:
    assert normalise.name("Greenfield Lettings Limited", False) == "greenfield lettings"
    assert normalise.name("Mrs Jane Hall", True) == "jane hall"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("gl50 2tr", "GL502TR"),
        ("GL5O 2TR", "GL502TR"),
        ("SW1A 1AA", "SW1A1AA"),
        ("BN7 2PE ", "BN72PE"),
        ("B9I 3SX", "B913SX"),
        ("2119", "2119"),
        ("", ""),
    ],
)
def test_postcodes_lose_spaces_and_usual_slips(written: str, normal: str) -> None:
    assert normalise.postcode(written) == normal


def test_the_outward_part_stands_for_a_postcode_and_for_itself() -> None:
    assert normalise.outward("GL502TR") == normalise.outward("GL50") == "GL50"
    assert normalise.outward("2119") == ""


@pytest.mark.parametrize(
    "written",
    [
        "01632 960114",
        "(01632) 960 114",
        "+44 1632 960114",
        "+44 (0)1632 960114",
        "0044 1632 960114",
        "01632 960114 ext. 12",
        "441632960114",
    ],
)
def test_one_phone_in_many_forms_is_one(written: str) -> None:
    assert normalise.phone(written, "GB") == "+441632960114"


def test_phones_belong_to_the_country_asked_for() -> None:
    assert normalise.phone("020 915 1234", "IE") == "+353209151234"
    assert normalise.phone("030 123456", "DE") == "+4930123456"
    assert normalise.phone("12", "GB") == ""


def test_emails_lose_case_tags_and_mailto_and_only_companies_have_a_domain() -> None:
    assert normalise.email(" mailto:Jo.Bloggs+xero@Acme.example ") == "jo.bloggs@acme.example"
    assert normalise.email("Jo Bloggs <Jo@Acme.example>") == "jo@acme.example"
    assert normalise.company_domain("jo@acme.example") == "acme.example"
    assert normalise.company_domain("jo@gmail.com") == ""


def test_wrongly_decoded_text_is_repaired() -> None:
    assert normalise.fold("MusÃ©e du Louvre") == normalise.fold("Musée du Louvre")


@pytest.mark.parametrize(
    ("written", "english"),
    [("Caerdydd", "Cardiff"), ("Pen-y-bont ar Ogwr", "Bridgend"), ("YR WYDDGRUG", "Mold")],
)
def test_places_in_wales_have_one_name_in_both_languages(written: str, english: str) -> None:
    assert normalise.address(written) == normalise.address(english)
    assert normalise.company(f"{written} Glass Ltd") == normalise.company(f"{english} Glass Ltd")


def test_usual_words_of_addresses_have_one_form() -> None:
    assert normalise.address("Flat 3, 27 Cathedral Road") == normalise.address(
        "Apt 3 27 cathedral rd."
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("34A", "34 A"), ("Flat No. 3, 27 Mill Lane", "Flat 3, 27 Mill Lane"),
     ("No. 34A High Street", "34a High St"), ("Flat #3", "Flat 3"), ("Flat A, 34", "34A")],
)  # fmt: skip
def test_a_house_number_is_one_in_each_way_of_writing_it(one: str, other: str) -> None:
    assert normalise.address(one) == normalise.address(other)


@pytest.mark.parametrize("text", ["Holloway, Mrs M", "HOLLOWAY M MRS", "M Holloway Mrs"])
def test_a_title_anywhere_in_a_name_is_a_persons(text: str) -> None:
    assert set(normalise.name(text, True).split()) == {"m", "holloway"}
