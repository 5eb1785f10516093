"""The telephone numbers in a field, as people fill it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmlink.values import read_phones

LAND, MOBILE, OTHER = "+441632960501", "+447700900555", "+441632960502"


def numbers(text: str, country: str = "GB") -> list[str]:
    return [number.e164 for number in read_phones(text, country).numbers]


@pytest.mark.parametrize(
    "text",
    [
        "01632 960501 / 07700 900555",
        "01632 960501/07700 900555",
        "01632 960501, 07700 900555",
        "01632 960501; 07700 900555",
        "01632 960501 & 07700 900555",
        "01632 960501 and 07700 900555",
        "01632 960501 or 07700 900555",
        "01632 960501 | 07700 900555",
        "01632 960501\n07700 900555",
        "01632 960501 - 07700 900555",
        "01632 960501 07700 900555",
        "01632960501 07700900555",
        "0163296050107700900555",
        "+441632960501+447700900555",
        "01632 960501 A/H 07700 900555",
        "(H) 01632 960501 (M) 07700 900555",
        "H: 01632 960501 M: 07700 900555",
        "Home 01632 960501 Mob 07700 900555",
        "Tel. 01632 960501 Mobile: 07700 900555",
        "01632 960501 (home) 07700 900555 (mob)",
        "01632 960501 x12 / 07700 900555",
        "01632 960501 ext. 4, 07700 900555 (Jane, after 5.30pm)",
        "1) 01632 960501 2) 07700 900555",
        "Jane 01632 960501 John 07700 900555",
        "T: 01632 960501 F: 01632 960502 M: 07700 900555",
        "01632 960501 Fax 01632 960502 Mob 07700 900555",
        "01632 960501 call 12/03/2024 07700 900555",
        "jo@x.example 01632 960501 07700 900555",
    ],
)
def test_two_numbers_in_one_field_are_two(text: str) -> None:
    assert numbers(text) == [LAND, MOBILE]
    assert read_phones(text).unread == ()


@pytest.mark.parametrize(
    "text",
    [
        "01632 960501",
        "01632960501",
        "(01632) 960501",
        "01632-960-501",
        "01632.960.501",
        "0 1 6 3 2 9 6 0 5 0 1",
        "+44 1632 960501",
        "+44 (0)1632 960501",
        "(+44) 1632 960501",
        "0044 1632 960501",
        "44 1632 960501",
        "1632 960501",
        "O1632 960501",
        "Tel: 01632 960501",
        "01632 960501 ext 12",
        "01632 960501 #12",
        "01632 960501 after 6pm",
        "01632 960501 9-5 only",
        "01632 960501 (9am - 5pm)",
        "01632 960501 (tel) 01632 960509 (fax)",
        "Tel 01632 960501 Fax 01632 960509",
        "\uff10\uff11\uff16\uff13\uff12 960501",
        "1.632960501E+09",
    ],
)
def test_one_number_is_one_whatever_stands_around_it(text: str) -> None:
    assert numbers(text) == [LAND]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01632 960501/2", [LAND, OTHER]),
        ("01632 960501 / 502", [LAND, OTHER]),
        ("01632 960501 or 960502", [LAND, OTHER]),
        ("01632 960501, 960502", [LAND, OTHER]),
        ("01632 960501, 12", [LAND]),
        ("0113/496 0101", ["+441134960101"]),
        ("310/246-1501", ["+443102461501"]),
        ("020 7946 0108 020 7946 0109", ["+442079460108", "+442079460109"]),
    ],
)
def test_what_stands_behind_a_stroke_may_be_the_other_ending(
    text: str, expected: list[str]
) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize("text", ["7.7009E+09", "960501", "see website", "1" * 61, "999"])
def test_what_cannot_be_a_whole_number_is_unread_and_no_number(text: str) -> None:
    read = read_phones(text)
    assert read.numbers == ()
    assert read.unread


@pytest.mark.parametrize("text", ["", "n/a", "-", "none", "TBC", "ex-directory", "00000 000000"])
def test_what_stands_for_nothing_is_no_number(text: str) -> None:
    assert numbers(text) == []


def test_a_fax_alone_is_no_phone() -> None:
    assert numbers("01632 960501 (fax)") == numbers("Fax 01632 960501") == []


@pytest.mark.parametrize(
    ("text", "country"),
    [("01 496 0101", "GB"), ("01 496 0101", "IE"), ("+353 1 496 0101", "GB"),
     ("+353 (0)1 4960101", "GB")],
)  # fmt: skip
def test_an_irish_number_is_one_with_and_without_its_country(text: str, country: str) -> None:
    assert numbers(text, country) == ["+35314960101"]


def test_a_british_number_in_ireland_is_british() -> None:
    assert numbers("020 7946 0108", "IE") == ["+442079460108"]


@example("0200001")
@given(st.text(alphabet="0123456789+()/-,; \nABfaxtelorEx.@'\u00e9\uff11", max_size=60))
def test_any_text_is_read_and_what_was_read_is_read_again(text: str) -> None:
    read = read_phones(text)
    again = [read_phones(number.e164).numbers[0].e164 for number in read.numbers]
    assert again == [number.e164 for number in read.numbers]
    assert len(set(again)) == len(again)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("353 1 496 0101", ["+35314960101"]),
        ("00353 1 496 0101", ["+35314960101"]),
        ("+07700 900555", [MOBILE]),
        ("+01632 960501 / +07700 900555", [LAND, MOBILE]),
        ("O77OO 9OO555", [MOBILE]),
        ("07700 900555 01/02/2026", [MOBILE]),
        ("01632 960501 12.03.24 07700 900555", [LAND, MOBILE]),
        ("2 x 07700 900555", [MOBILE]),
        ("01632 96050l", [LAND]),
        ("0l632 960501", [LAND]),
        ("7,700,900,555", [MOBILE]),
        ("Tel & Fax: 01632 960501", [LAND]),
        ("Fax and Tel 01632 960501", [LAND]),
        ("01632 960501 x 07700 900555", [LAND, MOBILE]),
    ],
)
def test_a_number_with_a_slip_or_a_date_beside_it_is_that_number(
    text: str, expected: list[str]
) -> None:
    assert numbers(text) == expected
