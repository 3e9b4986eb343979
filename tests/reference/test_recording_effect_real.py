"""The recording effect of West Midlands on the published files: synthetic and hospital control.

**Synthetic control**, 2021/22 against a fit on 2014/15 to the third quarter of 2019/20, recorded
crime by quarter from the Home Office's open data, log counts each less its own mean (so that the
population of a force cancels). Three sets of donors:

- ``plain``: all 41 territorial forces but Greater Manchester, no smallest size. This repeats a
  plain check made without this code (``PLAIN``) and agrees with it to 0.02 in every figure, and in
  the rank of all crime, 1 of 42.
- ``main``: without those that the seed system_changes excludes in that window. That is the City of
  London too: a square mile of workers and visitors, whose crime fell by 56% in 2020/21 where others
  fell by 13%. It is the second farthest placebo of all crime; leaving it out narrows that interval
  from 1.06-1.83 to 1.15-1.69, and moves the effect only in violence (without injury 1.74 to 1.70),
  where it had weight. For each offence, forces with fewer than 20 offences a quarter are no donors
  either (Dyfed-Powys and robbery, say).
- ``strict``: also without the 18 forces that changed their system in the window, or are said to
  have. The effects stay within the main intervals (all crime 1.45 instead of 1.40); with 22 donors
  their own intervals are wider.

What this adds to the check: intervals, and what does not stand out. Robbery of the person is 8th of
40 and within the drift of forces (0.77-1.96); so are violence with injury (0.96-1.38), drugs,
public order, bicycle theft and shoplifting. Dyfed-Powys, of no known change, rose more in stalking
(2.19) than West Midlands did (2.10). Vehicle crime, theft from the person, other theft and burglary
do stand out: either they are recorded differently too, or something other than recording sets the
force apart, and then the other effects hold some of it as well. Homicide, unlawful driving and the
old burglary subgroups are refused rather than estimated (a few events a quarter; a split that ended
in 2017); burglary as a whole stands in.

**What it can attribute.** Quarter by quarter the gap of all crime opens before CONNECT: x1.10 in
July to September 2020, x1.27 in October to December, x1.41 in January to March 2021, and then level
at 1.35 to 1.42 until March 2023. Stalking and harassment is 1.33 above already in April to June
2020. The day of the go-live is not public. If it was within January to March 2021, CONNECT can have
a part in the step from x1.27 to x1.41; if it was in April, it can only have kept up a rise that was
complete. The Log Quality Team (November 2020) began while the rise was under way. Nothing in these
series tells the two, and a change in crime itself, apart.

**Hospital control.** Admissions for assault by sharp object, 2021/22 over 2019/20. The tabulation
gives 555 and 510 as the year's totals of the region; 500, the sum of its rounded months, is off by
10 because each month is rounded by itself. So the ratio is 0.92 rather than 0.90 (England 0.87),
and against the rest of England 1.07 (0.91-1.26) rather than 1.04. Recorded violence with injury of
the region, against the rest, rose by as much as that (0.99); violence without injury (1.20),
stalking (1.30) and personal robbery (1.25) by more, and by more than in any of the other eight
regions.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration import recording_effects
from orchestration.sources import registry
from orchestration.statistics.hospital_control import (
    Bounds,
    HospitalChange,
    bounds_of_sum,
    change_against_rest,
    hospital_change,
    hospital_controlled,
)
from orchestration.statistics.intervals import Interval
from orchestration.statistics.rates import (
    change_of_ratio,
    dispersion,
    log_rate_ratio,
    ratio_interval,
)
from orchestration.statistics.synthetic_control import (
    FITTED,
    LEAST_MEAN,
    TOO_FEW_EVENTS,
    SyntheticControl,
    cautions,
    synthetic_control,
)

pytestmark = pytest.mark.shared

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
FORCE = "west-midlands"
QUARTERS = [f"{y}/{(y + 1) % 100:02d} Q{q}" for y in range(2012, 2023) for q in range(1, 5)]
BEFORE = np.array(["2014/15 Q1" <= q <= "2019/20 Q3" for q in QUARTERS])
AFTER = np.array([q.startswith("2021/22") for q in QUARTERS])
WINDOW = pd.Timestamp("2014-04-01"), pd.Timestamp("2022-03-31")
BURGLARY = (
    "Domestic burglary",
    "Non-domestic burglary",
    "Residential burglary",
    "Non-residential burglary",
)
ALL = "All crime excluding fraud"

# The main set. Offence: effect, lower and upper limit, rank of the effect, out of.
MAIN = {
    ALL: (1.40, 1.15, 1.69, 1, 41),
    "Criminal damage and arson": (1.27, 1.08, 1.50, 1, 41),
    "Drug offences": (1.32, 0.85, 2.06, 6, 41),
    "Miscellaneous crimes against society": (1.51, 0.91, 2.49, 2, 41),
    "Possession of weapons offences": (2.34, 1.59, 3.44, 1, 41),
    "Public order offences": (1.41, 0.76, 2.62, 6, 41),
    "Robbery": (1.23, 0.88, 1.72, 6, 40),
    "Sexual offences": (1.29, 0.97, 1.70, 3, 41),
    "Theft offences": (1.29, 1.10, 1.51, 1, 41),
    "Violence against the person": (1.52, 1.19, 1.94, 1, 41),
    "Arson": (1.45, 0.81, 2.58, 5, 41),
    "Bicycle theft": (1.28, 0.87, 1.87, 5, 41),
    "Burglary": (1.33, 1.05, 1.69, 1, 41),
    "Criminal damage": (1.30, 1.09, 1.55, 1, 41),
    "Other sexual offences": (1.16, 0.85, 1.57, 6, 41),
    "Other theft offences": (1.33, 1.13, 1.57, 1, 41),
    "Possession of drugs": (1.41, 0.82, 2.43, 4, 41),
    "Rape offences": (1.48, 1.09, 2.01, 1, 41),
    "Robbery of personal property": (1.23, 0.77, 1.96, 8, 40),
    "Shoplifting": (1.21, 0.85, 1.71, 4, 41),
    "Stalking and harassment": (2.10, 1.14, 3.84, 2, 41),
    "Theft from the person": (1.91, 1.24, 2.93, 1, 40),
    "Trafficking of drugs": (1.13, 0.64, 1.98, 21, 41),
    "Vehicle offences": (1.48, 1.09, 2.03, 1, 41),
    "Violence with injury": (1.15, 0.96, 1.38, 4, 41),
    "Violence without injury": (1.70, 1.27, 2.27, 1, 41),
}
# The plain check: non-negative weights on quarterly log counts, 41 donors.
PLAIN = {
    ALL: 1.40,
    "Stalking and harassment": 2.10,
    "Possession of weapons offences": 2.34,
    "Violence without injury": 1.74,
    "Violence with injury": 1.15,
    "Rape offences": 1.48,
    "Criminal damage": 1.30,
    "Vehicle offences": 1.47,
    "Theft from the person": 1.92,
    "Robbery of personal property": 1.23,
}
REGIONS = (
    "East Midlands",
    "East of England",
    "London",
    "North East",
    "North West",
    "South East",
    "South West",
    "West Midlands",
    "Yorkshire and The Humber",
)


@pytest.fixture(scope="module")
def crimes(shared: Path) -> pd.DataFrame:
    """Offences of territorial forces: force_code, region, group, subgroup, year, quarter, count."""
    folder = shared / "data" / "home_office" / "prc"
    files = sorted(folder.glob("prc-pfa-*.csv"))
    if len(files) != 11:
        pytest.skip(f"needs the eleven files of {folder}, which are absent here")
    frame = pd.concat(pd.read_csv(f, usecols=[0, 1, 2, 4, 5, 7]) for f in files)
    frame.columns = ["year", "quarter", "force", "group", "subgroup", "offences"]
    frame["quarter"] = frame["year"] + " Q" + frame["quarter"].astype(str)
    names = pd.read_csv(SEEDS / "force_names.csv").query("source == 'home_office'")
    frame["force"] = frame["force"].map(names.set_index("source_name")["force_code"])
    forces = pd.read_csv(SEEDS / "forces.csv").query("is_territorial").set_index("force_code")
    frame["region"] = frame["force"].map(forces["region_name"])
    return frame[frame["region"].notna() & (frame["group"] != "Fraud offences")]


def offences(crimes: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of a subgroup, of a group where no subgroup has the name, or of all."""
    if name == ALL:
        return crimes
    if name == "Burglary":
        return crimes[crimes["subgroup"].isin(BURGLARY)]
    chosen = crimes[crimes["subgroup"] == name]
    return chosen if len(chosen) else crimes[crimes["group"] == name]


