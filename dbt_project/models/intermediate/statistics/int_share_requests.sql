with programme_shares as (
    select
        numerator_count as success_count,
        denominator_count as trial_count
    from {{ ref('int_programme_figures') }}
),

audit_shares as (
    select
        numerator_count as success_count,
        denominator_count as trial_count
    from {{ ref('int_audit_figures') }}
),

requests as (
    select * from programme_shares
    union all
    select * from audit_shares
),

final as (
    select distinct
        success_count,
        trial_count
    from requests
    where success_count between 0 and trial_count and trial_count > 0
)

select * from final
