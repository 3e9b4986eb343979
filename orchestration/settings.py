"""Settings: ``plumbline.yml`` and the environment, read once into one typed, validated object.

Everything a force configures is here. What does not belong: column meanings (contracts), gate
thresholds (expectations), code lists and event dates (dbt seeds).

Order of precedence: command line, environment (``PLUMBLINE_HOME``, ``PLUMBLINE_LANDING``,
``PLUMBLINE_CONFIG``), ``plumbline.yml``, defaults. Secrets come from the environment only.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import itertools
import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

PROJECT = Path(__file__).resolve().parents[1]
DBT_PROJECT = PROJECT / "dbt_project"
EXPECTATIONS = PROJECT / "expectations"


class SettingsError(Exception):
    """Configuration that cannot be used; the message says where and what to write instead."""


@cache
def seed_rows(name: str) -> tuple[dict[str, str], ...]:
    """Rows of a seed of the dbt project: a code list that a setting is held against."""
    with (DBT_PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return tuple(csv.DictReader(handle))


def _none_such(what: str, name: str, known: Iterable[str]) -> str:
    """Words for a name that is none: the nearest of those that are, and all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]}?" if near else ";"
    return f"there is no {what} {name!r}{meant} there are: {', '.join(names)}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Force(_Strict):
    """The force the warehouse is for: codes of ``dbt_project/seeds/forces.csv``."""

    code: str = "west-midlands"
    name: str = "West Midlands Police"
    region_code: str = "E12000005"


class Periods(_Strict):
    """Financial years that are compared."""

    baseline: str = Field("2019/20", pattern=r"^\d{4}/\d{2}$")
    current: str = Field("2021/22", pattern=r"^\d{4}/\d{2}$")
    #: last month of the current year to date (the baseline is cut at the same month); none: all of
    #: both years
    last_month: str | None = Field("2021-11", pattern=r"^\d{4}-(0[1-9]|1[0-2])$")

    @model_validator(mode="after")
    def _makes_sense(self) -> Periods:
        for name in ("baseline", "current"):
            first, last = getattr(self, name).split("/")
            if (int(first) + 1) % 100 != int(last):
                raise ValueError(f"{name} {getattr(self, name)!r} is no year: write 2019/20")
        if self.last_month is not None:
            first = int(self.current[:4])
            if not f"{first}-04" <= self.last_month <= f"{first + 1}-03":
                raise ValueError(
                    f"last_month {self.last_month} does not lie in the current year "
                    f"{self.current} (April {first} to March {first + 1})"
                )
        return self


class SourceTable(_Strict):
    """How one raw table is found: whether at all, under which file names, with which titles."""

    enabled: bool = True
    files: list[str] = Field(default_factory=list)
    #: layout -> column -> its title; none: the column is not in the extract
    layouts: dict[str, dict[str, str | None]] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        return getattr(self, key, default)


class RecordingEra(_Strict):
    """A time in which one system was the one that recorded crime. ``last_day`` empty: until now."""

    code: str = Field(pattern=r"^[a-z0-9_]+$")
    name: str
    system: Literal["legacy", "connect"]
    first_day: dt.date
    last_day: dt.date | None = None
    evidence: str = ""


class KnownEvent(_Strict):
    """Something known to have changed what is recorded, or what happened.

    ``action``: what a comparison does about it: ``break`` (never compare across it), ``exclude``
    (leave its days out), ``flag`` (compare, with the warning), ``note`` (mention it).
    """

    code: str = Field(pattern=r"^[a-z0-9_]+$")
    name: str
    kind: Literal["recording_system", "recording_practice", "counting_rule", "reporting", "crime"]
    action: Literal["break", "exclude", "flag", "note"]
    first_day: dt.date
    last_day: dt.date | None = None
    measures: str = "all"
    #: recording checks that it concerns, as ``measures``; none: all of them for a system, else none
    checks: str = ""
    evidence: str


