"""A home, a landing and files in the real layouts, for tests that load without Dagster.

Files are written by hand, byte for byte, so that a test says exactly what arrived. What does not
belong here: assertions about one table or one kind of damage (the tests themselves).
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import os
import shutil
import uuid
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from orchestration import load
from orchestration.contracts import spec
from orchestration.settings import PROJECT, Settings, load_settings
from orchestration.warehouse import writer

#: The day on which loads of the tests take place: months after it lie in the future.
TODAY = dt.date(2026, 2, 3)
#: The number of a row in its file: written where rows were left out, else its place in the load.
NUMBER = (
    "coalesce(_row_number, "
    "cast(row_number() over (partition by _load_id order by rowid) as integer))"
)

STREET = [
    "Crime ID",
    "Month",
    "Reported by",
    "Falls within",
    "Longitude",
    "Latitude",
    "Location",
    "LSOA code",
    "LSOA name",
    "Crime type",
    "Last outcome category",
    "Context",
]
SEARCH = [
    "Type",
    "Date",
    "Part of a policing operation",
    "Policing operation",
    "Latitude",
    "Longitude",
    "Gender",
    "Age range",
    "Self-defined ethnicity",
    "Officer-defined ethnicity",
    "Legislation",
    "Object of search",
    "Outcome",
    "Outcome linked to object of search",
    "Removal of more than just outer clothing",
]
PRC = [
    "Financial Year",
    "Financial Quarter",
    "Force Name",
    "Offence Description",
    "Offence Group",
    "Offence Subgroup",
    "Offence Code",
    "Number of Offences",
]
CRIME_TYPES = (
    "Anti-social behaviour",
    "Bicycle theft",
    "Burglary",
    "Criminal damage and arson",
    "Drugs",
    "Other crime",
    "Other theft",
    "Possession of weapons",
    "Public order",
    "Robbery",
    "Shoplifting",
    "Theft from the person",
    "Vehicle crime",
    "Violence and sexual offences",
)


def street_rows(
    month: str = "2021-04", force: str = "West Midlands Police", n: int = 14
) -> list[list[str]]:
    """Flawless street rows, every crime type in turn, each with an identifier of its own."""
    rows = []
    for i in range(n):
        crime = CRIME_TYPES[i % len(CRIME_TYPES)]
        identifier = hashlib.sha256(f"{month}{force}{i}".encode()).hexdigest()
        rows.append(
            [
                "" if crime == "Anti-social behaviour" else identifier,
                month,
                force,
                force,
                f"-1.{800000 + i}",
                f"52.{400000 + i}",
                f"On or near Street {i}",
                "E01008881",
                "Birmingham 067A",
                crime,
                "" if crime == "Anti-social behaviour" else "Under investigation",
                "",
            ]
        )
    return rows


def search_rows(month: str = "2021-04", n: int = 12) -> list[list[str]]:
    """Flawless stop-and-search rows."""
    return [
        [
            "Person search",
            f"{month}-{1 + i % 27:02d}T10:{i % 60:02d}:00+00:00",
            "False",
            "an operation",
            "52.4",
            "-1.8",
            "Male",
            "18-24",
            "White - English/Welsh/Scottish/Northern Irish/British",
            "White",
            "Misuse of Drugs Act 1971 (section 23)",
            "Controlled drugs",
            "Arrest",
            "True",
            "False",
        ]
        for i in range(n)
    ]


def prc_rows(year: str = "2019/20", n: int = 12) -> list[list[str]]:
    """Recorded crime of one force and offence code after another, no key twice (n up to 24)."""
    codes = (
        ("Homicide", "Violence against the person", "Homicide", "1"),
        ("Stalking", "Violence against the person", "Stalking and harassment", "8Q"),
        ("Harassment", "Violence against the person", "Stalking and harassment", "8L"),
        ("Shoplifting", "Theft offences", "Shoplifting", "46"),
        ("Other theft", "Theft offences", "All other theft offences", "49"),
        ("Arson endangering life", "Criminal damage and arson", "Arson", "56A"),
    )
    rows = []
    for i in range(n):
        words, group, subgroup, code = codes[i // 4]
        rows.append(
            [year, str(1 + i % 4), "West Midlands", words, group, subgroup, code, str(10 + i)]
        )
    return rows


def csv_bytes(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    newline: str = "\n",
    encoding: str = "utf-8",
) -> bytes:
    """A delimited file as the publishers write it: quotes only where they are needed."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator=newline)
    out.writerow(header)
    out.writerows(rows)
    return text.getvalue().encode(encoding)


def street(month: str = "2021-04", force: str = "West Midlands Police", n: int = 14) -> bytes:
    return csv_bytes(STREET, street_rows(month, force, n))


def prc(year: str = "2019/20", n: int = 12) -> bytes:
    return csv_bytes(PRC, prc_rows(year, n))


