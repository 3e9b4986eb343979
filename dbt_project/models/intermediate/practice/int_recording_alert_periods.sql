with practice as (
    select * from {{ ref('mart_recording_practice') }}
),

dates as (
    select * from {{ ref('dim_date') }}
    where day_of_month = 1
),

alerts as (
    select distinct
        check_code,
        breakdown_code,
        area_id
    from practice
    where check_status = 'ALERT'
),

periods as (
    select
        practice.check_code,
        practice.breakdown_code,
        practice.area_id,
        practice.month,
        case practice.period_type when 'quarter' then 3 else 1 end as month_count,
        practice.detector_type,
        -- Below 0 as corrections leave it, it is no count.
        case when practice.numerator_count >= 0 then practice.numerator_count end
            as numerator_count,
        practice.denominator_count,
        practice.expected_value as expected,
        practice.not_assessed_reason,
        practice.baseline_weight,
        practice.is_lockdown_period as is_lockdown
    from practice
    inner join alerts
        on
            practice.check_code = alerts.check_code
            and practice.breakdown_code = alerts.breakdown_code
            and practice.area_id = alerts.area_id
),

restricted as (
    select distinct month
    from dates
    where is_restricted_month
),

final as (
    select
        periods.*,
        restricted.month is not null as is_restricted
    from periods
    left join restricted on periods.month = restricted.month
)

select * from final
