"""What the console program says of a run, and of links between records: true of this very run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from orchestration import cli
from orchestration.run import RunReport
from orchestration.settings import load_settings
from orchestration.simulate.scenario import SCENARIOS

RELEASE = "20260101T000000Z-abcdef01"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PLUMBLINE_HOME", "PLUMBLINE_LANDING", "PLUMBLINE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def report(status: str, exit_code: int, **more) -> RunReport:
    known = {
        "release_id": RELEASE,
        "marts": {"mart_headline_indicators": 4, "mart_force_comparison": 0, "mart_load_ledger": 3},
        "headlines": [{"indicator": "All crime", "baseline": 10}],
        "figures": [{"figure": "Spiking", "value": "95"}],
        "attempts": [{"outcome": "replay", "reason_code": None}],
    }
    return RunReport("run", status, exit_code, **{**known, **more})


def said(what: RunReport, capsys: pytest.CaptureFixture[str]) -> str:
    cli._print_report(what, load_settings())
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_a_run_that_failed_shows_no_figures_of_an_earlier_release(capsys) -> None:
    text = said(report("failed", 1, problems=["dbt: it does not build"]), capsys)
    assert "All crime" not in text
    assert "Spiking" not in text
    assert "it does not build" in text


@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("refused", 2), ("unchanged", 0)])
def test_figures_stand_under_the_release_that_they_are_of(status, code, capsys) -> None:
    text = said(report(status, code), capsys)
    # The title of a narrow table is broken into lines.
    assert f"(release{RELEASE})" in "".join(text.split())
    assert "All crime" in text


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (report("succeeded", 0), ""),
        (report("refused", 2), "everything else is published"),
        (report("failed", 1), f"published before stays (release {RELEASE})"),
        (report("failed", 1, release_id=None), "the run failed and nothing was published"),
        (report("failed", 1, is_new_release=True), f"after it had published the release {RELEASE}"),
    ],
)
def test_the_last_line_is_true_of_the_run(what: RunReport, words: str) -> None:
    ending = cli._ending(what)
    assert words in ending
    assert bool(ending) is bool(what.exit_code)
    assert ("everything else is published" in ending) is (what.exit_code == 2)


def test_a_landing_that_is_not_there_is_a_failure_in_which_nothing_was_published(tmp_path) -> None:
    done = CliRunner().invoke(cli.main, ["run", "--landing", str(tmp_path / "none")])
    assert done.exit_code == 1
    assert done.stderr.rstrip().endswith("the run failed and nothing was published")


def test_what_to_look_at_has_rows() -> None:
    assert "mart_headline_indicators" in cli._look(report("succeeded", 0))
    open_data = report("succeeded", 0, headlines=[], marts={"mart_force_comparison": 7})
    assert "mart_force_comparison" in cli._look(open_data)
    little = report("succeeded", 0, headlines=[], marts={"mart_load_ledger": 1})
    assert "mart_load_ledger" in cli._look(little)


def test_a_command_can_be_typed_as_it_is_shown(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cli.shutil, "which", lambda name: None)
    monkeypatch.setattr(cli.sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    assert cli._command(load_settings(), "loads") == ".venv/bin/plumbline loads"
    elsewhere = load_settings(home=tmp_path / "my home")
    assert cli._command(elsewhere, "loads").endswith(f"loads --home '{tmp_path}/my home'")
    monkeypatch.setattr(cli.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert cli._command(load_settings(), "loads") == "plumbline loads"


def test_the_help_names_every_scenario() -> None:
    text = " ".join(CliRunner().invoke(cli.main, ["simulate", "--help"]).output.split())
    for scenario in SCENARIOS:
        assert scenario in text.partition("Which world to write")[2].partition("--scale")[0]


# ----------------------------------------------------------------------- links


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "warehouse" / "plumbline.duckdb"
    path.parent.mkdir(parents=True)
    with duckdb.connect(str(path)) as con:
        con.execute(
            """
            create schema facts;
            create table facts.fct_offence as select * from (values
                ('legacy:A/1', date '2021-04-01'), ('legacy:A/2', date '2021-05-01')
            ) as t(offence_id, recorded_month);
            create table facts.fct_offence_link as select * from (values
                ('A/1', 'INV-1', 'legacy:A/1', 'legacy', 'attributes', 21.78, 'unknown',
                    'same_code', 'same', 'near', 'same', 'all_shared', 'unknown'),
                ('A/2', 'INV-2', 'legacy:A/2', 'legacy', 'log_number', 3.6, 'same',
                    'same_group', 'same', 'same', 'same', 'all_shared', 'unknown')
            ) as t(crime_number, investigation_id, offence_id, counted_system, link_reason,
                link_score, log_agreement, offence_agreement, lsoa_agreement, occurred_agreement,
                reported_agreement, persons_agreement, victims_agreement);
            """
        )
    return path


def test_links_are_shown_weakest_first_with_what_agrees(warehouse: Path) -> None:
    done = CliRunner().invoke(cli.main, ["links"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert "not for publication" in lines[0]
    assert lines[1].split()[:5] == ["A/2", "INV-2", "2021-05", "log_number", "3.60"]
    assert "log same, offence same_group" in lines[1]
    assert "victims" not in lines[1]  # not known of this pair
    assert lines[-1].startswith("2 of 2 pairs")


def test_links_of_a_month_as_json(warehouse: Path) -> None:
    done = CliRunner().invoke(cli.main, ["links", "--month", "2021-04", "--json"])
    found = json.loads(done.output)
    assert found["pair_count"] == 1
    assert [p["crime_number"] for p in found["pairs"]] == ["A/1"]
    assert "not for publication" in found["note"]
    few = CliRunner().invoke(cli.main, ["links", "--limit", "1", "--json"])
    assert len(json.loads(few.output)["pairs"]) == 1
    wrong = CliRunner().invoke(cli.main, ["links", "--month", "April"])
    assert (wrong.exit_code, "2021-05" in wrong.stderr) == (2, True)


def test_links_of_a_warehouse_that_is_being_written_are_refused_in_words(warehouse: Path) -> None:
    hold = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        done = CliRunner().invoke(cli.main, ["links"])
        other.communicate("")
    assert done.exit_code == 2
    assert f"process {other.pid} is writing" in done.stderr
    assert "Traceback" not in done.stderr


def test_links_before_the_first_run_are_refused_in_words(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.main, ["links"])
    assert done.exit_code == 2
    assert "run `plumbline run` first" in done.stderr
    path = tmp_path / "data" / "warehouse" / "plumbline.duckdb"
    path.parent.mkdir(parents=True)
    duckdb.connect(str(path)).close()
    done = CliRunner().invoke(cli.main, ["links"])
    assert "has no links yet" in done.stderr
