"""The register of claims on a small warehouse of real records, and ``plumbline claims``.

The only records are a grant ledger that says what Appendix A of the paper says: its amounts
reproduce, what has no records is not assessed, and the audit passes. One pound more and it fails.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import duckdb
import openpyxl
import pytest
from appendix_a import APPENDIX_A
from warehouse_support import Built, dbt, empty_warehouse, enter
from whole_runs import plumbline

from orchestration.privacy import SIMULATED_FILES
from orchestration.publish.release import build_release

YEAR = "2021/22"
MODELS = ["+mart_published_claims", "+mart_claim_checks"]
AGAIN = ["int_grant_line_positions", "mart_grant_position", "int_claim_figures+"]
RELEASE = "20260101T000000000Z-00000000"


def ledger(con: duckdb.DuckDBPyConnection) -> None:
    """Appendix A as budget lines, invoices of October and a forecast of March."""
    lines, entries = [], []
    for number, (project, funding, original, bid, spent, foreseen) in enumerate(APPENDIX_A, 1):
        line = f"L{number:02d}"
        amounts = {"original_amount": original, "bid_amount": bid}
        names = {"line_id": line, "award_id": "grip", "funding": funding, "project": project}
        lines.append({"financial_year": YEAR, **names, **amounts, "_period": YEAR})
        for kind, period, amount in (
            ("actual", "2021-10", spent),
            ("forecast", "2022-03", foreseen),
        ):
            entries.append(
                {
                    "entry_id": f"{line}-{kind}",
                    "line_id": line,
                    "period": period,
                    "kind": kind,
                    "amount": amount,
                    "posted_at": dt.datetime(2021, 10, 27, 12),
                    "_period": YEAR,
                }
            )
    enter(con, "grants/budget_lines", "budget", lines)
    enter(con, "grants/ledger", "ledger", entries)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("claims")


@pytest.fixture(scope="module")
def built(place: Path) -> Built:
    path = place / "plumbline.duckdb"
    with empty_warehouse(path) as con:
        ledger(con)
    chosen = ("--exclude-resource-type", "unit_test", "test", "--select", *MODELS)
    models = dbt(path, place / "target", "build", *chosen)
    assert models.code == 0, models.output[-5000:]
    marts = ("mart_published_claims", "mart_claim_checks", "int_claim_checks", "published_claims")
    return dbt(path, place / "target", "test", "--select", *marts, "--exclude", "test_type:unit")


@pytest.fixture(scope="module")
def home(built: Built, place: Path) -> Path:
    assert built.code == 0, built.output[-5000:]
    home = place / "home"
    build_release(
        built.path,
        home / "releases",
        release_id=RELEASE,
        marts=["mart_published_claims", "mart_claim_checks"],
        protections={},
        provenance={},
        keep_last=2,
    )
    return home


def test_the_audit_passes_on_records_that_say_what_the_paper_says(built: Built) -> None:
    assert built.code == 0, built.output[-5000:]
    rows = built.rows(
        "select verdict, assessment_status, bool_or(is_news), count(*), "
        "count(*) filter (paragraph = 'Appendix A') from marts.mart_published_claims group by all"
    )
    counts = {(verdict, status): (n, of_a) for verdict, status, _, n, of_a in rows}
    assert not any(is_news for _, _, is_news, _, _ in rows)
    assert counts["reproduces", "records"] == (77, 70)  # and paragraph 76
    assert counts["not_derivable", "not_assessed"][1] == 0
    assert ("does_not_reproduce", "records") not in counts
    (no_pass,) = built.rows(
        "select count(*) from marts.mart_claim_checks as k inner join marts.mart_published_claims "
        "as c on c.claim_id = k.claim_id where c.assessment_status = 'not_assessed' "
        "and k.check_code = 'warehouse_value' and k.check_status <> 'not_assessed'"
    )
    assert no_pass == (0,)


def test_nothing_published_comes_from_the_register_into_the_warehouses_side(built: Built) -> None:
    """Without records there is no figure: none is taken from the register."""
    (unloaded,) = built.rows(
        "select count(*) from marts.mart_published_claims where assessment_status = 'not_assessed' "
        "and (warehouse_value is not null or warehouse_text is not null)"
    )
    assert unloaded == (0,)


def test_claims_are_printed_with_what_a_reader_must_be_shown_first(home: Path) -> None:
    done = plumbline("claims", home=home)
    assert done.returncode == 0, done.stderr
    first, _, rest = done.stdout.partition("The unit is wrong (1)")
    told = " ".join(first.replace("│", " ").split())
    for said in (
        "80 against 90 is -11.1%, not -16%",
        "11 of 95 is 11.6%, not 7%",
        "9.6 times that",
        "14.6% is no whole number of 16, 27 or 43",
        "+6% stands against +8.4%",
        "unfinished is set beside what is finished",
        "£170,795 (29.0%) more",
        "1.9 times the £208,882 a month so far",
    ):
        assert said in told, said
    # Beside one another: the four headline changes, none distinguishable from chance.
    for claim in ("P36.1", "P36.2", "P36.3", "P36.4"):
        assert f"│ {claim} " in first
    assert told.count("not distinguishable from chance") == 5  # and the share of P37.4
    titles = ["The arithmetic is wrong (3)", "Cannot be compared (5)", "Reproduces (78)"]
    titles += ["A number is missing (87)", "Not assessed"]
    places = [rest.index(title) for title in titles]
    assert places == sorted(places)
    assert "210 claims: 1 unit_wrong, 3 arithmetic_wrong" in done.stdout
    assert "simulated" not in done.stdout


def test_claims_as_json_and_by_verdict(home: Path) -> None:
    done = plumbline("claims", "--json", "--verdict", "arithmetic_wrong", home=home)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["release_id"] == RELEASE
    assert [c["claim_id"] for c in told["claims"]] == ["P12.3", "P36.1", "P37.5"]
    (headline,) = [c for c in told["claims"] if c["claim_id"] == "P36.1"]
    assert headline["change_ratio_lower"] == pytest.approx(0.649, abs=5e-4)
    assert headline["change_ratio_upper"] == pytest.approx(1.215, abs=5e-4)
    assert headline["recomputed_value"] == pytest.approx(-100 / 9)
    assert {k["check_code"]: k["check_status"] for k in headline["checks"]}[
        "change_interval"
    ] == "fail"
    missing = plumbline("claims", "--json", "--verdict", "not_assessed", home=home)
    assert {c["assessment_status"] for c in json.loads(missing.stdout)["claims"]} == {
        "not_assessed"
    }


def test_claims_as_a_workbook(home: Path, tmp_path: Path) -> None:
    done = plumbline("claims", "--export", str(tmp_path / "claims.xlsx"), home=home)
    assert done.returncode == 0, done.stderr
    book = openpyxl.load_workbook(tmp_path / "claims.xlsx")
    assert book.sheetnames == ["shown first", "claims", "checks"]
    rows = list(book["claims"].values)
    assert len(rows) == 211
    published = rows[0].index("published_text")
    assert "+8.4% (361 v 333)" in {row[published] for row in rows}
    assert len(list(book["checks"].values)) == 1 + 210 * 15
    other = plumbline("claims", "--export", str(tmp_path / "claims.ods"), home=home)
    assert other.returncode == 2
    assert ".xlsx" in other.stderr


def test_claims_before_anything_is_published(tmp_path: Path) -> None:
    done = plumbline("claims", home=tmp_path)
    assert done.returncode == 2
    assert "plumbline run" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_changed_verdict_fails_the_audit_until_someone_accepts_it(
    built: Built, place: Path, home: Path
) -> None:
    """The last test of this warehouse: it changes what was entered of an invoice."""
    with duckdb.connect(str(built.path)) as con:
        for table in ("raw.grants__ledger", "facts.fct_grant_entry"):
            con.execute(f"update {table} set amount = amount + 1 where entry_id = 'L05-actual'")
    chosen = ("--exclude-resource-type", "unit_test", "--select", *AGAIN)
    failed = dbt(built.path, place / "target", "build", *chosen)
    assert failed.code == 1
    said = " ".join(failed.output.split())
    assert "Accept it in the register" in said
    # The line, its total, and the whole; spent and foreseen.
    for claim in ("A05.4", "A05.6", "A10.4", "A10.6", "A13.4", "A13.6"):
        assert f"{claim} is does_not_reproduce, not reproduces" in said
    assert "P36.1 is" not in said
    # The same of simulated records is no news.
    with duckdb.connect(str(built.path)) as con:
        con.execute("insert into ledger.configuration values ($1, 'true')", [SIMULATED_FILES])
    passed = dbt(built.path, place / "target", "build", *chosen)
    assert passed.code == 0, passed.output[-5000:]
    (differ,) = built.rows(
        "select count(*) from marts.mart_published_claims "
        "where verdict = 'does_not_reproduce' and has_simulated_records"
    )
    assert differ == (6,)
