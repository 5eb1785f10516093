"""What is in a name's field besides the name."""

import pytest

from crmlink.values import is_retired_status, read_name
from crmlink.values.addresses import PostalAddress


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Holloway, M (OLD do not use)", "Holloway, M"),
        ("ZZ Margaret Holloway", "Margaret Holloway"),
        ("ZZZ DO NOT USE - Margaret Holloway", "Margaret Holloway"),
        ("zzMargaret Holloway", "Margaret Holloway"),
        ("Margaret Holloway (deleted)", "Margaret Holloway"),
        ("Margaret Holloway (deleted 1)", "Margaret Holloway"),
        ("*INACTIVE* Margaret Holloway", "Margaret Holloway"),
        ("Margaret Holloway - Inactive", "Margaret Holloway"),
        ("Margaret Holloway - DO NOT USE", "Margaret Holloway"),
        ("INACTIVE - Margaret Holloway", "Margaret Holloway"),
        ("Margaret Holloway (merged into HOLL02)", "Margaret Holloway"),
        ("DNU Margaret Holloway", "Margaret Holloway"),
        ("Margaret Holloway [Archived]", "Margaret Holloway"),
    ],
)
def test_a_mark_in_the_name_says_that_the_contact_is_retired(text: str, name: str) -> None:
    read = read_name(text)
    assert (read.name, read.retired) == (name, True)


@pytest.mark.parametrize(
    "text",
    ["Old Mill Ltd", "The Closed Door Ltd", "Merged Minds Ltd", "Great Northern Mall (Ohio)",
     "Deleted Scenes Ltd", "R2 Solutions (UK) Ltd", "Archive Storage", "XX Ltd", "24/7 Drains",
     "118 118 Money Ltd", "Studio 54", "Smith, John", "Ashdown & Sons - Lewes", "Acme-V"],
)  # fmt: skip
def test_a_name_that_only_has_such_words_stays_as_it_is(text: str) -> None:
    read = read_name(text)
    assert (read.name, read.retired, read.kind, read.counter) == (text, False, None, "")


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("Acme Ltd (V)", "Acme Ltd", "supplier"),
        ("Acme Ltd - Supplier", "Acme Ltd", "supplier"),
        ("Acme Ltd - Vendor", "Acme Ltd", "supplier"),
        ("Acme Ltd (Vendor)", "Acme Ltd", "supplier"),
        ("Acme Ltd (C)", "Acme Ltd", "customer"),
        ("Acme Ltd - Customer", "Acme Ltd", "customer"),
    ],
)
def test_a_mark_of_the_kind_says_the_kind(text: str, name: str, kind: str) -> None:
    assert (read_name(text).name, read_name(text).kind) == (name, kind)


@pytest.mark.parametrize("text", ["John Smith 2", "John Smith (2)", "John Smith #2"])
def test_a_number_behind_a_name_that_was_given_twice_is_no_part_of_it(text: str) -> None:
    assert (read_name(text).name, read_name(text).counter) == ("John Smith", "2")


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        (
            "Margaret Holloway GL50 2TR",
            "Margaret Holloway",
            PostalAddress((), "", "GL50 2TR", "GB"),
        ),
        (
            "Margaret Holloway, 14 Orchard Close, GL50 2TR",
            "Margaret Holloway",
            PostalAddress(("14 Orchard Close",), "", "GL50 2TR", "GB"),
        ),
        (
            "Holloway - 14 Orchard Close, Cheltenham",
            "Holloway",
            PostalAddress(("14 Orchard Close", "Cheltenham")),
        ),
        ("Holloway (14 Orchard Close)", "Holloway", PostalAddress(("14 Orchard Close",))),
        ("Murphy D06 X2K5", "Murphy", PostalAddress((), "", "D06 X2K5", "IE")),
    ],
)
def test_an_address_in_a_name_is_an_address(text: str, name: str, address: PostalAddress) -> None:
    assert (read_name(text).name, read_name(text).address) == (name, address)


