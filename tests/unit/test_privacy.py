"""Keyed hashes of references to persons: equal to the standard, refused without a key."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import duckdb
import pytest

from orchestration import privacy
from orchestration.settings import Settings
from orchestration.warehouse import ensure_tables

KEY = "a secret of at least sixteen characters"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("PLUMBLINE_PERSON_KEY", raising=False)
    return Settings(home=tmp_path)


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    ensure_tables(con)
    return con


def enter_a_person(con: duckdb.DuckDBPyConnection) -> None:
    """From then on the warehouse has a key to keep to."""
    con.execute("insert into raw.legacy__persons by name select 'hash' as person_ref")


@pytest.mark.parametrize("secret", [b"short but enough!", b"k" * 64, b"longer than a block " * 9])
@pytest.mark.parametrize("reference", ["P0001", "  P0001 ", "Zoë/ß-1", "x" * 300])
def test_the_sql_is_hmac_sha256(
    con: duckdb.DuckDBPyConnection, secret: bytes, reference: str
) -> None:
    key = privacy.PersonKey(secret, is_demo=False)
    privacy.use_key(con, key)
    got = con.execute(f"select {privacy.pseudonym_sql('r')} from (select $1 as r)", [reference])
    expected = hmac.new(secret, reference.strip().encode(), hashlib.sha256).hexdigest()
    assert got.fetchone() == (expected,)
    assert key.pseudonym(reference) == expected


@pytest.mark.parametrize("empty", ["", "   ", None])
def test_no_reference_gives_no_hash(con: duckdb.DuckDBPyConnection, empty: str | None) -> None:
    privacy.use_key(con, privacy.DEMO)
    sql = f"select {privacy.pseudonym_sql('r')} from (select $1::varchar as r)"
    got = con.execute(sql, [empty])
    assert got.fetchone() == (None,)


def test_real_records_need_a_key(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    with pytest.raises(privacy.PrivacyError, match="set PLUMBLINE_PERSON_KEY") as refused:
        privacy.key_for(con, settings, file_name="legacy_persons_2021-03.csv", is_artificial=False)
    assert "legacy_persons_2021-03.csv" in str(refused.value)


def test_a_poor_key_is_no_key(
    con: duckdb.DuckDBPyConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", "secret")
    with pytest.raises(privacy.PrivacyError, match="at least 16"):
        privacy.key_for(con, settings, file_name="x", is_artificial=False)
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", privacy.DEMO_KEY.decode())
    with pytest.raises(privacy.PrivacyError, match="demonstration key"):
        privacy.key_for(con, settings, file_name="x", is_artificial=False)


def test_artificial_records_do_with_the_key_that_everyone_knows(
    con: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    assert privacy.key_for(con, settings, file_name="x", is_artificial=True).is_demo
    enter_a_person(con)
    assert privacy.key_in_force(con, settings) == privacy.DEMO


def test_artificial_records_never_take_the_key_of_real_ones(
    con: duckdb.DuckDBPyConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", KEY)
    assert privacy.key_for(con, settings, file_name="x", is_artificial=True).is_demo
    enter_a_person(con)
    assert privacy.key_in_force(con, settings) == privacy.DEMO
    with pytest.raises(privacy.PrivacyError, match=r"real\.csv: .* holds simulated records"):
        privacy.key_for(con, settings, file_name="real.csv", is_artificial=False)


def test_a_key_under_which_nothing_came_in_binds_nobody(
    con: duckdb.DuckDBPyConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    privacy.key_for(con, settings, file_name="refused.csv", is_artificial=True)
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", KEY)
    assert not privacy.key_for(con, settings, file_name="x", is_artificial=False).is_demo


def test_a_warehouse_keeps_to_its_key(
    con: duckdb.DuckDBPyConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", KEY)
    assert not privacy.key_for(con, settings, file_name="x", is_artificial=False).is_demo
    enter_a_person(con)
    with pytest.raises(privacy.PrivacyError, match="these are simulated"):
        privacy.key_for(con, settings, file_name="x", is_artificial=True)
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", KEY + "!")
    with pytest.raises(privacy.PrivacyError, match="not the one this warehouse was begun with"):
        privacy.key_for(con, settings, file_name="x", is_artificial=False)
    with pytest.raises(privacy.PrivacyError, match="not the one"):
        privacy.key_in_force(con, settings)
    monkeypatch.delenv("PLUMBLINE_PERSON_KEY")
    with pytest.raises(privacy.PrivacyError, match="name another PLUMBLINE_HOME"):
        privacy.key_for(con, settings, file_name="x", is_artificial=True)
    with pytest.raises(privacy.PrivacyError, match="is not set"):
        privacy.key_in_force(con, settings)


def test_real_records_are_not_mixed_with_simulated_ones(
    con: duckdb.DuckDBPyConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    privacy.key_for(con, settings, file_name="x", is_artificial=True)
    enter_a_person(con)
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", KEY)
    with pytest.raises(privacy.PrivacyError, match="holds simulated records"):
        privacy.key_for(con, settings, file_name="x", is_artificial=False)


def test_the_key_shows_nowhere(con: duckdb.DuckDBPyConnection) -> None:
    key = privacy.PersonKey(KEY.encode(), is_demo=False)
    privacy.use_key(con, key)
    assert KEY not in repr(key)
    assert KEY not in privacy.pseudonym_sql("r")
    assert KEY.encode().hex() not in key.fingerprint


def test_a_manifest_vouches_for_the_files_it_lists(tmp_path: Path) -> None:
    (tmp_path / "force").mkdir()
    files = {"legacy/a.csv": "ab" * 32}
    (tmp_path / "force" / privacy.SIMULATION_MANIFEST).write_text(json.dumps({"files": files}))
    assert privacy.simulated_digests(tmp_path) == {"ab" * 32}
    (tmp_path / privacy.SIMULATION_MANIFEST).write_text("not JSON")
    assert privacy.simulated_digests(tmp_path) == {"ab" * 32}
    assert privacy.simulated_digests(tmp_path / "nowhere") == frozenset()


@pytest.mark.parametrize(
    "value",
    ["ZZ", "IC9", "250", "-3", "17.5", "1066", "twenty", "not known", "18 to 24", "2019-02-30", ""],
)
def test_values_that_are_no_reference_are_shown(con: duckdb.DuckDBPyConnection, value: str) -> None:
    shown = con.execute(f"select {privacy.shown_sql('v')} from (select $1 as v)", [value])
    assert shown.fetchone() == (value,)


@pytest.mark.parametrize(
    "value",
    ["P0895000015", "P12345", "N123456", "TESTWn4Rt4ww00zIOJ8rYBMf5fgC4tvI", "a P0895000015 b"],
)
def test_values_that_may_be_a_reference_are_not(con: duckdb.DuckDBPyConnection, value: str) -> None:
    shown = con.execute(f"select {privacy.shown_sql('v')} from (select $1 as v)", [value])
    assert shown.fetchone() == (privacy.VALUE_WITHHELD,)
