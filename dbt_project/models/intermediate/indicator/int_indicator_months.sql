-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{% set offence = offence_indicators() -%}
{% set admission = admission_indicators() -%}
{% set flags = flag_indicators() -%}
with offences as (
    select * from {{ ref('fct_offence') }}
    where not is_cancelled
),

admissions as (
    select * from {{ ref('fct_admission') }}
    where is_countable_admission and is_assault_sharp_object and is_force_resident
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

offence_counts as (
    select
        recorded_month as month,
        npu_code,
        coalesce(is_impact_area, false) as is_impact_area,
        is_like_for_like
        {%- for code, condition in offence.items() %},
        sum(case when {{ condition }} then 1 else 0 end) as {{ code }}
        {%- endfor %}
        {%- for code, condition in flags.items() %},
        sum(case when {{ condition }} then 1 else 0 end) as {{ code }}_possible
        {%- endfor %}
    from offences
    group by 1, 2, 3, 4
),

admission_counts as (
    select
        admission_month as month
        {%- for code, condition in admission.items() %},
        sum(case when {{ condition }} then 1 else 0 end) as {{ code }}
        {%- endfor %}
    from admissions
    group by 1
),

-- A crime counts for the force, for its unit, and for the impact areas where it lies in one.
placed as (
    select
        offence_counts.*,
        'force' as area_type,
        'force/' || settings.force_code as area_id
    from offence_counts
    cross join settings

    union all

    select
        *,
        'npu' as area_type,
        'npu/' || coalesce(npu_code, 'unknown') as area_id
    from offence_counts

    union all

    select
        *,
        'impact_area' as area_type,
        'impact_area/all' as area_id
    from offence_counts
    where is_impact_area
),

base_names as (
    select 'recorded' as basis
    union all
    select 'like_for_like' as basis
),

bases as (
    select
        placed.*,
        'recorded' as basis
    from placed

    union all

    select
        placed.*,
        'like_for_like' as basis
    from placed
    where is_like_for_like
),

by_area as (
    select
        month,
        area_type,
        area_id,
        basis
        {%- for code in offence %},
        sum({{ code }}) as {{ code }}
        {%- endfor %}
        {%- for code in flags %},
        sum({{ code }}_possible) as {{ code }}_possible
        {%- endfor %}
    from bases
    group by 1, 2, 3, 4
),

counted as (
    {%- for code in offence %}
    select
        '{{ code }}' as indicator_code,
        area_type,
        area_id,
        month,
        basis,
        cast({{ code }} as bigint) as event_count,
        cast({{ code ~ '_possible' if code in flags else 'null' }} as bigint) as possible_count
    from by_area

    union all
    {% endfor %}
    {%- for code in admission %}
    select
        '{{ code }}' as indicator_code,
        'force' as area_type,
        'force/' || settings.force_code as area_id,
        admission_counts.month,
        -- No police system records an admission: its two bases are one.
        base_names.basis,
        cast(admission_counts.{{ code }} as bigint) as event_count,
        cast(null as bigint) as possible_count
    from admission_counts
    cross join settings
    cross join base_names
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

final as (
    select * from counted
    where event_count > 0 or possible_count > 0
)

select * from final