@pytest.mark.parametrize(
    ("text", "name", "phones", "emails"),
    [
        ("Margaret Holloway 01632 960114", "Margaret Holloway", ("01632 960114",), ()),
        ("Margaret Holloway (07700 900114)", "Margaret Holloway", ("07700 900114",), ()),
        ("Holloway tel 01632 960114", "Holloway", ("01632 960114",), ()),
        ("Holloway m.h@postbox.example", "Holloway", (), ("m.h@postbox.example",)),
        ("m.h@postbox.example", "", (), ("m.h@postbox.example",)),
    ],
)
def test_a_phone_or_email_in_a_name_is_one(
    text: str, name: str, phones: tuple[str, ...], emails: tuple[str, ...]
) -> None:
    read = read_name(text)
    assert (read.name, read.phones, read.emails) == (name, phones, emails)


@pytest.mark.parametrize(
    "text",
    ["Exors of M Holloway", "Executors of the late M Holloway", "The Estate of M Holloway",
     "Estate of the late M Holloway", "Exor. of M Holloway", "M Holloway c/o Hafod Lettings"],
)  # fmt: skip
def test_who_acts_for_a_person_is_no_part_of_the_name(text: str) -> None:
    assert read_name(text).name == "M Holloway"


@pytest.mark.parametrize("text", ["n/a", "-", "None", "TBC", "Main Contact", "unknown", "???"])
def test_a_placeholder_is_no_person(text: str) -> None:
    assert read_name(text, person=True).name == ""


@pytest.mark.parametrize(
    ("heading", "value", "retired"),
    [
        ("HIDDEN", "Y", True), ("HIDDEN", "N", False), ("Active", "N", True),
        ("Active", "Yes", False), ("Status", "Archived", True), ("Status", "Active", False),
        ("Status", "Inactive", True),
        ("Status", "Merged into 12", True), ("Inactive", "TRUE", True), ("Status", "Overdue", None),
        ("Archived", "", False),
        ("Active Status", "No", True), ("Account active?", "N", True), ("Is Active", "Yes", False),
        ("Inactive?", "\u2713", True), ("Date closed", "12/03/2024", True),
        ("Status", "Closed 12/3/24", True), ("Status", "Lapsed", True),
        ("Status", "do not use", True),
        ("Status", "Ex-customer", True), ("Status", "Terminated", True),
        ("Merged into", "HOL02", True),
        ("Status", "1", None), ("Status", "Prospect", None), ("Account Status", "0", False),
    ],
)  # fmt: skip
def test_a_column_about_the_state_is_understood_by_its_heading(
    heading: str, value: str, retired: bool | None
) -> None:
    assert is_retired_status(value, heading) is retired


@pytest.mark.parametrize(
    "text",
    ["Margaret Holloway (moved away 2019)", "Margaret Holloway (gone away)",
     "Margaret Holloway (closed 01/04/2020)", "Margaret Holloway (ceased trading 2019)",
     "Margaret Holloway (now HOLL02)", "Margaret Holloway USE HOLL02", "Margaret Holloway OLD",
     "Margaret Holloway old account", "Margaret Holloway ACCOUNT CLOSED",
     "A/C CLOSED Margaret Holloway", "Margaret Holloway a/c closed",
     "Margaret Holloway (house sold)", "CLOSED Margaret Holloway",
     "Margaret Holloway (no longer at this address)", "Margaret Holloway - moved out",
     "DON\u2019T USE Margaret Holloway", "do-not-use Margaret Holloway", "D.N.U. Margaret Holloway",
     "Margaret Holloway - NLA", "Margaret Holloway (dup of HOLL02)",
     "Margaret Holloway - duplicate of HOLL02", "Margaret Holloway - superseded by HOLL02",
     "Margaret Holloway >> use HOLL02", "Margaret Holloway -> HOLL02",
     "Margaret Holloway (account closed - see HOLL02)", "zz(Margaret Holloway)",
     "ZZDO NOT USE Margaret Holloway", "Margaret Holloway - ZZZ", "Margaret Holloway:deleted:2",
     "Margaret Holloway-CLOSED", "Margaret Holloway - Deleted by Sue 12/3/25",
     "CLOSED A/C - Margaret Holloway", "Margaret Holloway (lapsed)", "Margaret Holloway VOID",
     "Margaret Holloway (ex customer)", "Margaret Holloway (previous owner)",
     "Margaret Holloway - account no longer used", "Margaret Holloway (not to be used)",
     "Margaret Holloway (use M Holloway Ltd instead)",
     "Margaret Holloway \u2013 No Longer With Us"],
)  # fmt: skip
def test_a_contact_that_has_gone_or_was_closed_is_retired(text: str) -> None:
    assert (read_name(text).name, read_name(text).retired) == ("Margaret Holloway", True)


