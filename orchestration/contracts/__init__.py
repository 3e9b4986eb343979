"""Record contracts: one pandera class per raw table, each column declared once.

``all_specs()`` lists them as plain data. Importing this package costs nothing; pandera is imported
when a contract is first asked for.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.contracts.base import RawContract
    from orchestration.contracts.tablespec import TableSpec

#: source/table -> class. The order is the order in which tables are shown.
CONTRACTS: dict[str, str] = {
    "police_uk/street": "orchestration.contracts.police_uk:Street",
    "police_uk/outcomes": "orchestration.contracts.police_uk:Outcomes",
    "police_uk/stop_and_search": "orchestration.contracts.police_uk:StopAndSearch",
    "home_office/prc": "orchestration.contracts.home_office:Prc",
    "home_office/outcomes": "orchestration.contracts.home_office:Outcomes",
    "nhs/hes_sharp_object": "orchestration.contracts.nhs:HesSharpObject",
    "ons/lookup_lad_csp_pfa": "orchestration.contracts.ons:LookupLadCspPfa",
    "ons/lookup_lsoa_msoa": "orchestration.contracts.ons:LookupLsoaMsoa",
    "ons/lookup_ltla_region": "orchestration.contracts.ons:LookupLtlaRegion",
    "ons/population": "orchestration.contracts.ons:Population",
    "ons/imd": "orchestration.contracts.ons:Imd",
    "ons/ethnicity": "orchestration.contracts.ons:Ethnicity",
    "ons/p1_recorded_crime": "orchestration.contracts.ons:P1RecordedCrime",
    "ons/p6_knife_offences": "orchestration.contracts.ons:P6KnifeOffences",
    "ons/p8_firearm_offences": "orchestration.contracts.ons:P8FirearmOffences",
    "grants_360/awards": "orchestration.contracts.grants_360:Awards",
    "mappings/offence_categories": "orchestration.contracts.mappings:OffenceCategories",
    "legacy/crimes": "orchestration.contracts.legacy:Crimes",
    "legacy/persons": "orchestration.contracts.legacy:Persons",
    "connect/investigations": "orchestration.contracts.connect:Investigations",
    "connect/classification_history": "orchestration.contracts.connect:ClassificationHistory",
    "connect/involvements": "orchestration.contracts.connect:Involvements",
    "incidents/logs": "orchestration.contracts.incidents:Logs",
    "geography/beats": "orchestration.contracts.geography:Beats",
    "audits/cdi_audit": "orchestration.contracts.audits:CdiAudit",
    "audits/s47_audit": "orchestration.contracts.audits:S47Audit",
    "grants/budget_lines": "orchestration.contracts.grants:BudgetLines",
    "grants/ledger": "orchestration.contracts.grants:Ledger",
    "grants/conditions": "orchestration.contracts.grants:Conditions",
    "hospital/hes_apc": "orchestration.contracts.hospital:HesApc",
    "hospital/ecds": "orchestration.contracts.hospital:Ecds",
    "programme/training": "orchestration.contracts.programme:Training",
    "programme/county_lines": "orchestration.contracts.programme:CountyLines",
    "programme/cohort_tiers": "orchestration.contracts.programme:CohortTiers",
    "programme/diversions": "orchestration.contracts.programme:Diversions",
}


@cache
def contract(name: str) -> type[RawContract]:
    """The contract class of ``source/table``. Raises KeyError for a name that is not a table."""
    module, _, cls = CONTRACTS[name].partition(":")
    return getattr(importlib.import_module(module), cls)


def spec(name: str) -> TableSpec:
    """The contract of ``source/table`` as plain data."""
    return contract(name).spec()


def all_specs() -> list[TableSpec]:
    """Every contract as plain data, in the order of ``CONTRACTS``."""
    return [spec(name) for name in CONTRACTS]
