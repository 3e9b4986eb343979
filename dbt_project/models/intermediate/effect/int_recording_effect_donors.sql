with forces as (
    select * from {{ ref('forces') }}
    where is_territorial
),

configuration as (
    select * from {{ ref('stg_ledger__configuration') }}
),

settings as (
    select max(setting_value) as first_year
    from {{ ref('recording_effect_settings') }}
    where setting_code = 'synthetic_first_year'
),

changes as (
    select * from {{ ref('system_changes') }}
),

spans as (
    select
        {{ financial_year_start('settings.first_year') }} as first_date,
        {{ period_end(financial_year_start('configuration.current_year'), 12) }} as last_date
    from settings
    cross join configuration
),

touched as (
    select
        changes.force_code,
        max(case when changes.donor_rule = 'exclude' then 1 else 0 end) as excluded_count,
        max(case when changes.donor_rule = 'exclude_strict' then 1 else 0 end) as doubtful_count
    from changes
    cross join spans
    where
        changes.excluded_from <= spans.last_date
        and coalesce(changes.excluded_to, spans.last_date) >= spans.first_date
    group by changes.force_code
),

final as (
    select
        forces.force_code,
        forces.force_name,
        forces.force_code <> configuration.force_code
        and coalesce(touched.excluded_count, 0) = 0 as is_donor,
        forces.force_code <> configuration.force_code
        and coalesce(touched.excluded_count, 0) = 0
        and coalesce(touched.doubtful_count, 0) = 0 as is_strict_donor
    from forces
    cross join configuration
    left join touched on forces.force_code = touched.force_code
)

select * from final
