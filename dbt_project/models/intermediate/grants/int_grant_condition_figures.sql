-- noqa: disable=LT02
-- (the lines of amounts come from a loop, which has no indent of its own)
with stated_conditions as (
    select
        award_id,
        rule as rule_code,
        applies_to,
        threshold,
        condition_period,
        condition_period like '%/%' as is_of_year
    from {{ ref('stg_grants__conditions') }}
),

first_months as (
    select
        *,
        {{ first_of_month(
            "case when is_of_year then substr(condition_period, 1, 4) || '-04' "
            "else condition_period end"
        ) }} as first_month
    from stated_conditions
),

conditions as (
    select
        *,
        {{ financial_year('first_month') }} as financial_year,
        case when is_of_year then {{ add_months('first_month', 11) }} else first_month end
            as deadline_month
    from first_months
),

rules as (
    select * from {{ ref('grant_condition_rules') }}
),

line_positions as (
    select
        *,
        actual_year_to_date_amount + forecast_remaining_amount as outlook_amount
    from {{ ref('int_grant_line_positions') }}
),

award_positions as (
    select
        award_id,
        financial_year,
        month,
        elapsed_month_count,
        position_status,
        {%- for funding in ['grant', 'match'] %}
        sum(case when funding_type = '{{ funding }}' then original_amount else 0 end)
            as {{ funding }}_original_amount,
        sum(case when funding_type = '{{ funding }}' then bid_amount else 0 end)
            as {{ funding }}_bid_amount,
        sum(case when funding_type = '{{ funding }}' then actual_year_to_date_amount else 0 end)
            as {{ funding }}_spent_amount,
        sum(case when funding_type = '{{ funding }}' then outlook_amount else 0 end)
            as {{ funding }}_outlook_amount,
        sum(case when funding_type = '{{ funding }}' then accrual_amount else 0 end)
            as {{ funding }}_accrual_amount,
        sum(case when funding_type = '{{ funding }}' then posted_later_amount else 0 end)
            as {{ funding }}_posted_later_amount{{ "," if not loop.last }}
        {%- endfor %}
    from line_positions
    where is_budgeted
    group by award_id, financial_year, month, elapsed_month_count, position_status
),

-- The lines a condition is about: those whose project or number it names.
category_positions as (
    select
        conditions.award_id,
        conditions.rule_code,
        conditions.condition_period,
        conditions.applies_to,
        line_positions.month,
        sum(line_positions.actual_year_to_date_amount) as category_spent_amount,
        sum(line_positions.outlook_amount) as category_outlook_amount,
        sum(line_positions.accrual_amount) as category_accrual_amount,
        sum(line_positions.posted_later_amount) as category_posted_later_amount
    from conditions
    inner join line_positions
        on
            conditions.award_id = line_positions.award_id
            and conditions.financial_year = line_positions.financial_year
            and lower(trim(conditions.applies_to)) in (
                lower(trim(line_positions.project)), lower(trim(line_positions.line_id))
            )
    where line_positions.funding_type = 'grant'
    group by
        conditions.award_id,
        conditions.rule_code,
        conditions.condition_period,
        conditions.applies_to,
        line_positions.month
),

-- A condition of a year is followed month by month; one of a month is judged in that month. Whether
-- a report was sent no ledger says, so that condition has one row.
followed as (
    select
        conditions.award_id,
        conditions.rule_code,
        conditions.applies_to,
        conditions.condition_period,
        conditions.financial_year,
        conditions.deadline_month,
        conditions.threshold,
        rules.rule_name,
        rules.limit_type,
        rules.numerator_type,
        rules.denominator_type,
        rules.at_risk_type,
        rules.at_risk_threshold,
        rules.at_risk_from_month,
        coalesce(conditions.threshold, rules.default_threshold_pct) as threshold_pct,
        award_positions.month as position_month,
        award_positions.elapsed_month_count,
        award_positions.position_status,
        award_positions.month = conditions.deadline_month as is_deadline,
        award_positions.grant_original_amount,
        award_positions.grant_bid_amount,
        award_positions.grant_original_amount + award_positions.grant_bid_amount
            as grant_total_amount,
        case rules.numerator_type
            when 'match_spend' then award_positions.match_spent_amount
            when 'grant_spend' then award_positions.grant_spent_amount
            when 'category_spend' then category_positions.category_spent_amount
        end as spent_amount,
        case rules.numerator_type
            when 'match_spend' then award_positions.match_outlook_amount
            when 'grant_spend' then award_positions.grant_outlook_amount
            when 'category_spend' then category_positions.category_outlook_amount
        end as outlook_amount,
        case rules.numerator_type
            when 'match_spend' then award_positions.match_accrual_amount
            when 'grant_spend' then award_positions.grant_accrual_amount
            when 'category_spend' then category_positions.category_accrual_amount
        end as accrual_amount,
        case rules.numerator_type
            when 'match_spend' then award_positions.match_posted_later_amount
            when 'grant_spend' then award_positions.grant_posted_later_amount
            when 'category_spend' then category_positions.category_posted_later_amount
        end as posted_later_amount
    from conditions
    left join rules on conditions.rule_code = rules.rule_code
    left join award_positions
        on
            conditions.award_id = award_positions.award_id
            and conditions.financial_year = award_positions.financial_year
            and conditions.deadline_month >= award_positions.month
            and (conditions.is_of_year or conditions.deadline_month = award_positions.month)
            and rules.numerator_type <> 'none'
    left join category_positions
        on
            conditions.award_id = category_positions.award_id
            and conditions.rule_code = category_positions.rule_code
            and conditions.condition_period = category_positions.condition_period
            and conditions.applies_to = category_positions.applies_to
            and award_positions.month = category_positions.month
),

-- At the deadline there is nothing left to forecast. An accrual stands for an invoice that is
-- posted later: the two are never added.
final as (
    select
        award_id,
        rule_code,
        rule_name,
        applies_to,
        condition_period,
        financial_year,
        deadline_month,
        position_month,
        elapsed_month_count,
        position_status,
        coalesce(is_deadline, false) as is_deadline,
        limit_type,
        numerator_type,
        at_risk_type,
        cast(at_risk_threshold as double) as at_risk_threshold,
        at_risk_from_month,
        cast(threshold_pct as decimal(9, 2)) as threshold_pct,
        cast(spent_amount as decimal(18, 2)) as spent_amount,
        cast(
            case
                when numerator_type = 'bid' then grant_bid_amount
                when is_deadline
                    then spent_amount + greatest(accrual_amount, posted_later_amount, 0)
                else outlook_amount
            end as decimal(18, 2)
        ) as numerator_amount,
        cast(
            case denominator_type
                when 'original_grant' then grant_original_amount
                when 'total_grant' then grant_total_amount
            end as decimal(18, 2)
        ) as denominator_amount
    from followed
)

select * from final
