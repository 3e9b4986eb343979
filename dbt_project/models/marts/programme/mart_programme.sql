with figures as (
    select * from {{ ref('int_programme_figures') }}
),

measures as (
    select * from {{ ref('programme_measures') }}
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

share_intervals as (
    select * from {{ ref('int_share_intervals') }}
),

measured as (
    select
        measures.programme_code,
        measures.programme_name,
        figures.measure_code,
        measures.measure_name,
        measures.value_type,
        measures.unit,
        measures.group_type,
        figures.group_code,
        figures.npu_code,
        figures.period_type,
        figures.month,
        figures.supply_status,
        figures.supplied_month_count,
        figures.numerator_count,
        figures.denominator_count,
        measures.interval_type,
        measures.interval_note,
        coalesce(figures.denominator_count < measures.small_number_threshold, false)
            as is_small_number,
        -- Keys of the intervals as columns: a condition beside them would keep engines from
        -- hashing the joins.
        case when measures.interval_type = 'poisson_95' then figures.numerator_count end
            as poisson_count,
        case when measures.interval_type = 'clopper_pearson_95' then figures.numerator_count end
            as success_count
    from figures
    inner join measures on figures.measure_code = measures.measure_code
),

limited as (
    select
        measured.*,
        case
            when measured.value_type = 'count' then cast(measured.numerator_count as double)
            when not measured.is_small_number and measured.supply_status <> 'inconsistent'
                then
                    100
                    * {{ safe_divide('measured.numerator_count', 'measured.denominator_count') }}
        end as value,
        case
            when measured.value_type = 'count' then count_intervals.count_lower
            else 100 * share_intervals.exact_lower
        end as value_lower,
        case
            when measured.value_type = 'count' then count_intervals.count_upper
            else 100 * share_intervals.exact_upper
        end as value_upper
    from measured
    left join count_intervals on measured.poisson_count = count_intervals.observed_count
    left join share_intervals
        on
            measured.success_count = share_intervals.success_count
            and measured.denominator_count = share_intervals.trial_count
),

final as (
    select
        programme_code,
        programme_name,
        measure_code,
        measure_name,
        value_type,
        unit,
        group_type,
        group_code,
        npu_code,
        period_type,
        month,
        {{ financial_year('month') }} as financial_year,
        'recorded' as basis,
        numerator_count,
        denominator_count,
        value,
        value_lower,
        value_upper,
        interval_type,
        interval_note,
        is_small_number,
        false as is_suppressed,
        supplied_month_count,
        supply_status,
        case
            when supply_status = 'not_supplied' then 'Not supplied.'
            when supply_status = 'inconsistent'
                then
                    {{ share_of('numerator_count', 'denominator_count') }}
                    || ': more than the whole, so the figures are wrong.'
            when value_type = 'count'
                then {{ with_commas('numerator_count') }} || ' ' || unit || '.'
            when denominator_count = 0 then 'There is no one to take a share of.'
            when interval_type = 'none' and value is null
                then
                    {{ share_of('numerator_count', 'denominator_count') }}
                    || ', too few for a percentage.'
            when interval_type = 'none'
                then
                    {{ share_of('numerator_count', 'denominator_count') }}
                    || ', '
                    || {{ one_decimal('value') }}
                    || '%.'
            when numerator_count = 0
                then
                    {{ share_of('numerator_count', 'denominator_count') }}
                    || '; with 95% confidence at most '
                    || {{ one_decimal('value_upper') }}
                    || '%.'
            when value is null
                then
                    {{ share_of('numerator_count', 'denominator_count') }}
                    || ', too few for a percentage; with 95% confidence between '
                    || {{ one_decimal('value_lower') }}
                    || '% and '
                    || {{ one_decimal('value_upper') }}
                    || '%.'
            else
                {{ share_of('numerator_count', 'denominator_count') }}
                || ', '
                || {{ one_decimal('value') }}
                || '% ('
                || {{ one_decimal('value_lower') }}
                || '% to '
                || {{ one_decimal('value_upper') }}
                || '%).'
        end
        || case
            when supply_status = 'incomplete' then ' Not all of the period was supplied.' else ''
        end as value_text
    from limited
)

select * from final
