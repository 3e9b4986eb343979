{{ config(materialized='table') }}

with police_uk as (
    select * from {{ ref('int_police_uk_monthly_counts') }}
),

supply as (
    select * from {{ ref('int_police_uk_supply') }}
),

quarters as (
    select * from {{ ref('int_offence_counts') }}
    where period_type = 'quarter' and coalesce(offence_group, '') <> 'Fraud offences'
),

street_fields as (
    select
        {{ split_part('period', '/', 1) }} as force_code,
        {{ first_of_month(split_part('period', '/', 2)) }} as month,
        cast(count(*) - count(lsoa_code) as bigint) as no_place_count,
        cast(count(*) as bigint) as record_count
    from {{ ref('stg_police_uk__street_crimes') }}
    group by period
),

search_fields as (
    select
        {{ split_part('period', '/', 1) }} as force_code,
        {{ first_of_month(split_part('period', '/', 2)) }} as month,
        cast(count(*) - count(self_defined_ethnicity_type) as bigint) as no_ethnicity_count,
        cast(count(*) - count(outcome_type) as bigint) as no_outcome_count,
        cast(count(*) as bigint) as record_count
    from {{ ref('stg_police_uk__stop_searches') }}
    group by period
),

street_totals as (
    select * from police_uk
    where measure_code = 'street_crimes_all'
),

street_neighbours as (
    select
        street_totals.force_code,
        street_totals.month,
        street_totals.record_count,
        greatest(month_before.record_count, year_before.record_count) as larger_count
    from street_totals
    inner join street_totals as month_before
        on
            street_totals.force_code = month_before.force_code
            and street_totals.month = {{ add_months('month_before.month', 1) }}
    inner join street_totals as year_before
        on
            street_totals.force_code = year_before.force_code
            and street_totals.month = {{ add_months('year_before.month', 12) }}
),

force_quarters as (
    select * from quarters
    where offence_level = 'all'
),

groups as (
    select * from quarters
    where offence_level = 'group'
),

group_totals as (
    select
        offence_group,
        period_start,
        cast(sum(offence_count) as bigint) as all_forces_count
    from groups
    where period_status = 'complete'
    group by offence_group, period_start
),

-- Forces with few crimes of the group trade places by chance: they are not ranked.
ranked as (
    select
        force_code,
        offence_group,
        period_start,
        rank() over (partition by offence_group, period_start order by offence_count desc)
            as force_rank,
        count(*) over (partition by offence_group, period_start) as ranked_count
    from groups
    where offence_count >= 100
),

injuries as (
    select
        force_code,
        period_start,
        sum(case when offence_name = 'Violence with injury' then offence_count end)
            as injury_count,
        sum(offence_count) as violence_count
    from quarters
    where
        offence_level = 'subgroup'
        and offence_name in ('Violence with injury', 'Violence without injury')
    group by force_code, period_start
    having count(offence_count) = 2
),

