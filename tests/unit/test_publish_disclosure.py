"""Declarations and policies of small counts, and what a release then shows of a mart."""

from __future__ import annotations

import itertools
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml
from disclosure_attack import Attack, cells_of

from orchestration import warehouse
from orchestration.publish import disclosure
from orchestration.publish.release import build_release
from orchestration.settings import Settings, SettingsError, load_settings, seed_rows

MODELS = {
    model["name"]: model
    for path in sorted(disclosure.MARTS.rglob("*.yml"))
    for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
}

UNITS = ["npu/A", "npu/B", "npu/C"]
#: Admissions of residents by unit, in three months.
ADMISSIONS = np.array([[3, 12, 9], [0, 26, 11], [41, 33, 18]], dtype=float)


def declared(model: dict) -> dict | None:
    return ((model.get("config") or {}).get("meta") or {}).get("disclosure")


# ------------------------------------------------------------------------------------ declarations


#: Counts that are shown: residents, and all persons of a role.
SHOWN_COUNTS = {
    "quarantined_row_count",
    "population_count",
    "role_count",
    "history_period_count",
    "baseline_period_count",
}


@pytest.mark.parametrize("name", sorted(name for name in MODELS if name.startswith("mart_")))
def test_every_mart_of_counts_says_what_is_withheld_of_it(name):
    columns = {column["name"] for column in MODELS[name]["columns"]}
    has_areas = columns & {"area_id", "npu_code", "is_suppressed"}
    has_counts = any(column.endswith("_count") or column == "value" for column in columns)
    if has_areas and has_counts:
        about = declared(MODELS[name])
        assert about is not None, f"{name} has counts: declare meta disclosure (docs/disclosure.md)"
        assert "counts" in about or about.get("not_needed"), name


@pytest.mark.parametrize("name", sorted(disclosure.declarations()))
def test_declared_columns_are_columns_of_the_mart(name):
    columns = {column["name"] for column in MODELS[name]["columns"]}
    declaration = disclosure.declarations()[name]
    assert declaration.columns <= columns
    # What is not declared a count and is named one would be shown: it must say why.
    counted = {c.column for c in declaration.counts} | {*declaration.beside, *declaration.below}
    counted |= {b for c in declaration.counts for b in c.beside}
    about_time = {name for name in columns if name.endswith(("month_count", "day_count"))}
    others = {c for c in columns if c.endswith("_count")} - counted - about_time
    assert others <= SHOWN_COUNTS


def test_ages_that_are_declared_sums_are_those_of_the_seed():
    bands = seed_rows("age_bands")
    young = {row["age_band_code"] for row in bands if row["is_under_25"] == "true"}
    for name in ("mart_victim_suspect_profile", "mart_disproportionality"):
        for count in disclosure.declarations()[name].counts:
            sums = {code: set(parts) for code, parts in count.unions["age"].items()}
            assert sums == {"under_25": young, "known": {row["age_band_code"] for row in bands}}


def test_every_series_has_a_policy_that_exists():
    codes = disclosure.policies(Settings())
    used = {row["policy_code"] for row in seed_rows("disclosure_series")}
    assert used <= set(codes)
    assert set(codes) <= used
    assert disclosure.policy_of("indicator/sharp_object_admissions/recorded") == "hospital"
    assert disclosure.policy_of("indicator/under_25_vwi/recorded") == "persons"
    assert disclosure.policy_of("indicator/all_crime/recorded") == "crimes"
    with pytest.raises(disclosure.DisclosureError, match="add a pattern"):
        disclosure.policy_of("something/else")


def test_nested_series_are_found_by_the_text_that_the_star_stands_for():
    there = ["indicator/homicide/recorded", "indicator/homicide/like_for_like", "indicator/x"]
    assert disclosure.nested(there) == [
        ("indicator/homicide/like_for_like", "", "indicator/homicide/recorded", "")
    ]


# ---------------------------------------------------------------------------------------- policies


