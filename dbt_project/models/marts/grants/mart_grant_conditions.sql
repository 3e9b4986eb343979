with figures as (
    select * from {{ ref('int_grant_condition_figures') }}
),

rules as (
    select * from {{ ref('grant_condition_rules') }}
),

compared as (
    select
        *,
        numerator_amount * 100 >= threshold_pct * denominator_amount as is_reached,
        numerator_amount * 100 > threshold_pct * denominator_amount as is_exceeded,
        spent_amount * 100 > threshold_pct * denominator_amount as is_exceeded_already,
        100 * {{ safe_divide('numerator_amount', 'denominator_amount') }} as value_pct,
        {{ safe_divide('spent_amount', 'elapsed_month_count') }} as spent_per_month_amount,
        {{ safe_divide('denominator_amount - spent_amount', '12 - elapsed_month_count') }}
            as needed_per_month_amount,
        -- The grounds on which nothing can be said.
        case
            when rule_name is null then 'This kind of condition is not known here.'
            when limit_type = 'none' then 'report'
            when position_month is null
                then 'No budget of this award and year is in the records.'
            when threshold_pct is null then 'No threshold is given.'
            when coalesce(denominator_amount, 0) <= 0 then 'The award has no grant in the budget.'
            when numerator_type = 'bid' then null
            when position_status = 'not_supplied' then 'No ledger of the year is in the records.'
            when numerator_amount is null
                then
                    'No budget line is called '
                    || coalesce(applies_to, 'anything')
                    || ', so what was spent on it cannot be told.'
        end as not_assessed_text
    from figures
),

judged as (
    select
        *,
        at_risk_type = 'pace'
        and not is_deadline
        and elapsed_month_count >= at_risk_from_month
        and spent_per_month_amount * at_risk_threshold < needed_per_month_amount as is_behind,
        at_risk_type = 'share_of_limit'
        and elapsed_month_count >= at_risk_from_month
        and numerator_amount * 100 >= at_risk_threshold * threshold_pct * denominator_amount
            as is_near_limit,
        row_number() over (
            partition by award_id, rule_code, applies_to, condition_period
            order by position_month desc
        ) as position_rank
    from compared
),

decided as (
    select
        *,
        case
            when not_assessed_text is not null then 'not_assessed'
            when limit_type = 'at_most'
                then
                    case
                        when is_exceeded and (is_deadline or numerator_type = 'bid') then 'breached'
                        when is_exceeded_already then 'breached'
                        when is_exceeded or coalesce(is_near_limit, false) then 'at_risk'
                        else 'met'
                    end
            when is_deadline and is_reached then 'met'
            -- Until something is posted later, the books may still be open.
            when is_deadline and position_status = 'closed' then 'breached'
            when not is_reached or coalesce(is_behind, false) then 'at_risk'
            else 'met'
        end as condition_status
    from judged
),

worded as (
    select
        decided.*,
        case when decided.is_deadline then rules.outturn_template else rules.outlook_template end
            as sentence_template,
        {{ month_in_words('decided.deadline_month') }} as deadline_text
    from decided
    left join rules on decided.rule_code = rules.rule_code
),

final as (
    select
        award_id,
        rule_code,
        coalesce(rule_name, rule_code) as rule_name,
        applies_to,
        condition_period,
        financial_year,
        deadline_month,
        coalesce(position_month, deadline_month) as position_month,
        position_rank = 1 as is_latest,
        'recorded' as basis,
        limit_type,
        threshold_pct,
        spent_amount,
        numerator_amount,
        denominator_amount,
        value_pct,
        case
            when at_risk_type = 'pace' and not is_deadline
                then {{ safe_divide('needed_per_month_amount', 'spent_per_month_amount') }}
        end as pace_ratio,
        at_risk_threshold,
        condition_status,
        case
            when not_assessed_text is not null and not_assessed_text <> 'report'
                then not_assessed_text
            else
                {{ fill_template('sentence_template', {
                    'numerator': pounds('numerator_amount'),
                    'denominator': pounds('denominator_amount'),
                    'spent': pounds('spent_amount'),
                    'value': one_decimal('value_pct'),
                    'threshold': one_decimal('threshold_pct'),
                    'category': 'applies_to',
                    'deadline': 'deadline_text',
                }) }}
                || case
                    when is_behind and spent_per_month_amount > 0
                        then
                            ' The rest needs '
                            || {{ pounds('needed_per_month_amount') }}
                            || ' a month, '
                            || {{ one_decimal('needed_per_month_amount / spent_per_month_amount') }}
                            || ' times the '
                            || {{ pounds('spent_per_month_amount') }}
                            || ' a month so far.'
                    when is_behind then ' Nothing was spent so far.'
                    -- A bid is settled when it is made.
                    when is_deadline and position_status = 'open' and numerator_type <> 'bid'
                        then ' More may still be posted.'
                    else ''
                end
        end as status_text
    from worded
)

select * from final
