-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
with revisions as (
    select * from {{ ref('int_count_revisions') }}
),

supply as (
    select * from {{ ref('int_indicator_supply') }}
    where supply_status = 'supplied'
),

months as (
    select
        date_day as month,
        financial_year
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

last_change as (
    select max(changed_month) as last_month
    from revisions
),

-- Every supplied month, as it was at the end of it and of each month since.
expected as (
    select
        supply.indicator_code as measure_code,
        supply.month,
        recorded.financial_year,
        later.month as as_of_month
    from supply
    cross join last_change
    inner join months as recorded on supply.month = recorded.month
    inner join months as later on later.month between supply.month and last_change.last_month
    where supply.indicator_code in (select revisions.measure_code from revisions)
),

summed as (
    select
        expected.measure_code,
        expected.month,
        expected.financial_year,
        expected.as_of_month,
        coalesce(
            sum(
                case
                    when revisions.changed_month = expected.month
                        then
                            revisions.recorded_count
                            - revisions.cancelled_count
                            + revisions.reclassified_in_count
                            - revisions.reclassified_out_count
                end
            ),
            0
        ) as first_count
        {%- for name in ['cancelled_count', 'reclassified_in_count', 'reclassified_out_count'] %},
        coalesce(
            sum(case when revisions.changed_month > expected.month then revisions.{{ name }} end),
            0
        ) as {{ name }}
        {%- endfor %}
    from expected
    left join revisions
        on
            expected.measure_code = revisions.measure_code
            and expected.month = revisions.recorded_month
            and expected.as_of_month >= revisions.changed_month
    group by 1, 2, 3, 4
),

final as (
    select
        *,
        12 * ({{ year_of('as_of_month') }} - {{ year_of('month') }})
        + {{ month_of('as_of_month') }}
        - {{ month_of('month') }} as months_since,
        reclassified_in_count - reclassified_out_count - cancelled_count as difference_count,
        cast(
            first_count + reclassified_in_count - reclassified_out_count - cancelled_count as bigint
        ) as event_count,
        as_of_month = (select last_change.last_month from last_change) as is_latest
    from summed
)

select * from final
