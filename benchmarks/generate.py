"""Street files in the layout of data.police.uk, many millions of rows a minute.

Stand-ins for the published files where none are at hand, and more of them than any force has. The
same arguments give the same bytes. Cardinalities follow the real files of two forces, 2018 to 2021:
a fifth of the rows is anti-social behaviour without Crime ID or outcome, other identifiers are
unique, about 1,100 areas and 18,000 map points a force, 2 rows in 100 without place, 14 crime types
and 12 outcomes in about their real shares, rows in the order of their areas. Everything is drawn
from hashes and means nothing.

What does not belong here: the small landing a newcomer sees (``orchestration.sources``), the
simulator of a force's own systems.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.sqltext import ident, lit

if TYPE_CHECKING:
    import duckdb

#: Slug and name of the forces files are written for.
FORCES = (
    ("merseyside", "Merseyside Police"),
    ("south-yorkshire", "South Yorkshire Police"),
    ("west-midlands", "West Midlands Police"),
    ("staffordshire", "Staffordshire Police"),
    ("west-yorkshire", "West Yorkshire Police"),
    ("northumbria", "Northumbria Police"),
)
FIRST_YEAR = 2012
#: Rows of an average file.
ROWS_PER_FILE = 13_889

#: Title in the file, contract column, SQL over ``f`` (the file) and ``i`` (the row, from 0).
COLUMNS: tuple[tuple[str, str, str], ...] = (
    (
        "Crime ID",
        "crime_id",
        "case when not is_asb then sha256(concat_ws('/', slug, month, i)) end",
    ),
    ("Month", "month", "month"),
    ("Reported by", "reported_by", "force_name"),
    ("Falls within", "falls_within", "force_name"),
    (
        "Longitude",
        "longitude",
        "case when has_place then round(-3.0 + number * 0.3 + (hash(point, number, 1) % 600000) "
        "/ 1e6, 6) end",
    ),
    (
        "Latitude",
        "latitude",
        "case when has_place then round(52.0 + (hash(point, number, 2) % 900000) / 1e6, 6) end",
    ),
    (
        "Location",
        "location",
        "case when has_place then 'On or near ' "
        "|| streets[1 + (hash(point, number, 3) % 40)::bigint] "
        "|| ' ' || (hash(point, number, 4) % 300) else 'No Location' end",
    ),
    (
        "LSOA code",
        "lsoa_code",
        "case when has_place then 'E010' || lpad((number * 1500 + area)::varchar, 5, '0') end",
    ),
    (
        "LSOA name",
        "lsoa_name",
        "case when has_place then districts[1 + area // 220] || ' ' "
        "|| lpad((area % 220 // 4 + 1)::varchar, 3, '0') || chr((65 + area % 4)::integer) end",
    ),
    (
        "Crime type",
        "crime_type",
        "case when is_asb then 'Anti-social behaviour' else types[1 + draw % 1000] end",
    ),
    (
        "Last outcome category",
        "last_outcome_category",
        "case when not is_asb then outcomes[1 + draw // 1000 % 1000] end",
    ),
    ("Context", "context", "null::varchar"),
)

_TYPES = {
    "Violence and sexual offences": 383,
    "Criminal damage and arson": 114,
    "Public order": 107,
    "Burglary": 75,
    "Other theft": 73,
    "Vehicle crime": 71,
    "Shoplifting": 56,
    "Drugs": 53,
    "Other crime": 27,
    "Theft from the person": 11,
    "Robbery": 10,
    "Possession of weapons": 10,
    "Bicycle theft": 10,
}
_OUTCOMES = {
    "Investigation complete; no suspect identified": 396,
    "Unable to prosecute suspect": 362,
    "Court result unavailable": 64,
    "Status update unavailable": 62,
    "Local resolution": 25,
    "Further action is not in the public interest": 13,
    "Further investigation is not in the public interest": 13,
    "Awaiting court outcome": 12,
    "Under investigation": 12,
    "Offender given a caution": 23,
    "Action to be taken by another organisation": 9,
    "Offender given penalty notice": 9,
}
_STREETS = (
    "High Street,Station Road,Church Lane,Park Avenue,Mill Lane,Victoria Road,Green Lane,"
    "Kings Road,Queen Street,Albert Road,North Street,South Street,West Street,East Street,"
    "New Road,Main Street,York Road,Manor Road,Grange Road,Chapel Street,School Lane,"
    "Bridge Street,Market Place,Parking Area,Supermarket,Shopping Area,Petrol Station,"
    "Nightclub,Hospital,Sports/recreation Area,Derby Street,Windsor Road,Oxford Street,"
    "Cambridge Road,Nelson Street,Wellington Road,Clarence Street,Stanley Road,Cross Street,"
    "Moor Lane"
)


@dataclass(frozen=True)
class StreetFile:
    """One file to be: a force's month."""

    number: int  # of the force
    month: str  # YYYY-MM
    rows: int

    @property
    def slug(self) -> str:
        return FORCES[self.number][0]

    @property
    def slot(self) -> str:
        return f"{self.slug}/{self.month}"

    @property
    def path(self) -> str:
        """Where the file lies in an archive of the publisher."""
        return f"{self.month}/{self.month}-{self.slug}-street.csv"


