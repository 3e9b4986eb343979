with records as (
    select * from {{ ref('int_crime_records') }}
),

links as (
    select * from {{ ref('int_offence_links') }}
),

eras as (
    select * from {{ ref('stg_ledger__recording_eras') }}
),

offences as (
    select * from {{ ref('dim_offence') }}
),

weapon_uses as (
    select * from {{ ref('weapon_uses') }}
),

knife_enabled_offences as (
    select * from {{ ref('knife_enabled_offences') }}
    where is_included
),

like_for_like_rules as (
    select * from {{ ref('like_for_like_rules') }}
),

known_events as (
    select * from {{ ref('stg_ledger__known_events') }}
),

involvements as (
    select * from {{ ref('fct_involvement') }}
),

other_records as (
    select
        links.counted_record_id,
        links.link_reason,
        links.link_score,
        records.*
    from links
    inner join records on links.other_record_id = records.record_id
),

counted_records as (
    select records.*
    from records
    left join links on records.record_id = links.other_record_id
    where links.other_record_id is null
),

-- Beside each record that counts, what the other system has of the same crime. `later_` is what
-- CONNECT has, which of the two ever counts: there the investigation went on, so a cancellation
-- of the old record alone (to end a double entry, say) cancels nothing.
side_by_side as (
    select
        counted.*,
        other.link_reason,
        other.link_score,
        other.crime_number as other_crime_number,
        other.investigation_id as other_investigation_id,
        other.log_number as other_log_number,
        other.recorded_at as other_recorded_at,
        other.occurred_from_at as other_occurred_from_at,
        other.occurred_to_at as other_occurred_to_at,
        other.lsoa_code as other_lsoa_code,
        other.neighbourhood_code as other_neighbourhood_code,
        other.npu_code as other_npu_code,
        other.district_code as other_district_code,
        other.is_impact_area as is_other_impact_area,
        other.location_basis as other_location_basis,
        other.is_domestic as is_other_domestic,
        other.weapon_code as other_weapon_code,
        other.weapon_use_code as other_weapon_use_code,
        other.is_spiking as is_other_spiking,
        other.toxicology_code as other_toxicology_code,
        case other.recording_system
            when 'connect' then other.offence_code
            else counted.offence_code
        end as later_offence_code,
        case other.recording_system
            when 'connect' then coalesce(other.reclassified_at, other.recorded_at)
            else counted.reclassified_at
        end as later_reclassified_at,
        case other.recording_system
            when 'connect' then coalesce(other.outcome_type_code, counted.outcome_type_code)
            else coalesce(counted.outcome_type_code, other.outcome_type_code)
        end as later_outcome_type_code,
        case
            when other.recording_system = 'connect' and other.outcome_type_code is not null
                then other.outcome_at
            when counted.outcome_type_code is not null then counted.outcome_at
            else other.outcome_at
        end as later_outcome_at,
        case other.recording_system
            when 'connect' then other.is_cancelled
            else counted.is_cancelled
        end as is_later_cancelled,
        case other.recording_system
            when 'connect' then other.cancelled_code
            else counted.cancelled_code
        end as later_cancelled_code,
        case other.recording_system
            when 'connect' then other.cancelled_at
            else counted.cancelled_at
        end as later_cancelled_at,
        -- The other record places the crime only where it knows better.
        case
            when counted.location_basis = 'lsoa' then false
            when other.location_basis = 'lsoa' then true
            when counted.location_basis = 'beat' then false
            when other.location_basis = 'beat' then true
            when counted.location_basis = 'npu' then false
            else coalesce(other.location_basis = 'npu', false)
        end as is_placed_by_other
    from counted_records as counted
    left join other_records as other on counted.record_id = other.counted_record_id
),

victims as (
    select
        offence_id,
        sum(case when role_code = 'victim' then 1 else 0 end) as victim_count,
        sum(case when role_code = 'suspect' then 1 else 0 end) as suspect_count,
        sum(case when role_code = 'victim' and is_under_25 then 1 else 0 end)
            as victim_under_25_count,
        max(case when role_code = 'victim' then cast(is_under_25 as integer) end)
            as has_victim_under_25
    from involvements
    group by offence_id
),

