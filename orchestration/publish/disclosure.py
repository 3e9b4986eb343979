"""Which counts of the marts a release withholds, and the marts as they are released.

A mart says in its model's ``meta`` (key ``disclosure``) which of its columns count what: the series
that a count belongs to, its area and its months. Counts of the same series, area and months are the
same cell in whatever mart they stand, and are withheld in all of them or in none. The seed
``disclosure_series`` gives each series its policy, ``disclosure_policies`` the policies; a force
changes policies in ``plumbline.yml``. What to withhold beside the small counts is decided by
``orchestration.statistics.disclosure`` over all cells of a series together: units add up to the
force, months to periods, across marts.

Readers keep earlier releases, so the ledger keeps what these have shown (``ledger.disclosure``). A
count that was withheld stays withheld as long as it is the same, one that was shown protects no
other, and totals of earlier releases that still hold are sums that a reader can use.

Belongs here: declarations, policies, the table of cells and the select list of a mart as released.
Does not belong here: the choice of cells (statistics) and writing the release (``release``).
"""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestration.settings import DBT_PROJECT, DisclosurePolicy, Settings, seed_rows
from orchestration.sqltext import ident, lit
from orchestration.statistics.disclosure import Earlier, withhold

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

MARTS = DBT_PROJECT / "models" / "marts"
SERIES = "disclosure_series"  # the seed that gives every series its policy

SHOWN_AREA_TYPES = frozenset({"force", "region", "country"})
"""Areas whose counts are shown whatever they are: the policies hold below the force."""

_WORTH = 4.0
"""How much worse it is to withhold a total over a breakdown than a part of it, where there are
several breakdowns."""

_COORDINATE = ["series", "area_id", "first_month", "last_month", "parts"]


class DisclosureError(Exception):
    """A declaration or policy that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Count:
    """A column of counts. ``series``, ``area``, ``first_month`` and ``last_month`` are SQL
    expressions over the mart; ``parts`` gives what breaks the series down: an expression and the
    code of the total (None: there is none), and ``unions`` which other codes of a part are sums of
    which; ``beside`` are columns computed from the count. ``shown`` is a condition of the rows that
    are shown whatever they count, in place of those of the force and above: for breakdowns that are
    withheld at the level of the force as well. ``withheld`` is one of rows that are withheld in any
    case, so that others can be shown, and ``shown_with`` a mart that must have the same count: a
    row without it is withheld. Both only where a policy holds for the series."""

    column: str
    series: str
    area: str
    first_month: str
    last_month: str
    parts: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    unions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    shown: str | None = None
    withheld: str | None = None
    shown_with: str | None = None


@dataclass(frozen=True)
class Declaration:
    """What a mart declares: its counts, the columns computed from several of them (``beside``) or
    from counts that are not in the row (``below``: empty in every row below the force that a
    policy holds for, or in those of them for which a condition holds), the words to put into
    columns of text where a count is withheld or rounded, and a condition of the rows that a release
    leaves out (``left_out``)."""

    mart: str
    counts: tuple[Count, ...]
    beside: tuple[str, ...] = ()
    below: Mapping[str, str | None] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    words_rounded: Mapping[str, str] = field(default_factory=dict)
    is_absent_zero: bool = False
    left_out: str | None = None

    @property
    def columns(self) -> set[str]:
        """Every column that the declaration names, ``is_suppressed`` among them."""
        named = {"is_suppressed", *self.beside, *self.below, *self.words, *self.words_rounded}
        for count in self.counts:
            named |= {count.column, *count.beside}
        return named


@dataclass(frozen=True)
class Protection:
    """A mart as it may be released: ``rows`` has ``row_id`` and, for count i, ``withheld_i`` and
    ``base_i`` (what it is rounded to; 0 for not at all), for rows below the force that a policy
    holds for."""

    declaration: Declaration
    rows: pd.DataFrame
    withheld_count: int
    rounded_count: int

    def select(self, columns: Iterable[tuple[str, str]], source: str, rows: str) -> str:
        """SQL of the mart as released: ``columns`` are names and types, ``source`` and ``rows``
        relations."""
        declared = self.declaration
        numbers = range(len(declared.counts))
        withheld = {i: f"coalesce(d.withheld_{i}, false)" for i in numbers}
        touched = {i: f"({withheld[i]} or coalesce(d.base_{i}, 0) > 1)" for i in numbers}
        any_withheld = f"({' or '.join(withheld.values())})"
        any_touched = f"({' or '.join(touched.values())})"
        own = {count.column: i for i, count in enumerate(declared.counts)}
        computed = {name: touched[i] for i, c in enumerate(declared.counts) for name in c.beside}
        computed |= dict.fromkeys(declared.beside, any_touched)
        for name, where in declared.below.items():
            where = (where or "true").replace("{withheld}", any_withheld)
            computed[name] = f"(d.row_id is not null and ({where}))"
        selected = []
        for name, kind in columns:
            value = f"m.{ident(name)}"
            if name in own:
                i = own[name]
                rounded = f"floor({value} / d.base_{i} + 0.5) * d.base_{i}"
                value = (
                    f"case when {withheld[i]} then null when coalesce(d.base_{i}, 0) > 1 "
                    f"then cast({rounded} as {kind}) else {value} end"
                )
            elif name in computed:
                value = f"case when {computed[name]} then null else {value} end"
            if name in declared.words or name in declared.words_rounded:
                if name in declared.words_rounded:
                    words = lit(declared.words_rounded[name])
                    value = f"case when {any_touched} then {words} else {value} end"
                if name in declared.words:
                    words = lit(declared.words[name])
                    value = f"case when {any_withheld} then {words} else {value} end"
            if name == "is_suppressed":
                value = f"coalesce({value}, false) or {any_withheld}"
            selected.append(f"{value} as {ident(name)}")
        return f"select {', '.join(selected)} from {self.kept(source, rows)}"

    def kept(self, source: str, rows: str) -> str:
        """SQL of the rows that are released (as ``m``) with what is withheld of them (``d``)."""
        joined = f"{source} as m left join {rows} as d on m.rowid = d.row_id"
        if self.declaration.left_out is None:
            return joined
        return f"{joined} where d.row_id is null or not ({self.declaration.left_out})"


# ------------------------------------------------------------------------------------ declarations


@cache
def declarations(folder: Path = MARTS) -> dict[str, Declaration]:
    """What the marts declare, by mart. Raises DisclosureError for a declaration of another form."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = {}
    for path in sorted(folder.rglob("*.yml")):
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {}
        for model in document.get("models") or []:
            given = ((model.get("config") or {}).get("meta") or {}).get("disclosure")
            if isinstance(given, Mapping) and "counts" in given:
                found[model["name"]] = _declaration(model["name"], given)
    return found


