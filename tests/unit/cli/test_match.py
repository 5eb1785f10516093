"""`crmlink match` from the outside."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmlink.cli.match import match_command

HEADER = "id,name,company,address,city,postcode,email,phone\n"
RECORDS = (
    HEADER + "r1,Margaret Holloway,,14 Orchard Close,Cheltenham,GL50 2TR,m.h@postbox.example,"
    "01632 960114; 07700 900114\n"
    "r2,,Greenfield Lettings Ltd,101 High Street,Solihull,B91 3SX,,\n"
    "r3,John Smith,,8 Mill Lane,Ripon,HG4 1AB,,\n"
)


def run(folder: Path, contacts: str | bytes, *options: str, records: str = RECORDS) -> Result:
    (folder / "c.csv").write_bytes(contacts if isinstance(contacts, bytes) else contacts.encode())
    (folder / "r.csv").write_text(records, "utf-8")
    paths = [str(folder / name) for name in ("c.csv", "r.csv")]
    return CliRunner().invoke(match_command, [*paths, "--out", str(folder / "o.csv"), *options])


def answers(folder: Path) -> list[dict[str, str]]:
    with (folder / "o.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_each_contact_gets_ranked_records_with_reasons(tmp_path: Path) -> None:
    contacts = HEADER + "c1,Mrs M Holloway,,,,GL502TR,,07700900114\nc2,,Greenfield Lettings,,,,,\n"
    assert run(tmp_path, contacts, "--top", "1").exit_code == 0
    first, second = answers(tmp_path)
    assert list(first) == ["contact_id", "rank", "record_id", "probability", "sure", "reasons"]
    assert (first["contact_id"], first["rank"], first["record_id"]) == ("c1", "1", "r1")
    assert "same phone; " in first["reasons"]
    assert 0.9 < float(first["probability"]) <= 1
    assert (second["record_id"], second["sure"]) == ("r2", "false")


@pytest.mark.parametrize("broken", ["id,name\n1,x\n", "", "not a list at all"])
def test_a_missing_header_ends_with_exit_code_2_and_names_the_columns(
    tmp_path: Path, broken: str
) -> None:
    result = run(tmp_path, broken)
    assert result.exit_code == 2
    assert "c.csv: these columns are missing" in result.output
    assert not (tmp_path / "o.csv").exists()


def test_a_missing_header_of_the_records_is_named_too(tmp_path: Path) -> None:
    result = run(tmp_path, HEADER, records="id,company\n")
    assert result.exit_code == 2
    assert "r.csv" in result.output


def test_bad_rows_are_named_and_skipped(tmp_path: Path) -> None:
    contacts = (
        HEADER.encode()
        + b"c1,John Smith,,8 Mill Lane,,,,\nc2,too,short\n,No Id,,,,,,\nc1,Again,,,,,,\n"
        + b"c3,Sm\xffth,,,,,,\n\nc4,Margaret Holloway,,,,,,\n"
    )
    result = run(tmp_path, contacts)
    assert result.exit_code == 0
    for complaint in (
        "line 3: 3 values for 8",
        "line 4: no id",
        "line 5: the id c1",
        "line 6: not",
    ):
        assert complaint in result.output
    assert {row["contact_id"] for row in answers(tmp_path)} == {"c1", "c4"}


def test_one_to_one_offers_a_record_first_to_one_contact_only(tmp_path: Path) -> None:
    contacts = HEADER + "c1,John Smith,,,,HG4 1AB,,\nc2,Jon Smith,,,,,,\n"
    assert run(tmp_path, contacts, "--one-to-one").exit_code == 0
    firsts = [row["record_id"] for row in answers(tmp_path) if row["rank"] == "1"]
    assert firsts.count("r3") == 1


def test_empty_lists_give_an_empty_answer(tmp_path: Path) -> None:
    assert run(tmp_path, HEADER, records=HEADER).exit_code == 0
    assert answers(tmp_path) == []


def test_the_same_lists_give_the_same_answer_to_the_letter(tmp_path: Path) -> None:
    contacts = HEADER + "".join(f"c{n},John Smith {n},,,,,,\n" for n in range(30))
    run(tmp_path, contacts)
    once = (tmp_path / "o.csv").read_bytes()
    run(tmp_path, contacts)
    assert (tmp_path / "o.csv").read_bytes() == once


def test_columns_may_stand_in_any_order_with_others_between(tmp_path: Path) -> None:
    header = "\ufeffphone,email,ID,note,name,company,address,city,postcode\n"
    contacts = header + ",,c9,x,John Smith,,,,HG4 1AB\n"
    assert run(tmp_path, contacts).exit_code == 0
    assert answers(tmp_path)[0]["record_id"] == "r3"


def test_of_two_columns_with_one_name_the_first_counts(tmp_path: Path) -> None:
    header = HEADER.replace("\n", ",id\n")
    contacts = header + "c1,Margaret Holloway,,,,GL50 2TR,,,other\n"
    assert run(tmp_path, contacts).exit_code == 0
    assert answers(tmp_path)[0]["contact_id"] == "c1"


@pytest.mark.parametrize("encoding", ["cp1252", "iso8859_14", "utf-16", "utf-8-sig"])
def test_a_plain_list_is_read_in_the_encoding_that_it_has(tmp_path: Path, encoding: str) -> None:
    name = "Llŷr Gŵyn" if encoding != "cp1252" else "José Müller"
    records = f"{HEADER}r1,{name},,8 Mill Lane,Ripon,HG4 1AB,,\n"
    contacts = f"{HEADER}c1,{name},,8 Mill Lane,,HG4 1AB,,\n".encode(encoding)
    result = run(tmp_path, contacts, records=records)
    assert result.output == ""
    assert "same name" in answers(tmp_path)[0]["reasons"]


def test_a_table_with_typed_headings_is_read_by_them_and_says_so(tmp_path: Path) -> None:
    contacts = (
        "Ref No.,Customer / Trading Name,Tel.,Mob,Addr 1,P/Code\n7,Smith John,,,8 Mill Ln,HG4 1AB\n"
    )
    result = run(tmp_path, contacts)
    assert result.exit_code == 0
    assert "name: Customer / Trading Name; " in result.output
    assert (answers(tmp_path)[0]["contact_id"], answers(tmp_path)[0]["record_id"]) == (
        "line 2",
        "r3",
    )
