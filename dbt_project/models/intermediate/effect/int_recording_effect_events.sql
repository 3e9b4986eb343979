with events as (
    select * from {{ ref('dim_known_event') }}
    where event_type in ('recording_system', 'recording_practice') and is_of_all_measures
),

pairs as (
    select * from {{ ref('int_period_pairs') }}
    where period_type = 'year_to_date' and is_configured_pair
),

-- What lasts from between the two years on, or began in the current one, stands between them.
between as (
    select events.*
    from events
    cross join pairs
    where
        events.first_date > pairs.baseline_last_date
        and events.first_date <= pairs.current_last_date
        and events.is_lasting
),

-- A change in the first week of a month is of that month; a later one is of the next.
dated as (
    select
        event_code,
        event_name,
        first_date,
        case
            when extract(day from first_date) <= 7
                then cast({{ dbt.date_trunc('month', 'first_date') }} as date)
            else {{ add_months("cast(" ~ dbt.date_trunc('month', 'first_date') ~ " as date)", 1) }}
        end as first_month
    from between
),

final as (
    select
        first_month,
        min(first_date) as first_date,
        min(event_code) as event_code,
        {{ dbt.listagg('event_name', "' and '", 'order by first_date, event_code') }} as event_name
    from dated
    group by first_month
)

select * from final
