with events as (
    select
        *,
        replace(lower(measures), ',', ' ') as measure_list
    from {{ ref('dim_known_event') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

lists as (
    select distinct measure_list from events
),

named as (
    {{ list_parts('lists', 'measure_list', ' ') }}
),

-- What happened to the force's files, systems and practice happened to no admission, unless it is
-- said of admissions by name.
touched as (
    select
        events.event_code,
        indicators.indicator_code
    from events
    inner join indicators
        on
            events.is_of_all_measures
            and (indicators.record_type = 'offence' or events.event_type = 'crime')

    union distinct

    select
        events.event_code,
        indicators.indicator_code
    from events
    inner join named on events.measure_list = named.measure_list
    inner join indicators on named.part = indicators.indicator_code
),

final as (
    select
        touched.event_code,
        touched.indicator_code,
        events.action_type,
        events.first_date,
        events.last_date
    from touched
    inner join events on touched.event_code = events.event_code
)

select * from final
