{{ config(materialized='table') }}

with crime_figures as (
    select * from {{ ref('int_claim_crime_figures') }}
),

force_figures as (
    select * from {{ ref('int_claim_force_figures') }}
),

programme_figures as (
    select * from {{ ref('int_claim_programme_figures') }}
),

final as (
    select * from crime_figures
    union all
    select * from force_figures
    union all
    select * from programme_figures
)

select * from final
