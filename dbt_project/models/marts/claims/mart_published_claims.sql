with claims as (
    select * from {{ ref('int_claim_register') }}
),

verdicts as (
    select * from {{ ref('int_claim_verdicts') }}
),

figures as (
    select * from {{ ref('int_claim_figures') }}
),

-- Verdicts that the paper's own numbers give: whether they still do, no record can say.
paper_verdicts as (
    select distinct verdict_if_failed as verdict
    from {{ ref('claim_checks') }}
    where verdict_if_failed is not null and check_code <> 'warehouse_value'
),

checked as (
    select
        claim_id,
        cast(sum(case when status = 'fail' then 1 else 0 end) as integer) as failed_check_count
    from {{ ref('int_claim_checks') }}
    group by claim_id
),

final as (
    select
        claims.claim_id,
        cast(claims.claim_order as integer) as claim_order,
        claims.paragraph,
        claims.quote,
        claims.statement,
        claims.metric_code,
        claims.claim_type,
        claims.unit,
        claims.period_current,
        claims.period_baseline,
        'recorded' as basis,
        verdicts.published_text,
        claims.published_value,
        claims.published_to_value,
        claims.current_value as published_current_value,
        claims.baseline_value as published_baseline_value,
        claims.numerator as published_numerator,
        claims.denominator as published_denominator,
        verdicts.recomputed_value,
        verdicts.change_ratio,
        verdicts.change_ratio_lower,
        verdicts.change_ratio_upper,
        verdicts.change_p_value,
        verdicts.events_needed,
        claims.figure_code,
        figures.mart_name,
        verdicts.warehouse_text,
        verdicts.warehouse_value,
        verdicts.warehouse_lower as warehouse_value_lower,
        verdicts.warehouse_upper as warehouse_value_upper,
        case when verdicts.warehouse_upper is not null then figures.interval_type else 'none' end
            as interval_type,
        coalesce(figures.is_suppressed, false) as is_suppressed,
        checked.failed_check_count,
        verdicts.verdict,
        verdicts.deciding_check,
        verdicts.assessed_by as assessment_status,
        verdicts.has_simulated_records,
        claims.expected_verdict,
        claims.accepted_by,
        claims.acceptance_reason,
        -- What simulated records or a setting say is no news about a paper, nor is what could not
        -- be assessed. A finding in the paper's own numbers that is gone is news in any case.
        verdicts.verdict <> claims.expected_verdict
        and (
            verdicts.assessed_by = 'paper'
            or (verdicts.assessed_by = 'records' and not verdicts.has_simulated_records)
            or paper_verdicts.verdict is not null
        ) as is_news,
        verdicts.is_shown_first,
        verdicts.sentence,
        claims.evidence
    from claims
    inner join verdicts on claims.claim_id = verdicts.claim_id
    inner join checked on claims.claim_id = checked.claim_id
    left join figures on claims.figure_code = figures.figure_code
    left join paper_verdicts on claims.expected_verdict = paper_verdicts.verdict
)

select * from final