def plan(
    forces: int, months: int, *, rows_per_file: int = ROWS_PER_FILE, skip_months: int = 0
) -> list[StreetFile]:
    """The files of ``forces`` forces over ``months`` months from January 2012, by month.

    Rows vary by a tenth over the year, and come to ``rows_per_file`` a file over whole years.
    Raises ValueError for more forces than there are.
    """
    if not 1 <= forces <= len(FORCES):
        raise ValueError(f"between 1 and {len(FORCES)} forces, not {forces}")
    found = []
    for n in range(skip_months, skip_months + months):
        rows = max(1, round(rows_per_file * (1 + 0.1 * math.sin(2 * math.pi * n / 12))))
        month = f"{FIRST_YEAR + n // 12}-{n % 12 + 1:02d}"
        found += [StreetFile(number, month, rows) for number in range(forces)]
    return found


def _spread_sql(shares: dict[str, int]) -> str:
    """A list of 1,000 values in which each stands as often as its share."""
    assert sum(shares.values()) == 1000, sum(shares.values())
    parts = [f"list_transform(range({n}), lambda k: {lit(text)})" for text, n in shares.items()]
    return f"flatten([{', '.join(parts)}])"


def rows_sql(files: Sequence[StreetFile], *, raw: bool = False) -> str:
    """SELECT of the rows of some files: the publisher's titles, or with ``raw`` the columns of the
    raw table (``_load_id`` is the slot)."""
    values = ", ".join(
        f"({f.number}, {lit(f.slug)}, {lit(FORCES[f.number][1])}, {lit(f.month)}, {f.rows})"
        for f in files
    )
    columns = [f"{sql} as {ident(name if raw else title)}" for title, name, sql in COLUMNS]
    if raw:
        slot = "slug || '/' || month"
        columns += [
            f"{slot} as _load_id",
            "(i + 1)::integer as _row_number",
            f"{slot} as _period",
        ]
    districts = ", ".join(lit(d) for d in ("Northam", "Eastley", "Southwick", "Weston", "Midford"))
    return f"""
        with files(number, slug, force_name, month, n) as (values {values}),
        lists as (
            select {_spread_sql(_TYPES)} as types, {_spread_sql(_OUTCOMES)} as outcomes,
                string_split({lit(_STREETS)}, ',') as streets, [{districts}] as districts
        ),
        numbered as (select *, unnest(range(n)) as i from files),
        drawn as (
            select *, i < n // 5 as is_asb, (hash(i, month, slug, 5) % 1000000)::bigint as draw,
                hash(i, month, slug, 6) % 100 >= 2 as has_place,
                case when i < n // 5 then i * 1100 // greatest(n // 5, 1)
                    else (i - n // 5) * 1100 // (n - n // 5) end as area
            from numbered
        ),
        placed as (select *, area * 16 + hash(i, month, slug, 7) % 16 as point from drawn)
        select {", ".join(columns)} from placed, lists
        """


def write_files(folder: Path, files: Sequence[StreetFile]) -> list[Path]:
    """Write the files under ``folder`` as the publisher lays them out; paths in the same order."""
    import duckdb

    paths = [folder / f.path for f in files]
    for parent in {p.parent for p in paths}:
        parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con, ThreadPoolExecutor(2) as pool:

        def one(job: tuple[StreetFile, Path]) -> None:
            file, path = job
            con.cursor().execute(
                f"copy ({rows_sql([file])}) to {lit(str(path))} (header, delimiter ',')"
            )

        list(pool.map(one, zip(files, paths, strict=True)))
    return paths


def insert_rows(con: duckdb.DuckDBPyConnection, table: str, files: Sequence[StreetFile]) -> None:
    """Insert the rows of the files into a table that has the columns of the raw table."""
    parts = [files[start : start + 16] for start in range(0, len(files), 16)]
    with ThreadPoolExecutor(2) as pool:

        def one(part: Sequence[StreetFile]) -> None:
            con.cursor().execute(f"insert into {table} by name {rows_sql(part, raw=True)}")

        list(pool.map(one, parts))
