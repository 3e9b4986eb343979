"""What the warehouse says of simulated worlds, against what is true of them.

The truth lies beside the extracts; only tests read it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest
from disclosure_attack import Cell, Profiles, Releases, published
from warehouse_support import dbt
from whole_runs import load_everything

from orchestration.publish import disclosure, release
from orchestration.settings import PROJECT, load_settings
from orchestration.simulate import simulate
from orchestration.simulate.truth import FOLDER

pytestmark = pytest.mark.slow

#: Small enough for a test, large enough for rates to mean something.
SCALE = 0.1
#: Months in which a crime may be in both systems: counts there are as good as the linkage.
CUT_OVER = ("2021-01", "2021-04")


@dataclass
class World:
    """A scenario, loaded and built."""

    database: Path
    truth: Path

    def rows(self, sql: str) -> list[tuple]:
        """Rows of a query on the warehouse (``w``); ``{truth}`` stands for the truth's folder."""
        con = duckdb.connect()
        con.execute(f"attach '{self.database}' as w (read_only)")
        try:
            return con.execute(sql.replace("{truth}", str(self.truth))).fetchall()
        finally:
            con.close()

    def headline(self, indicator: str, basis: str) -> tuple:
        """Baseline count, current count, ratio, its limits, verdict."""
        (row,) = self.rows(
            "select baseline_count, current_count, rate_ratio, rate_ratio_lower, "
            "rate_ratio_upper, verdict from w.marts.mart_headline_indicators "
            f"where indicator_code = '{indicator}' and basis = '{basis}' and area_type = 'force'"
        )
        return row


def build(folder: Path, scenario: str, seed: int) -> World:
    landing, home = folder / "landing", folder / "home"
    simulate(landing, scenario=scenario, scale=SCALE, seed=seed)
    load_everything(home, landing, scenario)
    database = home / "warehouse" / "plumbline.duckdb"
    built = dbt(
        database,
        folder / "target",
        "build",
        "--exclude-resource-type",
        "unit_test",
        "--full-refresh",
    )
    assert built.code == 0, built.output[-6000:]
    return World(database, landing / FOLDER)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("reference"), "reference", 41)


@pytest.fixture(scope="module")
def no_change(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("no_change"), "no_change", 42)


@pytest.fixture(scope="module")
def crime_wave(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("crime_wave"), "crime_wave", 43)


CELLS = """
with truth as (
    select recorded_month, offence_code, npu_code, system, recorded_count, like_for_like_count
    from '{truth}/counts.parquet'
),
found as (
    select strftime(recorded_month, '%Y-%m') as recorded_month, offence_code, npu_code,
        recording_system as system, count(*) as recorded_count,
        count(*) filter (is_like_for_like) as like_for_like_count
    from w.facts.fct_offence where not is_cancelled group by all
)
select coalesce(t.recorded_month, f.recorded_month) as month, count(*) as cells,
    count(*) filter (
        (t.recorded_count, t.like_for_like_count)
        is distinct from (f.recorded_count, f.like_for_like_count)
    ) as wrong,
    coalesce(sum(abs(coalesce(t.recorded_count, 0) - coalesce(f.recorded_count, 0))), 0)::int
from truth as t
full join found as f
    on f.recorded_month = t.recorded_month and f.offence_code = t.offence_code
    and f.npu_code is not distinct from t.npu_code and f.system = t.system
group by 1 order by 1
"""


@pytest.mark.parametrize("name", ["reference", "no_change", "crime_wave"])
def test_counts_are_the_truth_cell_by_cell(name: str, request: pytest.FixtureRequest) -> None:
    """By month, offence, unit and system; recorded, and like for like."""
    world: World = request.getfixturevalue(name)
    months = world.rows(CELLS)
    assert len(months) == 48
    assert sum(cells for _, cells, _, _ in months) > 10_000
    exact = [m for m in months if not CUT_OVER[0] <= m[0] <= CUT_OVER[1]]
    assert [m for m in exact if m[2]] == []
    # While records of both systems are told apart by linkage, it may be wrong once in a hundred.
    (links,) = world.rows("select count(*) from '{truth}/links.parquet'")
    assert sum(wrong for *_, wrong in months) <= 0.01 * links[0]


