"""A force's own extracts: their names and what these claim, its own names, titles and codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import force_support as force
import pyarrow as pa
import pytest
import yaml

from orchestration.contracts import all_specs, spec
from orchestration.contracts.code_lists import CODE_MAP_SEED
from orchestration.settings import PROJECT, Settings
from orchestration.sources import registry
from orchestration.sources.hospital.read import hes_year
from orchestration.sources.model import Member, Refused, Unrecognised

FORCE_SPECS = [s for s in all_specs() if s.source in registry.FORCE_SOURCES]


def identify(folder: Path, name: str, data: bytes, settings: object = None):
    path = folder / name
    path.write_bytes(data)
    (found,) = registry.identify(path, name, settings)
    return found


@pytest.mark.parametrize("table", list(force.FILES))
@pytest.mark.parametrize("file_format", force.FORMATS)
def test_canonical_names_claim_their_table_and_period(
    tmp_path: Path, table: str, file_format: str
) -> None:
    name, data = force.extract(table, file_format)
    member = identify(tmp_path, name, data)
    assert isinstance(member, Member), member
    period = force.FILES[table][1]
    assert (member.table, member.claim, member.claim_period) == (table, period, period or None)
    assert member.notes == ()
    assert registry.table_named(name.upper()) == table


def test_the_readme_names_the_files_as_they_are() -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    section = text.partition("A force's own extracts")[2].partition("Files and folders whose name")[
        0
    ]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, flags=re.M)
    assert [source for source, _ in rows] == list(registry.FORCE_SOURCES)
    for source, words in rows:
        named = set()
        for shown in re.findall(r"`([^`]+)`", words):
            shown = shown.replace("…", "2021-22" if source in YEARLY else "2021-03")
            table = registry.table_named(shown if "." in shown else f"{shown}.csv")
            assert table is not None and table.startswith(f"{source}/"), shown
            named.add(table)
        assert named == {s.name for s in FORCE_SPECS if s.source == source}


YEARLY = {"grants", "programme"}


@pytest.mark.parametrize("declared", FORCE_SPECS, ids=lambda s: s.name)
def test_a_name_must_say_the_period_where_the_rows_do_not(tmp_path: Path, declared) -> None:
    stem, period = force.FILES[declared.name]
    bare = re.sub(r"_\d{4}-\d\d$", "", stem)
    data = force.to_bytes(force.typed(declared.name), "csv")
    found = identify(tmp_path, f"{bare}.csv", data)
    if "{claim}" not in declared.slot_sql:
        assert isinstance(found, Member)
        assert (found.claim, found.claim_period) == ("", None)
        return
    assert isinstance(found, Refused)
    assert (found.table, found.code) == (declared.name, "bad_file_name")
    assert "month" in found.message if len(period) == 7 and "/" not in period else "year"
    example = re.search(r"write it as in (\S+\.csv)", found.message)
    assert example is not None
    assert isinstance(identify(tmp_path, example[1], data), Member)
    assert f"sources.{declared.source}.{declared.table}.options.name" in found.message


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("legacy_persons_2019-04 (1).csv", "2019-04"),
        ("Legacy-Persons 201904.CSV", "2019-04"),
        ("legacy_persons_2019_04_final.csv", "2019-04"),
        ("legacy_persons_2019-04_2019-04.csv", "2019-04"),
        ("legacy_persons_2019-13.csv", None),
        ("legacy_persons_2019-04-30.csv", None),
        ("legacy_persons_20190430.csv", None),
        ("legacy_persons_2019-04_2019-06.csv", None),
        ("legacy_persons_19-04.csv", None),
        ("programme_training_2021-2022.csv", "2021/22"),
        ("programme_training_2021_22.csv", "2021/22"),
        ("programme_training_2021-23.csv", None),
        ("programme_training_2021-04.csv", None),
    ],
)
def test_how_a_name_spells_its_period(tmp_path: Path, name: str, claim: str | None) -> None:
    table = "legacy/persons" if "ersons" in name else "programme/training"
    found = identify(tmp_path, name, force.to_bytes(force.typed(table), "csv"))
    if claim is None:
        assert isinstance(found, Refused)
        assert found.code == "bad_file_name"
        assert name in found.message
    else:
        assert isinstance(found, Member)
        assert found.claim == claim


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("legacy_crimes_extra_2019-04.csv", "legacy/crimes"),
        ("legacy_crimesheet.csv", None),
        ("my_legacy_crimes_2019-04.csv", None),
        ("ecds_2019-04.csv", "hospital/ecds"),
        ("ecdsomething.csv", None),
        ("artificial_hes_apc_0102_truncated.csv", "hospital/hes_apc"),
        ("artificial_hes_ae_0708_truncated.csv", None),
    ],
)
def test_which_names_are_claimed(name: str, table: str | None) -> None:
    assert registry.table_named(name) == table


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("hes_apc_2019-20.csv", "2019/20"),
        ("hes_apc_1920.csv", "2019/20"),
        ("artificial_hes_apc_0102_truncated.csv", "2001/02"),
        ("hes_apc_9900.csv", "1999/00"),
        ("hes_apc_8990.csv", "1989/90"),
        ("hes_apc_2021.csv", "2020/21"),
        ("hes_apc_1921.csv", None),
        ("hes_apc.csv", None),
    ],
)
def test_the_year_of_a_hospital_extract(name: str, year: str | None) -> None:
    assert hes_year(name) == year


def test_file_under_another_name_is_known_by_its_titles(tmp_path: Path) -> None:
    for table in force.FILES:
        found = identify(tmp_path, "2021-03 2021-22.csv", force.extract(table)[1])
        # One financial year and one month in the name: either is found by whoever needs it.
        assert found.table == table, found


# ----------------------------------------------------------------------- a force's own words


def own_title(column: str) -> str:
    return f"{column.title()} (own)"


def own_settings() -> dict:
    """Configuration of a force with other names and titles for everything."""
    sources: dict[str, dict] = {}
    for n, (table, (_, period)) in enumerate(force.FILES.items()):
        source, _, name = table.partition("/")
        how = r"-(?P<year>\d{4})$" if "/" in period else r"-(?P<month>\d\d)\.(?P<year>\d{4})"
        sources.setdefault(source, {})[name] = {
            "files": [f"X{n:02d}-*.csv", f"X{n:02d}-*.PARQUET"],
            "options": {"name": how.replace("$", r"\.")},
            "layouts": {"own": {c.name: own_title(c.name) for c in spec(table).columns}},
        }
    return sources


def own_file(table: str, file_format: str = "csv", data: pa.Table | None = None):
    """Name and bytes of the force's file of a table."""
    n = list(force.FILES).index(table)
    period = force.FILES[table][1]
    when = f"{period[5:]}.{period[:4]}" if "-" in period else period[:4] or "all"
    data = force.typed(table) if data is None else data
    names = [own_title(c.name) for c in spec(table).columns]
    return f"X{n:02d}-{when}.{file_format}", force.to_bytes(data.rename_columns(names), file_format)