def panel(crimes: pd.DataFrame, name: str) -> tuple[list[str], np.ndarray]:
    """Forces, and counts (quarters, forces)."""
    totals = offences(crimes, name).groupby(["quarter", "force"])["offences"].sum()
    table = totals.unstack().reindex(QUARTERS)
    return list(table.columns), table.to_numpy(dtype=float)


def donors(forces: list[str], which: str) -> np.ndarray:
    """Mask of the forces that the seed leaves as donors, as a caller would make it."""
    changes = pd.read_csv(SEEDS / "system_changes.csv", parse_dates=["excluded_from"])
    end = pd.to_datetime(changes["excluded_to"]).fillna(pd.Timestamp.max)
    within = (changes["excluded_from"] <= WINDOW[1]) & (end >= WINDOW[0])
    rules = {"plain": [], "main": ["exclude"], "strict": ["exclude", "exclude_strict"]}[which]
    out = set(changes.loc[within & changes["donor_rule"].isin(rules), "force_code"])
    if which == "plain":
        out = {"greater-manchester"}
    return np.array([f not in out for f in forces])


def effect(crimes: pd.DataFrame, name: str, which: str) -> tuple[SyntheticControl, list[str]]:
    forces, counts = panel(crimes, name)
    found = synthetic_control(
        counts,
        forces.index(FORCE),
        donors(forces, which),
        BEFORE,
        AFTER,
        least_mean=0.0 if which == "plain" else LEAST_MEAN,
    )
    return found, forces