def test_linkage_is_right_ninety_nine_times_in_a_hundred(
    reference: World, capsys: pytest.CaptureFixture
) -> None:
    ((right, missed, wrong),) = reference.rows(
        """
        select count(*) filter (t.crime_number is not null and f.crime_number is not null),
            count(*) filter (f.crime_number is null), count(*) filter (t.crime_number is null)
        from '{truth}/links.parquet' as t
        full join w.facts.fct_offence_link as f
            on f.crime_number = t.crime_number and f.investigation_id = t.investigation_id
        """
    )
    precision, recall = right / (right + wrong), right / (right + missed)
    with capsys.disabled():
        print(
            f"\nlinkage of {right + missed:,} crimes in both systems: precision {precision:.4f}, "
            f"recall {recall:.4f} ({wrong} wrong, {missed} missed)"
        )
    assert right > 1_500
    assert precision >= 0.99
    assert recall >= 0.99


def test_what_was_cancelled_is_what_counts_no_more(reference: World) -> None:
    wrong = reference.rows(
        """
        select count(*) from '{truth}/records.parquet' as t
        inner join w.facts.fct_offence as f on f.offence_id = t.system || ':' || t.reference
        where f.is_cancelled <> t.is_cancelled
        """
    )
    assert wrong[0][0] <= 3


def test_the_reference_scenario_gives_the_board_papers_figures(reference: World) -> None:
    """Scaled, as the scenario is."""
    for indicator, before, now in (
        ("under_25_sharp_object_admissions", 90, 80),
        ("under_25_vwi_knife_used", 333, 361),
        ("under_25_homicide", 9, 4),
        ("under_25_knife_homicide", 4, 3),
        ("under_25_vwi", 5936, 6856),
        ("under_25_vwi_knife_crime", 500, 530),
        ("knife_used", 2318, 3114),
    ):
        found = reference.headline(indicator, "recorded")[:2]
        assert found == (round(before * SCALE), round(now * SCALE)), indicator
    rates = dict(
        reference.rows(
            "select period_label, positive_count from w.marts.mart_outcomes "
            "where area_type = 'force' and offence_category like '%under 25' "
            "and (period_type = 'year_to_date' or period_label = '2021-11')"
        )
    )
    assert rates["2019/20 to date"] == 58
    assert rates["2020/21 to date"] in (42, 43)
    assert rates["2021/22 to date"] == 42
    assert rates["2021-11"] == 8


def test_where_nothing_changed_both_bases_agree(no_change: World) -> None:
    assert no_change.rows(
        "select count(*) from w.facts.fct_offence where not is_like_for_like"
    ) == [(0,)]
    for indicator in ("all_crime", "violence_with_injury", "under_25_vwi"):
        recorded = no_change.headline(indicator, "recorded")
        assert recorded == no_change.headline(indicator, "like_for_like")
        assert recorded[5] == "not distinguishable from chance", indicator


@pytest.mark.parametrize("name", ["reference", "no_change", "crime_wave"])
def test_the_true_number_of_knives_used_lies_within_the_published_range(
    name: str, request: pytest.FixtureRequest
) -> None:
    """Which records say whether a knife was used changes with the system; the range holds all the
    same. In the reference scenario knives merely seen rise, and those used fall."""
    world: World = request.getfixturevalue(name)
    ((before, now),) = world.rows(
        """
        select sum(knife_used_2019_count) filter (recorded_month between '2019-04' and '2019-11'),
            sum(knife_used_2019_count) filter (recorded_month between '2021-04' and '2021-11')
        from '{truth}/young_violence.parquet'
        """
    )
    ((lower, upper, ratio_lower, ratio_upper, verdict, possible),) = world.rows(
        "select current_estimate_lower, current_estimate_upper, rate_ratio_lower, "
        "rate_ratio_upper, verdict, baseline_possible_count from w.marts.mart_headline_indicators "
        "where indicator_code = 'under_25_vwi_knife_used' and basis = 'like_for_like' "
        "and area_type = 'force'"
    )
    assert possible > 0
    assert lower <= now <= upper
    assert ratio_lower <= now / before <= ratio_upper
    if name == "reference":
        assert now < before
        assert verdict != "up"


