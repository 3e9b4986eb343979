"""The sharp-object tabulation: header by content, blocks by position, cells as intervals."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from orchestration.sources import registry
from orchestration.sources.model import LoadRefused, Member, Refused
from orchestration.sources.nhs.read import interval

MONTHS = [
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
    "January",
    "February",
    "March",
]
NAME = "hes-assault-sharp-object-by-region.xlsx"


@pytest.mark.parametrize(
    ("text", "national", "expected"),
    [
        ("*", False, (None, "1", "7", "suppressed")),
        ("*", True, (None, "1", "7", "suppressed")),
        ("", False, (None, "0", "7", "blank")),
        ("0", False, ("0", "0", "0", "exact")),
        ("10", False, ("10", "8", "12", "rounded")),
        ("1,220", False, ("1220", "1218", "1222", "rounded")),
        ("292", True, ("292", "292", "292", "exact")),
        ("12", False, ("12", "12", "12", "exact")),
        ("n/a", False, (None, None, None, "")),
    ],
)
def test_what_a_published_cell_allows(text, national, expected):
    assert interval(text, national=national) == expected


def totals(years=(2020,), areas=("West Midlands", "England")) -> list[list]:
    rows: list[list] = [["Count of episodes"], []]
    rows.append([None, None, *[x for a in areas for x in (a, None)]])
    rows.append(["Year ", "Month", *["FAEs", "FCEs"] * len(areas)])
    for year in years:
        label = f"{year}-{(year + 1) % 100:02d}"
        for i, month in enumerate(MONTHS):
            first = f"{label} \n" if i == 0 else None
            rows.append([first, month[:3] if i % 2 else month, 10, "*", 292, 300])
        rows.append([f"{label} Total", None, 120, 45, 3500, 3600])
    rows.append(["Source: somebody"])
    return rows


def by_age() -> list[list]:
    rows: list[list] = [["Count"], [None, None, None, "West Midlands", None, "England", None]]
    rows.append(["Year", "Month", "Age group", *["FAEs", "FCEs"] * 2])
    for i, month in enumerate(MONTHS):
        rows.append(["2020-21" if i == 0 else "-", month, "0 to 9", None, None, 8, 8])
        rows.append([None, "-", "10-19", 0, 0, 14, 14])
    rows.append(["2020-21 total", "-", "-", 10, 10, 300, 300])
    return rows


def by_sex() -> list[list]:
    rows: list[list] = [["Count"], []]
    rows.append([None, None, "West Midlands", None, None, None, "England"])
    rows.append([None, None, *["Female", None, "Male", None] * 2])
    rows.append(["Year", "Month", *["FAEs", "FCEs"] * 4])
    for i, month in enumerate(MONTHS):
        rows.append(["2020-21" if i == 0 else None, month, "*", "*", 15, 15, 30, 30, 270, 270])
    rows.append(["2020-21 Total", None, 20, 20, 200, 200, 330, 330, 3700, 3700])
    return rows


def write(folder: Path, sheets: dict[str, list[list]], down=0, right=0, name=NAME) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for r, row in enumerate(rows, 1 + down):
            for c, value in enumerate(row, 1 + right):
                if value is not None:
                    sheet.cell(r, c, value)
    path = folder / name
    made.save(path)
    return path


def read(path: Path, sheet: int = 0):
    member = registry.identify(path, path.name, None)[sheet]
    assert isinstance(member, Member), member
    batches = list(registry.read(member, path))
    notes = [n for b in batches for n in b.notes]
    return member, [r for b in batches for r in b.rows.to_pylist()], notes


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, 0), (0, 2), (10, 4)])
def test_table_is_found_wherever_it_stands(tmp_path, down, right):
    path = write(tmp_path, {"Totals": totals((2020, 2021)), "Notes": [["1. FAE"]]}, down, right)
    member, rows, notes = read(path)
    assert dict(member.options)["breakdown"] == "total"
    assert [n.code for n in member.notes] == ["other_sheets"]
    assert notes == []
    assert len(rows) == 2 * 13 * 4
    first = rows[0]
    assert (first["area_name"], first["financial_year"], first["month"], first["episode_type"]) == (
        "West Midlands",
        "2020/21",
        "2020-04",
        "FAE",
    )
    assert {r["month"] for r in rows if r["financial_year"] == "2021/22" and r["month"]} == {
        *(f"2021-{m:02d}" for m in range(4, 13)),
        *(f"2022-{m:02d}" for m in range(1, 4)),
    }
    assert first["source_cell"] == f"{'CEG'[right // 2] if right < 4 else 'G'}{5 + down}"
    assert [r["_row_number"] for r in rows] == list(range(1, len(rows) + 1))


def test_breakdowns(tmp_path):
    path = write(tmp_path, {"A": totals(), "B": by_sex(), "C": by_age()})
    assert [dict(m.options)["breakdown"] for m in registry.identify(path, NAME, None)] == [
        "total",
        "sex",
        "age_group",
    ]
    _, rows, _ = read(path, 1)
    assert {r["category"] for r in rows} == {"Female", "Male"}
    england = [r for r in rows if r["area_name"] == "England" and r["category"] == "Male"]
    assert england[0]["episode_count"] == "270"
    _, rows, _ = read(path, 2)
    assert [r["category"] for r in rows[:8:4]] == ["0 to 9", "10-19"]
    assert [r["disclosure"] for r in rows[:8]] == ["blank"] * 2 + ["exact"] * 6
    assert {r["period_label"] for r in rows if r["month"] == "2020-05"} == {"May"}
    total = [r for r in rows if r["month"] is None]
    assert {r["category"] for r in total} == {None}
    assert {r["period_label"] for r in total} == {"2020-21 total"}


def test_total_whose_label_disagrees_belongs_to_its_block(tmp_path):
    rows = totals((2020, 2021))
    rows[-2][0] = "2020-21 Total"
    _, found, notes = read(write(tmp_path, {"A": rows}))
    last = found[-1]
    assert (last["financial_year"], last["period_label"]) == ("2021/22", "2020-21 Total")
    assert [n.code for n in notes] == ["label_disagrees"]


def test_short_year_stray_cells_and_unknown_region(tmp_path):
    rows = totals(areas=("Mercia", "England"))
    del rows[10]
    rows[5] = [*rows[5], None, 77]
    _, found, notes = read(write(tmp_path, {"A": rows}))
    assert {r["area_name"] for r in found} == {"Mercia", "England"}
    assert [n.code for n in notes] == ["incomplete_year", "stray_cells"]
    assert "H6" in notes[1].message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r[3].__setitem__(0, "Period"), "'Year'"),
        (lambda r: r[3].__setitem__(3, "Beds"), "'Beds'"),
        (lambda r: r[3].__setitem__(3, "FAEs"), "FAE, FAE"),
        (lambda r: r[2].__setitem__(slice(None), [None]), "no row above"),
        (lambda r: r[2].insert(0, None), "no area is named above C4"),
        (lambda r: r[2].__setitem__(4, None), "'West Midlands' has the columns"),
    ],
)
def test_broken_header_is_refused_in_words(tmp_path, change, words):
    rows = totals()
    change(rows)
    path = write(tmp_path, {"A": rows})
    (refused,) = registry.identify(path, NAME, None)
    assert isinstance(refused, Refused)
    assert refused.code == "wrong_header"
    assert words in refused.message


@pytest.mark.parametrize(
    ("row", "column", "value", "words"),
    [
        (6, 1, "Sometime", "not a month"),
        (6, 0, "Spring", "'Spring'"),
        (4, 0, "2020-22", "not a financial year"),
        (4, 0, None, "no year"),
        (6, 1, None, "no month"),
    ],
)
def test_row_that_cannot_be_placed_refuses_the_load(tmp_path, row, column, value, words):
    rows = totals()
    rows[row][column] = value
    with pytest.raises(LoadRefused) as refused:
        read(write(tmp_path, {"A": rows}))
    assert words in refused.value.message


def test_workbook_without_the_tabulation(tmp_path):
    path = write(tmp_path, {"A": [["a", "b"], [1, 2]]})
    (refused,) = registry.identify(path, NAME, None)
    assert isinstance(refused, Refused)


def test_csv_copy_of_the_tabulation_is_refused_in_words(tmp_path):
    path = tmp_path / "hes-assault-sharp-object.csv"
    path.write_text("Year,Month,FAEs\n")
    (refused,) = registry.identify(path, path.name, None)
    assert "workbook" in refused.message


@pytest.mark.shared
def test_real_workbook(shared):
    path = next((shared / "data" / "nhs").glob("*.xlsx"))
    members = registry.identify(path, path.name, None)
    assert [dict(m.options)["breakdown"] for m in members] == [
        "total",
        "sex",
        "age_group",
        "ethnicity",
    ]
    notes = {}
    for member in members:
        rows = []
        for batch in registry.read(member, path):
            rows += batch.rows.to_pylist()
            notes[member.member] = [n.code for n in batch.notes]
        months: dict[str, set] = {}
        for r in rows:
            months.setdefault(r["financial_year"], set()).add(r["month"])
        assert len(months) == 10
        assert {len(m - {None}) for m in months.values()} == {12}
        assert len({r["source_cell"] for r in rows}) == len(rows)
        assert all(r["disclosure"] for r in rows)
        if member is members[0]:
            for year, total in (("2019/20", 555), ("2020/21", 425), ("2021/22", 500)):
                assert total == sum(
                    int(r["episode_count"])
                    for r in rows
                    if r["area_name"] == "West Midlands"
                    and r["financial_year"] == year
                    and r["episode_type"] == "FAE"
                    and r["month"]
                )
    assert list(notes.values()) == [["label_disagrees"], [], [], []]
