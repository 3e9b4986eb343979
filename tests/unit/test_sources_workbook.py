"""Workbooks and Parquet: tables found by content, text as in a CSV, refusals in words."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.sources import registry, workbook
from orchestration.sources.model import Member, Refused, Unrecognised

TITLES = [
    "Financial Year",
    "Financial Quarter",
    "Force Name",
    "Offence Description",
    "Offence Group",
    "Offence Subgroup",
    "Offence Code",
    "Number of Offences",
]
ROW = ["2018/19", 1, "Kent", "Murder", "Violence against the person", "Homicide", 1, 5.0]


def book(path: Path, sheets: dict[str, list[list]], left: int = 0) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for r, row in enumerate(rows, 1):
            for c, value in enumerate(row, 1 + left):
                if value is not None:
                    sheet.cell(r, c, value)
    made.save(path)
    return path


def ods(path: Path, rows: list[list]) -> Path:
    """A spreadsheet in OpenDocument format, as small as one can be."""

    def cell(value) -> str:
        if isinstance(value, int | float):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        text = f"<text:p>{escape(str(value))}</text:p>"
        return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'

    names = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"'
        for short in ("office", "table", "text")
    )
    lines = "".join(
        f"<table:table-row>{''.join(cell(v) for v in row)}</table:table-row>" for row in rows
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names}>'
        '<office:body><office:spreadsheet><table:table table:name="2018-19">'
        f"{lines}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr("content.xml", content)
        manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        made.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{manifest}"/>')
    return path


def rows_of(member: Member, path: Path) -> list[dict]:
    return [r for b in registry.read(member, path) for r in b.rows.to_pylist()]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (-3, "-3"),
        (7.25, "7.25"),
        (None, ""),
        (True, "true"),
        (dt.date(2020, 2, 3), "2020-02-03"),
        (dt.datetime(2020, 2, 3), "2020-02-03"),
        (dt.datetime(2020, 2, 3, 4, 5), "2020-02-03 04:05:00"),
        (" 66,776 ", " 66,776 "),
    ],
)
def test_cells_as_text(value, text):
    assert workbook.text_of(value) == text


@pytest.mark.parametrize(
    ("row", "column", "name"), [(0, 0, "A1"), (97, 16, "Q98"), (0, 27, "AB1"), (4, 702, "AAA5")]
)
def test_cell_names(row, column, name):
    assert workbook.cell_name(row, column) == name


@pytest.mark.parametrize(("above", "left"), [(0, 0), (4, 0), (3, 2), (25, 5)])
def test_table_is_found_wherever_it_stands(tmp_path, above, left):
    rows = [["Police recorded crime", *[None] * 3]] * min(above, 1) + [[]] * max(above - 1, 0)
    path = book(tmp_path / "prc-pfa.xlsx", {"2018-19": [*rows, TITLES, ROW, [], ROW]}, left)
    (member,) = registry.identify(path, path.name, None)
    assert isinstance(member, Member), member
    assert (member.member, member.claim) == ("2018-19", "2018/19")
    found = rows_of(member, path)
    assert [r["_row_number"] for r in found] == [1, 2]
    assert found[0]["number_of_offences"] == "5"
    assert found[0]["financial_quarter"] == "1"


def test_one_member_for_each_sheet_and_the_others_named(tmp_path):
    sheets = {
        "Cover": [["Police recorded crime"], ["Contact: someone"]],
        "2017-18": [["Table"], TITLES, ROW],
        "2018-19": [["Table"], TITLES, ROW, ROW],
    }
    path = book(tmp_path / "prc-pfa-mar2013-onwards.xlsx", sheets)
    first, second = registry.identify(path, path.name, None)
    assert (first.claim, second.claim) == ("2017/18", "2018/19")
    assert [n.code for n in first.notes] == ["other_sheets"]
    assert "'Cover'" in first.notes[0].message
    assert len(rows_of(second, path)) == 2


def test_unchanged_sheet_in_a_new_workbook_has_the_same_identity(tmp_path):
    one = book(tmp_path / "a-prc-pfa.xlsx", {"2017-18": [TITLES, ROW]})
    two = book(
        tmp_path / "b-prc-pfa.xlsx", {"2017-18": [TITLES, ROW], "2018-19": [TITLES, ROW, ROW]}
    )
    (old,) = registry.identify(one, one.name, None)
    same, other = registry.identify(two, two.name, None)
    assert one.read_bytes() != two.read_bytes()
    assert old.content_sha256 == same.content_sha256 != other.content_sha256


def test_ods(tmp_path):
    path = ods(tmp_path / "prc-pfa.ods", [["Title"], TITLES, ROW])
    (member,) = registry.identify(path, path.name, None)
    assert isinstance(member, Member), member
    assert rows_of(member, path)[0]["offence_code"] == "1"


def test_wrong_sheet_is_refused_and_the_good_one_kept(tmp_path):
    wrong = [*TITLES[:-1], "Offences"]
    path = book(tmp_path / "prc-pfa.xlsx", {"2017-18": [TITLES, ROW], "2018-19": [wrong, ROW]})
    good, bad = registry.identify(path, path.name, None)
    assert isinstance(good, Member)
    assert isinstance(bad, Refused)
    assert bad.member == "2018-19"
    assert "'Number of Offences'" in bad.message


def test_named_workbook_without_the_table_is_refused(tmp_path):
    path = book(tmp_path / "prc-pfa.xlsx", {"Cover": [["hello"]], "Data": [["a", "b"], [1, 2]]})
    (refused,) = registry.identify(path, path.name, None)
    assert isinstance(refused, Refused)
    assert refused.code == "wrong_header"
    assert "'Cover', 'Data'" in refused.message


def test_other_workbook_is_unrecognised(tmp_path):
    path = book(tmp_path / "budget.xlsx", {"Sheet": [["a", "b"], [1, 2]]})
    (found,) = registry.identify(path, path.name, None)
    assert isinstance(found, Unrecognised)
    assert "'Sheet'" in found.reason


@pytest.mark.parametrize(
    "data", [b"garbage", b"PK\x03\x04 cut off", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)]
)
@pytest.mark.parametrize("suffix", [".xlsx", ".ods", ".xls"])
def test_damaged_or_protected_workbook(tmp_path, data, suffix):
    path = tmp_path / f"prc-pfa{suffix}"
    path.write_bytes(data)
    (refused,) = registry.identify(path, path.name, None)
    assert isinstance(refused, Refused)
    assert refused.code == "unreadable_workbook"
    (found,) = registry.identify(path, f"other{suffix}", None)
    assert isinstance(found, Unrecognised)


def test_truncated_workbook(tmp_path):
    path = book(tmp_path / "prc-pfa.xlsx", {"2017-18": [TITLES, *[ROW] * 50]})
    data = path.read_bytes()
    for size in range(1, len(data), max(len(data) // 40, 1)):
        path.write_bytes(data[:size])
        (found,) = registry.identify(path, path.name, None)
        assert isinstance(found, Refused)


def test_remarks_below_and_cells_beside_are_not_rows(tmp_path):
    rows = [TITLES, [*ROW, None, "check"], ROW, [], ["Source: somebody"]]
    path = book(tmp_path / "prc-pfa-2018-19.xlsx", {"Data": rows})
    (member,) = registry.identify(path, path.name, None)
    (batch,) = registry.read(member, path)
    assert batch.rows.num_rows == 2
    assert [n.code for n in batch.notes] == ["table_remarks", "stray_cells"]
    assert "J2" in batch.notes[1].message


def test_sheet_with_a_header_only(tmp_path):
    path = book(tmp_path / "prc-pfa.xlsx", {"2018-19": [TITLES]})
    (member,) = registry.identify(path, path.name, None)
    assert [n.code for n in member.notes] == ["no_rows"]
    assert rows_of(member, path) == []


def test_parquet(tmp_path):
    path = tmp_path / "prc-outcomes-2024-25.parquet"
    table = pa.table(
        {
            "Financial Year": ["2024/25"] * 2,
            "Financial Quarter": [1.0, None],
            "Force": ["Kent"] * 2,
            "Offence Group": ["Robbery"] * 2,
            "Outcome Group": ["Charged"] * 2,
            "Outcome Type": [1.0, 2.5],
            "n": [-3.0, 66776.0],
        }
    )
    pq.write_table(table, path)
    (member,) = registry.identify(path, path.name, None)
    assert (member.layout_era, member.claim) == ("compiled_without_flag", "2024/25")
    found = rows_of(member, path)
    assert [r["financial_quarter"] for r in found] == ["1", None]
    assert [r["outcome_type"] for r in found] == ["1", "2.5"]
    assert [r["outcome_count"] for r in found] == ["-3", "66776"]
    assert [r["is_territorial"] for r in found] == [None, None]


def test_parquet_that_is_damaged_or_lacks_a_column(tmp_path):
    path = tmp_path / "prc-outcomes.parquet"
    path.write_bytes(b"PAR1 no PAR1")
    (refused,) = registry.identify(path, path.name, None)
    assert (refused.code, refused.table) == ("unreadable", "home_office/outcomes")
    pq.write_table(pa.table({"Financial Year": ["x"], "Force": ["y"], "n": [1]}), path)
    (refused,) = registry.identify(path, path.name, None)
    assert refused.code == "wrong_header"
    assert "'Outcome Type'" in refused.message


@pytest.mark.shared
def test_real_outcomes_file(shared):
    path = shared / "data/home_office/outcomes/prc-outcomes-2024-25.parquet"
    (member,) = registry.identify(path, path.name, None)
    total = count = 0
    for batch in registry.read(member, path):
        count += batch.rows.num_rows
        total += sum(int(n) for n in batch.rows.column("outcome_count").to_pylist())
    source = pq.read_table(path, columns=["n"]).column("n").to_pylist()
    assert (count, total) == (len(source), sum(source))
