-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
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

outcome_shares as (
    select
        positive_count as success_count,
        recorded_count as trial_count
    from {{ ref('int_outcome_cohorts') }}

    union all

    select
        positive_plus_diversion_count as success_count,
        recorded_count as trial_count
    from {{ ref('int_outcome_cohorts') }}

    union all

    select
        positive_within_90_days_count as success_count,
        recorded_count as trial_count
    from {{ ref('int_outcome_cohorts') }}
    {%- for name in outcome_shares() %}

    union all

    select
        {{ name }}_count as success_count,
        recorded_count as trial_count
    from {{ ref('int_outcome_cohorts') }}
    {%- endfor %}
),

-- Of what may be of a flag in the baseline, how much has it at least.
flag_shares as (
    select
        baseline_count as success_count,
        baseline_most_count as trial_count
    from {{ ref('int_indicator_pairs') }}
    where is_range
),

person_shares as (
    select
        involvement_count as success_count,
        role_count as trial_count
    from {{ ref('int_person_profiles') }}

    union all

    select
        under_25_count as success_count,
        known_age_count as trial_count
    from {{ ref('int_person_profiles') }}
    where age_band_code = 'all'
),

requests as (
    select * from programme_shares
    union all
    select * from audit_shares
    union all
    select * from outcome_shares
    union all
    select * from flag_shares
    union all
    select * from person_shares
),

final as (
    select distinct
        success_count,
        trial_count
    from requests
    where success_count between 0 and trial_count and trial_count > 0
)

select * from final
