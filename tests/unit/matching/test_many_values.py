"""Several emails, phones and addresses: any may agree, and they differ only where all do."""

from dataclasses import replace

import numpy as np
import pytest

from bench.uk import records
from crmlink.matching import Address, Matcher, Suggestion, reason_text
from crmlink.matching.features.vector import FEATURES, FeatureVectors
from crmlink.matching.index import InvertedIndex
from crmlink.matching.normalised import normalised_details
from crmlink.values.contact_details import ContactDetails

HOLLOWAY = ContactDetails(
    kind="customer",
    person="Margaret Holloway",
    address="14 Orchard Close",
    town="Cheltenham",
    postcode="GL50 2TR",
    email="margaret.holloway@postbox.example",
    phones=("01632 960114", "07700 900114"),
)
SMITH = ContactDetails(
    kind="customer",
    person="John Smith",
    address="8 Mill Lane",
    town="Ripon",
    postcode="HG4 1AB",
    phones=("01632 960501",),
)
NAMESAKE = ContactDetails(
    kind="customer",
    person="John Smith",
    address="52 Station Road",
    town="York",
    postcode="YO24 1AA",
    email="john.smith@letterbox.example",
)
FLATS = ContactDetails(
    kind="customer",
    person="Anil Rao",
    address="34A High Street",
    town="Leeds",
    postcode="LS1 4AP",
)
AGENT = ContactDetails(
    kind="customer",
    person="Ann Brook",
    company="Brook Lettings",
    address="1 Queen Street",
    town="Cardiff",
    postcode="CF10 2AA",
    other_emails=("ann@brooklettings.example",),
    email="accounts@brooklettings.example",
    other_addresses=(Address("Flat 3, 27 Cathedral Road", "Cardiff", "CF11 9HA"),),
)
IRISH = ContactDetails(
    kind="customer",
    person="Aoife Murphy",
    address="12 Main Street, Rathmines",
    town="Dublin 6",
    postcode="D06 X2K5",
    phones=("+353 1 496 0101",),
)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    made = Matcher()
    made.update(records(400, 52))
    held = {
        "holloway": HOLLOWAY,
        "smith": SMITH,
        "namesake": NAMESAKE,
        "flats": FLATS,
        "agent": AGENT,
        "irish": IRISH,
    }
    made.update(held.items())
    return made


def first(matcher: Matcher, contact: ContactDetails) -> tuple[Suggestion, set[str]]:
    item = matcher.suggest(contact).items[0]
    return item, {reason.code for reason in item.reasons}


@pytest.mark.parametrize(
    "phone",
    ["01632 960501 / 07700 900777", "07700 900777 or 01632 960501",
     "(H) 01632 960501 (M) 07700 900777", "Tel 01632 960501 Fax 01632 960777",
     "01632 960501 after 6pm", "01632 960501 07700 900777"],
)  # fmt: skip
def test_a_second_number_does_not_make_a_namesake_likelier(matcher: Matcher, phone: str) -> None:
    item, reasons = first(matcher, ContactDetails(person="John Smith", phones=(phone,)))
    alone, _ = first(matcher, ContactDetails(person="John Smith", phones=("01632 960501",)))
    assert (item.record_id, item.probability) == ("smith", alone.probability)
    assert "same_phone" in reasons


def test_a_second_number_that_agrees_too_makes_a_record_likelier(matcher: Matcher) -> None:
    one, _ = first(matcher, ContactDetails(person="Holloway", phones=("01632 960114",)))
    both, _ = first(
        matcher, ContactDetails(person="Holloway", phones=("01632 960114 / 07700 900114",))
    )
    assert both.probability > one.probability


@pytest.mark.parametrize("phone", ["7.7009E+09", "see notes", "n/a", "960777"])
def test_a_number_that_cannot_be_read_is_no_difference(matcher: Matcher, phone: str) -> None:
    with_it, reasons = first(matcher, replace(SMITH, phones=(phone,)))
    without, _ = first(matcher, replace(SMITH, phones=()))
    assert with_it.probability == without.probability
    assert "other_phone" not in reasons