def test_where_nothing_changed_no_knives_rise_or_fall(no_change: World) -> None:
    for indicator in ("under_25_vwi_knife_used", "knife_used"):
        _, _, ratio, lower, upper, verdict = no_change.headline(indicator, "like_for_like")
        assert verdict == "undecidable", indicator
        assert ratio is None
        assert lower < 1 < upper


def test_a_real_rise_is_seen_like_for_like(crime_wave: World) -> None:
    """Violence really rises by a quarter from April 2021, and recording is constant."""
    for indicator in ("violence_with_injury", "under_25_vwi"):
        _, _, ratio, lower, upper, verdict = crime_wave.headline(indicator, "like_for_like")
        assert verdict == "up"
        assert lower <= 1.25 <= upper, indicator
        assert ratio == crime_wave.headline(indicator, "recorded")[2]
    *_, verdict = crime_wave.headline("sharp_object_admissions", "recorded")
    assert verdict != "down"


def test_most_of_the_references_rise_is_recording(reference: World) -> None:
    recorded = reference.headline("all_crime", "recorded")
    like_for_like = reference.headline("all_crime", "like_for_like")
    assert recorded[2] > 1.25
    assert like_for_like[4] < recorded[3]
    ((truth,),) = reference.rows(
        "select sum(like_for_like_count) from '{truth}/counts.parquet' "
        "where recorded_month between '2021-04' and '2021-11'"
    )
    assert abs(like_for_like[1] - truth) <= 5


@pytest.fixture(scope="module")
def two_databases(
    reference: World, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Path, Path]]:
    """Warehouse and release, twice: the first of a warehouse that lacks one record in forty, which
    came late, and the second of the whole one."""
    folder = tmp_path_factory.mktemp("releases")
    settings = load_settings(home=folder, config=PROJECT / "plumbline.yml")
    found = []
    for name in ("early", "late"):
        warehouse = folder / name / "plumbline.duckdb"
        warehouse.parent.mkdir()
        shutil.copyfile(reference.database, warehouse)
        if name == "early":
            with duckdb.connect(str(warehouse)) as con:
                con.execute("delete from facts.fct_offence where hash(offence_id) % 40 = 0")
            marts = (
                *("mart_monthly_series", "mart_headline_indicators", "mart_outcomes"),
                *("mart_hotspots", "mart_victim_suspect_profile", "mart_disproportionality"),
            )
            selected = [f"fct_offence+,+{mart}" for mart in marts]
            built = dbt(
                warehouse,
                folder / "target",
                *("run", "--select", *selected, "--exclude", "fct_offence"),
            )
            assert built.code == 0, built.output[-6000:]
        with duckdb.connect(str(warehouse)) as con:
            if name == "late":
                con.execute(f"attach '{folder}/early/plumbline.duckdb' as early (read_only)")
                con.execute("insert into ledger.disclosure select * from early.ledger.disclosure")
                con.execute("detach early")
            planned = disclosure.plan(con, settings)
            disclosure.record(con, planned, name)
        info = release.build_release(
            warehouse,
            folder / "releases",
            release_id=name,
            protections=planned.marts,
            provenance={},
            keep_last=2,
        )
        found.append((warehouse, info.database))
    return found


@pytest.fixture(scope="module")
def two_releases(two_databases) -> tuple[list[Cell], list[Cell]]:
    """What is published in either, beside what is so."""
    first, second = (published(*each) for each in two_databases)
    return first, second


def test_no_small_count_of_a_release_can_be_worked_out(two_releases) -> None:
    first, _ = two_releases
    attacked, exposed = Releases(first).exposed(every=4)
    assert attacked > 500
    assert exposed == []


def test_nor_by_setting_it_beside_the_release_before(two_releases) -> None:
    first, second = two_releases
    attacked, exposed = Releases(first, second).exposed(every=8)
    assert attacked > 500
    assert exposed == []


