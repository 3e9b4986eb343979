"""Contract of grant awards in the 360Giving Data Standard. Only declarations belong here.

https://standard.threesixtygiving.org/
"""

from __future__ import annotations

import datetime as dt

from orchestration.contracts.base import RawContract, column

_WHO = "the funder that published the awards"


def _opt(title: str, description: str, staged_as: str, **kw):
    return column(title, description, staged_as=staged_as, nullable=True, who_fixes=_WHO, **kw)


def _req(title: str, description: str, staged_as: str, **kw):
    return column(title, description, staged_as=staged_as, who_fixes=_WHO, **kw)


class Awards(RawContract):
    """Grant awards published to the 360Giving standard, one row per award."""

    __plumbline__ = {
        "source": "grants_360",
        "table": "awards",
        "grain": "one row per award",
        "staged_model": "stg_grants_360__awards",
        "slot_sql": "'funder/' || funding_org_identifier",
        "attribution": "Grant data published under the 360Giving standard; see the publisher's "
        "licence",
    }

    identifier: str = _req("Identifier", "Identifier of the award", "award_id", key=True)
    title: str = _req("Title", "Title of the award", "award_title")
    description: str = _req("Description", "What the award is for", "award_description")
    currency: str = _req(
        "Currency",
        "Currency of the amounts (ISO 4217)",
        "currency_code",
        kind="code",
        matches=r"[A-Z]{3}",
    )
    amount_applied_for: float = _opt(
        "Amount Applied For",
        "Amount applied for",
        "applied_amount",
        kind="decimal",
        unit="currency",
    )
    amount_awarded: float = _req(
        "Amount Awarded",
        "Amount awarded; negative where an award is reduced",
        "awarded_amount",
        kind="decimal",
        unit="currency",
    )
    amount_disbursed: float = _opt(
        "Amount Disbursed",
        "Amount paid so far",
        "disbursed_amount",
        kind="decimal",
        unit="currency",
    )
    award_date: dt.date = _req(
        "Award Date", "Date the award was decided", "award_date", kind="date", unit="day"
    )
    planned_start_date: dt.date = _opt(
        "Planned Dates:Start Date", "Planned start", "planned_start_date", kind="date"
    )
    planned_end_date: dt.date = _opt(
        "Planned Dates:End Date", "Planned end", "planned_end_date", kind="date"
    )
    planned_duration_months: float = _opt(
        "Planned Dates:Duration (months)",
        "Planned duration",
        "planned_duration_months_count",
        kind="decimal",
        unit="months",
        ge=0,
    )
    recipient_org_identifier: str = _opt(
        "Recipient Org:Identifier", "Identifier of the organisation funded", "recipient_org_id"
    )
    recipient_org_name: str = _opt(
        "Recipient Org:Name", "Name of the organisation funded", "recipient_org_name"
    )
    recipient_org_charity_number: str = _opt(
        "Recipient Org:Charity Number", "Charity number", "recipient_charity_code"
    )
    recipient_org_company_number: str = _opt(
        "Recipient Org:Company Number", "Company number", "recipient_company_code"
    )
    recipient_org_postal_code: str = _opt(
        "Recipient Org:Postal Code", "Postcode of the organisation", "recipient_postcode_code"
    )
    is_recipient_individual: bool = _req(
        "recipient is an individual",
        "Whether the award went to a person: the standard then publishes no name, and none is kept",
        "is_recipient_individual",
        kind="boolean",
    )
    beneficiary_location_name: str = _opt(
        "Beneficiary Location:Name", "Place that benefits (first given)", "beneficiary_area_name"
    )
    beneficiary_location_code: str = _opt(
        "Beneficiary Location:Geographic Code",
        "Code of the place that benefits (first given)",
        "beneficiary_area_code",
    )
    beneficiary_location_code_type: str = _opt(
        "Beneficiary Location:Geographic Code Type",
        "Kind of that code",
        "beneficiary_area_code_type",
    )
    funding_org_identifier: str = _req(
        "Funding Org:Identifier", "Identifier of the funder", "funding_org_id"
    )
    funding_org_name: str = _req("Funding Org:Name", "Name of the funder", "funding_org_name")
    funding_org_department: str = _opt(
        "Funding Org:Department", "Department of the funder", "funding_department_name"
    )
    grant_programme_code: str = _opt(
        "Grant Programme:Code", "Code of the grant programme", "grant_programme_code"
    )
    grant_programme_title: str = _opt(
        "Grant Programme:Title", "Title of the grant programme", "grant_programme_name"
    )
    is_from_open_call: bool = _opt(
        "From an open call?",
        "Whether the award came from an open call",
        "is_from_open_call",
        kind="boolean",
    )
    date_modified: dt.datetime = _opt(
        "Last modified",
        "When the publisher last changed the record",
        "modified_at",
        kind="timestamp",
        unit="UTC",
    )
    other_fields: str = _opt(
        "other fields",
        "Every other field the publisher supplied, as JSON, under the publisher's own titles",
        "other_fields_json",
    )
