"""The gate: every failure names its load, nothing unassessed passes, nothing broken passes."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from orchestration.contracts import spec
from orchestration.gates import dialect
from orchestration.gates.gate import GatePairingError, run_gate
from orchestration.gates.measures import profile_sql
from orchestration.gates.suites import Expectation, Measure, Suite, load_suite, suite_for

STREET = (
    "crime_id",
    "month",
    "reported_by",
    "falls_within",
    "longitude",
    "latitude",
    "location",
    "lsoa_code",
    "lsoa_name",
    "crime_type",
    "last_outcome_category",
    "context",
)


def expectation(
    code: str, measure: str, severity: str = "critical", **kwargs: object
) -> Expectation:
    return Expectation(
        code=code,
        measure=measure,
        type="expect_column_values_to_be_between",
        kwargs=kwargs,
        severity=severity,
        message="{observed} is not {expected}; name says {name}",
        who_fixes="sender",
        evidence="test",
    )


SUITE = Suite(
    table="x/y",
    measures=(
        Measure(name="n", description="rows", sql="count(*)"),
        Measure(name="share", description="share", sql="avg(a)"),
        Measure(name="name", description="name", type="text", sql="min(b)"),
    ),
    expectations=(
        expectation("x.y.n.few", "n", min_value=10),
        expectation("x.y.share.high", "share", "warning", max_value=0.5),
    ),
)


def profile(folder: Path, rows: str, columns: str = "load_id, n, share, name") -> Path:
    path = folder / "profile.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute(f"create table load_profile as select * from (values {rows}) t ({columns})")
    return path


def test_failures_are_told_of_the_loads_that_fail(tmp_path: Path) -> None:
    file = profile(
        tmp_path,
        "('good', 20.0, 0.1, 'g'), ('few', 3.0, 0.1, 'f'), ('high', 1234.0, 0.75, 'h'), "
        "('both', 1.0, 0.9, null)",
    )
    report = run_gate(file, SUITE, "run", None)
    assert {i: report.verdict(i) for i in ("good", "few", "high", "both")} == {
        "good": "pass",
        "few": "fail",
        "high": "warning",
        "both": "fail",
    }
    assert report.verdict("never judged") == "not_assessed"
    few = report.for_load("few")[0]
    assert (few.expectation_code, few.status, few.observed) == ("x.y.n.few", "fail", "3")
    assert few.message == "3 is not at least 10; name says f"
    assert report.for_load("both")[1].message == "0.9 is not at most 0.5; name says not known"
    assert report.for_load("high")[0].message == "1,234 (expected: at least 10)"
    assert len(report.results) == 8 and report.docs_path is None


def test_no_value_is_not_assessed_and_never_a_pass(tmp_path: Path) -> None:
    file = profile(tmp_path, "('a', null::double, null::double, 'x'), ('b', 20.0, null, 'y')")
    report = run_gate(file, SUITE, "run", None)
    assert [r.status for r in report.for_load("a")] == ["not_assessed", "not_assessed"]
    assert [r.status for r in report.for_load("b")] == ["pass", "not_assessed"]
    assert report.verdict("a") == "not_assessed"
    assert report.verdict("b") == "pass"


def test_no_load_gives_an_empty_report(tmp_path: Path) -> None:
    file = profile(tmp_path, "('a', 1.0, 1.0, 'x')")
    with duckdb.connect(str(file)) as con:
        con.execute("delete from load_profile")
    assert run_gate(file, SUITE, "run", None).results == []


@pytest.mark.parametrize(("severity", "verdict"), [("critical", "fail"), ("warning", "warning")])
def test_an_expectation_that_breaks_is_never_a_pass(
    tmp_path: Path, severity: str, verdict: str
) -> None:
    # A number where text is: DuckDB cannot compare them, and Great Expectations reports that.
    broken = SUITE.model_copy(
        update={
            "expectations": (
                expectation("x.y.name.odd", "name", severity, max_value=5),
                SUITE.expectations[0],
            )
        }
    )
    file = profile(tmp_path, "('a', 20.0, 0.1, 'text'), ('b', 20.0, 0.1, 'text')")
    report = run_gate(file, broken, "run", None)
    for load in ("a", "b"):
        odd, few = report.for_load(load)
        assert (odd.status, odd.raised) == ("not_assessed", True)
        assert odd.message.startswith("the check could not be run: ")
        assert few.status == "pass"
        assert report.verdict(load) == verdict


def test_a_broken_pairing_raises_and_judges_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = profile(tmp_path, "('a', 20.0, 0.1, 'x')")
    # As if the dialect of this project were not there and the published one were used.
    check = dialect.self_check.__wrapped__
    monkeypatch.setattr(dialect, "self_check", lambda: check("duckdb"))
    with pytest.raises(GatePairingError, match="great-expectations"):
        run_gate(file, SUITE, "run", None)


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        ("('a', 1.0)", "load_id, n", "has no measure share, name"),
        ("('a', 1.0, 1.0, 'x'), ('a', 1.0, 1.0, 'x')", "load_id, n, share, name", "a load twice"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused(
    tmp_path: Path, rows: str, columns: str, words: str
) -> None:
    with pytest.raises(GatePairingError, match=words):
        run_gate(profile(tmp_path, rows, columns), SUITE, "run", None)


def test_data_docs_name_loads_call_nobody_and_are_never_overwritten(tmp_path: Path) -> None:
    file = profile(
        tmp_path,
        "('a', 'merseyside <2021>', 3.0, 0.1, 'x'), ('b', 'kent', 20.0, 0.1, 'y')",
        "load_id, load_label, n, share, name",
    )
    docs = tmp_path / "docs"
    first = run_gate(file, SUITE, "run/1", docs)
    second = run_gate(file, SUITE, "run/1", docs)
    assert first.docs_error is None
    assert first.docs_path == docs / "run-1" / "x__y.html"
    assert second.docs_path == docs / "run-1" / "x__y-2.html"
    page = first.docs_path.read_text(encoding="utf-8")
    assert "merseyside &lt;2021&gt;" in page and "3 is not at least 10" in page
    assert "REFUSED" in page and "x.y.n.few" in page
    assert "<script" not in page.lower()
    assert not re.findall(r"<(?:link|img|iframe)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//", page)
    index = (docs / "index.html").read_text(encoding="utf-8")
    assert index.count("run-1/x__y") == 2


def test_docs_that_cannot_be_written_do_not_change_the_verdict(tmp_path: Path) -> None:
    file = profile(tmp_path, "('a', 20.0, 0.1, 'x')")
    (tmp_path / "docs").write_text("a file, not a folder")
    report = run_gate(file, SUITE, "run", tmp_path / "docs")
    assert report.verdict("a") == "pass"
    assert report.docs_path is None and report.docs_error


# ------------------------------------------------------------------ the street suite, end to end


def judge_street(
    folder: Path, change: str, loader: str = "", claim: str = "merseyside/2018-04"
) -> set[str]:
    """Codes that a synthetic month of 400 rows fails after ``change`` (SQL over table t)."""
    suite = load_suite("police_uk/street")
    types = [
        "'Burglary'",
        "'Drugs'",
        "'Robbery'",
        "'Shoplifting'",
        "'Other theft'",
        "'Bicycle theft'",
        "'Public order'",
        "'Vehicle crime'",
        "'Other crime'",
        "'Anti-social behaviour'",
    ]
    with duckdb.connect() as con:
        con.execute(
            "create table t as select "
            "case when i % 10 <> 9 then sha256(cast(i as varchar)) end as crime_id, "
            "'2018-04' as month, 'Merseyside Police' as reported_by, "
            "'Merseyside Police' as falls_within, -2.9 as longitude, 53.4 + i / 1e4 as latitude, "
            "'On or near ' || i as location, 'E01006448' as lsoa_code, 'Knowsley 001A' as "
            f"lsoa_name, [{', '.join(types)}][i % 10 + 1] as crime_type, null::varchar as "
            "last_outcome_category, null::varchar as context, 'x' as _load_id, i as _row_number, "
            "'merseyside/2018-04' as _period from range(400) r (i)"
        )
        if change:
            con.execute(change)
        n = con.execute("select count(*) from t").fetchone()[0]
        con.execute(
            f"create table known as select 'x' as load_id, {n} as row_count_read, "
            f"{n} as row_count_entered, 0 as row_count_quarantined, "
            "0.0::double as quarantined_pct, "
            "null::bigint as row_count_previous, null::double as row_count_typical, "
            f"'{claim}' as claim, '{claim.partition('/')[2]}' as claim_period"
        )
        if loader:
            con.execute(f"update known set {loader}")
        table = con.execute(
            profile_sql(suite, "t", columns=STREET, loader="known")
        ).to_arrow_table()
    file = folder / "street.duckdb"
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as con:
        con.register("found", table)
        con.execute("create table load_profile as select * from found")
    report = run_gate(file, suite, "run", None)
    return {
        f"{r.severity}: {r.expectation_code.removeprefix('police_uk.street.')}"
        for r in report.results
        if r.status == "fail" or r.raised
    }


@pytest.mark.parametrize(
    ("change", "loader", "claim", "failed"),
    [
        ("", "", "merseyside/2018-04", set()),
        (
            "insert into t select * from t",
            "",
            "merseyside/2018-04",
            {"critical: rows.doubled", "warning: crime_id.repeated"},
        ),
        ("", "", "merseyside/2018-05", {"critical: period.not_as_stated"}),
        (
            "update t set month = '2018-05' where _row_number = 7",
            "",
            "merseyside/2018-04",
            {"critical: period.not_as_stated"},
        ),
        ("", "", "kent/2018-04", {"critical: force.not_as_stated"}),
        (
            "update t set reported_by = 'Kent Police' where _row_number = 7",
            "",
            "merseyside/2018-04",
            {"critical: force.not_as_stated"},
        ),
        ("update t set lsoa_code = null", "", "merseyside/2018-04", {"warning: place.missing"}),
        (
            "",
            "row_count_typical = 5000",
            "merseyside/2018-04",
            {"critical: rows.volume_extreme"},
        ),
        ("", "row_count_typical = 600", "merseyside/2018-04", {"warning: rows.volume_unusual"}),
        (
            "",
            "row_count_previous = 1000",
            "merseyside/2018-04",
            {"critical: rows.revision_collapses"},
        ),
        (
            "",
            "row_count_previous = 500",
            "merseyside/2018-04",
            {"warning: rows.revision_shrinks"},
        ),
        ("", "row_count_previous = 430", "merseyside/2018-04", set()),
        (
            "",
            "row_count_quarantined = 120, row_count_read = 520, quarantined_pct = 23.1",
            "merseyside/2018-04",
            {"critical: rows.many_quarantined"},
        ),
        (
            "",
            "row_count_quarantined = 600, row_count_read = 1000, quarantined_pct = 60",
            "merseyside/2018-04",
            {"critical: rows.mostly_quarantined"},
        ),
        (
            "",
            "row_count_quarantined = 20, row_count_read = 420, quarantined_pct = 4.8",
            "merseyside/2018-04",
            {"warning: rows.some_quarantined"},
        ),
        ("", "row_count_read = 401", "merseyside/2018-04", {"critical: rows.unreconciled"}),
        ("delete from t", "", "merseyside/2018-04", {"critical: rows.none"}),
        (
            "delete from t",
            "row_count_typical = 300, row_count_previous = 300, row_count_read = 400, "
            "row_count_quarantined = 400, quarantined_pct = 100",
            "merseyside/2018-04",
            {"critical: rows.none"},
        ),
        (
            "delete from t where _row_number > 5",
            "row_count_entered = 400, row_count_read = 400",
            "merseyside/2018-04",
            {"critical: rows.missing", "warning: crime_type.few"},
        ),
    ],
)
def test_street_suite(
    tmp_path: Path, change: str, loader: str, claim: str, failed: set[str]
) -> None:
    assert judge_street(tmp_path, change, loader, claim) == failed


@pytest.mark.parametrize("table", ["police_uk/stop_and_search", "police_uk/outcomes"])
@pytest.mark.parametrize(
    ("read", "typical", "previous", "verdict", "failed"),
    [
        (0, None, None, "warning", {"rows.empty"}),
        (0, 4, 3, "warning", {"rows.empty"}),
        (0, 2000, None, "fail", {"rows.empty_unlikely"}),
        (0, None, 2000, "fail", {"rows.empty_unlikely"}),
        (30, 4, None, "fail", {"rows.none"}),
    ],
)
def test_a_file_without_rows_is_a_zero_only_where_zero_is_possible(
    tmp_path: Path,
    table: str,
    read: int,
    typical: int | None,
    previous: int | None,
    verdict: str,
    failed: set[str],
) -> None:
    about = spec(table)
    suite = suite_for(about)
    known = {
        "row_count_read": read,
        "row_count_entered": 0,
        "row_count_quarantined": read,
        "quarantined_pct": 100.0 if read else None,
        "row_count_previous": previous,
        "row_count_typical": typical,
        "claim": "'kent/2018-04'",
        "claim_period": "'2018-04'",
        "is_replacing": previous is not None,
    }
    columns = ", ".join(f'"{c.name}" {c.sql_type}' for c in about.columns)
    loader = ", ".join(f"{'null' if v is None else v} as {k}" for k, v in known.items())
    file = tmp_path / "profile.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(f"create table t ({columns}, _load_id varchar)")
        con.execute(f"create table known as select 'x' as load_id, {loader}")
        sql = profile_sql(suite, "t", columns=[c.name for c in about.columns], loader="known")
        con.execute(f"create table load_profile as {sql}")
    report = run_gate(file, suite, "run", None)
    assert report.verdict("x") == verdict
    assert {
        r.expectation_code.removeprefix(f"{suite.code_prefix}.")
        for r in report.results
        if r.status == "fail" or r.raised
    } == failed


def test_every_force_name_gives_the_slug_that_file_names_use() -> None:
    import csv

    seeds = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "force_names.csv"
    expr = next(
        m for m in load_suite("police_uk/street").measures if m.name == "force_of_rows"
    ).expr
    with seeds.open(encoding="utf-8", newline="") as handle:
        forces = [r for r in csv.DictReader(handle) if r["source"] == "police_uk"]
    assert len(forces) > 40
    with duckdb.connect() as con:
        for r in forces:
            slug = con.execute(
                f"select {expr} from (select $1 as force_first, $1 as force_last)",
                [r["source_name"]],
            ).fetchone()[0]
            assert slug == r["force_code"], r