def _declaration(mart: str, given: Mapping[str, Any]) -> Declaration:
    known = {
        *("counts", "area", "period", "parts", "absent"),
        *("beside", "below", "words", "words_rounded"),
        *("unions", "shown", "withheld", "shown_with", "left_out"),
    }
    unknown = set(given) - known
    if unknown:
        raise DisclosureError(f"{mart}: disclosure has no key {', '.join(sorted(unknown))}")
    counts = []
    for each in given["counts"]:
        try:
            first, last = each.get("period", given.get("period"))
            counts.append(
                Count(
                    column=each["column"],
                    series=each["series"],
                    area=each.get("area", given.get("area", "area_id")),
                    first_month=first,
                    last_month=last,
                    parts={
                        name: (expression, total)
                        for name, (expression, total) in each.get(
                            "parts", given.get("parts", {})
                        ).items()
                    },
                    unions=each.get("unions", given.get("unions", {})),
                    beside=tuple(each.get("beside", ())),
                    shown=each.get("shown", given.get("shown")),
                    withheld=each.get("withheld", given.get("withheld")),
                    shown_with=each.get("shown_with", given.get("shown_with")),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DisclosureError(
                f"{mart}: a count needs column, series and period [first, last]: {each}"
            ) from error
    return Declaration(
        mart,
        tuple(counts),
        tuple(given.get("beside", ())),
        _conditions(given.get("below", ())),
        dict(given.get("words", {})),
        dict(given.get("words_rounded", {})),
        given.get("absent") == "zero",
        given.get("left_out"),
    )


def _conditions(below: Iterable[str | Mapping[str, Any]]) -> dict[str, str | None]:
    """Columns by the condition under which they are empty; None for always."""
    found: dict[str, str | None] = {}
    for each in below:
        if isinstance(each, str):
            found[each] = None
        else:
            found |= dict.fromkeys(each["columns"], each["where"])
    return found


# ---------------------------------------------------------------------------------------- policies


def policies(settings: Settings) -> dict[str, DisclosurePolicy]:
    """Policies by code: those of the seed, with what the configuration changes."""
    found = {
        row["policy_code"]: DisclosurePolicy(
            least_shown=int(row["least_shown"]), rounding_base=int(row["rounding_base"])
        )
        for row in seed_rows("disclosure_policies")
    }
    for code, given in settings.disclosure.policies.items():
        if code not in found:
            raise DisclosureError(
                f"disclosure.policies.{code}: there is no such policy; there are {', '.join(found)}"
            )
        found[code] = given
    return found


@cache
def policy_of(series: str) -> str:
    """Code of a series' policy: that of the first pattern of the seed that fits.

    Raises DisclosureError where none does.
    """
    for row in seed_rows(SERIES):
        if fnmatch.fnmatchcase(series, row["series_pattern"]):
            return row["policy_code"]
    raise DisclosureError(
        f"no policy for the counts {series!r}: add a pattern to {SERIES}.csv of the seeds"
    )


def _named(series: Any) -> str:
    """A series' name without the mart that it was told apart by."""
    return str(series).split("#")[0]


@cache
def _nesting() -> list[tuple[str, str, str, str]]:
    return [
        (r["inner_series"], r["inner_parts"], r["outer_series"], r["outer_parts"])
        for r in seed_rows("disclosure_nesting")
    ]


def nested(series: Iterable[str]) -> list[tuple[str, str, str, str]]:
    """Which of some series are parts of which others: inner series and part, outer ones."""
    there = set(series)
    found = []
    for inner, inner_parts, outer, outer_parts in _nesting():
        before, star, after = inner.partition("*")
        for name in there:
            if not star:
                same = outer if name == inner else None
            elif (
                name.startswith(before)
                and name.endswith(after)
                and len(name) >= len(before) + len(after)
            ):
                same = outer.replace("*", name[len(before) : len(name) - len(after)])
            else:
                same = None
            if same is not None and same in there and same != name:
                found.append((name, inner_parts, same, outer_parts))
    return sorted(set(found))


# ------------------------------------------------------------------------------------------- cells


@dataclass(frozen=True)
class Plan:
    """What a release withholds: the marts that differ, and the cells for the ledger."""

    marts: dict[str, Protection]
    cells: pd.DataFrame


def plan(con: duckdb.DuckDBPyConnection, settings: Settings) -> Plan:
    """What to withhold of the marts in schema ``marts`` of a working database.

    Reads the marts and ``ledger.disclosure``; changes nothing. Raises DisclosureError where a
    declaration does not fit its mart or a series has no policy.
    """
    import pandas as pd

    declared = _present(con)
    in_force = policies(settings)
    cells = _cells(con, declared, in_force, settings.force.code)
    if cells.empty:
        return Plan({}, cells)
    never = cells[cells["is_never"]].assign(is_withheld=True)
    cells = cells[~cells["is_never"]]
    history = _history(con, cells["series"].unique())
    parents = _parents(con)
    state = _State(cells, history, in_force)
    ordered = _inner_first(cells)
    past_of = dict(tuple(history.groupby("series", sort=False)))
    waiting = {name for name, _ in ordered}
    while waiting:
        for series, rows in ordered:
            if series in waiting:
                waiting.remove(series)
                policy = in_force[policy_of(_named(series))]
                past = past_of.get(series, history.iloc[:0])
                _decide(series, rows, past, policy, state, parents, settings.force.code)
        waiting = state.with_more_to_withhold()
    cells = cells.merge(state.all_withheld(), on=_COORDINATE, how="left", validate="many_to_one")
    cells["is_withheld"] = cells["is_withheld"].eq(True)
    policy_by = {s: in_force[policy_of(_named(s))] for s in cells["series"].unique()}
    bases = cells["series"].map({s: policy.rounding_base for s, policy in policy_by.items()})
    cells["base"] = np.where(cells["is_withheld"] | cells["is_open"], 0, bases)
    cells.loc[cells["base"] <= 1, "base"] = 0
    cells = cells[cells["series"].map({s: _matters(p) for s, p in policy_by.items()}).astype(bool)]
    everything = pd.concat([cells, never.assign(base=0)], ignore_index=True)
    return Plan(_protections(everything, declared), _for_the_ledger(cells))


def record(con: duckdb.DuckDBPyConnection, planned: Plan, release_id: str) -> None:
    """Keep in the ledger what a release shows and withholds; before the release is linked, so that
    no release is out of which nothing is known."""
    if planned.cells.empty:
        return
    con.register("released_cells", planned.cells)
    same = " and ".join(f"k.{c} = r.{c}" for c in [*_COORDINATE, "count"])
    con.execute(
        f"""
        update ledger.disclosure as k set
            was_seen = k.was_seen or r.was_seen,
            was_withheld = k.was_withheld or r.was_withheld
        from released_cells as r
        where {same} and (r.was_seen > k.was_seen or r.was_withheld > k.was_withheld)
        """
    )
    con.execute(
        f"""
        insert into ledger.disclosure
        select {", ".join("r." + c for c in _COORDINATE)}, r.count, r.was_seen, r.was_withheld,
            {lit(release_id)}
        from released_cells as r
        where not exists (select 1 from ledger.disclosure as k where {same})
        """
    )
    con.unregister("released_cells")


def _present(con: duckdb.DuckDBPyConnection) -> dict[str, Declaration]:
    """Declarations of the marts that are there, checked against their columns."""
    columns: dict[str, set[str]] = {}
    for mart, column in con.execute(
        "select table_name, column_name from duckdb_columns() "
        "where database_name = current_database() and schema_name = 'marts'"
    ).fetchall():
        columns.setdefault(mart, set()).add(column)
    found = {}
    for mart, declaration in declarations().items():
        if mart in columns:
            missing = declaration.columns - columns[mart]
            if missing:
                raise DisclosureError(
                    f"{mart} declares columns that it has not: {', '.join(sorted(missing))}"
                )
            found[mart] = declaration
    return found


def _cells(
    con: duckdb.DuckDBPyConnection,
    declared: Mapping[str, Declaration],
    in_force: Mapping[str, DisclosurePolicy],
    force_code: str,
) -> pd.DataFrame:
    """Every declared count of a series that a policy has an effect on: one row per count."""
    import pandas as pd

    frames = []
    for mart, declaration in declared.items():
        for number, count in enumerate(declaration.counts):
            series = count.series.replace("{force}", force_code)
            given = con.execute(f"select distinct {series} from marts.{ident(mart)}").fetchall()
            wanted = [s for (s,) in given if s is not None]
            if not wanted:
                continue
            parts = ", '|', ".join(f"cast({part} as varchar)" for part, _ in count.parts.values())
            frame = con.execute(
                f"""
                select * from (
                    select rowid as row_id, {series} as series,
                        {_area(count).replace("{force}", force_code)} as area_id,
                        cast({count.first_month} as date) as first_month,
                        cast({count.last_month} as date) as last_month,
                        {f"concat({parts})" if parts else "''"} as parts,
                        cast({ident(count.column)} as double) as count,
                        coalesce({count.shown or "false"}, false) as is_shown,
                        coalesce({count.withheld or "false"}, false) as is_hidden
                    from marts.{ident(mart)}
                ) where count is not null and area_id is not null
                    and first_month is not null and list_contains($1, series)
                """,
                [wanted],
            ).df()
            frame["mart"], frame["number"] = mart, number
            frame["totals"] = [tuple(total for _, total in count.parts.values())] * len(frame)
            frame["unions"] = [tuple(count.unions.get(part, {}) for part in count.parts)] * len(
                frame
            )
            frame["is_absent_zero"] = declaration.is_absent_zero
            frame["shown_with"] = count.shown_with or ""
            frames.append(frame)
    if not frames:
        return pd.DataFrame(columns=[*_COORDINATE, "count"])
    cells = pd.concat(frames, ignore_index=True)
    for column in ("first_month", "last_month"):
        cells[column] = cells[column].astype("datetime64[s]")
    is_open = cells["area_id"].str.split("/").str[0].isin(SHOWN_AREA_TYPES)
    cells["is_open"] = is_open | cells["is_shown"]
    ruled = {s: _matters(in_force[policy_of(s)]) for s in cells["series"].unique()}
    is_ruled = cells["series"].map(ruled).astype(bool)
    cells["is_hidden"] &= is_ruled & ~cells["is_open"]
    cells["is_never"] = is_ruled & ~cells["is_open"] & _alone(cells)
    never = cells[cells["is_never"]]
    return pd.concat([_told_apart(cells[~cells["is_never"]].copy()), never], ignore_index=True)


def _area(count: Count) -> str:
    """The area of a count. What a breakdown is withheld in is not the area itself, which is shown
    whatever it counts."""
    return count.area if count.shown is None else f"'within/' || {count.area}"


def _alone(cells: pd.DataFrame) -> pd.Series:
    """Cells that are not, with the same count, in the mart that they are only shown with."""
    found = cells["shown_with"] != ""
    same = [*_COORDINATE, "count"]
    for mart in cells.loc[found, "shown_with"].unique():
        own = cells["shown_with"] == mart
        there = cells.loc[cells["mart"] == mart, same].drop_duplicates().assign(is_there=True)
        matched = cells.loc[own, same].merge(there, on=same, how="left", validate="many_to_one")
        found[own] = matched["is_there"].isna().to_numpy()
    return found


def _matters(policy: DisclosurePolicy) -> bool:
    return policy.least_shown > 1 or policy.rounding_base > 1


def _told_apart(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells of one coordinate with different counts are different things: a mart whose counts
    differ from those of the marts before it is a series of its own."""
    first = cells.groupby(_COORDINATE, sort=False)["count"].transform("first")
    differing = cells.loc[first != cells["count"], ["series", "mart", "number"]].drop_duplicates()
    for series, mart, number in differing.itertuples(index=False):
        own = (cells["series"] == series) & (cells["mart"] == mart) & (cells["number"] == number)
        cells.loc[own, "series"] = f"{series}#{mart}.{number}"
    repeated = cells.groupby(_COORDINATE, sort=False)["count"].nunique() > 1
    if repeated.any():
        series, area, first, last, parts = repeated.index[int(np.argmax(repeated))]
        raise DisclosureError(
            f"the counts {series} have more than one value for {area}, {first:%Y-%m} to "
            f"{last:%Y-%m} {parts}: the declaration does not tell them apart"
        )
    return cells


def _history(con: duckdb.DuckDBPyConnection, series: Iterable[str]) -> pd.DataFrame:
    """What earlier releases have shown and withheld of some series."""
    frame = con.execute(
        "select * exclude (first_release_id) from ledger.disclosure "
        "where list_contains($1, series) order by all",
        [list(series)],
    ).df()
    for column in ("first_month", "last_month"):
        frame[column] = frame[column].astype("datetime64[s]")
    return frame


def _parents(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    known = con.execute(
        "select 1 from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'marts' and table_name = 'dim_area'"
    ).fetchone()
    if known is None:
        return {}
    return dict(
        con.execute(
            "select area_id, parent_area_id from marts.dim_area where parent_area_id is not null"
        ).fetchall()
    )


# ------------------------------------------------------------------------------------------ tables


@dataclass
class _Axis:
    """Rows of an axis by name, and which atoms each covers."""

    names: list[Any]
    incidence: np.ndarray

    def index(self, values: Iterable[Any]) -> np.ndarray:
        place = {name: i for i, name in enumerate(self.names)}
        return np.array([place[value] for value in values], dtype=int)

    def set_apart(self, row: int) -> None:
        """Make a row that is not the sum of its parts an atom of its own."""
        self.incidence[row] = False
        own = np.zeros((len(self.names), 1), dtype=bool)
        own[row] = True
        self.incidence = np.hstack([self.incidence, own])
        self.incidence = self.incidence[:, self.incidence.any(axis=0)]


@dataclass
class _Table:
    cells: pd.DataFrame
    past: pd.DataFrame
    axes: list[_Axis]

    def positions(self, cells: pd.DataFrame) -> tuple[np.ndarray, ...]:
        columns = [
            cells["area_id"],
            zip(cells["first_month"], cells["last_month"], strict=True),
            *_split(cells["parts"], len(self.axes) - 2),
        ]
        return tuple(axis.index(c) for axis, c in zip(self.axes, columns, strict=True))


def _split(parts: pd.Series, number: int) -> list[list[str]]:
    if number == 0:
        return []
    return [list(c) for c in zip(*(p.split("|") for p in parts), strict=True)] or [[]] * number


def _tables(
    cells: pd.DataFrame, past: pd.DataFrame, parents: Mapping[str, str], force: str
) -> list[_Table]:
    """The tables of a series: one for each set of areas that make up the same whole."""
    unique = cells.drop_duplicates(_COORDINATE)
    totals, unions = cells["totals"].iloc[0], cells["unions"].iloc[0]
    found = []
    names = {*unique["area_id"], *past["area_id"]}
    for areas, incidence in _families(names, parents, force):
        rows = unique[unique["area_id"].isin(areas)]
        old = past[past["area_id"].isin(areas)]
        if rows.empty:
            continue
        periods = {
            *zip(rows["first_month"], rows["last_month"], strict=True),
            *zip(old["first_month"], old["last_month"], strict=True),
        }
        axes = [_Axis(areas, incidence), _period_axis(periods)]
        for now, then, total, sums in zip(
            _split(rows["parts"], len(totals)),
            _split(old["parts"], len(totals)),
            totals,
            unions,
            strict=True,
        ):
            axes.append(_part_axis({*now, *then}, total, sums))
        found.append(_Table(rows, old, axes))
    return found


def _families(
    areas: Iterable[str], parents: Mapping[str, str], force: str
) -> list[tuple[list[str], np.ndarray]]:
    """Areas below the force by the divisions they belong to, each with the areas that are shown
    whatever their counts and contain some of them."""
    areas = sorted(areas)
    chains = {}
    for area in areas:
        chain = [area]
        while chain[-1] in parents and len(chain) < 20:
            chain.append(parents[chain[-1]])
        if len(chain) == 1 and not _is_open(area):
            chain.append(force)
        chains[area] = chain
    below = [area for area in areas if not _is_open(area)]
    contain = {above for area in below for above in chains[area][1:]}
    leaves = [area for area in below if area not in contain]
    kind = {area: area.split("/")[0] for area in below}
    group = {k: k for k in kind.values()}
    for leaf in leaves:
        kinds = sorted({group[kind[a]] for a in chains[leaf] if a in kind})
        group = {k: kinds[0] if g in kinds else g for k, g in group.items()}
    families = []
    for name in sorted(set(group.values())):
        own = [leaf for leaf in leaves if group[kind[leaf]] == name]
        rows = sorted({a for leaf in own for a in chains[leaf]} & set(areas))
        incidence = np.array([[row in chains[leaf] for leaf in own] for row in rows])
        families.append((rows, incidence))
    return families


def _is_open(area: str) -> bool:
    return area.split("/")[0] in SHOWN_AREA_TYPES


def _period_axis(periods: set[tuple[Any, Any]]) -> _Axis:
    """Periods as sums of the shortest stretches of months that tell them apart."""
    import pandas as pd

    def number(month: Any) -> int:
        return month.year * 12 + month.month

    spans = {(number(first), number(last) + 1): (first, last) for first, last in periods}
    edges = sorted({edge for span in spans for edge in span})
    stretches = [
        (start, end)
        for start, end in itertools.pairwise(edges)
        if any(first <= start and end <= last for first, last in spans)
    ]
    for start, end in stretches:
        if (start, end) not in spans:
            months = [
                pd.Timestamp(year=(n - 1) // 12, month=(n - 1) % 12 + 1, day=1).as_unit("s")
                for n in (start, end - 1)
            ]
            spans[(start, end)] = (months[0], months[1])
    ordered = sorted(spans)
    incidence = np.array(
        [[first <= start and end <= last for start, end in stretches] for first, last in ordered]
    )
    return _Axis([spans[span] for span in ordered], incidence)


def _part_axis(
    codes: set[str], total: str | None, unions: Mapping[str, Iterable[str]] | None = None
) -> _Axis:
    names, sums = sorted(codes), unions or {}
    single = [name for name in names if name != total and name not in sums]
    incidence = np.array(
        [[name in (total, one) or one in sums.get(name, ()) for one in single] for name in names]
    )
    if not single:
        incidence = np.eye(len(names), dtype=bool)
    return _Axis(names, incidence)


_Other = tuple[str, np.ndarray, Any, np.ndarray, np.ndarray]
"""Cells of another series: its name, the positions of the cells that they belong to, their
coordinates, counts (NaN: there is none), and whether they may be withheld."""


class _State:
    """What is known and decided of the cells of every series, by coordinate."""

    def __init__(
        self, cells: pd.DataFrame, history: pd.DataFrame, in_force: Mapping[str, DisclosurePolicy]
    ) -> None:
        unique = cells.drop_duplicates(_COORDINATE)
        shown = history.loc[history["was_seen"], [*_COORDINATE, "count"]].drop_duplicates()
        shown = shown.assign(is_known=True)
        unique = unique.merge(shown, on=[*_COORDINATE, "count"], how="left")
        self.counts: dict[str, pd.Series] = {}
        self.may_withhold: dict[str, pd.Series] = {}
        self.withheld: dict[str, pd.Series] = {}
        self.forced: dict[str, set[Any]] = {}
        for name, rows in unique.groupby("series", sort=False):
            rows = rows.set_index(_COORDINATE[1:])
            has_rule = in_force[policy_of(_named(name))].least_shown > 1
            self.counts[str(name)] = rows["count"]
            self.may_withhold[str(name)] = has_rule & ~rows["is_open"] & rows["is_known"].isna()
            self.withheld[str(name)] = rows["is_hidden"].astype(bool)
        pairs = nested(self.counts)
        self.outer_of = {name: [p for p in pairs if p[0] == name] for name in self.counts}
        self.inner_of = {name: [p for p in pairs if p[2] == name] for name in self.counts}

    def bounds(
        self, series: str, cells: pd.DataFrame, least_shown: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """For each cell: what it is at least by counts that it contains and at most by counts that
        it is part of, for good (first two) or unless these are withheld (last two)."""
        least, most, least_now, most_now = (
            np.full(len(cells), bound) for bound in (0.0, np.inf, 0.0, np.inf)
        )
        for name, own, at, count, free in self._inner(series, cells):
            withheld = self.withheld[name].reindex(at).eq(True).to_numpy()
            low = np.where(np.isnan(count) | withheld, 0.0, count)
            least[own] = np.maximum(least[own], np.where(free, 0.0, low))
            least_now[own] = np.maximum(least_now[own], low)
        for _, own, _, count, free in self._outer(series, cells):
            # What is small itself is withheld in any case.
            is_small = free & (count >= 1) & (count < least_shown)
            high = np.where(np.isnan(count) | is_small, np.inf, count)
            most[own] = np.minimum(most[own], np.where(free, np.inf, high))
            most_now[own] = np.minimum(most_now[own], high)
        return least, most, least_now, most_now

    def force(self, series: str, cells: pd.DataFrame, least_shown: int) -> None:
        """Have the counts that bound some cells closely withheld."""
        for name, own, at, count, free in [
            *self._inner(series, cells),
            *self._outer(series, cells),
        ]:
            distance = np.abs(count - cells["count"].to_numpy()[own])
            close = at[free & (distance < least_shown - 1)]
            is_new = ~self.withheld[name].reindex(close).eq(True).to_numpy()
            self.forced.setdefault(name, set()).update(close[is_new])

    def _inner(self, series: str, cells: pd.DataFrame) -> Iterable[_Other]:
        for inner, inner_parts, _, outer_parts in self.inner_of[series]:
            yield self._other(inner, cells, outer_parts, inner_parts)

    def _outer(self, series: str, cells: pd.DataFrame) -> Iterable[_Other]:
        for _, inner_parts, outer, outer_parts in self.outer_of[series]:
            yield self._other(outer, cells, inner_parts, outer_parts)

    def _other(self, name: str, cells: pd.DataFrame, parts: str, other: str) -> _Other:
        if parts == "*":
            own, at = np.arange(len(cells)), _index(cells)
        else:
            own = np.flatnonzero((cells["parts"] == parts).to_numpy())
            at = _index(cells.iloc[own].assign(parts=other))
        count = self.counts[name].reindex(at).to_numpy(dtype=float)
        free = self.may_withhold[name].reindex(at).eq(True).to_numpy()
        return name, own, at, count, free

    def decide(self, series: str, cells: pd.DataFrame, is_withheld: np.ndarray) -> None:
        index = _index(cells)
        # What was withheld in an earlier round stays so: others rely on it.
        self.withheld[series].loc[index[is_withheld]] = True

    def with_more_to_withhold(self) -> set[str]:
        """Series with cells that others need withheld and that are not yet."""
        return {
            name
            for name, forced in self.forced.items()
            if not self.withheld[name].reindex(list(forced)).all()
        }

    def all_withheld(self) -> pd.DataFrame:
        """Coordinates of the withheld cells."""
        import pandas as pd

        frames = [
            flags[flags].rename("is_withheld").reset_index().assign(series=name)
            for name, flags in self.withheld.items()
            if flags.any()
        ]
        columns = [*_COORDINATE, "is_withheld"]
        return pd.concat(frames)[columns] if frames else pd.DataFrame(columns=columns)


def _index(cells: pd.DataFrame) -> pd.MultiIndex:
    import pandas as pd

    return pd.MultiIndex.from_frame(cells[_COORDINATE[1:]])


def _inner_first(cells: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The series, each before those that it is a part of."""
    from graphlib import TopologicalSorter

    groups = {str(series): rows for series, rows in cells.groupby("series", sort=True)}
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(groups, ()))
    for inner, _, outer, _ in nested(groups):
        order.add(outer, inner)
    return [(name, groups[name]) for name in order.static_order()]


def _decide(
    series: str,
    rows: pd.DataFrame,
    past: pd.DataFrame,
    policy: DisclosurePolicy,
    state: _State,
    parents: Mapping[str, str],
    force_code: str,
) -> None:
    """Decide which cells of a series to withhold, where there may be any."""
    is_small = rows["count"].between(1, policy.least_shown - 1) & ~rows["is_open"]
    is_any = is_small | rows["is_hidden"]
    if is_any.any() or past["was_withheld"].any() or state.forced.get(series):
        absent = bool(rows["is_absent_zero"].any())
        for table in _tables(rows, past, parents, f"force/{force_code}"):
            _choose(table, series, policy, state, is_absent_zero=absent)


def _choose(
    table: _Table, series: str, policy: DisclosurePolicy, state: _State, *, is_absent_zero: bool
) -> None:
    """Decide which cells of a table to withhold."""
    shape = tuple(len(axis.names) for axis in table.axes)
    counts = np.full(shape, np.nan)
    now = table.positions(table.cells)
    counts[now] = table.cells["count"]
    may_hide = np.zeros(shape, dtype=bool)
    may_hide[now] = ~table.cells["is_open"]
    hidden = np.zeros(shape, dtype=bool)
    absent = np.zeros(shape, dtype=bool)
    if is_absent_zero:
        absent = np.isnan(counts) & _all_published(table, shape)
        counts[absent] = 0
    _sums_that_hold(counts, table.axes)
    earlier = _earlier(table, counts, absent, policy.least_shown)
    then = table.positions(table.past)
    was_withheld = table.past["was_withheld"].to_numpy(dtype=bool)
    hidden[tuple(axis[was_withheld] for axis in then)] = True
    index = _index(table.cells)
    hidden[now] |= state.withheld[series].reindex(index).to_numpy(dtype=bool)
    forced = index.isin(list(state.forced.get(series, ())))
    hidden[tuple(axis[forced] for axis in now)] = True
    limits = [np.full(shape, bound) for bound in (0.0, np.inf, 0.0, np.inf)]
    for limit, own in zip(
        limits, state.bounds(series, table.cells, policy.least_shown), strict=True
    ):
        limit[now] = own
    found = withhold(
        counts,
        [axis.incidence for axis in table.axes],
        least_shown=policy.least_shown,
        may_hide=may_hide,
        is_hidden=hidden,
        earlier=earlier,
        outer_bounds=(limits[0], limits[1]),
        shown_bounds=(limits[2], limits[3]),
        weight=_weight(table, shape),
    )
    state.decide(series, table.cells, found.is_withheld[now])
    state.force(series, table.cells[found.is_lifted[now]], policy.least_shown)


def _weight(table: _Table, shape: tuple[int, ...]) -> np.ndarray:
    """Where a series is broken down in several ways, the totals of each are worth more than what
    they are made up of."""
    weight, parts = np.ones(shape), range(2, len(shape))
    for number in parts if len(parts) > 1 else ():
        atoms = table.axes[number].incidence.sum(axis=1)
        is_total = (atoms > 1) & (atoms == atoms.max())
        factor = np.where(is_total, _WORTH, 1.0)
        weight *= factor.reshape([-1 if axis == number else 1 for axis in range(len(shape))])
    return weight


def _earlier(table: _Table, counts: np.ndarray, absent: np.ndarray, least_shown: int) -> Earlier:
    """What earlier releases said of the cells of a table. What has no row in the marts since it
    counts nothing was seen to be nothing."""
    then = table.positions(table.past)
    past = table.past["count"].to_numpy(dtype=float)
    was_withheld = table.past["was_withheld"].to_numpy(dtype=bool)
    seen, changed = absent.copy(), ~absent
    seen[tuple(axis[table.past["was_seen"].to_numpy(dtype=bool)] for axis in then)] = True
    changed[tuple(axis[counts[then] == past] for axis in then)] = False
    least, low, high = (np.full(counts.shape, fill) for fill in (np.inf, np.inf, -np.inf))
    np.minimum.at(least, then, past)
    is_small = was_withheld & (past >= 1) & (past < least_shown)
    small = tuple(axis[is_small] for axis in then)
    np.minimum.at(low, small, past[is_small])
    np.maximum.at(high, small, past[is_small])
    # Sums that only an earlier release had, as far as they still hold.
    sums = _sums(counts, table.axes)
    gone = np.isnan(counts[then]) & table.past["was_seen"].to_numpy(dtype=bool)
    holds = gone & (sums[then] == past)
    counts[tuple(axis[holds] for axis in then)] = past[holds]
    return Earlier(
        seen,
        changed,
        *(np.where(np.isfinite(each), each, np.nan) for each in (least, low, high)),
    )


def _all_published(table: _Table, shape: tuple[int, ...]) -> np.ndarray:
    """Cells of which every row is in the release, those that no row says anything of among them."""
    mask = np.zeros(shape, dtype=bool)
    now = table.positions(table.cells)
    mask[np.ix_(*[np.unique(axis) for axis in now])] = True
    return mask


def _sums(counts: np.ndarray, axes: list[_Axis]) -> np.ndarray:
    """For every cell the sum of its atoms; NaN where one of them is not there."""
    own = [np.argmax(a.incidence & (a.incidence.sum(axis=1) == 1)[:, None], axis=0) for a in axes]
    sums = counts[np.ix_(*own)]
    is_missing = np.isnan(sums)
    sums, missing = np.where(is_missing, 0, sums), is_missing.astype(float)
    for number, axis in enumerate(axes):
        covers = axis.incidence.astype(float)
        sums = np.moveaxis(np.tensordot(covers, sums, (1, number)), 0, number)
        missing = np.moveaxis(np.tensordot(covers, missing, (1, number)), 0, number)
    return np.where(missing > 0, np.nan, sums)


def _sums_that_hold(counts: np.ndarray, axes: list[_Axis]) -> None:
    """Take rows for sums of their parts only where they are: a period that leaves a month out, or a
    division that does not cover the force, is no total to a reader either."""
    while True:
        sums = _sums(counts, axes)
        differs = ~np.isnan(sums) & ~np.isnan(counts) & (sums != counts)
        if not differs.any():
            return
        worst = max(
            (int(differs.take(row, axis=number).sum()), -number, -row)
            for number, axis in enumerate(axes)
            for row in range(len(axis.names))
            if axis.incidence[row].sum() > 1 or _shares_atom(axis.incidence, row)
        )
        axes[-worst[1]].set_apart(-worst[2])


def _shares_atom(incidence: np.ndarray, row: int) -> bool:
    """Whether another row covers just the same single atom and stands before this one."""
    return bool((incidence[:row] == incidence[row]).all(axis=1).any())


# ----------------------------------------------------------------------------------------- results


def _protections(cells: pd.DataFrame, declared: Mapping[str, Declaration]) -> dict[str, Protection]:
    import pandas as pd

    found = {}
    for mart, rows in cells[~cells["is_open"]].groupby("mart", sort=True):
        columns = {}
        numbers = range(len(declared[str(mart)].counts))
        for number in numbers:
            own = rows[rows["number"] == number].set_index("row_id")
            columns[f"withheld_{number}"] = own["is_withheld"]
            columns[f"base_{number}"] = own["base"]
        frame = pd.DataFrame(columns)
        for number in numbers:
            flags = frame[f"withheld_{number}"].astype("boolean").fillna(False)
            frame[f"withheld_{number}"] = flags.astype(bool)
            frame[f"base_{number}"] = frame[f"base_{number}"].fillna(0).astype("int64")
        found[str(mart)] = Protection(
            declared[str(mart)],
            frame.rename_axis("row_id").reset_index(),
            int(rows["is_withheld"].sum()),
            int((rows["base"] > 1).sum()),
        )
    return found


def _for_the_ledger(cells: pd.DataFrame) -> pd.DataFrame:
    kept = cells.drop_duplicates(_COORDINATE)[[*_COORDINATE, "count", "is_withheld"]]
    kept = kept.assign(was_seen=~kept["is_withheld"])
    kept = kept.rename(columns={"is_withheld": "was_withheld"})
    return kept[[*_COORDINATE, "count", "was_seen", "was_withheld"]].reset_index(drop=True)