@pytest.mark.parametrize(
    "contact",
    [
        ContactDetails(person="John Smith", email="jane@x.example; john.smith@letterbox.example"),
        ContactDetails(person="John Smith", email="jane@x.example / john.smith@letterbox.example"),
        ContactDetails(
            person="John Smith", email="jane@x.example",
            other_emails=("john.smith@letterbox.example",),
        ),
        ContactDetails(person="John Smith", phones=("john.smith@letterbox.example",)),
    ],
)  # fmt: skip
def test_any_email_may_agree(matcher: Matcher, contact: ContactDetails) -> None:
    item, reasons = first(matcher, contact)
    assert item.record_id == "namesake"
    assert "same_email" in reasons
    assert "other_email" not in reasons


def test_emails_differ_only_where_all_do(matcher: Matcher) -> None:
    _, reasons = first(
        matcher, replace(NAMESAKE, email="a@x.example", other_emails=("b@y.example",))
    )
    assert "other_email" in reasons
    _, reasons = first(matcher, replace(NAMESAKE, email="none@none.com"))
    assert "other_email" not in reasons


def test_a_records_second_email_counts_as_its_first(matcher: Matcher) -> None:
    item, reasons = first(
        matcher, ContactDetails(person="Ann Brook", email="ann@brooklettings.example")
    )
    assert item.record_id == "agent"
    assert "same_email" in reasons


@pytest.mark.parametrize(
    ("contact", "record"),
    [
        (replace(SMITH, address="PO Box 77", town="Harrogate", postcode="HG1 1AA", phones=(),
                 other_addresses=(Address("8 Mill Lane", "Ripon", "HG4 1AB"),)), "smith"),
        (replace(HOLLOWAY, email="", phones=(), address="c/o Hafod Lettings, 1 Queen Street",
                 town="Cardiff", postcode="CF10 2AA",
                 other_addresses=(Address("14 Orchard Close", "Cheltenham", "GL50 2TR"),)),
         "holloway"),
        (ContactDetails(person="Ann Brook", address="27 Cathedral Road Flat 3", town="Cardiff",
                 postcode="CF11 9HA"), "agent"),
        (ContactDetails(person="John Smith 8 Mill Lane, HG4 1AB"), "smith"),
    ],
)  # fmt: skip
def test_either_address_may_agree(matcher: Matcher, contact: ContactDetails, record: str) -> None:
    item, reasons = first(matcher, contact)
    assert item.record_id == record
    assert "same_postcode" in reasons
    assert not {"other_postcode", "other_address", "other_town", "house_number"} & reasons
    assert item.probability > 0.9


def test_addresses_differ_where_both_do(matcher: Matcher) -> None:
    away = Address("3 Quay Street", "Truro", "TR1 2AB")
    contact = replace(
        HOLLOWAY, address="9 Dock Road", town="Hull", postcode="HU1 1AA", other_addresses=(away,)
    )
    item, reasons = first(matcher, contact)
    assert item.record_id == "holloway"
    assert "other_postcode" in reasons


def test_a_record_without_a_second_address_gains_nothing_from_others_that_have_one() -> None:
    """The namesake lives elsewhere: that another record has two addresses changes nothing."""
    index = InvertedIndex()
    held = [("namesake", NAMESAKE), ("agent", AGENT), ("smith", SMITH)]
    index.add([(record_id, normalised_details(details, "GB")) for record_id, details in held])
    index.refresh()
    evidence = FeatureVectors(index, normalised_details(SMITH, "GB"), np.array([0, 1, 2], np.int32))
    assert evidence.columns["postcode_other"][0] == 1
    assert evidence.columns["address_other"][0] == 1


def test_a_po_box_speaks_against_no_record(matcher: Matcher) -> None:
    contact = replace(SMITH, address="PO Box 77", town="", postcode="HG1 1AA")
    _, reasons = first(matcher, contact)
    assert not {"other_postcode", "other_address"} & reasons


