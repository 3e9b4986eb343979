with requests as (
    select * from {{ ref('int_claim_requests') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

areas as (
    select * from {{ ref('dim_area') }}
),

forces as (
    select * from {{ ref('forces') }}
    where is_territorial
),

-- The financial year is set over the residents in the middle of it, where they are loaded.
residents as (
    select
        area_id,
        '2019/20' as financial_year,
        population_mid_2019_count as population_count
    from areas
    where area_type = 'force' and is_territorial_force

    union all

    select
        area_id,
        '2020/21' as financial_year,
        population_mid_2020_count as population_count
    from areas
    where area_type = 'force' and is_territorial_force
),

offences as (
    select
        area_id,
        financial_year,
        offence_name,
        offence_count
    from {{ ref('mart_force_comparison') }}
    where
        period_type = 'financial_year'
        and offence_level = 'subgroup'
        and is_complete_period
        and is_territorial_force
),

-- Only twelve months from April are a financial year.
knife_offences as (
    select
        'force/' || forces.force_code as area_id,
        {{ financial_year('published.period_start_month') }} as financial_year,
        'Knife or sharp instrument' as offence_name,
        published.measure_value as offence_count
    from {{ ref('stg_ons__knife_offences_by_area') }} as published
    inner join forces on published.area_code = forces.pfa_code
    where
        published.measure_type = 'offences'
        and {{ month_of('published.period_start_month') }} = 4
        and published.period_end_month = {{ add_months('published.period_start_month', 11) }}
),

counted as (
    select
        *,
        'offence' as family,
        'mart_force_comparison' as mart_name
    from offences

    union all

    select
        *,
        'knife' as family,
        'stg_ons__knife_offences_by_area' as mart_name
    from knife_offences
),

ranked as (
    select
        counted.*,
        residents.population_count,
        rank() over (
            partition by counted.family, counted.offence_name, counted.financial_year
            order by {{ safe_divide('counted.offence_count', 'residents.population_count') }} desc
        ) as rate_rank,
        count(*) over (
            partition by counted.family, counted.offence_name, counted.financial_year
        ) as force_count
    from counted
    inner join residents
        on
            counted.area_id = residents.area_id
            and counted.financial_year = residents.financial_year
    where counted.offence_count is not null and residents.population_count > 0
),

every_force as (
    select count(*) as force_count from forces
),

own as (
    select
        ranked.*,
        -- Among some of the forces it is another rank.
        ranked.force_count = every_force.force_count as has_every_force
    from ranked
    cross join every_force
    inner join settings on ranked.area_id = 'force/' || settings.force_code
),

rates as (
    select
        requests.figure_code,
        requests.figure_type,
        own.mart_name,
        case
            when requests.figure_type in ('offence_rank', 'knife_rank')
                then case when own.has_every_force then cast(own.rate_rank as double) end
            else
                cast(
                    case
                        when requests.figure_type = 'offence_rate' then requests.part_3
                        else requests.part_2
                    end as double
                )
                * {{ safe_divide('own.offence_count', 'own.population_count') }}
        end as value,
        case
            when requests.figure_type in ('offence_rate', 'knife_rate')
                then cast(own.offence_count as double)
        end as numerator,
        case
            when requests.figure_type in ('offence_rate', 'knife_rate')
                then cast(own.population_count as double)
            else cast(own.force_count as double)
        end as denominator,
        case
            when requests.figure_type in ('offence_rank', 'knife_rank') and not own.has_every_force
                then
                    'the figures of '
                    || cast(own.force_count as {{ dbt.type_string() }})
                    || ' forces only are loaded'
            else own.offence_name || ', ' || own.financial_year
        end as note_text,
        'published' as source_type
    from requests
    inner join own
        on
            (
                requests.figure_type in ('offence_rate', 'offence_rank')
                and own.family = 'offence'
                and requests.part_1 = own.offence_name
                and requests.part_2 = own.financial_year
            )
            or (
                requests.figure_type in ('knife_rate', 'knife_rank')
                and own.family = 'knife'
                and requests.part_1 = own.financial_year
            )
),

area_counts as (
    select
        requests.figure_code,
        requests.figure_type,
        cast(count(*) as double) as value
    from requests
    cross join settings
    inner join areas
        on requests.part_1 = areas.area_type and settings.force_code = areas.force_code
    where requests.figure_type = 'areas'
    group by requests.figure_code, requests.figure_type
),

settings_long as (
    select
        'baseline_year' as setting_name,
        baseline_year as text_value
    from settings

    union all

    select
        'current_year' as setting_name,
        current_year as text_value
    from settings
),

texts as (
    select
        requests.figure_code,
        requests.figure_type,
        'stg_ledger__configuration' as mart_name,
        settings_long.text_value
    from requests
    inner join settings_long on requests.part_1 = settings_long.setting_name
    where requests.figure_type = 'setting'

    union all

    select
        requests.figure_code,
        requests.figure_type,
        'dim_known_event' as mart_name,
        cast(events.first_date as {{ dbt.type_string() }}) as text_value
    from requests
    inner join {{ ref('dim_known_event') }} as events on requests.part_1 = events.event_code
    where requests.figure_type = 'event'
),

every_figure as (
    select
        figure_code,
        figure_type,
        mart_name,
        value,
        numerator,
        denominator,
        null as text_value,
        note_text,
        source_type
    from rates

    union all

    select
        figure_code,
        figure_type,
        'dim_area' as mart_name,
        value,
        null as numerator,
        null as denominator,
        null as text_value,
        null as note_text,
        'published' as source_type
    from area_counts

    union all

    select
        figure_code,
        figure_type,
        mart_name,
        null as value,
        null as numerator,
        null as denominator,
        text_value,
        null as note_text,
        'configuration' as source_type
    from texts
),

final as (
    select
        figure_code,
        figure_type,
        mart_name,
        value,
        cast(null as double) as value_to,
        cast(null as double) as value_lower,
        cast(null as double) as value_upper,
        'none' as interval_type,
        cast(numerator as double) as numerator,
        cast(denominator as double) as denominator,
        cast(null as double) as numerator_then,
        cast(null as double) as denominator_then,
        cast(text_value as {{ dbt.type_string() }}) as text_value,
        cast(note_text as {{ dbt.type_string() }}) as note_text,
        false as is_suppressed,
        source_type
    from every_figure
)

select * from final
