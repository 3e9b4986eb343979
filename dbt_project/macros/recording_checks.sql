{#- What recording checks count, by the table of facts that they read: code, numerator, denominator. -#}

{% macro offence_checks() -%}
    {{ return([
        ('recorded_crimes', 'true', none),
        ('recorded_violence', "offence_group = 'Violence against the person'", none),
        ('no_trace_crimes', "record_origin_code = 'initial_report_no_trace'",
            "record_origin_code not in ('standard', 'unknown')"),
        ('log_review_crimes', "record_origin_code = 'log_quality_review'", 'true'),
        ('recorded_within_24_hours', 'is_recorded_within_24_hours',
            'is_recorded_within_24_hours is not null'),
        ('knife_flag', 'is_knife_used', none),
        ('knife_injuries', "is_violence_with_injury and weapon_code = 'knife'",
            'is_violence_with_injury'),
        ('weapon_unknown',
            "is_violence_with_injury and coalesce(weapon_code, 'unknown') = 'unknown'",
            'is_violence_with_injury'),
        ('place_unknown', 'lsoa_code is null', 'true'),
        ('place_by_beat', "location_basis = 'beat'", "location_basis in ('lsoa', 'beat')"),
        ('victim_age_unknown',
            "offence_group = 'Violence against the person' and has_victim_under_25 is null",
            "offence_group = 'Violence against the person'"),
        ('injury_code', "offence_code = '8N'", "offence_code in ('8N', '105A')"),
        ('injury_subgroup', "offence_subgroup = 'Violence with injury'",
            "offence_subgroup in ('Violence with injury', 'Violence without injury')"),
        ('spiking_crimes', 'is_spiking', none),
        ('spiking_positive', "is_spiking and toxicology_code = 'positive'",
            "is_spiking and toxicology_code in ('positive', 'negative')"),
    ]) }}
{%- endmacro %}

{% macro incident_checks() -%}
    {{ return([
        ('log_conversion', 'is_crime_recorded', 'true'),
        ('no_trace_logs',
            "has_no_trace and is_crime_recorded "
            ~ "and coalesce(lqt_result_code, '') <> 'crime_required'",
            'has_no_trace'),
        ('log_review_overturns', "lqt_result_code = 'crime_required'",
            'lqt_result_code is not null'),
    ]) }}
{%- endmacro %}

{#- Of changes in the month: without a denominator they are held to the crimes recorded in it. -#}
{% macro change_checks() -%}
    {{ return([
        ('cancelled', "is_effective and change_reason_code like 'cancelled%'", none),
        ('reclassified', "is_effective and change_reason_code = 'reclassified'", none),
        ('verification_requested', "change_reason_code = 'avi_requested'", none),
        ('verification_rejected', "change_reason_code = 'avi_rejected'",
            "change_reason_code = 'avi_requested'"),
    ]) }}
{%- endmacro %}

{#- Checks that a month of the force's own is there, by the supply that they ask about. -#}
{% macro supply_checks() -%}
    {{ return([
        'crimes_missing', 'persons_missing', 'logs_missing', 'admissions_missing', 'audits_missing',
    ]) }}
{%- endmacro %}

{#- Outcomes whose share within ninety days is watched. -#}
{% macro watched_outcomes() -%}
    {{ return(['1', '8', '14', '16', '18', '22']) }}
{%- endmacro %}

{% macro count_where(condition) -%}
    cast(sum(case when {{ condition }} then 1 else 0 end) as bigint)
{%- endmacro %}
