with periods as (
    select * from {{ ref('int_triangulation_periods') }}
),

settings as (
    select {{ financial_year_start('baseline_year') }} as baseline_start
    from {{ ref('stg_ledger__configuration') }}
),

-- The finest series there is of each pair.
finest as (
    select
        pair_code,
        basis,
        area_id,
        max(case when period_type = 'month' then 1 else 0 end) = 1 as has_months
    from periods
    group by pair_code, basis, area_id
),

-- Both sides whole, as far back as three years before the baseline: practice that changed long
-- before is not what parts the two now.
final as (
    select
        periods.pair_code,
        periods.basis,
        periods.area_id,
        periods.period_type as series_type,
        periods.period_start,
        periods.is_restricted_period,
        periods.police_count,
        cast(periods.hospital_count_lower as double) as hospital_count_lower,
        cast(periods.hospital_count_upper as double) as hospital_count_upper
    from periods
    inner join finest
        on
            periods.pair_code = finest.pair_code
            and periods.basis = finest.basis
            and periods.area_id = finest.area_id
    cross join settings
    where
        periods.is_police_complete
        and periods.is_hospital_complete
        and periods.police_count >= 0
        and periods.period_type = case when finest.has_months then 'month' else 'quarter' end
        and periods.period_start >= {{ add_months('settings.baseline_start', -36) }}
)

select * from final
