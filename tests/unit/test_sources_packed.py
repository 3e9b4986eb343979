"""Files packed with gzip: read as what is in them, refused in words, never laid out in the home."""

from __future__ import annotations

import gzip
import hashlib
import stat
import zlib
from pathlib import Path

import force_support as force
import pytest
from landing_support import STREET, Bench, csv_bytes, prc, street, street_rows, zip_bytes

from orchestration import landing, load
from orchestration.sources import packed, registry
from orchestration.sources.model import LoadRefused, Member, Refused, Unrecognised
from orchestration.sources.scan import scan

NAME = "2021-04-west-midlands-street.csv.gz"


def identify(folder: Path, name: str, data: bytes):
    path = folder / name
    path.write_bytes(data)
    (found,) = registry.identify(path, name, None)
    return found


@pytest.fixture
def without_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def passed(con, settings, spec, loads, run_id, has_duplicates) -> None:
        for each in loads:
            each.gate_status = "pass"
        if has_duplicates:
            load._move_duplicates(con, spec)

    monkeypatch.setattr(load, "_gate", passed)
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", "a key of the tests, of nobody else")


@pytest.mark.parametrize(
    "text",
    [
        street(),
        csv_bytes(STREET, street_rows(n=3), "\r\n"),
        b"h\n\na\r\n\r\nb\r",
        b'\xef\xbb\xbfh,i\n"a\nb",c\n',
        "h,i\n\u00e9,\n".encode("cp1252"),
    ],
)
def test_a_packed_file_is_scanned_as_what_is_in_it(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.csv.gz"
    data = gzip.compress(text)
    path.write_bytes(data)
    found = scan(path, is_packed=True)
    expected = scan(text)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found == type(found)(**{**vars(expected), "sha256": found.sha256})


def test_a_packed_file_is_known_by_the_name_of_what_is_in_it(tmp_path: Path) -> None:
    member = identify(tmp_path, NAME, gzip.compress(street()))
    assert isinstance(member, Member)
    assert (member.table, member.claim) == ("police_uk/street", "west-midlands/2021-04")
    assert registry.fast_columns(member)
    assert registry.is_packed(member)
    assert registry.table_named(NAME.upper()) == "police_uk/street"
    assert not registry.is_packed(identify(tmp_path, NAME.removesuffix(".gz"), street()))


@pytest.mark.parametrize("parts", [1, 3])
def test_packed_in_several_members_is_one_file(tmp_path: Path, parts: int, without_gate) -> None:
    text = street(n=28)
    step = len(text) // parts + 1
    data = b"".join(gzip.compress(text[i : i + step]) for i in range(0, len(text), step))
    bench, plain = Bench(tmp_path / "packed"), Bench(tmp_path / "plain")
    bench.put(NAME, data)
    plain.put(NAME.removesuffix(".gz"), text)
    bench.load()
    plain.load()
    sql = "select * exclude (_load_id) from raw.police_uk__street order by rowid"
    assert len(bench.query(sql)) == 28
    assert bench.query(sql) == plain.query(sql)
    assert bench.problems() == []


def test_clean_text_goes_the_fast_way_and_quotes_the_exact_one(
    tmp_path: Path, without_gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact: list[str] = []
    read = registry.read

    def watched(member, path):
        exact.append(member.claim)
        return read(member, path)

    monkeypatch.setattr(registry, "read", watched)
    quoted = street_rows("2021-05", n=5)
    quoted[3][6] = 'On or near "The Bull", High Street'
    broken = street_rows("2021-06", n=5)
    del broken[2][9:]
    bench = Bench(tmp_path)
    bench.put(NAME, gzip.compress(street(n=20)))
    bench.put(NAME.replace("04", "05", 1), gzip.compress(csv_bytes(STREET, quoted)))
    bench.put(NAME.replace("04", "06", 1), gzip.compress(csv_bytes(STREET, broken)))
    outcomes = bench.load()
    assert sorted(exact) == ["west-midlands/2021-05", "west-midlands/2021-06"]
    counts = {n[:7]: (o.row_count_entered, o.row_count_quarantined) for n, o in outcomes.items()}
    assert counts == {"2021-04": (20, 0), "2021-05": (5, 0), "2021-06": (4, 1)}
    assert bench.problems() == []
    assert ('On or near "The Bull", High Street',) in bench.query(
        "select location from raw.police_uk__street"
    )


def test_packed_files_in_an_archive(tmp_path: Path, without_gate) -> None:
    bench = Bench(tmp_path)
    members = [
        (f"2021-04/{NAME}", gzip.compress(street())),
        ("home office/prc-pfa-2019-20.csv.gz", gzip.compress(prc())),
        *(force.extract(t, "parquet.gz") for t in ("legacy/persons", "grants/ledger")),
    ]
    bench.put("all.zip", zip_bytes(members))
    outcomes = bench.load()
    assert {o.outcome for o in outcomes.values()} <= set(load.ENTERED), outcomes
    assert len(outcomes) == 4
    assert bench.problems() == []
    assert list((bench.settings.work_dir / "members").glob("*")) == []


# ----------------------------------------------------------------------- damage


def corrupt(data: bytes) -> bytes:
    """The same bytes with the checksum of what is in them wrong."""
    wrong = (zlib.crc32(b"other")).to_bytes(4, "little")
    return data[:-8] + wrong + data[-4:]


@pytest.mark.parametrize("file_format", ["csv.gz", "parquet.gz"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data[:12],
        lambda data: data[:3],
        lambda data: data[:200] + bytes(40) + data[240:],
        corrupt,
        lambda data: data + b"trailing rubbish",
        lambda data: gzip.decompress(data),
    ],
    ids=[
        "half",
        "a byte short",
        "header only",
        "3 bytes",
        "hole",
        "checksum",
        "tail",
        "not packed",
    ],
)
def test_damage_is_refused_in_words(tmp_path: Path, file_format: str, harm) -> None:
    name, data = force.extract("legacy/crimes", file_format, rows=40)
    harmed = harm(data)
    found = identify(tmp_path, name, harmed)
    assert isinstance(found, Refused)
    assert (found.table, found.code) == ("legacy/crimes", "gzip_unreadable")
    assert "again" in found.message
    other = identify(tmp_path, f"something.{file_format}", harmed)
    assert isinstance(other, Unrecognised)
    assert other.reason


def test_nothing_in_it_is_an_empty_file(tmp_path: Path) -> None:
    found = identify(tmp_path, NAME, gzip.compress(b""))
    assert (found.table, found.code) == ("police_uk/street", "empty_file")
    found = identify(tmp_path, NAME, b"")
    assert (found.table, found.code) == ("police_uk/street", "empty_file")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    line = b"," * (len(STREET) - 1) + b"\n"
    text = csv_bytes(STREET, []) + line * (60_000_000 // len(line))
    data = gzip.compress(text, 9)
    assert len(text) > packed.MAX_EXPANSION * len(data)
    found = identify(tmp_path, NAME, data)
    assert (found.table, found.code) == ("police_uk/street", "gzip_suspicious")
    assert "bomb" in found.message
    bomb = gzip.compress(b"PAR1" + bytes(60_000_000) + b"PAR1", 9)
    found = identify(tmp_path, "legacy_crimes_2019-04.parquet.gz", bomb)
    assert found.code == "gzip_suspicious"
    done = 0
    with pytest.raises(LoadRefused):
        for chunk in packed.chunks(tmp_path / "legacy_crimes_2019-04.parquet.gz"):
            done += len(chunk)
    assert done <= max(packed.UNSUSPICIOUS, packed.MAX_EXPANSION * len(bomb)) + 2_000_000


def test_a_small_file_may_be_as_dull_as_it_likes(tmp_path: Path) -> None:
    text = csv_bytes(STREET, street_rows(n=1) * 20_000)
    data = gzip.compress(text, 9)
    assert len(text) < packed.UNSUSPICIOUS
    assert isinstance(identify(tmp_path, NAME, data), Member)


def test_a_gzip_file_under_the_name_of_a_plain_one(tmp_path: Path) -> None:
    found = identify(tmp_path, NAME.removesuffix(".gz"), gzip.compress(street()))
    assert found.code == "not_text"
    assert "gzip" in found.message


@pytest.mark.parametrize("name", ["x.xlsx.gz", "notes.txt.gz", "x.gz", "awards.json.gz", ".csv.gz"])
def test_what_else_is_packed_is_left_alone(tmp_path: Path, name: str) -> None:
    found = identify(tmp_path, name, gzip.compress(b"a,b\n1,2\n"))
    assert isinstance(found, Unrecognised)
    assert found.reason


# ----------------------------------------------------------------------- privacy


@pytest.mark.parametrize("file_format", ["csv.gz", "parquet.gz"])
@pytest.mark.parametrize("in_archive", [False, True])
def test_nothing_of_persons_is_laid_out_in_the_home(
    tmp_path: Path,
    file_format: str,
    in_archive: bool,
    without_gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is written under the home between arrival and the end of the load is looked at."""
    bench = Bench(tmp_path / "bench")
    name, data = force.extract("legacy/persons", file_format)
    references = [
        r.encode() for r in force.typed("legacy/persons").column("person_ref").to_pylist() if r
    ]
    if in_archive:
        bench.put("extracts.zip", zip_bytes([(name, data)]))
    else:
        bench.put(name, data)
    seen: list[Path] = []
    stage = load._stage

    def watched(con, settings, spec, loads, bar, today):
        for when in ("before", "after"):
            if when == "after":
                stage(con, settings, spec, loads, bar, today)
            for path in bench.settings.home.rglob("*"):
                if path.is_file():
                    content = path.read_bytes()
                    seen.append(path)
                    assert not any(r in content for r in references), path
                    assert content != data, path

    monkeypatch.setattr(load, "_stage", watched)
    outcomes = bench.load()
    assert {o.outcome for o in outcomes.values()} <= set(load.ENTERED), outcomes
    assert seen
    private = landing._private_dir()
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert list(private.iterdir()) == []
    for path in bench.settings.home.rglob("*"):
        if path.is_file():
            assert not any(r in path.read_bytes() for r in references), path