def zip_bytes(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip archive of (name, bytes), deflated."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (2022, 1, 1, 0, 0, 0)), data, 8)
    return sink.getvalue()


def encrypted(archive: bytes, name: str) -> bytes:
    """An archive whose member says that it is encrypted (flag bit 0 of both its headers)."""
    data = bytearray(archive)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        info = opened.getinfo(name)
    data[info.header_offset + 6] |= 1
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(name.encode()))
    data[at + 8] |= 1
    return bytes(data)


class Bench:
    """One home with its landing: put files in, load them, look at what became of them."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self.landing = folder / "landing"
        self.landing.mkdir(parents=True, exist_ok=True)
        self.settings = settings or load_settings(
            home=folder / "home", landing=self.landing, config=PROJECT / "plumbline.yml"
        )
        self._clock = 1_600_000_000

    def put(self, name: str, data: bytes) -> Path:
        """A file in the landing, newer than every one put there before."""
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._clock += 60
        os.utime(path, (self._clock, self._clock))
        return path

    def clear(self) -> None:
        """An empty landing."""
        shutil.rmtree(self.landing)
        self.landing.mkdir()

    def copy_from(self, other: Bench) -> Bench:
        """Take over another home whole (its working database and its raw copies)."""
        shutil.copytree(other.settings.home, self.settings.home)
        self._clock = other._clock
        return self

    def load(self, *, reload: bool = False, files: Any = None) -> dict[str, load.LoadOutcome]:
        """Discover and load as a run does; outcomes by name (``file`` or ``file:member``)."""
        run_id = str(uuid.uuid4())
        with writer(self.settings) as con:
            load.begin_run(con, self.settings, run_id, "test")
            found = load.discover(con, self.settings, run_id, files=files)
            outcomes = [*found.replayed, *found.refused, *found.unrecognised]
            tables = {
                r[0]
                for r in con.execute(
                    "select distinct table_name from ledger.arrival where table_name is not null"
                ).fetchall()
            }
            for table in sorted(tables if reload else found.pending):
                outcomes += load.load_table(
                    con, self.settings, table, run_id, reload=reload, today=TODAY
                )
            load.end_run(con, run_id, "succeeded")
        return {o.name: o for o in outcomes}

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[tuple]:
        with writer(self.settings) as con:
            return con.execute(sql, parameters or []).fetchall()

    def problems(self) -> list[str]:
        """Whatever does not add up, in any table; nothing may."""
        found: list[str] = []
        with writer(self.settings) as con:
            tables = con.execute(
                "select distinct table_name from ledger.arrival where found = 'Member'"
            ).fetchall()
            for (table,) in tables:
                found += load.reconcile(con, table) + load.entered_without_passing(con, table)
            found += [
                f"{name}: read {r}, entered {e}, quarantined {q}"
                for name, r, e, q in con.execute(
                    "select file_name, row_count_read, row_count_entered, row_count_quarantined "
                    "from ledger.load where row_count_read <> row_count_entered "
                    "+ row_count_quarantined"
                ).fetchall()
            ]
            found += [
                f"{name}: still waits"
                for (name,) in con.execute(
                    "select file_name from ledger.arrival where status = 'pending'"
                ).fetchall()
            ]
            # One slot of a table has one current load, or none.
            found += [
                f"{slot}: {n} loads are current"
                for slot, n in con.execute(
                    "select slot, count(*) from ledger.load_period where superseded_at is null "
                    "group by source, table_name, slot having count(*) > 1"
                ).fetchall()
            ]
        return found

    def fingerprints(self, load_ids: Iterable[str] | None = None) -> dict[str, str]:
        """Hash of the rows of every raw table (all of them, or those of some loads)."""
        found = {}
        where = ""
        if load_ids is not None:
            ids = ", ".join(f"'{i}'" for i in load_ids) or "''"
            where = f"where _load_id in ({ids})"
        with writer(self.settings) as con:
            for (table,) in con.execute(
                "select table_name from duckdb_tables() where schema_name = 'raw' order by 1"
            ).fetchall():
                rows = con.execute(
                    f"select * replace ({NUMBER} as _row_number) from raw.{table} {where} "
                    "order by _load_id, _row_number"
                ).fetchall()
                if rows:
                    found[table] = hashlib.sha256(repr(rows).encode()).hexdigest()
        return found

    def current(self, table: str, columns: str = "* exclude (place)") -> list[tuple]:
        """Rows of a raw table that are current, in the order of slot and row."""
        s = spec(table)
        return self.query(
            f"select {columns} from (select *, rowid as place from raw.{s.raw_name}) as r "
            "where exists (select 1 from "
            f"ledger.load_period as p where p.load_id = r._load_id and p.slot = r._period "
            f"and p.source = '{s.source}' and p.table_name = '{s.table}' "
            "and p.superseded_at is null) order by _period, _load_id, place"
        )

    def quarantined(self, load_id: str | None) -> list[tuple[int | None, str, str | None]]:
        """Row number, rule code and value of what a load left in quarantine."""
        return self.query(
            "select row_number, rule_code, value from ledger.quarantine where load_id = $1 "
            "order by row_number, rule_code",
            [load_id],
        )
