"""Farrington flexible against surveillance 1.20.3: every shipped series and configuration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.detectors import baseline
from orchestration.detectors.farrington import FarringtonResult, farrington_flexible
from orchestration.detectors.reference_points import days_of, shapes

pytestmark = pytest.mark.shared

COLUMNS = {
    "upperbound": "upperbound",
    "expected": "expected",
    "p": "pvalue",
    "phi": "phi",
    "trend_coefficient": "trendCoef",
}
# A mean on its way to 0 or infinity: R's own figures there are those of the step it stopped at.
SEPARATED = {"flu_BYBW_weekly__noufaily_b3_muan", "syn_spiking_weekly_emerging__noufaily_b3_muan"}


@pytest.fixture(scope="module")
def methods(shared: Path) -> Path:
    folder = shared / "reference" / "methods"
    if not (folder / "manifest_farrington_flexible.csv").is_file():
        pytest.skip(f"needs the reference outputs in {folder}, which are absent here")
    return folder


def run(methods: Path, series: str, config: str, **more: object) -> FarringtonResult:
    options = pd.read_csv(methods / "configs_farrington_flexible.csv").set_index("config")
    c = options.loc[config]
    data = pd.read_csv(methods / "series" / f"{series}.csv")
    past = str(c["pastWeeksNotIncluded"])
    return farrington_flexible(
        data["observed"],
        int(data["freq"].iloc[0]),
        dates=None if data["date"].isna().any() else data["date"].to_numpy(),
        population=data["population"],
        b=int(c["b"]),
        w=int(c["w"]),
        reweight=bool(c["reweight"]),
        weightsThreshold=float(c["weightsThreshold"]),
        alpha=float(c["alpha"]),
        trend=bool(c["trend"]),
        pThresholdTrend=float(c["pThresholdTrend"]),
        limit54=(float(c["limit54_cases"]), int(c["limit54_periods"])),
        powertrans=str(c["powertrans"]),  # type: ignore[arg-type]
        populationOffset=bool(c["populationOffset"]),
        noPeriods=int(c["noPeriods"]),
        pastWeeksNotIncluded=None if "NULL" in past else int(past),
        thresholdMethod=str(c["thresholdMethod"]),  # type: ignore[arg-type]
        mode="r_compat",
        **more,  # type: ignore[arg-type]
    )


def test_every_shipped_output(methods: Path) -> None:
    manifest = pd.read_csv(methods / "manifest_farrington_flexible.csv")
    shipped = manifest[manifest["note"].isna()]
    compared = 0
    for row in shipped.itertuples():
        name = Path(str(row.file)).stem
        expected = pd.read_csv(methods / "farrington_flexible" / str(row.file))
        found = run(methods, str(row.series), str(row.config))
        assert found.t.tolist() == expected["t"].tolist(), name
        assert found.alarm.tolist() == (expected["alarm"] == 1).tolist(), name
        assert found.trend.tolist() == (expected["trendUsed"] == 1).tolist(), name
        for field, column in COLUMNS.items():
            ours, theirs = getattr(found, field), expected[column].to_numpy(float)
            if name not in SEPARATED:
                assert np.array_equal(np.isnan(ours), np.isnan(theirs)), (name, field)
            np.testing.assert_allclose(
                ours, theirs, rtol=1e-6, atol=1e-290, equal_nan=True, err_msg=f"{name} {field}"
            )
        # A score is the difference of count and mean: near 0 only its digits after the point hold.
        np.testing.assert_allclose(
            found.score, expected["score"], rtol=1e-6, atol=1e-9, err_msg=f"{name} score"
        )
        compared += len(expected)
    assert compared == shipped["n_tested"].sum() > 0


@pytest.mark.parametrize(
    ("series", "config"), [("abattoir_weekly", "default"), ("abattoir_weekly", "noufaily_nb")]
)
def test_too_short_a_series_has_nothing_to_test(methods: Path, series: str, config: str) -> None:
    assert run(methods, series, config).t.size == 0


def test_a_baseline_without_population_is_not_assessed(methods: Path) -> None:
    """R stops at the first of them."""
    found = run(methods, "abattoir_weekly", "pop_b3_b2")
    assert 0 < np.isnan(found.phi).sum() <= found.t.size
    assert not found.alarm[np.isnan(found.phi)].any()


def test_scenarios(methods: Path) -> None:
    """42 series at once, as one call; R ran them one by one."""
    folder = methods / "noufaily_scenarios"
    drawn = pd.read_csv(folder / "series_rep0.csv")
    drawn["count"] = drawn[["baseline", "past_outbreak", "current_outbreak"]].sum(axis=1)
    counts = drawn.pivot(index="t", columns="scenario", values="count")
    theirs = pd.read_csv(folder / "farrington_R_rep0.csv")
    configs = {
        "original_like_a005": {"b": 5, "w": 3, "weightsThreshold": 1.0, "pThresholdTrend": 0.05},
        "noufaily_nbPlugin_a005": {
            "noPeriods": 10,
            "pastWeeksNotIncluded": 26,
            "pThresholdTrend": 1.0,
            "thresholdMethod": "nbPlugin",
        },
    }
    assert set(theirs["config"]) <= set(configs)
    for config, expected in theirs.groupby("config"):
        found = farrington_flexible(
            counts.to_numpy(),
            52,
            range=np.arange(576, 625),
            alpha=0.005,
            limit54=(0, 4),
            mode="r_compat",
            **configs[str(config)],  # type: ignore[arg-type]
        )
        for field in ("upperbound", "alarm", "expected", "phi"):
            wide = expected.pivot(index="t", columns="scenario", values=field)[counts.columns]
            np.testing.assert_allclose(
                getattr(found, field).astype(float), wide.to_numpy(float), rtol=1e-6, err_msg=field
            )


INTERNALS = {
    "agona_k250_muan": ("noufaily_b3_muan", None),
    "rotaBB_dates_k120_default": ("default", "rotaBB_total_monthly_dates"),
    "salmNewport_k400_default": ("default", "salmNewport_DE_weekly"),
    "salmNewport_k400_noufaily_nb": ("noufaily_nb", "salmNewport_DE_weekly"),
    "syn_homicide_k110_w0": ("m_b3w0_notrend", "syn_homicide_monthly_sparse"),
    "syn_vwi_k97_m_b4w1": ("m_b4w1", "syn_vwi_monthly_step"),
    "syn_vwi_k97_m_b5w1_p6_nb": ("m_b5w1_p6_nb", "syn_vwi_monthly_step"),
}


@pytest.mark.parametrize("name", [n for n, (_, series) in INTERNALS.items() if series])
def test_rows_and_first_fit(methods: Path, name: str) -> None:
    """The rows, blocks, hat values and fitted means of single time points."""
    config, series = INTERNALS[name]
    rows = pd.read_csv(methods / "farrington_internals" / f"{name}_rows.csv")
    scalars = pd.read_csv(methods / "farrington_internals" / f"{name}_scalars.csv")
    point = int(scalars.set_index("quantity").loc["k", "value"]) - 1
    c = pd.read_csv(methods / "configs_farrington_flexible.csv").set_index("config").loc[config]
    data = pd.read_csv(methods / "series" / f"{series}.csv")
    dated = not data["date"].isna().any()
    past = str(c["pastWeeksNotIncluded"])
    (shape,) = shapes(
        np.array([point]),
        freq=int(data["freq"].iloc[0]),
        days=days_of(data["date"].to_numpy(), len(data)) if dated else None,
        b=int(c["b"]),
        w=int(c["w"]),
        periods=int(c["noPeriods"]),
        left_out=int(c["w"]) if "NULL" in past else int(past),
    )
    assert (point - shape.before + 1).tolist() == rows["t"].tolist()
    levels = np.unique(rows["seasgroup"].astype(int))
    assert levels[shape.rows.level].tolist() == rows["seasgroup"].astype(int).tolist()
    y = data["observed"].to_numpy(float)[point - shape.before][None, :]
    found = baseline.fit(y, np.log(np.maximum(y, 1)), shape.rows, with_time=True)
    np.testing.assert_allclose(found.mean[0], rows["mu_fit1"], rtol=1e-9)
    np.testing.assert_allclose(found.hat(shape.rows)[0], rows["hat_fit1"], rtol=1e-7)
