"""What is derived from the contracts says the same as the contracts, both ways."""

from __future__ import annotations

import dataclasses
import re
import shutil

import pytest
import yaml

from orchestration.contracts import all_specs, derive

STAGING = derive.PROJECT / "dbt_project" / "models" / "staging"


def test_files_on_disk_are_what_the_contracts_give():
    assert derive.drift() == [], f"run `{derive.COMMAND}`"
    assert derive.main(["--check"]) == 0


@pytest.fixture
def copied(tmp_path):
    for path in derive.generated():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(derive.PROJECT / path, target)
    return tmp_path


def test_every_kind_of_drift_is_named(copied):
    assert derive.drift(copied) == []
    edited, missing, *_ = (p for p in derive.generated() if p.suffix == ".sql")
    text = (copied / edited).read_text(encoding="utf-8")
    (copied / edited).write_text(text.replace("select * from final", "select 1"), encoding="utf-8")
    (copied / missing).unlink()
    stale = edited.with_name("stg_gone.sql")
    (copied / stale).write_text(text, encoding="utf-8")

    assert sorted(derive.drift(copied)) == sorted(
        [
            f"{edited} differs from the contracts",
            f"{missing} is missing",
            f"{stale} belongs to no contract",
        ]
    )

    assert set(derive.write(copied)) == {edited, missing, stale}
    assert derive.drift(copied) == []


def test_hand_written_staging_is_left_alone(copied):
    own = copied / "dbt_project/models/staging/ledger/stg_ledger__loads.sql"
    own.parent.mkdir(parents=True)
    own.write_text("select 1", encoding="utf-8")
    assert derive.write(copied) == []
    assert own.exists()


@pytest.mark.parametrize("spec", all_specs(), ids=lambda s: s.name)
def test_staging_and_contract_have_the_same_columns(spec):
    folder = STAGING / spec.source
    declared = {c.staged_as for c in spec.columns}
    added = {staged for _, staged, _, _ in derive.LOAD_COLUMNS}

    models = yaml.safe_load((folder / f"_{spec.source}__models.yml").read_text(encoding="utf-8"))
    model = next(m for m in models["models"] if m["name"] == spec.staged_model)
    assert {c["name"] for c in model["columns"]} == declared | added
    assert all(c["description"].strip() and c["data_type"] for c in model["columns"])

    sources = yaml.safe_load((folder / f"_{spec.source}__sources.yml").read_text(encoding="utf-8"))
    table = next(t for t in sources["sources"][0]["tables"] if t["name"] == spec.table)
    assert table["identifier"] == spec.raw_name
    raw_added = {raw for raw, _, _, _ in derive.LOAD_COLUMNS}
    assert {c["name"] for c in table["columns"]} == {c.name for c in spec.columns} | raw_added

    sql = (folder / f"{spec.staged_model}.sql").read_text(encoding="utf-8")
    selected = re.search(r"final as \(\s+select\n(.*?)\n    from", sql, flags=re.S).group(1)
    names = [line.strip().rstrip(",").split(" as ")[-1] for line in selected.splitlines()]
    assert names == derive.staged_names(spec)


def test_every_rule_is_documented():
    from orchestration.contracts.tablespec import RULES

    page = (derive.PROJECT / "docs" / "contracts.md").read_text(encoding="utf-8")
    assert all(f"`{kind}`" in page for kind in RULES)
    for spec in all_specs():
        for column in spec.columns:
            assert f"`{column.name}`" in page
            if not column.nullable:
                assert f"`{spec.source}.{spec.table}.{column.name}.missing`" in page


def test_two_columns_cannot_share_a_staged_name():
    spec = all_specs()[0]
    first, second, *rest = spec.columns
    twice = dataclasses.replace(second, staged_as=first.staged_as)
    with pytest.raises(ValueError, match=first.staged_as):
        derive.staged_names(dataclasses.replace(spec, columns=(first, twice, *rest)))


def test_a_personal_column_makes_the_table_personal():
    spec = all_specs()[0]
    assert derive.sensitivity(spec) == "public"
    first, *rest = spec.columns
    personal = dataclasses.replace(first, sensitivity="personal")
    assert derive.sensitivity(dataclasses.replace(spec, columns=(personal, *rest))) == "personal"
