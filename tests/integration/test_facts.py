"""Facts of a force's own records: what a small warehouse says, crime by crime, and how well the
linkage finds what the simulator knows to be one crime."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from warehouse_support import Built, dbt, empty_warehouse, enter

from orchestration.contracts import spec

FACTS = (
    "--select",
    "+path:models/facts",
    "int_offence_standings",
    "outcome_types",
    "offence_codes",
    "--exclude-resource-type",
    "unit_test",
    "--indirect-selection",
    "cautious",
)
HERE, NEXT, FAR = "E01008881", "E01008882", "E01010410"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def crime(number: str, recorded: str, code: str = "8N", **more: Any) -> dict[str, Any]:
    """A legacy crime, reported two hours before it was recorded, unless said otherwise."""
    when = at(recorded)
    return {
        "crime_number": number,
        "recorded_at": when,
        "reported_at": when - dt.timedelta(hours=2),
        "occurred_from_at": when - dt.timedelta(hours=3),
        "offence_code": code,
        "location_lsoa": HERE,
        "_period": recorded[:7],
        **more,
    }


def investigation(name: str, created: str, code: str = "8N-06", **more: Any) -> dict[str, Any]:
    """A CONNECT investigation, reported two hours before it was created, unless said otherwise."""
    when = at(created)
    return {
        "investigation_id": name,
        "created_at": when,
        "reported_at": when - dt.timedelta(hours=2),
        "offence_start": when - dt.timedelta(hours=3),
        "current_offence_code": code,
        "location_lsoa": HERE,
        "status": "OPEN",
        "record_origin": "officer_attended",
        "_period": created[:7],
        **more,
    }


def same_times(reported: str) -> dict[str, dt.datetime]:
    """When a crime was reported and happened, as either system says it."""
    when = at(reported)
    return {"reported_at": when, "happened": when - dt.timedelta(hours=1)}


def legacy_times(reported: str) -> dict[str, dt.datetime]:
    times = same_times(reported)
    return {"reported_at": times["reported_at"], "occurred_from_at": times["happened"]}


def connect_times(reported: str) -> dict[str, dt.datetime]:
    times = same_times(reported)
    return {"reported_at": times["reported_at"], "offence_start": times["happened"]}


def person(number: str, seq: int, role: str, ref: str | None, **more: Any) -> dict[str, Any]:
    return {
        "crime_number": number,
        "person_seq": seq,
        "role": role,
        "person_ref": ref,
        "sex": "M",
        "_period": "2021-02",
        **more,
    }


def involved(name: str, seq: int, role: str, ref: str | None, **more: Any) -> dict[str, Any]:
    return {
        "investigation_id": name,
        "involvement_seq": seq,
        "role": role,
        "person_ref": ref,
        "sex": "Male",
        "_period": "2021-04",
        **more,
    }


def beat(system: str, code: str, lsoa: str, neighbourhood: str, npu: str) -> dict[str, Any]:
    return {
        "recording_system": system,
        "beat_code": code,
        "lsoa_code": lsoa,
        "neighbourhood_code": neighbourhood,
        "neighbourhood_name": neighbourhood,
        "npu_code": npu,
        "npu_name": npu,
        "district_code": "E08000025",
        "is_impact_area": neighbourhood == "N1",
        "_period": system,
    }


def configure(con: duckdb.DuckDBPyConnection) -> None:
    """What a run writes of the settings: eras, and a weapon code of the force's own."""
    con.execute(
        "insert into ledger.recording_era values "
        "('old', 'Old system', 'legacy', date '2000-01-01', date '2021-04-05', 'a test'), "
        "('new', 'CONNECT', 'connect', date '2021-04-06', null, 'a test')"
    )
    con.execute("insert into ledger.code_map values ('legacy.weapon', 'BLADE', 'knife')")