-- Every code on every day on which a crime of it was recorded: its group and list are looked up
-- once for each, not for each crime.
coded_days as (
    select distinct
        offence_code,
        cast(recorded_at as date) as recorded_date
    from records

    union distinct

    select
        later.offence_code,
        cast(earlier.recorded_at as date) as recorded_date
    from links
    inner join records as later on links.connect_record_id = later.record_id
    inner join records as earlier on links.counted_record_id = earlier.record_id
),

offences_of_days as (
    select
        coded_days.offence_code,
        coded_days.recorded_date,
        min(offences.offence_group) as offence_group,
        min(offences.offence_subgroup) as offence_subgroup,
        count(knife_enabled_offences.offence_code) > 0 as is_of_knife_collection
    from coded_days
    left join offences
        on
            coded_days.offence_code = offences.offence_code
            and coded_days.recorded_date >= coalesce(offences.valid_from, coded_days.recorded_date)
            and coded_days.recorded_date <= coalesce(offences.valid_to, coded_days.recorded_date)
    left join knife_enabled_offences
        on
            coded_days.offence_code = knife_enabled_offences.offence_code
            and coded_days.recorded_date
            >= coalesce(knife_enabled_offences.valid_from, coded_days.recorded_date)
            and coded_days.recorded_date
            <= coalesce(knife_enabled_offences.valid_to, coded_days.recorded_date)
    group by coded_days.offence_code, coded_days.recorded_date
),

-- A crime may be reclassified to a code that opened after it was recorded: then it is of the group
-- the code had when that was done.
reclassified_later as (
    select
        side_by_side.record_id,
        min(offences.offence_group) as offence_group,
        min(offences.offence_subgroup) as offence_subgroup
    from side_by_side
    inner join offences_of_days
        on
            side_by_side.later_offence_code = offences_of_days.offence_code
            and cast(side_by_side.recorded_at as date) = offences_of_days.recorded_date
    inner join offences
        on
            side_by_side.later_offence_code = offences.offence_code
            and cast(side_by_side.later_reclassified_at as date)
            >= coalesce(offences.valid_from, cast(side_by_side.later_reclassified_at as date))
            and cast(side_by_side.later_reclassified_at as date)
            <= coalesce(offences.valid_to, cast(side_by_side.later_reclassified_at as date))
    where
        offences_of_days.offence_group is null
        and side_by_side.later_reclassified_at is not null
    group by side_by_side.record_id
),

-- Where eras overlap, the newer system is the one in use.
eras_of_days as (
    select
        days.recorded_date,
        max_by(eras.era_code, eras.first_date) as era_code
    from (select distinct recorded_date from coded_days) as days
    inner join eras
        on
            days.recorded_date >= eras.first_date
            and days.recorded_date <= coalesce(eras.last_date, days.recorded_date)
    group by days.recorded_date
),

described as (
    select
        side_by_side.*,
        cast(side_by_side.recorded_at as date) as recorded_date,
        -- Whichever system it was first put into.
        least(
            side_by_side.recorded_at,
            coalesce(side_by_side.other_recorded_at, side_by_side.recorded_at)
        ) as first_recorded_at,
        coalesce(side_by_side.weapon_code, side_by_side.other_weapon_code, 'unknown')
            as final_weapon_code,
        coalesce(side_by_side.weapon_use_code, side_by_side.other_weapon_use_code, 'unknown')
            as final_weapon_use_code,
        eras_of_days.era_code,
        coalesce(offences_of_days.offence_group, reclassified_later.offence_group)
            as offence_group,
        coalesce(offences_of_days.offence_subgroup, reclassified_later.offence_subgroup)
            as offence_subgroup,
        offences_of_days.is_of_knife_collection,
        case
            when
                cast(side_by_side.recorded_at as date)
                >= coalesce(known_events.first_date, cast(side_by_side.recorded_at as date))
                then like_for_like_rules.rule_code
        end as like_for_like_rule_code
    from side_by_side
    left join eras_of_days on cast(side_by_side.recorded_at as date) = eras_of_days.recorded_date
    left join offences_of_days
        on
            side_by_side.later_offence_code = offences_of_days.offence_code
            and cast(side_by_side.recorded_at as date) = offences_of_days.recorded_date
    left join reclassified_later on side_by_side.record_id = reclassified_later.record_id
    left join like_for_like_rules
        on side_by_side.record_origin_code = like_for_like_rules.record_origin_code
    left join known_events on like_for_like_rules.known_event_code = known_events.event_code
),

