-- The totals of an award are those of its fundings, and those the sums of their lines.
select
    award_id,
    financial_year,
    month,
    sum(case line_level when 'line' then outlook_amount else 0 end) as line_amount,
    sum(case line_level when 'funding' then outlook_amount else 0 end) as funding_amount,
    sum(case line_level when 'award' then outlook_amount else 0 end) as award_amount
from {{ ref('mart_grant_position') }}
group by award_id, financial_year, month
having
    sum(case line_level when 'line' then outlook_amount else 0 end)
    <> sum(case line_level when 'award' then outlook_amount else 0 end)
    or sum(case line_level when 'funding' then outlook_amount else 0 end)
    <> sum(case line_level when 'award' then outlook_amount else 0 end)