# ------------------------------------------------------------------------------- synthetic control


@pytest.mark.parametrize("name", MAIN)
def test_the_effect_on_each_offence(crimes: pd.DataFrame, name: str) -> None:
    found, _ = effect(crimes, name, "main")
    estimate, lower, upper, rank, compared = MAIN[name]
    assert found.status == FITTED
    assert found.effect.estimate == pytest.approx(estimate, abs=0.006)
    assert found.effect.lower == pytest.approx(lower, abs=0.006)
    assert found.effect.upper == pytest.approx(upper, abs=0.006)
    assert (found.rank_of_effect, found.compared) == (rank, compared)
    assert found.pre_rmspe < 0.09
    # The interval and the two-sided placebo test say the same.
    assert (found.p_value <= 0.05) == (lower > 1)


@pytest.mark.parametrize("name", PLAIN)
def test_agrees_with_the_plain_check(crimes: pd.DataFrame, name: str) -> None:
    repeated, _ = effect(crimes, name, "plain")
    assert repeated.effect.estimate == pytest.approx(PLAIN[name], abs=0.02)
    main, _ = effect(crimes, name, "main")
    assert main.effect.estimate == pytest.approx(PLAIN[name], abs=0.05)
    assert main.effect.lower < PLAIN[name] < main.effect.upper


def test_the_rank_of_all_crime_in_the_plain_check(crimes: pd.DataFrame) -> None:
    found, _ = effect(crimes, ALL, "plain")
    assert (found.rank_of_effect, found.compared) == (1, 42)
    assert found.p_value == pytest.approx(1 / 42)


@pytest.mark.parametrize("name", PLAIN)
def test_forces_that_may_have_changed_do_not_make_the_effect(
    crimes: pd.DataFrame, name: str
) -> None:
    strict, _ = effect(crimes, name, "strict")
    _, lower, upper, _, _ = MAIN[name]
    assert lower < strict.effect.estimate < upper
    assert strict.donors.size in (21, 22)


def test_what_the_seed_leaves_out(crimes: pd.DataFrame) -> None:
    forces, _ = panel(crimes, ALL)
    assert len(forces) == 43
    main, strict = donors(forces, "main"), donors(forces, "strict")
    assert {f for f, kept in zip(forces, main, strict=True) if not kept} == {
        "city-of-london",
        "greater-manchester",
        FORCE,
    }
    assert main.sum() - strict.sum() == 18
    assert not np.any(strict & ~main)


@pytest.mark.parametrize(
    "name", ["Homicide", "Death or serious injury - unlawful driving", "Domestic burglary"]
)
def test_series_that_logs_cannot_carry_are_refused(crimes: pd.DataFrame, name: str) -> None:
    assert effect(crimes, name, "main")[0].status == TOO_FEW_EVENTS


def test_business_robbery_has_too_few_donors_for_an_interval(crimes: pd.DataFrame) -> None:
    found, forces = effect(crimes, "Robbery of business property", "main")
    assert (found.donors.size, found.effect.upper) == (15, np.inf)
    said = cautions(found, forces)
    assert any("15 donors are too few" in text for text in said)
    assert any("Poor fit" in text for text in said)


