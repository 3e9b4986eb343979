"""A small generated landing in the suppliers' layouts, so that everything can be seen working
with no data at hand.

Every figure is drawn from a seeded generator and means nothing: names of forces, districts and
offences are real (they are code lists), counts are not. The same seed gives the same bytes. The
record-level simulator of a force's own systems is something else and does not belong here.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from orchestration.privacy import SIMULATION_MANIFEST

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
_STAMP = (2022, 5, 3, 12, 0, 0)
_WMP, _SECOND = "west-midlands", "staffordshire"

#: Districts of the West Midlands region: code, name, force, size.
DISTRICTS = (
    ("E08000025", "Birmingham", "west-midlands", 1100),
    ("E08000026", "Coventry", "west-midlands", 370),
    ("E08000027", "Dudley", "west-midlands", 320),
    ("E08000028", "Sandwell", "west-midlands", 330),
    ("E08000029", "Solihull", "west-midlands", 220),
    ("E08000030", "Walsall", "west-midlands", 280),
    ("E08000031", "Wolverhampton", "west-midlands", 260),
    ("E06000021", "Stoke-on-Trent", "staffordshire", 260),
    ("E07000192", "Cannock Chase", "staffordshire", 100),
    ("E07000193", "East Staffordshire", "staffordshire", 120),
    ("E07000194", "Lichfield", "staffordshire", 100),
    ("E07000195", "Newcastle-under-Lyme", "staffordshire", 130),
    ("E07000196", "South Staffordshire", "staffordshire", 110),
    ("E07000197", "Stafford", "staffordshire", 140),
    ("E07000198", "Staffordshire Moorlands", "staffordshire", 100),
    ("E07000199", "Tamworth", "staffordshire", 80),
    ("E07000218", "North Warwickshire", "warwickshire", 70),
    ("E07000219", "Nuneaton and Bedworth", "warwickshire", 130),
    ("E07000220", "Rugby", "warwickshire", 110),
    ("E07000221", "Stratford-on-Avon", "warwickshire", 130),
    ("E07000222", "Warwick", "warwickshire", 140),
    ("E06000019", "Herefordshire, County of", "west-mercia", 190),
    ("E06000020", "Telford and Wrekin", "west-mercia", 180),
    ("E06000051", "Shropshire", "west-mercia", 320),
    ("E07000234", "Bromsgrove", "west-mercia", 100),
    ("E07000235", "Malvern Hills", "west-mercia", 80),
    ("E07000236", "Redditch", "west-mercia", 90),
    ("E07000237", "Worcester", "west-mercia", 100),
    ("E07000238", "Wychavon", "west-mercia", 130),
    ("E07000239", "Wyre Forest", "west-mercia", 100),
)
_LSOAS_EACH = 6

#: Offence codes of the generated recorded crime tables and how often each is recorded.
OFFENCES = (
    ("1", 0.4),
    ("5D", 90),
    ("8N", 260),
    ("105A", 420),
    ("8L", 180),
    ("8Q", 90),
    ("19C", 40),
    ("20A", 45),
    ("34B", 60),
    ("28E", 150),
    ("45", 120),
    ("46", 240),
    ("58C", 110),
    ("92D", 70),
    ("10D", 25),
    ("9A", 170),
    ("802", 20),
)

_STREET = [
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
_OUTCOMES = [*_STREET[:9], "Outcome type"]
_SEARCHES = [
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
_CRIME_TYPES = {
    "Anti-social behaviour": 20,
    "Violence and sexual offences": 32,
    "Vehicle crime": 9,
    "Criminal damage and arson": 9,
    "Public order": 8,
    "Burglary": 6,
    "Other theft": 6,
    "Shoplifting": 5,
    "Drugs": 3,
    "Robbery": 3,
    "Theft from the person": 2,
    "Possession of weapons": 2,
    "Bicycle theft": 2,
    "Other crime": 2,
}
_OUTCOME_TYPES = (
    "Unable to prosecute suspect",
    "Investigation complete; no suspect identified",
    "Court result unavailable",
    "Offender given a caution",
    "Local resolution",
)
_REGIONS = (
    "East Midlands",
    "East of England",
    "London",
    "North East",
    "North West",
    "South East",
    "South West",
    "West Midlands",
    "Yorkshire and The Humber",
    "England - Not Otherwise Specified",
    "Foreign (incl. Isle of Man & Channel Islands)",
    "Other UK Country",
    "Unknown",
)
_MONTHS = [
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
    "January",
    "February",
    "March",
]
#: Ethnic groups of the 2021 census and a share of each in a thousand.
ETHNIC_GROUPS = (
    ("Asian, Asian British or Asian Welsh: Bangladeshi", 11),
    ("Asian, Asian British or Asian Welsh: Chinese", 7),
    ("Asian, Asian British or Asian Welsh: Indian", 31),
    ("Asian, Asian British or Asian Welsh: Pakistani", 27),
    ("Asian, Asian British or Asian Welsh: Other Asian", 16),
    ("Black, Black British, Black Welsh, Caribbean or African: African", 25),
    ("Black, Black British, Black Welsh, Caribbean or African: Caribbean", 10),
    ("Black, Black British, Black Welsh, Caribbean or African: Other Black", 5),
    ("Mixed or Multiple ethnic groups: White and Asian", 8),
    ("Mixed or Multiple ethnic groups: White and Black African", 4),
    ("Mixed or Multiple ethnic groups: White and Black Caribbean", 9),
    ("Mixed or Multiple ethnic groups: Other Mixed or Multiple ethnic groups", 8),
    ("Other ethnic group: Arab", 6),
    ("Other ethnic group: Any other ethnic group", 15),
    ("White: English, Welsh, Scottish, Northern Irish or British", 740),
    ("White: Gypsy or Irish Traveller", 1),
    ("White: Irish", 9),
    ("White: Roma", 2),
    ("White: Other White", 66),
)

#: Category by offence subgroup or group, the first that fits.
CATEGORIES = {
    "Theft from the person": "Theft From the Person",
    "Bicycle theft": "Bicycle Theft",
    "Shoplifting": "Shoplifting",
    "Vehicle offences": "Vehicle Crime",
    "Residential burglary": "Burglary",
    "Non-residential burglary": "Burglary",
    "Domestic burglary": "Burglary",
    "Non-domestic burglary": "Burglary",
    "Violence against the person": "Violence and Sexual Offences",
    "Sexual offences": "Violence and Sexual Offences",
    "Robbery": "Robbery",
    "Theft offences": "Other Theft",
    "Criminal damage and arson": "Criminal Damage and Arson",
    "Drug offences": "Drugs",
    "Possession of weapons offences": "Possession of Weapons",
    "Public order offences": "Public Order",
}

#: Outcome groups of the Home Office framework with their outcome types.
OUTCOME_GROUPS = (
    ("Not yet assigned an outcome", (0,)),
    ("Charged/Summonsed", (1,)),
    ("Out-of-court (formal)", (2, 3, 6)),
    ("Taken into consideration", (4,)),
    ("Out-of-court (informal)", (7, 8)),
    ("Prosecution prevented or not in the public interest", (5, 9, 10, 11, 12, 13, 17)),
    ("Evidential difficulties", (14, 15, 16)),
    ("Investigation complete - no suspect identified", (18,)),
    ("Other", (20, 21, 22)),
)
README = """This folder was generated by Plumbline to show the program at work.
Every figure in it is made up. Point LANDING at a folder of published files to use real ones.
"""


def write_sample_landing(folder: Path, seed: int = 7) -> None:
    """Write the generated landing into ``folder`` (made if absent): under 3 MB, a few seconds.

    Files of the same name are overwritten. Raises OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _Landing(folder, seed).write()