@pytest.mark.parametrize("table", list(force.FILES))
@pytest.mark.parametrize("as_class", [False, True])
def test_its_own_names_and_titles_are_configuration(
    tmp_path: Path, table: str, as_class: bool
) -> None:
    settings: object = SimpleNamespace(sources=own_settings())
    if as_class:
        settings = Settings.model_validate({"sources": own_settings()})
    expected = None
    for file_format in force.FORMATS:
        name, data = own_file(table, file_format)
        found = identify(tmp_path, name, data, settings)
        assert isinstance(found, Member), found
        period = force.FILES[table][1]
        assert (found.table, found.layout_era) == (table, "own")
        assert (found.claim, found.claim_period) == (period, period or None)
        rows = [r for b in registry.read(found, tmp_path / name) for r in b.rows.to_pylist()]
        if expected is None:
            stem = f"{force.FILES[table][0]}.csv"
            plain = identify(tmp_path, stem, force.extract(table)[1])
            expected = [
                r for b in registry.read(plain, tmp_path / stem) for r in b.rows.to_pylist()
            ]
        if file_format.startswith("csv"):
            assert rows == expected
        assert len(rows) == len(expected)


def test_a_pattern_that_is_none_is_said_so(tmp_path: Path) -> None:
    for pattern, words in (
        (r"(?P<year>", "not a regular expression"),
        (r"(?P<year>\d\d)-(?P<month>\d\d)", "four digits"),
    ):
        settings = SimpleNamespace(
            sources={"legacy": {"persons": {"files": ["p*"], "name": pattern}}}
        )
        found = identify(tmp_path, "p19-04.csv", force.extract("legacy/persons")[1], settings)
        assert isinstance(found, Refused)
        assert found.code == "bad_configuration"
        assert words in found.message


