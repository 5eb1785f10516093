"""What may be answered in the checklist, and what its report says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crmlink.commusoft.checklist.answers import (
    Answer,
    AnswerRefused,
    read_text,
    require_impersonal,
)
from crmlink.commusoft.checklist.questions import PARTS, QUESTIONS, TextKind
from crmlink.commusoft.checklist.report import refusal_text, report


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("none", "ignored", ""),
        ("words", "  Third party\taccounting ref ", "Third party accounting ref"),
        ("headings", "Name\tTown;  Post code,\n,Ref", "Name, Town, Post code, Ref"),
        (
            "address",
            "https://app.commusoft.co.uk/customers/customer/10457/view_v2/x?token=1#y",
            "/customers/customer/{n}/view_v2/x",
        ),
        (
            "address",
            "/customers/8275f116-6419-4b82-889a-f41dcc1d6186/view",
            "/customers/{id}/view",
        ),
    ],
)
def test_a_text_is_stored_in_a_plain_form(kind: TextKind, typed: str, stored: str) -> None:
    assert read_text(kind, typed) == stored


@pytest.mark.parametrize(
    ("kind", "typed", "code"),
    [
        ("words", "x" * 121, "too-long"),
        ("headings", "x" * 61, "too-long"),
        ("headings", ",".join("abc" for _ in range(81)), "too-long"),
        ("address", "not an address", "address"),
        ("address", "javascript:alert(1)", "address"),
        ("address", "//[broken", "address"),
    ],
)
def test_what_is_too_long_or_no_address_is_refused(kind: TextKind, typed: str, code: str) -> None:
    with pytest.raises(AnswerRefused) as refused:
        read_text(kind, typed)
    assert refused.value.code == code
    assert refusal_text(code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ask pat@ashworth.example", "email"),
        ("01242 555 123", "number"),
        ("+44 (0)1242-555123", "number"),
        ("GL50 1TR", "postcode"),
        ("D02 AF30", "postcode"),
        ("as for Mrs Holloway", "name"),
    ],
)
def test_what_may_be_a_customers_is_refused(text: str, code: str) -> None:
    with pytest.raises(AnswerRefused) as refused:
        require_impersonal(text)
    assert refused.value.code == code
    assert refusal_text(code)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Third-Party Reference, under Other details",
        "Customer ID, Customer Name, Address Line 1, Address Line 2, Postcode, Mobile",
        "/customers/customer_list/{n}/view_v2/property/view",
        "40",
    ],
)
def test_what_describes_commusoft_is_taken(text: str) -> None:
    require_impersonal(text)


def test_the_report_has_every_question_and_says_which_are_open() -> None:
    answers = {"label_customer": Answer("other", "Account code"), "shared": Answer("kinds")}
    text = report(
        answers, {"api_reading": ["API type W."]}, "1.2", datetime(2026, 11, 30, tzinfo=UTC)
    )
    assert all(f"[{name}]" in text for name in QUESTIONS)
    assert "Something else: Account code" in text
    assert "Only a customer and a supplier" in text
    assert "crmlink: API type W." in text
    assert text.count("(open)") == len(QUESTIONS) - 3
    assert f"3 of {len(QUESTIONS)}" in text


def test_every_question_can_be_answered_and_has_an_id_of_its_own() -> None:
    questions = [question for part in PARTS for question in part.questions]
    assert len({question.id for question in questions}) == len(questions)
    for question in questions:
        assert "" not in question.choices
        assert (question.text == "none") == (question.asks == "")