def test_the_rise_starts_before_the_new_system(crimes: pd.DataFrame) -> None:
    found, _ = effect(crimes, ALL, "main")
    gaps = dict(zip(QUARTERS, found.gaps, strict=True))
    assert np.abs(found.gaps[BEFORE] - 1).max() < 0.03
    for quarter, gap in (
        ("2020/21 Q1", 1.02),
        ("2020/21 Q2", 1.10),
        ("2020/21 Q3", 1.27),
        ("2020/21 Q4", 1.41),
    ):
        assert gaps[quarter] == pytest.approx(gap, abs=0.006)
    later = np.array([gap for quarter, gap in gaps.items() if quarter >= "2021/22"])
    assert 1.34 < later.min() < later.max() < 1.43
    stalking, _ = effect(crimes, "Stalking and harassment", "main")
    assert stalking.gaps[QUARTERS.index("2020/21 Q1")] == pytest.approx(1.33, abs=0.006)


def test_leaving_out_any_donor_keeps_the_effect(crimes: pd.DataFrame) -> None:
    found, _ = effect(crimes, ALL, "main")
    assert (found.leave_one_out.min().round(2), found.leave_one_out.max().round(2)) == (1.34, 1.5)
    assert found.weights.max() < 0.3


# -------------------------------------------------------------------------------- hospital control


@pytest.fixture(scope="module")
def admissions(shared: Path) -> pd.DataFrame:
    """Finished admission episodes by region and month, with bounds; months are empty in totals."""
    path = next((shared / "data" / "nhs").glob("*.xlsx"), None)
    if path is None:
        pytest.skip(f"needs the workbook in {shared / 'data' / 'nhs'}, which is absent here")
    totals = registry.identify(path, path.name, None)[0]
    rows = [row for batch in registry.read(totals, path) for row in batch.rows.to_pylist()]
    frame = pd.DataFrame(rows).query("episode_type == 'FAE'")
    for column in ("episode_count", "episode_count_lower", "episode_count_upper"):
        frame[column] = pd.to_numeric(frame[column])
    return frame


def year(admissions: pd.DataFrame, area: str, financial_year: str) -> tuple[Bounds, Bounds]:
    """Bounds from the months alone, and with the published total of the year."""
    rows = admissions.query("area_name == @area and financial_year == @financial_year")
    limits = rows[["episode_count_lower", "episode_count_upper"]].to_numpy(dtype=float)
    monthly = rows["month"].notna().to_numpy()
    assert monthly.sum() == 12
    months = Bounds(limits[monthly, 0], limits[monthly, 1])
    total = Bounds(limits[~monthly, 0][0], limits[~monthly, 1][0])
    return bounds_of_sum(months), bounds_of_sum(months, total)


@pytest.fixture(scope="module")
def phi(admissions: pd.DataFrame) -> tuple[float, float]:
    """Of the months of the region and of England, to March 2020."""
    found = []
    early = admissions[admissions["month"].notna() & (admissions["financial_year"] <= "2019/20")]
    for area in ("West Midlands", "England"):
        months = early[early["area_name"] == area].sort_values("month")
        found.append(float(dispersion(months["episode_count"].to_numpy()).phi_of_sums))
    return found[0], found[1]


def against_rest(admissions: pd.DataFrame, area: str, phi: tuple[float, float]) -> HospitalChange:
    now, before, whole_now, whole_before = (
        year(admissions, a, y)[1] for a in (area, "England") for y in ("2021/22", "2019/20")
    )
    return change_against_rest(now, before, whole_now, whole_before, phi=phi[0], phi_of_rest=phi[1])


def test_the_published_totals_bound_the_year(admissions: pd.DataFrame) -> None:
    """Months sum to 500, the total says 510: both are true of 508 to 512."""
    assert year(admissions, "West Midlands", "2021/22") == ((476, 524), (508, 512))
    assert year(admissions, "West Midlands", "2019/20") == ((531, 579), (553, 557))
    assert year(admissions, "England", "2021/22")[1] == (4049, 4049)


def test_the_hospital_change(admissions: pd.DataFrame, phi: tuple[float, float]) -> None:
    assert phi == pytest.approx((1.44, 1.73), abs=0.01)
    now, before = (year(admissions, "West Midlands", y)[1] for y in ("2021/22", "2019/20"))
    own = hospital_change(now, before, phi=phi[0])
    assert np.round(own.ratio, 2).tolist() == [0.92, 0.79, 1.07]
    assert (own.least.estimate.round(3), own.greatest.estimate.round(3)) == (0.912, 0.926)
    rest = against_rest(admissions, "West Midlands", phi)
    assert np.round(rest.ratio, 2).tolist() == [1.07, 0.91, 1.26]
    # The figures of the sums of rounded months are within.
    assert own.ratio.lower < 0.90 < own.ratio.upper
    assert rest.ratio.lower < 1.04 < rest.ratio.upper


