"""Every kind of bad input ends in words: accepted, accepted with warnings, rows in quarantine with
a code, or the load refused. Never a traceback, a half-entered load or a lost row; and what stands
beside it, or was there before, is untouched.

Real DuckDB homes and hand-written bytes, without Dagster. Readers alone are tested in unit tests.
"""

from __future__ import annotations

import dataclasses
import io
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from landing_support import (
    NUMBER,
    PRC,
    SEARCH,
    STREET,
    Bench,
    csv_bytes,
    encrypted,
    prc,
    prc_rows,
    search_rows,
    street,
    street_rows,
    zip_bytes,
)

from orchestration import landing
from orchestration.landing import LandingError
from orchestration.load import LoadOutcome
from orchestration.settings import SettingsError, load_settings

NAME = "2021-04-west-midlands-street.csv"
YEAR = "prc-pfa-2020-21.csv"
OUTCOMES = {"entered", "entered_with_warnings", "refused", "unrecognised", "replay"}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A home in which a month of street crime and a year of recorded crime have entered."""
    bench = Bench(tmp_path_factory.mktemp("before"))
    bench.put("2021-03-west-midlands-street.csv", street("2021-03"))
    bench.put("prc-pfa-2019-20.csv", prc("2019/20"))
    assert {o.outcome for o in bench.load().values()} <= {"entered", "entered_with_warnings"}
    bench.clear()
    return bench


@pytest.fixture
def bench(before: Bench, tmp_path: Path) -> Bench:
    return Bench(tmp_path).copy_from(before)


@dataclass
class Want:
    """What is expected of one file: outcome, reason code, words, counts, rules of its rows."""

    outcome: str
    code: str | None = None
    words: tuple[str, ...] = ()
    read: int = 0
    entered: int = 0
    rules: tuple[str, ...] = ()
    values: tuple[str | None, ...] = field(default=())


@dataclass
class Case:
    id: str
    files: dict[str, bytes]
    want: dict[str, Want]


def changed(rows: list[list[str]], at: int, column: int, value: str) -> list[list[str]]:
    """Rows with one value replaced."""
    rows = [list(r) for r in rows]
    rows[at][column] = value
    return rows


def lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")[:-1]


def workbook(rows: list[list[object]], sheet: str = "2020-21") -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


GOOD = street("2021-04")
ROWS = street_rows("2021-04")
YEAR_ROWS = prc_rows("2020/21")
WHOLE_STREET = Want("entered", read=14, entered=14)


def one(id: str, name: str, data: bytes, want: Want) -> Case:
    return Case(id, {name: data}, {name: want})


def refused(code: str, *words: str, read: int = 0, rules: tuple[str, ...] = ()) -> Want:
    return Want("refused", code, words, read, 0, rules)


def warned(
    code: str | None,
    *words: str,
    read: int = 14,
    entered: int = 14,
    rules: tuple[str, ...] = (),
    values: tuple[str | None, ...] = (),
) -> Want:
    return Want("entered_with_warnings", code, words, read, entered, rules, values)


def without(column: int) -> bytes:
    return csv_bytes(
        STREET[:column] + STREET[column + 1 :], [r[:column] + r[column + 1 :] for r in ROWS]
    )


CASES = [
    # ---- nobody's files
    Case(
        "unrecognised",
        {
            "README.md": b"# About these files\n",
            "schema/360-giving-package-schema.json": b'{"$schema": "x", "type": "object"}',
            "weather/rain_by_hour.csv": b"hour,millimetres\n1,0.4\n",
            "notes.csv": b"",
            "empty_archive.zip": zip_bytes([]),
            "pictures.zip": zip_bytes([("a/b.png", b"\x89PNG...")]),
        },
        {
            "README.md": Want("unrecognised", "unrecognised", ("text document",)),
            "schema/360-giving-package-schema.json": Want("unrecognised", None, ("schema",)),
            "weather/rain_by_hour.csv": Want("unrecognised", None, ("neither its name",)),
            "notes.csv": Want("unrecognised", None, ("empty",)),
            "empty_archive.zip": Want("unrecognised", None, ("no files",)),
            "pictures.zip": Want("unrecognised", None, ("nothing in the archive",)),
        },
    ),
    # ---- not whole
    one("empty file", NAME, b"", refused("empty_file", NAME, "send it again")),
    one("only line ends", NAME, b"\n\r\n\n", refused("empty_file", "nothing but line ends")),
    one(
        "header and no rows",
        NAME,
        csv_bytes(STREET, []),
        refused("police_uk.street.rows.none", "no row of this file can enter"),
    ),
    one(
        "truncated zip",
        "archive.zip",
        zip_bytes([(NAME, GOOD)])[:-60],
        refused("archive_unreadable", "cut short", "sent again"),
    ),
    one("not a zip", "archive.zip", b"PK but not really", refused("archive_unreadable", "damaged")),
    one(
        "cut in the middle of a row",
        NAME,
        GOOD[: -len(lines(GOOD)[-1]) + 20],
        warned(
            None,
            "1 row went to quarantine",
            entered=13,
            rules=("police_uk.street.row.too_few_fields",),
        ),
    ),
    # ---- header
    one("wrong header", NAME, b"a,b,c\n1,2,3\n", refused("wrong_header", NAME)),
    one("no header", NAME, csv_bytes(ROWS[0], ROWS[1:]), refused("wrong_header", NAME)),
    one(
        "another table's header",
        NAME,
        prc("2020/21"),
        refused("wrong_header", "home_office/prc", "correct the name"),
    ),
    one(
        "renamed column",
        NAME,
        csv_bytes([*STREET[:9], "Offence category", *STREET[10:]], ROWS),
        refused("wrong_header", "'Crime type'", "'Offence category'"),
    ),
    one(
        "extra column",
        NAME,
        csv_bytes([*STREET, "Beat"], [[*r, "7"] for r in ROWS]),
        refused("wrong_header", "not known: 'Beat'"),
    ),
    one("missing column", NAME, without(7), refused("wrong_header", "missing: 'LSOA code'")),
    one(
        "a column twice",
        NAME,
        csv_bytes([*STREET, "Month"], [[*r, r[1]] for r in ROWS]),
        refused("wrong_header", "given twice: 'Month'"),
    ),
    one(
        "columns in another order, spelt otherwise",
        NAME,
        csv_bytes([t.upper() for t in STREET[::-1]], [r[::-1] for r in ROWS]),
        warned("title_spelling", "spelt differently", "another order"),
    ),
    one(
        "semicolons",
        NAME,
        GOOD.replace(b",", b";"),
        refused("wrong_header", "semicolons", "save it with commas"),
    ),
    one("utf-16", NAME, GOOD.decode().encode("utf-16"), refused("not_text", "UTF-16", "UTF-8")),
    # ---- what the name says
    one(
        "month differs from the name",
        "2021-05-west-midlands-street.csv",
        GOOD,
        refused(
            "police_uk.street.period.not_as_stated",
            "2021-04",
            "the file name says 2021-05",
            read=14,
        ),
    ),
    one(
        "force differs from the name",
        "2021-04-merseyside-street.csv",
        GOOD,
        refused("police_uk.street.force.not_as_stated", "merseyside", read=14),
    ),
    one(
        "a force that is none, in the name",
        "2021-04-atlantis-street.csv",
        GOOD,
        refused("unknown_force", "'atlantis'", "correct the name"),
    ),
    one("a name that says nothing", "crimes.csv", GOOD, refused("bad_file_name", "YYYY-MM")),
    one("month 13", "2021-13-west-midlands-street.csv", GOOD, refused("bad_file_name", "13")),
    one(
        "year differs from the name",
        YEAR,
        prc("2021/22"),
        refused("home_office.prc.period.not_as_stated", "2021/22", "2020/21", read=12),
    ),
    one(
        "a future month",
        "2031-01-west-midlands-street.csv",
        street("2031-01"),
        refused(
            "police_uk.street.rows.none",
            "14 set aside",
            read=14,
            rules=("police_uk.street.month.in_the_future",),
        ),
    ),
    one(
        "a search in the future",
        "2021-04-west-midlands-stop-and-search.csv",
        csv_bytes(SEARCH, changed(search_rows(), 3, 1, "2031-04-01T10:00:00+00:00")),
        warned(
            None,
            read=12,
            entered=11,
            rules=("police_uk.stop_and_search.date.in_the_future",),
        ),
    ),
    # ---- doubled
    one(
        "doubled",
        NAME,
        csv_bytes(STREET, ROWS + ROWS),
        refused("police_uk.street.rows.doubled", "twice (28 rows)", read=28),
    ),
    one(
        "doubled line by line",
        NAME,
        csv_bytes(STREET, [r for r in ROWS for _ in "ab"]),
        refused("police_uk.street.rows.doubled", read=28),
    ),
    one(
        "doubled with its header",
        NAME,
        GOOD + GOOD,
        refused(
            "police_uk.street.rows.doubled",
            read=29,
            rules=tuple(
                f"police_uk.street.{rule}"
                for rule in (
                    "crime_id.bad_format",
                    "crime_type.not_in_code_list",
                    "falls_within.not_in_code_list",
                    "latitude.not_a_number",
                    "longitude.not_a_number",
                    "lsoa_code.bad_format",
                    "month.bad_format",
                    "month.in_the_future",
                    "reported_by.not_in_code_list",
                )
            ),
        ),
    ),
    one(
        "doubled recorded crime",
        YEAR,
        csv_bytes(PRC, YEAR_ROWS + YEAR_ROWS),
        refused(
            "home_office.prc.rows.doubled",
            read=24,
            rules=("home_office.prc.row.repeated_row",),
        ),
    ),
    # ---- bytes
    one(
        "latin-1",
        NAME,
        csv_bytes(STREET, changed(ROWS, 2, 6, "On or near Café Straße"), encoding="latin-1"),
        warned("encoding", "Windows-1252"),
    ),
    one(
        "bytes that are no text",
        NAME,
        GOOD.replace(b"Street 3", b"Stra\x81e 3"),
        warned("encoding", entered=13, rules=("police_uk.street.row.not_text",)),
    ),
    one("bom", NAME, b"\xef\xbb\xbf" + GOOD, WHOLE_STREET),
    one("crlf", NAME, csv_bytes(STREET, ROWS, "\r\n"), WHOLE_STREET),
    one("cr", NAME, csv_bytes(STREET, ROWS, "\r"), WHOLE_STREET),
    one("mixed line ends", NAME, GOOD.replace(b"\n", b"\r\n", 6), WHOLE_STREET),
    one("bom and crlf", NAME, b"\xef\xbb\xbf" + csv_bytes(STREET, ROWS, "\r\n"), WHOLE_STREET),
    one("no line end at the end", NAME, GOOD.rstrip(b"\n"), WHOLE_STREET),
    one("blank lines", NAME, GOOD.replace(b"\n", b"\n\n", 5) + b"\n\n", WHOLE_STREET),
    one(
        "quoted newlines",
        NAME,
        csv_bytes(STREET, changed(ROWS, 4, 6, 'On or near\nthe "Old" Mill,\r\nnorth')),
        WHOLE_STREET,
    ),
    one(
        "a quotation mark never closed",
        NAME,
        GOOD.replace(b"On or near Street 5", b'"On or near Street 5'),
        refused("unterminated_quote", "line 7", "send the file again"),
    ),
    one(
        "NUL bytes",
        NAME,
        GOOD.replace(b"Street 3", b"Stre\0t 3"),
        warned(
            None,
            entered=13,
            rules=("police_uk.street.row.not_text",),
        ),
    ),
    one(
        "quotes, semicolons and SQL in a value",
        NAME,
        csv_bytes(STREET, changed(ROWS, 4, 6, "x'; drop table raw.police_uk__street; --\"")),
        WHOLE_STREET,
    ),
    one(
        "a very long line",
        NAME,
        csv_bytes(STREET, changed(ROWS, 4, 6, "x" * 3_000_000)),
        WHOLE_STREET,
    ),
    # ---- rows
    one(
        "a field too many",
        NAME,
        GOOD.replace(b"Street 6,", b"Street 6,extra,"),
        warned(
            None,
            entered=13,
            rules=("police_uk.street.row.too_many_fields",),
        ),
    ),
    one(
        "empty fields too many at the end of a row",
        NAME,
        GOOD.replace(b"Under investigation,\n", b"Under investigation,,,\n", 1),
        warned(
            None,
            entered=13,
            rules=("police_uk.street.row.too_many_fields",),
        ),
    ),
    one(
        "a field too few",
        NAME,
        GOOD.replace(b"Street 6,E01008881,", b"Street 6,"),
        warned(
            None,
            entered=13,
            rules=("police_uk.street.row.too_few_fields",),
        ),
    ),
    one(
        "thousands separators",
        YEAR,
        csv_bytes(PRC, changed(changed(YEAR_ROWS, 0, 7, "1,234"), 1, 7, " 12,345,678 ")),
        Want(
            "entered_with_warnings",
            None,
            (),
            12,
            11,
            ("home_office.prc.number_of_offences.out_of_range",),
            (" 12,345,678 ",),
        ),
    ),
    one(
        "a comma that is no thousands separator",
        YEAR,
        csv_bytes(PRC, changed(YEAR_ROWS, 0, 7, "1,5")),
        Want(
            "entered_with_warnings",
            None,
            (),
            12,
            11,
            ("home_office.prc.number_of_offences.not_a_number",),
            ("1,5",),
        ),
    ),
    one(
        "counts: negative, far too large, a word, a fraction, none",
        YEAR,
        csv_bytes(
            PRC,
            [
                [*row[:7], count]
                for row, count in zip(
                    YEAR_ROWS,
                    ["-3", "-200000", "9" * 30, "many", "2.5", "", *"123456"],
                    strict=True,
                )
            ],
        ),
        Want(
            "entered_with_warnings",
            None,
            (),
            12,
            7,
            (
                "home_office.prc.number_of_offences.missing",
                "home_office.prc.number_of_offences.not_a_number",
                "home_office.prc.number_of_offences.out_of_range",
            ),
        ),
    ),
    one(
        "an unknown offence code",
        YEAR,
        csv_bytes(PRC, changed(YEAR_ROWS, 0, 6, "999Z")),
        Want(
            "entered_with_warnings",
            None,
            ("1 row went to quarantine",),
            12,
            11,
            ("home_office.prc.offence_code.not_in_code_list",),
            ("999Z",),
        ),
    ),
    one(
        "bodies that are no forces",
        YEAR,
        csv_bytes(PRC, changed(changed(YEAR_ROWS, 0, 2, "CIFAS"), 1, 2, "Cifas")),
        Want("entered_with_warnings", None, (), 12, 12),
    ),
    one(
        "a force that is none",
        YEAR,
        csv_bytes(PRC, changed(YEAR_ROWS, 0, 2, "Atlantis")),
        Want(
            "entered_with_warnings",
            None,
            (),
            12,
            11,
            ("home_office.prc.force_name.not_in_code_list",),
            ("Atlantis",),
        ),
    ),
    one(
        "a key repeated, and one that contradicts itself",
        YEAR,
        csv_bytes(PRC, [*YEAR_ROWS, YEAR_ROWS[0], [*YEAR_ROWS[1][:7], "77"]]),
        Want(
            "entered_with_warnings",
            None,
            (),
            14,
            11,
            ("home_office.prc.row.conflicting_key", "home_office.prc.row.repeated_row"),
        ),
    ),
    one(
        "most rows bad",
        NAME,
        csv_bytes(STREET, [[*r[:9], "Piracy", *r[10:]] for r in ROWS[:8]] + ROWS[8:]),
        refused(
            "police_uk.street.rows.mostly_quarantined",
            "8 of 14",
            read=14,
            rules=("police_uk.street.crime_type.not_in_code_list",),
        ),
    ),
    # ---- workbooks
    one(
        "a workbook with a shifted header",
        "prc-pfa-2020-21.xlsx",
        workbook(
            [["Police recorded crime"], [], ["", "as of July"], ["", "", *PRC]]
            + [["", "", *r[:7], int(r[7])] for r in YEAR_ROWS]
        ),
        Want("entered_with_warnings", None, (), 12, 12),
    ),
    one(
        "a workbook without its table",
        "prc-pfa-2020-21.xlsx",
        workbook([["Police recorded crime"], ["nothing", "of the", "kind"]]),
        refused("wrong_header", "none of its sheets"),
    ),
    one(
        "a workbook cut short",
        "prc-pfa-2020-21.xlsx",
        workbook([PRC, *YEAR_ROWS])[:3000],
        refused("unreadable_workbook", "cannot be opened"),
    ),
    one(
        "a workbook that is text",
        "prc-pfa-2020-21.xlsx",
        prc("2020/21"),
        refused("unreadable_workbook", "cannot be opened"),
    ),
    # ---- archives
    Case(
        "an empty member beside a good one",
        {
            "a.zip": zip_bytes(
                [(f"2021-04/{NAME}", GOOD), ("2021-05/2021-05-west-midlands-street.csv", b"")]
            )
        },
        {
            f"a.zip:2021-04/{NAME}": WHOLE_STREET,
            "a.zip:2021-05/2021-05-west-midlands-street.csv": refused("empty_file", "0 bytes"),
        },
    ),
    Case(
        "an encrypted member beside a good one",
        {
            "a.zip": encrypted(
                zip_bytes([(NAME, GOOD), ("2021-05-west-midlands-street.csv", street("2021-05"))]),
                "2021-05-west-midlands-street.csv",
            )
        },
        {
            f"a.zip:{NAME}": WHOLE_STREET,
            "a.zip:2021-05-west-midlands-street.csv": refused(
                "archive_encrypted", "encrypted", "send it unencrypted"
            ),
        },
    ),
    Case(
        "a zip bomb beside a good one",
        {
            "a.zip": zip_bytes(
                [(NAME, GOOD), ("2021-05-west-midlands-street.csv", b"0" * 12_000_000)]
            )
        },
        {
            f"a.zip:{NAME}": WHOLE_STREET,
            "a.zip:2021-05-west-midlands-street.csv": refused("archive_suspicious", "zip bomb"),
        },
    ),
    Case(
        "a member that is damaged beside a good one",
        {
            "a.zip": (lambda whole, at: whole[: at + 90] + b"\xff" * 40 + whole[at + 130 :])(
                *(lambda z: (z, z.find(b"2021-05-west")))(
                    zip_bytes(
                        [(NAME, GOOD), ("2021-05-west-midlands-street.csv", street("2021-05"))]
                    )
                )
            )
        },
        {
            f"a.zip:{NAME}": WHOLE_STREET,
            "a.zip:2021-05-west-midlands-street.csv": refused(
                "archive_member_unreadable", "cannot be unpacked", "sent again"
            ),
        },
    ),
    Case(
        "one name twice in an archive",
        {"a.zip": zip_bytes([(NAME, GOOD), (NAME, street("2021-04", n=15))])},
        {"a.zip": refused("archive_ambiguous", NAME, "twice")},
    ),
    Case(
        "names that lead out of the archive",
        {"a.zip": zip_bytes([(f"../../../{NAME}", GOOD), ("/etc/2021-05-x-street.csv", b"")])},
        {
            f"a.zip:../../../{NAME}": WHOLE_STREET,
            "a.zip:/etc/2021-05-x-street.csv": refused("empty_file"),
        },
    ),
    one(
        "an archive in an archive",
        "a.zip",
        zip_bytes([("b.zip", zip_bytes([(NAME, GOOD)]))]),
        Want("unrecognised", None, ("nothing in the archive",)),
    ),
    # ---- names
    Case(
        "odd names",
        {
            f'it\'s; drop table ledger.load;--/a "b" [c]*?/ü {"n" * 60}/{NAME}': GOOD,
            "'); drop schema raw cascade; --.zip": zip_bytes(
                [("o'clock/2021-05-west-midlands-street.csv", street("2021-05"))]
            ),
            "x.csv/y.zip/2021-06-west-midlands-street.csv": street("2021-06"),
        },
        {
            f'it\'s; drop table ledger.load;--/a "b" [c]*?/ü {"n" * 60}/{NAME}': WHOLE_STREET,
            "'); drop schema raw cascade; --.zip:o'clock/2021-05-west-midlands-street.csv": (
                WHOLE_STREET
            ),
            "x.csv/y.zip/2021-06-west-midlands-street.csv": WHOLE_STREET,
        },
    ),
]


def check(bench: Bench, name: str, o: LoadOutcome, want: Want) -> None:
    """One file became what was expected of it, here and in the ledger."""
    what = f"{name}: {o.outcome}, {o.reason_code}: {o.reason}"
    assert o.outcome == want.outcome, what
    assert want.code is None or o.reason_code == want.code, what
    for words in want.words:
        assert words in (o.reason or ""), what
    if o.outcome in ("refused", "unrecognised"):
        assert o.reason and "Traceback" not in o.reason, what
    if o.outcome == "unrecognised":
        return
    assert (o.row_count_read, o.row_count_entered) == (want.read, want.entered), what
    assert o.row_count_read == o.row_count_entered + o.row_count_quarantined
    failures = bench.quarantined(o.load_id)
    rules = tuple(sorted({r[1] for r in failures if not r[1].endswith("load.refused")}))
    assert rules == want.rules, what
    if want.values:
        assert tuple(r[2] for r in failures) == want.values
    recorded = bench.query(
        "select outcome, row_count_read, row_count_entered, row_count_quarantined "
        "from ledger.load where load_id = $1",
        [o.load_id],
    )
    assert recorded == [(o.outcome, o.row_count_read, o.row_count_entered, o.row_count_quarantined)]


def check_all(bench: Bench, case_files: set[str], load: Callable[[], dict]) -> dict:
    """Load what was put in the landing, with good files beside it; what holds whatever it is."""
    old = [r[0] for r in bench.query("select load_id from ledger.load")]
    untouched = bench.fingerprints()
    bench.put("2020-12-west-midlands-street.csv", street("2020-12"))

    outcomes = load()

    assert bench.problems() == []
    assert {o.outcome for o in outcomes.values()} <= OUTCOMES
    # What was there before is there still, byte for byte; what came with it has entered.
    assert bench.fingerprints(old) == untouched
    assert outcomes.pop("2020-12-west-midlands-street.csv").outcome == "entered"
    # Every attempt is in the ledger, under the name the file came with.
    attempts = {r[0] for r in bench.query("select distinct file_name from ledger.attempt")}
    assert case_files <= attempts
    return outcomes


def is_replayed(bench: Bench) -> bool:
    """The same landing again changes nothing at all."""
    everything = bench.fingerprints()
    again = bench.load()
    return {o.outcome for o in again.values()} == {"replay"} and (
        bench.fingerprints() == everything
    )


def moved(case: Case, number: int) -> Case:
    """The same case in a month, or a year, of its own, so that all can lie in one landing."""
    month = f"{2011 + number // 12}-{1 + number % 12:02d}"
    year = 2040 + number
    swaps = {
        "2021-04": month,
        "2020/21": f"{year}/{(year + 1) % 100:02d}",
        "2020-21": f"{year}-{(year + 1) % 100:02d}",
    }

    def swap(text: str) -> str:
        for old, new in swaps.items():
            text = text.replace(old, new)
        return text

    ((name, data),) = case.files.items()
    want = case.want[name]
    for old, new in swaps.items():
        data = data.replace(old.encode(), new.encode())
    want = dataclasses.replace(want, words=tuple(swap(w) for w in want.words))
    return Case(case.id, {swap(name): data}, {swap(name): want})


TOGETHER = [
    moved(case, number)
    for number, case in enumerate(
        c for c in CASES if set(c.files) in ({NAME}, {YEAR}) and c.id != "utf-16"
    )
]
ALONE = [c for c in CASES if c.id not in {t.id for t in TOGETHER}]


@pytest.fixture(scope="module")
def together(before: Bench, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, dict]:
    """Dozens of bad files in one landing, loaded at once."""
    bench = Bench(tmp_path_factory.mktemp("together")).copy_from(before)
    files = {name: data for case in TOGETHER for name, data in case.files.items()}
    assert len(files) == len(TOGETHER) > 40
    for name, data in files.items():
        bench.put(name, data)
    outcomes = check_all(bench, set(files), bench.load)
    assert set(outcomes) == set(files)
    return bench, outcomes


@pytest.mark.parametrize("case", TOGETHER, ids=lambda c: c.id)
def test_a_bad_file_among_many_ends_in_words(together: tuple[Bench, dict], case: Case):
    bench, outcomes = together
    for name, want in case.want.items():
        check(bench, name, outcomes[name], want)


def test_many_bad_files_again_change_nothing(together: tuple[Bench, dict]):
    assert is_replayed(together[0])


@pytest.mark.parametrize("case", ALONE, ids=lambda c: c.id)
def test_bad_input_ends_in_words_and_harms_nothing(bench: Bench, case: Case):
    for name, data in case.files.items():
        bench.put(name, data)
    outcomes = check_all(bench, set(case.files), bench.load)
    # A sheet is named after its file.
    named = {(k if k in case.want else k.partition(":")[0]): o for k, o in outcomes.items()}
    assert set(named) == set(case.want)
    for name, want in case.want.items():
        check(bench, name, named[name], want)
    assert is_replayed(bench)


# ----------------------------------------------------------------------- what the values became


def values_of(together: tuple[Bench, dict], case_id: str, column: str) -> list:
    bench, outcomes = together
    case = next(c for c in TOGETHER if c.id == case_id)
    (name,) = case.files
    o = outcomes[name]
    table = f"raw.{o.source}__{o.table_name}"
    rows = bench.query(
        f"select {NUMBER}, {column} from {table} where _load_id = $1 order by 1", [o.load_id]
    )
    return rows


def test_text_is_kept_as_it_was_sent(together: tuple[Bench, dict]):
    def location(case_id: str, row: int) -> str:
        return dict(values_of(together, case_id, "location"))[row]

    assert location("latin-1", 3) == "On or near Café Straße"
    assert location("quoted newlines", 5) == 'On or near\nthe "Old" Mill,\r\nnorth'
    assert (
        location("quotes, semicolons and SQL in a value", 5)
        == "x'; drop table raw.police_uk__street; --\""
    )
    assert location("a very long line", 5) == "x" * 3_000_000
    first = dict(values_of(together, "bom", "month"))
    assert set(first.values()) == {next(iter(next(c for c in TOGETHER if c.id == "bom").files))[:7]}


def test_rows_keep_the_number_they_have_in_the_file(together: tuple[Bench, dict]):
    for case_id, missing in (
        ("a field too many", 7),
        ("NUL bytes", 4),
        ("bytes that are no text", 4),
        ("cut in the middle of a row", 14),
    ):
        numbers = [n for n, _ in values_of(together, case_id, "month")]
        assert numbers == [n for n in range(1, 15) if n != missing], case_id
    for case_id in ("blank lines", "quoted newlines", "cr", "mixed line ends"):
        numbers = [n for n, _ in values_of(together, case_id, "month")]
        assert numbers == list(range(1, 15)), case_id


def test_counts_are_read_as_they_are_meant(together: tuple[Bench, dict]):
    assert dict(values_of(together, "thousands separators", "number_of_offences"))[1] == 1234
    counts = dict(
        values_of(
            together,
            "counts: negative, far too large, a word, a fraction, none",
            "number_of_offences",
        )
    )
    assert counts == {1: -3, 7: 1, 8: 2, 9: 3, 10: 4, 11: 5, 12: 6}


def test_both_spellings_of_a_body_stay(together: tuple[Bench, dict]):
    names = [v for _, v in values_of(together, "bodies that are no forces", "force_name")]
    assert names[:2] == ["CIFAS", "Cifas"]


def test_a_key_that_contradicts_itself_is_believed_in_no_row(together: tuple[Bench, dict]):
    bench, outcomes = together
    case = next(c for c in TOGETHER if c.id.startswith("a key repeated"))
    (name,) = case.files
    rows = [
        (n, rule.rpartition(".")[2]) for n, rule, _ in bench.quarantined(outcomes[name].load_id)
    ]
    assert rows == [(2, "conflicting_key"), (13, "repeated_row"), (14, "conflicting_key")]


# ----------------------------------------------------------------------- the landing itself


def test_a_landing_that_is_missing_or_a_file(tmp_path: Path):
    with pytest.raises(LandingError, match="does not exist; create it"):
        landing.list_landing(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(LandingError, match="is a file, not a folder"):
        landing.list_landing(tmp_path / "file")


def test_folders_links_and_names_of_every_kind(bench: Bench):
    bench.put("good/2021-04-west-midlands-street.csv", GOOD)
    (bench.landing / "x.csv").mkdir()
    (bench.landing / ".hidden").mkdir()
    (bench.landing / ".hidden" / NAME).write_bytes(GOOD)
    (bench.landing / "__MACOSX").mkdir()
    (bench.landing / "__MACOSX" / NAME).write_bytes(GOOD)
    (bench.landing / ".DS_Store").write_bytes(b"x")
    (bench.landing / "loop.csv").symlink_to("loop.csv")
    (bench.landing / "nothing.csv").symlink_to("not-there.csv")
    (bench.landing / "good" / "back").symlink_to(bench.landing)
    os.mkfifo(bench.landing / "pipe.csv")
    elsewhere = bench.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "2021-05-west-midlands-street.csv").write_bytes(street("2021-05"))
    (bench.landing / "linked").symlink_to(elsewhere)
    odd = os.fsencode(bench.landing) + b"/caf\xe9-2021.csv"
    Path(os.fsdecode(odd)).write_bytes(b"a,b\n1,2\n")

    outcomes = bench.load()

    assert {k: o.outcome for k, o in outcomes.items()} == {
        "good/2021-04-west-midlands-street.csv": "entered",
        "linked/2021-05-west-midlands-street.csv": "entered",
        "caf\\xe9-2021.csv": "unrecognised",
    }
    assert bench.problems() == []
    assert is_replayed(bench)


def test_a_file_that_cannot_be_read_keeps_no_other_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    """Permissions do not bind root, so the refusal of the operating system is put on."""
    bench.put(NAME, GOOD)
    closed = bench.put("2021-05-west-midlands-street.csv", street("2021-05"))
    opened = Path.open

    def refuse(path: Path, *args, **kwargs):
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        outcomes = bench.load()
    assert outcomes[NAME].outcome == "entered"
    o = outcomes["2021-05-west-midlands-street.csv"]
    assert (o.outcome, o.reason_code) == ("refused", "unreadable_file")
    assert "Permission denied" in (o.reason or "")
    # Once it can be read it enters: the refusal was of that moment only.
    assert bench.load()["2021-05-west-midlands-street.csv"].outcome == "entered"
    assert bench.problems() == []


@pytest.mark.parametrize("how", ["changes", "goes away", "is a zip that changes"])
def test_a_file_that_does_not_stay_as_it_was(bench: Bench, how: str):
    name = "a.zip" if "zip" in how else NAME
    path = bench.put(name, zip_bytes([(NAME, GOOD)]) if "zip" in how else GOOD)
    bench.put("2020-12-west-midlands-street.csv", street("2020-12"))
    files = landing.list_landing(bench.landing)
    if how == "goes away":
        path.unlink()
    else:
        longer = street("2021-04", n=15)
        bench.put(name, zip_bytes([(NAME, longer)]) if "zip" in how else longer)

    outcomes = bench.load(files=files)

    o = outcomes[name]
    assert (o.outcome, o.reason_code) == ("refused", "changed_while_read")
    assert "run again" in (o.reason or "")
    assert outcomes["2020-12-west-midlands-street.csv"].outcome == "entered"
    assert bench.problems() == []
    again = bench.load()
    if how == "goes away":
        assert name not in again
    else:
        entered = again[name if "zip" not in how else f"a.zip:{NAME}"]
        assert (entered.outcome, entered.row_count_entered) == ("entered", 15)


def test_a_zip_that_goes_away_is_not_called_damaged(bench: Bench):
    path = bench.put("a.zip", zip_bytes([(NAME, GOOD)]))
    files = landing.list_landing(bench.landing)
    data = path.read_bytes()
    path.unlink()
    assert bench.load(files=files)["a.zip"].reason_code == "changed_while_read"
    bench.put("a.zip", data)
    assert bench.load()[f"a.zip:{NAME}"].outcome == "entered"


def test_files_put_in_and_taken_away_while_the_landing_is_listed(bench: Bench):
    """Whatever a listing meets is listed or passed over; it never fails."""
    stop = threading.Event()

    def churn() -> None:
        n = 0
        while not stop.is_set():
            folder = bench.landing / f"d{n % 7}"
            folder.mkdir(exist_ok=True)
            file = folder / f"{n % 5}.csv"
            file.write_bytes(b"a,b\n" * (n % 100))
            if n % 3 == 0:
                file.unlink()
            if n % 11 == 0:
                for p in folder.iterdir():
                    p.unlink()
                folder.rmdir()
            n += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(60):
            assert all(f.problem is None for f in landing.list_landing(bench.landing))
    finally:
        stop.set()
        thread.join()


def test_a_home_with_an_awkward_name(tmp_path: Path):
    """Quotes and wildcards in the home's path are part of a name, never of SQL or of a pattern."""
    folder = tmp_path / 'it\'s [a-c] "home"; * ü'
    bench = Bench(folder)
    bench.put(NAME, GOOD)
    bench.put("2021-05-west-midlands-street.csv", street("2021-05"))
    bench.put("b.zip", zip_bytes([("2021-06-west-midlands-street.csv", street("2021-06"))]))
    assert {o.outcome for o in bench.load().values()} == {"entered"}
    assert bench.problems() == []


def test_raw_copies_are_the_files_themselves(bench: Bench):
    import hashlib

    archive = zip_bytes([("2021-05-west-midlands-street.csv", street("2021-05"))])
    bench.put(NAME, GOOD)
    bench.put("a.zip", archive)
    bench.load()
    for data in (GOOD, archive):
        path = landing.raw_path(bench.settings, hashlib.sha256(data).hexdigest())
        assert path.read_bytes() == data
        assert path.stat().st_mode & 0o222 == 0
    assert not list(bench.settings.raw_dir.glob("*/.*")), "no unfinished copies stay behind"
    assert not list((bench.settings.work_dir / "members").iterdir())


def test_a_home_that_duckdb_cannot_open_is_refused_at_once(tmp_path: Path):
    with pytest.raises(SettingsError, match="question mark; name another folder"):
        load_settings(home=tmp_path / "what?")
