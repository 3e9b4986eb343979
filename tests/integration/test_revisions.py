"""Revisions: what is sent again supersedes, history is kept, the same bytes never count twice, and
a change of the rules gives another chance to what the old rules turned away.

What was known at a date is read here from the ledger alone; how models read it is tested with them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from landing_support import (
    PRC,
    STREET,
    Bench,
    csv_bytes,
    prc_rows,
    street,
    street_rows,
    zip_bytes,
)

from orchestration import load
from orchestration.settings import PROJECT

NAME = "2021-04-west-midlands-street.csv"
FIRST, SECOND, THIRD = street(n=14), street(n=15), street(n=16)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("empty"))
    bench.load()
    return bench


@pytest.fixture
def bench(empty: Bench, tmp_path: Path) -> Bench:
    return Bench(tmp_path).copy_from(empty)


def known_at(bench: Bench, slot: str, moment: dt.datetime) -> list[int]:
    """Rows of a slot as they were known at a moment: the rule models apply under ``as_of``."""
    return [
        n
        for (n,) in bench.query(
            "select row_count from ledger.load_period where slot = $1 and entered_at <= $2 "
            "and (superseded_at is null or superseded_at > $2)",
            [slot, moment],
        )
    ]


def send(bench: Bench, name: str, data: bytes, **kwargs) -> load.LoadOutcome:
    """Put one file and load it alone."""
    bench.clear()
    bench.put(name, data)
    (outcome,) = bench.load(**kwargs).values()
    return outcome


def test_a_month_sent_again_supersedes_and_its_history_stays(bench: Bench):
    slot = "west-midlands/2021-04"
    start = load.now()
    first = send(bench, NAME, FIRST)
    old = bench.fingerprints([first.load_id])
    between = load.now()
    second = send(bench, NAME, SECOND)
    after = load.now()
    assert (first.outcome, second.outcome) == ("entered", "entered")
    assert second.slots == [slot]

    assert len(bench.current("police_uk/street")) == 15
    assert {r[-3] for r in bench.current("police_uk/street", "_load_id, 0, 0")} == {second.load_id}
    # The rows that were there are there still, and no one counts them any more.
    assert bench.fingerprints([first.load_id]) == old
    assert bench.query(
        "select load_id, row_count, superseded_by from ledger.load_period order by entered_at"
    ) == [(first.load_id, 14, second.load_id), (second.load_id, 15, None)]
    assert known_at(bench, slot, start) == []
    assert known_at(bench, slot, between) == [14]
    assert known_at(bench, slot, after) == [15]
    assert bench.problems() == []


def test_the_moment_a_load_entered_belongs_to_it(bench: Bench):
    """At the very moment of a supersession exactly one load is known: the new one."""
    send(bench, NAME, FIRST)
    send(bench, NAME, SECOND)
    ((moment,),) = bench.query(
        "select superseded_at from ledger.load_period where superseded_at is not null"
    )
    assert bench.query(
        "select count(*) from ledger.load_period where entered_at = $1", [moment]
    ) == [(1,)]
    assert known_at(bench, "west-midlands/2021-04", moment) == [15]


def test_the_same_bytes_under_another_name_are_a_replay(bench: Bench):
    entered = send(bench, NAME, FIRST)
    before = bench.fingerprints()
    assert send(bench, f"copies/old/{NAME}", FIRST).outcome == "replay"
    replay = send(bench, "an archive.zip", zip_bytes([(f"x/{NAME}", FIRST)]))
    assert (replay.outcome, replay.reason_code) == ("replay", "same_bytes")
    assert replay.load_id == entered.load_id
    assert bench.fingerprints() == before
    assert bench.query("select count(*) from ledger.load") == [(1,)]


def test_one_file_twice_in_one_landing_enters_once(bench: Bench):
    bench.put(NAME, FIRST)
    bench.put(f"again/{NAME}", FIRST)
    bench.put("all.zip", zip_bytes([(NAME, FIRST)]))
    outcomes = bench.load()
    assert [o.outcome for o in outcomes.values()].count("entered") == 1
    assert {o.outcome for o in outcomes.values()} == {"entered", "replay"}
    assert len(bench.current("police_uk/street")) == 14
    assert bench.problems() == []


def test_two_versions_in_one_landing_the_newer_file_wins(bench: Bench):
    bench.put(f"b/{NAME}", FIRST)
    bench.put(f"a/{NAME}", SECOND)  # put later, so newer, whatever the names sort like
    outcomes = bench.load()
    assert {o.outcome for o in outcomes.values()} == {"entered"}
    assert len(bench.current("police_uk/street")) == 15
    assert bench.problems() == []


def test_back_and_forth_is_no_new_revision(bench: Bench):
    """A, then B, then A again: A was seen before, so B, the last thing said, stands.

    Otherwise a file that is left lying in the landing would undo its own correction.
    """
    send(bench, NAME, FIRST)
    send(bench, NAME, SECOND)
    again = send(bench, NAME, FIRST)
    assert (again.outcome, again.reason_code) == ("replay", "same_bytes")
    assert len(bench.current("police_uk/street")) == 15
    third = send(bench, NAME, THIRD)
    assert third.outcome == "entered"
    assert len(bench.current("police_uk/street")) == 16
    assert bench.query("select count(*) from ledger.load_period where superseded_at is null") == [
        (1,)
    ]


def test_a_refused_revision_leaves_what_was_there(bench: Bench):
    send(bench, NAME, FIRST)
    before = bench.current("police_uk/street")
    bad = send(bench, NAME, csv_bytes(STREET, street_rows("2021-05", n=20)))
    assert bad.outcome == "refused"
    assert bench.current("police_uk/street") == before
    assert bench.query("select superseded_at from ledger.load_period") == [(None,)]


def test_a_revision_of_some_slots_leaves_the_others(bench: Bench):
    """Recorded crime is superseded quarter by quarter: a file of two replaces two."""
    rows = prc_rows("2020/21", n=8)
    send(bench, "prc-pfa-2020-21.csv", csv_bytes(PRC, rows))
    revised = [[*r[:7], "500"] for r in rows if r[1] in ("1", "2")]
    second = send(bench, "prc-pfa-2020-21.csv", csv_bytes(PRC, revised))
    assert second.slots == ["2020/21 Q1", "2020/21 Q2"]
    counts = bench.current("home_office/prc", "financial_quarter, number_of_offences")
    assert counts == [(1, 500)] * 2 + [(2, 500)] * 2 + [(3, 12), (3, 16), (4, 13), (4, 17)]
    assert bench.problems() == []


def test_a_load_keeps_its_identity_on_every_machine(empty: Bench, tmp_path: Path):
    benches = [Bench(tmp_path / n).copy_from(empty) for n in ("one", "two")]
    ids = [send(b, NAME, FIRST).load_id for b in benches]
    assert ids[0] == ids[1]
    assert benches[0].fingerprints() == benches[1].fingerprints()


# ----------------------------------------------------------------------- other rules


def test_new_rules_look_again_at_what_was_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(load, "rules_version", lambda settings: "old rules")
    bench.put(NAME, csv_bytes(STREET, street_rows(n=14) * 2))  # doubled: refused
    bench.put("2021-05-west-midlands-street.csv", street("2021-05"))
    bench.put("crimes.txt", b"nobody's")
    first = bench.load()
    assert first[NAME].outcome == "refused"

    again = bench.load()
    assert again[NAME].outcome == "replay" and again[NAME].reason_code == "still_refused"
    assert "still refused" in (again[NAME].reason or "")

    monkeypatch.setattr(load, "rules_version", lambda settings: "new rules")
    before = bench.fingerprints()
    third = bench.load()
    assert third[NAME].outcome == "refused"  # looked at again, and refused again
    assert third["2021-05-west-midlands-street.csv"].outcome == "replay"
    assert third["crimes.txt"].outcome == "unrecognised"
    assert bench.fingerprints() == before
    assert bench.problems() == []
    assert bench.load()[NAME].outcome == "replay"


def test_a_refused_load_enters_under_rules_that_allow_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    from orchestration.gates import gate

    judged = gate.run_gate

    def strict(*args, **kwargs):
        report = judged(*args, **kwargs)
        first, words = report.results[0], "too strict"
        return gate.GateReport(
            [
                dataclasses.replace(first, status="fail", severity="critical", message=words),
                *report.results[1:],
            ]
        )

    monkeypatch.setattr(load, "rules_version", lambda settings: "too strict")
    with monkeypatch.context() as patch:
        patch.setattr(gate, "run_gate", strict)
        refused = send(bench, NAME, FIRST)
    assert (refused.outcome, refused.reason) == ("refused", "too strict")
    assert bench.load()[NAME].outcome == "replay"

    monkeypatch.setattr(load, "rules_version", lambda settings: "better")
    entered = bench.load()[NAME]
    assert (entered.outcome, entered.row_count_entered) == ("entered", 14)
    assert len(bench.current("police_uk/street")) == 14
    # Nothing of the refusal is left standing against it.
    assert bench.quarantined(entered.load_id) == []
    assert bench.problems() == []


def test_reload_takes_again_what_entered_under_other_rules(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(load, "rules_version", lambda settings: "old rules")
    first = send(bench, NAME, FIRST)
    bench.clear()
    rows = bench.current("police_uk/street", "crime_id, month, location")

    assert bench.load(reload=True) == {} or all(
        o.outcome == "replay" for o in bench.load(reload=True).values()
    ), "the rules have not changed"

    monkeypatch.setattr(load, "rules_version", lambda settings: "new rules")
    (second,) = bench.load(reload=True).values()
    assert second.outcome == "entered"
    assert second.load_id != first.load_id
    assert bench.current("police_uk/street", "crime_id, month, location") == rows
    assert bench.query(
        "select load_id, superseded_by from ledger.load_period order by entered_at"
    ) == [(first.load_id, second.load_id), (second.load_id, None)]
    assert bench.problems() == []
    # Once is enough.
    assert {o.outcome for o in bench.load(reload=True).values()} <= {"replay"}
    assert len(bench.current("police_uk/street")) == 14


@pytest.mark.parametrize("first_was", ["refused", "entered with a bad row"])
def test_new_rules_do_not_undo_a_correction(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, first_was: str
):
    """The faulty file still lies in the landing beside its correction when the rules change."""
    monkeypatch.setattr(load, "rules_version", lambda settings: "old rules")
    rows = street_rows(n=14)
    faulty = rows * 2 if first_was == "refused" else [*rows[:-1], [*rows[-1][:9], "Piracy", "", ""]]
    bench.put(NAME, csv_bytes(STREET, faulty))
    first = bench.load()[NAME]
    bench.put(f"corrected/{NAME}", SECOND)
    corrected = bench.load()[f"corrected/{NAME}"]
    assert len(bench.current("police_uk/street")) == 15

    monkeypatch.setattr(load, "rules_version", lambda settings: "new rules")
    if first_was == "refused":  # and now it would enter
        monkeypatch.setattr(load, "_gate", _pass)
    again = bench.load()
    assert again[f"corrected/{NAME}"].outcome == "replay"
    assert again[NAME].outcome == "entered_with_warnings"
    assert "a newer file" in (again[NAME].reason or "")
    assert len(bench.current("police_uk/street")) == 15
    assert bench.query("select load_id from ledger.load_period where superseded_at is null") == [
        (corrected.load_id,)
    ]
    assert (again[NAME].load_id == first.load_id) == (first_was == "refused")
    monkeypatch.undo()
    assert bench.problems() == []


def _pass(con, settings, spec, loads, run_id, has_duplicates) -> None:
    for each in loads:
        each.gate_status = "pass"


def test_a_code_added_to_its_list_lets_quarantined_rows_in(bench: Bench):
    """What the message of a quarantined row says to do really brings the row in.

    Code lists are read when contracts are declared, so every step is a process of its own.
    """
    config = bench.folder / "plumbline.yml"
    config.write_text("code_lists: {}\n", encoding="utf-8")
    rows = prc_rows("2020/21", n=12)
    rows[4][6] = "999Z"
    bench.put("prc-pfa-2020-21.csv", csv_bytes(PRC, rows))

    def step() -> dict:
        code = (
            "import json, sys\n"
            "from pathlib import Path\n"
            "from landing_support import Bench\n"
            "from orchestration.settings import load_settings\n"
            f"folder = Path({str(bench.folder)!r})\n"
            "settings = load_settings(home=folder / 'home', landing=folder / 'landing')\n"
            "(o,) = Bench(folder, settings).load().values()\n"
            "print(json.dumps([o.outcome, o.row_count_entered, o.row_count_quarantined]))\n"
        )
        paths = [str(PROJECT), str(Path(__file__).resolve().parents[1] / "support")]
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PLUMBLINE_CONFIG": str(config),
                "PYTHONPATH": os.pathsep.join(paths),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    assert step() == ["entered_with_warnings", 11, 1]
    ((message,),) = bench.query("select distinct who_fixes from ledger.quarantine")
    assert "code_lists in plumbline.yml" in message
    assert step() == ["replay", 0, 0]

    config.write_text('code_lists: {offence_codes.offence_code: ["999Z"]}\n', encoding="utf-8")
    assert step() == ["entered_with_warnings", 12, 0]
    codes = bench.current("home_office/prc", "offence_code")
    assert len(codes) == 12 and ("999Z",) in codes
    assert bench.query("select count(*) from ledger.load_period where superseded_at is null") == [
        (4,)
    ]
    assert step() == ["replay", 0, 0]
    assert bench.problems() == []