# Against the rest of England: recorded over hospital change of the region, its limits, and its rank
# among nine regions; then the force's synthetic-control effect over the hospital change.
HOSPITAL_CONTROLLED = {
    "Violence against the person": ((1.16, 0.99, 1.37), 1, (1.42, 1.06, 1.91)),
    "Violence with injury": ((0.99, 0.84, 1.17), 5, (1.07, 0.84, 1.38)),
    "Violence without injury": ((1.20, 1.01, 1.41), 1, (1.59, 1.13, 2.22)),
    "Stalking and harassment": ((1.30, 1.11, 1.54), 1, (1.96, 1.04, 3.70)),
    "Robbery of personal property": ((1.25, 1.06, 1.48), 1, (1.15, 0.69, 1.89)),
}


@pytest.mark.parametrize("name", HOSPITAL_CONTROLLED)
def test_the_recorded_over_the_hospital_change(
    crimes: pd.DataFrame, admissions: pd.DataFrame, phi: tuple[float, float], name: str
) -> None:
    rows = offences(crimes, name).query("region != 'Wales'")
    counts = rows.groupby(["region", "year"])["offences"].sum().unstack()
    whole = counts.sum()

    def recorded(region: str) -> Interval:
        own, rest = counts.loc[region], whole - counts.loc[region]
        return ratio_interval(
            change_of_ratio(
                log_rate_ratio(own["2021/22"], 1, own["2019/20"], 1),
                log_rate_ratio(rest["2021/22"], 1, rest["2019/20"], 1),
            )
        )

    controlled = {
        region: hospital_controlled(recorded(region), against_rest(admissions, region, phi))
        for region in REGIONS
    }
    region, rank, force = HOSPITAL_CONTROLLED[name]
    own = controlled["West Midlands"]
    assert np.round(own.effect, 2).tolist() == pytest.approx(list(region), abs=0.011)
    estimates = [float(c.effect.estimate) for c in controlled.values()]
    assert 1 + sum(e > own.effect.estimate for e in estimates) == rank
    synthetic, _ = effect(crimes, name, "main")
    over_hospital = hospital_controlled(synthetic.effect, own.hospital).effect
    assert np.round(over_hospital, 2).tolist() == pytest.approx(list(force), abs=0.011)


# ------------------------------------------------------------------------- the rows of the mart

EVENTS = [
    ("Log Quality Team reviews closed logs", np.datetime64("2020-11-01")),
    ("CONNECT replaces the crime system", np.datetime64("2021-04-01")),
]
LOCKED_QUARTERS = ("2019/20 Q4", "2020/21 Q1", "2020/21 Q2", "2020/21 Q3", "2020/21 Q4")


REGION_CODES = {
    "North East": "E12000001",
    "North West": "E12000002",
    "Yorkshire and The Humber": "E12000003",
    "East Midlands": "E12000004",
    "West Midlands": "E12000005",
    "East of England": "E12000006",
    "London": "E12000007",
    "South East": "E12000008",
    "South West": "E12000009",
}


