"""Postal addresses: what is the place, and what is only among its lines."""

import pytest

from crmlink.values import postcodes, read_address


@pytest.mark.parametrize(
    ("lines", "town", "postcode", "expected"),
    [
        (["Flat 3 27 Cathedral Road", "", "Cardiff", "", "CF11 9HA"], "", "",
         (("Flat 3 27 Cathedral Road", "Cardiff"), "CF11 9HA", "GB")),
        (["1 High Street Leeds LS1 4AP GB"], "", "", (("1 High Street Leeds",), "LS1 4AP", "GB")),
        (["2 Mill Lane", "Leeds LS1 4AP"], "", "", (("2 Mill Lane", "Leeds"), "LS1 4AP", "GB")),
        (["8 Mill Lane Ripon HG4 1AB"], "Ripon", "hg4 1ab",
         (("8 Mill Lane Ripon",), "hg4 1ab", "GB")),
        (["14 Orchard Close", "Cheltenham", "GL50 2TR", "United Kingdom"], "", "",
         (("14 Orchard Close", "Cheltenham"), "GL50 2TR", "GB")),
        (["12 Main Street", "Rathmines", "Dublin 6", "D06 X2K5", "Ireland"], "", "",
         (("12 Main Street", "Rathmines", "Dublin 6"), "D06 X2K5", "IE")),
        (["12 Main Street", "Newtown, Co. Wicklow"], "", "",
         (("12 Main Street", "Newtown, Co. Wicklow"), "", "IE")),
        (["5 Ireland Road"], "Belfast", "BT1 1AA", (("5 Ireland Road",), "BT1 1AA", "GB")),
        (["The Street", "New England"], "", "", (("The Street", "New England"), "", "")),
        (["1 Road, LS1 4AP, was GL50 2TR"], "", "", (("1 Road, LS1 4AP, was GL50 2TR",), "", "")),
        (["n/a", "-", "TBC"], "none", "n/a", ((), "", "")),
    ],
)  # fmt: skip
def test_postcode_and_country_are_no_lines(
    lines: list[str], town: str, postcode: str, expected: tuple[tuple[str, ...], str, str]
) -> None:
    address = read_address(lines, town, postcode)
    assert (address.lines, address.postcode, address.country) == expected


@pytest.mark.parametrize(
    "lines", [["c/o Hafod Lettings", "1 Queen Street"], ["PO Box 77"], ["P.O. Box 77, Harrogate"]]
)
def test_where_only_post_goes_is_marked(lines: list[str]) -> None:
    assert read_address(lines).is_postal
    assert not read_address(["1 Queen Street"]).is_postal


@pytest.mark.parametrize(
    ("typed", "meant", "country"),
    [
        ("D06X2K5", "D06X2K5", "IE"),
        ("DO6X2KS", "D06X2K5", "IE"),
        ("A65F4E2", "A65F4E2", "IE"),
        ("A6SF4E2", "A65F4E2", "IE"),
        ("D6WXY00", "D6WXY00", "IE"),
        ("GL5O2TR", "GL502TR", "GB"),
        ("BSI4DJ", "BS14DJ", "GB"),
        ("W1AIAA", "W1A1AA", "GB"),
        ("62704", "62704", None),
    ],
)
def test_a_code_is_put_right_as_what_it_is(typed: str, meant: str, country: str | None) -> None:
    code = postcodes.canonical(typed)
    assert (code, postcodes.country_of(code)) == (meant, country)


def test_an_eircode_is_shown_with_its_space() -> None:
    assert postcodes.spaced("D06X2K5") == "D06 X2K5"
    assert postcodes.outward("D06X2K5") == "D06"


@pytest.mark.parametrize(
    ("town", "postcode", "expected"),
    [
        ("", "Cheltenham GL50 2TR", ("Cheltenham", "GL50 2TR", "GB")),
        ("Cheltenham", "GL50 2TR United Kingdom", ("Cheltenham", "GL50 2TR", "GB")),
        ("Cheltenham", "Cheltenham, GL50 2TR, UK", ("Cheltenham", "GL50 2TR", "GB")),
        ("GL50 2TR", "Cheltenham", ("Cheltenham", "GL50 2TR", "GB")),
        ("GL50 2TR", "", ("", "GL50 2TR", "GB")),
        ("", "Dublin 6, D06 X2K5", ("Dublin 6", "D06 X2K5", "IE")),
        ("Cheltenham", "GL50", ("Cheltenham", "GL50", "")),
        ("Springfield", "62704", ("Springfield", "62704", "")),
    ],
)
def test_a_postcode_shares_its_field_with_the_town_or_changed_places_with_it(
    town: str, postcode: str, expected: tuple[str, str, str]
) -> None:
    address = read_address(["14 Orchard Close"], town, postcode)
    assert (address.town, address.postcode, address.country) == expected


@pytest.mark.parametrize(
    ("lines", "kept", "meant"),
    [
        (["12 Main Street", "Dublin DO6 X2K5"], ("12 Main Street", "Dublin"), "D06X2K5"),
        (["14 Orchard Close, Cheltenham, GL5O 2TR"], ("14 Orchard Close, Cheltenham",), "GL502TR"),
        (["14 Orchard Close", "GL5O2TR"], ("14 Orchard Close",), "GL502TR"),
        (["Unit 4", "Building SO1 ABC"], ("Unit 4", "Building SO1 ABC"), ""),
        (["14 Orchard Close", "LOCK UP 12"], ("14 Orchard Close", "LOCK UP 12"), ""),
    ],
)
def test_a_mistyped_code_at_the_end_of_an_address_is_its_postcode(
    lines: list[str], kept: tuple[str, ...], meant: str
) -> None:
    address = read_address(lines)
    found = postcodes.canonical(address.postcode.replace(" ", ""))
    assert (address.lines, found) == (kept, meant)


def test_care_of_is_written_in_many_ways() -> None:
    for way in ("c/o", "C/O", "c/-", "care of", "c\\o", "c.o."):
        address = read_address([f"{way} Hafod Lettings", "1 Queen Street"])
        assert (address.is_postal, address.care_of) == (True, "Hafod Lettings"), way
