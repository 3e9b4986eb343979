{#-
    Which records an indicator counts: conditions over fct_offence and fct_admission, by indicator
    code. Names and definitions in words are the seed `indicators`; a test holds the two together.
-#}

{% macro offence_indicators() -%}
    {%- set young_injury = 'is_violence_with_injury and has_victim_under_25' -%}
    {%- set apart = 'is_homicide and not coalesce(is_domestic, false)' -%}
    {%- set not_possession = "offence_group <> 'Possession of weapons offences'" -%}
    {{ return({
        'under_25_vwi_knife_used': young_injury ~ ' and is_knife_used',
        'under_25_homicide': 'is_homicide and has_victim_under_25',
        'under_25_knife_homicide': 'is_homicide and has_victim_under_25 and has_knife',
        'under_25_vwi': young_injury,
        'under_25_vwi_knife_crime': young_injury ~ ' and has_knife',
        'knife_used': 'is_knife_used and ' ~ not_possession,
        'knife_crime': 'has_knife and ' ~ not_possession,
        'knife_enabled_serious_violence': 'is_knife_enabled',
        'under_25_knife_enabled_serious_violence': 'is_knife_enabled and has_victim_under_25',
        'non_domestic_homicide': apart,
        'under_25_non_domestic_homicide': apart ~ ' and has_victim_under_25',
        'non_domestic_knife_homicide': apart ~ ' and has_knife',
        'under_25_non_domestic_knife_homicide':
            apart ~ ' and has_victim_under_25 and has_knife',
        'homicide': 'is_homicide',
        'violence_with_injury': 'is_violence_with_injury',
        'all_crime': 'true',
        'under_25_vwi_spiking': young_injury ~ ' and is_spiking',
        'under_25_vwi_spiking_positive_test':
            young_injury ~ " and is_spiking and toxicology_code = 'positive'",
        'possession_of_blade': "offence_code = '10D'",
    }) }}
{%- endmacro %}

{% macro admission_indicators() -%}
    {{ return({
        'under_25_sharp_object_admissions': 'is_under_25',
        'sharp_object_admissions': 'true',
    }) }}
{%- endmacro %}

{#-
    Indicators of a flag that the systems fill in unequally, and which records may be of them
    besides: those of which nobody recorded whether they are. Whatever was recorded is an answer,
    that a knife was merely seen just as that it was not used.
-#}
{% macro flag_indicators() -%}
    {%- set young_injury = 'is_violence_with_injury and has_victim_under_25' -%}
    {%- set not_possession = "offence_group <> 'Possession of weapons offences'" -%}
    {%- set not_said = "has_knife and weapon_use_code = 'unknown'" -%}
    {{ return({
        'under_25_vwi_knife_used': young_injury ~ ' and ' ~ not_said,
        'knife_used': not_said ~ ' and ' ~ not_possession,
    }) }}
{%- endmacro %}

{#- Either of two counts below this says more than a percentage of them: then there is none. -#}
{% macro least_for_percentage() -%}
    20
{%- endmacro %}

{#- Fewer known months than these say nothing of over-dispersion (rates.LEAST_MONTHS). -#}
{% macro least_months_for_dispersion() -%}
    36
{%- endmacro %}

{#-
    What the change of an indicator is called, by columns of its counts with a prefix: up or down
    where p is below 0.05, of a range where all of it lies on one side.
-#}
{% macro verdict_of_change(prefix='') -%}
    case
        when {{ prefix }}current_count is null then 'not assessed'
        when is_broken then 'not comparable'
        when {{ prefix }}current_most_count + {{ prefix }}baseline_most_count = 0
            then 'none in either period'
        when is_range and {{ prefix }}rate_ratio_lower > 1 then 'up'
        when is_range and {{ prefix }}rate_ratio_upper < 1 then 'down'
        when is_range then 'undecidable'
        when {{ prefix }}p_value >= 0.05 then 'not distinguishable from chance'
        -- Counts a day: one year may be the longer.
        when
            {{ prefix }}current_count * {{ prefix }}baseline_day_count
            > {{ prefix }}baseline_count * {{ prefix }}current_day_count
            then 'up'
        else 'down'
    end
{%- endmacro %}

{#- Of an indicator of a flag, the one that counts the same records whatever the flag says. -#}
{% macro flag_wholes() -%}
    {{ return({
        'under_25_vwi_knife_used': 'under_25_vwi_knife_crime',
        'knife_used': 'knife_crime',
    }) }}
{%- endmacro %}

{#-
    Months of the financial year in which both periods are compared, each with whether neither was
    under restrictions: a month that one of the periods lacks is left out of both, and so is one
    that a known event is to leave out. `supplied` is a CTE of months supplied by `key`, with
    indicator_code; the model imports compared_months and excluded_months.
-#}
{% macro matched_months(supplied, key='indicator_code') -%}
    select
        {{ supplied }}.{{ key }},
        compared_months.month_of_financial_year,
        max(case when compared_months.is_restricted_month then 1 else 0 end) = 0 as is_unrestricted
    from compared_months
    inner join {{ supplied }} on compared_months.month = {{ supplied }}.month
    left join excluded_months
        on
            {{ supplied }}.indicator_code = excluded_months.indicator_code
            and compared_months.month_of_financial_year = excluded_months.month_of_financial_year
    where excluded_months.indicator_code is null
    group by 1, 2
    having count(distinct compared_months.period_type) = 2
{%- endmacro %}
