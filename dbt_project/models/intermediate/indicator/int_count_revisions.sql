-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{% set measures = {
    'all_crime': 'true',
    'violence_with_injury': 'is_injury',
    'under_25_vwi': 'is_injury and has_victim_under_25',
} -%}
with standings as (
    select * from {{ ref('int_offence_standings') }}
),

offences as (
    select * from {{ ref('fct_offence') }}
),

classification as (
    select * from {{ ref('dim_offence') }}
),

earlier_codes as (
    select distinct
        standings.offence_code,
        offences.recorded_date
    from standings
    inner join offences on standings.offence_id = offences.offence_id
    where standings.valid_to is not null
),

earlier_subgroups as (
    select
        earlier_codes.offence_code,
        earlier_codes.recorded_date,
        min(classification.offence_subgroup) as offence_subgroup
    from earlier_codes
    inner join classification
        on
            earlier_codes.offence_code = classification.offence_code
            and earlier_codes.recorded_date
            >= coalesce(classification.valid_from, earlier_codes.recorded_date)
            and earlier_codes.recorded_date
            <= coalesce(classification.valid_to, earlier_codes.recorded_date)
    group by 1, 2
),

classified as (
    select
        standings.offence_id,
        standings.standing_number,
        offences.recorded_month,
        cast({{ dbt.date_trunc('month', 'standings.valid_from') }} as date) as changed_month,
        standings.is_counted,
        case
            when standings.valid_to is null then offences.is_violence_with_injury
            else coalesce(earlier_subgroups.offence_subgroup = 'Violence with injury', false)
        end as is_injury,
        -- How old a victim was is read as it is known now: of that there is no history.
        coalesce(offences.has_victim_under_25, false) as has_victim_under_25
    from standings
    inner join offences on standings.offence_id = offences.offence_id
    left join earlier_subgroups
        on
            standings.offence_code = earlier_subgroups.offence_code
            and offences.recorded_date = earlier_subgroups.recorded_date
),

measured as (
    select
        offence_id,
        standing_number,
        recorded_month,
        changed_month,
        is_counted
        {%- for code, condition in measures.items() %},
        is_counted and {{ condition }} as is_in_{{ code }}
        {%- endfor %}
    from classified
),

changes as (
    select
        later.recorded_month,
        later.changed_month,
        later.is_counted,
        later.standing_number = 1 as is_first
        {%- for code in measures %},
        later.is_in_{{ code }},
        coalesce(earlier.is_in_{{ code }}, false) as was_in_{{ code }}
        {%- endfor %}
    from measured as later
    left join measured as earlier
        on
            later.offence_id = earlier.offence_id
            and later.standing_number = earlier.standing_number + 1
),

final as (
    {%- for code in measures %}
    select
        '{{ code }}' as measure_code,
        recorded_month,
        changed_month,
        sum(case when is_first and is_in_{{ code }} then 1 else 0 end) as recorded_count,
        sum(case when was_in_{{ code }} and not is_counted then 1 else 0 end) as cancelled_count,
        sum(
            case when is_in_{{ code }} and not was_in_{{ code }} and not is_first then 1 else 0 end
        ) as reclassified_in_count,
        sum(
            case when was_in_{{ code }} and not is_in_{{ code }} and is_counted then 1 else 0 end
        ) as reclassified_out_count
    from changes
    group by 1, 2, 3
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
)

select * from final
