with checked as (
    select * from {{ ref('int_claim_checks') }}
),

checks as (
    select * from {{ ref('claim_checks') }}
),

claims as (
    select * from {{ ref('int_claim_register') }}
),

verdicts as (
    select * from {{ ref('int_claim_verdicts') }}
),

final as (
    select
        checked.claim_id,
        claims.paragraph,
        checked.check_code,
        checks.check_name,
        checks.question,
        cast(checks.precedence as integer) as check_order,
        case
            when checked.check_code = 'warehouse_value' then 'recorded'
            else 'published'
        end as basis,
        checked.status as check_status,
        checked.observed as observed_text,
        checked.expected as expected_text,
        checked.sentence,
        checks.verdict_if_failed,
        coalesce(checked.check_code = verdicts.deciding_check, false) as is_deciding
    from checked
    inner join checks on checked.check_code = checks.check_code
    inner join claims on checked.claim_id = claims.claim_id
    inner join verdicts on checked.claim_id = verdicts.claim_id
)

select * from final