def _rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]], newline: str = "\n") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _zip(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, date_time=_STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)


def _months(first: str, last: str) -> list[str]:
    year, month = map(int, first.split("-"))
    found = []
    while f"{year}-{month:02d}" <= last:
        found.append(f"{year}-{month:02d}")
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found


class _Landing:
    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = np.random.default_rng(seed)
        self.forces = [f for f in _rows("forces.csv") if f["is_territorial"] == "true"]
        names = _rows("force_names.csv")
        self.police_uk = {
            n["force_code"]: n["source_name"] for n in names if n["source"] == "police_uk"
        }
        self.home_office: dict[str, str] = {}
        self.ons: dict[str, str] = {}
        for n in names:
            if n["source"] == "home_office":
                self.home_office.setdefault(n["force_code"], n["source_name"])
            if n["source"] == "ons":
                self.ons.setdefault(n["force_code"], n["source_name"])
        # Relative size of each force: the two largest are named, the rest are drawn.
        self.size = {f["force_code"]: float(self.random.uniform(0.5, 2.2)) for f in self.forces}
        self.size.update({"metropolitan": 9.0, _WMP: 3.4, "greater-manchester": 3.6})
        self.size["city-of-london"] = 0.1
        # One made-up district for each of the other forces, so that every force has people.
        self.districts = list(DISTRICTS)
        others = [f for f in self.forces if f["region_code"] != "E12000005"]
        for i, force in enumerate(others, 1):
            wales = force["pfa_code"].startswith("W15")
            code = f"W060090{i:02d}" if wales else f"E070090{i:02d}"
            name = f"District of {force['force_name']} (generated)"
            size = int(800 * self.size[force["force_code"]])
            self.districts.append((code, name, force["force_code"], size))
        self.region = {f["force_code"]: (f["region_name"], f["region_code"]) for f in self.forces}
        self.lsoas: list[tuple[str, str, str, str, str]] = []
        for d, (code, name, force, _) in enumerate(DISTRICTS):
            for i in range(_LSOAS_EACH):
                number = d * _LSOAS_EACH + i + 1
                lsoa = f"{name} {1 + i // 3:03d}{'ABC'[i % 3]}"
                self.lsoas.append((f"E010{90000 + number:05d}", lsoa, code, name, force))

    def write(self) -> None:
        self._put("README.txt", README.encode())
        self._police_uk()
        self._home_office()
        self._hospital()
        self._lookups()
        self._area_tables()
        self._grants()
        self._manifest()

    def _manifest(self) -> None:
        """Vouch for the files, as the simulator does: what they say is news about nobody."""
        files = {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name != SIMULATION_MANIFEST
        }
        self._put(SIMULATION_MANIFEST, json.dumps({"files": files}, indent=1).encode())

    def _put(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    # ------------------------------------------------------------------- data.police.uk

    def _police_uk(self) -> None:
        members: list[tuple[str, bytes]] = []
        for month in _months("2019-04", "2022-03"):
            for force in (_WMP, _SECOND):
                street, ids = self._street(force, month)
                loose = month == "2022-03"
                files = [(f"{month}-{force}-street.csv", street)]
                if month >= "2021-01":
                    outcomes = self._outcomes(force, month, ids)
                    files.append((f"{month}-{force}-outcomes.csv", outcomes))
                # West Midlands supplies no searches after it changed its system.
                if "2020-04" <= month <= ("2021-03" if force == _WMP else "2021-11"):
                    searches = self._searches(force, month)
                    files.append((f"{month}-{force}-stop-and-search.csv", searches))
                for name, data in files:
                    if loose:
                        self._put(f"police_uk/{name}", data)
                    else:
                        members.append((f"{month}/{name}", data))
        members.sort()
        (self.folder / "police_uk").mkdir(parents=True, exist_ok=True)
        _zip(self.folder / "police_uk" / "generated_police_uk_archive.zip", members)

    def _place(self, force: str) -> tuple[Any, ...]:
        mine = [x for x in self.lsoas if x[4] == force]
        code, name, *_ = mine[int(self.random.integers(len(mine)))]
        longitude = round(-1.9 + float(self.random.normal(0, 0.15)), 6)
        latitude = round(52.5 + float(self.random.normal(0, 0.1)), 6)
        street = f"On or near Generated Street {int(self.random.integers(1, 99))}"
        return longitude, latitude, street, code, name

    def _street(self, force: str, month: str) -> tuple[bytes, list[str]]:
        name = self.police_uk[force]
        base = 110 if force == _WMP else 75
        season = 1 + 0.12 * np.sin((int(month[5:]) - 1) / 12 * 2 * np.pi - 1)
        # Recorded crime of the larger force rises as its recording improves.
        rise = 1.0 + (0.35 if force == _WMP and month >= "2021-04" else 0.0)
        count = int(self.random.poisson(base * season * rise))
        kinds = list(_CRIME_TYPES)
        shares = np.array(list(_CRIME_TYPES.values()), dtype=float)
        drawn = self.random.choice(len(kinds), size=count, p=shares / shares.sum())
        rows, ids = [], []
        for kind in sorted(drawn):
            nuisance = kinds[kind] == "Anti-social behaviour"
            crime = "" if nuisance else self.random.bytes(32).hex()
            place = (
                self._place(force)
                if self.random.random() > 0.02
                else ("", "", "No Location", "", "")
            )
            outcome = "" if nuisance else _OUTCOME_TYPES[int(self.random.integers(3))]
            rows.append([crime, month, name, name, *place, kinds[kind], outcome, ""])
            if crime:
                ids.append(crime)
        return _csv(_STREET, rows, "\r\n"), ids

    def _outcomes(self, force: str, month: str, ids: list[str]) -> bytes:
        name = self.police_uk[force]
        chosen = [i for i in ids if self.random.random() < 0.4]
        rows = [
            [
                i,
                month,
                name,
                name,
                *self._place(force),
                _OUTCOME_TYPES[int(self.random.integers(5))],
            ]
            for i in chosen
        ]
        return _csv(_OUTCOMES, rows, "\r\n")

    def _searches(self, force: str, month: str) -> bytes:
        rows = []
        groups = (
            ("White", "White - English/Welsh/Scottish/Northern Irish/British"),
            ("Black", "Black/African/Caribbean/Black British - Caribbean"),
            ("Asian", "Asian/Asian British - Pakistani"),
            ("Other", "Other ethnic group - Not stated"),
        )
        days = 28
        for _ in range(int(self.random.poisson(25))):
            longitude, latitude, *_rest = self._place(force)
            officer, own = groups[int(self.random.integers(4))]
            day = int(self.random.integers(1, days + 1))
            hour, minute = int(self.random.integers(6, 22)), int(self.random.integers(60))
            # UTC, and never in a month's last hours: no search belongs to the next month.
            when = f"{month}-{day:02d}T{hour:02d}:{minute:02d}:00+00:00"
            found = self.random.random() < 0.25
            rows.append(
                [
                    "Person search",
                    when,
                    "False",
                    "",
                    latitude,
                    longitude,
                    "" if force == _WMP else ("Male" if self.random.random() < 0.88 else "Female"),
                    ("10-17", "18-24", "25-34", "over 34")[int(self.random.integers(4))],
                    own,
                    officer,
                    "Police and Criminal Evidence Act 1984 (section 1)",
                    ("Controlled drugs", "Offensive weapons", "Stolen goods")[
                        int(self.random.integers(3))
                    ],
                    "Arrest" if found else "A no further action disposal",
                    "True" if found else "",
                    "False",
                ]
            )
        rows.sort(key=lambda r: r[1])
        return _csv(_SEARCHES, rows, "\r\n")

    # ------------------------------------------------------------------- Home Office

    def _home_office(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        about = {r["offence_code"]: r for r in _rows("offence_codes.csv")}
        offences = [(about[c], w) for c, w in OFFENCES if c in about]
        title = [
            "Financial Year",
            "Financial Quarter",
            "Force Name",
            "Offence Description",
            "Offence Group",
            "Offence Subgroup",
            "Offence Code",
            "Number of Offences",
        ]
        for start in range(2018, 2022):
            year = f"{start}/{(start + 1) % 100:02d}"
            rows = []
            for quarter in range(1, 5):
                # The first lockdown: less of everything from April to June 2020.
                calm = 0.75 if (start, quarter) == (2020, 1) else 1.0
                for force in self.forces:
                    code = force["force_code"]
                    rise = 1 + (0.18 if code == _WMP else 0.02) * max(start - 2019, 0)
                    for offence, weight in offences:
                        mean = 9 * weight * self.size[code] * calm * rise
                        count = int(self.random.poisson(mean))
                        if offence["offence_code"] == "802" and self.random.random() < 0.02:
                            count = -1  # a crime of an earlier quarter, cancelled
                        shown: Any = f"{count:,}" if count >= 1_000 else count
                        rows.append(
                            [
                                year,
                                quarter,
                                self.home_office[code],
                                offence["offence_description"],
                                offence["offence_group"],
                                offence["offence_subgroup"],
                                offence["offence_code"],
                                shown,
                            ]
                        )
            name = f"home_office/prc-pfa-{start}-{(start + 1) % 100:02d}-generated.csv"
            self._put(name, _csv(title, rows))
        groups = sorted({o["offence_group"] for o, _ in offences})
        rows = [
            (
                "2021/22",
                float(quarter),
                self.home_office[f["force_code"]],
                group,
                words,
                float(number),
            )
            for quarter in range(1, 5)
            for f in self.forces
            for group in groups
            for words, numbers in OUTCOME_GROUPS
            for number in numbers
        ]
        counts = self.random.poisson(12, size=len(rows)).astype(float)
        names = "Financial Year,Financial Quarter,Force,Offence Group,Outcome Group,Outcome Type"
        table = {n: list(v) for n, v in zip(names.split(","), zip(*rows, strict=True), strict=True)}
        table |= {"n": counts, "territorial": [True] * len(rows)}
        target = self.folder / "home_office" / "prc-outcomes-2021-22-generated.parquet"
        pq.write_table(pa.table(table), target, compression="zstd")

    # ------------------------------------------------------------------- NHS

    def _hospital(self) -> None:
        import openpyxl

        book = openpyxl.Workbook()
        first = book.active
        first.title = "Interpretation"
        first["A1"] = "Generated tabulation: every figure is made up"
        years = range(2018, 2022)
        sex = ("Female", "Male")
        ages = ("0 to 9", "10 to 19", "20 to 29", "30 to 39", "40 to 49", "50 to 59", "60 to 69")
        ethnic = (
            "Asian or Asian British",
            "Black or Black British",
            "Mixed",
            "White",
            "Not stated",
        )
        # One underlying truth, so that the sheets agree with each other.
        means = self.random.uniform(20, 70, size=len(_REGIONS))
        means[len(_REGIONS) - 4 :] = (14, 0.2, 0.3, 14)
        split = np.outer(
            np.outer([0.12, 0.88], [0.02, 0.24, 0.34, 0.2, 0.11, 0.06, 0.03]).ravel(),
            [0.16, 0.16, 0.06, 0.5, 0.12],
        ).ravel()
        cells: dict[tuple[int, int], np.ndarray] = {}
        for year in years:
            for m in range(12):
                calm = 0.7 if (year, m) in ((2020, 0), (2020, 1)) else 1.0
                totals = self.random.poisson(means * calm)
                drawn = np.stack([self.random.multinomial(t, split) for t in totals])
                cells[year, m] = drawn.reshape(len(_REGIONS), 2, 7, 5)
        self._sheet(book, "GOR-Data-Totals", years, cells, None, ())
        self._sheet(book, "GOR-Data-Gender", years, cells, "sex", sex)
        self._sheet(book, "GOR-Data-Age-Group", years, cells, "Age group", ages)
        self._sheet(book, "GOR-Data-Ethnicity", years, cells, "Ethnicity", ethnic)
        notes = book.create_sheet("Footnotes")
        for i, line in enumerate(
            (
                "This workbook was generated: no figure in it is real.",
                "Finished Admission Episode (FAE), Finished Consultant Episode (FCE)",
                "'*' stands for a count of 1 to 7; other sub-national counts are rounded to the "
                "nearest 5",
            ),
            1,
        ):
            notes.cell(i, 1, line)
        book.properties.creator = "generated"
        book.properties.created = dt.datetime(*_STAMP)
        raw = io.BytesIO()
        book.save(raw)
        # The writer stamps the present moment on the workbook and on each part of it.
        with zipfile.ZipFile(raw) as parts:
            members = [(n, parts.read(n)) for n in parts.namelist()]
        stamp = dt.datetime(*_STAMP).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        fixed = [
            (
                n,
                re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
                if n == "docProps/core.xml"
                else data,
            )
            for n, data in members
        ]
        (self.folder / "nhs").mkdir(parents=True, exist_ok=True)
        _zip(self.folder / "nhs" / "generated-hes-assault-sharp-object-by-region-month.xlsx", fixed)

    def _sheet(
        self, book: Any, name: str, years: range, cells: Any, what: str | None, kinds: Any
    ) -> None:
        sheet = book.create_sheet(name)
        sheet["A1"] = (
            "Generated: Count of Finished Admissions Episodes (FAEs) and Finished Consultant "
        )
        sheet["A1"].value += "Episodes (FCEs), assault with sharp object by region of residence"
        by_sex = what == "sex"
        by_row = what is not None and not by_sex
        first = 4 if by_row else 3
        per_area = 4 if by_sex else 2
        row = 4
        areas = (*_REGIONS, "England")
        for a, area in enumerate(areas):
            at = first + a * per_area
            sheet.cell(row, at, area)
            sheet.merge_cells(
                start_row=row, end_row=row, start_column=at, end_column=at + per_area - 1
            )
            if by_sex:
                for s, kind in enumerate(kinds):
                    sheet.cell(row + 1, at + 2 * s, kind)
                    sheet.merge_cells(
                        start_row=row + 1,
                        end_row=row + 1,
                        start_column=at + 2 * s,
                        end_column=at + 2 * s + 1,
                    )
        row += 2 if by_sex else 1
        sheet.cell(row, 1, "Year")
        sheet.cell(row, 2, "Month")
        if by_row:
            sheet.cell(row, 3, what)
        for i in range(len(areas) * per_area):
            sheet.cell(row, first + i, "FAEs" if i % 2 == 0 else "FCEs")
        row += 1

        def counts(drawn: np.ndarray, k: int | None) -> list[int]:
            if by_sex:
                table = drawn.sum(axis=(2, 3))
                return [int(v) for area in table for v in area]
            if what == "Age group":
                table = drawn.sum(axis=(1, 3))
            elif what == "Ethnicity":
                table = drawn.sum(axis=(1, 2))
            else:
                return [int(v) for v in drawn.sum(axis=(1, 2, 3))]
            return [int(v) for v in (table[:, k] if k is not None else table.sum(axis=1))]

        def fill(at: int, values: list[int]) -> None:
            wide = 2 if by_sex else 1
            england = [sum(values[s::wide]) for s in range(wide)]
            for i, value in enumerate(values):
                shown: Any = value if value == 0 else "*" if value < 8 else 5 * ((value + 2) // 5)
                for half in (0, 1):
                    sheet.cell(at, first + 2 * i + half, shown)
            for s, value in enumerate(england):
                shown = "*" if 0 < value < 8 and by_row else value
                for half in (0, 1):
                    sheet.cell(at, first + 2 * len(_REGIONS) * wide + 2 * s + half, shown)

        for year in years:
            label = f"{year}-{(year + 1) % 100:02d}"
            sheet.cell(row, 1, label)
            for m, month in enumerate(_MONTHS):
                sheet.cell(row, 2, month)
                for k in range(len(kinds)) if by_row else (None,):
                    if by_row:
                        sheet.cell(row, 3, kinds[k])
                    fill(row, counts(cells[year, m], k))
                    row += 1
            sheet.cell(row, 1, f"{label} Total")
            fill(row, counts(sum(cells[year, m] for m in range(12)), None))
            row += 1
        sheet.cell(row, 1, "Source: generated, not Hospital Episode Statistics")

    # ------------------------------------------------------------------- ONS

    def _lookups(self) -> None:
        pfa = {f["force_code"]: f["pfa_code"] for f in self.forces}
        rows = [
            [i, code, name, f"E220090{i:02d}", f"{name} (generated)", pfa[force], self.ons[force]]
            for i, (code, name, force, _) in enumerate(self.districts, 1)
        ]
        title = ["FID", "LAD19CD", "LAD19NM", "CSP19CD", "CSP19NM", "PFA19CD", "PFA19NM"]
        self._put("ons/lookup_lad19_csp19_pfa19_generated.csv", _csv(title, rows))
        rows = [
            [name, code, *self.region[force]]
            for code, name, force, _ in self.districts
            if code.startswith("E")
        ]
        title = ["ltla21_name", "ltla21_code", "region21_name", "region21_code"]
        self._put("ons/lookup_ltla21_region21_generated.csv", _csv(title, rows))
        rows = [
            [name, code, name[:-1], f"E0209{i // 3:04d}"]
            for i, (code, name, *_) in enumerate(self.lsoas)
        ]
        title = ["lsoa11_name", "lsoa11_code", "msoa11_name", "msoa11_code"]
        self._put("ons/lookup_lsoa11_msoa11_generated.csv", _csv(title, rows))
        ranks = self.random.choice(np.arange(1, 32_845), size=len(self.lsoas), replace=False)
        rows = [
            [c, n, lad, lad_name, int(r), i]
            for i, ((c, n, lad, lad_name, _), r) in enumerate(
                zip(self.lsoas, ranks, strict=True), 1
            )
        ]
        title = ["LSOA11CD", "LSOA11NM", "LAD19CD", "LAD19NM", "IMD19", "FID"]
        self._put("ons/imd2019_lsoa11_lad19_generated.csv", _csv(title, rows))
        for year, ltla in ((2019, 20), (2020, 21)):
            rows = []
            for code, name, _, size in self.districts:
                curve = np.concatenate([np.full(60, 1.3), np.linspace(1.3, 0.2, 30), [0.6]])
                ages = self.random.poisson(curve * size * 10)
                rows.append([code, name, f"{ages.sum()}.0", *(f"{a}.0" for a in ages)])
            title = [f"ltla{ltla}_code", f"ltla{ltla}_name", "total_population"]
            title += [*(str(a) for a in range(90)), "90+"]
            self._put(f"ons/population_mid{year}_ltla{ltla}_generated.csv", _csv(title, rows))
        shares = np.array([share for _, share in ETHNIC_GROUPS], dtype=float)
        rows = []
        for code, name, _, size in self.districts:
            people = self.random.poisson(shares * size)
            percent = np.round(100 * people / people.sum(), 1)
            for (group, _), count, part in zip(ETHNIC_GROUPS, people, percent, strict=True):
                rows.append([code, name, f"{group} (number)", f"{count}.0"])
                rows.append([code, name, f"{group} (percent)", part])
        title = ["ltla21_code", "ltla21_name", "ethnic_group", "value"]
        self._put("ons/census2021_ethnicity_ltla21_generated.csv", _csv(title, rows))

    def _area_rows(self, values: dict[str, np.ndarray]) -> list[tuple[str, str, np.ndarray]]:
        """Country, regions and forces in the published order, sums adding up exactly."""
        regions: dict[tuple[str, str], list[dict[str, str]]] = {}
        for force in self.forces:
            regions.setdefault((force["region_code"], force["region_name"]), []).append(force)
        england = sum(
            values[f["force_code"]] for f in self.forces if f["pfa_code"].startswith("E23")
        )
        wales = sum(values[f["force_code"]] for f in self.forces if f["pfa_code"].startswith("W15"))
        rows = [
            ("K04000001", "ENGLAND AND WALES [note 3]", england + wales),
            ("E92000001", "ENGLAND", england),
        ]
        for (code, name), members in sorted(regions.items()):
            shown = "WALES" if code.startswith("W92") else name
            rows.append((code, shown, sum(values[f["force_code"]] for f in members)))
            rows += [
                (f["pfa_code"], self.ons[f["force_code"]], values[f["force_code"]]) for f in members
            ]
        return rows

    def _area_tables(self) -> None:
        groups = [
            "Total recorded crime  (excluding fraud)  [note 2]",
            "Violence against the person",
            "Homicide",
            "Death or serious injury - unlawful driving",
            "Violence with injury",
            "Violence without injury",
            "Stalking and harassment",
            "Sexual offences",
            "Robbery",
            "Theft offences",
            "Burglary",
            "Residential burglary",
            "Non-residential burglary",
            "Vehicle offences",
            "Theft from the person",
            "Bicycle theft",
            "Shoplifting",
            "Other theft offences",
            "Criminal damage and arson",
            "Drug offences",
            "Possession of weapons offences",
            "Public order offences",
            "Miscellaneous crimes",
        ]
        values = {}
        for force in self.forces:
            p = self.random.poisson
            size = self.size[force["force_code"]] * 1000
            violence = [int(p(size * w)) for w in (0.002, 0.01, 3, 5, 4)]
            burglary = [int(p(size * w)) for w in (1.2, 0.6)]
            theft = [int(p(size * w)) for w in (2, 0.5, 0.5, 2.5, 3)]
            rest = [int(p(size * w)) for w in (2.6, 0.9, 0.3, 2.6, 0.6)]
            sexual, robbery = int(p(size)), int(p(size * 0.5))
            stolen = [sum(burglary) + sum(theft), sum(burglary), *burglary, *theft]
            total = sum(violence) + sexual + robbery + stolen[0] + sum(rest)
            line = [total, sum(violence), *violence, sexual, robbery, *stolen, *rest]
            values[force["force_code"]] = np.array(line)
        rows = [[c, n, *v] for c, n, v in self._area_rows(values)]
        title = ["Area Code", "Area Name", *groups]
        self._put("ons/p1_recorded_crime_by_group_pfa_generated.csv", _csv(title, rows))
        periods = [f"Apr {y} to  Mar {y + 1}" for y in range(2010, 2022)]
        knives, firearms = {}, {}
        for force in self.forces:
            size = self.size[force["force_code"]]
            rise = np.linspace(0.8, 1.2, len(periods))
            knives[force["force_code"]] = self.random.poisson(600 * size * rise)
            firearms[force["force_code"]] = self.random.poisson(90 * size * rise[::-1])
        title = ["Area Codes", "Area name"]
        for i, period in enumerate(periods):
            title += [period + (" [note 9]" if i == 1 else ""), f"% involving a knife  {period}"]
        rows = []
        for code, name, counts in self._area_rows(knives):
            line: list[Any] = [code, name]
            for i, count in enumerate(counts):
                unreliable = name == "Surrey" and i == 0
                line += [count, "[u]" if unreliable else round(6 + 0.1 * i, 2)]
            rows.append(line)
        self._put("ons/p6_knife_offences_by_pfa_generated.csv", _csv(title, rows))
        rows = [[c, n, *v] for c, n, v in self._area_rows(firearms)]
        title = ["Area code", "Area name", *periods]
        self._put("ons/p8_firearm_offences_by_pfa_generated.csv", _csv(title, rows))

    # ------------------------------------------------------------------- grants, mappings

    def _grants(self) -> None:
        title = [
            "Identifier",
            "Title",
            "Description",
            "Currency",
            "Amount Awarded",
            "Award Date",
            "Planned Dates:Duration (months)",
            "Recipient Org:Identifier",
            "Recipient Org:Name",
            "Beneficiary Location:Name",
            "Beneficiary Location:Geographic Code",
            "Beneficiary Location:Geographic Code Type",
            "Funding Org:Identifier",
            "Funding Org:Name",
            "Grant Programme:Code",
            "Grant Programme:Title",
            "From an open call?",
            "Last modified",
        ]
        rows = []
        for i in range(1, 41):
            day = dt.date(2019, 4, 1) + dt.timedelta(days=int(self.random.integers(0, 1000)))
            shown = day.strftime("%d/%m/%Y") if i % 10 == 0 else day.isoformat()
            code, name, *_ = DISTRICTS[int(self.random.integers(7))]
            rows.append(
                [
                    f"360G-generated-{i:04d}",
                    f"Generated award {i}",
                    "A made-up award that shows the layout",
                    "GBP",
                    int(self.random.integers(5, 200)) * 100,
                    shown,
                    12,
                    f"360G-generated-org-{i % 13}",
                    f"Generated organisation {i % 13}",
                    name,
                    code,
                    "MD",
                    "GB-LAE-GENERATED",
                    "Generated Council",
                    "GEN",
                    "Generated programme",
                    "Yes",
                    "2022-05-03T12:00:00Z",
                ]
            )
        self._put("grants/360giving_generated_grants.csv", _csv(title, rows))
        grants = []
        for i in range(1, 16):
            day = dt.date(2020, 4, 1) + dt.timedelta(days=int(self.random.integers(0, 700)))
            grant: dict[str, Any] = {
                "id": f"360G-generated-json-{i:04d}",
                "title": f"Generated award {i}",
                "description": "A made-up award that shows the layout",
                "currency": "GBP",
                "amountAwarded": int(self.random.integers(5, 200)) * 100,
                "awardDate": day.isoformat(),
                "fundingOrganization": [{"id": "GB-COH-GENERATED", "name": "Generated Trust"}],
                "dateModified": "2022-05-03T12:00:00Z",
            }
            if i % 5 == 0:
                grant["recipientIndividual"] = {"id": f"360G-generated-i{i}", "name": "Individual"}
            else:
                grant["recipientOrganization"] = [
                    {"id": f"360G-generated-org-{i}", "name": f"Generated organisation {i}"}
                ]
            grants.append(grant)
        package = json.dumps({"grants": grants}, indent=1) + "\n"
        self._put("grants/360giving_generated_grants.json", package.encode())
        rows = [
            [
                i,
                r["offence_group"],
                r["offence_code"],
                r["offence_description"],
                r["offence_subgroup"],
                _category(r),
            ]
            for i, r in enumerate(_rows("offence_codes.csv"))
        ]
        title = ["", "Offence_Group", "Offence_Code", "Offence_Description", "Offence_Subgroup"]
        title.append("Police.uk_Cat")
        self._put("mappings/offence_code_to_police_uk_category_generated.csv", _csv(title, rows))


def _category(offence: dict[str, str]) -> str:
    """A plausible data.police.uk category of an offence, by its subgroup or group."""
    for part, category in CATEGORIES.items():
        if part in (offence["offence_subgroup"], offence["offence_group"]):
            return category
    return "Other crime"
