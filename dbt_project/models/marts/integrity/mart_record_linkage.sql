-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{% set agreements = {
    'log': 'same',
    'offence': 'same_code',
    'lsoa': 'same',
    'occurred': 'same',
    'reported': 'same',
    'persons': 'all_shared',
    'victims': 'same',
} -%}
with links as (
    select * from {{ ref('fct_offence_link') }}
),

offences as (
    select * from {{ ref('fct_offence') }}
),

offence_links as (
    select * from {{ ref('int_offence_links') }}
),

scores as (
    select * from {{ ref('int_link_scores') }}
),

records as (
    select * from {{ ref('int_link_records') }}
),

cutover as (
    select * from {{ ref('int_cutover') }}
),

configuration as (
    select * from {{ ref('stg_ledger__configuration') }}
),

settings as (
    select
        cutover.*,
        near.value as near_threshold_bits
    from cutover
    cross join {{ ref('int_linkage_settings') }} as near
    where near.setting = 'near_threshold_bits'
),

link_reasons as (
    select 'all' as link_reason
    union all
    select 'log_number_and_attributes' as link_reason
    union all
    select 'log_number' as link_reason
    union all
    select 'attributes' as link_reason
),

-- Crimes of the window in which one can be in both systems.
crimes as (
    select
        offences.recorded_month as month,
        count(*) as crime_count
    from offences
    inner join settings
        on offences.recorded_date between settings.legacy_first_date and settings.last_date
    group by offences.recorded_month
),

linked as (
    select
        offences.recorded_month as month,
        links.*
    from links
    inner join offences on links.offence_id = offences.offence_id
),

linked_by_reason as (
    select
        linked.*,
        linked.link_reason as reason_row
    from linked

    union all

    select
        linked.*,
        'all' as reason_row
    from linked
),

link_counts as (
    select
        linked_by_reason.month,
        linked_by_reason.reason_row as link_reason,
        count(*) as linked_count,
        min(linked_by_reason.link_score) as score_min,
        percentile_cont(0.05) within group (order by linked_by_reason.link_score) as score_p05,
        {{ median('linked_by_reason.link_score') }} as score_median,
        sum(
            case
                when
                    linked_by_reason.link_score
                    < settings.score_threshold + settings.near_threshold_bits
                    then 1
                else 0
            end
        ) as near_above_count,
        -- The score is the log2 of the odds that a link is right.
        sum(1 / (1 + power(2, linked_by_reason.link_score))) as expected_wrong_count
        {%- for field, level in agreements.items() %},
        sum(case when linked_by_reason.{{ field }}_agreement <> 'unknown' then 1 else 0 end)
            as {{ field }}_compared_count,
        sum(case when linked_by_reason.{{ field }}_agreement = '{{ level }}' then 1 else 0 end)
            as {{ field }}_agreed_count
        {%- endfor %}
    from linked_by_reason
    cross join settings
    group by 1, 2
),

-- Pairs a little short of the threshold whose records are linked to nothing else.
short_pairs as (
    select
        scores.*,
        {{ link_reason() }} as link_reason
    from scores
    inner join settings
        on
            scores.link_score < settings.score_threshold
            and scores.link_score >= settings.score_threshold - settings.near_threshold_bits
    left join offence_links as legacy_links
        on scores.legacy_record_id = legacy_links.legacy_record_id
    left join offence_links as connect_links
        on scores.connect_record_id = connect_links.connect_record_id
    where legacy_links.legacy_record_id is null and connect_links.connect_record_id is null
),

-- Of each legacy crime the nearest, in the month in which the crime would count if it were a link.
near_misses as (
    select
        cast(
            {{ dbt.date_trunc('month', 'case
                when legacy_records.recorded_at < settings.go_live_date
                    then legacy_records.recorded_at
                else connect_records.recorded_at
            end') }} as date
        ) as month,
        short_pairs.link_reason,
        short_pairs.link_score
    from short_pairs
    cross join settings
    inner join records as legacy_records
        on short_pairs.legacy_record_id = legacy_records.record_id
    inner join records as connect_records
        on short_pairs.connect_record_id = connect_records.record_id
    qualify
        row_number() over (
            partition by short_pairs.legacy_record_id
            order by short_pairs.link_score desc, short_pairs.connect_record_id asc
        ) = 1
),

misses_by_reason as (
    select
        month,
        link_score,
        link_reason
    from near_misses

    union all

    select
        month,
        link_score,
        'all' as link_reason
    from near_misses
),

miss_counts as (
    select
        month,
        link_reason,
        count(*) as near_below_count,
        sum(1 / (1 + power(2, -link_score))) as expected_missed_count
    from misses_by_reason
    group by 1, 2
),

final as (
    select
        crimes.month,
        link_reasons.link_reason,
        'force/' || configuration.force_code as area_id,
        'recorded' as basis,
        cast(crimes.crime_count as bigint) as crime_count,
        cast(coalesce(link_counts.linked_count, 0) as bigint) as linked_count,
        case
            when crimes.crime_count >= {{ least_for_percentage() }}
                then
                    100 * {{ safe_divide(
                        'coalesce(link_counts.linked_count, 0)', 'crimes.crime_count'
                    ) }}
        end as linked_pct,
        settings.score_threshold,
        link_counts.score_min,
        link_counts.score_p05,
        link_counts.score_median,
        cast(coalesce(link_counts.near_above_count, 0) as bigint) as near_above_count,
        cast(coalesce(miss_counts.near_below_count, 0) as bigint) as near_below_count,
        coalesce(link_counts.expected_wrong_count, 0) as expected_wrong_count,
        coalesce(miss_counts.expected_missed_count, 0) as expected_missed_count
        {%- for field in agreements %},
        cast(coalesce(link_counts.{{ field }}_compared_count, 0) as bigint)
            as {{ field }}_compared_count,
        cast(coalesce(link_counts.{{ field }}_agreed_count, 0) as bigint)
            as {{ field }}_agreed_count,
        case
            when link_counts.{{ field }}_compared_count >= {{ least_for_percentage() }}
                then
                    100 * {{ safe_divide(
                        'link_counts.' ~ field ~ '_agreed_count',
                        'link_counts.' ~ field ~ '_compared_count',
                    ) }}
        end as {{ field }}_agreed_pct
        {%- endfor %},
        false as is_suppressed
    from crimes
    cross join link_reasons
    cross join settings
    cross join configuration
    left join link_counts
        on
            crimes.month = link_counts.month
            and link_reasons.link_reason = link_counts.link_reason
    left join miss_counts
        on
            crimes.month = miss_counts.month
            and link_reasons.link_reason = miss_counts.link_reason
)

select * from final