def configured(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "plumbline.yml"
    path.write_text(text, encoding="utf-8")
    return load_settings(home=tmp_path, config=path)


def test_a_force_changes_a_policy(tmp_path):
    settings = configured(tmp_path, "disclosure: {policies: {crimes: {least_shown: 10}}}")
    found = disclosure.policies(settings)
    assert (found["crimes"].least_shown, found["crimes"].rounding_base) == (10, 1)
    assert (found["hospital"].least_shown, found["hospital"].rounding_base) == (8, 5)


def test_a_policy_that_is_not_there_is_refused(tmp_path):
    settings = configured(tmp_path, "disclosure: {policies: {patients: {least_shown: 10}}}")
    with pytest.raises(disclosure.DisclosureError, match=r"policies\.patients"):
        disclosure.policies(settings)


def test_a_policy_that_rounds_counts_to_nought_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="rounded to 0"):
        configured(
            tmp_path, "disclosure: {policies: {hospital: {least_shown: 2, rounding_base: 5}}}"
        )


# ----------------------------------------------------------------------------------------- release


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A working database with one mart: admissions by unit and month, and of the force."""
    path = tmp_path / "plumbline.duckdb"
    with duckdb.connect(str(path)) as con:
        warehouse.ensure_tables(con)
        con.execute(
            """
            create schema if not exists marts;
            create table marts.mart_monthly_series (
                measure_code varchar, basis varchar, area_id varchar, month date, value double,
                value_lower double, value_upper double, supply_status varchar,
                is_suppressed boolean
            )
            """
        )
        fill(con, ADMISSIONS)
    return path


def fill(con: duckdb.DuckDBPyConnection, counts: np.ndarray, months: int = 3) -> None:
    con.execute("delete from marts.mart_monthly_series")
    table = np.vstack([counts, counts.sum(axis=0)])
    for area, line in zip([*UNITS, "force/west-midlands"], table, strict=True):
        for month, count in list(enumerate(line, 1))[:months]:
            con.execute(
                "insert into marts.mart_monthly_series values "
                "('sharp_object_admissions', 'recorded', ?, make_date(2021, ?, 1), ?, ?, ?, "
                "'supplied', false)",
                [area, month, count, count / 2, count * 2],
            )


def publish(bench: Path, release_id: str) -> dict[tuple[str, int], tuple]:
    """Rows of a release by area and month."""
    with duckdb.connect(str(bench)) as con:
        planned = disclosure.plan(con, Settings())
        disclosure.record(con, planned, release_id)
    info = build_release(
        bench,
        bench.with_name("releases"),
        release_id=release_id,
        protections=planned.marts,
        provenance={},
        keep_last=9,
    )
    with duckdb.connect(str(info.database), read_only=True) as con:
        rows = con.execute(
            "select area_id, month(month), value, value_lower, supply_status, is_suppressed "
            "from mart_monthly_series"
        ).fetchall()
    return {(area, month): tuple(rest) for area, month, *rest in rows}


def test_admissions_below_the_force_are_withheld_and_rounded(bench):
    rows = publish(bench, "r1")
    # 1 to 7 are withheld, nought is shown, others are rounded, and none keeps its limits.
    assert rows["npu/A", 1] == (None, None, "suppressed", True)
    assert rows["npu/A", 2] == (10, None, "rounded", False)
    assert rows["npu/B", 2] == (25, None, "rounded", False)
    # The force is exact: without a second unit withheld, 3 would be what remains of 44.
    assert rows["force/west-midlands", 1] == (44, 22, "supplied", False)
    assert rows["npu/C", 1] == (None, None, "suppressed", True)
    assert rows["npu/B", 1][3] is False


def test_what_is_shown_leaves_small_admissions_open(bench):
    rows = publish(bench, "r1")
    units, months = np.vstack([np.eye(3), np.ones(3)]), np.eye(3)
    areas = [*UNITS, "force/west-midlands"]
    shown = [rows[area, month][0] for area in areas for month in (1, 2, 3)]
    kept = [i for i, value in enumerate(shown) if value is not None]
    values = np.array([shown[i] for i in kept])
    # A rounded count stands for any that rounds to it; nought and the force's are as they are.
    slack = np.array([0 if i >= 9 or shown[i] == 0 else 2 for i in kept])
    cells = cells_of([units, months])
    attack = Attack(cells[kept], values - slack, values + slack)
    low, high = attack.range_of(cells.toarray()[0])
    assert low == 0
    assert high >= 7


def test_what_was_withheld_stays_withheld_in_the_next_release(bench):
    first = publish(bench, "r1")
    changed = ADMISSIONS.copy()
    changed[0, 0] = 9  # late records: no small count any more
    with duckdb.connect(str(bench)) as con:
        fill(con, changed)
    second = publish(bench, "r2")
    withheld = {key for key, row in first.items() if row[3]}
    assert withheld == {("npu/A", 1), ("npu/C", 1)}
    # Were 41 shown now, the 3 of before would follow from the 44 of before.
    assert withheld <= {key for key, row in second.items() if row[3]}


def test_what_was_shown_hides_nothing_in_the_next_release(bench):
    before = ADMISSIONS.copy()
    before[0, 0] = 8
    with duckdb.connect(str(bench)) as con:
        fill(con, before)
    first = publish(bench, "r1")
    assert not any(row[3] for row in first.values())
    with duckdb.connect(str(bench)) as con:
        fill(con, ADMISSIONS)
    second = publish(bench, "r2")
    assert second["npu/A", 1][3]
    # Every unit but A counts what it counted before, and a reader has that: nothing else helps, so
    # all of the month is withheld.
    assert second["npu/B", 1][3]
    assert second["npu/C", 1][3]


def test_a_mart_without_the_columns_it_declares_is_not_published(bench):
    with duckdb.connect(str(bench)) as con:
        con.execute("alter table marts.mart_monthly_series drop column supply_status")
        with pytest.raises(disclosure.DisclosureError, match="supply_status"):
            disclosure.plan(con, Settings())


def test_marts_that_differ_in_a_count_are_told_apart(bench):
    with duckdb.connect(str(bench)) as con:
        con.execute(
            "insert into marts.mart_monthly_series select * replace (value + 1 as value) "
            "from marts.mart_monthly_series where area_id = 'npu/A' and month(month) = 1"
        )
        with pytest.raises(disclosure.DisclosureError, match="more than one value for npu/A"):
            disclosure.plan(con, Settings())


# ---------------------------------------------------------------- breakdowns and many small areas


def enter_mart(con: duckdb.DuckDBPyConnection, name: str, rows: list[dict]) -> None:
    """A mart with the columns of its model, and some rows of it."""
    columns = {column["name"]: column["data_type"] for column in MODELS[name]["columns"]}
    con.execute(
        f"create table marts.{name} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})"
    )
    for row in rows:
        given = {"first_month": "2021-04-01", "last_month": "2021-11-01", "is_suppressed": False}
        given = {c: v for c, v in {**given, **row}.items() if c in columns}
        marks = ", ".join("?" for _ in given)
        con.execute(
            f"insert into marts.{name} ({', '.join(given)}) values ({marks})", [*given.values()]
        )


def released(bench: Path, sql: str) -> list[tuple]:
    publish(bench, "r1")
    database = next(bench.with_name("releases").glob("r1/*.duckdb"))
    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute(sql).fetchall()


def spots(indicator: str, counts: dict[str, int]) -> list[dict]:
    return [
        {
            "indicator_code": indicator,
            "area_id": area,
            "area_type": area.split("/")[0],
            "period_type": "current",
            "basis": "recorded",
            "event_count": count,
            "area_rank": 1,
            "gini": 0.5,
            "verdict": "up",
        }
        for area, count in counts.items()
    ]


@pytest.fixture
def hotspots(bench: Path) -> Path:
    units = {"npu/A": 3, "npu/B": 21, "npu/C": 64, "npu/D": 30}
    headline = [
        {
            "indicator_code": indicator,
            "basis": "recorded",
            "area_id": area,
            "current_count": count * times,
            "current_first_month": "2021-04-01",
            "current_last_month": "2021-11-01",
        }
        for indicator, times in (("under_25_vwi", 1), ("violence_with_injury", 3))
        for area, count in {**units, "force/west-midlands": 118}.items()
    ]
    small = {f"lsoa/E{i:03}": 1 + i % 9 for i in range(100)}
    # What the headline does not have alike is not shown.
    districts = {"lad/X": 24, "npu/D": 29}
    with duckdb.connect(str(bench)) as con:
        enter_mart(con, "mart_headline_indicators", headline)
        rows = spots("under_25_vwi", {**units, **districts, **small})
        rows += spots("violence_with_injury", {area: 3 * units[area] for area in units} | small)
        rows += spots("under_25_vwi", {"neighbourhood/N": 30})
        enter_mart(con, "mart_hotspots", rows)
    return bench


def test_hotspots_show_no_more_of_the_young_than_the_headline_does(hotspots):
    rows = released(
        hotspots,
        "select h.area_id, h.event_count, m.current_count, h.area_rank, h.verdict, h.is_suppressed "
        "from mart_hotspots h left join mart_headline_indicators m "
        "on m.indicator_code = h.indicator_code and m.area_id = h.area_id "
        "where h.indicator_code = 'under_25_vwi'",
    )
    shown = {area: count for area, count, *_ in rows if count is not None}
    assert shown
    assert shown == {area: found for area, count, found, *_ in rows if count is not None}
    assert all(area.startswith("npu/") for area in shown)
    assert "npu/A" not in shown
    # Nothing else of an area is told: neither its rank nor how it changed.
    assert {rank for *_, rank, _, _ in rows} == {None}
    assert {(verdict, is_suppressed) for *_, verdict, is_suppressed in rows} == {
        (None, False),
        ("withheld", True),
    }


def test_hotspots_of_other_series_are_shown_and_concentration_of_many_areas(hotspots):
    rows = released(
        hotspots,
        "select indicator_code, area_type, count(*), count(event_count), count(area_rank), "
        "count(gini) from mart_hotspots group by all order by all",
    )
    assert ("violence_with_injury", "lsoa", 100, 100, 100, 100) in rows
    assert ("violence_with_injury", "npu", 4, 4, 4, 4) in rows
    # A hundred areas, or fewer.
    assert ("under_25_vwi", "lsoa", 100, 0, 0, 100) in rows
    assert ("under_25_vwi", "neighbourhood", 1, 0, 0, 0) in rows


def test_persons_are_released_by_margins_and_small_ones_withheld(bench):
    ages, sexes, groups = ("18-24", "25-34", "unknown"), ("female", "male"), ("black", "white")
    cube = np.array([[[3, 40], [9, 70]], [[8, 50], [25, 61]], [[6, 7], [5, 12]]])
    rows = []
    for age, sex, group in itertools.product(("all", *ages), ("all", *sexes), ("all", *groups)):
        where = [
            slice(None) if code == "all" else codes.index(code)
            for code, codes in ((age, ages), (sex, sexes), (group, groups))
        ]
        margin = cube[:, where[1], where[2]].reshape(3, -1).sum(axis=1)
        is_all = age == "all"
        rows.append(
            {
                "indicator_code": "violence_with_injury",
                "area_id": "force/west-midlands",
                "role_code": "victim",
                "age_band_code": age,
                "sex_code": sex,
                "ethnic_group_code": group,
                "period_type": "current",
                "month_count": 8,
                "involvement_count": int(cube[tuple(where)].sum()),
                "role_count": int(cube.sum()),
                "under_25_count": int(margin[0]) if is_all else None,
                "known_age_count": int(margin[:2].sum()) if is_all else None,
                "modal_age": 20 if is_all else None,
            }
        )
    with duckdb.connect(str(bench)) as con:
        enter_mart(con, "mart_victim_suspect_profile", rows)
    found = {
        (age, sex, group): rest
        for age, sex, group, *rest in released(
            bench,
            "select age_band_code, sex_code, ethnic_group_code, involvement_count, "
            "under_25_count, modal_age, is_suppressed from mart_victim_suspect_profile",
        )
    }
    assert len(found) == 4 * 3 * 3 - 3 * 2 * 2
    assert all("all" in key for key in found)
    # Black women under 25: of these bands only the one is.
    assert found["all", "female", "black"][1:3] == [None, None]
    assert found["all", "all", "all"][0] == cube.sum()
    assert any(count is not None for count, *_ in found.values())