def test_nor_can_one_of_persons_by_age_sex_and_ethnic_group(two_databases) -> None:
    attacked, exposed = Profiles(two_databases[0]).exposed(every=6)
    assert attacked > 100
    assert exposed == []
    attacked, exposed = Profiles(*two_databases).exposed(every=12)
    assert attacked > 100
    assert exposed == []


def test_hotspots_show_nothing_that_other_marts_withhold(two_databases) -> None:
    sql = """
    with spots as (
        select indicator_code, basis, area_id, first_month, last_month, event_count, area_rank,
            rate_per_1000, event_count_lower, rate_ratio
        from mart_hotspots
        where indicator_code like 'under_25%'
    ),
    others as (
        select indicator_code, basis, area_id, current_first_month as first_month,
            current_last_month as last_month, current_count as count
        from mart_headline_indicators
        union all
        select indicator_code, basis, area_id, baseline_first_month, baseline_last_month,
            baseline_count
        from mart_headline_indicators
        union all
        select measure_code, basis, area_id, month, month, value from mart_monthly_series
    )
    select count(*), count(event_count), count(*) filter (event_count is distinct from count),
        count(coalesce(area_rank, rate_ratio)),
        count(coalesce(event_count_lower, rate_per_1000)) filter (event_count is null)
    from spots left join others
        using (indicator_code, basis, area_id, first_month, last_month)
    """
    for _, release_file in two_databases:
        with duckdb.connect(str(release_file), read_only=True) as con:
            rows, shown, differing, told, beside = con.execute(sql).fetchone()
        assert rows > 1000
        assert 0 < shown < rows
        # Rows that other marts do not have are empty in both.
        assert (differing, told, beside) == (0, 0, 0)


def test_withholding_the_small_counts_alone_would_not_do(two_releases) -> None:
    """The attack finds what it should: with nothing withheld beside them, they are known."""
    first, _ = two_releases
    bare = [
        cell if 0 < cell.true < 5 and not cell.is_open else replace(cell, shown=cell.true)
        for cell in first
        if cell.quantity.startswith("outcome/")
    ]
    attacked, exposed = Releases(bare).exposed(every=6)
    assert attacked > 100
    assert len(exposed) > 20


# --------------------------------------------------------------------------- the recording effect

MAIN_INDICATORS = ("all_crime", "violence_with_injury", "under_25_vwi")


def effects(world: World, indicator: str) -> dict[tuple[str, str], dict]:
    """Rows of the force in mart_recording_effect, by method and variant."""
    columns = (
        "method_code, variant_code, estimate_status, effect_ratio, effect_ratio_lower, "
        "effect_ratio_upper, is_effect_claimed, adjusted_ratio_lower, change_verdict, reason_text"
    )
    names = columns.split(", ")
    found = world.rows(
        f"select {columns} from w.marts.mart_recording_effect where measure_code = '{indicator}' "
        "and area_type = 'force'"
    )
    return {(r[0], r[1]): dict(zip(names, r, strict=True)) for r in found}


def test_where_nothing_changed_no_method_claims_a_recording_effect(no_change: World) -> None:
    """Of a few indicators none; over all of them no more than chance allows."""
    for indicator in MAIN_INDICATORS:
        found = effects(no_change, indicator)
        assert found["like_for_like", "rules"]["effect_ratio"] == 1
        assert not any(row["is_effect_claimed"] for row in found.values()), indicator
    for method, claims, rows in no_change.rows(
        "select method_code, count(*) filter (is_effect_claimed), count(*) "
        "from w.marts.mart_recording_effect where is_main_variant "
        "and estimate_status = 'estimated' and area_type in ('force', 'npu') group by all"
    ):
        assert claims <= 0.05 * rows + 4 * (0.05 * 0.95 * rows) ** 0.5, method
    (share,) = no_change.rows(
        "select count(*) filter (is_effect_claimed) from w.marts.mart_recording_effect "
        "where method_code = 'like_for_like'"
    )
    assert share == (0,)


