"""Classic Farrington, EARS, CUSUM, GLR, XmR and Laney against the outputs of R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.detectors.charts import ratio_chart, xmr
from orchestration.detectors.cusum import cusum, glrnb
from orchestration.detectors.ears import ears
from orchestration.detectors.farrington_classic import farrington_classic

pytestmark = pytest.mark.shared

RTOL = 1e-6
THETA = {"free": None, "0.405": np.log(1.5)}


@pytest.fixture(scope="module")
def methods(shared: Path) -> Path:
    folder = shared / "reference" / "methods"
    if not (folder / "manifest_other.csv").is_file():
        pytest.skip(f"needs the reference outputs in {folder}, which are absent here")
    return folder


def outputs(methods: Path, manifest: str, kind: str) -> list[tuple[dict[str, str], pd.DataFrame]]:
    """Each shipped output with its parameters (the manifests list those kept back as well)."""
    rows = pd.read_csv(methods / manifest)
    found = []
    for row in rows[rows["kind"] == kind].itertuples():
        path = methods / str(row.file)
        if path.is_file():
            options = dict(part.split("=", 1) for part in str(row.par).split(";"))
            options |= {"method": str(row.method), "series": str(row.series), "file": path.stem}
            found.append((options, pd.read_csv(path)))
    assert found, f"no output of {kind} is shipped"
    return found


def series(methods: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(methods / "series" / f"{name}.csv")


def close(ours: np.ndarray, theirs: pd.Series, name: str, atol: float = 1e-9) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=RTOL, atol=atol, err_msg=name, equal_nan=True)


def test_classic_farrington(methods: Path) -> None:
    for options, theirs in outputs(methods, "manifest_other.csv", "farrington_classic"):
        data = series(methods, options["series"])
        limit = [int(v) for v in options.get("limit54", "5:4").split(":")]
        found = farrington_classic(
            data["observed"],
            int(data["freq"].iloc[0]),
            dates=None if data["date"].isna().any() else data["date"].to_numpy(),
            range=theirs["t"],
            b=int(options["b"]),
            w=int(options["w"]),
            alpha=float(options["alpha"]),
            reweight=options.get("reweight") != "FALSE",
            trend=options.get("trend") != "FALSE",
            powertrans=options.get("powertrans", "2/3"),
            limit54=(limit[0], limit[1]),
        )
        close(found.upperbound, theirs["upperbound"], options["file"])
        assert found.alarm.tolist() == (theirs["alarm"] == 1).tolist(), options["file"]


def test_ears(methods: Path) -> None:
    for options, theirs in outputs(methods, "manifest_other.csv", "ears"):
        found = ears(
            series(methods, options["series"])["observed"],
            method=options["method"],  # type: ignore[arg-type]
            baseline=int(options["baseline"]),
            minSigma=float(options["minSigma"]),
            alpha=float(options["alpha"]),
        )
        assert found.t.tolist() == theirs["t"].tolist(), options["file"]
        close(found.upperbound, theirs["upperbound"], options["file"])
        assert found.alarm.tolist() == (theirs["alarm"] == 1).tolist(), options["file"]


def test_cusum(methods: Path) -> None:
    for options, theirs in outputs(methods, "manifest_other.csv", "cusum"):
        data = series(methods, options["series"])
        found = cusum(
            data["observed"],
            range=theirs["t"],
            freq=int(data["freq"].iloc[0]),
            start=int(data["start_period"].iloc[0]),
            k=float(options["k"]),
            h=float(options["h"]),
            m="glm" if options["m"].startswith("glm") else None,
            trans=options["method"].split(":")[1],  # type: ignore[arg-type]
            alpha=float(options["alphaNB"]),
        )
        for field in ("m", "cusum", "upperbound"):
            close(getattr(found, field), theirs[field], f"{options['file']} {field}")
        assert found.alarm.tolist() == (theirs["alarm"] == 1).tolist(), options["file"]


def test_glr(methods: Path) -> None:
    for options, theirs in outputs(methods, "manifest_other.csv", "glrnb"):
        found = glrnb(
            series(methods, options["series"])["observed"],
            theirs["mu0"],
            range=theirs["t"],
            c_ARL=float(options["c.ARL"]),
            alpha=float(options["alpha"]),
            theta=THETA[options["file"].rsplit("theta", 1)[1]],
            dir=options["dir"],  # type: ignore[arg-type]
            M=int(options["M"]),
            Mtilde=int(options["Mtilde"]),
        )
        close(found.statistic, theirs["stat"], options["file"])
        assert found.alarm.tolist() == (theirs["alarm"] == 1).tolist(), options["file"]


def test_xmr(methods: Path) -> None:
    for options, theirs in outputs(methods, "manifest_spc.csv", "xmr"):
        fixed, rebased = options["fix_after"], options["rebase_at"]
        found = xmr(
            theirs["y"],
            improvement_direction=int(options["improvement_direction"]),
            screen_outliers=options["screen_outliers"] == "TRUE",
            fix_after_n_points=None if fixed == "NA" else int(fixed),
            rebase_at=None if rebased == "NA" else int(rebased),
        )
        for field in ("mean", "lpl", "upl"):
            close(getattr(found, field), theirs[field], f"{options['file']} {field}")
        for field, column in {
            "special_cause_type": "special_cause_type",
            "point_type": "point_type",
            "relative_to_mean": "rel",
            "rebase_group": "rebase_group",
        }.items():
            assert getattr(found, field).tolist() == theirs[column].tolist(), options["file"]
        assert found.outside_limits.tolist() == (theirs["outside"] == 1).tolist()
        assert found.close_to_limits.tolist() == (theirs["close"] == 1).tolist()


def test_laney(methods: Path) -> None:
    for options, theirs in outputs(methods, "manifest_spc.csv", "laney"):
        found = ratio_chart(
            theirs["num"],
            theirs["den"],
            chart=options["method"].rsplit(".", 1)[1],  # type: ignore[arg-type]
            baseline=None if options["baseline"] == "all" else 24,
            screenedmr=options["screenedmr"] == "TRUE",
        )
        for field in ("y", "cl", "lcl", "ucl", "lcl2", "ucl2"):
            close(getattr(found, field), theirs[field], f"{options['file']} {field}")
        assert found.signal.tolist() == (theirs["signal"] == 1).tolist(), options["file"]
