"""Hospital Episode Statistics: the real layout enters as it is, with any columns beside."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import force_support as force
import pyarrow as pa
import pytest
from landing_support import Bench, csv_bytes

from orchestration import load, privacy
from orchestration.contracts import spec
from orchestration.sources import registry
from orchestration.sources.headers import column_map
from orchestration.sources.model import Member, Refused, Unrecognised

TABLE = "hospital/hes_apc"
NAME = "hes_apc_2019-20.csv"
NEEDED = [c.title for c in spec(TABLE).columns]
SHORT = list(column_map(TABLE)[1]["short"])
NHS = "artificial_hes_apc_0102_truncated.csv"


@pytest.fixture
def without_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def passed(con, settings, spec, loads, run_id, has_duplicates) -> None:
        for each in loads:
            each.gate_status = "pass"

    monkeypatch.setattr(load, "_gate", passed)
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", "a key of the tests, of nobody else")


def identify(folder: Path, titles: list[str], settings: object = None, name: str = NAME):
    path = folder / name
    path.write_bytes(csv_bytes(titles, []))
    (found,) = registry.identify(path, name, settings)
    return found


def codes(member: Member) -> dict[str, str]:
    return {n.code: n.message for n in member.notes}


def test_other_columns_are_passed_over_wherever_they_stand(tmp_path: Path) -> None:
    titles = ["PARTYEAR", *NEEDED[:5], "NHSNOIND", *NEEDED[5:], "", "DIAG_3_01", "NHSNOIND"]
    member = identify(tmp_path, titles)
    assert isinstance(member, Member), member
    assert member.layout_era == "canonical"
    assert [t for t, c in member.columns if c] == NEEDED
    assert [c for _, c in member.columns if c] == [c.name for c in spec(TABLE).columns]
    said = codes(member)["columns_passed_over"]
    assert said.startswith("5 columns (PARTYEAR, NHSNOIND, ")


def test_case_is_no_difference_worth_a_note(tmp_path: Path) -> None:
    assert set(codes(identify(tmp_path, [t.lower() for t in NEEDED]))) == {"no_rows"}


@pytest.mark.parametrize(
    ("change", "era"),
    [
        ({"PROCODE": "PROCODE3"}, "hes"),
        ({"PSEUDO_HESID": "TOKEN_PERSON_ID", "AT_RESIDENCE": "SUBICB"}, "hes_since_2021"),
    ],
)
def test_what_the_years_call_otherwise(tmp_path: Path, change: dict[str, str], era: str) -> None:
    member = identify(tmp_path, [change.get(t, t) for t in NEEDED])
    assert isinstance(member, Member), member
    assert member.layout_era == era
    fed = {c for _, c in member.columns if c}
    assert {c.name for c in spec(TABLE).columns} - fed <= {"at_residence"}


def test_the_provider_is_procode_where_there_are_several(tmp_path: Path) -> None:
    member = identify(tmp_path, ["PROCODE3", "PROCODET", *NEEDED])
    assert {c: t for t, c in member.columns}["procode"] == "PROCODE"


def test_a_short_extract_may_bring_what_it_has(tmp_path: Path) -> None:
    member = identify(tmp_path, SHORT)
    assert member.layout_era == "short"
    assert codes(member)["columns_left_out"].startswith("23 columns (EPIEND, ")
    more = identify(tmp_path, [*SHORT, "DIAG_4_02", "DIAG_4_03", "EPIORDER"])
    assert {"diag_4_02", "diag_4_03", "epiorder"} <= {c for _, c in more.columns}
    assert codes(more)["columns_left_out"].startswith("20 columns (EPIEND, ")


@pytest.mark.parametrize("gone", ["FYEAR", "EPIKEY", "DIAG_4_01", "CAUSE_4", "FAE_EMERGENCY"])
def test_what_is_needed_must_be_there(tmp_path: Path, gone: str) -> None:
    titles = ["X1", *[t for t in NEEDED if t != gone], "X2", gone + "_RAW"]
    found = identify(tmp_path, titles)
    assert isinstance(found, Refused)
    assert found.code == "wrong_header"
    assert f"'{gone}'" in found.message
    assert "X1" not in found.message


def test_what_is_needed_may_not_stand_twice(tmp_path: Path) -> None:
    found = identify(tmp_path, [*NEEDED, "CAUSE_4"])
    assert isinstance(found, Refused)
    assert "given twice: 'CAUSE_4'" in found.message


def test_some_titles_alike_are_no_extract_of_it(tmp_path: Path) -> None:
    titles = ["FYEAR", "EPIKEY", "SEX", "ETHNOS", "LSOA11", "ARRIVALDATE", "AEKEY"]
    assert isinstance(identify(tmp_path, titles, name="something.csv"), Unrecognised)
    assert isinstance(identify(tmp_path, NEEDED, name="something.csv"), Member)


def test_a_force_names_what_its_supplier_calls_otherwise(tmp_path: Path) -> None:
    own = {c.name: c.title for c in spec(TABLE).columns if c.title in SHORT}
    own |= {"lsoa11": "LSOA_OF_RESIDENCE", "cause_4": "CAUSE"}
    settings = SimpleNamespace(sources={"hospital": {"hes_apc": {"layouts": {"trust": own}}}})
    titles = [*own.values(), "LOCAL_NOTE"]
    member = identify(tmp_path, titles, settings)
    assert isinstance(member, Member), member
    assert member.layout_era == "trust"
    assert {t for t, c in member.columns if c} == set(own.values())


@pytest.mark.parametrize("file_format", force.FORMATS)
@pytest.mark.parametrize("quoted", [False, True])
def test_rows_are_the_same_with_columns_beside(
    tmp_path: Path, without_gate, file_format: str, quoted: bool
) -> None:
    data = force.typed(TABLE)
    plain, wide = Bench(tmp_path / "plain"), Bench(tmp_path / "wide")
    plain.put(NAME, force.to_bytes(data, "csv"))
    beside = pa.array([('a "b", c' if quoted else "x") for _ in range(data.num_rows)])
    for at, title in ((0, "PARTYEAR"), (7, "Admidate (raw)"), (12, "OPERTN_4_01")):
        data = data.add_column(at, title, beside)
    wide.put(NAME.replace(".csv", f".{file_format}"), force.to_bytes(data, file_format))
    for bench in (plain, wide):
        (outcome,) = bench.load().values()
        assert outcome.outcome in load.ENTERED, outcome
        assert bench.problems() == []
    sql = "select * exclude (_load_id, _row_number) from raw.hospital__hes_apc order by epikey"
    assert wide.query(sql) == plain.query(sql)


def test_special_values_stay_as_they_are(tmp_path: Path, without_gate) -> None:
    rows = force.typed(TABLE, 2).to_pylist()
    texts = [{t: force.as_text(v) for t, v in row.items()} for row in rows]
    texts[0] |= {"EPIEND": "1801-01-01", "STARTAGE": "7003", "LSOA11": "Z99999999", "SEX": "X"}
    texts[1] |= {"EPISTART": "1800-01-01", "DIAG_4_01": "7999", "DIAG_4_02": "-", "FAE": "1"}
    bench = Bench(tmp_path)
    bench.put(NAME, csv_bytes(NEEDED, [list(t.values()) for t in texts]))
    (outcome,) = bench.load().values()
    assert (outcome.row_count_entered, outcome.slots) == (2, ["2019/20"])
    assert bench.query(
        "select year(epiend), startage, lsoa11 from raw.hospital__hes_apc where startage > 7000"
    ) == [(1801, 7003, "Z99999999")]
    assert bench.query(
        "select diag_4_01, diag_4_02, fae from raw.hospital__hes_apc where year(epistart) = 1800"
    ) == [("7999", "-", True)]


@pytest.mark.shared
def test_the_nhs_artificial_file_enters_whole_with_the_published_key(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,075 episodes, 193 columns, quoted; nobody has configured a key and none is needed."""
    monkeypatch.delenv("PLUMBLINE_PERSON_KEY", raising=False)
    file = shared / "data" / "nhs" / "artificial_hes" / NHS
    with file.open(encoding="utf-8", newline="") as handle:
        real = list(csv.DictReader(handle))
    bench = Bench(tmp_path)
    bench.put(NHS, file.read_bytes())
    (outcome,) = bench.load().values()
    assert outcome.outcome == "entered_with_warnings"
    assert "154 columns (PARTYEAR, " in (outcome.reason or "")
    assert (outcome.row_count_read, outcome.row_count_entered) == (2075, 2075)
    assert outcome.slots == ["2001/02"]
    assert bench.problems() == []
    rows = bench.query(
        "select epikey, pseudo_hesid, strftime(epistart, '%Y-%m-%d'), startage, sex, ethnos, "
        "diag_4_01, cause_4, procode, fae, fae_emergency, fce "
        "from raw.hospital__hes_apc order by _row_number"
    )
    assert rows == [
        (
            r["EPIKEY"],
            privacy.DEMO.pseudonym(r["PSEUDO_HESID"]),
            r["EPISTART"],
            int(r["STARTAGE"]),
            r["SEX"],
            r["ETHNOS"],
            r["DIAG_4_01"] or None,
            r["CAUSE_4"] or None,
            r["PROCODE3"],
            r["FAE"] == "1",
            r["FAE_EMERGENCY"] == "1",
            r["FCE"] == "1",
        )
        for r in real
    ]
    # What is plain in the file is nowhere in the home.
    plain = {r["PSEUDO_HESID"].encode() for r in real}
    for path in bench.settings.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(reference in content for reference in plain), path


@pytest.mark.shared
def test_one_patient_without_the_mark_makes_the_file_a_real_one(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLUMBLINE_PERSON_KEY", raising=False)
    file = shared / "data" / "nhs" / "artificial_hes" / NHS
    bench = Bench(tmp_path)
    bench.put(NHS, file.read_bytes().replace(b",TEST", b",REAL", 1))
    with pytest.raises(privacy.PrivacyError, match="set PLUMBLINE_PERSON_KEY"):
        bench.load()


@pytest.mark.shared
def test_the_other_files_beside_it_are_no_extracts(shared: Path) -> None:
    for file in sorted((shared / "data" / "nhs" / "artificial_hes").iterdir()):
        if file.name != NHS:
            (found,) = registry.identify(file, file.name, None)
            assert isinstance(found, Unrecognised), found