def small(con: duckdb.DuckDBPyConnection) -> None:
    """One crime of each kind that has a rule of its own."""
    configure(con)
    enter(
        con,
        "geography/beats",
        "beats",
        [
            beat("legacy", "BE/01", HERE, "N1", "BE"),
            beat("legacy", "BE/01", NEXT, "N1", "BE"),
            beat("legacy", "WV/01", FAR, "N9", "WV"),
            # Two thirds of this beat lie in N1.
            beat("connect", "BE-001", HERE, "N1", "BE"),
            beat("connect", "BE-001", NEXT, "N1", "BE"),
            beat("connect", "BE-001", FAR, "N9", "WV"),
        ],
    )
    enter(
        con,
        "legacy/crimes",
        "legacy",
        [
            # keyed in both systems, the log number spelt in two ways
            crime("DUAL", "2021-04-08 12:00", incident_log_number="20210408-0000012"),
            # converted from the old system under another code, its log lost
            crime(
                "CONVERTED",
                "2021-02-01 12:00",
                incident_log_number="20210201-7",
                **legacy_times("2021-02-01 10:00"),
            ),
            # two crimes of one log, both converted
            crime(
                "LOG-A",
                "2021-03-01 12:00",
                incident_log_number="20210301-5",
                **legacy_times("2021-03-01 09:00"),
            ),
            crime(
                "LOG-B",
                "2021-03-01 12:10",
                "58C",
                incident_log_number="20210301-5",
                **legacy_times("2021-03-01 09:00"),
            ),
            # another crime of a log than the one that CONNECT has of it
            crime(
                "SIBLING",
                "2021-03-05 12:00",
                "46",
                incident_log_number="20210305-9",
                **legacy_times("2021-03-05 09:00"),
            ),
            # like one in CONNECT, and another crime all the same
            crime("LIKE", "2021-04-07 12:00", incident_log_number="20210407-1"),
            # cancelled
            crime("GONE", "2020-01-05 12:00", cancelled_code="C2", cancelled_at=at("2020-02-03")),
            # placed by its unit only, with a weapon code of the force's own
            crime(
                "UNIT",
                "2020-01-06 12:00",
                location_lsoa=None,
                npu_code="WV",
                weapon_code="BLADE",
                knife_used="Y",
                outcome_type="14",
                outcome_date=dt.date(2020, 1, 20),
            ),
            # recorded because the Log Quality Team had found it, and before it looked
            crime("FOUND", "2020-11-10 12:00", incident_log_number="20201101-3"),
            crime("BEFORE", "2020-11-02 12:00", incident_log_number="20201101-3"),
        ],
    )
    enter(
        con,
        "legacy/persons",
        "persons",
        [
            person("CONVERTED", 1, "victim", "v1", age_at_offence=24),
            person("CONVERTED", 2, "suspect", None, age_at_offence=None),
            person("LOG-A", 1, "victim", "v2", age_at_offence=30),
            person("LOG-B", 1, "victim", "v3", age_at_offence=40),
            person("SIBLING", 1, "victim", "v4", age_at_offence=50),
            person("LIKE", 1, "victim", "v5", age_at_offence=18),
            person("UNIT", 1, "victim", None, age_at_offence=None),
            person("NO-SUCH-CRIME", 1, "victim", "v9", age_at_offence=18),
        ],
    )
    enter(
        con,
        "connect/investigations",
        "connect",
        [
            investigation("I-DUAL", "2021-04-08 12:30", log_ref="20210408-12"),
            investigation(
                "I-CONVERTED",
                "2021-04-09 09:00",
                "5D-01",
                log_ref=None,
                outcome_type="OC1",
                outcome_at=at("2021-06-01"),
                weapon_list="BLUNT_OBJECT;MACHETE",
                weapon_use="USED_TO_INJURE",
                **connect_times("2021-02-01 10:00"),
            ),
            investigation(
                "I-LOG-B",
                "2021-04-10 09:00",
                "58C-00",
                log_ref="20210301-5",
                **connect_times("2021-03-01 09:00"),
            ),
            investigation(
                "I-LOG-A",
                "2021-04-10 09:05",
                log_ref="20210301-5",
                **connect_times("2021-03-01 09:00"),
            ),
            investigation(
                "I-NEW",
                "2021-04-10 10:00",
                log_ref="20210305-9",
                record_origin="log_quality_review",
                **connect_times("2021-03-05 09:00"),
            ),
            investigation("I-LIKE", "2021-04-07 15:00", log_ref="20210407-2"),
            # placed by its beat; cancelled by a history that is newer than the extract
            investigation("I-BEAT", "2021-05-01 12:00", location_lsoa=None, beat_code="BE-001"),
            investigation(
                "I-NO-TRACE", "2021-05-02 12:00", record_origin="initial_report_no_trace"
            ),
        ],
    )
    enter(
        con,
        "connect/classification_history",
        "history",
        [
            {
                "investigation_id": "I-BEAT",
                "changed_at": at("2021-05-20 12:00"),
                "from_code": "8N-06",
                "to_code": "105A-01",
                "reason": "reclassified",
                "_period": "2021-05",
            },
            {
                "investigation_id": "I-BEAT",
                "changed_at": at("2021-06-20 12:00"),
                "from_code": "105A-01",
                "to_code": "105A-01",
                "reason": "cancelled_c2",
                "_period": "2021-06",
            },
        ],
    )
    enter(
        con,
        "connect/involvements",
        "involvements",
        [
            involved("I-CONVERTED", 1, "SUSPECT", "s1", dob_year=1990, age_band="25-34"),
            involved("I-CONVERTED", 2, "VICTIM", "v1", dob_year=1996, age_band="18-24"),
            involved("I-CONVERTED", 3, "WITNESS", "w1"),
            involved("I-LOG-A", 1, "VICTIM", "v2", dob_year=1990, age_band="25-34"),
            involved("I-LOG-B", 1, "VICTIM", "v3", dob_year=1981, age_band="35-44"),
            involved("I-NEW", 1, "VICTIM", "v6", dob_year=2001, age_band="18-24"),
            involved("I-LIKE", 1, "VICTIM", "v7", dob_year=2003, age_band="10-17"),
        ],
    )
    enter(
        con,
        "incidents/logs",
        "logs",
        [
            {
                "log_number": "20210408-012",
                "opened_at": at("2021-04-08 10:00"),
                "opening_code": "VIOL",
                "closing_codes": "NOTRACE;CRIME",
                "linked_crime_ref": "I-DUAL",
                "_period": "2021-04",
            },
            {
                "log_number": "20201101-3",
                "opened_at": at("2020-11-01 10:00"),
                "opening_code": "KNIFE",
                "closing_codes": "ADVICE",
                "lqt_reviewed_at": at("2020-11-10 09:00"),
                "lqt_result": "crime_required",
                "_period": "2020-11",
            },
            {
                "log_number": "20210201-8",
                "opened_at": at("2021-02-01 10:00"),
                "opening_code": "ASB",
                "_period": "2021-02",
            },
        ],
    )


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Path:
    """One target for all: dbt reads its project once."""
    return tmp_path_factory.mktemp("facts") / "target"


