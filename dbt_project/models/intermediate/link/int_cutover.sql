with eras as (
    select * from {{ ref('stg_ledger__recording_eras') }}
),

settings as (
    select
        max(case when setting = 'days_before_go_live' then value end) as days_before_go_live,
        max(case when setting = 'days_after_go_live' then value end) as days_after_go_live,
        max(case when setting = 'months_before_go_live' then value end) as months_before_go_live,
        max(case when setting = 'near_minutes' then value end) as near_minutes,
        max(case when setting = 'block_minutes' then value end) as block_minutes,
        max(case when setting = 'score_threshold' then value end) as score_threshold
    from {{ ref('int_linkage_settings') }}
),

go_live as (
    select min(first_date) as go_live_date
    from eras
    where recording_system = 'connect'
),

final as (
    select
        go_live.go_live_date,
        {{ add_months('go_live.go_live_date', '-cast(settings.months_before_go_live as integer)') }}
            as legacy_first_date,
        {{ add_days('go_live.go_live_date', '-cast(settings.days_before_go_live as integer)') }}
            as connect_first_date,
        {{ add_days('go_live.go_live_date', 'cast(settings.days_after_go_live as integer)') }}
            as last_date,
        cast(settings.near_minutes as integer) as near_minutes,
        cast(settings.block_minutes as integer) as block_minutes,
        settings.score_threshold
    from go_live
    cross join settings
)

select * from final
