with outcome_types as (
    select * from {{ ref('outcome_types') }}
),

final as (
    select
        cast(outcome_type_code as {{ dbt.type_string() }}) as outcome_type_code,
        outcome_type_name,
        outcome_group,
        cast(outcome_type_code as integer) as sort_order,
        -- Type 0 says that there is no outcome yet: it is in no denominator.
        cast(outcome_type_code as integer) <> 0 as is_assigned,
        is_positive_core,
        is_positive_plus_diversion,
        is_positive_plus_taken_into_consideration,
        evidence
    from outcome_types
)

select * from final
