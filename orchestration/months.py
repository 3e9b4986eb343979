"""Months as whole numbers, so that they can be counted and put in arrays.

What does not belong here: days, and what a quarter or a financial year is.
"""

from __future__ import annotations

import datetime as dt


def month_number(day: dt.date) -> int:
    """Months from January 1970 to that of a day, as NumPy's ``datetime64[M]`` counts them."""
    return (day.year - 1970) * 12 + day.month - 1


def first_of_month(number: int) -> dt.date:
    """The first day of a month that ``month_number`` counts."""
    return dt.date(1970 + number // 12, number % 12 + 1, 1)
