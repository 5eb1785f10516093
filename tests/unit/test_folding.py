"""Unicode forms: as Unicode defines them, and in time for texts that are nothing but marks."""

import sys
import unicodedata
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink.folding import compose, fold, normal_form, spellings

Form = Literal["NFC", "NFD", "NFKD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD", "NFKD")
MARKS = "a\u00e9\u0301\u0323\u0344\u0345\u0f71\u0f73\u0f81\u3099\uff9e\uff9f\u304b\u05b0 \u200b"


@given(st.text(st.sampled_from(MARKS), max_size=150))
def test_a_text_of_many_marks_has_the_form_of_unicode(text: str) -> None:
    for form in FORMS:
        assert normal_form(form, text) == unicodedata.normalize(form, text)


def test_every_sign_that_may_begin_with_a_mark_is_ordered() -> None:
    for sign in map(chr, range(sys.maxunicode + 1)):
        for form in FORMS:
            formed = unicodedata.normalize(form, sign)
            if unicodedata.combining(formed[0]):
                text = "a" + f"{sign}\u0301\u0323" * 20
                ordered = unicodedata.normalize(form, text)
                assert normal_form(form, text) == ordered


@pytest.mark.parametrize("pair", ["\u0301\u0323", "\u0344\u0345"])
def test_marks_without_end_are_sorted_before_python_sorts_them_by_insertion(
    pair: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    real = unicodedata.normalize

    def normalize(form: Literal["NFC", "NFD", "NFKD"], text: str) -> str:
        given.append(text)
        return real(form, text)

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    name = "Zoe" + pair * 400
    assert fold(compose(name)) == fold(name)
    assert spellings(name)
    moves = [sum(before > after > 0 for before, after in pairwise(map(unicodedata.combining, text)))
             for text in given]  # fmt: skip
    assert max(map(len, given)) >= 400
    assert max(moves) == 0
