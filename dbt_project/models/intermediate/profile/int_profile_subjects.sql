with profile_indicators as (
    select distinct
        indicator_code,
        needs_persons
    from {{ ref('profile_indicators') }}
),

-- What is known from the files of persons can be counted only in months that have them.
final as (
    select
        indicator_code || case when needs_persons then '/persons' else '' end as subject_code,
        indicator_code,
        needs_persons
    from profile_indicators

    union all

    select
        'stop_and_search' as subject_code,
        cast(null as {{ dbt.type_string() }}) as indicator_code,
        false as needs_persons
)

select * from final