def with_pattern(pattern: str) -> SimpleNamespace:
    return SimpleNamespace(
        sources={"legacy": {"persons": {"files": ["p*"], "options": {"name": pattern}}}}
    )


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("p_June_2019.csv", "2019-06"),
        ("p_jun_2019.csv", "2019-06"),
        ("p_Sept_2019.csv", "2019-09"),
        ("p_6_2019.csv", "2019-06"),
        ("p_06_2019.csv", "2019-06"),
    ],
)
def test_a_pattern_may_find_a_month_by_its_name(tmp_path: Path, name: str, period: str) -> None:
    settings = with_pattern(r"p_(?P<month>[^_]+)_(?P<year>\d{4})")
    found = identify(tmp_path, name, force.extract("legacy/persons")[1], settings)
    assert isinstance(found, Member), found
    assert found.claim == period


@pytest.mark.parametrize("name", ["p_Junip_2019.csv", "p_Ju_2019.csv", "p_Q2_2019.csv"])
def test_what_is_no_month_is_refused_by_the_name_of_the_option(tmp_path: Path, name: str) -> None:
    settings = with_pattern(r"p_(?P<month>[^_]+)_(?P<year>\d{4})")
    found = identify(tmp_path, name, force.extract("legacy/persons")[1], settings)
    assert isinstance(found, Refused)
    assert found.code == "bad_configuration"
    assert "sources.legacy.persons.options.name" in found.message


def own_layout(**titles: str | None) -> SimpleNamespace:
    return SimpleNamespace(sources={"legacy": {"crimes": {"layouts": {"niche": titles}}}})


def test_columns_that_an_own_layout_leaves_out_keep_their_titles(tmp_path: Path) -> None:
    titles = {"offence_code": "HO code", "crime_number": "Crime No"}
    data = force.typed("legacy/crimes")
    data = data.rename_columns([titles.get(n, n) for n in data.column_names])
    found = identify(
        tmp_path, "legacy_crimes_2019-04.csv", force.to_bytes(data, "csv"), own_layout(**titles)
    )
    assert isinstance(found, Member), found
    assert found.layout_era == "niche"
    assert dict(found.columns) == {
        titles.get(c.name, c.name): c.name for c in spec("legacy/crimes").columns
    }
    # The order of the settings is no order of columns.
    assert found.notes == ()


def test_a_title_that_no_layout_knows_is_named_with_what_could_be_added(tmp_path: Path) -> None:
    data = force.typed("legacy/crimes")
    renamed = {"offence_code": "HO code", "crime_number": "Crime No"}
    data = data.rename_columns([renamed.get(n, n) for n in data.column_names])
    found = identify(
        tmp_path,
        "legacy_crimes_2019-04.csv",
        force.to_bytes(data, "csv"),
        own_layout(offence_code="HO code"),
    )
    assert isinstance(found, Refused)
    assert "not known: 'Crime No'" in found.message
    assert "add it to the layout 'niche'" in found.message
    assert "crime_number" in found.message


def test_a_column_named_with_no_title_is_not_looked_for(tmp_path: Path) -> None:
    titles = {"offence_code": "HO code", "crime_number": None}
    data = force.typed("legacy/crimes").rename_columns(
        [{"offence_code": "HO code"}.get(c.name, c.name) for c in spec("legacy/crimes").columns]
    )
    name = "legacy_crimes_2019-04.csv"
    found = identify(tmp_path, name, force.to_bytes(data, "csv"), own_layout(**titles))
    assert isinstance(found, Refused)
    without = force.to_bytes(data.drop_columns(["crime_number"]), "csv")
    assert isinstance(identify(tmp_path, name, without, own_layout(**titles)), Member)


