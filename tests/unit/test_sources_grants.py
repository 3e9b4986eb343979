"""360Giving awards: both forms, dates, individuals, and the check against the standard's schema."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestration.contracts.tablespec import RULES
from orchestration.sources import registry
from orchestration.sources.grants_360.read import Standard, iso_date
from orchestration.sources.model import Member, Refused, Unrecognised

HEADER = [
    "Identifier",
    "Title",
    "Description",
    "Currency",
    "Amount Awarded",
    "Award Date",
    "Recipient Org:Identifier",
    "Recipient Org:Name",
    "Funding Org:Identifier",
    "Funding Org:Name",
]
ROW = ["360G-a-1", "T", "D", "GBP", "100", "2020-02-15", "o", "Org", "f", "Funder"]
GRANT = {
    "id": "360G-a-1",
    "title": "T",
    "description": "D",
    "currency": "GBP",
    "amountAwarded": 100,
    "awardDate": "2020-02-15",
    "recipientOrganization": [{"id": "o", "name": "Org", "email": "a@example.org"}],
    "fundingOrganization": [{"id": "f", "name": "Funder"}],
}

#: The shape of the standard's schema, as small as it can be.
SCHEMA = {
    "type": "object",
    "oneOf": [{"required": ["recipientOrganization"]}, {"required": ["recipientIndividual"]}],
    "required": ["id", "awardDate"],
    "properties": {
        "id": {"type": "string", "title": "Identifier"},
        "currency": {"$ref": "#/$defs/currency"},
        "amountAwarded": {"type": "number", "title": "Amount Awarded"},
        "awardDate": {
            "type": "string",
            "title": "Award Date",
            "oneOf": [{"format": "date-time"}, {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}],
        },
        "recipientOrganization": {
            "type": "array",
            "title": "Recipient Org",
            "items": {"$ref": "#/$defs/Organization"},
        },
        "recipientIndividual": {"$ref": "#/$defs/Person", "title": "Recipient Ind"},
    },
    "$defs": {
        "currency": {"type": "string", "enum": ["GBP"]},
        "Organization": {
            "type": "object",
            "required": ["id", "name"],
            "properties": {
                "id": {"type": "string", "title": "Identifier"},
                "name": {"type": "string", "title": "Name"},
            },
        },
        "Person": {
            "type": "object",
            "required": ["id", "name"],
            "properties": {
                "id": {"type": "string", "title": "Identifier"},
                "name": {"type": "string", "title": "Name"},
            },
        },
    },
}


def load(path: Path, settings: object = None):
    (member,) = registry.identify(path, path.name, settings)
    assert isinstance(member, Member), member
    batches = list(registry.read(member, path))
    rows = [r for b in batches for r in b.rows.to_pylist()]
    rejected = [r for b in batches for r in b.rejected]
    return member, rows, rejected, [n.code for b in batches for n in b.notes]


def as_csv(path: Path, header: list[str], *rows: list[str]) -> Path:
    path.write_text("".join(",".join(r) + "\n" for r in (header, *rows)))
    return path


def with_schema(folder: Path) -> Path:
    path = folder / "360-giving-schema.json"
    path.write_text(json.dumps(SCHEMA))
    return path


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2020-02-15", "2020-02-15"),
        ("15/02/2020", "2020-02-15"),
        ("5.2.2020", "2020-02-05"),
        ("2020/02/15", "2020-02-15"),
        ("2020-02-15T00:00:00Z", "2020-02-15"),
        ("2020-02-15 00:00:00", "2020-02-15"),
        ("02/15/2020", "02/15/2020"),
        ("last week", "last week"),
    ],
)
def test_date_forms(given, expected):
    assert iso_date(given) == expected


def test_rule_kind_is_known():
    assert "schema" in RULES


def test_csv_keeps_unknown_titles_and_rewritten_dates(tmp_path):
    row = [*ROW, "green", "7"]
    row[5] = "15/02/2020"
    path = as_csv(tmp_path / "awards.csv", [*HEADER, "Colour", "Recipient Org:0:City"], row)
    member, rows, rejected, notes = load(path)
    assert member.table == "grants_360/awards"
    assert not rejected
    assert rows[0]["award_date"] == "2020-02-15"
    assert json.loads(rows[0]["other_fields"]) == {
        "Colour": "green",
        "Recipient Org:0:City": "7",
        "award_date as published": "15/02/2020",
    }
    assert notes == ["schema_not_assessed", "dates_rewritten"]


def test_schema_beside_the_file_rejects_rows_in_the_validators_words(tmp_path):
    with_schema(tmp_path)
    bad = list(ROW)
    bad[3], bad[4] = "POUNDS", "lots"
    path = as_csv(tmp_path / "360giving.csv", HEADER, ROW, bad, ROW[:4])
    _, rows, rejected, notes = load(path)
    assert [r["_row_number"] for r in rows] == [1]
    assert sorted((r.row_number, r.kind) for r in rejected) == [
        (2, "schema"),
        (3, "too_few_fields"),
    ]
    words = next(r.message for r in rejected if r.kind == "schema")
    assert "'POUNDS' is not one of ['GBP']" in words
    assert "'lots' is not of type 'number'" in words
    assert notes == []


def test_schema_is_looked_for_in_settings_and_landing(tmp_path):
    elsewhere = tmp_path / "schemas"
    elsewhere.mkdir()
    schema = with_schema(elsewhere)
    path = as_csv(tmp_path / "360giving.csv", HEADER, ROW)
    assert load(path)[3] == ["schema_not_assessed"]
    assert load(path, SimpleNamespace(landing_dir=tmp_path))[3] == []
    configured = {"grants_360": {"awards": {"options": {"schema": str(schema)}}}}
    assert load(path, SimpleNamespace(sources=configured))[3] == []
    schema.write_text("{not json")
    assert load(path, SimpleNamespace(sources=configured))[3] == ["schema_not_assessed"]


def test_award_to_an_individual_keeps_no_name(tmp_path):
    with_schema(tmp_path)
    header = [*HEADER[:6], "Recipient Ind:Identifier", "Recipient Ind:Name", *HEADER[8:]]
    good = [*ROW[:6], "i1", "Jane Doe", *ROW[8:]]
    bad = [*ROW[:3], "XXX", *good[4:]]
    ragged = [*good, "Jane Doe"]
    path = as_csv(tmp_path / "360giving.csv", header, good, bad, ragged)
    _, rows, rejected, _ = load(path)
    assert [r["is_recipient_individual"] for r in rows] == ["true"]
    assert len(rejected) == 2
    assert "Jane" not in repr((rows, rejected))
    grant = {k: v for k, v in GRANT.items() if k != "recipientOrganization"}
    person = {"recipientIndividual": {"id": "i1", "name": "Jane Doe"}}
    nameless = {"recipientIndividual": {"id": "i1", "alias": "Jane Doe"}}
    package = {"grants": [grant | person, grant | nameless]}
    path = tmp_path / "360giving.json"
    path.write_text(json.dumps(package))
    _, rows, rejected, _ = load(path)
    assert [r["is_recipient_individual"] for r in rows] == ["true"]
    assert len(rejected) == 1
    assert "Jane" not in repr((rows, rejected))


def test_json(tmp_path):
    with_schema(tmp_path)
    extra = {"plannedDates": [{"startDate": "01/04/2020", "duration": 12}], "colour": ["red"]}
    wrong = {k: v for k, v in GRANT.items() if k != "awardDate"}
    path = tmp_path / "package.json"
    path.write_text(json.dumps({"version": "1", "grants": [GRANT | extra, wrong, "text"]}))
    member, rows, rejected, _ = load(path)
    assert member.layout_era == "json"
    assert (rows[0]["recipient_org_name"], rows[0]["amount_awarded"]) == ("Org", "100")
    assert (rows[0]["planned_start_date"], rows[0]["planned_duration_months"]) == (
        "2020-04-01",
        "12",
    )
    others = json.loads(rows[0]["other_fields"])
    assert others == {"colour": ["red"], "planned_start_date as published": "01/04/2020"}
    assert [(r.row_number, r.kind) for r in rejected] == [(2, "schema"), (3, "schema")]
    assert "'awardDate' is a required property" in rejected[0].message


@pytest.mark.parametrize(
    ("text", "code"),
    [('{"grants": [', "not_json"), ('{"a": 1}', "wrong_header"), ("[]", "wrong_header")],
)
def test_json_that_is_no_package(tmp_path, text, code):
    path = tmp_path / "360giving.json"
    path.write_text(text)
    (refused,) = registry.identify(path, path.name, None)
    assert isinstance(refused, Refused)
    assert refused.code == code
    (found,) = registry.identify(path, "x.json", None)
    assert isinstance(found, Unrecognised)


def test_missing_required_title_is_refused(tmp_path):
    header = ["Id" if t == "Identifier" else t for t in HEADER]
    path = as_csv(tmp_path / "360giving.csv", header, ROW)
    (refused,) = registry.identify(path, path.name, None)
    assert isinstance(refused, Refused)
    assert "'Identifier'" in refused.message


def test_plain_award_date_passes_the_one_of_in_the_schema():
    standard = Standard(SCHEMA)
    assert standard.problems(GRANT) == []
    assert standard.problems(GRANT | {"awardDate": "2020-02-15T00:00:00Z"}) == []
    assert standard.problems(GRANT | {"awardDate": "15/02/2020"}) != []


@pytest.mark.shared
def test_real_awards_against_the_real_schema(shared):
    path = next((shared / "data" / "grants").glob("*.csv"))
    _, rows, rejected, notes = load(path)
    assert (len(rows), rejected, notes) == (555, [], [])
