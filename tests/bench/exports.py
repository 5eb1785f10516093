"""How fast export files are read and what that takes, beside plain readers in the same run.

Each reading has a process of its own, so that its memory is its own. Run as
`PYTHONPATH=tests python -m bench.exports`; it fails when memory grows beyond the goals.
"""

from __future__ import annotations

import csv
import io
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from openpyxl import load_workbook

from crmlink.accounting.exports.reader import RejectedRow, detect_format, read_contacts
from crmlink.accounting.rule_loading import load_packages

ROWS = 100_000
SIZE = 50 * 2**20
GOAL_MB = 60.0  # of growth, for any kind of file
NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SAGE = ["A/C", "Name", *(f"Address Line {n}" for n in range(1, 6)), "Contact Name", "Telephone",
        "E-mail", "Notes"]  # fmt: skip
CUSTOMERS = ["NAME", "BADDR1", "BADDR2", "BADDR3", "PHONE1", "EMAIL", "COMPANYNAME", "NOTE"]


def lines(note: int) -> Iterator[list[str]]:
    """Made-up contacts; `note` signs of something that is not read."""
    draw = random.Random(7)
    for number in range(ROWS):
        yield [
            f"C{number:06d}", f"Firm {number} Plumbing, Ltd", f"{number} High Street\nFlat 2",
            "Charlton Kings", "Cheltenham", "Glos", f"GL{number % 90} {number % 9}AA",
            f"Person {number}", f"01632 {number:06d}", f"person{number}@postbox.example",
            "".join(draw.choices("abcdefgh ", k=note)),
        ]  # fmt: skip


def make_csv(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SAGE)
        writer.writerows(lines(SIZE // ROWS - 150))


def make_iif(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["!CUST", *CUSTOMERS])
        for row in lines(SIZE // ROWS - 150):
            kept = [row[0], row[2].replace("\n", ", "), row[4], row[6], *row[8:10], row[1], row[10]]
            writer.writerow(["CUST", *kept])


def make_xlsx(path: Path) -> None:
    """As Excel writes it, the texts in a table of their own."""
    texts: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in _frame().items():
            book.writestr(name, content)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            begin = f'<worksheet {NS}><dimension ref="A1:K{ROWS + 1}"/><sheetData>'
            sheet.write(begin.encode())
            for number, row in enumerate(_with_header(), 1):
                cells = "".join(
                    f'<c r="{chr(65 + place)}{number}" t="s">'
                    f"<v>{texts.setdefault(text, len(texts))}</v></c>"
                    for place, text in enumerate(row)
                )
                sheet.write(f'<row r="{number}" ht="15" customHeight="1">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        with book.open("xl/sharedStrings.xml", "w") as strings:
            strings.write(f"<sst {NS}>".encode())
            for text in texts:
                strings.write(f"<si><t>{text}</t></si>".encode())
            strings.write(b"</sst>")


def _with_header() -> Iterator[Sequence[str]]:
    yield SAGE
    yield from lines(150)


def _frame() -> dict[str, str]:
    """The parts of a workbook around its one sheet."""
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    kinds = "http://schemas.openxmlformats.org/package/2006"
    parts = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    overrides = {
        "/xl/workbook.xml": f"{main}.sheet.main+xml",
        "/xl/worksheets/sheet1.xml": f"{main}.worksheet+xml",
        "/xl/sharedStrings.xml": f"{main}.sharedStrings+xml",
    }
    types = "".join(
        f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in overrides.items()
    )
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    link = (
        f'<Relationships xmlns="{kinds}/relationships"><Relationship Id="rId1" '
        f'Type="{parts}/{{}}" Target="{{}}"/></Relationships>'
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{kinds}/content-types"><Default Extension="rels" '
        f'ContentType="{relations}"/>{types}</Types>',
        "_rels/.rels": link.format("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook {NS} xmlns:r="{parts}"><sheets><sheet name="Customers" '
        'sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": link.format("worksheet", "worksheets/sheet1.xml"),
    }


def ours(path: Path) -> int:
    packages = load_packages()
    found = detect_format(path, path.name, packages)
    assert found.has_references
    bad = good = 0
    for row in read_contacts(path, found, packages):
        bad += isinstance(row, RejectedRow)
        good += not isinstance(row, RejectedRow)
    assert not bad, f"{bad} bad rows"
    return good


def plain(path: Path) -> int:
    """What Python and openpyxl do by themselves, with nothing made of a row."""
    if path.suffix == ".xlsx":
        book = load_workbook(path, read_only=True, data_only=True)
        return sum(1 for _ in book.worksheets[0].iter_rows(values_only=True)) - 1
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.DictReader(file, delimiter="\t" if "iif" in path.name else ","))


def one(how: str, path: Path) -> None:
    """In a process of its own: rows, seconds of a core, and the most memory above the start."""
    readers: dict[str, Callable[[Path], int]] = {"ours": ours, "plain": plain}
    load_packages()
    _warm_up()
    before = _held()
    started = time.process_time()
    rows = readers[how](path)
    print(rows, time.process_time() - started, max(0.0, _most() - before))


def _warm_up() -> None:
    """Load what reading loads, so that it does not count as what a file takes."""
    packages = load_packages()
    content = io.BytesIO(b"A/C,Name,Address Line 1\nA1,Ann,1 Road\n")
    list(read_contacts(content, detect_format(content, "a.csv", packages), packages))


def _held() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as report:  # noqa: PTH123 - no path, a report
            return int(report.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return _most()


def _most() -> float:
    """The most memory so far; getrusage would count what the parent held when it forked."""
    try:
        with open("/proc/self/status", encoding="ascii") as report:  # noqa: PTH123 - no path
            return next(int(line.split()[1]) for line in report if line.startswith("VmHWM")) / 2**10
    except OSError:
        pass
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for suffix, make in (("csv", make_csv), ("iif", make_iif), ("xlsx", make_xlsx)):
            path = Path(folder) / f"customers.{suffix}"
            make(path)
            size = path.stat().st_size / 2**20
            seconds, grown = {}, {}
            for how in ("plain", "ours"):
                report = subprocess.run(
                    [sys.executable, "-m", "bench.exports", how, str(path)],
                    capture_output=True, text=True, check=True, timeout=600,
                )  # fmt: skip
                rows, seconds[how], grown[how] = (float(each) for each in report.stdout.split())
                assert rows >= ROWS
            speed, ratio = ROWS / seconds["ours"], seconds["ours"] / seconds["plain"]
            print(
                f"{suffix}: {ROWS} rows, {size:.0f} MB: {speed:.0f} rows a second, "
                f"{ratio:.1f} times the plain reader's time; memory grew by "
                f"{grown['ours']:.0f} MB at most, plainly by {grown['plain']:.0f}"
            )
            good = good and grown["ours"] <= GOAL_MB
    if not good:
        sys.exit(f"memory grew by more than {GOAL_MB:.0f} MB")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        one(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
