with events as (
    select
        event_code,
        replace(lower(measures), ',', ' ') as measure_list,
        replace(lower(checks), ',', ' ') as check_list
    from {{ ref('stg_ledger__known_events') }}
),

lists as (
    select distinct measure_list from events
),

named as (
    {{ list_parts('lists', 'measure_list', ' ') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

check_lists as (
    select distinct check_list from events
    where check_list <> ''
),

named_checks as (
    {{ list_parts('check_lists', 'check_list', ' ') }}
),

checks as (
    select * from {{ ref('recording_checks') }}
),

configured as (
    select
        setting,
        configured_value,
        {{ number_or_null('configured_value') }} as value
    from {{ ref('stg_ledger__linkage_settings') }}
),

published as (
    select * from {{ ref('linkage_settings') }}
),

known_settings as (
    select
        {{ dbt.listagg('setting', "', '", 'order by setting') }} as setting_list
    from published
),

final as (
    select
        'known_events, ' || events.event_code || ', measures: there is no measure '
        || named.part || '; write all, or codes of the seed indicators (such as all_crime)'
            as problem
    from events
    inner join named on events.measure_list = named.measure_list
    left join indicators on named.part = indicators.indicator_code
    where named.part <> 'all' and indicators.indicator_code is null

    union all

    select
        'known_events, ' || events.event_code
        || ', measures: none is named; write all, or codes of the seed indicators'
            as problem
    from events
    left join named on events.measure_list = named.measure_list
    where named.measure_list is null

    union all

    select
        'known_events, ' || events.event_code || ', checks: there is no recording check '
        || named_checks.part || '; write all, or codes of the seed recording_checks'
            as problem
    from events
    inner join named_checks on events.check_list = named_checks.check_list
    left join checks on named_checks.part = checks.check_code
    where named_checks.part <> 'all' and checks.check_code is null

    union all

    select
        'linkage: there is no setting ' || configured.setting || '; there are '
        || known_settings.setting_list
            as problem
    from configured
    cross join known_settings
    left join published on configured.setting = published.setting
    where published.setting is null

    union all

    -- Days, months and minutes are whole, and none is less than none.
    select
        'linkage, ' || configured.setting || ': '
        || coalesce(configured.configured_value, 'nothing') || ' is no '
        || case
            when published.unit = 'bits' then 'number'
            else 'whole number of ' || published.unit
        end
        || '; write one such as ' || cast(published.value as {{ dbt.type_string() }})
            as problem
    from configured
    inner join published on configured.setting = published.setting
    where
        configured.value is null
        or not (configured.value between -1000000 and 1000000)
        or (
            published.unit <> 'bits'
            and (configured.value < 0 or configured.value <> floor(configured.value))
        )
)

select * from final
