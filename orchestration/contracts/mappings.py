"""Contracts of mappings between classifications. Only declarations belong here."""

from __future__ import annotations

from orchestration.contracts.base import RawContract, column

_WHO = "the compiler of the mapping"


class OffenceCategories(RawContract):
    """Home Office offence codes and the data.police.uk category each is published under."""

    __plumbline__ = {
        "source": "mappings",
        "table": "offence_categories",
        "grain": "one row per offence code and description",
        "staged_model": "stg_mappings__offence_categories",
        "slot_sql": "'all'",
        "attribution": "Compilation published under the MIT licence",
    }

    row_index: int = column(
        "",
        "Row number of the compilation",
        kind="integer",
        staged_as="source_row_number",
        who_fixes=_WHO,
    )
    offence_group: str = column(
        "Offence_Group", "Offence group", kind="code", staged_as="offence_group", who_fixes=_WHO
    )
    offence_code: str = column(
        "Offence_Code",
        "Home Office offence code",
        kind="code",
        staged_as="offence_code",
        who_fixes=_WHO,
    )
    offence_description: str = column(
        "Offence_Description",
        "Words for the offence",
        staged_as="offence_description",
        who_fixes=_WHO,
    )
    offence_subgroup: str = column(
        "Offence_Subgroup",
        "Offence subgroup",
        kind="code",
        staged_as="offence_subgroup",
        who_fixes=_WHO,
    )
    police_uk_category: str = column(
        "Police.uk_Cat",
        "Category on data.police.uk; empty where none is known",
        staged_as="police_uk_category_name",
        nullable=True,
        who_fixes=_WHO,
    )
