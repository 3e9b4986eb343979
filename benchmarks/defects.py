"""What became of each defect that the simulator put in, against what must become of it.

Reads a warehouse and the truth beside the extracts it was loaded from. Judging is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb


@dataclass(frozen=True)
class DefectRow:
    """One kind of defect in one table: how many were put in, how many ended as they must."""

    defect: str
    table: str
    expected: str
    count: int
    as_expected: int
    #: what became of the others, in words
    others: str


@dataclass(frozen=True)
class Confusion:
    """The confusion matrix by defect, and what was refused that should not have been."""

    rows: tuple[DefectRow, ...]
    #: clean rows of accepted files that are in quarantine (file, row number, rule)
    false_rows: tuple[tuple[str, int | None, str], ...]
    #: files that were refused without a reason to (file, reason)
    false_files: tuple[tuple[str, str], ...]

    @property
    def count(self) -> int:
        return sum(r.count for r in self.rows)

    @property
    def as_expected(self) -> int:
        return sum(r.as_expected for r in self.rows)

    def lines(self) -> list[str]:
        """The matrix for a person."""
        head = f"{'defect':28} {'table':32} {'must be':13} {'put in':>6} {'as must be':>10}"
        found = [head]
        for r in self.rows:
            found.append(
                f"{r.defect:28} {r.table:32} {r.expected:13} {r.count:>6} {r.as_expected:>10}"
                + (f"   others: {r.others}" if r.others else "")
            )
        found.append(
            f"{'all':28} {'':32} {'':13} {self.count:>6} {self.as_expected:>10}   "
            f"clean rows set aside: {len(self.false_rows)}, clean files refused: "
            f"{len(self.false_files)}"
        )
        return found


_FOUND = """
with defects as (
    select row_number() over () as n, * from read_parquet($1)
),
loads as (
    select
        l.file_name, l.load_id, l.outcome, l.reason_code,
        bool_and(p.superseded_at is not null) filter (p.load_id is not null) as is_superseded
    from w.ledger.load as l
    left join w.ledger.load_period as p on p.load_id = l.load_id
    group by all
),
attempts as (
    select file_name, list(distinct outcome) as outcomes, list(distinct reason_code) as reasons
    from w.ledger.attempt group by 1
),
warnings as (
    select load_id, list(distinct expectation_code) as codes
    from w.ledger.gate_result where status = 'fail' group by 1
),
set_aside as (
    select load_id, row_number, list(distinct rule_code) as rules
    from w.ledger.quarantine where row_number is not null group by 1, 2
),
joined as (
    select
        d.*, l.outcome, l.reason_code, coalesce(l.is_superseded, false) as is_superseded,
        coalesce(a.outcomes, []) as outcomes, coalesce(a.reasons, []) as reasons,
        list_concat(coalesce(x.codes, []), [l.reason_code]) as codes, q.rules
    from defects as d
    left join loads as l on l.file_name = d.file_name
    left join attempts as a on a.file_name = d.file_name
    left join warnings as x on x.load_id = l.load_id
    left join set_aside as q on q.load_id = l.load_id and q.row_number = d.row_number
)
select
    defect_code, "table", expected_disposition, count(*) as put_in,
    count(*) filter (is_as_expected) as as_expected,
    coalesce(string_agg(distinct became, '; ' order by became) filter (not is_as_expected), '')
from (
    select *,
        coalesce(case expected_disposition
            when 'quarantined' then rules = [expected_rule_code]
            when 'deduplicated' then rules = [expected_rule_code]
            when 'refused' then outcome = 'refused' and reason_code = expected_rule_code
            when 'superseded' then outcome like 'entered%' and is_superseded
            when 'replayed' then list_contains(outcomes, 'replay')
                and list_contains(reasons, expected_rule_code)
            when 'warned' then outcome = 'entered_with_warnings'
                and list_contains(codes, expected_rule_code)
            when 'kept' then outcome like 'entered%' and rules is null
        end, false) as is_as_expected,
        concat_ws(', ', outcome, reason_code, array_to_string(rules, ' + '),
            case when outcome is null then array_to_string(outcomes, ' + ') end) as became
    from joined
)
group by 1, 2, 3 order by 1, 2
"""

_FALSE_ROWS = """
select l.file_name, q.row_number, min(q.rule_code)
from w.ledger.quarantine as q
inner join w.ledger.load as l on l.load_id = q.load_id and l.outcome <> 'refused'
anti join read_parquet($1) as d
    on d.file_name = l.file_name and d.row_number is not distinct from q.row_number
group by 1, 2 order by 1, 2
"""

_FALSE_FILES = """
select l.file_name, min(l.reason)
from w.ledger.load as l
where l.outcome = 'refused' and l.file_name not in (
    select file_name from read_parquet($1) where expected_disposition = 'refused'
)
group by 1 order by 1
"""


def confusion(database: Path, defects: Path) -> Confusion:
    """What became of the defects in file ``defects`` in the warehouse ``database``."""
    con = duckdb.connect()
    con.execute(f"attach '{database}' as w (read_only)")
    try:
        path = [str(defects)]
        rows = con.execute(_FOUND, path).fetchall()
        return Confusion(
            rows=tuple(DefectRow(*r) for r in rows),
            false_rows=tuple(con.execute(_FALSE_ROWS, path).fetchall()),
            false_files=tuple(con.execute(_FALSE_FILES, path).fetchall()),
        )
    finally:
        con.close()


def raw_rows(database: Path, tables: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Count and order-free hash of the current rows of raw tables (``source/table``), the columns
    that say by which load a row came in left out."""
    con = duckdb.connect(str(database), read_only=True)
    try:
        found = {}
        for table in tables:
            source, _, name = table.partition("/")
            row = con.execute(
                f"""
                select count(*), coalesce(sum(hash(r)::hugeint), 0)::varchar
                from (
                    select * exclude (_load_id, _row_number, _period)
                    from raw.{source}__{name}
                    where (_load_id, _period) in (
                        select (load_id, slot) from ledger.load_period
                        where source = $1 and table_name = $2 and superseded_at is null
                    )
                ) as r
                """,
                [source, name],
            ).fetchone()
            assert row is not None
            found[table] = (row[0], row[1])
        return found
    finally:
        con.close()