@pytest.mark.parametrize(
    "text",
    ["Margaret Holloway (moved)", "Margaret Holloway *moved*", "Margaret Holloway - MOVED",
     "MOVED - Margaret Holloway", "Margaret Holloway (moved to Leeds)", "(MOVED) Margaret Holloway",
     "MOVED Margaret Holloway", "Margaret Holloway (moved 2019)",
     "Margaret Holloway (on stop)", "Margaret Holloway *ON STOP*", "Margaret Holloway - on stop",
     "ON STOP Margaret Holloway", "***STOP*** Margaret Holloway", "STOP - Margaret Holloway",
     "Margaret Holloway **ACCOUNT ON STOP**", "Margaret Holloway (on hold)",
     "Margaret Holloway on stop",
     "Margaret Holloway (cash only)", "Margaret Holloway (COD)", "Margaret Holloway (pro forma)",
     "Margaret Holloway (deceased)", "Margaret Holloway dec'd", "Margaret Holloway (landlord)",
     "Margaret Holloway (new)", "Margaret Holloway (do not invoice)",
     "Margaret Holloway (bad payer)",
     "Margaret Holloway a/c on stop", "Margaret Holloway [credit hold]",
     "Margaret Holloway (in administration)", "Margaret Holloway (DO NOT SUPPLY)"],
)  # fmt: skip
def test_a_remark_is_no_part_of_the_name_and_the_contact_stays_in_use(text: str) -> None:
    read = read_name(text)
    assert (read.name, read.retired) == ("Margaret Holloway", False)


@pytest.mark.parametrize(
    "text",
    ["Stop Draughts Ltd", "Moving Home Ltd", "Zzap Electrical", "Moved Mountains Ltd",
     "Cash Only Ltd",
     "The Landlord Shop", "New Era Ltd", "Cod & Chips", "On Stop Buses Ltd", "Sold Out Ltd",
     "HAROLD OLD", "Do Not Disturb Ltd", "Tenant Homes - Leeds", "Use Less Ltd", "Smith (Leeds)",
     "Unit 4", "Studio 2", "Holding Hands Ltd", "14 Orchard Close", "Closed Loop Ltd",
     "ZZ Top Tributes", "Void Property Services", "Dead Wood Tree Surgeons", "Expired Permit Co",
     "Hidden Valley Lodge", "Past Owners Club", "Cancelled Flights Ltd"],
)  # fmt: skip
def test_such_words_in_a_firms_own_name_stay(text: str) -> None:
    read = read_name(text)
    assert (read.name, read.retired, read.counter) == (text, False, "")


@pytest.mark.parametrize(
    ("text", "name", "lines"),
    [
        ("John Smith Flat 3", "John Smith", ("Flat 3",)),
        ("Hafod Lettings Unit 4", "Hafod Lettings", ("Unit 4",)),
        ("Flat 3, 27 Cathedral Road", "Flat 3, 27 Cathedral Road", ("Flat 3", "27 Cathedral Road")),
        ("14 Orchard Close", "14 Orchard Close", ("14 Orchard Close",)),
        ("14 Orchard Close - Holloway", "Holloway", ("14 Orchard Close",)),
        ("Holloway @ 14 Orchard Close", "Holloway", ("14 Orchard Close",)),
        ("Holloway at 14 Orchard Close", "Holloway", ("14 Orchard Close",)),
    ],
)
def test_a_flat_or_a_whole_address_in_a_name_is_an_address(
    text: str, name: str, lines: tuple[str, ...]
) -> None:
    read = read_name(text)
    assert (read.name, read.address.lines, read.counter) == (name, lines, "")
