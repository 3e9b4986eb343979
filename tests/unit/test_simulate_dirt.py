"""Defects of the dirty scenario: each is there, is named rightly, and costs no clean row."""

from __future__ import annotations

import dataclasses
import io
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from landing_support import TODAY, Bench

from orchestration.contracts import spec
from orchestration.contracts.tablespec import RULES, rules
from orchestration.gates.suites import suite_for
from orchestration.simulate import dirt
from orchestration.simulate.extract import Extract
from orchestration.simulate.scenario import MONTHS, SCENARIOS
from orchestration.simulate.world import Truth, world
from orchestration.simulate.write import to_bytes, to_csv

SEED = 11
#: Of what can be wrong with a file, what is neither a gate's code nor a rule's.
AT_THE_DOOR = {
    "bad_file_name",
    "column_order",
    "empty_file",
    "gzip_unreadable",
    "not_text",
    "same_bytes",
    "unterminated_quote",
    "wrong_header",
}


def _rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(5))


@pytest.fixture(scope="module")
def extracts() -> dict[tuple[str, str | None], Extract]:
    """A small clean world, by table and period."""
    scenario = dataclasses.replace(SCENARIOS["dirty"], scale=0.03)
    return {(e.table, e.period): e for e in world(scenario, SEED, Truth())}


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Bench:
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", "a key for tests, of no person")
    return Bench(tmp_path)


def _path(extract: Extract, file: dirt.SpoiledFile) -> str:
    return f"{extract.table.split('/')[0]}/{file.name}"


#: A name for a file of all months: the month, where the table must have one, else none.
NAMES = {
    "legacy/crimes": "legacy_crimes",
    "legacy/persons": "legacy_persons_2018-04",
    "connect/investigations": "connect_investigations",
    "connect/classification_history": "connect_classification_history",
    "connect/involvements": "connect_involvements_2021-04",
    "incidents/logs": "incident_logs",
    "geography/beats": "geography_beats",
    "hospital/hes_apc": "hes_apc_2019-20",
    "hospital/ecds": "ecds",
    "grants/ledger": "grants_ledger_2019-20",
}


def _large(extracts: dict, table: str) -> Extract:
    """Rows of many months, or many times those of a year, as one file that takes every defect."""
    year = "2019/20" if NAMES[table].endswith("2019-20") else None
    parts = [e.data for (t, p), e in extracts.items() if t == table and p == (year or p)]
    data = pa.concat_tables(parts)
    # Repeated often enough for a file of its size to get all the defects that there are.
    data = pa.concat_tables([data] * -(-6_700 // data.num_rows))
    column = dirt.KEYS[table][1]
    if not column.endswith("_seq"):
        stamp = pa.array(np.char.mod("/%d", np.arange(data.num_rows)))
        keys = pa.compute.binary_join_element_wise(data.column(column), stamp, "")
        data = data.set_column(data.column_names.index(column), column, keys)
    for period in [year] if year else [None] if table == "geography/beats" else MONTHS:
        if dirt.row_defects_of(table, period, data.num_rows):
            return Extract(table, period, NAMES[table], data)
    raise AssertionError(f"no file of {table} gets row defects")


# --------------------------------------------------------------------------- the list itself


def test_every_rule_that_is_expected_exists():
    for defect in dirt.ROW_DEFECTS:
        s = spec(defect.table)
        known = {r.code for r in rules(s, text="{}", parsed="{}", today=TODAY)}
        known |= {f"{s.source}.{s.table}.row.{kind}" for kind in RULES}
        assert defect.rule is None or defect.rule in known, defect
        assert (defect.rule is None) == (defect.disposition == "kept")
    for defect in dirt.FILE_DEFECTS:
        gate = {e.code for e in suite_for(spec(defect.table)).expectations}
        assert defect.rule is None or defect.rule in gate | AT_THE_DOOR, defect
        assert (defect.rule is None) == (defect.disposition in ("kept", "superseded"))


def test_keys_are_those_of_the_contracts():
    for table, (key, varied) in dirt.KEYS.items():
        s = spec(table)
        assert [s.column(c).title for c in s.key] == list(key)
        assert varied in key
    assert {d.table for d in dirt.ROW_DEFECTS} == set(dirt.KEYS)


def test_defects_are_told_apart():
    rows = [(d.table, d.code) for d in dirt.ROW_DEFECTS]
    files = [(d.table, d.period) for d in dirt.FILE_DEFECTS]
    assert len(set(rows)) == len(rows)
    assert len(set(files)) == len(files)
    assert {d.disposition for d in (*dirt.ROW_DEFECTS, *dirt.FILE_DEFECTS)} == {
        "quarantined",
        "refused",
        "deduplicated",
        "superseded",
        "replayed",
        "warned",
        "kept",
    }


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("legacy/crimes", 21_000),
        ("legacy/persons", 29_000),
        ("connect/investigations", 28_000),
        ("connect/classification_history", 2_200),
        ("connect/involvements", 42_000),
        ("incidents/logs", 34_000),
        ("hospital/hes_apc", 2_700),
        ("hospital/ecds", 900),
        ("grants/ledger", 1_100),
        ("geography/beats", 3_360),
    ],
)
def test_every_row_defect_occurs_at_scale_1(table, rows):
    periods = {
        "connect": MONTHS[36:],
        "legacy": MONTHS[:36],
        "incidents": MONTHS,
        "hospital": ["2018/19", "2019/20", "2020/21", "2021/22"],
        "grants": ["2019/20", "2020/21", "2021/22"],
        "geography": [None],
    }[table.split("/")[0]]
    if table == "hospital/ecds":
        periods = MONTHS
    found: set[str] = set()
    touched = 0
    for period in periods:
        chosen = dirt.row_defects_of(table, period, rows)
        touched += bool(chosen)
        found |= {d.code for d in chosen}
        assert sum(2 if d.change == "contradict" else 1 for d in chosen) <= 0.006 * rows
    assert found == {d.code for d in dirt.ROW_DEFECTS if d.table == table}
    assert touched <= max(1, len(periods) / 4) or periods[0] in ("2018/19", "2019/20")


