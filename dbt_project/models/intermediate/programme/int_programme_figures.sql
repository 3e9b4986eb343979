-- noqa: disable=LT02
-- (lines that come from a loop have no indent of their own)
with measures as (
    select * from {{ ref('programme_measures') }}
),

months as (
    select distinct month
    from {{ ref('dim_date') }}
),

training as (
    select
        measures.measure_code,
        training.staff_group as group_code,
        'all' as npu_code,
        training.month,
        case measures.measure_code
            when 'training_establishment' then training.establishment_count
            else training.trained_count
        end as numerator_count,
        training.establishment_count as denominator_count
    from {{ ref('stg_programme__training') }} as training
    inner join measures on measures.programme_code = 'training'
),

county_lines as (
    select
        measures.measure_code,
        'county lines taskforce' as group_code,
        'all' as npu_code,
        county_lines.month,
        case measures.measure_code
            when 'county_lines_arrests' then county_lines.arrest_count
            when 'county_lines_children_safeguarded' then county_lines.child_safeguarded_count
            when 'county_lines_closed' then county_lines.line_closed_count
        end as numerator_count,
        cast(null as bigint) as denominator_count
    from {{ ref('stg_programme__county_lines') }} as county_lines
    inner join measures on measures.programme_code = 'county_lines'
),

cohort_tiers as (
    select
        measures.measure_code,
        tiers.cohort
        || ', tier '
        || cast(tiers.tier as {{ dbt.type_string() }}) as group_code,
        'all' as npu_code,
        tiers.month,
        case measures.measure_code
            when 'cohort_persons' then tiers.person_count
            when 'cohort_in_custody_share' then tiers.in_custody_count
            when 'cohort_arrests' then tiers.arrest_count
            when 'cohort_interventions' then tiers.intervention_count
            when 'cohort_archived' then tiers.archived_count
            when 'cohort_reoffended_share' then tiers.reoffended_count
        end as numerator_count,
        case measures.measure_code
            when 'cohort_in_custody_share' then tiers.person_count
            when 'cohort_reoffended_share' then tiers.archived_count
        end as denominator_count
    from {{ ref('stg_programme__cohort_tiers') }} as tiers
    inner join measures on measures.programme_code = 'cohort_tiers'
),

diversions as (
    select
        measures.measure_code,
        diversions.pathway as group_code,
        diversions.npu_code,
        diversions.month,
        case measures.measure_code
            when 'diversion_referrals' then diversions.referral_count
            when 'diversion_completion_share' then diversions.completion_count
            when 'diversion_reoffending_share' then diversions.reoffended_count
            when 'diversion_impact_area_share' then diversions.in_impact_area_count
        end as numerator_count,
        case measures.measure_code
            when 'diversion_reoffending_share' then diversions.completion_count
            else diversions.referral_count
        end as denominator_count
    from {{ ref('stg_programme__diversions') }} as diversions
    inner join measures on measures.programme_code = 'diversions'
),

supplied_figures as (
    select * from training
    union all
    select * from county_lines
    union all
    select * from cohort_tiers
    union all
    select * from diversions
),

-- From a group's first month to the last month its programme supplied: a month in between that
-- was not supplied is a row that says so.
last_months as (
    select
        measures.programme_code,
        max(supplied_figures.month) as last_month
    from supplied_figures
    inner join measures on supplied_figures.measure_code = measures.measure_code
    group by measures.programme_code
),

series as (
    select
        supplied_figures.measure_code,
        supplied_figures.group_code,
        supplied_figures.npu_code,
        min(supplied_figures.month) as first_month,
        min(last_months.last_month) as last_month
    from supplied_figures
    inner join measures on supplied_figures.measure_code = measures.measure_code
    inner join last_months on measures.programme_code = last_months.programme_code
    group by
        supplied_figures.measure_code, supplied_figures.group_code, supplied_figures.npu_code
),

expected_figures as (
    select
        series.measure_code,
        series.group_code,
        series.npu_code,
        months.month,
        supplied_figures.numerator_count,
        supplied_figures.denominator_count,
        1 as expected_count,
        case when supplied_figures.month is null then 0 else 1 end as supplied_count
    from series
    inner join months on months.month between series.first_month and series.last_month
    left join supplied_figures
        on
            series.measure_code = supplied_figures.measure_code
            and series.group_code = supplied_figures.group_code
            and series.npu_code = supplied_figures.npu_code
            and months.month = supplied_figures.month
),

with_the_force as (
    select * from expected_figures
    union all
    select
        measure_code,
        group_code,
        'all' as npu_code,
        month,
        sum(numerator_count) as numerator_count,
        sum(denominator_count) as denominator_count,
        sum(expected_count) as expected_count,
        sum(supplied_count) as supplied_count
    from expected_figures
    where npu_code <> 'all'
    group by measure_code, group_code, month
),

own_periods as (
    select
        figures.*,
        measures.own_period_type as period_type,
        measures.added_period_type,
        case when figures.supplied_count > 0 then 1 else 0 end as supplied_month_count
    from with_the_force as figures
    inner join measures on figures.measure_code = measures.measure_code
),

-- Twelve months end with the month itself; the rows of a series are its months without a gap.
{% set windows = {
    'to_date': 'rows between unbounded preceding and current row',
    'rolling_12_months': 'rows between 11 preceding and current row',
} %}
{% for period_type, frame in windows.items() %}
{{ period_type }} as (
    select
        measure_code,
        group_code,
        npu_code,
        month,
        '{{ period_type }}' as period_type,
        {%- for name in [
            'numerator_count',
            'denominator_count',
            'expected_count',
            'supplied_count',
            'supplied_month_count',
        ] %}
        sum({{ name }}) over (
            partition by measure_code, group_code, npu_code
            order by month
            {{ frame }}
        ) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from own_periods
    where added_period_type = '{{ period_type }}'
),
{% endfor %}

every_period as (
    select
        measure_code,
        group_code,
        npu_code,
        month,
        period_type,
        numerator_count,
        denominator_count,
        expected_count,
        supplied_count,
        supplied_month_count
    from own_periods
    {%- for period_type in windows %}
    union all
    select * from {{ period_type }}
    {%- endfor %}
),

final as (
    select
        every_period.measure_code,
        every_period.group_code,
        every_period.npu_code,
        every_period.period_type,
        every_period.month,
        cast(every_period.numerator_count as bigint) as numerator_count,
        cast(
            case when measures.value_type = 'share' then every_period.denominator_count end
            as bigint
        ) as denominator_count,
        cast(every_period.supplied_month_count as integer) as supplied_month_count,
        case
            when every_period.supplied_count = 0 then 'not_supplied'
            when
                measures.value_type = 'share'
                and measures.interval_type <> 'none'
                and every_period.numerator_count > every_period.denominator_count
                then 'inconsistent'
            when every_period.supplied_count < every_period.expected_count then 'incomplete'
            when
                every_period.period_type = 'rolling_12_months'
                and every_period.supplied_month_count < 12
                then 'incomplete'
            else 'supplied'
        end as supply_status
    from every_period
    inner join measures on every_period.measure_code = measures.measure_code
)

select * from final
