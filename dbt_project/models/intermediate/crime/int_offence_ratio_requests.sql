with changes as (
    select * from {{ ref('int_offence_changes') }}
    where has_ratio and not is_baseline
),

dispersions as (
    select * from {{ ref('int_offence_dispersion') }}
),

-- A year is a sum of quarters, which resemble their neighbours.
final as (
    select
        changes.force_code,
        changes.offence_level,
        changes.offence_group,
        changes.offence_name,
        changes.period_type,
        changes.financial_year,
        changes.financial_quarter,
        changes.offence_count,
        changes.baseline_count,
        case
            when changes.period_type = 'financial_year' then dispersions.phi_of_sums
            else dispersions.phi
        end as phi,
        dispersions.phi_degrees,
        dispersions.quarter_count
    from changes
    left join dispersions
        on
            changes.force_code = dispersions.force_code
            and changes.offence_level = dispersions.offence_level
            and changes.offence_group = dispersions.offence_group
            and changes.offence_name = dispersions.offence_name
)

select * from final