@pytest.fixture(scope="module")
def built(target: Path) -> Built:
    path = target.with_name("small.duckdb")
    with empty_warehouse(path) as con:
        small(con)
    done = dbt(path, target, "build", *FACTS)
    assert done.code == 0, done.output
    return done


def offences(built: Built, columns: str) -> dict[str, tuple]:
    """The given columns of every offence, by the reference of the record that counts."""
    rows = built.rows(f"select offence_id, {columns} from facts.fct_offence")
    return {row[0].partition(":")[2]: row[1:] for row in rows}


def test_every_crime_counts_once(built: Built):
    found = offences(built, "recording_system, crime_number, investigation_id, link_reason")
    assert found == {
        "I-DUAL": ("connect", "DUAL", "I-DUAL", "log_number_and_attributes"),
        "CONVERTED": ("legacy", "CONVERTED", "I-CONVERTED", "attributes"),
        "LOG-A": ("legacy", "LOG-A", "I-LOG-A", "log_number_and_attributes"),
        "LOG-B": ("legacy", "LOG-B", "I-LOG-B", "log_number_and_attributes"),
        "SIBLING": ("legacy", "SIBLING", None, None),
        "I-NEW": ("connect", None, "I-NEW", None),
        "LIKE": ("legacy", "LIKE", None, None),
        "I-LIKE": ("connect", None, "I-LIKE", None),
        "GONE": ("legacy", "GONE", None, None),
        "UNIT": ("legacy", "UNIT", None, None),
        "FOUND": ("legacy", "FOUND", None, None),
        "BEFORE": ("legacy", "BEFORE", None, None),
        "I-BEAT": ("connect", None, "I-BEAT", None),
        "I-NO-TRACE": ("connect", None, "I-NO-TRACE", None),
    }
    links = built.rows(
        "select crime_number, log_agreement, offence_agreement, persons_agreement "
        "from facts.fct_offence_link order by 1"
    )
    assert links == [
        ("CONVERTED", "unknown", "same_subgroup", "all_shared"),
        ("DUAL", "same", "same_code", "unknown"),
        ("LOG-A", "same", "same_code", "all_shared"),
        ("LOG-B", "same", "same_code", "all_shared"),
    ]


