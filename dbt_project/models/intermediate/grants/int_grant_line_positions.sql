-- noqa: disable=LT02
-- (the lines of amounts come from a loop, which has no indent of its own)
with budget_lines as (
    select * from {{ ref('stg_grants__budget_lines') }}
),

entries as (
    select * from {{ ref('fct_grant_entry') }}
),

months as (
    select distinct
        month,
        financial_year,
        financial_year_start,
        cast(mod(month_of_year + 8, 12) + 1 as integer) as elapsed_month_count
    from {{ ref('dim_date') }}
),

-- Money posted to a line that no budget knows is shown too, under an award of its own.
unbudgeted_lines as (
    select distinct
        entries.financial_year,
        entries.line_id
    from entries
    left join budget_lines
        on
            entries.financial_year = budget_lines.financial_year
            and entries.line_id = budget_lines.line_id
    where budget_lines.line_id is null
),

lines as (
    select
        financial_year,
        line_id,
        award_id,
        funding as funding_type,
        project,
        original_amount,
        bid_amount,
        true as is_budgeted
    from budget_lines
    union all
    select
        financial_year,
        line_id,
        'unknown' as award_id,
        'unknown' as funding_type,
        'Line ' || line_id || ' is in no budget' as project,
        0 as original_amount,
        0 as bid_amount,
        false as is_budgeted
    from unbudgeted_lines
),

last_posting as (
    select cast({{ dbt.date_trunc('month', 'max(posted_at)') }} as date) as last_posted_month
    from entries
),

years_supplied as (
    select distinct financial_year
    from entries
),

-- A row for every month up to the last in which anything was posted, and always for April.
positions as (
    select
        lines.*,
        months.month,
        {{ add_months('months.month', 1) }} as following_month,
        months.elapsed_month_count,
        years_supplied.financial_year is not null as is_supplied,
        coalesce(months.month < last_posting.last_posted_month, false) as is_followed
    from lines
    inner join months on lines.financial_year = months.financial_year
    cross join last_posting
    left join years_supplied on lines.financial_year = years_supplied.financial_year
    where
        months.month = months.financial_year_start
        or months.month <= last_posting.last_posted_month
),

-- What was known at the end of the month. Of the forecasts of a line and period the latest posting
-- counts; what was posted at one moment is one forecast, in however many parts.
known as (
    select
        positions.financial_year,
        positions.line_id,
        positions.month,
        entries.entry_type,
        entries.entry_month,
        entries.amount,
        entries.posted_at >= positions.month as is_posted_in_month,
        rank() over (
            partition by
                positions.financial_year,
                positions.line_id,
                positions.month,
                entries.entry_type,
                entries.entry_month
            order by entries.posted_at desc
        ) as posting_rank
    from positions
    inner join entries
        on
            positions.financial_year = entries.financial_year
            and positions.line_id = entries.line_id
            and positions.following_month > entries.posted_at
),

known_sums as (
    select
        financial_year,
        line_id,
        month,
        sum(case when entry_type = 'actual' and entry_month = month then amount end)
            as actual_month_amount,
        sum(case when entry_type = 'actual' and entry_month <= month then amount end)
            as actual_year_to_date_amount,
        sum(
            case
                when entry_type = 'forecast' and entry_month > month and posting_rank = 1
                    then amount
            end
        ) as forecast_remaining_amount,
        sum(case when entry_type = 'accrual' and entry_month <= month then amount end)
            as accrual_amount,
        sum(
            case
                when entry_type = 'actual' and entry_month < month and is_posted_in_month
                    then amount
            end
        ) as late_posted_amount,
        sum(
            case
                when entry_type = 'actual' and entry_month < month and is_posted_in_month then 1
            end
        ) as late_posted_count,
        sum(
            case when entry_type = 'actual' and amount < 0 and is_posted_in_month then amount end
        ) as reversed_amount,
        sum(case when entry_type = 'actual' and amount < 0 and is_posted_in_month then 1 end)
            as reversed_count
    from known
    group by financial_year, line_id, month
),

later_sums as (
    select
        positions.financial_year,
        positions.line_id,
        positions.month,
        sum(entries.amount) as posted_later_amount
    from positions
    inner join entries
        on
            positions.financial_year = entries.financial_year
            and positions.line_id = entries.line_id
            and positions.following_month <= entries.posted_at
            and positions.month >= entries.entry_month
    where entries.entry_type = 'actual'
    group by positions.financial_year, positions.line_id, positions.month
),

joined as (
    select
        positions.*,
        known_sums.actual_month_amount,
        known_sums.actual_year_to_date_amount,
        known_sums.forecast_remaining_amount,
        known_sums.accrual_amount,
        known_sums.late_posted_amount,
        known_sums.reversed_amount,
        known_sums.late_posted_count,
        known_sums.reversed_count,
        later_sums.posted_later_amount,
        -- What is added where nothing was posted: nothing at all in a year without a ledger.
        case when positions.is_supplied then 0 end as no_posting
    from positions
    left join known_sums
        on
            positions.financial_year = known_sums.financial_year
            and positions.line_id = known_sums.line_id
            and positions.month = known_sums.month
    left join later_sums
        on
            positions.financial_year = later_sums.financial_year
            and positions.line_id = later_sums.line_id
            and positions.month = later_sums.month
),

final as (
    select
        award_id,
        financial_year,
        month,
        elapsed_month_count,
        line_id,
        funding_type,
        project,
        is_budgeted,
        case
            when not is_supplied then 'not_supplied'
            when is_followed then 'closed'
            else 'open'
        end as position_status,
        {%- for name in grant_amounts() %}
        cast(coalesce({{ name }}, no_posting) as decimal(18, 2)) as {{ name }},
        {%- endfor %}
        cast(coalesce(late_posted_count, no_posting) as integer) as late_posted_count,
        cast(coalesce(reversed_count, no_posting) as integer) as reversed_count
    from joined
)

select * from final