@pytest.mark.parametrize(
    "address",
    ["34A High Street", "34 A High Street", "Flat A, 34 High Street", "34 Flat A High St"],
)
def test_the_letter_of_a_flat_is_one_with_its_house(matcher: Matcher, address: str) -> None:
    item, reasons = first(
        matcher, ContactDetails(person="Anil Rao", address=address, postcode="LS1 4AP")
    )
    assert item.record_id == "flats"
    assert "same_address" in reasons


def test_reasons_say_flat_where_people_wrote_flat(matcher: Matcher) -> None:
    contact = ContactDetails(
        person="Ann Brook", address="Flat 3, Cathedral Road, Pontcanna, Llandaff"
    )
    item = matcher.suggest(contact).items[0]
    said = "; ".join(reason_text(reason) for reason in item.reasons)
    assert "Flat 3" in said
    assert "Apartment" not in said


@pytest.mark.parametrize(
    "contact",
    [
        ContactDetails(person="Aoife Murphy", phones=("01 496 0101",)),
        ContactDetails(person="Aoife Murphy", postcode="DO6X 2KS"),
        ContactDetails(
            person="Aoife Murphy", address="12 Main St, Rathmines, Dublin 6, D06 X2K5, Ireland"
        ),
        ContactDetails(person="Aoife Murphy D06 X2K5"),
    ],
)
def test_irish_contacts_are_known_by_their_codes_and_numbers(
    matcher: Matcher, contact: ContactDetails
) -> None:
    item, reasons = first(matcher, contact)
    assert item.record_id == "irish"
    assert {"same_phone", "same_postcode"} & reasons


@pytest.mark.parametrize(
    "name",
    ["Exors of Margaret Holloway", "Margaret Holloway 2", "Margaret Holloway 01632 960114",
     "Margaret Holloway (C)"],
)  # fmt: skip
def test_what_stands_in_a_name_is_no_part_of_it(matcher: Matcher, name: str) -> None:
    item, reasons = first(matcher, replace(HOLLOWAY, person=name, email=""))
    assert item.record_id == "holloway"
    assert "same_name" in reasons


@pytest.mark.parametrize(
    "contact",
    [
        replace(HOLLOWAY, retired=True),
        replace(HOLLOWAY, person="ZZ Margaret Holloway (do not use)"),
    ],
)
def test_a_retired_contact_is_never_sure(matcher: Matcher, contact: ContactDetails) -> None:
    assert first(matcher, HOLLOWAY)[0].sure
    item, reasons = first(matcher, contact)
    assert (item.record_id, item.sure) == ("holloway", False)
    assert "retired_contact" in reasons


def test_of_two_records_the_one_in_use_stands_first() -> None:
    made = Matcher()
    made.update(records(400, 52))
    retired = replace(HOLLOWAY, person="ZZ Margaret Holloway DO NOT USE")
    made.update([("a-retired", retired), ("b-live", HOLLOWAY)])
    items = made.suggest(HOLLOWAY).items
    assert [item.record_id for item in items[:2]] == ["b-live", "a-retired"]
    assert "retired_record" in {reason.code for reason in items[1].reasons}
    assert not items[1].sure


def test_one_value_of_each_gives_the_features_that_it_always_gave() -> None:
    """The scorecard was fitted on contacts with one value of each."""
    others = records(50, 53)
    index = InvertedIndex()
    index.add([(record_id, normalised_details(details, "GB")) for record_id, details in others])
    index.refresh()
    rows = np.arange(len(others), dtype=np.int32)
    single = FeatureVectors(index, normalised_details(HOLLOWAY, "GB"), rows).features()
    doubled = replace(
        HOLLOWAY,
        other_emails=(HOLLOWAY.email,),
        other_addresses=(Address(HOLLOWAY.address, HOLLOWAY.town, HOLLOWAY.postcode),),
    )
    assert (
        FeatureVectors(index, normalised_details(doubled, "GB"), rows).features() == single
    ).all()
    assert single.shape == (len(others), len(FEATURES))
