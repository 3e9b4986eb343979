"""A file is its bytes and its name: what a name claims can be put right by renaming."""

from __future__ import annotations

from landing_support import Bench, street


def test_a_wrongly_named_file_enters_once_it_is_renamed(tmp_path):
    bench = Bench(tmp_path)
    wrong = bench.put("2021-05-west-midlands-street.csv", street("2021-04"))
    (first,) = bench.load().values()
    assert first.outcome == "refused"
    assert "2021-05" in first.reason

    wrong.rename(wrong.with_name("2021-04-west-midlands-street.csv"))
    (second,) = bench.load().values()
    assert second.outcome == "entered", second.reason
    assert bench.query("select count(*) from raw.police_uk__street") == [(14,)]


def test_equal_bytes_under_different_names_are_told_apart(tmp_path):
    bench = Bench(tmp_path)
    bench.put("aaa.csv", b"")
    bench.put("2021-04-west-midlands-street.csv", b"")
    outcomes = bench.load()
    assert {name: o.outcome for name, o in outcomes.items()} == {
        "aaa.csv": "unrecognised",
        "2021-04-west-midlands-street.csv": "refused",
    }
    again = bench.load()
    assert {name: o.reason_code for name, o in again.items()} == {
        "aaa.csv": "still_unrecognised",
        "2021-04-west-midlands-street.csv": "still_refused",
    }
    assert "west-midlands-street" not in (again["aaa.csv"].reason or "")


def test_equal_bytes_under_a_name_that_claims_the_same_are_a_replay(tmp_path):
    bench = Bench(tmp_path)
    bench.put("2021-04-west-midlands-street.csv", street("2021-04"))
    bench.load()
    bench.put("again/2021-04-west-midlands-street.csv", street("2021-04"))
    assert {o.outcome for o in bench.load().values()} == {"replay"}
    assert bench.query("select count(*) from raw.police_uk__street") == [(14,)]
