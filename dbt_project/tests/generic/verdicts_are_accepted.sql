{#-
    No claim has another verdict than the accepted one. Ends in an error that names the claims and
    says what to do: whoever reads it has no release in which to look them up.
-#}
{% test verdicts_are_accepted(model) %}

with news as (
    select
        claim_id,
        claim_id || ' is ' || verdict || ', not ' || expected_verdict || ': ' || sentence as news_text
    from {{ model }}
    where is_news
),

told as (
    select
        'The verdict on published claims changed. Accept it in the register (seed published_claims: '
        || 'expected_verdict, accepted_by, acceptance_reason) or find out why. '
        || {{ dbt.listagg('news_text', "' | '", 'order by claim_id') }} as news_text
    from news
)

-- In the condition, because dbt counts the rows and an engine need not work out what is not counted.
select news_text
from told
where news_text is not null and {{ stop_with('news_text') }}

{% endtest %}
