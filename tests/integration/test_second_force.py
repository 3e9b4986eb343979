"""Another force points Plumbline at its own extracts by configuration alone.

The same simulated records are written as two forces would: one in the canonical layout, one under
other file names, column titles and codes. Both must give the same figures.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
import yaml
from whole_runs import ask, plumbline, plumbline_with

from orchestration.contracts import spec

#: The second force's own words: table -> its file name stem.
FILES = {
    "legacy/crimes": ("legacy_crimes", "NICHE-CRIME"),
    "legacy/persons": ("legacy_persons", "NICHE-NOMINAL"),
    "connect/investigations": ("connect_investigations", "ATHENA-INV"),
    "connect/classification_history": ("connect_classification_history", "ATHENA-HIST"),
    "connect/involvements": ("connect_involvements", "ATHENA-INVOLVED"),
    "incidents/logs": ("incident_logs", "STORM"),
    "geography/beats": ("geography_beats", "GIS-BEATS"),
}
#: Its own codes: list -> canonical source code -> its own code, in the column named.
CODES = {
    "legacy.weapon": ("legacy/crimes", "weapon_code", {"K": "BLADE", "S": "SHARP/OTHER"}),
    "legacy.sex": ("legacy/persons", "sex", {"M": "1", "F": "2"}),
    "connect.record_origin": (
        "connect/investigations",
        "record_origin",
        {"initial_report_no_trace": "PHONE-NT", "log_quality_review": "FCIU"},
    ),
}


def own_title(column: str) -> str:
    """The second force's title of a column."""
    return "".join(part.capitalize() for part in column.split("_")) + " (own)"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("first") / "landing"
    done = plumbline(
        "simulate", "--out", str(out), "--scale", "0.02", "--format", "csv", home=out.parent
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def second(first: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The second force's landing and configuration."""
    folder = tmp_path_factory.mktemp("second")
    landing = folder / "extracts"
    landing.mkdir()
    con = duckdb.connect()
    for file in sorted(first.rglob("*.csv")):
        if "_truth" in file.parts:
            continue
        for table, (stem, own_stem) in FILES.items():
            if file.name.startswith(stem):
                codes = {c: m for t, c, m in CODES.values() if t == table}
                chosen = []
                for column in spec(table).columns:
                    value = f'"{column.title}"'
                    for canonical, own in codes.get(column.name, {}).items():
                        value = f"replace({value}, '{canonical}', '{own}')"
                    chosen.append(f'{value} as "{own_title(column.name)}"')
                target = landing / (own_stem + file.name.removeprefix(stem))
                con.execute(
                    f"copy (select {', '.join(chosen)} from "
                    f"read_csv('{file}', all_varchar = true)) to '{target}' (header)"
                )
                break
        else:
            (landing / file.name).write_bytes(file.read_bytes())
    sources: dict[str, dict] = {}
    for table, (_, own_stem) in FILES.items():
        source, _, name = table.partition("/")
        sources.setdefault(source, {})[name] = {
            "files": [f"{own_stem}*"],
            "layouts": {"own": {c.name: own_title(c.name) for c in spec(table).columns}},
        }
    config = {
        "force": {
            "code": "staffordshire",
            "name": "Staffordshire Police",
            "region_code": "E12000005",
        },
        "sources": sources,
        "code_maps": {
            code_list: {
                own: dict(_conformed(code_list))[canonical] for canonical, own in codes.items()
            }
            for code_list, (_, _, codes) in CODES.items()
        },
        "recording_eras": [
            {
                "code": "niche",
                "name": "Niche",
                "system": "legacy",
                "first_day": "2005-01-01",
                "last_day": "2021-04-05",
            },
            {"code": "athena", "name": "Athena", "system": "connect", "first_day": "2021-04-06"},
        ],
        "known_events": [
            {
                "code": "athena_go_live",
                "name": "Athena replaces Niche",
                "kind": "recording_system",
                "action": "flag",
                "first_day": "2021-04-06",
                "evidence": "this test",
            }
        ],
    }
    path = folder / "plumbline.yml"
    path.write_text(yaml.safe_dump(config))
    return landing, path


def _conformed(code_list: str) -> list[tuple[str, str]]:
    seed = Path(__file__).parents[2] / "dbt_project" / "seeds" / "force_codes.csv"
    return duckdb.execute(
        "select source_code, conformed_code from read_csv($1, all_varchar = true) "
        "where list_code = $2",
        [str(seed), code_list],
    ).fetchall()


@pytest.fixture(scope="module")
def homes(
    first: Path, second: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("homes")
    one, two = folder / "one", folder / "two"
    done = plumbline("run", "--landing", str(first), home=one)
    assert done.returncode == 0, done.stdout + done.stderr
    landing, config = second
    done = plumbline_with(
        {"PLUMBLINE_CONFIG": str(config), "PLUMBLINE_PERSON_KEY": "a key of the second force"},
        "run",
        "--landing",
        str(landing),
        home=two,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return one, two


def test_nothing_is_lost_or_quarantined(homes: tuple[Path, Path]) -> None:
    counts = [
        ask(
            "select source, table_name, sum(row_count_entered) as n, sum(row_count_quarantined) "
            "as q from mart_load_ledger group by all order by all",
            home,
        )
        for home in homes
    ]
    assert counts[0] == counts[1]
    assert {r["source"] for r in counts[0]} >= {"legacy", "connect", "incidents", "hospital"}


@pytest.mark.parametrize(
    "sql",
    [
        "select indicator_code, basis, baseline_count, current_count from "
        "mart_headline_indicators order by all",
        "select measure_code, month, basis, value from mart_monthly_series "
        # What is adjusted follows the dates of the changes, and theirs differ.
        "where value is not null and basis <> 'adjusted' order by all",
    ],
)
def test_the_same_records_give_the_same_figures(homes: tuple[Path, Path], sql: str) -> None:
    one, two = (ask(sql, home) for home in homes)
    assert one
    assert json.dumps(one) == json.dumps(two)


def test_its_own_era_and_events_are_the_dimensions(homes: tuple[Path, Path]) -> None:
    eras = ask("select era_code, recording_system from dim_recording_era order by 1", homes[1])
    assert [tuple(r.values()) for r in eras] == [("athena", "connect"), ("niche", "legacy")]
    events = ask("select event_code from dim_known_event", homes[1])
    assert {"athena_go_live"} <= {r["event_code"] for r in events}
    assert "connect_go_live" not in {r["event_code"] for r in events}
