with changes as (
    select * from {{ ref('int_offence_changes') }}
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

ratio_intervals as (
    select * from {{ ref('int_offence_ratio_intervals') }}
),

forces as (
    select * from {{ ref('forces') }}
),

notes as (
    select * from {{ ref('comparability_notes') }}
),

-- Notes that touch the period or the baseline it is compared with.
noted as (
    select
        periods.force_code,
        periods.period_type,
        periods.financial_year,
        periods.financial_quarter,
        max(notes.comparability_status) as comparability_status,
        max(notes.note) as comparability_note
    from (
        select distinct
            force_code,
            period_type,
            financial_year,
            financial_quarter,
            period_start,
            period_end,
            baseline_period_start,
            baseline_period_end
        from changes
    ) as periods
    inner join notes
        on
            periods.force_code = notes.force_code
            and (
                (periods.period_end >= notes.first_day and periods.period_start <= notes.last_day)
                or (
                    periods.baseline_period_end >= notes.first_day
                    and periods.baseline_period_start <= notes.last_day
                )
            )
    group by 1, 2, 3, 4
),

measured as (
    select
        changes.*,
        forces.force_name,
        case when forces.region_code like 'E12%' then forces.region_code end as region_code,
        coalesce(forces.is_territorial, false) as is_territorial_force,
        observed.count_lower as offence_count_lower,
        observed.count_upper as offence_count_upper,
        baseline.count_lower as baseline_count_lower,
        baseline.count_upper as baseline_count_upper,
        case when changes.has_ratio and changes.is_baseline then 1.0 else ratios.change_ratio end
            as change_ratio,
        ratios.change_ratio_lower,
        ratios.change_ratio_upper,
        ratios.change_p_value,
        ratios.interval_type,
        ratios.phi,
        ratios.quarter_count as dispersion_quarter_count,
        -- Below 20 on either side a percentage says more than the counts do.
        changes.has_ratio
        and changes.offence_count >= {{ least_for_percentage() }}
        and changes.baseline_count >= {{ least_for_percentage() }} as has_percentage,
        coalesce(forces.is_territorial, false) and changes.has_ratio and not changes.is_baseline
            as is_ranked
    from changes
    left join forces on changes.force_code = forces.force_code
    left join count_intervals as observed on changes.offence_count = observed.observed_count
    left join count_intervals as baseline on changes.baseline_count = baseline.observed_count
    left join ratio_intervals as ratios
        on
            changes.force_code = ratios.force_code
            and changes.offence_level = ratios.offence_level
            and changes.offence_group = ratios.offence_group
            and changes.offence_name = ratios.offence_name
            and changes.period_type = ratios.period_type
            and changes.financial_year = ratios.financial_year
            and changes.financial_quarter = ratios.financial_quarter
),

ranked as (
    select
        *,
        case
            when is_ranked
                then rank() over (
                    partition by
                        offence_level, offence_group, offence_name,
                        period_type, financial_year, financial_quarter, is_ranked
                    order by change_ratio desc
                )
        end as change_rank,
        sum(case when is_ranked then 1 else 0 end) over (
            partition by
                offence_level, offence_group, offence_name,
                period_type, financial_year, financial_quarter
        ) as ranked_force_count
    from measured
),

final as (
    select
        ranked.force_code,
        coalesce(ranked.force_name, ranked.force_code) as force_name,
        'force/' || ranked.force_code as area_id,
        ranked.region_code,
        ranked.is_territorial_force,
        ranked.offence_level,
        ranked.offence_group,
        ranked.offence_name,
        ranked.period_type,
        ranked.period_label,
        ranked.financial_year,
        case when ranked.period_type = 'quarter' then ranked.financial_quarter end
            as financial_quarter,
        ranked.period_start,
        ranked.period_end,
        'recorded' as basis,
        ranked.offence_count,
        ranked.offence_count_lower,
        ranked.offence_count_upper,
        ranked.period_status,
        ranked.period_status = 'complete' as is_complete_period,
        ranked.quarters_supplied_count,
        ranked.baseline_period_label,
        ranked.baseline_count,
        ranked.baseline_count_lower,
        ranked.baseline_count_upper,
        ranked.baseline_status,
        ranked.change_ratio,
        ranked.change_ratio_lower,
        ranked.change_ratio_upper,
        ranked.change_p_value,
        ranked.interval_type,
        ranked.phi,
        cast(ranked.dispersion_quarter_count as integer) as dispersion_quarter_count,
        case when ranked.has_percentage then 100 * (ranked.change_ratio - 1) end as change_pct,
        case when ranked.has_percentage then 100 * (ranked.change_ratio_lower - 1) end
            as change_pct_lower,
        case when ranked.has_percentage then 100 * (ranked.change_ratio_upper - 1) end
            as change_pct_upper,
        case
            when ranked.is_baseline then 'baseline'
            when ranked.change_ratio is null then 'not assessed'
            when ranked.change_ratio_lower > 1 then 'up'
            when ranked.change_ratio_upper < 1 then 'down'
            else 'not distinguishable from chance'
        end as change_verdict,
        cast(ranked.change_rank as integer) as change_rank,
        cast(ranked.ranked_force_count as integer) as ranked_force_count,
        coalesce(noted.comparability_status, 'comparable') as comparability_status,
        noted.comparability_note,
        false as is_suppressed,
        ranked.quarantined_row_count,
        ranked.load_id
    from ranked
    left join noted
        on
            ranked.force_code = noted.force_code
            and ranked.period_type = noted.period_type
            and ranked.financial_year = noted.financial_year
            and ranked.financial_quarter = noted.financial_quarter
)

select * from final