class Privacy(_Strict):
    """How references to persons are protected (see README, Privacy).

    ``key_variable`` names the environment variable with the secret key; ``raw_retention`` whether
    untouched copies of extracts that hold person references are kept, readable by their owner only.
    """

    key_variable: str = Field("PLUMBLINE_PERSON_KEY", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    raw_retention: bool = False


class DisclosurePolicy(_Strict):
    """What a release shows of counts below the force: none from 1 to ``least_shown`` - 1, others
    to the nearest multiple of ``rounding_base`` (1: as they are)."""

    least_shown: int = Field(ge=1, le=100)
    rounding_base: int = Field(1, ge=1, le=100)

    @model_validator(mode="after")
    def _shows_no_rounded_nought(self) -> DisclosurePolicy:
        if self.rounding_base > 1 and 2 * self.least_shown < self.rounding_base:
            raise ValueError(
                f"counts of {self.least_shown} would be rounded to 0 by a rounding_base of "
                f"{self.rounding_base}: raise least_shown"
            )
        return self


class Disclosure(_Strict):
    """Policies that differ from the seed ``disclosure_policies``, by code."""

    policies: dict[str, DisclosurePolicy] = Field(default_factory=dict)


class AlertRoute(_Strict):
    """Where news of alerts goes: those at least as severe as ``severity`` that one of ``owners``
    acts on (none named: all). ``url_variable`` names the environment variable that holds the
    address, which is a secret."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$")
    url_variable: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    severity: Literal["note", "warning", "critical"] = "warning"
    owners: list[str] = Field(default_factory=list)


class Alerts(_Strict):
    """How findings become alerts, and how they are told."""

    #: assessed months without the finding that an alert bridges before it ends
    gap_months: int = Field(1, ge=0, le=12)
    #: more news than this for one route goes out as one message
    digest_above: int = Field(5, ge=1)
    attempts: int = Field(3, ge=1, le=10)
    #: pause after the first attempt that failed; it doubles after each
    backoff_seconds: float = Field(2, ge=0)
    #: for one attempt, and for all deliveries of one run
    timeout_seconds: float = Field(20, gt=0)
    budget_seconds: float = Field(120, gt=0)
    #: news that no attempt got through for so long is not tried again
    give_up_days: int = Field(7, ge=1)
    routes: list[AlertRoute] = Field(default_factory=list)

    @field_validator("routes")
    @classmethod
    def _each_once(cls, value: list[AlertRoute]) -> list[AlertRoute]:
        names = [route.name for route in value]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"each route once: {', '.join(twice)} stands there more than once")
        return value


class Simulate(_Strict):
    """What `plumbline run` simulates where it has no landing at all."""

    scenario: str = "reference"
    scale: float = Field(1.0, gt=0)
    seed: int = 20211231


class Releases(_Strict):
    keep_last: int = Field(10, ge=2)


class Warehouse(_Strict):
    memory_limit: str = "1200MB"
    threads: int | None = Field(None, ge=1)
    transaction_bytes: int = Field(2_000_000_000, ge=1_000_000)
    lock_wait_seconds: float = Field(3600, ge=0)


class Settings(_Strict):
    """Everything configured, validated. Paths are absolute."""

    home: Path = Field(Path("data"), validate_default=True)
    landing: Path | None = None
    force: Force = Force()
    periods: Periods = Periods()
    sources: dict[str, dict[str, SourceTable]] = Field(default_factory=dict)
    code_lists: dict[str, list[str]] = Field(default_factory=dict)
    code_maps: dict[str, dict[str, str]] = Field(default_factory=dict)
    recording_eras: list[RecordingEra] = Field(default_factory=list)
    known_events: list[KnownEvent] = Field(default_factory=list)
    #: settings of the linkage of both systems (seed linkage_settings) that are this force's own
    linkage: dict[str, float] = Field(default_factory=dict)
    privacy: Privacy = Privacy()
    disclosure: Disclosure = Disclosure()
    alerts: Alerts = Alerts()
    simulate: Simulate = Simulate()
    releases: Releases = Releases()
    warehouse: Warehouse = Warehouse()
    config_path: Path | None = None

    @field_validator("home", "landing")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value is not None else None

    @field_validator("home")
    @classmethod
    def _openable(cls, value: Path) -> Path:
        # DuckDB takes what follows a question mark for options, and then misses its own log file.
        if "?" in str(value):
            raise ValueError("the path may not hold a question mark; name another folder")
        return value

    @field_validator("code_maps", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        # YAML reads an unquoted 1 as a number, and codes are text.
        if not isinstance(value, dict):
            return value
        return {
            k: {str(a): str(b) for a, b in v.items()} if isinstance(v, dict) else v
            for k, v in value.items()
        }

    @field_validator("sources")
    @classmethod
    def _known_columns(
        cls, value: dict[str, dict[str, SourceTable]]
    ) -> dict[str, dict[str, SourceTable]]:
        from orchestration.sources.headers import MAPS, column_map

        known = [path.stem.replace("__", "/") for path in MAPS.glob("*.csv")]
        for source, tables in value.items():
            for name, table in tables.items():
                if f"{source}/{name}" not in known:
                    raise ValueError(_none_such("table", f"{source}/{name}", known))
                columns, _ = column_map(f"{source}/{name}")
                for layout, titles in table.layouts.items():
                    for column in titles:
                        if column not in columns:
                            words = _none_such("column", column, columns)
                            raise ValueError(f"{source}.{name}.layouts.{layout}: {words}")
        return value

    @field_validator("linkage", mode="before")
    @classmethod
    def _known_settings(cls, value: Any) -> Any:
        known = [row["setting"] for row in seed_rows("linkage_settings")]
        wrong = [str(k) for k in value if k not in known] if isinstance(value, dict) else []
        if wrong:
            raise ValueError("; ".join(_none_such("setting", name, known) for name in wrong))
        return value

    @field_validator("recording_eras", "known_events")
    @classmethod
    def _each_once(cls, value: list[Any]) -> list[Any]:
        codes = [each.code for each in value]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"each code once: {', '.join(twice)} stands there more than once")
        return value

    @field_validator("recording_eras")
    @classmethod
    def _in_turn(cls, value: list[RecordingEra]) -> list[RecordingEra]:
        eras = sorted(value, key=lambda era: era.first_day)
        for era, following in itertools.pairwise(eras):
            if era.last_day is None or era.last_day >= following.first_day:
                raise ValueError(
                    f"era {era.code!r} must end before {following.code!r} begins "
                    f"({following.first_day}): give it a last_day"
                )
        return eras

    @property
    def landing_dir(self) -> Path:
        return self.landing if self.landing is not None else self.home / "landing"

    @property
    def raw_dir(self) -> Path:
        return self.home / "raw"

    @property
    def warehouse_path(self) -> Path:
        return self.home / "warehouse" / "plumbline.duckdb"

    @property
    def ledger_snapshot(self) -> Path:
        """A copy of the ledger that can be read while a run is writing."""
        return self.home / "warehouse" / "ledger_snapshot.duckdb"

    @property
    def work_dir(self) -> Path:
        return self.home / "work"

    @property
    def releases_dir(self) -> Path:
        return self.home / "releases"

    @property
    def docs_dir(self) -> Path:
        return self.home / "docs"

    @property
    def dbt_dir(self) -> Path:
        return self.home / "dbt"


def config_file(explicit: Path | None = None) -> Path | None:
    """The configuration in force: given, ``PLUMBLINE_CONFIG``, ``./plumbline.yml``, the project's.

    Raises SettingsError where one is named and does not exist.
    """
    named = explicit or (Path(p) if (p := os.environ.get("PLUMBLINE_CONFIG")) else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(f"configuration file {named} does not exist")
        return named.absolute()
    for candidate in (Path.cwd() / "plumbline.yml", PROJECT / "plumbline.yml"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _read_yaml(path: Path, stamp: int) -> dict[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not readable YAML: {error}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingsError(f"{path} must hold keys and values, not a {type(data).__name__}")
    return data


def load_settings(
    *,
    home: Path | None = None,
    landing: Path | None = None,
    config: Path | None = None,
    overrides: dict[str, Any] | None = None,
) -> Settings:
    """Settings from file, environment and arguments (strongest last).

    Raises SettingsError naming the file and key of anything that is wrong.
    """
    path = config_file(config)
    data: dict[str, Any] = {}
    if path is not None:
        data = dict(_read_yaml(path, path.stat().st_mtime_ns))
    for key, variable in (("home", "PLUMBLINE_HOME"), ("landing", "PLUMBLINE_LANDING")):
        if value := os.environ.get(variable):
            data[key] = value
    if home is not None:
        data["home"] = home
    if landing is not None:
        data["landing"] = landing
    data.update(overrides or {})
    data["config_path"] = path
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(p) for p in e['loc'])}: {_words(e)}" for e in error.errors()
        )
        raise SettingsError(f"{path or 'settings'}: {problems}") from None


def _words(error: Any) -> str:
    """What is wrong with a setting. Of a key that is none: which there are at that place."""
    if error["type"] != "extra_forbidden":
        return str(error["msg"]).removeprefix("Value error, ")
    *place, name = error["loc"]
    return _none_such("key", str(name), _keys_at(place))


def _keys_at(place: Sequence[Any]) -> list[str]:
    """Keys that the settings know at a place, such as ``("sources", "legacy", "crimes")``."""
    here: Any = Settings
    for part in place:
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = here.model_fields[part].annotation
        else:
            # The values of a mapping, or the items of a list.
            here = get_args(here)[-1]
    return [name for name in here.model_fields if name != "config_path"]


def unlisted_force(settings: Settings) -> str | None:
    """What a reader must know where the configured force is none of ``forces.csv``; else None."""
    listed = {row["force_code"]: row for row in seed_rows("forces")}
    code, region = settings.force.code, settings.force.region_code
    words = []
    if code not in listed or listed[code]["is_territorial"] != "true":
        near = difflib.get_close_matches(
            code, [c for c, row in listed.items() if row["is_territorial"] == "true"], n=3
        )
        nearest = f" (nearest: {', '.join(near)})" if near else ""
        words.append(
            f"force.code {code!r} is none of the 43 territorial forces of "
            f"dbt_project/seeds/forces.csv{nearest}. Its own records are counted under the name "
            f"{settings.force.name!r}; what needs published figures of the force is not assessed: "
            "its comparison with other forces, rates per resident, disproportionality, claims"
        )
    if region not in {row["region_code"] for row in listed.values()}:
        words.append(
            f"force.region_code {region!r} is no region of dbt_project/seeds/forces.csv, so crime "
            "is not set against the hospitals of a region"
        )
    return "; ".join(words) if words else None


def configured_code_lists() -> dict[str, Any]:
    """The section ``code_lists`` of the configuration in force."""
    path = config_file()
    if path is None:
        return {}
    return _read_yaml(path, path.stat().st_mtime_ns).get("code_lists") or {}


def extra_codes(name: str) -> frozenset[str]:
    """Codes a force adds to the list ``<seed>.<column>`` under ``code_lists`` in its settings."""
    return frozenset(str(v) for v in configured_code_lists().get(name, ()))


def configured_code_maps() -> dict[str, dict[str, str]]:
    """The section ``code_maps`` of the configuration: list -> own code -> conformed code."""
    path = config_file()
    if path is None:
        return {}
    maps = _read_yaml(path, path.stat().st_mtime_ns).get("code_maps") or {}
    return {str(k): dict(v or {}) for k, v in maps.items()} if isinstance(maps, dict) else {}
