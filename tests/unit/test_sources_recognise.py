"""What a file is taken for: names, headers, refusals in words, files that nobody claims."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestration.contracts import all_specs
from orchestration.sources import registry
from orchestration.sources.headers import column_map, match_layout
from orchestration.sources.model import Member, Refused, Unrecognised

STREET = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context"
)
ROW = ",2021-03,West Midlands Police,West Midlands Police,-1.9,52.4,On or near A,,,Burglary,,"
NAME = "2021-03-west-midlands-street.csv"
PRC = (
    "Financial Year,Financial Quarter,Force Name,Offence Description,Offence Group,"
    "Offence Subgroup,Offence Code,Number of Offences"
)

#: Contract columns that a reader derives, so that no title feeds them.
DERIVED = {
    "ons/population": {"reference_year", "age"},
    "ons/p1_recorded_crime": None,
    "ons/p6_knife_offences": None,
    "ons/p8_firearm_offences": None,
    "nhs/hes_sharp_object": None,
    "grants_360/awards": {"is_recipient_individual", "other_fields"},
}


def put(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def identify(folder: Path, name: str, text: str | bytes, settings: object = None):
    found = registry.identify(put(folder, name, text), name, settings)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("spec", all_specs(), ids=lambda s: s.name)
def test_column_map_and_contract_name_the_same_columns(spec):
    columns, eras = column_map(spec.name)
    assert sorted(columns) == sorted(c.name for c in spec.columns)
    fed = {column for titles in eras.values() for column in titles.values()}
    derived = DERIVED.get(spec.name, set())
    if derived is not None:
        assert fed == set(columns) - derived
        current = next(iter(eras.values()))
        for title, column in current.items():
            if spec.name not in ("ons/population",):
                assert spec.column(column).title == (title or column)


def test_every_contract_has_a_reader():
    assert set(registry.tables()) == {s.name for s in all_specs()}


def test_importing_the_registry_is_cheap():
    code = (
        "import sys; from orchestration.sources import registry; registry.tables();"
        "print([m for m in ('pyarrow', 'pandera', 'duckdb', 'numpy', 'openpyxl', "
        "'python_calamine', 'jsonschema') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_police_file_claims_force_and_month(tmp_path):
    member = identify(tmp_path, NAME, f"{STREET}\n{ROW}\n")
    assert isinstance(member, Member)
    assert (member.table, member.claim, member.claim_period) == (
        "police_uk/street",
        "west-midlands/2021-03",
        "2021-03",
    )
    assert member.notes == ()
    assert member.scan.line_count == 1
    assert registry.fast_columns(member, None)[0] == ("Crime ID", "crime_id")


def test_name_in_capitals_is_the_same_name(tmp_path):
    member = identify(tmp_path, NAME.upper(), f"{STREET}\n{ROW}\n")
    assert member.claim == "west-midlands/2021-03"


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [
        ("2021-03-west-midland-street.csv", "unknown_force", "west-midland"),
        ("2021-13-west-midlands-street.csv", "bad_file_name", "month 13"),
        ("crimes.csv", "bad_file_name", "YYYY-MM-<force>-street.csv"),
    ],
)
def test_police_file_whose_name_does_not_say_what_it_must(tmp_path, name, code, word):
    refused = identify(tmp_path, name, f"{STREET}\n{ROW}\n")
    assert isinstance(refused, Refused)
    assert (refused.table, refused.code) == ("police_uk/street", code)
    assert word in refused.message


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (STREET.replace("LSOA code", "LSOA11 code"), ["renamed: 'LSOA11 code'", "'LSOA code'"]),
        (STREET + ",Weapon", ["not known: 'Weapon'"]),
        (STREET.replace(",Context", ""), ["missing: 'Context'"]),
        (STREET + ",Month", ["given twice: 'Month'"]),
        ("a,b,c", ["missing:", "'Crime ID'"]),
    ],
)
def test_wrong_header_is_refused_naming_the_columns(tmp_path, header, words):
    refused = identify(tmp_path, NAME, f"{header}\n{ROW}\n")
    assert isinstance(refused, Refused)
    assert refused.code == "wrong_header"
    assert NAME in refused.message
    assert "nearest layout: current" in refused.message
    for word in words:
        assert word in refused.message


def test_header_spelt_otherwise_is_accepted_with_a_note(tmp_path):
    header = STREET.replace("Crime ID", " crime  id ").replace("Falls within", "Falls Within")
    member = identify(tmp_path, NAME, f"{header}\n{ROW}\n")
    assert isinstance(member, Member)
    assert [n.code for n in member.notes] == ["title_spelling"]
    assert dict(member.columns)["crime id"] == "crime_id"


def test_typographic_dashes_and_quotes_are_accepted_with_a_note():
    layout = {"x": {"Self-defined ethnicity": "a", "Officer's view": "b"}}
    found = match_layout(["Self–defined ethnicity", "Officer’s view"], layout)
    assert [n.code for n in found.notes] == ["title_spelling"]


def test_file_under_another_name_is_known_by_its_header(tmp_path):
    member = identify(tmp_path, "something.csv", f"{PRC}\n")
    assert member.table == "home_office/prc"
    assert (member.claim, member.claim_period) == ("", None)


def test_half_a_header_under_another_name_is_refused_not_ignored(tmp_path):
    refused = identify(tmp_path, "x.csv", PRC.replace("Number of Offences", "Offences") + "\n")
    assert isinstance(refused, Refused)
    assert refused.table == "home_office/prc"
    assert "'Number of Offences'" in refused.message


def test_file_named_for_another_table_says_so(tmp_path):
    refused = identify(tmp_path, "2021-03-west-midlands-outcomes.csv", f"{STREET}\n{ROW}\n")
    assert isinstance(refused, Refused)
    assert "police_uk/street" in refused.message


def test_header_without_rows_is_a_member_with_a_note(tmp_path):
    member = identify(tmp_path, NAME, STREET + "\n")
    assert isinstance(member, Member)
    assert [n.code for n in member.notes] == ["no_rows"]
    batches = list(registry.read(member, tmp_path / NAME))
    assert [b.rows.num_rows for b in batches] == [0]


def test_empty_file(tmp_path):
    refused = identify(tmp_path, NAME, "")
    assert isinstance(refused, Refused)
    assert refused.code == "empty_file"
    assert isinstance(identify(tmp_path, "x.csv", ""), Unrecognised)


def test_file_of_line_ends_only(tmp_path):
    assert identify(tmp_path, NAME, "\n\r\n\n").code == "empty_file"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04" + bytes(200), "zip"),
        (STREET.encode("utf-16"), "UTF-16"),
        (bytes(range(256)) * 40, "binary"),
    ],
)
def test_binary_under_a_table_name(tmp_path, data, words):
    refused = identify(tmp_path, NAME, data)
    assert isinstance(refused, Refused)
    assert refused.code == "not_text"
    assert words in refused.message
    assert isinstance(identify(tmp_path, "x.csv", data), Unrecognised)


def test_semicolons_are_named(tmp_path):
    refused = identify(tmp_path, NAME, STREET.replace(",", ";") + "\n")
    assert "semicolons" in refused.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "# hello"),
        ("notes.txt", STREET),
        ("360giving-schema.json", json.dumps({"$schema": "x"})),
        ("metadata.json", "{}"),
        ("prices.csv", "item,price\na,1\n"),
        ("street.csv.gz", "\x1f\x8b"),
        ("inner.zip", "PK"),
        ("picture.png", "x"),
    ],
)
def test_unclaimed_files_are_listed_with_a_reason(tmp_path, name, text):
    found = identify(tmp_path, name, text)
    assert isinstance(found, Unrecognised)
    assert found.reason


def test_a_force_configures_names_and_titles_without_code(tmp_path):
    settings = SimpleNamespace(
        sources={
            "police_uk": {
                "street": {
                    "files": ["wmp_extract_*.csv"],
                    "name": r"(?P<year>\d{4})(?P<month>\d{2})\.csv$",
                    "force": "west-midlands",
                    "layouts": {"niche": {"crime_id": "Ref", "month": "Mth", "context": None}},
                }
            }
        }
    )
    text = "Ref,Mth\n,2021-03\n"
    member = identify(tmp_path, "WMP_extract_202103.csv", text, settings)
    assert isinstance(member, Member)
    assert (member.layout_era, member.claim) == ("niche", "west-midlands/2021-03")
    batch = next(registry.read(member, tmp_path / "WMP_extract_202103.csv"))
    assert batch.rows.column("month").to_pylist() == ["2021-03"]
    assert batch.rows.column("context").null_count == 1


def test_settings_class_serves_as_well_as_a_mapping(tmp_path):
    from orchestration.settings import Settings

    settings = Settings.model_validate(
        {"sources": {"police_uk": {"street": {"layouts": {"own": {"month": "Mth"}}}}}}
    )
    assert identify(tmp_path, NAME, "Mth\n2021-03\n", settings).layout_era == "own"


def test_a_table_that_is_switched_off_claims_nothing(tmp_path):
    settings = SimpleNamespace(sources={"police_uk": {"street": {"enabled": False}}})
    found = identify(tmp_path, NAME, f"{STREET}\n", settings)
    assert isinstance(found, Unrecognised)
    assert "switched off" in found.reason


def test_title_rows_above_the_header_of_a_csv(tmp_path):
    text = f"Recorded crime,,,,,,,\n,,,,,,,\n{PRC}\n2018/19,1,Kent,Murder,V,H,1,2\n"
    member = identify(tmp_path, "prc-pfa-2018-19.csv", text)
    assert isinstance(member, Member)
    assert [n.code for n in member.notes] == ["rows_above_header"]
    assert registry.fast_columns(member, None) is None
    batch = next(registry.read(member, tmp_path / "prc-pfa-2018-19.csv"))
    assert batch.rows.column("force_name").to_pylist() == ["Kent"]
    assert batch.rows.column("_row_number").to_pylist() == [1]


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("prc-pfa-2018-19.csv", "2018/19"),
        ("PRC_PFA_2018_2019.csv", "2018/19"),
        ("prc-pfa-mar2013-onwards.csv", None),
        ("prc-pfa-2018-20.csv", None),
    ],
)
def test_year_claimed_by_a_recorded_crime_file(tmp_path, name, year):
    assert identify(tmp_path, name, PRC + "\n").claim_period == year


@pytest.mark.shared
def test_every_real_file_is_told_apart(shared):
    expected = {
        "home_office/prc": 11,
        "home_office/outcomes": 1,
        "nhs/hes_sharp_object": 4,
        "ons/lookup_lad_csp_pfa": 1,
        "ons/lookup_lsoa_msoa": 1,
        "ons/lookup_ltla_region": 1,
        "ons/population": 2,
        "ons/imd": 1,
        "ons/ethnicity": 1,
        "ons/p1_recorded_crime": 1,
        "ons/p6_knife_offences": 1,
        "ons/p8_firearm_offences": 1,
        "grants_360/awards": 1,
        "mappings/offence_categories": 1,
        "hospital/hes_apc": 1,
    }
    counted: dict[str, int] = {}
    for path in sorted((shared / "data").rglob("*")):
        if path.is_file() and path.suffix != ".zip":
            for found in registry.identify(path, path.name, None):
                assert not isinstance(found, Refused), found
                if isinstance(found, Member):
                    counted[found.table] = counted.get(found.table, 0) + 1
    assert counted == expected


def test_column_maps_are_plain_csv():
    for table in registry.tables():
        columns, eras = column_map(table)
        assert columns
        assert eras
    for path in sorted((Path(registry.__file__).parent / "column_maps").glob("*.csv")):
        assert path.stem.replace("__", "/") in registry.tables()
        with path.open(encoding="utf-8", newline="") as handle:
            assert next(csv.reader(handle))[0] == "column"
