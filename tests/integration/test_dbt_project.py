"""The dbt project builds on an empty warehouse and on a small one, and its figures are right."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import warehouse
from orchestration.contracts import all_specs, spec
from orchestration.settings import DBT_PROJECT

ENTERED = dt.datetime(2026, 1, 1, 12)
REVISED = dt.datetime(2026, 2, 1, 12)
REGION = ("West Midlands", "Staffordshire", "Warwickshire", "West Mercia")
MARTS = {
    "dim_area",
    "dim_date",
    "dim_known_event",
    "dim_offence",
    "dim_outcome_type",
    "dim_recording_era",
    "mart_claim_checks",
    "mart_change_decomposition",
    "mart_count_vintages",
    "mart_data_integrity_audit",
    "mart_disproportionality",
    "mart_force_comparison",
    "mart_grant_conditions",
    "mart_grant_position",
    "mart_headline_indicators",
    "mart_home_office_metrics",
    "mart_homicide",
    "mart_hotspots",
    "mart_load_ledger",
    "mart_monthly_series",
    "mart_outcomes",
    "mart_programme",
    "mart_published_claims",
    "mart_quarantine_summary",
    "mart_record_linkage",
    "mart_recording_anomalies",
    "mart_recording_effect",
    "mart_recording_practice",
    "mart_temporal_profile",
    "mart_triangulation",
    "mart_victim_suspect_profile",
}


@dataclass
class Built:
    """A warehouse after ``dbt build``, with dbt's results."""

    path: Path
    target: Path
    output: str
    code: int

    def rows(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.path), read_only=True) as con:
            return con.execute(sql).fetchall()

    def results(self) -> list[dict]:
        return json.loads((self.target / "run_results.json").read_text())["results"]

    def manifest(self) -> dict:
        return json.loads((self.target / "manifest.json").read_text())


