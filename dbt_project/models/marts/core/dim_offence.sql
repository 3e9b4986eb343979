with offence_codes as (
    select * from {{ ref('offence_codes') }}
),

-- Where the mapping gives a code two categories it does not say which, and neither do we.
mapped as (
    select
        offence_code,
        case
            when min(police_uk_category_name) = max(police_uk_category_name)
                then min(police_uk_category_name)
        end as police_uk_category_name
    from {{ ref('stg_mappings__offence_categories') }}
    group by offence_code
),

-- The mapping writes 'Violence and Sexual Offences', the published files 'Violence and sexual
-- offences'.
crime_types as (
    select * from {{ ref('police_uk_crime_types') }}
),

final as (
    select
        offence_codes.offence_code
        || '@'
        || coalesce(cast(offence_codes.valid_from as {{ dbt.type_string() }}), 'start')
            as offence_id,
        offence_codes.offence_code,
        offence_codes.offence_description,
        offence_codes.offence_group,
        offence_codes.offence_subgroup,
        offence_codes.valid_from,
        offence_codes.valid_to,
        offence_codes.valid_to is null as is_current,
        crime_types.crime_type as police_uk_category_name,
        offence_codes.evidence
    from offence_codes
    left join mapped on offence_codes.offence_code = mapped.offence_code
    left join crime_types on lower(mapped.police_uk_category_name) = lower(crime_types.crime_type)
)

select * from final
