"""Settings: precedence, absolute paths, errors that name the file and the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.settings import SettingsError, load_settings, unlisted_force


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    for name in ("PLUMBLINE_HOME", "PLUMBLINE_LANDING", "PLUMBLINE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_every_path_is_absolute_also_the_default(tmp_path):
    settings = load_settings()
    assert settings.home == tmp_path / "data"
    assert settings.landing_dir == tmp_path / "data" / "landing"
    assert settings.warehouse_path.is_absolute()


def test_arguments_go_before_the_environment_and_that_before_the_file(tmp_path, monkeypatch):
    (tmp_path / "plumbline.yml").write_text("home: from-file\nreleases: {keep_last: 3}\n")
    assert load_settings().home == tmp_path / "from-file"
    monkeypatch.setenv("PLUMBLINE_HOME", "from-environment")
    assert load_settings().home == tmp_path / "from-environment"
    assert load_settings(home=Path("given")).home == tmp_path / "given"
    assert load_settings().releases.keep_last == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("relases: {keep_last: 3}", "relases"),
        ("releases: {keep_last: 1}", "releases.keep_last"),
        ("periods: {baseline: 2019}", "periods.baseline"),
        ("home: [", "not readable YAML"),
        ("- a\n- b", "keys and values"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path, text, words):
    (tmp_path / "plumbline.yml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert words in str(error.value)
    assert "plumbline.yml" in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("force: {nme: Northmoor}", "force.nme: there is no key 'nme'; did you mean name?"),
        ("relases: {keep_last: 3}", "relases: there is no key 'relases'; did you mean releases?"),
        (
            "sources: {legacy: {crimes: {layout: {a: {b: c}}}}}",
            "sources.legacy.crimes.layout: there is no key 'layout'; did you mean layouts?",
        ),
        ("known_events: [{cde: a}]", "known_events.0.cde: there is no key 'cde'; did you mean"),
        (
            "linkage: {block_minute: 60}",
            "linkage: there is no setting 'block_minute'; did you mean block_minutes?",
        ),
        (
            "sources: {legacy: {crime: {enabled: false}}}",
            "sources: there is no table 'legacy/crime'; did you mean legacy/crimes?",
        ),
        (
            "sources: {legacy: {crimes: {layouts: {own: {Crime No: crime_number}}}}}",
            "sources: legacy.crimes.layouts.own: there is no column 'Crime No'",
        ),
        ("privacy: {zzzzzz: 1}", "there are: key_variable, raw_retention"),
    ],
)
def test_a_misspelt_key_is_refused_with_those_that_are_near(tmp_path, text, words):
    (tmp_path / "plumbline.yml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert words in str(error.value)
    assert "Extra inputs" not in str(error.value)
    assert "Value error" not in str(error.value)


def test_a_linkage_setting_of_the_seed_is_taken(tmp_path):
    (tmp_path / "plumbline.yml").write_text("linkage: {block_minutes: 1440}")
    assert load_settings().linkage == {"block_minutes": 1440}


def test_a_force_that_is_not_listed_is_said_so():
    assert unlisted_force(load_settings()) is None
    invented = {"code": "northmoor", "name": "Northmoor Constabulary"}
    words = unlisted_force(load_settings(overrides={"force": invented}))
    assert words is not None
    assert "'northmoor' is none of the 43 territorial forces" in words
    assert "not assessed" in words
    assert "Northmoor Constabulary" in words
    near = unlisted_force(load_settings(overrides={"force": {"code": "west-midland"}}))
    assert near is not None
    assert "nearest: west-midlands" in near
    region = unlisted_force(load_settings(overrides={"force": {"region_code": "E99"}}))
    assert region is not None
    assert "hospitals" in region
    assert "43" not in region


def test_a_configuration_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.yml does not exist"):
        load_settings(config=tmp_path / "nowhere.yml")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"periods": {"current": "2021/22", "last_month": "2020-11"}}, "does not lie in"),
        ({"periods": {"baseline": "2019/21"}}, "is no year"),
        (
            {
                "known_events": [
                    {
                        "code": "a",
                        "name": "A",
                        "kind": "reporting",
                        "action": "note",
                        "first_day": "2021-01-01",
                        "evidence": "",
                    }
                ]
                * 2
            },
            "each code once: a",
        ),
    ],
)
def test_periods_and_events_that_make_no_sense_are_refused_in_words(
    given: dict, words: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=words):
        load_settings(home=tmp_path, overrides=given)
