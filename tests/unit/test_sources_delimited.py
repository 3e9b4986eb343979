"""The scan and the exact reader: encodings, line ends, quotes, ragged rows; nothing is lost."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.sources import delimited, registry
from orchestration.sources import scan as scanning
from orchestration.sources.model import LoadRefused, Member
from orchestration.sources.scan import scan

HEADER = "ltla21_code,ltla21_name,ethnic_group,value"
NAME = "census2021_ethnicity.csv"


def load(folder: Path, data: bytes):
    path = folder / NAME
    path.write_bytes(data)
    (member,) = registry.identify(path, NAME, None)
    assert isinstance(member, Member), member
    batches = list(registry.read(member, path))
    rows = [r for b in batches for r in b.rows.to_pylist()]
    return member, rows, [r for b in batches for r in b.rejected]


def test_scan_of_plain_text():
    data = f"{HEADER}\na,b,c,1\na,b,c,2".encode()
    found = scan(data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert (found.encoding, found.newline, found.line_count) == ("utf-8", "\n", 2)
    assert not (found.has_bom or found.has_quotes or found.has_nul or found.has_blank_lines)
    assert found.header == tuple(HEADER.split(","))


@pytest.mark.parametrize(
    ("data", "newline", "lines", "blank"),
    [
        (b"h\r\na\r\nb\r\n", "\r\n", 2, False),
        (b"h\ra\rb", "\r", 2, False),
        (b"h\na\r\nb\n", "mixed", 2, False),
        (b"h\r\na\rb\r\n", "mixed", 2, False),
        (b"h\n\na\n\n\nb\n", "\n", 2, True),
        (b"h\r\n\r\na\r\n", "\r\n", 1, True),
        (b"\nh\na\n", "\n", 1, True),
        (b"h\n\r\na\n", "mixed", 1, True),
        (b"h", "\n", 0, False),
        (b"", "\n", 0, False),
    ],
)
def test_scan_tells_line_ends_apart(data, newline, lines, blank):
    found = scan(data)
    assert (found.newline, found.line_count, found.has_blank_lines) == (newline, lines, blank)


@given(st.binary(max_size=60), st.integers(1, 7))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_scan_does_not_depend_on_where_chunks_end(monkeypatch, data, size):
    data = data.replace(b"\x05", b"\r\n").replace(b"\x06", b"\n").replace(b"\x07", b"\r")
    whole = scan(data)
    monkeypatch.setattr(scanning, "CHUNK", size)
    assert scan(data) == whole
    try:
        data.decode("utf-8")
        assert whole.encoding == "utf-8"
    except UnicodeDecodeError:
        assert whole.encoding == "cp1252"


def test_bom_is_not_part_of_the_first_title(tmp_path):
    member, rows, _ = load(tmp_path, b"\xef\xbb\xbf" + f"{HEADER}\na,b,c,1\n".encode())
    assert member.scan.has_bom
    assert rows[0]["ltla_code"] == "a"


def test_latin_1_is_read_with_a_note(tmp_path):
    member, rows, _ = load(tmp_path, HEADER.encode() + b"\na,Ynys M\xf4n,caf\x92,1\n")
    assert [n.code for n in member.notes] == ["encoding"]
    assert member.scan.encoding == "cp1252"
    assert (rows[0]["ltla_name"], rows[0]["ethnic_group"]) == ("Ynys Môn", "caf’")
    assert registry.fast_columns(member, None) is None


def test_bytes_that_are_no_character_reject_their_row_only(tmp_path):
    _, rows, rejected = load(tmp_path, HEADER.encode() + b"\na,\x81,c,1\na,\xf4,c,2\n")
    assert [r["value"] for r in rows] == ["2"]
    assert [(r.row_number, r.kind) for r in rejected] == [(1, "not_text")]


def test_nul_byte_rejects_its_row_only(tmp_path):
    _, rows, rejected = load(tmp_path, f"{HEADER}\na,b\0,c,1\na,b,c,2\n".encode())
    assert [r["_row_number"] for r in rows] == [2]
    assert [(r.row_number, r.kind) for r in rejected] == [(1, "not_text")]


def test_quoted_newlines_commas_and_quotes(tmp_path):
    data = f'{HEADER}\r\na,"x, ""y""\r\nz",c,1\r\nb,"",c,2\r\n'.encode()
    member, rows, rejected = load(tmp_path, data)
    assert rows[0]["ltla_name"] == 'x, "y"\r\nz'
    assert [r["_row_number"] for r in rows] == [1, 2]
    assert not rejected
    assert registry.fast_columns(member, None) is None


def test_rows_with_a_field_too_many_or_too_few(tmp_path):
    data = f"{HEADER}\na,b,c,1,extra\na,b,c\na,b,c,3\n  \n".encode()
    _, rows, rejected = load(tmp_path, data)
    assert [r["_row_number"] for r in rows] == [3]
    assert [(r.row_number, r.kind, r.text) for r in rejected] == [
        (1, "too_many_fields", "a,b,c,1,extra"),
        (2, "too_few_fields", "a,b,c"),
        (4, "too_few_fields", "  "),
    ]
    assert "5 fields" in rejected[0].message


def test_empty_lines_are_passed_over_and_not_counted(tmp_path):
    member, rows, _ = load(tmp_path, f"{HEADER}\n\na,b,c,1\n\n\na,b,c,2\n\n".encode())
    assert [r["_row_number"] for r in rows] == [1, 2]
    assert member.scan.line_count == 2


def test_quotation_mark_that_is_never_closed_refuses_the_load(tmp_path):
    data = f'{HEADER}\na,b,c,1\na,"b,c,2\n' + "a,b,c,3\n" * 500
    with pytest.raises(LoadRefused) as refused:
        load(tmp_path, data.encode())
    assert refused.value.code == "unterminated_quote"
    assert "line 3" in refused.value.message


@pytest.mark.parametrize("tail", ['a,"b,c,3', 'a,"b,c,3\n', 'a,"b,c,3\na,b,c,4\n', 'a,b,c,"'])
def test_quotation_mark_open_at_the_end_refuses_the_load(tmp_path, tail):
    with pytest.raises(LoadRefused) as refused:
        load(tmp_path, f"{HEADER}\na,b,c,1\na,b,c,2\n{tail}".encode())
    assert refused.value.code == "unterminated_quote"
    assert "line 4" in refused.value.message


def test_inches_are_not_an_open_quotation_mark(tmp_path):
    _, rows, rejected = load(tmp_path, f'{HEADER}\na,a 5" knife,c,1\na,b,c,9"'.encode())
    assert [r["value"] for r in rows] == ["1", '9"']
    assert not rejected


def test_long_but_closed_field_is_read(tmp_path):
    long = "x" * 300_000
    _, rows, _ = load(tmp_path, f'{HEADER}\na,"{long}",c,1\n'.encode())
    assert rows[0]["ltla_name"] == long


def test_batches_are_bounded(tmp_path):
    path = tmp_path / NAME
    path.write_text(f"{HEADER}\n" + "a,b,c,1\n" * 250_001)
    (member,) = registry.identify(path, NAME, None)
    sizes = [b.rows.num_rows for b in registry.read(member, path)]
    assert sum(sizes) == 250_001
    assert max(sizes) <= 100_000


# The csv writer leaves a lone carriage return unquoted, which nothing can tell from a line end.
field = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6
) | st.sampled_from(["", '"', ",", "\n", "\r\n", "é", "a b", " ", "''"])


@given(
    rows=st.lists(st.lists(field, min_size=1, max_size=6), max_size=12),
    newline=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    blank=st.booleans(),
    last=st.booleans(),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_tables_come_back_exactly(tmp_path, rows, newline, bom, blank, last):
    rows = [r for r in rows if r != [""]]  # written as an empty line, which is none
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(HEADER.split(","))
    for row in rows:
        if blank:
            text.write(newline)
        writer.writerow(row)
    written = text.getvalue()
    if not last and written.endswith(newline):
        written = written.removesuffix(newline)
    _, good, rejected = load(tmp_path, (b"\xef\xbb\xbf" if bom else b"") + written.encode())
    names = ["ltla_code", "ltla_name", "ethnic_group", "value"]
    expected = {i: r for i, r in enumerate(rows, 1) if len(r) == 4}
    assert {r["_row_number"]: [r[n] for n in names] for r in good} == expected
    assert [r.row_number for r in rejected] == [i for i, r in enumerate(rows, 1) if len(r) != 4]
    assert len(good) + len(rejected) == len(rows)


plain = st.text(st.characters(codec="utf-8", exclude_characters='\0\r\n",'), max_size=6).filter(
    lambda t: "\x1e" not in t
)


@given(
    rows=st.lists(st.lists(plain, min_size=4, max_size=4), max_size=12),
    newline=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    last=st.booleans(),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_clean_files_are_read_alike_by_duckdb(tmp_path, rows, newline, bom, last):
    lines = [HEADER, *(",".join(r) for r in rows)]
    data = newline.join(lines) + (newline if last else "")
    member, exact, rejected = load(tmp_path, (b"\xef\xbb\xbf" if bom else b"") + data.encode())
    columns = registry.fast_columns(member, None)
    assert columns is not None
    assert not rejected
    names = [c for _, c in columns]
    types = "{" + ", ".join(f"'{n}': 'varchar'" for n in names) + "}"
    end = "\\n" if newline == "\n" else "\\r\\n"
    with duckdb.connect() as con:
        fast = con.execute(
            f"select * from read_csv('{tmp_path / NAME}', columns = {types}, header = true, "
            "auto_detect = false, delim = ',', quote = '', escape = '', "
            f"new_line = '{end}', nullstr = '\x1e')"
        ).fetchall()
    assert fast == [tuple(r[n] for n in names) for r in exact]
    assert len(exact) == member.scan.line_count


def test_scan_is_fast(tmp_path):
    path = tmp_path / "big.csv"
    line = b"a,2021-03,West Midlands Police,-1.9,52.4,On or near A Road,E01000001,Burglary\r\n"
    path.write_bytes(b"h\r\n" + line * 700_000)
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        scan(path)
        best = max(best, path.stat().st_size / (time.perf_counter() - start))
    # The aim is 300 MB/s on one core; the bound allows for a busy machine.
    assert best > 100e6


def test_row_text_of_a_rejected_row_is_bounded(tmp_path):
    _, _, rejected = load(tmp_path, f"{HEADER}\n{'x' * 50_000}\n".encode())
    assert len(rejected[0].text) == delimited.ROW_TEXT
