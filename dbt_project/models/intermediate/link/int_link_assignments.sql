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
                scores.reported_minutes asc,
                scores.legacy_record_id asc,
                scores.connect_record_id asc
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
            marked.*,
            max(marked.taken_mark) over (partition by marked.legacy_record_id)
                as legacy_taken_mark,
            max(marked.taken_mark) over (partition by marked.connect_record_id)
                as connect_taken_mark
        from (
            select
                compared.*,
                compared.pair_rank = compared.legacy_best_rank
                and compared.pair_rank = compared.connect_best_rank as is_best_of_both,
                case
                    when
                        compared.pair_rank = compared.legacy_best_rank
                        and compared.pair_rank = compared.connect_best_rank
                        then 1
                    else 0
                end as taken_mark
            from (
                select
                    rounds.*,
                    min(rounds.pair_rank) over (partition by rounds.legacy_record_id)
                        as legacy_best_rank,
                    min(rounds.pair_rank) over (partition by rounds.connect_record_id)
                        as connect_best_rank
                from rounds
                where not rounds.is_taken
            ) as compared
        ) as marked
    ) as judged
    -- Left for the next round: pairs whose two records are both still free.
    where
        judged.is_best_of_both
        or (judged.legacy_taken_mark = 0 and judged.connect_taken_mark = 0)
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