final as (
    select
        described.record_id as offence_id,
        described.recording_system,
        described.era_code,
        coalesce(described.crime_number, described.other_crime_number) as crime_number,
        coalesce(described.investigation_id, described.other_investigation_id)
            as investigation_id,
        described.link_reason,
        described.link_score,
        coalesce(described.log_number, described.other_log_number) as log_number,
        described.reported_at,
        described.recorded_at,
        described.recorded_date,
        cast({{ dbt.date_trunc('month', 'described.recorded_date') }} as date) as recorded_month,
        coalesce(described.occurred_from_at, described.other_occurred_from_at)
            as occurred_from_at,
        case
            when described.occurred_from_at is not null then described.occurred_to_at
            else described.other_occurred_to_at
        end as occurred_to_at,
        described.later_offence_code as offence_code,
        described.first_offence_code,
        described.offence_group,
        described.offence_subgroup,
        coalesce(described.offence_subgroup = 'Violence with injury', false)
            as is_violence_with_injury,
        coalesce(described.offence_subgroup = 'Homicide', false) as is_homicide,
        coalesce(described.lsoa_code, described.other_lsoa_code) as lsoa_code,
        case
            when described.is_placed_by_other then described.other_neighbourhood_code
            else described.neighbourhood_code
        end as neighbourhood_code,
        case
            when described.is_placed_by_other then described.other_npu_code
            else described.npu_code
        end as npu_code,
        case
            when described.is_placed_by_other then described.other_district_code
            else described.district_code
        end as district_code,
        case
            when described.is_placed_by_other then described.is_other_impact_area
            else described.is_impact_area
        end as is_impact_area,
        case
            when described.is_placed_by_other then described.other_location_basis
            else described.location_basis
        end as location_basis,
        coalesce(described.is_domestic, described.is_other_domestic) as is_domestic,
        described.final_weapon_code as weapon_code,
        described.final_weapon_code = 'knife' as has_knife,
        described.final_weapon_use_code as weapon_use_code,
        described.final_weapon_code = 'knife' and coalesce(weapon_uses.is_use, false)
            as is_knife_used,
        described.final_weapon_code = 'knife' and described.is_of_knife_collection
            as is_knife_enabled,
        case
            when coalesce(described.investigation_id, described.other_investigation_id) is not null
                then coalesce(described.is_spiking, described.is_other_spiking, false)
        end as is_spiking,
        coalesce(described.toxicology_code, described.other_toxicology_code) as toxicology_code,
        described.record_origin_code,
        described.like_for_like_rule_code is null as is_like_for_like,
        described.like_for_like_rule_code,
        described.is_later_cancelled as is_cancelled,
        described.later_cancelled_code as cancelled_code,
        described.later_cancelled_at as cancelled_at,
        cast({{ dbt.date_trunc('month', 'described.later_cancelled_at') }} as date)
            as cancelled_month,
        described.later_outcome_type_code as outcome_type_code,
        described.later_outcome_at as outcome_at,
        cast(coalesce(victims.victim_count, 0) as integer) as victim_count,
        cast(coalesce(victims.suspect_count, 0) as integer) as suspect_count,
        cast(coalesce(victims.victim_under_25_count, 0) as integer) as victim_under_25_count,
        victims.has_victim_under_25 = 1 as has_victim_under_25,
        described.first_recorded_at,
        described.first_recorded_at
        <= {{ dbt.dateadd('hour', 24, 'described.reported_at') }}
            as is_recorded_within_24_hours,
        described.load_id
    from described
    left join weapon_uses
        on described.final_weapon_use_code = weapon_uses.weapon_use_code
    left join victims on described.record_id = victims.offence_id
)

select * from final
