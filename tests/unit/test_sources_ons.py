"""Wide tables: one record per cell, note markers and periods out of titles, area levels."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.sources import registry
from orchestration.sources.model import Member, Refused, Unrecognised
from orchestration.sources.ons.read import (
    AGES,
    area_level,
    measure_of,
    period_of,
    split_notes,
    status_of,
)

P6 = (
    "Area Codes,Area name,Apr 2010 to  Mar 2011,% involving a knife  Apr 2010  to Mar 2011,"
    "Apr 2011 to Mar 2012 [note 9],Jan 2024 to Dec 2024 compared with previous year % change"
)


def load(folder: Path, name: str, text: str):
    path = folder / name
    path.write_text(text)
    (member,) = registry.identify(path, name, None)
    assert isinstance(member, Member), member
    batches = list(registry.read(member, path))
    rows = [r for b in batches for r in b.rows.to_pylist()]
    return member, rows, [r for b in batches for r in b.rejected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kent ", ("Kent", [])),
        ("Sussex [note 10, 11]", ("Sussex", ["10", "11"])),
        ("England (exc. GMP)[note 8]", ("England (exc. GMP)", ["8"])),
        ("Total  (excluding\n fraud)  [note 2]", ("Total (excluding fraud)", ["2"])),
    ],
)
def test_note_markers(text, expected):
    assert split_notes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Apr 2019 to  Mar 2020", ("2019-04", "2020-03")),
        ("% involving a knife  Jan 2024  to Dec 2024", ("2024-01", "2024-12")),
        ("Year 2020", None),
        ("Foo 2019 to Bar 2020", None),
    ],
)
def test_periods(text, expected):
    assert period_of(text) == expected


def test_measures_and_levels():
    assert measure_of("% involving a knife Apr 2010 to Mar 2011") == "share_pct"
    assert measure_of("Jan 2024 to Dec 2024 compared with previous year % change") == "change_pct"
    assert measure_of("Apr 2010 to Mar 2011") == "offences"
    codes = ["K04000001", "E92000001", "W92000004", "E12000005", "E23000014", "W15000001", "", "X"]
    levels = ["country"] * 3 + ["region", "force", "force", "other", "other"]
    assert [area_level(c) for c in codes] == levels


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234", ("1234", "given", [])),
        ("-36.66666666666667", ("-36.66666666666667", "given", [])),
        ("12 [note 4]", ("12", "given", ["4"])),
        ("12 [r]", ("12", "given", [])),
        ("[u]", (None, "unreliable", [])),
        ("[x]", (None, "not_available", [])),
        ("..", (None, "not_available", [])),
        ("-", (None, "not_available", [])),
        ("", (None, "blank", [])),
        ("1,5", (None, "", [])),
        ("lots", (None, "", [])),
    ],
)
def test_status_of_a_cell(text, expected):
    assert status_of(text) == expected


def test_knife_table(tmp_path):
    text = (
        f'{P6}\nE23000033,"Sussex [note 10, 11]",331,3.4,[u],-5.5\n,British Transport Police,1,,2\n'
    )
    _, rows, rejected = load(tmp_path, "p6_knife.csv", text)
    assert [r["value_status"] for r in rows] == ["given", "given", "unreliable", "given"]
    assert [r["notes"] for r in rows] == ["10, 11", "10, 11", "9, 10, 11", "10, 11"]
    assert [r["measure"] for r in rows] == ["offences", "share_pct", "offences", "change_pct"]
    assert rows[2]["column_title"] == "Apr 2011 to Mar 2012"
    assert rows[2]["published_value"] == "[u]"
    assert (rows[2]["period_start_month"], rows[2]["period_end_month"]) == ("2011-04", "2012-03")
    assert [(r.row_number, r.kind) for r in rejected] == [(5, "too_few_fields")]
    assert "row 2" in rejected[0].message


def test_wide_tables_are_not_read_by_the_fast_path(tmp_path):
    member, _, _ = load(tmp_path, "p6_knife.csv", f"{P6}\nE23000033,Sussex,1,2,3,4\n")
    assert registry.fast_columns(member, None) is None
    assert not registry.line_per_record(member)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (P6.replace("Area Codes", "Codes"), "'Area Code'"),
        (P6 + ",Remarks", "'Remarks'"),
        (P6 + ",Apr 2010 to Mar 2011", "given twice"),
    ],
)
def test_wrong_header_of_an_area_table(tmp_path, header, words):
    path = tmp_path / "p6_knife_offences.csv"
    path.write_text(header + "\n")
    (refused,) = registry.identify(path, path.name, None)
    assert isinstance(refused, Refused)
    assert words in refused.message


def test_periods_alone_do_not_make_a_firearms_table(tmp_path):
    text = "Area code,Area name,Apr 2010 to Mar 2011,Apr 2011 to Mar 2012\nE23000032,Kent,1,2\n"
    member, _, _ = load(tmp_path, "table_p8.csv", text)
    assert member.table == "ons/p8_firearm_offences"
    path = tmp_path / "trend.csv"
    path.write_text(text)
    (found,) = registry.identify(path, path.name, None)
    assert isinstance(found, Unrecognised)


def test_published_workbook_layout_of_p1(tmp_path):
    import openpyxl

    from orchestration.sources.ons.read import P1_GROUPS

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Table P1"
    sheet.append(["Table P1: Police recorded crime, year ending March 2022"])
    sheet.append(["Source: Home Office"])
    sheet.append(["Area Code", "Area Name", *P1_GROUPS])
    sheet.append(["E23000014", "West Midlands [note 4]", *range(len(P1_GROUPS))])
    path = tmp_path / "pfatables.xlsx"
    book.save(path)
    (member,) = registry.identify(path, path.name, None)
    assert member.table == "ons/p1_recorded_crime"
    (batch,) = registry.read(member, path)
    rows = batch.rows.to_pylist()
    assert len(rows) == len(P1_GROUPS)
    assert (rows[1]["period_start_month"], rows[1]["period_end_month"]) == ("2021-04", "2022-03")
    assert (rows[1]["value"], rows[1]["notes"]) == ("1", "4")


POPULATION = ",".join(["ltla20_code", "ltla20_name", "total_population", *AGES])


def test_population(tmp_path):
    text = f"{POPULATION}\nE06000047,County Durham,91.0,{','.join(['1.0'] * 91)}\n"
    member, rows, _ = load(tmp_path, "population_mid-2019_ltla20.csv", text)
    assert (member.claim, member.claim_period, member.layout_era) == ("2019", "2019", "ltla20")
    assert len(rows) == 92
    assert [rows[i]["age"] for i in (0, 1, 91)] == ["total", "0", "90+"]
    assert {r["reference_year"] for r in rows} == {"2019"}
    assert [r["_row_number"] for r in rows] == list(range(1, 93))


def test_population_of_other_boundaries_is_the_same_table(tmp_path):
    header = POPULATION.replace("ltla20", "ltla23")
    member, _, _ = load(tmp_path, "population_mid2023.csv", header + "\n")
    assert member.layout_era == "ltla23"


def test_population_without_a_year_or_an_age_is_refused(tmp_path):
    path = tmp_path / "population_ltla20.csv"
    path.write_text(POPULATION + "\n")
    (refused,) = registry.identify(path, path.name, None)
    assert refused.code == "bad_file_name"
    path = tmp_path / "population_mid2019.csv"
    path.write_text(POPULATION.replace(",17,", ",") + "\n")
    (refused,) = registry.identify(path, path.name, None)
    assert refused.code == "wrong_header"
    assert "missing: '17'" in refused.message


@pytest.mark.shared
def test_real_area_tables(shared):
    folder = shared / "data" / "ons"
    counts = {}
    for path in sorted(folder.glob("p?_*.csv")):
        (member,) = registry.identify(path, path.name, None)
        rows = [r for b in registry.read(member, path) for r in b.rows.to_pylist()]
        assert not member.notes
        counts[member.table] = len(rows)
        assert {r["value_status"] for r in rows} <= {"given", "unreliable"}
        if member.table != "ons/p1_recorded_crime":
            assert all(r["period_end_month"] for r in rows)
        midlands = {r["area_level"] for r in rows if r["area_name"] == "West Midlands"}
        assert midlands == {"region", "force"}
    assert counts == {
        "ons/p1_recorded_crime": 1288,
        "ons/p6_knife_offences": 1682,
        "ons/p8_firearm_offences": 880,
    }
