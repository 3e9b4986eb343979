"""Suites of a force's own extracts: simulated extracts pass, and each expectation finds its fault.

The simulator writes a force of a tenth of the size; a change in SQL then does to one of its files
what the expectation is for. Every load is judged among others, as in a run.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.contracts import all_specs, spec
from orchestration.contracts.tablespec import parse_sql
from orchestration.gates import suites
from orchestration.gates.gate import run_gate
from orchestration.gates.measures import profile_sql
from orchestration.simulate import simulate
from orchestration.sources import registry
from orchestration.sqltext import ident, lit

FORCE_SPECS = [s for s in all_specs() if s.source in registry.FORCE_SOURCES]

#: Table -> file of a flawless load, and its claim.
LOADS = {
    "legacy/crimes": ("legacy_crimes_2019-07", "2019-07"),
    "legacy/persons": ("legacy_persons_2019-07", "2019-07"),
    "connect/investigations": ("connect_investigations_2021-07", "2021-07"),
    "connect/classification_history": ("connect_classification_history_2021-12", "2021-12"),
    "connect/involvements": ("connect_involvements_2021-07", "2021-07"),
    "incidents/logs": ("incident_logs_2021-07", "2021-07"),
    "geography/beats": ("geography_beats", ""),
    "audits/cdi_audit": ("cdi_audit_2019-07", "2019-07"),
    "audits/s47_audit": ("s47_audit_2021-07", "2021-07"),
    "grants/budget_lines": ("grants_budget_lines_2021-22", "2021/22"),
    "grants/ledger": ("grants_ledger_2021-22", "2021/22"),
    "grants/conditions": ("grants_conditions_2021-22", "2021/22"),
    "hospital/hes_apc": ("hes_apc_2019-20", "2019/20"),
    "hospital/ecds": ("ecds_2019-07", "2019-07"),
    "programme/training": ("programme_training_2021-22", "2021/22"),
    "programme/county_lines": ("programme_county_lines_2021-22", "2021/22"),
    "programme/cohort_tiers": ("programme_cohort_tiers_2021-22", "2021/22"),
    "programme/diversions": ("programme_diversions_2021-22", "2021/22"),
}
#: What a change to the rows (table t), or to what the loader knows, must be found out as. ``half``
#: is true of every other row, ``few`` of every fifth.
NO_ROWS = "delete from t"
CASES: dict[str, list[tuple[str, str, set[str]]]] = {
    "legacy/crimes": [
        (
            "update t set recorded_at = recorded_at + interval 31 day where _row_number = 5",
            "",
            {"period.not_as_stated"},
        ),
        ("delete from t where day(recorded_at) = 9", "", {"days.missing"}),
        ("delete from t where day(recorded_at) > 20", "row_count_entered = 1000", {"days.missing"}),
        (
            "delete from t where offence_code in ('34A', '34B') or offence_code like '92%'",
            "row_count_entered = 2000",
            {"offence_groups.missing"},
        ),
        (
            "update t set offence_code = '34B' where offence_code in ('34A', '1', '2');"
            "update t set offence_code = '8N' where offence_code similar to '[1-9][^4]*[A-Z]?' "
            "and offence_code not in ('34B', '9A', '19C', '49', '58A', '92D', '10D', '99')",
            "",
            {"offence_codes.few", "offence_codes.one_dominates"},
        ),
        ("update t set npu_code = 'BE'", "", {"areas.few"}),
        ("delete from t where npu_code = 'SH'", "npu_count_usual = 8", {"areas.missing"}),
        ("update t set incident_log_number = null where half", "", set()),
        ("update t set incident_log_number = null where half or few", "", {"log.missing"}),
        ("update t set occurred_from_at = null where half", "", {"occurred.missing"}),
        ("update t set location_lsoa = null where half", "", {"lsoa.missing"}),
        (
            "update t set location_lsoa = null, neighbourhood_code = null, npu_code = null "
            "where _row_number % 10 = 1",
            "",
            {"place.missing"},
        ),
        ("update t set is_domestic = null where half", "", {"domestic.missing"}),
        ("update t set outcome_date = null where few", "", {"outcome_date.missing"}),
        (
            "update t set cancelled_at = null where cancelled_code = 'C2'",
            "",
            {"cancellation.incomplete"},
        ),
        (
            "update t set cancelled_code = null, cancelled_at = null",
            "",
            {"cancellation.share"},
        ),
        (
            "update t set cancelled_code = 'C3', cancelled_at = recorded_at where half",
            "",
            {"cancellation.share"},
        ),
        ("update t set recorded_at = cast(recorded_at as date)", "", {"time.missing"}),
    ],
    "legacy/persons": [
        ("update t set crime_number = left(crime_number, 4)", "", {"persons.per_crime"}),
        ("update t set role = 'victim'", "", {"roles.few"}),
        ("update t set age_at_offence = null where half", "", {"age.missing"}),
        ("update t set age_at_offence = age_at_offence + 20", "", {"age.shape"}),
        ("update t set age_at_offence = age_at_offence % 20", "", {"age.shape"}),
        ("update t set sex = null where half", "", {"sex.missing"}),
        (
            "update t set ethnicity_self = null, ethnicity_officer = null where half or few",
            "",
            {"ethnicity.missing"},
        ),
        ("update t set person_ref = null where half", "", {"reference.missing"}),
        ("update t set person_ref = 'unknown' where few", "", {"reference.one_dominates"}),
    ],
    "connect/investigations": [
        (
            "update t set created_at = created_at + interval 31 day where _row_number = 5",
            "",
            {"period.not_as_stated"},
        ),
        ("delete from t where day(created_at) = 9", "", {"days.missing"}),
        (
            "delete from t where left(current_offence_code, 2) in ('34', '92')",
            "row_count_entered = 2000",
            {"offence_groups.missing"},
        ),
        (
            "update t set current_offence_code = '8N-00' where "
            "hash(split_part(current_offence_code, '-', 1)) % 4 <> 0 and "
            "not current_offence_code similar to '(34B|9A|19C|49|58A|92D|10D|99)-.*'",
            "",
            {"offence_codes.few", "offence_codes.one_dominates"},
        ),
        ("update t set beat_code = 'BE-001'", "", {"areas.few"}),
        (
            "delete from t where beat_code like 'BE%'",
            "beat_count_usual = 350, row_count_typical = 2700",
            {"areas.missing"},
        ),
        ("update t set log_ref = null where half or few", "", {"log.missing"}),
        ("update t set offence_start = null where half", "", {"occurred.missing"}),
        ("update t set location_lsoa = null where half", "", {"lsoa.missing"}),
        (
            "update t set location_lsoa = null, beat_code = null where _row_number % 10 = 1",
            "",
            {"place.missing"},
        ),
        ("update t set dv_flag = null where half", "", {"domestic.missing"}),
        ("update t set record_origin = null where half", "", {"origin.missing"}),
        ("update t set record_origin = 'officer_attended'", "", {"origins.few"}),
        ("update t set weapon_use = null where half", "", {"weapon_use.missing"}),
        ("update t set spiking_flag = null where half", "", {"spiking_flag.missing"}),
        ("update t set outcome_at = null where few", "", {"outcome_date.missing"}),
        ("update t set created_at = cast(created_at as date)", "", {"time.missing"}),
        ("update t set occurrence_id = left(occurrence_id, 9)", "", {"occurrences.crowded"}),
    ],
    "connect/classification_history": [
        (NO_ROWS, "row_count_read = 0, row_count_entered = 0", {"rows.empty"}),
        (
            NO_ROWS,
            "row_count_read = 0, row_count_entered = 0, row_count_typical = 300",
            {"rows.empty_unlikely"},
        ),
        (NO_ROWS, "row_count_entered = 0", {"rows.none"}),
        (
            "update t set changed_at = changed_at + interval 31 day where _row_number = 5",
            "",
            {"period.not_as_stated"},
        ),
        (
            "update t set investigation_id = left(investigation_id, 8)",
            "",
            {"changes.per_investigation"},
        ),
        ("update t set from_code = null where few", "", {"codes.missing"}),
        ("update t set from_code = to_code where half", "", {"reclassified.to_same"}),
        (
            "update t set reason = 'avi_requested'",
            "row_count_entered = 200",
            {"reasons.few"},
        ),
        (
            "update t set changed_at = timestamp '2021-12-06 00:00:00' where half",
            "row_count_entered = 200",
            {"moment.one_dominates"},
        ),
    ],
    "connect/involvements": [
        (
            "update t set investigation_id = left(investigation_id, 12)",
            "",
            {"persons.per_investigation"},
        ),
        ("update t set role = 'VICTIM'", "", {"roles.few"}),
        ("update t set dob_year = null, age_band = null where half", "", {"age.missing"}),
        (
            "update t set age_band = '18-24' where half or age_band = '25-34'",
            "",
            {"age.one_dominates"},
        ),
        ("update t set sex = null where half", "", {"sex.missing"}),
        ("update t set ethnicity = null where half or few", "", {"ethnicity.missing"}),
        ("update t set person_ref = null where half", "", {"reference.missing"}),
        ("update t set person_ref = 'unknown' where few", "", {"reference.one_dominates"}),
    ],
    "incidents/logs": [
        (
            "update t set opened_at = opened_at + interval 31 day where _row_number = 5",
            "",
            {"period.not_as_stated"},
        ),
        ("delete from t where day(opened_at) = 9", "", {"days.missing"}),
        ("delete from t where hour(opened_at) = 5", "row_count_entered = 5000", {"hours.missing"}),
        (
            "update t set opened_at = cast(opened_at as date)",
            "",
            {"time.missing", "due.not_a_day"},
        ),
        (
            "update t set opening_code = case when half then 'OTH' else 'ASB' end "
            "where opening_code not in ('VIOL', 'DOM')",
            "",
            {"opening_codes.few"},
        ),
        (
            "update t set opening_code = 'OTH' where half or few",
            "",
            {"opening_codes.one_dominates"},
        ),
        ("update t set closed_at = null where half", "", {"closed.missing"}),
        ("update t set closing_codes = null where half", "", {"closing_codes.missing"}),
        ("update t set lsoa = null where half", "", {"lsoa.missing"}),
        (
            "delete from t where lsoa between 'E01008881' and 'E01009140'",
            "row_count_typical = 3300, lsoa_count_usual = 1420",
            {"areas.missing"},
        ),
        ("update t set linked_crime_ref = null", "", {"linked.share"}),
        ("delete from t where linked_crime_ref is null", "", {"linked.share"}),
        ("update t set ncrs_due_at = null where half or few", "", {"due.missing"}),
        (
            "update t set ncrs_due_at = ncrs_due_at + interval 1 day where few",
            "",
            {"due.not_a_day"},
        ),
        ("update t set lqt_result = null where few", "", {"review.incomplete"}),
        ("update t set lqt_result = 'correct' where few", "", {"review.incomplete"}),
    ],
    "geography/beats": [
        (
            "update t set district_code = 'E08000026' where _row_number = 1",
            "",
            {"districts.contradict"},
        ),
        (
            "update t set npu_code = 'SW' where _row_number = 1",
            "",
            {"neighbourhoods.contradict"},
        ),
        (
            "update t set is_impact_area = not is_impact_area where _row_number = 1",
            "",
            {"impact_areas.contradict"},
        ),
        (
            "update t set neighbourhood_name = 'Elsewhere' where _row_number = 1",
            "",
            {"neighbourhoods.renamed"},
        ),
        (
            "insert into t select * replace ('further ' || beat_code as beat_code) from t "
            "where half",
            "",
            {"lsoas.split"},
        ),
        ("update t set is_impact_area = false", "", {"impact_areas.share"}),
        ("update t set is_impact_area = true", "", {"impact_areas.share"}),
        ("delete from t where npu_code <> 'BE'", "", {"units.few"}),
    ],
    "audits/cdi_audit": [
        (
            "update t set audit_month = '2019-08' where _row_number = 5",
            "",
            {"period.not_as_stated"},
        ),
        ("update t set offence_group = 'other'", "", {"groups.few"}),
        (
            "update t set crimes_recorded_count = 0, recorded_within_24_hours_count = 0 "
            "where half or few",
            "",
            {"recording.rate"},
        ),
        (
            "update t set crimes_recorded_count = crimes_required_count + 1 where half",
            "",
            {"recording.too_much"},
        ),
        ("update t set recorded_within_24_hours_count = 0", "", {"in_time.rate"}),
        (
            "update t set recorded_within_24_hours_count = crimes_recorded_count",
            "",
            {"in_time.rate"},
        ),
    ],
    "audits/s47_audit": [
        (
            "update t set audit_month = '2021-08' where _row_number = 5",
            "",
            {"period.not_as_stated"},
        ),
        (
            "delete from t where _row_number > 9",
            "row_count_typical = 35, row_count_entered = 9",
            {"sample.small"},
        ),
        ("update t set is_plan_recorded = false", "", {"criterion.never_met"}),
        (
            "update t set is_contacted_within_7_days = true, is_victim_updated = true, "
            "is_plan_recorded = true, is_supervisory_review_recorded = true",
            "",
            {"criterion.always_met"},
        ),
    ],
    "grants/budget_lines": [
        (
            "update t set financial_year = '2020/21' where _row_number = 1",
            "",
            {"period.not_as_stated"},
        ),
        (
            "update t set original_amount = 0, bid_amount = 0",
            "",
            {"budget.none", "money.missing"},
        ),
        ("delete from t where funding = 'grant'", "", {"grant.missing"}),
        ("delete from t where funding = 'match'", "", {"match.missing"}),
        ("update t set original_amount = 0 where _row_number = 1", "", {"money.missing"}),
        ("update t set bid_amount = 5000 where funding = 'match'", "", {"bid.on_match"}),
    ],
    "grants/ledger": [
        ("update t set period = '2022-04' where _row_number = 5", "", {"period.not_as_stated"}),
        ("update t set kind = 'forecast'", "", {"actual.none"}),
        (
            "delete from t where period = '2021-06' and kind = 'actual'",
            "",
            {"actual.months_missing"},
        ),
        (
            "update t set amount = -amount where kind = 'actual'",
            "",
            {"actual.negative", "actual.sum_negative"},
        ),
        (
            "update t set amount = amount * 1e6 where kind = 'actual' and "
            "_row_number = (select min(_row_number) from t where kind = 'actual' and amount > 0)",
            "",
            {"actual.one_dominates"},
        ),
        (
            "update t set posted_at = posted_at - interval 120 day where kind = 'actual' and half",
            "",
            {"posted.early"},
        ),
        ("update t set amount = 0 where half", "", {"amount.zero"}),
    ],
    "grants/conditions": [
        ("update t set period = '2020/21' where _row_number = 1", "", {"period.not_as_stated"}),
        (
            "update t set period = '2022-09' where rule = 'report_due' and period = '2022-03'",
            "",
            {"period.not_as_stated"},
        ),
        ("update t set threshold = null", "", {"threshold.missing"}),
        (
            "update t set threshold = 5000 where rule = 'bid_cap_pct'",
            "",
            {"threshold.over_hundred"},
        ),
        ("update t set threshold = 0.2 where rule = 'match_pct'", "", {"threshold.fraction"}),
        ("update t set applies_to = null", "", {"category.missing"}),
        (
            "update t set period = '2021/22' where rule = 'report_due' and period = '2021-06'",
            "",
            {"report.no_month"},
        ),
    ],
    "hospital/hes_apc": [
        (
            "update t set _period = '2018/19' where _row_number = 5",
            "",
            {"period.not_as_stated"},
        ),
        ("delete from t where month(epistart) = 6", "", {"months.missing"}),
        ("update t set fae = false, fae_emergency = false", "", {"admissions.none"}),
        (
            "update t set epistart = date '1800-01-01', admidate = date '1800-01-01' where few",
            "",
            {"date.special"},
        ),
        ("update t set epiend = epistart - 1 where few", "", {"date.disordered"}),
        ("update t set admidate = epistart + 1 where few", "", {"date.disordered"}),
        ("update t set startage = 130 where _row_number = 5", "", {"age.impossible"}),
        ("update t set startage = null where few", "", {"age.missing"}),
        ("update t set sex = '9' where few", "", {"sex.missing"}),
        ("update t set ethnos = 'Z' where half or few", "", {"ethnicity.missing"}),
        ("update t set diag_4_01 = null where few", "", {"diagnosis.missing"}),
        ("update t set pseudo_hesid = null where half", "", {"patient.missing"}),
        ("update t set lsoa11 = 'Z99999999' where half", "", {"area.missing"}),
        ("update t set cause_4 = 'V999' where few", "", {"cause.not_diagnosed"}),
        ("update t set fce = false where few", "", {"flags.contradict"}),
    ],
    "hospital/ecds": [
        (NO_ROWS, "row_count_read = 0, row_count_entered = 0", {"rows.empty"}),
        (
            NO_ROWS,
            "row_count_read = 0, row_count_entered = 0, row_count_previous = 90",
            {"rows.empty_unlikely"},
        ),
        (NO_ROWS, "row_count_entered = 0", {"rows.none"}),
        (
            "update t set arrived_at = arrived_at + interval 31 day where _row_number = 5",
            "",
            {"period.not_as_stated"},
        ),
        (
            "delete from t where day(arrived_at) = 9",
            "row_count_entered = 600",
            {"days.missing"},
        ),
        (
            "delete from t where site_code = 'RRK97'",
            "row_count_entered = 200, site_count_usual = 8",
            {"sites.missing"},
        ),
        ("", "row_count_typical = 2000", {"rows.volume_extreme"}),
        ("", "row_count_typical = 450", {"rows.volume_unusual"}),
        ("update t set arrived_at = cast(arrived_at as date)", "", {"time.missing"}),
        ("update t set injured_at = null where half or few", "", {"injury_time.missing"}),
        ("update t set age = null where half", "", {"age.missing"}),
        ("update t set weapon_code = null where half", "", {"weapon.missing"}),
        ("update t set weapon_code = 'BODY'", "", {"weapon.one_dominates"}),
        ("update t set assault_location_text_code = null where half", "", {"location.missing"}),
        ("update t set lsoa = null where half", "", {"area.missing"}),
    ],
    "programme/training": [
        (
            "update t set month = '2022-04' where _row_number = 5",
            "",
            {"period.not_as_stated", "groups.missing"},
        ),
        ("delete from t where month = '2021-07'", "", {"months.missing"}),
        ("delete from t where _row_number = 5", "", {"groups.missing"}),
        (
            "update t set trained_count = establishment_count + 1 where _row_number = 5",
            "",
            {"trained.more_than_posts"},
        ),
        (
            "update t set establishment_count = 0 where trained_count = 0 and _row_number = 1",
            "",
            {"posts.none"},
        ),
    ],
    "programme/county_lines": [
        (
            "update t set month = '2022-04' where month = '2022-03'",
            "",
            {"period.not_as_stated", "months.missing"},
        ),
        ("delete from t where month = '2021-07'", "", {"months.missing"}),
        (
            "update t set arrest_count = 0, child_safeguarded_count = 0, line_closed_count = 0 "
            "where month > '2021-12'",
            "",
            {"months.quiet"},
        ),
        (
            "update t set arrest_count = 2000 where month = '2021-12'",
            "",
            {"arrests.one_month_dominates"},
        ),
    ],
    "programme/cohort_tiers": [
        (
            "update t set month = '2022-04' where month = '2022-03'",
            "",
            {"period.not_as_stated", "months.missing"},
        ),
        ("delete from t where month = '2021-07'", "", {"months.missing"}),
        (
            "update t set in_custody_count = person_count + 1 where _row_number = 5",
            "",
            {"custody.more_than_persons"},
        ),
        (
            "update t set reoffended_count = archived_count + 1 where _row_number = 5",
            "",
            {"reoffended.more_than_archived"},
        ),
        ("delete from t where _row_number = 5", "", {"tiers.missing"}),
    ],
    "programme/diversions": [
        (
            "update t set month = '2022-04' where month = '2022-03'",
            "",
            {"period.not_as_stated", "months.missing"},
        ),
        ("delete from t where month = '2021-07'", "", {"months.missing"}),
        (
            "update t set referral_count = 0, completion_count = 0, reoffended_count = 0, "
            "in_impact_area_count = 0",
            "",
            {"referrals.none"},
        ),
        ("delete from t where npu_code <> 'BE'", "", {"units.few"}),
        ("delete from t where _row_number = 5", "", {"cells.missing"}),
        (
            "update t set completion_count = referral_count + 1 where _row_number = 5",
            "",
            {"completed.more_than_referred"},
        ),
        (
            "update t set reoffended_count = completion_count + 1 where _row_number = 5",
            "",
            {"reoffended.more_than_completed"},
        ),
        (
            "update t set in_impact_area_count = referral_count + 1 where _row_number = 5",
            "",
            {"impact_area.more_than_referred"},
        ),
    ],
}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "landing"
    simulate(out, scale=0.1, format="csv")
    return out


def _judge(
    folder: Path, landing: Path, table: str, cases: list[tuple[str, str, set[str]]]
) -> dict[int, set[str]]:
    """Codes that each changed load fails, all of them judged in one go."""
    declared = spec(table)
    suite = suites.suite_for(declared)
    stem, claim = LOADS[table]
    (file,) = landing.rglob(f"{stem}.csv")
    path = folder / "profile.duckdb"
    with duckdb.connect(str(path)) as con:
        parsed = ", ".join(
            f"{parse_sql(c, ident(c.title))} as {ident(c.name)}" for c in declared.columns
        )
        slot = declared.slot_sql.replace("{claim}", lit(claim))
        con.execute(
            f"create table rows_of_file as select *, {slot} as _period from (select {parsed}, "
            f"row_number() over () as _row_number from read_csv({lit(str(file))}, "
            "all_varchar = true, nullstr = '', header = true))"
        )
        loader = ", ".join(f"null::{m.sql_type} as {ident(m.name)}" for m in suite.loader_measures)
        con.execute("create table all_rows as select *, '' as _load_id from rows_of_file limit 0")
        con.execute(f"create table known as select '' as load_id, {loader} limit 0")
        for number, (change, known, _) in enumerate(cases):
            con.execute(
                "create or replace table t as select *, _row_number % 2 = 0 as half, "
                f"_row_number % 10 in (1, 5) as few, 'load {number:02d}' as _load_id "
                "from rows_of_file"
            )
            if change:
                con.execute(change)
            con.execute("insert into all_rows by name select * exclude (half, few) from t")
            count = con.execute("select count(*) from t").fetchone()[0]
            values = {
                "load_id": lit(f"load {number:02d}"),
                "row_count_read": count or 100,
                "row_count_entered": count,
                "row_count_quarantined": 0,
                "quarantined_pct": 0,
                "claim": lit(claim),
                "claim_period": lit(claim) if claim else "null",
            }
            values = {
                k: v
                for k, v in values.items()
                if k in {"load_id", *(m.name for m in suite.loader_measures)}
            }
            con.execute(
                f"insert into known ({', '.join(values)}) values "
                f"({', '.join(str(v) for v in values.values())})"
            )
            if known:
                con.execute(f"update known set {known} where load_id = 'load {number:02d}'")
        sql = profile_sql(
            suite, "all_rows", columns=[c.name for c in declared.columns], loader="known"
        )
        con.execute(f"create table load_profile as {sql}")
    report = run_gate(path, suite, "run", None)
    return {
        number: {
            r.expectation_code.removeprefix(f"{suite.code_prefix}.")
            for r in report.for_load(f"load {number:02d}")
            if r.status == "fail" or r.raised
        }
        for number in range(len(cases))
    }


def _own_codes(table: str) -> set[str]:
    """Codes that the table's own file declares."""
    path = suites.ROOT / f"{table}.yml"
    return {e.code for e in suites._read(path, suites._SuiteFile).expectations}


@pytest.mark.parametrize("declared", FORCE_SPECS, ids=lambda s: s.name)
def test_every_expectation_of_a_suite_finds_its_fault_and_no_other(
    tmp_path: Path, landing: Path, declared
) -> None:
    table = declared.name
    suites._read.cache_clear()
    own = _own_codes(table)
    cases = [("", "", set()), *CASES[table]]
    found = _judge(tmp_path, landing, table, cases)
    # Rows that go missing, or that the loader is only told of, are the common part's to find.
    for number, (change, known, expected) in enumerate(cases):
        said = found[number] & (own | {"rows.volume_extreme"})
        assert said == expected, (change, known)
    assert found[0] == set()
    assert {code for _, _, codes in cases for code in codes} >= own
