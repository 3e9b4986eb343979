"""Contract of command and control logs. Only declarations belong here."""

from __future__ import annotations

import datetime as dt

from orchestration.contracts.base import RawContract, column
from orchestration.contracts.legacy import FORCE_RECORDS, LSOA, MONTH_OF

_WHO = "the force's command and control data owner"


class Logs(RawContract):
    """Reports to the force as command and control logged them: what crimes are recorded from.

    The denominator of crime-data integrity: a report that a crime took place must be recorded
    within 24 hours of being received (National Crime Recording Standard).
    """

    __plumbline__ = {
        "source": "incidents",
        "table": "logs",
        "grain": "one row per log",
        "staged_model": "stg_incidents__logs",
        "slot_sql": MONTH_OF.format(column="opened_at"),
        "series_sql": "'month'",
        "attribution": FORCE_RECORDS,
        "ordered": (("opened_at", "closed_at"), ("opened_at", "lqt_reviewed_at")),
    }

    log_number: str = column(
        "log_number",
        "Number of the log",
        staged_as="log_number",
        key=True,
        sensitivity="restricted",
        who_fixes=_WHO,
    )
    opened_at: dt.datetime = column(
        "opened_at",
        "When the log was opened (local time)",
        kind="timestamp",
        staged_as="opened_at",
        not_future=True,
        who_fixes=_WHO,
    )
    closed_at: dt.datetime = column(
        "closed_at",
        "When it was closed",
        kind="timestamp",
        staged_as="closed_at",
        nullable=True,
        not_future=True,
        who_fixes=_WHO,
    )
    opening_code: str = column(
        "opening_code",
        "What the report was taken for",
        kind="code",
        staged_as="source_opening_code",
        code_list="force_codes.source_code?list_code=incidents.opening",
        who_fixes=_WHO,
    )
    closing_codes: str = column(
        "closing_codes",
        "How the log was closed, several codes separated by semicolons",
        kind="code",
        staged_as="source_closing_codes",
        nullable=True,
        code_list="force_codes.source_code?list_code=incidents.closing",
        separator=";",
        who_fixes=_WHO,
    )
    initial_report_text_category: str = column(
        "initial_report_text_category",
        "Category that a classifier gave the text of the first report",
        kind="code",
        staged_as="source_report_category_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=incidents.report_category",
        who_fixes=_WHO,
    )
    lsoa: str = column(
        "lsoa",
        "Lower layer super output area (2011) of the report",
        kind="code",
        staged_as="lsoa_code",
        nullable=True,
        matches=LSOA,
        who_fixes=_WHO,
    )
    linked_crime_ref: str = column(
        "linked_crime_ref",
        "Crime number or investigation recorded from the log (the first, where several)",
        staged_as="linked_crime_ref",
        nullable=True,
        sensitivity="restricted",
        who_fixes=_WHO,
    )
    ncrs_due_at: dt.datetime = column(
        "ncrs_due_at",
        "By when a crime had to be recorded: 24 hours after the report",
        kind="timestamp",
        staged_as="ncrs_due_at",
        nullable=True,
        who_fixes=_WHO,
    )
    lqt_reviewed_at: dt.datetime = column(
        "lqt_reviewed_at",
        "When the Log Quality Team reviewed it; empty where it did not",
        kind="timestamp",
        staged_as="lqt_reviewed_at",
        nullable=True,
        not_future=True,
        who_fixes=_WHO,
    )
    lqt_result: str = column(
        "lqt_result",
        "What the Log Quality Team found",
        kind="code",
        staged_as="source_lqt_result_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=incidents.lqt_result",
        who_fixes=_WHO,
    )
