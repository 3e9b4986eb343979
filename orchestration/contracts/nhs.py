"""Contracts of NHS hospital activity: published tabulations. Only declarations belong here."""

from __future__ import annotations

from orchestration.contracts.base import RawContract, column

_WHO = "NHS England (Secondary Care Analysis), or whoever prepared the extract"


class HesSharpObject(RawContract):
    """Hospital episodes for assault by sharp object (ICD-10 X99), one row per published cell.

    Hospital Episode Statistics tabulation by region of residence and month, with breakdowns by
    sex, age group and ethnicity. A finished admission episode (FAE) is the first period of care
    under one consultant within one provider; a finished consultant episode (FCE) is any such
    period. Neither counts people: a person may be admitted more than once. Only the first
    external cause code of an episode counts, and recording of external cause is not mandatory, so
    practice varies over time and place. The latest year is provisional, so its last months read
    low. Tables by sex leave out records of unknown sex. Sub-national counts of 1 to 7 are
    published as '*', zero as zero, all others rounded to the nearest 5; national counts are not
    rounded.
    """

    __plumbline__ = {
        "source": "nhs",
        "table": "hes_sharp_object",
        "grain": "one row per published cell: breakdown, category, area, month (or year total) "
        "and episode type",
        "staged_model": "stg_nhs__sharp_object_episodes",
        "slot_sql": "breakdown || '/' || financial_year",
        "notes": (
            "A suppressed cell stays an interval of 1 to 7 and is never read as zero.",
            "A blank cell in the published table is kept as blank: it may be a zero that was not "
            "shown, and its interval is 0 to 7.",
        ),
    }

    sheet_name: str = column(
        "sheet",
        "Worksheet the cell stands in",
        staged_as="sheet_name",
        who_fixes=_WHO,
    )
    source_cell: str = column(
        "cell",
        "Cell of the worksheet, such as Q98",
        staged_as="source_cell_name",
        key=True,
        who_fixes=_WHO,
    )
    breakdown: str = column(
        "breakdown",
        "What the sheet breaks the count down by",
        kind="code",
        staged_as="breakdown_type",
        key=True,
        isin=("total", "sex", "age_group", "ethnicity"),
        who_fixes=_WHO,
    )
    category: str = column(
        "category",
        "Category within the breakdown, as published",
        staged_as="category_name",
        nullable=True,
        who_fixes=_WHO,
    )
    area_name: str = column(
        "area",
        "Region of residence, or England, as published",
        staged_as="area_name",
        who_fixes=_WHO,
    )
    financial_year: str = column(
        "year",
        "Financial year, YYYY/YY, taken from the block the row stands in",
        kind="code",
        staged_as="financial_year",
        unit="financial year",
        matches=r"\d{4}/\d{2}",
        who_fixes=_WHO,
    )
    month: str = column(
        "month",
        "Month the episode finished, YYYY-MM; empty for a year total",
        kind="month",
        staged_as="episode_month",
        unit="month",
        nullable=True,
        matches=r"\d{4}-(0[1-9]|1[0-2])",
        not_future=True,
        who_fixes=_WHO,
    )
    period_label: str = column(
        "label",
        "Month or total label exactly as published; one total is mislabelled by the publisher",
        staged_as="period_label",
        who_fixes=_WHO,
    )
    episode_type: str = column(
        "episode type",
        "FAE (finished admission episode) or FCE (finished consultant episode)",
        kind="code",
        staged_as="episode_type",
        isin=("FAE", "FCE"),
        who_fixes=_WHO,
    )
    published_value: str = column(
        "value",
        "The cell exactly as published: a number, '*', or empty",
        staged_as="published_value",
        nullable=True,
        who_fixes=_WHO,
    )
    episode_count: int = column(
        "count",
        "The published number; empty where the cell is suppressed or blank",
        kind="integer",
        staged_as="episode_count",
        unit="episodes",
        nullable=True,
        ge=0,
        le=1_000_000,
        who_fixes=_WHO,
    )
    episode_count_lower: int = column(
        "count lower",
        "Least count the published cell allows (rounding, suppression)",
        kind="integer",
        staged_as="episode_count_lower",
        unit="episodes",
        ge=0,
        who_fixes=_WHO,
    )
    episode_count_upper: int = column(
        "count upper",
        "Greatest count the published cell allows (rounding, suppression)",
        kind="integer",
        staged_as="episode_count_upper",
        unit="episodes",
        ge=0,
        who_fixes=_WHO,
    )
    disclosure: str = column(
        "disclosure",
        "How the cell was published: exact, rounded (nearest 5), suppressed (1 to 7) or blank",
        kind="code",
        staged_as="disclosure_type",
        isin=("exact", "rounded", "suppressed", "blank"),
        who_fixes=_WHO,
    )
