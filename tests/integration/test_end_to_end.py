"""The whole road as a user takes it: the console program on a generated landing with one bad file.

One home serves the tests of this module, in the order in which they stand.
"""

from __future__ import annotations

import csv
import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from whole_runs import (
    ask,
    file_hashes,
    plumbline,
    published_state,
    raw_state,
)

from orchestration.sources.sample_landing import write_sample_landing

pytestmark = pytest.mark.slow

POISON = "prc-pfa-2023-24.csv"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    landing = folder / "landing"
    landing.mkdir()
    write_sample_landing(landing)
    (landing / POISON).write_text(
        "Financial Year,Financial Quarter,Force,Offence Description,Offence Group,"
        "Offence Subgroup,Offence Code,Number of Offences\n"
        "2023/24,1,West Midlands,Murder,Violence against the person,Homicide,1,3\n"
    )
    return folder


@pytest.fixture(scope="module")
def first_run(place: Path) -> subprocess.CompletedProcess[str]:
    return plumbline("run", "--landing", str(place / "landing"), home=place / "home")


def test_a_poisoned_file_is_refused_by_name_and_the_rest_is_published(place, first_run):
    said = first_run.stdout + first_run.stderr
    assert first_run.returncode == 2, said
    assert "Traceback" not in said
    assert POISON in first_run.stdout
    assert "Force Name" in first_run.stdout  # the column that is missing, by its title
    assert "police_uk/street" in first_run.stdout
    assert "New release" in first_run.stdout
    assert "Open Government Licence" in first_run.stdout


def test_the_published_marts_answer_questions(place, first_run):
    home = place / "home"
    rows = ask(
        "select change_rank, ranked_force_count, change_ratio, change_ratio_lower, "
        "change_ratio_upper from mart_force_comparison where force_code = 'west-midlands' "
        "and period_label = '2021/22' and offence_level = 'all'",
        home,
    )
    assert len(rows) == 1
    assert rows[0]["ranked_force_count"] == 43
    assert rows[0]["change_ratio_lower"] < rows[0]["change_ratio"] < rows[0]["change_ratio_upper"]
    months = ask(
        "select supply_status, value from mart_monthly_series where "
        "measure_code = 'stop_and_search_all' and area_id = 'force/west-midlands' "
        "and month > date '2021-03-01'",
        home,
    )
    assert months
    assert {(r["supply_status"], r["value"]) for r in months} == {("not_supplied", None)}
    unbalanced = ask(
        "select * from mart_load_ledger "
        "where row_count_read <> row_count_entered + row_count_quarantined",
        home,
    )
    assert unbalanced == []


def test_nothing_is_published_without_its_words(place, first_run):
    undescribed = ask(
        "select table_name, column_name from duckdb_columns() "
        "where not internal and coalesce(comment, '') = ''",
        place / "home",
    )
    assert undescribed == []


def test_no_record_of_a_single_crime_is_published(place, first_run):
    columns = ask("select column_name from duckdb_columns() where not internal", place / "home")
    assert not {c["column_name"] for c in columns} & {"crime_id", "longitude", "latitude"}


def test_json_of_every_command_can_be_read(place, first_run):
    home = place / "home"
    status = json.loads(plumbline("status", "--json", home=home).stdout)
    assert status["release"]["problems"] == []
    assert any(r["file_name"] == POISON for r in status["refused"])
    alerts = json.loads(plumbline("alerts", "list", "--json", home=home).stdout)
    (refused,) = [a for a in alerts if a["check_code"] == "load_refused"]
    assert (refused["area_code"], refused["severity"]) == ("home_office/prc", "critical")
    assert refused["cause"] in {c["cause"] for c in status["open_alerts"]}
    loads = json.loads(plumbline("loads", "--json", home=home).stdout)
    assert {r["outcome"] for r in loads} >= {"entered", "refused"}
    attempts = json.loads(plumbline("loads", "--attempts", "--json", home=home).stdout)
    assert any(r["outcome"] == "unrecognised" for r in attempts)
    releases = json.loads(plumbline("releases", "--json", home=home).stdout)
    assert [r["is_current"] for r in releases] == [True]
    assert isinstance(json.loads(plumbline("quarantine", "--json", home=home).stdout), list)


def test_a_second_run_changes_nothing_and_says_so(place, first_run):
    home = place / "home"
    before_raw, before_files = raw_state(home), file_hashes(home / "releases")
    again = plumbline("run", "--landing", str(place / "landing"), home=home)
    assert again.returncode == 2  # the poisoned file still lies there
    assert "Nothing changed" in again.stdout
    assert POISON in again.stdout
    assert raw_state(home) == before_raw
    assert file_hashes(home / "releases") == before_files


def test_queries_cannot_write_and_mistakes_end_in_words(place, first_run):
    home = place / "home"
    for sql in ("create table x (i int)", "copy (select 1) to 'x.csv'", "selec 1"):
        done = plumbline("query", sql, home=home)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("plumbline: ")
    done = plumbline("query", "select 1", home=place / "nowhere")
    assert done.returncode == 2
    assert "plumbline run" in done.stderr