def test_a_real_rise_is_not_explained_away(crime_wave: World) -> None:
    """Like for like and adjusted by the analysts' 4% violence still rises; an interrupted time
    series takes all of it for its effect, which is why it is not said to be one of recording."""
    for indicator in ("violence_with_injury", "under_25_vwi"):
        found = effects(crime_wave, indicator)
        assert found["like_for_like", "rules"]["change_verdict"] == "robust"
        assert found["assessed", "published"]["change_verdict"] == "robust"
        assert found["assessed", "published"]["adjusted_ratio_lower"] > 1
        hospital = found["hospital_controlled", "own"]
        assert hospital["effect_ratio_lower"] < 1 < hospital["effect_ratio_upper"]
        series = found["interrupted_time_series", "together"]
        assert series["effect_ratio_lower"] < 1.25 < series["effect_ratio_upper"]
    now, before = (
        crime_wave.rows(
            "select sum(value) from w.marts.mart_monthly_series where basis = 'adjusted' "
            "and measure_code = 'violence_with_injury' and area_type = 'force' "
            f"and month between '{year}-04-01' and '{year}-11-01'"
        )[0][0]
        for year in (2021, 2019)
    )
    assert now / before > 1.1


def test_like_for_like_finds_the_known_effect_of_practice(reference: World) -> None:
    for indicator, condition in (
        ("all_crime", "true"),
        ("violence_with_injury", "is_violence_with_injury"),
        ("under_25_vwi", "is_violence_with_injury and has_victim_under_25"),
    ):
        ((recorded, made),) = reference.rows(
            "select count(*), count(*) filter (is_made_by_new_practice) "
            "from '{truth}/records.parquet' where not is_cancelled "
            f"and recorded_month between '2021-04' and '2021-11' and {condition}"
        )
        row = effects(reference, indicator)["like_for_like", "rules"]
        truth = recorded / (recorded - made)
        assert row["effect_ratio"] == pytest.approx(truth, rel=0.005), indicator
        assert row["effect_ratio_lower"] <= truth <= row["effect_ratio_upper"]
    # Nothing but lockdown lies between the two changes: said, not estimated.
    separate = effects(reference, "all_crime")["interrupted_time_series", "separate"]
    assert separate["estimate_status"] == "not_assessed"
    assert "Log Quality Team" in separate["reason_text"]


def test_the_parts_of_the_change_are_those_of_the_truth(reference: World) -> None:
    parts = {
        code: (count, lower, upper)
        for code, count, lower, upper in reference.rows(
            "select component_code, component_count, component_count_lower, component_count_upper "
            "from w.marts.mart_change_decomposition where indicator_code = 'under_25_vwi' "
            "and area_type = 'force'"
        )
    }
    truth = dict(
        reference.rows(
            "select record_origin, count(*) from '{truth}/records.parquet' "
            "where is_violence_with_injury and has_victim_under_25 and not is_cancelled "
            "and recorded_month between '2021-04' and '2021-11' group by all"
        )
    )
    change = round(6856 * SCALE) - round(5936 * SCALE)
    assert sum(count for count, _, _ in parts.values()) == pytest.approx(change, abs=1e-9)
    for code, origin in (
        ("log_quality_review_only", "log_quality_review"),
        ("third_party_professional", "third_party_professional"),
    ):
        assert abs(parts[code][0] - truth.get(origin, 0)) <= 1, code
        assert parts[code][1] <= truth.get(origin, 0) <= parts[code][2]
    assert parts["no_trace_initial_report"] == (0, 0, 0)
    ((knives_now, flagged_now),) = reference.rows(
        "select sum(knife_used_2019_count), sum(knife_used_count) "
        "from '{truth}/young_violence.parquet' where recorded_month between '2021-04' and '2021-11'"
    )
    ((lower, upper),) = reference.rows(
        "select component_count_lower, component_count_upper "
        "from w.marts.mart_change_decomposition where component_code = 'knife_flags' "
        "and indicator_code = 'under_25_vwi_knife_used' and area_type = 'force'"
    )
    # What the flags add: recorded as used now, less what 2019/20 would have flagged of them.
    assert lower <= flagged_now - knives_now <= upper
