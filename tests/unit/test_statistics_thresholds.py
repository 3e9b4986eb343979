"""Thresholds that stand in SQL and in Python are the same numbers."""

from __future__ import annotations

import re

import pytest

from orchestration.settings import DBT_PROJECT
from orchestration.statistics import rates


@pytest.mark.parametrize(
    ("macro", "number"),
    [
        ("least_for_percentage", rates.LEAST_FOR_PERCENTAGE),
        ("least_months_for_dispersion", rates.LEAST_MONTHS),
    ],
)
def test_a_macro_gives_the_number_of_the_functions(macro: str, number: int) -> None:
    text = (DBT_PROJECT / "macros" / "indicators.sql").read_text(encoding="utf-8")
    found = re.search(rf"macro {macro}\(\) -%\}}\s*(\d+)\s*\{{%- endmacro", text)
    assert found and int(found.group(1)) == number
