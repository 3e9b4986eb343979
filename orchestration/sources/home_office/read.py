"""How Home Office open data files are named. Rows are read one to one, from text or workbook.

The open data tables come as one file or one sheet per financial year, with title rows above the
header in workbooks.
"""

from __future__ import annotations

from orchestration.sources.tables import Table, plain, year_claim

TABLES = (
    Table(
        name="home_office/prc",
        patterns=(r"prc[-_ ]?pfa", r"recorded[-_ ]crime[-_ ]open[-_ ]data.*(pfa|force)"),
        claim=year_claim,
        shape=plain,
    ),
    Table(
        name="home_office/outcomes",
        patterns=(r"prc[-_ ]?outcomes", r"outcomes[-_ ]open[-_ ]data"),
        claim=year_claim,
        shape=plain,
    ),
)
