with profiles as (
    select * from {{ ref('int_person_profiles') }}
),

final as (
    select distinct
        now.involvement_count as current_count,
        now.role_count as current_total_count,
        before.involvement_count as baseline_count,
        before.role_count as baseline_total_count
    from profiles as now
    inner join profiles as before
        on
            now.subject_code = before.subject_code
            and now.role_code = before.role_code
            and now.age_band_code = before.age_band_code
            and now.sex_code = before.sex_code
            and now.ethnic_group_code = before.ethnic_group_code
    where
        now.period_type = 'current'
        and before.period_type = 'baseline'
        and now.role_count > 0
        and before.role_count > 0
)

select * from final