def test_a_converted_crime_is_where_it_was_recorded_and_as_it_is_now(built: Built):
    assert offences(
        built,
        "era_code, recorded_month, offence_code, first_offence_code, outcome_type_code, "
        "weapon_code, has_knife, is_knife_used, is_knife_enabled, log_number",
    )["CONVERTED"] == (
        "old",
        dt.date(2021, 2, 1),
        "5D",
        "8N",
        "1",
        "knife",
        True,
        True,
        True,
        "20210201-7",
    )
    assert built.rows(
        "select changed_at, from_offence_code, to_offence_code, change_reason_code, is_effective "
        "from facts.fct_classification_change where offence_id = 'legacy:CONVERTED'"
    ) == [(at("2021-04-09 09:00"), "8N", "5D", "reclassified", True)]
    assert built.rows(
        "select outcome_type_code, days_to_outcome from facts.fct_outcome "
        "where offence_id = 'legacy:CONVERTED'"
    ) == [("1", 120)]


def test_persons_of_both_records_are_each_one(built: Built):
    rows = built.rows(
        "select person_seq, role_code, person_hash, age_at_offence, is_age_estimated, "
        "age_band_code, is_under_25, recording_system "
        "from facts.fct_involvement where offence_id = 'legacy:CONVERTED' order by 1"
    )
    assert rows == [
        (1, "victim", "v1", 24, False, "18-24", True, "legacy"),
        (2, "suspect", "s1", 30, True, "25-34", False, "legacy"),
        (3, "witness", "w1", None, False, "unknown", None, "connect"),
    ]
    assert built.rows(
        "select count(*) from facts.fct_involvement where offence_id like '%NO-SUCH-CRIME'"
    ) == [(0,)]
    found = offences(built, "victim_count, suspect_count, has_victim_under_25")
    assert found["CONVERTED"] == (1, 1, True)
    assert found["LOG-A"] == (1, 0, False)
    # a victim of unknown age; no victim at all
    assert found["UNIT"] == (1, 0, None)
    assert found["GONE"] == (0, 0, None)


def test_places_and_what_they_are_known_by(built: Built):
    found = offences(
        built, "location_basis, lsoa_code, neighbourhood_code, npu_code, is_impact_area"
    )
    assert found["LIKE"] == ("lsoa", HERE, "N1", "BE", True)
    assert found["I-BEAT"] == ("beat", None, "N1", "BE", True)
    assert found["UNIT"] == ("npu", None, None, "WV", None)


def test_a_code_the_force_configured_is_known(built: Built):
    found = offences(built, "weapon_code, weapon_use_code, is_knife_used, is_knife_enabled")
    assert found["UNIT"] == ("knife", "used", True, True)
    assert found["GONE"] == ("unknown", "unknown", False, False)


def test_like_for_like_leaves_out_what_new_practice_added(built: Built):
    found = offences(built, "record_origin_code, like_for_like_rule_code")
    assert found["FOUND"] == ("log_quality_review", "log_quality_review_only")
    assert found["BEFORE"] == ("standard", None)
    assert found["I-NEW"] == ("log_quality_review", "log_quality_review_only")
    assert found["I-NO-TRACE"] == ("initial_report_no_trace", "no_trace_initial_report")
    assert found["I-LIKE"] == ("officer_attended", None)


def test_the_count_as_of_a_day(built: Built):
    def count(moment: str, code: str) -> int:
        return built.rows(
            "select count(*) from intermediate.int_offence_standings "
            f"where valid_from <= timestamp '{moment}' "
            f"and (valid_to is null or valid_to > timestamp '{moment}') "
            f"and is_counted and offence_code = '{code}' "
            "and offence_id in ('legacy:GONE', 'legacy:CONVERTED', 'connect:I-BEAT')"
        )[0][0]

    assert [count("2020-01-31", "8N"), count("2020-02-03", "8N")] == [1, 0]
    assert [count("2021-04-09 08:59", "8N"), count("2021-04-09 08:59", "5D")] == [1, 0]
    assert [count("2021-04-09 09:00", "8N"), count("2021-04-09 09:00", "5D")] == [0, 1]
    assert [count("2021-05-20 11:59", "8N"), count("2021-05-20 11:59", "105A")] == [1, 0]
    assert [count("2021-06-01", "8N"), count("2021-06-01", "105A")] == [0, 1]
    assert [count("2021-06-20 12:00", "8N"), count("2021-06-20 12:00", "105A")] == [0, 0]
    found = offences(built, "offence_code, is_cancelled, cancelled_code, cancelled_month")
    assert found["I-BEAT"] == ("105A", True, "C2", dt.date(2021, 6, 1))
    assert found["GONE"] == ("8N", True, "C2", dt.date(2020, 2, 1))


