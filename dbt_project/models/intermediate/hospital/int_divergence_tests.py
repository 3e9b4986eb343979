"""Whether the police's count has moved otherwise than the hospitals', for every period compared.

Python, because no SQL engine used here has the tail of the normal distribution; one call for all.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.statistics.multiplicity import adjusted_p_values
    from orchestration.statistics.rates import change_of_ratio, log_rate_ratio, ratio_p_value

    dbt.config(materialized="table")
    rows = dbt.ref("int_triangulation_periods").filter("has_index and not is_baseline").fetchnumpy()
    keys = ("pair_code", "basis", "area_id", "period_type", "financial_year")

    def counts(name):
        return np.ma.asarray(rows[name]).astype(np.float64).filled(np.nan)

    police = log_rate_ratio(counts("police_count"), 1.0, counts("baseline_police_count"), 1.0)
    # Of what rounding and withholding leave open, the two ends; the more cautious counts.
    p_values, directions = [], []
    for end, other in (("lower", "upper"), ("upper", "lower")):
        hospital = log_rate_ratio(
            counts(f"hospital_count_{end}"), 1.0, counts(f"baseline_hospital_count_{other}"), 1.0
        )
        change = change_of_ratio(police, hospital)
        p_values.append(np.asarray(ratio_p_value(change)))
        directions.append(np.sign(np.asarray(change.log)))
    p_value = np.where(directions[0] == directions[1], np.maximum(*p_values), 1.0)
    p_value = np.where(np.isnan(p_values[0] + p_values[1]), np.nan, p_value)
    types = np.asarray(rows["period_type"]).astype(str)
    q_value = np.full(p_value.shape, np.nan)
    for period_type in np.unique(types):
        q_value[types == period_type] = adjusted_p_values(p_value[types == period_type])
    columns = {k: pa.array(np.asarray(rows[k]).tolist(), pa.string()) for k in keys}
    columns["period_number"] = pa.array(np.asarray(rows["period_number"]), pa.int32())
    columns["divergence_p_value"] = pa.array(p_value, pa.float64(), from_pandas=True)
    columns["divergence_q_value"] = pa.array(q_value, pa.float64(), from_pandas=True)
    return pa.table(columns)
