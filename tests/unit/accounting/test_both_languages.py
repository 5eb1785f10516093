"""The Python and the JavaScript half agree on addresses that no one wrote down."""

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink.accounting.locate import cautions, locate
from crmlink.accounting.rule_loading import RULE_FILE, load_packages
from unit.accounting.vectors import address_entries

GUID = "8275f116-6419-4b82-889a-f41dcc1d6186"
PACKAGES = load_packages()
SEEDS = sorted({entry["url"] for entry in address_entries()})
KNOWN = sorted({entry["url"] for entry in address_entries() if entry["package"]})
PIECES = [
    "/", "//", "\\", ".", "..", "/../", "/./", "%2e%2e", "%2F", "%5C", "%00", "%0A", "%", "%zz",
    "%25", "%C3%A9", "%E9", "%ED%A0%80", "?", "&", "=", "#", "#/", ";", ":", ":443", ":0443",
    ":8443", "@", "user@", " ", "+", "\t", "\n", "\r", "\x00", "\x7f", "\x85", "\u00a0", "\u00ad",
    "\u200b", "\u3002", "\uff0f", "\uff10", "\u0430", "\u212a", "\u017f", "\u0130", "\u0131",
    "\u00df", "\ufeff", "\U0001f600", "\ud800", "xn--", "0", "00000", "27825", "contactID=",
    "nameId=58", "&NAMEID=59", "companyId=1", "redirecturl=", "{", "}", "!", "!kR4N6", "new",
    "edit", "invoice",
    GUID, GUID.upper(), "https://", "http://", "go.xero.com", "evil.example",
]  # fmt: skip


@pytest.fixture(scope="module")
def other_half() -> Iterator["subprocess.Popen[str]"]:
    script = Path(__file__).with_name("locate_lines.mjs")
    with subprocess.Popen(
        ["node", str(script), str(RULE_FILE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def mutated(url: str, rng: random.Random) -> str:
    """The address with a few small changes, wherever they fall."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at, other = rng.randint(0, len(url)), rng.randint(0, len(url))
        match rng.randrange(6):
            case 0 | 1:
                url = url[:at] + rng.choice(PIECES) + url[at:]
            case 2:
                url = url[:at] + url[at + rng.randint(1, 3) :]
            case 3:
                url = url[:at] + url[at : at + 8].swapcase() + url[at + 8 :]
            case 4:
                letter = url[at : at + 1].encode("utf-8", "replace")
                url = url[:at] + "".join(f"%{byte:02x}" for byte in letter) + url[at + 1 :]
            case _:
                other_seed = rng.choice(SEEDS)
                url = url[:at] + other_seed[min(at, len(other_seed), other) :]
    return url


def ask(process: "subprocess.Popen[str]", urls: list[str]) -> list[tuple[object, object]]:
    assert process.stdin
    assert process.stdout
    answers = []
    for start in range(0, len(urls), 20):  # small enough for the pipes to hold both ways
        batch = urls[start : start + 20]
        process.stdin.write("".join(json.dumps(url) + "\n" for url in batch))
        process.stdin.flush()
        answers += [tuple(json.loads(process.stdout.readline())) for _ in batch]
    return answers


def compare(process: "subprocess.Popen[str]", urls: list[str]) -> int:
    """Fails where the halves differ; how many of the addresses meant something."""
    meant = 0
    for url, (there, there_said) in zip(urls, ask(process, urls), strict=True):
        here = locate(url, PACKAGES)
        assert here.as_dict() == there, ascii(url)
        assert cautions(here, PACKAGES) == there_said, ascii(url)
        meant += here.package is not None
    return meant


def test_both_halves_agree_on_thousands_of_changed_addresses(
    other_half: "subprocess.Popen[str]",
) -> None:
    rng = random.Random(20260723)
    urls = [mutated(rng.choice(rng.choice([SEEDS, KNOWN, KNOWN])), rng) for _ in range(6000)]
    meant = compare(other_half, urls)
    assert meant > 500, "too few of the changed addresses still mean something to compare much"


@given(
    seeds=st.lists(
        st.tuples(st.sampled_from(SEEDS), st.randoms(use_true_random=False)),
        min_size=10,
        max_size=20,
    ),
    text=st.text(max_size=60),
)
def test_both_halves_agree_on_whatever_hypothesis_finds(
    other_half: "subprocess.Popen[str]", seeds: list[tuple[str, random.Random]], text: str
) -> None:
    compare(other_half, [mutated(url, rng) for url, rng in seeds] + [text, "https://" + text])


@pytest.mark.parametrize(
    ("url", "means"),
    [
        (f"https://go.xero.com/Contacts/View/{GUID}?x=".ljust(8192, "a"), True),
        (f"https://go.xero.com/Contacts/View/{GUID}?x=".ljust(8193, "a"), False),
        (f"https://go.xero.com/Contacts/View/{GUID}?x=" + "\U0001f600" * 4050, True),
        (f"https://go.xero.com/Contacts/View/{GUID}?x=" + "\U0001f600" * 4100, False),
        ("https://go.xero.com/" + "../" * 2800 + f"Contacts/View/{GUID}", False),
        (f"https://go.xero.com/Contacts/View/{GUID}".rjust(8193), False),
        ("https://go.xero.com/" + "a/" * 500_000, False),
    ],
    ids=["just short enough", "too long", "wide letters", "too many", "dots", "spaces", "huge"],
)
def test_both_halves_refuse_a_long_address_at_the_same_length(
    other_half: "subprocess.Popen[str]", url: str, means: bool
) -> None:
    assert compare(other_half, [url]) == means