# --------------------------------------------------------------------------- clean stays clean


def test_what_is_not_touched_is_byte_for_byte_the_clean_scenario(extracts):
    untouched = 0
    for extract in extracts.values():
        files = dirt.spoil(extract, _rng(), "parquet")
        assert files
        if not any(f.defects.num_rows for f in files):
            untouched += 1
            assert len(files) == 1
            assert files[0].name == f"{extract.stem}.parquet"
            assert files[0].data == to_bytes(extract.data, "parquet")
            assert files[0].order == 0
        for file in files:
            assert file.defects.schema == dirt.DEFECTS
            assert set(file.defects["file_name"].to_pylist()) <= {file.name}
            assert set(file.defects["table"].to_pylist()) <= {extract.table}
            if file.name.startswith(f"{dirt.RESENT}/"):
                assert file.data == to_bytes(extract.data, "parquet")
                assert file.defects.num_rows == 0
                assert file.order == 1
    assert untouched > 0.7 * len(extracts)


def test_names_never_collide(extracts):
    names = [_path(e, f) for e in extracts.values() for f in dirt.spoil(e, _rng())]
    assert len(set(names)) == len(names)


def test_the_same_seed_spoils_in_the_same_way(extracts):
    for key in (("legacy/crimes", "2018-07"), ("incidents/logs", "2020-09")):
        first, second = (dirt.spoil(extracts[key], _rng()) for _ in range(2))
        assert [f.data for f in first] == [f.data for f in second]
        assert all(a.defects == b.defects for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("table", sorted(dirt.KEYS))
def test_every_clean_row_is_still_there(extracts, table):
    extract = _large(extracts, table)
    (file,) = dirt.spoil(extract, _rng())
    lines = set(file.data.split(b"\n"))
    kept = sum(d == "kept" for d in file.defects["expected_disposition"].to_pylist())
    clean = to_csv(extract.data).split(b"\n")
    assert sum(line not in lines for line in clean) == kept


# --------------------------------------------------------------------------- what becomes of them


def _quarantine(bench: Bench, load_id: str) -> dict[int | None, set[str]]:
    found: dict[int | None, set[str]] = defaultdict(set)
    for number, rule, _ in bench.quarantined(load_id):
        found[number].add(rule)
    return found


def _wrong(bench: Bench, outcome, defects: list[dict]) -> list[str]:
    """What a load did otherwise than expected, in words."""
    said = []
    held = _quarantine(bench, outcome.load_id) if outcome.load_id else {}
    expected_rows = set()
    for defect in defects:
        words = f"{defect['defect_code']} in {defect['file_name']}"
        disposition, rule = defect["expected_disposition"], defect["expected_rule_code"]
        number = defect["row_number"]
        if number is not None:
            if disposition == "kept":
                if held.get(number):
                    said.append(f"{words}: row {number} was set aside: {held[number]}")
                continue
            expected_rows.add(number)
            if held.get(number) != {rule}:
                said.append(f"{words}: row {number}: {held.get(number)}, not {rule}")
        elif disposition == "refused":
            if (outcome.outcome, outcome.reason_code) != ("refused", rule):
                said.append(f"{words}: {outcome.outcome} ({outcome.reason})")
        elif disposition == "replayed":
            if (outcome.outcome, outcome.reason_code) != ("replay", rule):
                said.append(f"{words}: {outcome.outcome} ({outcome.reason})")
        elif not outcome.outcome.startswith("entered"):
            said.append(f"{words}: {outcome.outcome} ({outcome.reason})")
        elif disposition == "warned":
            warned = {outcome.reason_code} | {
                code
                for (code,) in bench.query(
                    "select expectation_code from ledger.gate_result "
                    "where load_id = $1 and status = 'fail'",
                    [outcome.load_id],
                )
            }
            if rule not in warned:
                said.append(f"{words}: warned of {warned}")
        elif disposition == "superseded":
            current = bench.query(
                "select count(*) from ledger.load_period "
                "where load_id = $1 and superseded_at is null",
                [outcome.load_id],
            )
            if current != [(0,)]:
                said.append(f"{words}: still current")
    if outcome.outcome != "refused":
        more = {n for n in held if n is not None} - expected_rows
        said += [f"{outcome.file_name}: row {n} was set aside: {held[n]}" for n in sorted(more)]
    return said


def _values(bench: Bench, table: str) -> list[str]:
    s = spec(table)
    columns = ", ".join(f'"{c.name}"' for c in s.columns if not c.is_person_reference)
    return sorted(map(repr, bench.current(table, columns)))


@pytest.mark.slow
def test_rows_are_set_aside_by_the_rule_that_is_expected_and_no_other(extracts, bench):
    sent = {}
    for table in dirt.KEYS:
        extract = _large(extracts, table)
        (file,) = dirt.spoil(extract, _rng())
        bench.put(_path(extract, file), file.data)
        sent[table] = (extract, file)
    outcomes = bench.load()
    by_table = {f"{o.source}/{o.table_name}": o for o in outcomes.values()}
    assert set(by_table) == set(dirt.KEYS), [o.reason for o in outcomes.values()]
    said = []
    for table, (extract, file) in sent.items():
        outcome = by_table[table]
        defects = file.defects.to_pylist()
        assert {d["defect_code"] for d in defects} == {
            d.code for d in dirt.ROW_DEFECTS if d.table == table
        }
        said += _wrong(bench, outcome, defects)
        # A contradiction is two rows, a row that is kept is none.
        added = sum(d["expected_disposition"] != "kept" for d in defects)
        assert outcome.row_count_read == extract.data.num_rows + added
        assert outcome.row_count_entered == extract.data.num_rows
    assert said == []
    assert bench.problems() == []


@pytest.mark.slow
def test_spoilt_files_end_as_expected_and_the_good_ones_stand(extracts, bench, tmp_path):
    """Every file defect of the force's own tables, among enough clean months to judge them by."""
    tables = {d.table for d in dirt.FILE_DEFECTS}
    wanted = {(d.table, d.period) for d in dirt.FILE_DEFECTS}
    wanted |= {(t, m) for t in tables for m in ("2019-06", "2019-07", "2021-05", "2021-07")}
    chosen = {k: e for k, e in extracts.items() if k in wanted}
    assert {(d.table, d.period) for d in dirt.FILE_DEFECTS} <= set(chosen)
    files = []
    for extract in chosen.values():
        if (extract.table, extract.period) in dirt._SPOILT:
            found = dirt.spoil(extract, _rng())
        else:
            found = [dirt.SpoiledFile(f"{extract.stem}.csv", to_csv(extract.data), dirt._table([]))]
        files += [(f.order, n, _path(extract, f), f) for n, f in enumerate(found)]
    for _, _, path, file in sorted(files, key=lambda f: f[:3]):
        bench.put(path, file.data)
    outcomes = bench.load()
    said = []
    for _, _, path, file in files:
        said += _wrong(bench, outcomes[path], file.defects.to_pylist())
    assert said == []
    assert bench.problems() == []
    clean = Bench(tmp_path / "clean")
    for extract in chosen.values():
        clean.put(f"{extract.table.split('/')[0]}/{extract.stem}.csv", to_csv(extract.data))
    clean.load()
    for table in sorted(tables):
        assert _values(bench, table) == _values(clean, table), table


def test_a_late_file_comes_after_all_others(extracts):
    orders = {
        (e.table, e.period): [f.order for f in dirt.spoil(e, _rng())] for e in extracts.values()
    }
    assert orders.pop(("legacy/crimes", "2019-12")) == [2]
    assert orders.pop(("hospital/ecds", "2020-08")) == [2]
    assert max(max(o) for o in orders.values()) == 1


def test_a_header_names_the_column_that_is_wrong(extracts, bench):
    found = {}
    for key in (("legacy/crimes", "2019-01"), ("legacy/persons", "2019-02")):
        spoilt = dirt.spoil(extracts[key], _rng())[0]
        bench.put(_path(extracts[key], spoilt), spoilt.data)
        found[key[0]] = _path(extracts[key], spoilt)
    outcomes = bench.load()
    assert "offence_code" in outcomes[found["legacy/crimes"]].reason
    assert "age_at_offence" in outcomes[found["legacy/persons"]].reason


def test_a_revision_differs_in_few_rows(extracts):
    first, second = dirt.spoil(extracts["legacy/crimes", "2019-09"], _rng())
    before, after = (pa_csv.read_csv(io.BytesIO(f.data)) for f in (first, second))
    differing = sum(a != b for a, b in zip(before.to_pylist(), after.to_pylist(), strict=True))
    assert 0 < differing < 0.05 * after.num_rows
    assert before["outcome_type"].null_count > after["outcome_type"].null_count