def test_a_title_too_few_or_too_many_is_named(tmp_path: Path) -> None:
    data = force.typed("connect/investigations")
    short = data.drop_columns(["beat_code"])
    found = identify(tmp_path, "connect_investigations_2021-05.csv", force.to_bytes(short, "csv"))
    assert found.code == "wrong_header"
    assert "missing: 'beat_code'" in found.message
    more = data.append_column("victim_name", pa.array(["x"] * data.num_rows))
    found = identify(tmp_path, "connect_investigations_2021-05.csv", force.to_bytes(more, "csv"))
    assert "not known: 'victim_name'" in found.message
    assert isinstance(identify(tmp_path, "x.csv", b"crime_number,sex\n1,M\n"), Unrecognised)


LOADER = """
import json, sys
from pathlib import Path
import force_support as force
import test_sources_force as own
import pyarrow as pa
from landing_support import Bench
from orchestration import load
from orchestration.contracts import spec
from orchestration.settings import load_settings

def passed(con, settings, spec, loads, run_id, has_duplicates):
    for each in loads:
        each.gate_status = "pass"

load._gate = passed
folder = Path(sys.argv[1])
bench = Bench(folder, load_settings(home=folder / "home", landing=folder / "landing"))
for table in force.FILES:
    data = force.typed(table)
    for at, column in enumerate(spec(table).columns):
        if own.list_of(column) and column.separator is None:
            codes = [v and own.own_code(v) for v in data.column(at).to_pylist()]
            data = data.set_column(at, column.title, pa.array(codes, pa.string()))
    bench.put(*own.own_file(table, data=data))
print(json.dumps({f"{o.source}/{o.table_name}": [o.outcome, o.row_count_entered, o.reason]
                  for o in bench.load().values()}))
"""


def list_of(column) -> str | None:
    """The code list of a column that a force may map its own codes to."""
    seed, _, condition = (column.code_list or "").partition("?")
    return condition.partition("=")[2] if seed.startswith(CODE_MAP_SEED) else None


def own_code(code: str) -> str:
    """The force's own word for a code: the same every time it is asked."""
    return code if code.startswith("own ") else f"own {code}"


def test_its_own_codes_are_configuration(tmp_path: Path) -> None:
    maps: dict[str, dict[str, str]] = {}
    has_codes = set()
    for declared in FORCE_SPECS:
        for column in declared.columns:
            if list_code := list_of(column):
                assert column.isin is not None
                maps[list_code] = {own_code(code): code for code in column.isin}
                if column.separator is None:
                    has_codes.add(declared.name)
    assert len(maps) >= 20
    results = {}
    for with_maps in (True, False):
        folder = tmp_path / str(with_maps)
        folder.mkdir()
        config = {"sources": own_settings(), "code_maps": maps if with_maps else {}}
        (folder / "plumbline.yml").write_text(yaml.safe_dump(config, sort_keys=False))
        done = subprocess.run(
            [sys.executable, "-c", LOADER, str(folder)],
            env={
                **os.environ,
                "PLUMBLINE_CONFIG": str(folder / "plumbline.yml"),
                "PLUMBLINE_PERSON_KEY": "a key of the tests, of nobody else",
                "PYTHONPATH": os.pathsep.join(
                    str(PROJECT / p) for p in ("", "tests/support", "tests/unit")
                ),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        results[with_maps] = json.loads(done.stdout)
    assert set(results[True]) == set(results[False]) == set(force.FILES)
    for table, (outcome, entered, reason) in results[True].items():
        assert (outcome, entered) == ("entered", 11), (table, reason)
    # Without the maps nobody knows these codes.
    assert {t for t, (_, entered, _) in results[False].items() if entered < 11} == has_codes


def test_of_its_own_patterns_the_longest_claims_a_file() -> None:
    sources = {
        "connect": {
            "investigations": {"files": ["ATHENA-INV*"]},
            "involvements": {"files": ["ATHENA-INVOLVED*"]},
        }
    }
    settings = SimpleNamespace(sources=sources)
    assert registry.table_named("ATHENA-INV_2021-05.csv", settings) == "connect/investigations"
    assert registry.table_named("ATHENA-INVOLVED_2021-05.csv", settings) == "connect/involvements"