def test_a_run_that_may_not_wait_says_who_is_writing(place, first_run):
    home = place / "home"
    with (home / "warehouse" / "writer.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = plumbline("run", "--landing", str(place / "landing"), "--no-wait", home=home)
    assert done.returncode == 1
    assert "is writing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_new_file_publishes_and_poison_leaves_its_table_as_it_was(place, first_run):
    """A bad revision of a month that is published, and a good new month, arrive together."""
    home, landing = place / "home", place / "landing"
    before = published_state(home)
    street = landing / "police_uk" / "2022-03-west-midlands-street.csv"
    good = street.read_text()
    bad_lines = good.splitlines()
    (landing / "later").mkdir()
    (landing / "later" / "2022-03-west-midlands-street.csv").write_text(
        "\n".join([bad_lines[0], *bad_lines[1:], *bad_lines[1:]]) + "\n"  # doubled
    )
    month = good.replace("2022-03", "2022-04").splitlines()
    month[1] = month[1].replace("2022-04", "2022-13", 1)  # one row that no month holds
    (landing / "later" / "2022-04-west-midlands-street.csv").write_text("\n".join(month) + "\n")
    done = plumbline("run", "--landing", str(landing), home=home)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "later/2022-03-west-midlands-street.csv" in done.stdout
    assert "New release" in done.stdout
    values = ask(
        "select month::varchar as month, value from mart_monthly_series "
        "where measure_code = 'street_crimes_all' and area_id = 'force/west-midlands' "
        "and month >= date '2022-03-01' order by 1",
        home,
    )
    assert values == [
        {"month": "2022-03-01", "value": len(bad_lines) - 1},
        {"month": "2022-04-01", "value": len(month) - 2},
    ]
    after = published_state(home)
    for untouched in ("mart_force_comparison", "dim_area", "dim_date", "dim_offence"):
        assert after[untouched] == before[untouched], untouched
    assert "police_uk.street.month.bad_format" in done.stdout

    for name, reader in (("q.xlsx", _read_workbook), ("q.csv", _read_csv)):
        export = place / name
        exported = plumbline(
            "quarantine", "--rule", "police_uk.street.month", "--export", str(export), home=home
        )
        assert exported.returncode == 0, exported.stderr
        rows = reader(export)
        assert len(rows) == 1
        assert rows[0]["value"] == "2022-13"
        assert str(rows[0]["row_number"]) == "1"

    releases = json.loads(plumbline("releases", "--json", home=home).stdout)
    assert [r["is_current"] for r in releases] == [True, False]
    back = plumbline("releases", "rollback", releases[1]["release_id"], home=home)
    assert back.returncode == 0, back.stderr
    assert published_state(home) == before
    # A release that was withdrawn stays so until there is something new.
    idle = plumbline("run", "--landing", str(landing), home=home)
    assert "Nothing changed" in idle.stdout, idle.stdout + idle.stderr
    assert published_state(home) == before
    wrong = plumbline("releases", "rollback", "no-such-release", home=home)
    assert wrong.returncode == 2
    assert "no-such-release" in wrong.stderr


def _read_workbook(path: Path) -> list[dict]:
    import openpyxl

    sheet = openpyxl.load_workbook(path, read_only=True)["rows"]
    rows = list(sheet.iter_rows(values_only=True))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def _read_csv(path: Path) -> list[dict]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def test_a_full_disk_ends_in_words_and_the_next_run_goes_on(place, tmp_path):
    """A home on a small file system of its own; needs the right to mount one."""
    home = tmp_path / "small"
    home.mkdir()
    mount = shutil.which("mount")
    mounted = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(home)],
        capture_output=True,
        check=False,
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("a file system cannot be mounted here, so a full disk cannot be made")
    landing = tmp_path / "landing"
    landing.mkdir()
    for name in ("2022-03-west-midlands-street.csv", "2022-03-staffordshire-street.csv"):
        shutil.copy(place / "landing" / "police_uk" / name, landing)
    try:
        done = plumbline("run", "--landing", str(landing), home=home)
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        assert "no space left" in said.lower()
        assert "Traceback" not in said
        assert not (home / "releases" / "current").exists()
        subprocess.run(
            [mount, "-o", "remount,size=400m", str(home)], check=True, capture_output=True
        )
        done = plumbline("run", "--landing", str(landing), home=home)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (home / "releases" / "current" / "plumbline.duckdb").exists()
    finally:
        subprocess.run(["umount", "-l", str(home)], check=False, capture_output=True)


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_landing_that_is_no_folder_ends_in_words(tmp_path, kind):
    landing = tmp_path / "landing"
    if kind == "file":
        landing.write_text("x")
    done = plumbline("run", "--landing", str(landing), home=tmp_path / "home")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("the run failed and nothing was published")
    assert str(landing) in done.stderr
    assert "Traceback" not in done.stderr