def test_logs_and_their_crimes(built: Built):
    rows = built.rows(
        "select log_number, closing_outcome_code, offence_id, offence_count, "
        "is_recorded_within_24_hours from facts.fct_incident order by 1"
    )
    assert rows == [
        ("20201101-3", "advice", "legacy:BEFORE", 2, False),
        ("20210201-8", None, None, 0, None),
        ("20210408-12", "crime_recorded", "connect:I-DUAL", 1, True),
    ]


def test_facts_build_where_only_some_tables_have_rows(target: Path, built: Built):
    path = target.with_name("some.duckdb")
    with empty_warehouse(path) as con:
        enter(con, "connect/investigations", "c", [investigation("I-1", "2021-05-01 12:00")])
        enter(
            con,
            "connect/classification_history",
            "h",
            [
                {
                    "investigation_id": "I-UNKNOWN",
                    "changed_at": at("2021-05-20 12:00"),
                    "from_code": "8N-06",
                    "to_code": "105A-01",
                    "reason": "reclassified",
                    "_period": "2021-05",
                }
            ],
        )
    done = dbt(path, target, "build", *FACTS)
    assert done.code == 0, done.output
    assert offences(done, "era_code, offence_group, location_basis, neighbourhood_code") == {
        "I-1": (None, "Violence against the person", "lsoa", None)
    }


def test_a_code_that_no_group_has_fails_the_build(target: Path, built: Built):
    path = target.with_name("unknown.duckdb")
    with empty_warehouse(path) as con:
        enter(
            con,
            "legacy/crimes",
            "c",
            [crime("1", "2019-05-01 12:00", "8T"), crime("2", "2020-05-01 12:00", "8T")],
        )
    done = dbt(path, target, "build", *FACTS)
    assert done.code == 1
    failed = re.findall(r"Failure in test (\S+)", done.output)
    assert failed == ["offences_have_a_group_fct_offence_"], done.output
    assert "Got 1 result" in done.output


# ----------------------------------------------------------------------- the simulator's truth


def simulated(con: duckdb.DuckDBPyConnection, scale: float, seed: int) -> pa.Table:
    """Fill raw tables with the simulator's records; returns the true pairs of one crime."""
    from orchestration.simulate import scenario_named
    from orchestration.simulate.world import Truth, world

    configure(con)
    wanted = ("legacy/crimes", "legacy/persons", "incidents/logs", "geography/beats")
    truth = Truth()
    for number, extract in enumerate(world(scenario_named("reference", scale), seed, truth)):
        if extract.table not in wanted and not extract.table.startswith("connect/"):
            continue
        about = spec(extract.table)
        con.register("extract", extract.data)
        slot = about.slot_sql.format(claim=f"'{extract.period}'")
        con.execute(
            f"insert into raw.{about.raw_name} by name "
            f"select *, 'l{number}' as _load_id, {slot} as _period from extract"
        )
        con.execute(
            "insert into ledger.load_period by name "
            f"select distinct 'l{number}' as load_id, '{about.source}' as source, "
            f"'{about.table}' as table_name, _period as slot, 0 as row_count, now() as entered_at "
            f"from raw.{about.raw_name} where _load_id = 'l{number}'"
        )
        con.unregister("extract")
    return pa.concat_tables(truth.links)


def test_the_linkage_finds_what_is_one_crime(target: Path, built: Built):
    """Another seed than the one the weights were measured on."""
    path = target.with_name("simulated.duckdb")
    with empty_warehouse(path) as con:
        truth = simulated(con, scale=0.03, seed=5)
    done = dbt(path, target, "build", *FACTS)
    assert done.code == 0, done.output
    true = {(r["crime_number"], r["investigation_id"]) for r in truth.to_pylist()}
    found = set(done.rows("select crime_number, investigation_id from facts.fct_offence_link"))
    assert len(true) > 400
    assert len(true & found) / len(found) >= 0.99, sorted(found - true)
    assert len(true & found) / len(true) >= 0.99, sorted(true - found)
