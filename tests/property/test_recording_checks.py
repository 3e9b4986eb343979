"""The ledger of recording checks, whatever the counts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.recording_checks import judge_ledger

MONTHS = 60


@st.composite
def ledgers(draw):
    """Counts, shares, rates and migrations with steps, gaps and weights of all kinds."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kinds = np.array(draw(st.lists(st.sampled_from(["count", "share", "rate"]), min_size=1)))
    kinds = kinds[:8]
    size = rng.choice([0.5, 5.0, 50.0, 2000.0], kinds.size)
    step = np.where(np.arange(MONTHS) >= draw(st.integers(5, MONTHS)), draw(st.floats(0, 4)), 1.0)
    n = rng.poisson(size[:, None] * 5, (kinds.size, MONTHS)).astype(float)
    x = rng.poisson(size[:, None] * step).astype(float)
    x = np.where((kinds == "share")[:, None], np.minimum(x, n), x)
    x[rng.random(x.shape) < draw(st.sampled_from([0.0, 0.1]))] = np.nan
    every = x.size
    return {
        "series": np.repeat(np.arange(kinds.size), MONTHS),
        "month": np.tile(np.datetime64("2018-01") + np.arange(MONTHS), kinds.size),
        "month_count": np.ones(every, dtype=int),
        "detector_type": np.repeat(kinds, MONTHS),
        "numerator": x.ravel(),
        "denominator": n.ravel(),
        "weight": rng.choice([0.0, 0.5, 1.0], every, p=[0.1, 0.1, 0.8]),
        "is_to_assess": rng.random(every) > 0.1,
        "family": np.tile(np.arange(MONTHS), kinds.size),
        "peers": np.full(every, -1),
        "is_migration": np.repeat((kinds == "share") & (rng.random(kinds.size) < 0.5), MONTHS),
    }


@given(ledgers(), st.integers(1, MONTHS))
@settings(max_examples=12, deadline=None)
def test_a_month_is_judged_by_what_came_before_it_alone(ledger, until):
    whole = judge_ledger(**ledger)
    kept = ledger["month"] < np.datetime64("2018-01") + until
    early = judge_ledger(**{name: values[kept] for name, values in ledger.items()})
    for field, values in early.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(values, whole[field][kept], rtol=1e-9, err_msg=field)
        else:
            np.testing.assert_array_equal(values, whole[field][kept], err_msg=field)


@given(ledgers())
@settings(max_examples=8, deadline=None)
def test_what_is_assessed_is_within_bounds(ledger):
    found = judge_ledger(**ledger)
    known = ~np.isnan(found["p_value"])
    assert not known[~ledger["is_to_assess"]].any()
    assert np.all((found["p_value"][known] >= 0) & (found["q_value"][known] <= 1))
    assert np.all(found["q_value"][known] >= found["p_value"][known])
    with np.errstate(invalid="ignore"):
        assert not np.any(found["lower_limit"] > found["expected"] + 1e-9)
        assert not np.any(found["upper_limit"] < found["expected"] - 1e-9)
    assert not np.isnat(found["baseline_month"][known]).any()
    assert np.all(found["baseline_month"][known] < ledger["month"][known])
