"""The defects that extracts come with: which are put where, and what must become of each.

Two kinds. A *row defect* is a row added to a file: a copy of a clean row under a key of its own,
with one thing wrong. Every clean row stays, so that nothing true is lost with it. (A few are clean
rows written in another, harmless way: these must be kept.) A *file defect* spoils a whole file; the
good file arrives too, after it or before it. So a warehouse that does with every defect what is
expected here ends with exactly the rows of the clean scenario.

Nothing here says how a warehouse finds a defect; the rule codes are those it must name.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orchestration.simulate.extract import Extract
from orchestration.simulate.scenario import MONTHS
from orchestration.simulate.write import to_bytes, to_csv

#: Rows added to a file that gets row defects: this share of its rows, rounded down, and not more
#: than so many. A warehouse warns above 1 percent, so files too small for one row get none.
ROW_SHARE, ROWS_AT_MOST = 0.006, 40
#: One monthly file in so many of a table gets row defects, and every second yearly one (never a
#: file that has a file defect).
ROW_FILES = 4

FAR_FUTURE = "2099-01-01 00:00:00"


@dataclass(frozen=True)
class After:
    """A value of another column of the row, so many hours later."""

    column: str
    hours: float


@dataclass(frozen=True)
class RowDefect:
    """One thing that is wrong with a row of ``table``.

    ``change`` gives new values by column (None: empty), or says what is done to the row:
    ``again`` (the same row once more), ``contradict`` (two rows of one key that differ in
    ``values``), ``more_fields``, ``fewer_fields``, ``bad_byte``, ``nul_byte``; and for rows that
    must be kept ``quoted`` (all fields in quotation marks), ``respelt`` (dates, codes and flags
    as other programs write them), ``broken`` (``values`` over two lines, with commas).
    """

    code: str
    table: str
    change: str | dict[str, str | After | None]
    disposition: str
    rule: str | None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileDefect:
    """What is wrong with the file of one table and period."""

    code: str
    table: str
    period: str
    disposition: str
    rule: str | None
    #: a column, or a number, where the defect needs one
    what: str = ""


@dataclass(frozen=True)
class SpoiledFile:
    """A file as it arrives.

    ``name`` lies within the folder of the source (``resent/legacy_crimes_2019-01.csv``); files of
    a higher ``order`` arrive after all of a lower one.
    """

    name: str
    data: bytes
    defects: pa.Table
    order: int = 0


DEFECTS = pa.schema(
    [
        ("defect_code", pa.string()),
        ("table", pa.string()),
        ("file_name", pa.string()),
        ("row_number", pa.int64()),
        ("key", pa.string()),
        ("expected_disposition", pa.string()),
        ("expected_rule_code", pa.string()),
    ]
)

#: Keys of the tables that get row defects; the column that makes a copy a row of its own.
KEYS: dict[str, tuple[tuple[str, ...], str]] = {
    "legacy/crimes": (("crime_number",), "crime_number"),
    "legacy/persons": (("crime_number", "person_seq"), "person_seq"),
    "connect/investigations": (("investigation_id",), "investigation_id"),
    "connect/classification_history": (("investigation_id", "changed_at"), "investigation_id"),
    "connect/involvements": (("investigation_id", "involvement_seq"), "involvement_seq"),
    "incidents/logs": (("log_number",), "log_number"),
    "geography/beats": (("recording_system", "beat_code", "lsoa_code"), "beat_code"),
    "hospital/hes_apc": (("EPIKEY",), "EPIKEY"),
    "hospital/ecds": (("attendance_id",), "attendance_id"),
    "grants/ledger": (("entry_id",), "entry_id"),
}
#: Numbers of added persons begin here: no crime has so many.
FIRST_SPARE = 900


def _quarantined(table: str, code: str, rule: str, /, **change: str | After | None) -> RowDefect:
    return RowDefect(code, table, change, "quarantined", f"{table.replace('/', '.')}.{rule}")


def _of_any_table(table: str, contradicting: tuple[str, ...] = ()) -> tuple[RowDefect, ...]:
    """What can happen to a row whatever it is about."""
    prefix = f"{table.replace('/', '.')}.row"
    found = [
        RowDefect("repeated_row", table, "again", "deduplicated", f"{prefix}.repeated_row"),
        RowDefect(
            "too_many_fields", table, "more_fields", "quarantined", f"{prefix}.too_many_fields"
        ),
        RowDefect(
            "too_few_fields", table, "fewer_fields", "quarantined", f"{prefix}.too_few_fields"
        ),
        RowDefect("bytes_not_text", table, "bad_byte", "quarantined", f"{prefix}.not_text"),
        RowDefect("nul_byte", table, "nul_byte", "quarantined", f"{prefix}.not_text"),
        RowDefect("quoted_row", table, "quoted", "kept", None),
    ]
    if contradicting:
        found.insert(
            1,
            RowDefect(
                "conflicting_key",
                table,
                "contradict",
                "quarantined",
                f"{prefix}.conflicting_key",
                contradicting,
            ),
        )
    return tuple(found)


_C, _P = "legacy/crimes", "legacy/persons"
_I, _H, _V = "connect/investigations", "connect/classification_history", "connect/involvements"
_L, _B = "incidents/logs", "geography/beats"
_A, _E, _G = "hospital/hes_apc", "hospital/ecds", "grants/ledger"

#: Every row defect, by table. Files take them in turn, so that each occurs somewhere.
ROW_DEFECTS: tuple[RowDefect, ...] = (
    # legacy/crimes
    _quarantined(_C, "unknown_offence", "offence_code.not_in_code_list", offence_code="8ZZ"),
    _quarantined(_C, "no_offence", "offence_code.missing", offence_code=None),
    _quarantined(_C, "no_recorded_at", "recorded_at.missing", recorded_at=None),
    _quarantined(_C, "no_key", "crime_number.missing", crime_number=None),
    _quarantined(_C, "unreadable_date", "reported_at.not_a_date", reported_at="31/02/2019 10:00"),
    _quarantined(_C, "in_the_future", "recorded_at.in_the_future", recorded_at=FAR_FUTURE),
    _quarantined(
        _C,
        "recorded_before_reported",
        "recorded_at.out_of_order",
        reported_at=After("recorded_at", 72),
    ),
    _quarantined(
        _C,
        "reported_before_occurred",
        "reported_at.out_of_order",
        occurred_from_at=After("reported_at", 2),
        occurred_to_at=None,
    ),
    _quarantined(
        _C,
        "occurred_backwards",
        "occurred_to_at.out_of_order",
        occurred_from_at=After("reported_at", -48),
        occurred_to_at=After("reported_at", -96),
    ),
    _quarantined(_C, "bad_lsoa", "location_lsoa.bad_format", location_lsoa="Birmingham 067A"),
    _quarantined(_C, "unknown_weapon", "weapon_code.not_in_code_list", weapon_code="Q"),
    _quarantined(_C, "unknown_outcome", "outcome_type.not_in_code_list", outcome_type="99"),
    _quarantined(_C, "unreadable_flag", "is_domestic.not_a_boolean", is_domestic="perhaps"),
    _quarantined(
        _C, "unknown_cancellation", "cancelled_code.not_in_code_list", cancelled_code="C9"
    ),
    *_of_any_table(_C, ("offence_code", "8N", "5D")),
    RowDefect("other_spelling", _C, "respelt", "kept", None, ("recorded_at", "offence_code")),
    # legacy/persons
    _quarantined(_P, "unknown_ethnicity", "ethnicity_self.not_in_code_list", ethnicity_self="ZZ"),
    _quarantined(
        _P,
        "unknown_officer_ethnicity",
        "ethnicity_officer.not_in_code_list",
        ethnicity_officer="IC9",
    ),
    _quarantined(_P, "negative_age", "age_at_offence.out_of_range", age_at_offence="-3"),
    _quarantined(_P, "absurd_age", "age_at_offence.out_of_range", age_at_offence="250"),
    _quarantined(_P, "age_in_words", "age_at_offence.not_a_number", age_at_offence="twenty"),
    _quarantined(_P, "age_with_fraction", "age_at_offence.not_a_number", age_at_offence="17.5"),
    _quarantined(_P, "unknown_role", "role.not_in_code_list", role="bystander"),
    _quarantined(_P, "no_role", "role.missing", role=None),
    _quarantined(_P, "unknown_sex", "sex.not_in_code_list", sex="Q"),
    _quarantined(_P, "no_number", "person_seq.missing", person_seq=None),
    *_of_any_table(_P, ("age_at_offence", "19", "41")),
    RowDefect("other_spelling", _P, "respelt", "kept", None, ("role",)),
    # connect/investigations
    _quarantined(
        _I,
        "unknown_offence",
        "current_offence_code.not_in_code_list",
        current_offence_code="8N-99",
    ),
    _quarantined(_I, "unknown_weapon", "weapon_list.not_in_code_list", weapon_list="OTHER;SPOON"),
    _quarantined(_I, "unknown_use", "weapon_use.not_in_code_list", weapon_use="BRANDISHED"),
    _quarantined(_I, "unknown_origin", "record_origin.not_in_code_list", record_origin="walk_in"),
    _quarantined(_I, "unknown_outcome", "outcome_type.not_in_code_list", outcome_type="OC99"),
    _quarantined(_I, "no_status", "status.missing", status=None),
    _quarantined(_I, "no_created_at", "created_at.missing", created_at=None),
    _quarantined(_I, "in_the_future", "created_at.in_the_future", created_at=FAR_FUTURE),
    _quarantined(
        _I,
        "created_before_reported",
        "created_at.out_of_order",
        reported_at=After("created_at", 30),
    ),
    _quarantined(
        _I,
        "reported_before_occurred",
        "reported_at.out_of_order",
        offence_start=After("reported_at", 5),
        offence_end=None,
    ),
    _quarantined(_I, "unreadable_date", "offence_start.not_a_date", offence_start="last Friday"),
    _quarantined(_I, "bad_lsoa", "location_lsoa.bad_format", location_lsoa="E0100888"),
    _quarantined(_I, "unreadable_flag", "dv_flag.not_a_boolean", dv_flag="DV"),
    *_of_any_table(_I, ("status", "OPEN", "FINALISED")),
    RowDefect("other_spelling", _I, "respelt", "kept", None, ("created_at", "status", "dv_flag")),
    RowDefect("broken_text", _I, "broken", "kept", None, ("occurrence_id",)),
    # connect/classification_history
    _quarantined(_H, "unknown_reason", "reason.not_in_code_list", reason="downgraded"),
    _quarantined(_H, "unknown_offence", "to_code.not_in_code_list", to_code="NONE"),
    _quarantined(_H, "no_changed_at", "changed_at.missing", changed_at=None),
    _quarantined(_H, "in_the_future", "changed_at.in_the_future", changed_at=FAR_FUTURE),
    _quarantined(_H, "unreadable_date", "changed_at.not_a_date", changed_at="2021-06-31 12:00:00"),
    *_of_any_table(_H, ("reason", "reclassified", "avi_requested")),
    # connect/involvements
    _quarantined(_V, "absurd_birth_year", "dob_year.out_of_range", dob_year="1066"),
    _quarantined(_V, "birth_year_in_words", "dob_year.not_a_number", dob_year="not known"),
    _quarantined(_V, "unknown_age_band", "age_band.not_in_code_list", age_band="18 to 24"),
    _quarantined(_V, "unknown_ethnicity", "ethnicity.not_in_code_list", ethnicity="WHITE"),
    _quarantined(_V, "unknown_role", "role.not_in_code_list", role="BYSTANDER"),
    _quarantined(_V, "no_number", "involvement_seq.missing", involvement_seq=None),
    *_of_any_table(_V, ("dob_year", "1990", "2001")),
    # incidents/logs
    _quarantined(_L, "unknown_opening", "opening_code.not_in_code_list", opening_code="ZZZ"),
    _quarantined(_L, "unknown_closing", "closing_codes.not_in_code_list", closing_codes="CRIME;?"),
    _quarantined(_L, "no_opened_at", "opened_at.missing", opened_at=None),
    _quarantined(
        _L,
        "in_the_future",
        "opened_at.in_the_future",
        opened_at=FAR_FUTURE,
        closed_at=None,
        lqt_reviewed_at=None,
    ),
    _quarantined(
        _L, "closed_before_opened", "closed_at.out_of_order", closed_at=After("opened_at", -1)
    ),
    _quarantined(
        _L,
        "reviewed_before_opened",
        "lqt_reviewed_at.out_of_order",
        lqt_reviewed_at=After("opened_at", -24),
    ),
    _quarantined(_L, "unreadable_date", "closed_at.not_a_date", closed_at="24:61"),
    _quarantined(_L, "bad_lsoa", "lsoa.bad_format", lsoa="e01008881"),
    *_of_any_table(_L, ("opening_code", "VIOL", "ROB")),
    RowDefect("other_spelling", _L, "respelt", "kept", None, ("opened_at", "opening_code")),
    # geography/beats
    _quarantined(
        _B, "unknown_system", "recording_system.not_in_code_list", recording_system="niche"
    ),
    _quarantined(_B, "bad_district", "district_code.bad_format", district_code="Birmingham"),
    _quarantined(_B, "bad_lsoa", "lsoa_code.bad_format", lsoa_code="067A"),
    _quarantined(_B, "unreadable_flag", "is_impact_area.not_a_boolean", is_impact_area="partly"),
    _quarantined(_B, "no_neighbourhood", "neighbourhood_code.missing", neighbourhood_code=None),
    *_of_any_table(_B),
    # hospital/hes_apc
    _quarantined(_A, "unknown_sex", "sex.not_in_code_list", SEX="7"),
    _quarantined(_A, "unknown_ethnicity", "ethnos.not_in_code_list", ETHNOS="?"),
    _quarantined(_A, "unknown_status", "epistat.not_in_code_list", EPISTAT="7"),
    _quarantined(_A, "absurd_age", "startage.out_of_range", STARTAGE="9999"),
    _quarantined(_A, "negative_age", "startage.out_of_range", STARTAGE="-1"),
    _quarantined(_A, "diagnosis_in_words", "diag_4_01.bad_format", DIAG_4_01="STABBED"),
    _quarantined(_A, "bad_lsoa", "lsoa11.bad_format", LSOA11="BIRMINGHAM"),
    _quarantined(_A, "unreadable_date", "admidate.not_a_date", ADMIDATE="2019-02-30"),
    _quarantined(_A, "in_the_future", "admidate.in_the_future", ADMIDATE=FAR_FUTURE[:10]),
    _quarantined(_A, "no_key", "epikey.missing", EPIKEY=None),
    _quarantined(_A, "unreadable_flag", "fae.not_a_boolean", FAE="first"),
    *_of_any_table(_A, ("SEX", "1", "2")),
    # hospital/ecds
    _quarantined(_E, "unknown_weapon", "weapon_code.not_in_code_list", weapon_code="AXE"),
    _quarantined(_E, "unknown_sex", "sex.not_in_code_list", sex="M"),
    _quarantined(
        _E, "arrived_before_injured", "arrived_at.out_of_order", injured_at=After("arrived_at", 9)
    ),
    _quarantined(_E, "no_arrived_at", "arrived_at.missing", arrived_at=None),
    _quarantined(_E, "unreadable_date", "arrived_at.not_a_date", arrived_at="2019-05-04 25:00"),
    _quarantined(_E, "absurd_age", "age.out_of_range", age="130"),
    _quarantined(_E, "bad_lsoa", "lsoa.bad_format", lsoa="E0100888"),
    *_of_any_table(_E, ("weapon_code", "SHARP", "BODY")),
    # grants/ledger
    _quarantined(_G, "amount_in_brackets", "amount.not_a_number", amount="(1,250.00)"),
    _quarantined(_G, "no_amount", "amount.missing", amount=None),
    _quarantined(_G, "bad_month", "period.bad_format", period="2021-13"),
    _quarantined(_G, "unknown_kind", "kind.not_in_code_list", kind="commitment"),
    _quarantined(_G, "no_line", "line_id.missing", line_id=None),
    _quarantined(_G, "in_the_future", "posted_at.in_the_future", posted_at=FAR_FUTURE),
    # A year's ledger is small: only as many as the two files take.
    *_of_any_table(_G, ("amount", "100.00", "1000.00"))[:4],
)

#: Every file defect. Where the spoilt file is refused, warned of or superseded, the good one comes
#: after it; where it is a replay, before it.
FILE_DEFECTS: tuple[FileDefect, ...] = (
    FileDefect("doubled_file", _C, "2018-11", "refused", "legacy.crimes.rows.doubled"),
    FileDefect("doubled_file", _L, "2020-02", "refused", "incidents.logs.rows.doubled"),
    FileDefect("doubled_file", _V, "2021-08", "refused", "connect.involvements.rows.doubled"),
    FileDefect("renamed_column", _C, "2019-01", "refused", "wrong_header", "offence_code"),
    FileDefect("missing_column", _P, "2019-02", "refused", "wrong_header", "age_at_offence"),
    FileDefect("extra_column", _I, "2021-06", "refused", "wrong_header", "officer_in_case"),
    FileDefect(
        "named_for_another_month",
        _C,
        "2019-10",
        "refused",
        "legacy.crimes.period.not_as_stated",
        "2020-10",
    ),
    FileDefect("name_without_month", _P, "2018-05", "refused", "bad_file_name"),
    FileDefect("empty_file", _P, "2018-06", "refused", "empty_file"),
    FileDefect("header_only", _C, "2018-08", "refused", "legacy.crimes.rows.none"),
    FileDefect("semicolons", _P, "2018-09", "refused", "wrong_header"),
    FileDefect("torn_gzip", _C, "2018-05", "refused", "gzip_unreadable"),
    FileDefect("utf_16", _P, "2019-08", "refused", "not_text"),
    FileDefect("open_quotation_mark", _P, "2020-10", "refused", "unterminated_quote"),
    FileDefect("many_bad_rows", _C, "2018-07", "refused", "legacy.crimes.rows.many_quarantined"),
    FileDefect("some_bad_rows", _L, "2020-09", "warned", "incidents.logs.rows.some_quarantined"),
    FileDefect("cut_off_early", _C, "2018-10", "refused", "legacy.crimes.rows.volume_extreme"),
    FileDefect("cut_off", _P, "2020-06", "warned", "legacy.persons.rows.volume_unusual"),
    FileDefect(
        "drifting_column", _C, "2020-03", "warned", "legacy.crimes.domestic.missing", "is_domestic"
    ),
    FileDefect(
        "drifting_column", _P, "2018-12", "warned", "legacy.persons.age.missing", "age_at_offence"
    ),
    FileDefect("columns_reordered", _V, "2021-11", "warned", "column_order"),
    FileDefect("byte_order_mark", _L, "2019-08", "kept", None),
    FileDefect("superseded_revision", _C, "2019-09", "superseded", None, "outcome_type"),
    FileDefect("superseded_revision", _I, "2021-09", "superseded", None, "outcome_type"),
    FileDefect("sent_twice", _L, "2019-05", "replayed", "same_bytes"),
    FileDefect("late_file", _C, "2019-12", "kept", None),
    FileDefect("late_file", "hospital/ecds", "2020-08", "kept", None),
)
#: Shares of a file's rows that these defects touch or leave.
DOUBTFUL_SHARE, MANY_SHARE, SOME_SHARE, DRIFT_SHARE = 0.03, 0.45, 0.04, 0.5
CUT_AT, CUT_EARLY_AT = 0.45, 0.05


# ----------------------------------------------------------------------- lines


class _Lines:
    """A clean file as its title and its lines, each a record."""

    def __init__(self, table: pa.Table) -> None:
        data = to_csv(table)
        if b'"' in data:
            raise ValueError("a clean extract whose texts need quotation marks cannot be spoilt")
        self.title, *self.rows = data.removesuffix(b"\n").split(b"\n")
        self.columns = tuple(self.title.decode().split(","))

    def fields(self, at: int) -> dict[str, str]:
        return dict(zip(self.columns, self.rows[at].decode().split(","), strict=True))

    def file(self, rows: Iterable[bytes]) -> bytes:
        return b"\n".join([self.title, *rows, b""])


def _line(values: Iterable[str], quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="", quoting=quoting).writerow(values)  # type: ignore[arg-type]
    return out.getvalue().encode("utf-8", "surrogateescape")


def _table(
    rows: Sequence[tuple[str, str, str, int | None, str | None, str, str | None]],
) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [[] for _ in DEFECTS]
    return pa.table(
        [pa.array(list(c), f.type) for c, f in zip(columns, DEFECTS, strict=True)], schema=DEFECTS
    )


# ----------------------------------------------------------------------- rows


@dataclass
class _Added:
    """A row to be put in before clean row ``at``, or (``is_instead``) to stand for it."""

    at: int
    line: bytes
    defect: RowDefect
    key: str | None
    is_instead: bool = False


def _key(table: str, fields: dict[str, str]) -> str | None:
    values = [fields[column] for column in KEYS[table][0]]
    return " / ".join(values) if all(values) else None


def _fresh(table: str, fields: dict[str, str], number: int) -> None:
    """Give a copied row a key that no other row has."""
    column = KEYS[table][1]
    if column.endswith("_seq"):
        fields[column] = str(FIRST_SPARE + number)
    else:
        fields[column] += f"-D{number:04d}"


def _value(fields: dict[str, str], value: str | After | None) -> str:
    if isinstance(value, After):
        moment = dt.datetime.fromisoformat(fields[value.column])
        return (moment + dt.timedelta(hours=value.hours)).isoformat(" ", "seconds")
    return value or ""


def _respelt(value: str) -> str:
    """A date, flag or code as another program would write it: the same thing."""
    if value in ("Y", "N"):
        return "true" if value == "Y" else "false"
    if len(value) == 19 and value[4] == "-" and value[10] == " ":
        return value.replace(" ", "T")
    return f" {value} " if value else value


def _make(defect: RowDefect, lines: _Lines, base: int, at: int, number: int) -> list[_Added]:
    """Rows of one defect, made of clean row ``base``."""
    fields = lines.fields(base)
    table = defect.table
    how = defect.change
    if how in ("quoted", "respelt", "broken"):
        key = _key(table, fields)
        for column in defect.values:
            value = fields[column]
            fields[column] = f"{value},\nsee also, {value}" if how == "broken" else _respelt(value)
        quoting = csv.QUOTE_ALL if how == "quoted" else csv.QUOTE_MINIMAL
        return [_Added(base, _line(fields.values(), quoting), defect, key, is_instead=True)]
    if how == "again":
        return [_Added(at, lines.rows[base], defect, _key(table, fields))]
    _fresh(table, fields, number)
    if how == "contradict":
        column, *differing = defect.values
        found = []
        for value in differing:
            fields[column] = value
            found.append(_Added(at, _line(fields.values()), defect, _key(table, fields)))
        return found
    key = _key(table, fields)
    if how == "more_fields":
        line = _line([*fields.values(), "and more"])
    elif how == "fewer_fields":
        line = _line(list(fields.values())[:-2])
    elif how in ("bad_byte", "nul_byte"):
        # 0x81 is no character in UTF-8, nor in Windows-1252, which a text that is not UTF-8 is
        # taken for.
        first = lines.columns[0]
        fields[first] += "\udc81" if how == "bad_byte" else "\0"
        line = _line(fields.values())
    else:
        assert isinstance(how, dict)
        values = {column: _value(fields, value) for column, value in how.items()}
        fields.update(values)
        key = _key(table, fields)
        line = _line(fields.values())
    return [_Added(at, line, defect, key)]


def _with_rows(
    lines: _Lines, defects: Sequence[RowDefect], rng: np.random.Generator, name: str
) -> tuple[bytes, pa.Table]:
    """The file with the rows of ``defects`` put in at random places, and what they are."""
    count = len(lines.rows)
    bases = rng.choice(count, min(len(defects), count), replace=False)
    added: list[_Added] = []
    for number, (defect, base) in enumerate(zip(defects, bases.tolist(), strict=False)):
        # A copy comes after what it is a copy of.
        at = int(rng.integers(base + 1, count + 1))
        added += _make(defect, lines, base, at, number)
    added.sort(key=lambda a: a.at)
    rows: list[bytes] = []
    found = []
    done = 0
    for a in added:
        rows += lines.rows[done : a.at]
        done = a.at + a.is_instead
        rows.append(a.line)
        d = a.defect
        found.append((d.code, d.table, name, len(rows), a.key, d.disposition, d.rule))
    rows += lines.rows[done:]
    return lines.file(rows), _table(found)


def _in_turn(
    table: str, count: int, first: int, only: Callable[[RowDefect], bool]
) -> list[RowDefect]:
    """So many defects of a table in the order of the list, beginning at the ``first``."""
    known = [d for d in ROW_DEFECTS if d.table == table and only(d)]
    return [known[(first + n) % len(known)] for n in range(count)]


def _turn(table: str, period: str | None) -> int | None:
    """Which of its table's files with row defects a file is, from 0; None: it gets none."""
    if period is None:
        return 0
    if period in MONTHS:
        # Tables take different months.
        turn, rest = divmod(MONTHS.index(period) + list(KEYS).index(table), ROW_FILES)
    else:
        turn, rest = divmod(int(period[:4]) - 2019, 2)
    return turn if rest == 0 else None