@pytest.fixture(scope="module")
def mart_rows(
    crimes: pd.DataFrame, admissions: pd.DataFrame, phi: tuple[float, float]
) -> pd.DataFrame:
    """Rows of the offence groups and subgroups of ``MAIN``, with regions and admissions."""
    both = ("2021/22", "2019/20")
    years = {a: tuple(year(admissions, a, y)[1] for y in both) for a in (*REGIONS, "England")}
    hospitals = recording_effects.Admissions(
        *years["West Midlands"],
        *years["England"],
        *phi,
        {REGION_CODES[a]: years[a] for a in REGIONS},
    )
    region_of = crimes.groupby("force")["region"].first()
    measures = {
        n: {"recording_scope": "all", "hospital_code": "region"} for n in HOSPITAL_CONTROLLED
    }
    frame = crimes[crimes["year"] >= "2014/15"]
    names = [n for n in MAIN if n not in (ALL, "Burglary")]
    found = []
    for name in names:
        of = frame[frame["subgroup"] == name]
        of = of if len(of) else frame[frame["group"] == name]
        sums = of.groupby(["quarter", "force"], as_index=False)["offences"].sum()
        found.append(sums.assign(name=name))
    cells = pd.concat(found)
    in_year, quarter = cells["quarter"].str[:7], cells["quarter"].str[-1].astype(int)
    month = pd.to_datetime(in_year.str[:4] + "-04-01").dt.to_period("M") + 3 * (quarter - 1)
    scattered = (cells["quarter"] >= "2015/16 Q1") & (cells["quarter"] <= "2019/20 Q3")
    forces = sorted(cells["force"].unique())
    calendar, panels = recording_effects.quarterly_panels(
        {
            "measure_code": cells["name"].to_numpy(dtype=str),
            "offence_name": cells["name"].to_numpy(dtype=str),
            "force_code": cells["force"].to_numpy(dtype=str),
            "financial_year": in_year.to_numpy(dtype=str),
            "financial_quarter": quarter.to_numpy(),
            "period_start": month.dt.to_timestamp().to_numpy(),
            "is_lockdown_quarter": cells["quarter"].isin(LOCKED_QUARTERS).to_numpy(),
            "is_dispersion_quarter": scattered.to_numpy(),
            "offence_count": cells["offences"].to_numpy(),
        },
        EVENTS,
        forces,
        "2019/20",
        "2021/22",
    )
    found = recording_effects.effects_of_offences(
        calendar,
        panels,
        forces,
        forces,
        FORCE,
        [REGION_CODES.get(region_of[f]) for f in forces],
        {which: donors(forces, which) for which in ("main", "strict")},
        measures,
        [],
        "region/E12000005",
        hospitals,
        {},
    )
    return recording_effects.table(found).to_pandas().set_index(["measure_code", "variant_code"])


@pytest.mark.parametrize("name", HOSPITAL_CONTROLLED)
def test_the_region_and_the_force_against_hospitals(mart_rows: pd.DataFrame, name: str) -> None:
    """The rows that the mart shows have the estimates and ranks found above without its code; the
    region has a rank among nine and no limits, with those of chance in the text beside it."""
    region, rank, force = HOSPITAL_CONTROLLED[name]
    row = mart_rows.loc[name, "region"]
    assert row["area_id"] == "region/E12000005"
    assert row["estimate_status"] == "estimated"
    assert row["effect_ratio"] == pytest.approx(region[0], abs=0.011)
    assert row["effect_ratio_lower"] == 0 and np.isnan(row["effect_ratio_upper"])
    assert (row["placebo_rank"], row["compared_unit_count"]) == (rank, 9)
    assert f"Number {rank} of 9 regions" in row["caution_text"]
    over = mart_rows.loc[name, "over_synthetic"]
    found = [over[f"effect_ratio{end}"] for end in ("", "_lower", "_upper")]
    assert found == pytest.approx(list(force), abs=0.011)


@pytest.mark.parametrize("name", [n for n in MAIN if n not in ("Burglary", ALL)])
def test_every_offence_has_its_effect_and_placebo_rank(mart_rows: pd.DataFrame, name: str) -> None:
    row = mart_rows.loc[name, "main"]
    estimate, lower, upper, rank, compared = MAIN[name]
    assert row["effect_ratio"] == pytest.approx(estimate, abs=0.006)
    assert row["effect_ratio_lower"] == pytest.approx(lower, abs=0.006)
    assert row["effect_ratio_upper"] == pytest.approx(upper, abs=0.006)
    assert (row["placebo_rank"], row["compared_unit_count"]) == (rank, compared)


def test_what_had_set_in_before_connect_is_said(mart_rows: pd.DataFrame) -> None:
    row = mart_rows.loc["Violence without injury", "main"]
    assert row["ratio_before_last_change"] == pytest.approx(1.97, abs=0.01)
    # The day is not public: the sentence is conditional on the one configured.
    assert row["caution_text"].startswith("If CONNECT replaces the crime system took effect from")
    assert "from 2021/22 Q1 on, as configured: in 2020/21 Q4, the quarter" in row["caution_text"]
    assert "would not be of that change" in row["caution_text"]


def test_a_series_of_the_force_alone_says_little(mart_rows: pd.DataFrame) -> None:
    """Stalking: 1.39 (0.99 to 1.95) above its own trend, against 2.10 above other forces: it rose
    before the changes already, and the trend goes on in what the fit expects."""
    row = mart_rows.loc["Stalking and harassment", "together"]
    found = [row[f"effect_ratio{end}"] for end in ("", "_lower", "_upper")]
    assert found == pytest.approx([1.387, 0.987, 1.948], abs=0.006)
    assert row["used_period_count"] == 23 + 8