counts as (
    select
        case table_name when 'street' then 'police_uk_missing' else 'stop_search_missing' end
            as check_code,
        'all' as breakdown_code,
        force_code,
        month,
        case when supply_status in ('not_supplied', 'refused') then 1 else 0 end
            as numerator_count,
        1 as denominator_count
    from supply
    where table_name in ('street', 'stop_and_search')

    union all

    select
        'police_uk_zero' as check_code,
        'all' as breakdown_code,
        force_code,
        month,
        case when record_count = 0 then 1 else 0 end as numerator_count,
        1 as denominator_count
    from street_totals
    where record_count is not null

    union all

    select
        'police_uk_crimes' as check_code,
        'all' as breakdown_code,
        force_code,
        month,
        record_count as numerator_count,
        null as denominator_count
    from street_totals
    where record_count is not null

    union all

    select
        'police_uk_doubled' as check_code,
        'all' as breakdown_code,
        force_code,
        month,
        record_count as numerator_count,
        larger_count as denominator_count
    from street_neighbours

    union all

    select
        'police_uk_crime_type' as check_code,
        substr(police_uk.measure_code, length('street_crimes_') + 1) as breakdown_code,
        police_uk.force_code,
        police_uk.month,
        police_uk.record_count as numerator_count,
        street_totals.record_count as denominator_count
    from police_uk
    inner join street_totals
        on
            police_uk.force_code = street_totals.force_code
            and police_uk.month = street_totals.month
    where
        police_uk.table_name = 'street'
        and police_uk.measure_code <> 'street_crimes_all'
        and police_uk.record_count is not null

    union all

    select
        'police_uk_place_unknown' as check_code,
        'all' as breakdown_code,
        force_code,
        month,
        no_place_count as numerator_count,
        record_count as denominator_count
    from street_fields

    union all

    select
        'stop_searches' as check_code,
        'all' as breakdown_code,
        force_code,
        month,
        record_count as numerator_count,
        null as denominator_count
    from police_uk
    where measure_code = 'stop_and_search_all' and record_count is not null

    union all

    select
        'stop_ethnicity_unknown' as check_code,
        'all' as breakdown_code,
        force_code,
        month,
        no_ethnicity_count as numerator_count,
        record_count as denominator_count
    from search_fields

    union all

    select
        'stop_outcome_unknown' as check_code,
        'all' as breakdown_code,
        force_code,
        month,
        no_outcome_count as numerator_count,
        record_count as denominator_count
    from search_fields

    union all

    select
        'home_office_missing' as check_code,
        'all' as breakdown_code,
        force_code,
        period_start as month,
        case when offence_count is null then 1 else 0 end as numerator_count,
        1 as denominator_count
    from force_quarters

    union all

    select
        'home_office_zero' as check_code,
        groups.offence_group as breakdown_code,
        groups.force_code,
        groups.period_start as month,
        case when groups.offence_count = 0 and quarter_before.offence_count >= 20 then 1 else 0 end
            as numerator_count,
        1 as denominator_count
    from groups
    inner join groups as quarter_before
        on
            groups.force_code = quarter_before.force_code
            and groups.offence_group = quarter_before.offence_group
            and groups.period_start = {{ add_months('quarter_before.period_start', 3) }}
    where groups.offence_count is not null and quarter_before.offence_count is not null

    union all

    select
        'home_office_doubled' as check_code,
        'all' as breakdown_code,
        force_quarters.force_code,
        force_quarters.period_start as month,
        force_quarters.offence_count as numerator_count,
        greatest(quarter_before.offence_count, year_before.offence_count) as denominator_count
    from force_quarters
    inner join force_quarters as quarter_before
        on
            force_quarters.force_code = quarter_before.force_code
            and force_quarters.period_start
            = {{ add_months('quarter_before.period_start', 3) }}
    inner join force_quarters as year_before
        on
            force_quarters.force_code = year_before.force_code
            and force_quarters.period_start = {{ add_months('year_before.period_start', 12) }}

    union all

    select
        'home_office_share_of_forces' as check_code,
        groups.offence_group as breakdown_code,
        groups.force_code,
        groups.period_start as month,
        groups.offence_count as numerator_count,
        group_totals.all_forces_count as denominator_count
    from groups
    inner join group_totals
        on
            groups.offence_group = group_totals.offence_group
            and groups.period_start = group_totals.period_start
    where groups.period_status = 'complete'

    union all

    select
        'home_office_group_share' as check_code,
        groups.offence_group as breakdown_code,
        groups.force_code,
        groups.period_start as month,
        groups.offence_count as numerator_count,
        force_quarters.offence_count as denominator_count
    from groups
    inner join force_quarters
        on
            groups.force_code = force_quarters.force_code
            and groups.period_start = force_quarters.period_start
    where groups.period_status = 'complete' and force_quarters.period_status = 'complete'

    union all

    select
        'home_office_injury' as check_code,
        'all' as breakdown_code,
        force_code,
        period_start as month,
        injury_count as numerator_count,
        violence_count as denominator_count
    from injuries

    union all

    select
        'home_office_rank' as check_code,
        ranked.offence_group as breakdown_code,
        ranked.force_code,
        ranked.period_start as month,
        abs(ranked.force_rank - year_before.force_rank) as numerator_count,
        ranked.ranked_count as denominator_count
    from ranked
    inner join ranked as year_before
        on
            ranked.force_code = year_before.force_code
            and ranked.offence_group = year_before.offence_group
            and ranked.period_start = {{ add_months('year_before.period_start', 12) }}
),

final as (
    select
        check_code,
        breakdown_code,
        force_code,
        month,
        cast(numerator_count as bigint) as numerator_count,
        cast(denominator_count as bigint) as denominator_count
    from counts
)

select * from final