def row_defects_of(table: str, period: str | None, count: int) -> list[RowDefect]:
    """The row defects of a clean file of ``count`` rows; none where the file is left alone."""
    if table not in KEYS or (table, period) in _SPOILT:
        return []
    turn = _turn(table, period)
    rows = min(int(count * ROW_SHARE), ROWS_AT_MOST)
    if turn is None:
        return []
    # Each file goes on with the list where the one before it, of about the same size, ended.
    chosen = _in_turn(table, rows, turn * max(rows - 1, 1), lambda d: True)
    # A contradiction takes two rows.
    while sum(2 if d.change == "contradict" else 1 for d in chosen) > rows:
        chosen.pop()
    return chosen


# ----------------------------------------------------------------------- files

_SPOILT = {(d.table, d.period): d for d in FILE_DEFECTS}
RESENT, AGAIN, MISNAMED = "resent", "again", "misnamed"


def spoil(
    extract: Extract, rng: np.random.Generator, file_format: str = "csv"
) -> list[SpoiledFile]:
    """An extract as it arrives: one clean file (in ``file_format``) unless a defect is put in.

    A file with row defects, or that is spoilt itself, is plain CSV: only text holds what no type
    allows. Where a good file comes beside a spoilt one it has the bytes of the clean scenario.
    """
    name = f"{extract.stem}.{file_format}"

    def clean(where: str = "", order: int = 0) -> SpoiledFile:
        data = to_bytes(extract.data, file_format)
        return SpoiledFile(f"{where}/{name}" if where else name, data, _table([]), order)

    defect = _SPOILT.get((extract.table, extract.period or ""))
    if defect is None:
        chosen = row_defects_of(extract.table, extract.period, extract.data.num_rows)
        if not chosen:
            return [clean()]
        text_name = f"{extract.stem}.csv"
        data, found = _with_rows(_Lines(extract.data), chosen, rng, text_name)
        return [SpoiledFile(text_name, data, found)]
    if defect.code == "late_file":
        late = clean(order=2)
        return [SpoiledFile(late.name, late.data, _whole(defect, late.name), late.order)]
    if defect.code == "sent_twice":
        found = [clean()]
        for twin in (f"{AGAIN}/{name}", f"{AGAIN}/{extract.stem}_copy.{file_format}"):
            found.append(SpoiledFile(twin, found[0].data, _whole(defect, twin), order=1))
        return found
    spoilt = _FILE_MAKERS[defect.code](extract, defect, rng)
    if defect.code in ("some_bad_rows", "byte_order_mark"):
        return [spoilt]
    return [spoilt, clean(RESENT, order=1)]


