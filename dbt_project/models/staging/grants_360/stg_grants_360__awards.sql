-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('grants_360', 'awards') }}
),

final as (
    select
        identifier as award_id,
        title as award_title,
        description as award_description,
        currency as currency_code,
        amount_applied_for as applied_amount,
        amount_awarded as awarded_amount,
        amount_disbursed as disbursed_amount,
        award_date,
        planned_start_date,
        planned_end_date,
        planned_duration_months as planned_duration_months_count,
        recipient_org_identifier as recipient_org_id,
        recipient_org_name,
        recipient_org_charity_number as recipient_charity_code,
        recipient_org_company_number as recipient_company_code,
        recipient_org_postal_code as recipient_postcode_code,
        is_recipient_individual,
        beneficiary_location_name as beneficiary_area_name,
        beneficiary_location_code as beneficiary_area_code,
        beneficiary_location_code_type as beneficiary_area_code_type,
        funding_org_identifier as funding_org_id,
        funding_org_name,
        funding_org_department as funding_department_name,
        grant_programme_code,
        grant_programme_title as grant_programme_name,
        is_from_open_call,
        date_modified as modified_at,
        other_fields as other_fields_json,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
