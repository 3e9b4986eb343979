{{ config(materialized='table') }}

-- Greedy one-to-one assignment: of all pairs that reach the threshold the best is taken, then the
-- best of those whose two records are still free, and so on. A pair that is the best one of both
-- its records is taken by that rule whatever happens elsewhere, so each round takes all of those
-- at once; the best pair of all is always among them, and the rounds end when no pair is left.
with recursive scored as (
    select
        scores.legacy_record_id,
        scores.connect_record_id,
        -- No two pairs rank alike, so that equal scores are decided the same way every time.
        row_number() over (
            order by
                scores.link_score desc,
                scores.reported_minutes,
                scores.legacy_record_id,
                scores.connect_record_id
        ) as pair_rank
    from {{ ref('int_link_scores') }} as scores
    cross join {{ ref('int_cutover') }} as cutover
    where scores.link_score >= cutover.score_threshold
),

rounds as (
    select
        legacy_record_id,
        connect_record_id,
        pair_rank,
        0 as round_number,
        false as is_taken
    from scored

    union all

    select
        judged.legacy_record_id,
        judged.connect_record_id,
        judged.pair_rank,
        judged.round_number + 1 as round_number,
        judged.is_best_of_both as is_taken
    from (
        select
            best.*,
            max(cast(best.is_best_of_both as integer)) over (partition by best.legacy_record_id)
            + max(cast(best.is_best_of_both as integer)) over (
                partition by best.connect_record_id
            ) as taken_count
        from (
            select
                rounds.*,
                rounds.pair_rank = min(rounds.pair_rank) over (
                    partition by rounds.legacy_record_id
                )
                and rounds.pair_rank = min(rounds.pair_rank) over (
                    partition by rounds.connect_record_id
                ) as is_best_of_both
            from rounds
            where not rounds.is_taken
        ) as best
    ) as judged
    where judged.is_best_of_both or judged.taken_count = 0
),

final as (
    select
        legacy_record_id,
        connect_record_id,
        round_number
    from rounds
    where is_taken
)

select * from final