def _whole(defect: FileDefect, name: str, *rows: tuple) -> pa.Table:
    """The finding of a whole file, and those of its rows."""
    first = (defect.code, defect.table, name, None, None, defect.disposition, defect.rule)
    return _table([first, *rows])


def _spoilt(
    extract: Extract, defect: FileDefect, data: bytes, name: str = "", *rows: tuple
) -> SpoiledFile:
    name = name or f"{extract.stem}.csv"
    return SpoiledFile(name, data, _whole(defect, name, *rows))


def _doubled(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    lines = _Lines(extract.data)
    return _spoilt(extract, defect, lines.file([*lines.rows, *lines.rows]))


def _renamed(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    new = [f"{c}_new" if c == defect.what else c for c in extract.data.column_names]
    return _spoilt(extract, defect, to_csv(extract.data.rename_columns(new)))


def _missing(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    return _spoilt(extract, defect, to_csv(extract.data.drop_columns([defect.what])))


def _extra(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    more = pa.array(np.char.mod("%05d", rng.integers(0, 99_999, extract.data.num_rows)))
    return _spoilt(extract, defect, to_csv(extract.data.append_column(defect.what, more)))


def _misnamed(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    name = extract.stem.replace(defect.period, defect.what)
    return _spoilt(extract, defect, to_csv(extract.data), f"{MISNAMED}/{name}.csv")


def _unnamed(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    name = extract.stem.replace(defect.period, "final")
    return _spoilt(extract, defect, to_csv(extract.data), f"{MISNAMED}/{name}.csv")


def _empty(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    return _spoilt(extract, defect, b"")


def _header(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    return _spoilt(extract, defect, to_csv(extract.data.slice(0, 0)))


def _semicolons(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    return _spoilt(extract, defect, to_csv(extract.data).replace(b",", b";"))


def _utf_16(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    return _spoilt(extract, defect, b"\xff\xfe" + to_csv(extract.data).decode().encode("utf-16-le"))


def _open_quote(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    lines = _Lines(extract.data)
    at = len(lines.rows) // 3
    lines.rows[at] = b'"' + lines.rows[at]
    return _spoilt(extract, defect, lines.file(lines.rows))


def _bad_rows(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    """Many rows that break the contract, all of kinds that have a value in every row."""
    lines = _Lines(extract.data)
    share = MANY_SHARE if defect.code == "many_bad_rows" else SOME_SHARE
    chosen = _in_turn(
        extract.table,
        max(1, round(len(lines.rows) * share)),
        0,
        lambda d: isinstance(d.change, dict),
    )
    name = f"{extract.stem}.csv"
    data, found = _with_rows(lines, chosen, rng, name)
    whole = _whole(defect, name)
    # Rows of a file that is refused whole need no finding of their own.
    if defect.disposition != "refused":
        whole = pa.concat_tables([whole, found])
    return SpoiledFile(name, data, whole)


def _cut(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    """A file that ends in the middle of a row."""
    lines = _Lines(extract.data)
    share = CUT_EARLY_AT if defect.code == "cut_off_early" else CUT_AT
    whole = int(len(lines.rows) * share)
    torn = lines.rows[whole].split(b",")
    torn = b",".join(torn[: len(torn) // 2])
    data = b"\n".join([lines.title, *lines.rows[:whole], torn])
    name = f"{extract.stem}.csv"
    if defect.disposition == "refused":
        return _spoilt(extract, defect, data, name)
    rule = f"{extract.table.replace('/', '.')}.row.too_few_fields"
    row = ("torn_row", extract.table, name, whole + 1, None, "quarantined", rule)
    return _spoilt(extract, defect, data, name, row)


def _drifting(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    """A column that half the rows have lost."""
    data = _blanked(extract.data, (defect.what,), rng.random(extract.data.num_rows) < DRIFT_SHARE)
    return _spoilt(extract, defect, to_csv(data))


def _revised(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    """The file as it stood before some of its outcomes were known."""
    when = {"legacy/crimes": "outcome_date", "connect/investigations": "outcome_at"}[extract.table]
    earlier = rng.random(extract.data.num_rows) < DOUBTFUL_SHARE
    return _spoilt(extract, defect, to_csv(_blanked(extract.data, (defect.what, when), earlier)))


def _blanked(data: pa.Table, columns: Iterable[str], where: np.ndarray) -> pa.Table:
    import pyarrow.compute as pc

    for column in columns:
        at = data.column_names.index(column)
        kind = data.schema.field(column).type
        kept = pc.if_else(pa.array(where), pa.scalar(None, kind), data.column(column))
        data = data.set_column(at, column, kept)
    return data


def _reordered(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    names = extract.data.column_names
    return _spoilt(extract, defect, to_csv(extract.data.select([*names[2:], *names[:2]])))


def _marked(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    """As a spreadsheet saves it: a byte order mark and CRLF line ends."""
    return _spoilt(extract, defect, b"\xef\xbb\xbf" + to_csv(extract.data).replace(b"\n", b"\r\n"))


def _torn_gzip(extract: Extract, defect: FileDefect, rng: np.random.Generator) -> SpoiledFile:
    packed = gzip.compress(to_csv(extract.data), compresslevel=1, mtime=0)
    return _spoilt(extract, defect, packed[: len(packed) * 2 // 3], f"{extract.stem}.csv.gz")


_FILE_MAKERS: dict[str, Callable[[Extract, FileDefect, np.random.Generator], SpoiledFile]] = {
    "doubled_file": _doubled,
    "renamed_column": _renamed,
    "missing_column": _missing,
    "extra_column": _extra,
    "named_for_another_month": _misnamed,
    "name_without_month": _unnamed,
    "empty_file": _empty,
    "header_only": _header,
    "semicolons": _semicolons,
    "utf_16": _utf_16,
    "open_quotation_mark": _open_quote,
    "many_bad_rows": _bad_rows,
    "some_bad_rows": _bad_rows,
    "cut_off_early": _cut,
    "cut_off": _cut,
    "drifting_column": _drifting,
    "superseded_revision": _revised,
    "columns_reordered": _reordered,
    "byte_order_mark": _marked,
    "torn_gzip": _torn_gzip,
}