def dbt(path: Path, target: Path, *arguments: str) -> Built:
    """Run dbt of this environment in a process of its own, so that no connection lingers."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")),
            *arguments,
            "--project-dir",
            str(DBT_PROJECT),
            "--profiles-dir",
            str(DBT_PROJECT),
        ],
        env={
            **os.environ,
            "PLUMBLINE_WAREHOUSE": str(path),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target.with_name("logs")),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "PYTHONPATH": str(DBT_PROJECT.parent),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Built(path, target, done.stdout + done.stderr, done.returncode)


def empty_warehouse(path: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(str(path))
    warehouse.ensure_tables(con)
    return con


def enter(
    con: duckdb.DuckDBPyConnection,
    table: str,
    load_id: str,
    rows: Sequence[dict[str, Any]],
    slots: Sequence[str] = (),
    *,
    quarantined: int = 0,
    superseded_by: str | None = None,
) -> None:
    """Enter rows (contract columns plus ``_period``) as one load, the way the loader does."""
    about = spec(table)
    for number, row in enumerate(rows, 1):
        named = {**row, "_load_id": load_id, "_row_number": number}
        columns = ", ".join(f'"{c}"' for c in named)
        marks = ", ".join("?" * len(named))
        con.execute(
            f"insert into raw.{about.raw_name} ({columns}) values ({marks})", list(named.values())
        )
    counts = dict.fromkeys(slots, 0)
    for row in rows:
        counts[row["_period"]] = counts.get(row["_period"], 0) + 1
    for slot, count in counts.items():
        con.execute(
            "insert into ledger.load_period by name select ? as load_id, ? as source, "
            "? as table_name, ? as slot, ? as row_count, ? as entered_at, "
            "cast(? as timestamp) as superseded_at, ? as superseded_by",
            [
                load_id,
                about.source,
                about.table,
                slot,
                count,
                ENTERED,
                REVISED if superseded_by else None,
                superseded_by,
            ],
        )
    judged(con, table, load_id, entered=len(rows), quarantined=quarantined)


def judged(
    con: duckdb.DuckDBPyConnection,
    table: str,
    load_id: str,
    *,
    entered: int = 0,
    quarantined: int = 0,
    outcome: str = "entered",
    reason: str | None = None,
    claim: str | None = None,
) -> None:
    """Write the judgement of one load."""
    about = spec(table)
    values = {
        "load_id": load_id,
        "run_id": "run",
        "source": about.source,
        "table_name": about.table,
        "file_name": f"{load_id}.csv",
        "file_sha256": "f",
        "content_sha256": "c",
        "claim": claim,
        "outcome": outcome,
        "reason": reason,
        "row_count_read": entered + quarantined,
        "row_count_entered": entered,
        "row_count_quarantined": quarantined,
        "contract_version": "1",
        "rules_version": "1",
        "gate_status": "pass" if outcome == "entered" else "fail",
        "entered_at": ENTERED,
    }
    con.execute(
        f"insert into ledger.load ({', '.join(values)}) values ({', '.join('?' * len(values))})",
        list(values.values()),
    )


def set_aside(
    con: duckdb.DuckDBPyConnection,
    table: str,
    load_id: str,
    number: int,
    rule: str,
    *,
    column: str | None = None,
    value: str | None = None,
    text: str | None = None,
) -> None:
    """Put one row in quarantine under rule ``<source>.<table>.<rule>``."""
    about = spec(table)
    con.execute(
        "insert into ledger.quarantine values (?, ?, ?, ?, ?, ?, ?, 'must be known', "
        "'the publisher', ?, ?)",
        [
            load_id,
            about.source,
            about.table,
            number,
            f"{about.source}.{about.table}.{rule}",
            column,
            value,
            text,
            ENTERED,
        ],
    )


def crime(force: str, year: str, quarter: int, group: str, subgroup: str, code: str, number: int):
    return {
        "financial_year": year,
        "financial_quarter": quarter,
        "force_name": force,
        "offence_description": subgroup,
        "offence_group": group,
        "offence_subgroup": subgroup,
        "offence_code": code,
        "number_of_offences": number,
        "_period": f"{year} Q{quarter}",
    }


def admissions(area: str, year: str, month: str, shown: str, low: int, high: int, kind: str):
    return {
        "sheet_name": "s",
        "source_cell": f"{area}{month}",
        "breakdown": "total",
        "area_name": area,
        "financial_year": year,
        "month": month,
        "period_label": month,
        "episode_type": "FAE",
        "published_value": shown,
        "episode_count": int(shown) if shown.isdigit() else None,
        "episode_count_lower": low,
        "episode_count_upper": high,
        "disclosure": kind,
        "_period": f"total/{year}",
    }


def months_of(year: str) -> list[str]:
    first = int(year[:4])
    return [f"{first + (m < 4)}-{m:02d}" for m in (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3)]


def small_warehouse(con: duckdb.DuckDBPyConnection) -> None:
    """Four forces over three years, hospital months, three street files, two refused loads."""
    violence = "Violence against the person"
    for year, number in (("2019/20", 100), ("2020/21", 120), ("2021/22", 150)):
        rows = []
        for quarter in (1, 2, 3, 4):
            for force in REGION:
                more = number if force == "West Midlands" else 100
                rows += [
                    crime(force, year, quarter, violence, "Violence with injury", "8N", more),
                    crime(force, year, quarter, violence, "Homicide", "1", 1),
                ]
            rows.append(
                crime(
                    "Action Fraud", year, quarter, "Fraud offences", "Fraud: Action Fraud", "AF", 9
                )
            )
        if year == "2021/22":  # a file that came in before the one that counts
            old = [{**row, "number_of_offences": 99_999} for row in rows]
            enter(con, "home_office/prc", "prc old", old, superseded_by=f"prc {year}")
        enter(con, "home_office/prc", f"prc {year}", rows, quarantined=int(year == "2020/21"))
    # A row of the middle year is missing, and one of the file that counts no more.
    row = {"financial_year": "2020/21", "financial_quarter": 2, "force_name": "Staffordshire"}
    rule = {"column": "offence_code", "value": "??"}
    code = "offence_code.not_in_code_list"
    set_aside(con, "home_office/prc", "prc 2020/21", 41, code, text=json.dumps(row), **rule)
    row["financial_year"] = "2021/22"
    set_aside(con, "home_office/prc", "prc old", 41, code, text=json.dumps(row), **rule)

    hospital = []
    for year, shown in (("2019/20", "50"), ("2021/22", "50")):
        for month in months_of(year):
            number = int(shown)
            hospital.append(
                admissions("West Midlands", year, month, shown, number - 2, number + 2, "rounded")
            )
    hospital[-1] = admissions("West Midlands", "2021/22", "2022-03", "*", 1, 7, "suppressed")
    enter(con, "nhs/hes_sharp_object", "hes", hospital)

    def street(slot: str, kind: str) -> dict[str, Any]:
        return {
            "month": slot.split("/")[1],
            "reported_by": "Merseyside Police",
            "falls_within": "Merseyside Police",
            "crime_type": kind,
            "_period": slot,
        }

    first, third = "merseyside/2020-01", "merseyside/2020-03"
    enter(con, "police_uk/street", "s1", [street(first, "Robbery"), street(first, "Robbery")])
    enter(con, "police_uk/street", "s2", [], [third])
    other = "south-yorkshire/2020-02"
    enter(con, "police_uk/street", "s3", [street(other, "Drugs")], quarantined=2)
    unknown = "crime_type.not_in_code_list"
    set_aside(con, "police_uk/street", "s3", 2, unknown, column="crime_type", value="Drug")
    whole = "2020-02,South Yorkshire Police,1 High Street"
    set_aside(con, "police_uk/street", "s3", 3, "row.too_few_fields", value=whole, text=whole)
    judged(
        con,
        "police_uk/street",
        "s4",
        outcome="refused",
        reason="doubled",
        claim="south-yorkshire/2020-03",
    )
    # Searches at 23:30 UTC on 31 March are of April in British time, and of the April file.
    enter(
        con,
        "police_uk/stop_and_search",
        "stops",
        [
            {
                "type": "Person search",
                "date": dt.datetime(2019, 3, 31, 23, 30),
                "_period": "west-midlands/2019-04",
            }
        ],
    )
    judged(con, "ons/imd", "imd", entered=0, outcome="refused", reason="column IMD19 is missing")


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Built:
    home = tmp_path_factory.mktemp("dbt")
    path = home / "plumbline.duckdb"
    empty_warehouse(path).close()
    return dbt(path, home / "target", "build")


@pytest.fixture(scope="module")
def small(empty: Built) -> Built:
    """The same warehouse later, so that dbt need not read its project again."""
    with duckdb.connect(str(empty.path)) as con:
        small_warehouse(con)
    return dbt(empty.path, empty.target, "build", "--exclude-resource-type", "unit_test", "seed")


@pytest.fixture(scope="module")
def empty_counts(empty: Built) -> dict[str, int]:
    assert empty.code == 0, empty.output
    return {t: empty.rows(f"select count(*) from marts.{t}")[0][0] for t in sorted(MARTS)}


def test_an_empty_warehouse_builds_and_every_test_passes(empty: Built, empty_counts):
    statuses = {r["unique_id"]: r["status"] for r in empty.results()}
    assert set(statuses.values()) == {"success", "pass"}
    assert sum(name.startswith("unit_test.") for name in statuses) >= 10
    for table in ("mart_force_comparison", "mart_monthly_series", "mart_triangulation"):
        assert empty_counts[table] == 0
    assert empty_counts["dim_date"] == 7305
    # Countries, regions, forces and national bodies; the force's unit not known, its impact areas.
    assert empty_counts["dim_area"] == 63


def test_a_small_warehouse_builds_and_every_test_passes(empty_counts, small: Built):
    assert small.code == 0, small.output
    assert {r["status"] for r in small.results()} == {"success", "pass"}


def test_force_comparison(empty_counts, small: Built):
    rows = small.rows(
        "select force_name, offence_count, round(change_ratio, 3), change_rank, "
        "ranked_force_count, change_verdict, quarantined_row_count "
        "from marts.mart_force_comparison "
        "where offence_level = 'all' and period_label = '2021/22' order by change_rank, force_name"
    )
    assert rows == [
        ("West Midlands", 604, 1.495, 1, 4, "up", 0),
        ("Staffordshire", 404, 1.0, 2, 4, "not distinguishable from chance", 0),
        ("Warwickshire", 404, 1.0, 2, 4, "not distinguishable from chance", 0),
        ("West Mercia", 404, 1.0, 2, 4, "not distinguishable from chance", 0),
    ]
    homicide = small.rows(
        "select offence_count, change_ratio, change_pct, round(offence_count_lower, 3), "
        "round(offence_count_upper, 3) from marts.mart_force_comparison "
        "where offence_name = 'Homicide' and period_label = '2021/22' "
        "and force_code = 'west-midlands'"
    )
    assert homicide == [(4, 1.0, None, 1.09, 10.242)]
    fraud = small.rows(
        "select distinct offence_level, change_rank, is_territorial_force "
        "from marts.mart_force_comparison where force_code = 'action-fraud' order by 1"
    )
    assert fraud == [("group", None, False), ("subgroup", None, False)]


def test_a_force_with_rows_in_quarantine_is_neither_complete_nor_ranked(empty_counts, small: Built):
    rows = small.rows(
        "select period_label, force_name, period_status, change_rank, ranked_force_count, "
        "quarantined_row_count from marts.mart_force_comparison where offence_level = 'all' "
        "and period_label in ('2020/21', '2020/21 Q1', '2020/21 Q2') "
        "and force_code in ('staffordshire', 'west-midlands') order by 1, 2"
    )
    assert rows == [
        ("2020/21", "Staffordshire", "incomplete_quarantined", None, 3, 1),
        ("2020/21", "West Midlands", "complete", 1, 3, 0),
        ("2020/21 Q1", "Staffordshire", "complete", 2, 4, 0),
        ("2020/21 Q1", "West Midlands", "complete", 1, 4, 0),
        ("2020/21 Q2", "Staffordshire", "incomplete_quarantined", None, 3, 1),
        ("2020/21 Q2", "West Midlands", "complete", 1, 3, 0),
    ]
    assert small.rows(
        "select forces_supplied_count, comparison_status, verdict from marts.mart_triangulation "
        "where pair_code = 'violence_with_injury' and area_code = 'E12000005' "
        "and period_label = '2020/21'"
    ) == [(3, "incomplete", "not assessed")]


def test_monthly_series_has_a_row_for_every_month(empty_counts, small: Built):
    rows = small.rows(
        "select area_id, strftime(month, '%Y-%m'), value, supply_status, quarantined_row_count "
        "from marts.mart_monthly_series where measure_code = 'street_crimes_all' order by 1, 2"
    )
    assert rows == [
        ("force/merseyside", "2020-01", 2.0, "supplied", 0),
        ("force/merseyside", "2020-02", None, "not_supplied", None),
        ("force/merseyside", "2020-03", 0.0, "supplied_zero", 0),
        ("force/south-yorkshire", "2020-01", None, "not_supplied", None),
        ("force/south-yorkshire", "2020-02", 1.0, "supplied", 2),
        ("force/south-yorkshire", "2020-03", None, "refused", 0),
    ]
    absent_category = small.rows(
        "select value, value_lower, round(value_upper, 3) from marts.mart_monthly_series "
        "where measure_code = 'street_crimes_drugs' and area_id = 'force/merseyside' "
        "and month = date '2020-01-01'"
    )
    assert absent_category == [(0.0, 0.0, 3.689)]
    assert small.rows(
        "select strftime(month, '%Y-%m'), value from marts.mart_monthly_series "
        "where measure_code = 'stop_and_search_all'"
    ) == [("2019-04", 1.0)]
    withheld = small.rows(
        "select value, value_lower, value_upper, supply_status, is_suppressed "
        "from marts.mart_monthly_series where measure_code = 'hospital_sharp_object_faes' "
        "and month = date '2022-03-01'"
    )
    assert withheld == [(None, 1.0, 7.0, "suppressed", True)]
    # the year between the two that were published
    assert small.rows(
        "select count(*) from marts.mart_monthly_series "
        "where measure_code = 'hospital_sharp_object_faes' and supply_status = 'not_supplied'"
    ) == [(12,)]


def test_triangulation(empty_counts, small: Built):
    rows = small.rows(
        "select period_label, police_count, hospital_count, hospital_count_lower, "
        "hospital_count_upper, suppressed_month_count, comparison_status, verdict "
        "from marts.mart_triangulation where pair_code = 'violence_with_injury' "
        "and area_code = 'E12000005' and period_type = 'financial_year' "
        "and period_label <> '2020/21' order by 1"
    )
    assert rows == [
        ("2019/20", 1600, 600, 576, 624, 0, "complete", "baseline"),
        ("2021/22", 1800, 550, 529, 579, 1, "complete", "not distinguishable"),
    ]
    elsewhere = small.rows(
        "select distinct comparison_status, incomplete_reason from marts.mart_triangulation "
        "where area_code = 'E92000001'"
    )
    assert elsewhere == [("incomplete", "police and hospital counts are not whole")]


def test_ledger_reconciles_and_names_what_was_refused(empty_counts, small: Built):
    assert small.rows(
        "select count(*) from marts.mart_load_ledger "
        "where row_count_read <> row_count_entered + row_count_quarantined"
    ) == [(0,)]
    assert small.rows(
        "select load_id, outcome, is_current, superseded_by, reason from marts.mart_load_ledger "
        "where not is_current order by 1"
    ) == [
        ("imd", "refused", False, None, "column IMD19 is missing"),
        ("prc old", "entered", False, "prc 2021/22", None),
        ("s4", "refused", False, None, "doubled"),
    ]
    assert small.rows(
        "select rule_code, row_count, row_share, example_value, who_fixes "
        "from marts.mart_quarantine_summary where source = 'police_uk' order by 1"
    ) == [
        ("police_uk.street.crime_type.not_in_code_list", 1, 1 / 3, "Drug", "the publisher"),
        ("police_uk.street.row.too_few_fields", 1, 1 / 3, None, "the publisher"),
    ]


def test_every_mart_is_described_contracted_and_has_its_grain_tested(empty: Built):
    nodes = empty.manifest()["nodes"].values()
    models = [n for n in nodes if n["resource_type"] == "model"]
    marts = [n for n in models if n["schema"] == "marts"]
    assert {n["name"] for n in marts} == MARTS
    tested = {
        n["attached_node"]
        for n in nodes
        if n["resource_type"] == "test"
        and n["test_metadata"]["name"] == "unique_combination_of_columns"
    }
    for node in models:
        assert node["description"], node["name"]
        assert all(c["description"] for c in node["columns"].values()), node["name"]
    for node in marts:
        assert node["contract"]["enforced"], node["name"]
        assert node["unique_id"] in tested, f"{node['name']}: grain is not tested"


def test_comments_reach_the_database_and_columns_are_the_declared_ones(empty: Built):
    undescribed = empty.rows(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where schema_name in ('staging', 'intermediate', 'marts', 'seeds') and comment is null"
    )
    assert undescribed == []
    for about in all_specs():
        found = empty.rows(
            "select column_name from duckdb_columns() where schema_name = 'staging' "
            f"and table_name = '{about.staged_model}'"
        )
        expected = {c.staged_as for c in about.columns} | {"load_id", "row_number", "period"}
        assert {c for (c,) in found} == expected
