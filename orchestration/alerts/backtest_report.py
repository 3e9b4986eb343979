"""A back-test of the alerts of a release: what is read, which labels there are, what is printed.

Belongs here: reading the published mart, the labels (events of the configuration, alerts that a
person explained or resolved, hold-out episodes) and the rows of the report. Does not belong here:
how it is judged (``backtest``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestration.alerts import backtest
from orchestration.alerts.backtest import (
    Check,
    Effect,
    Found,
    Happened,
    Label,
    Ledger,
    PutIn,
    Rate,
    rate_of,
)
from orchestration.months import first_of_month, month_number
from orchestration.settings import seed_rows

if TYPE_CHECKING:
    import duckdb

    from orchestration.progress import Progress

MART = "mart_recording_practice"
EVENT, BOOK, HOLD_OUT = "event", "book", "hold-out"

_ROWS = f"""
    select
        check_code, breakdown_code, area_id, source_type, month,
        case period_type when 'quarter' then 3 else 1 end as month_count,
        detector_type,
        case when not_assessed_reason = 'not supplied' or numerator_count < 0
            then cast('nan' as double)
            else coalesce(cast(numerator_count as double), 'nan') end as numerator_count,
        coalesce(cast(denominator_count as double), 'nan') as denominator_count,
        coalesce(baseline_weight, 0.0) as baseline_weight,
        coalesce(p_value, 'nan') as p_value,
        check_status,
        case direction_type when 'up' then 1 when 'down' then -1 else 0 end as direction,
        detector_name,
        baseline_code
    from {MART}
    order by check_code, breakdown_code, area_id, month
"""


class NotInRelease(LookupError):
    """The release cannot be back-tested; the message says why and what to do."""


def read_checks() -> dict[str, Check]:
    """The checks of the seed ``recording_checks``, by code."""

    def number(text: str) -> float:
        return float(text) if text else float("nan")

    return {
        row["check_code"]: Check(
            row["check_code"],
            row["direction"],
            row["is_held_to_peers"] == "true",
            row["is_migration"] == "true",
            number(row["watch_p_value"]),
            number(row["alert_q_value"]),
            number(row["alert_from"]),
            number(row["least_change"] or "0"),
        )
        for row in seed_rows("recording_checks")
    }


def read_ledger(con: duckdb.DuckDBPyConnection, checks: dict[str, Check]) -> Ledger:
    """The recording checks of a published database. Raises NotInRelease."""
    columns = {
        name
        for (name,) in con.execute(
            "select column_name from information_schema.columns where table_name = $1", [MART]
        ).fetchall()
    }
    if not {"baseline_weight", "baseline_code"} <= columns:
        raise NotInRelease(
            "the release was built before recording checks could be back-tested: "
            "run `plumbline run` first"
        )
    table = con.execute(_ROWS).fetchnumpy()
    text = {
        name: table[name].astype(str)
        for name in (
            "check_code", "breakdown_code", "area_id", "source_type", "detector_type",
            "check_status", "detector_name", "baseline_code",
        )
    }  # fmt: skip
    unknown = sorted(set(text["check_code"].tolist()) - set(checks))
    if unknown:
        raise NotInRelease(
            f"the release has checks that are no longer in the catalogue ({', '.join(unknown)}): "
            "run `plumbline run` first"
        )
    if not text["check_code"].size:
        raise NotInRelease("the release holds no recording check: nothing is loaded that has one")
    whole = np.char.add(np.char.add(text["check_code"], "\t"), text["breakdown_code"])
    whole = np.char.add(np.char.add(whole, "\t"), text["area_id"])
    whole = np.char.add(np.char.add(whole, "\t"), text["baseline_code"])
    return Ledger(
        np.cumsum(np.r_[False, whole[1:] != whole[:-1]]),
        text["check_code"],
        text["breakdown_code"],
        text["area_id"],
        text["source_type"],
        table["month"].astype("datetime64[M]").astype(np.int64),
        table["month_count"].astype(np.int64),
        text["detector_type"],
        *(
            np.asarray(table[name], dtype=np.float64)
            for name in ("numerator_count", "denominator_count", "baseline_weight", "p_value")
        ),
        text["check_status"],
        table["direction"].astype(np.int8),
        text["detector_name"],
    )


def month_name(number: int) -> str:
    return f"{first_of_month(number):%Y-%m}"


def read_labels(
    con: duckdb.DuckDBPyConnection,
    book: Sequence[dict[str, Any]],
    force_code: str,
    horizon: int,
) -> tuple[Label, ...]:
    """Labels of a release: its known events, what ``book`` (rows of ``ledger.alert``) says was
    explained or resolved, and the hold-out episodes.

    An event is a label of the checks that it names. What is known to have changed for good is one
    for the horizon from its first month on.
    """
    labels = []
    for code, first, until, checks in con.execute(
        "select event_code, first_date, last_date, checks from dim_known_event "
        "order by first_date, event_code"
    ).fetchall():
        named = tuple((checks or "").split())
        if not named:
            continue
        start = month_number(first)
        end = start + horizon - 1 if until is None else month_number(until)
        named = () if "all" in named else named
        labels.append(Label(code, EVENT, f"force/{force_code}", start, end, checks=named))
    areas = dict(con.execute(f"select distinct area_code, area_id from {MART}").fetchall())
    for row in book:
        if row["state"] in ("explained", "resolved") and row["area_code"] in areas:
            labels.append(
                Label(
                    row["alert_id"],
                    BOOK,
                    areas[row["area_code"]],
                    month_number(row["opened_month"]),
                    month_number(row["last_seen_month"]),
                    part=row["check_code"],
                )
            )
    for row in seed_rows("recording_holdouts"):
        labels.append(
            Label(
                row["holdout_code"],
                HOLD_OUT,
                f"force/{row['force_code']}",
                month_number(dt.date.fromisoformat(row["first_month"])),
                month_number(dt.date.fromisoformat(row["last_month"])),
                source=row["source_type"],
                checks=tuple(row["check_codes"].split()),
            )
        )
    return tuple(labels)


@dataclass
class Report:
    """All that a back-test found. ``checks`` and ``detectors``: what was said as it happened."""

    first: int
    last: int
    seed: int
    horizon: int
    checks: dict[str, Happened]
    detectors: dict[str, Happened]
    labels: tuple[Found, ...]
    hold_outs: tuple[Label, ...]
    changes: PutIn
    effects: tuple[Effect, ...]

    # ------------------------------------------------------------------------------------- rows

    def figures(self, by: str) -> list[dict[str, Any]]:
        """One row a detector or a check (``by``), with everything that is counted."""
        groups = self.detectors if by == "detector" else self.checks
        names = self.changes.detector if by == "detector" else self.changes.check
        return [
            {
                by: name,
                "assessed": h.assessed,
                "opened": h.opened,
                "opened_labelled": h.opened_labelled,
                "ppv": _plain(self._ppv(h)),
                "fpr": _plain(rate_of(h.opened_outside, h.assessed)),
                "periods_in_alert": h.alert_periods,
                "labels": h.labels,
                "labels_found": h.labels_found,
                "labels_delay_months": float(np.median(h.delays)) if h.delays else None,
                **self._put_in(names == name),
            }
            for name, h in groups.items()
            # "too short" and its like are no detectors: they say why nothing was run.
            if by == "check" or h.assessed or h.opened or (names == name).any()
        ]

    def _ppv(self, h: Happened) -> Rate:
        # Where nothing is labelled no alert can be told from a false one.
        return rate_of(h.opened_labelled, h.opened if h.labels else 0)

    def _put_in(self, which: np.ndarray) -> dict[str, Any]:
        found = backtest.summary(self.changes, which)
        return {
            "changes": int(which.sum()),
            "pod": _plain(found["pod"]),
            "alerts_without": _plain(found["without"]),
            "delay_months": found["delay"],
        }

    def by_effect(self) -> list[dict[str, Any]]:
        """One row for each check, detector and effect that was put in."""
        c = self.changes
        keys = sorted(
            set(zip(c.check.tolist(), c.detector.tolist(), c.effect.tolist(), strict=True))
        )
        return [
            {
                "check": check,
                "detector": detector,
                "effect": effect,
                **self._put_in(
                    (c.check == check) & (c.detector == detector) & (c.effect == effect)
                ),
            }
            for check, detector, effect in keys
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "from": month_name(self.first),
            "to": month_name(self.last),
            "seed": self.seed,
            "horizon_months": self.horizon,
            "effects": [e._asdict() for e in self.effects],
            "detectors": self.figures("detector"),
            "checks": self.figures("check"),
            "by_effect": self.by_effect(),
            "labels": [_of_label(f) for f in self.labels],
            "hold_outs_not_in_data": [x.code for x in self._unseen()],
        }

    def _unseen(self) -> list[Label]:
        """Hold-outs of which no check was assessed, or outside the span."""
        seen = {f.label.code for f in self.labels if f.assessed}
        return [x for x in self.hold_outs if x.code not in seen]

    def tables(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Titles and rows to print: few enough columns for a terminal, '-' where nothing is."""
        tables = [
            (
                f"By {by}",
                [
                    {
                        by: row[by],
                        "assessed": row["assessed"],
                        "PPV": _of(row["ppv"]),
                        "FPR": _percent(row["fpr"], digits=2),
                        "labels found": _count(row["labels_found"], row["labels"]),
                        "put in": row["changes"] or "-",
                        "POD (95%)": _percent(row["pod"], limits=True),
                        "delay": _dash(row["delay_months"]),
                    }
                    for row in self.figures(by)
                ],
            )
            for by in ("detector", "check")
        ]
        c = self.changes
        rows = []
        for detector in sorted(set(c.detector.tolist())):
            row: dict[str, Any] = {"detector": detector}
            for effect in self.effects:
                which = (c.detector == detector) & (c.effect == effect.code)
                row[effect.code.replace("_", " ")] = _percent(
                    _plain(backtest.summary(c, which)["pod"])
                )
            which = c.detector == detector
            row["without"] = _percent(_plain(backtest.summary(c, which)["without"]))
            rows.append(row)
        tables.append(("Changes put in: found within the horizon", rows))
        tables.append(
            (
                "Labels",
                [
                    {
                        "label": f.label.code,
                        "kind": f.label.kind,
                        "months": f"{month_name(f.label.first)} to {month_name(f.label.last)}",
                        "checks": f.assessed or "not assessed",
                        "alerted": len(f.alerted) if f.assessed else "-",
                        "first": month_name(f.first_month) if f.first_month else "-",
                        "delay": _dash(f.delay),
                        "by": ", ".join(f.alerted[:4]) + (" ..." if len(f.alerted) > 4 else ""),
                    }
                    for f in self.labels
                ]
                + [
                    {
                        "label": x.code,
                        "kind": x.kind,
                        "months": f"{month_name(x.first)} to {month_name(x.last)}",
                        "checks": "not in the data",
                        "alerted": "-",
                        "first": "-",
                        "delay": "-",
                        "by": "",
                    }
                    for x in self._unseen()
                    if x.code not in {f.label.code for f in self.labels}
                ],
            )
        )
        return tables


def _plain(rate: Any) -> dict[str, Any]:
    """A rate for JSON: no NaN, which is none."""
    assert isinstance(rate, Rate)
    if rate.total == 0:
        return {"count": rate.count, "total": 0, "value": None, "lower": None, "upper": None}
    return rate._asdict()


def _of_label(f: Found) -> dict[str, Any]:
    return {
        "label": f.label.code,
        "kind": f.label.kind,
        "area": f.label.area,
        "from": month_name(f.label.first),
        "to": month_name(f.label.last),
        "checks_assessed": f.assessed,
        "checks_alerted": list(f.alerted),
        "first_alert": None if f.first_month is None else month_name(f.first_month),
        "delay_months": f.delay,
    }


def _percent(rate: dict[str, Any], *, digits: int = 0, limits: bool = False) -> str:
    if rate["value"] is None:
        return "-"
    text = f"{rate['value']:.{digits}%}"
    return f"{text} ({rate['lower']:.0%}-{rate['upper']:.0%})" if limits else text


def _of(rate: dict[str, Any]) -> str:
    return "-" if rate["value"] is None else _count(rate["count"], rate["total"])


def _count(count: int, total: int) -> str:
    return f"{count} of {total}" if total else "-"


def _dash(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def run(
    ledger: Ledger,
    checks: dict[str, Check],
    labels: tuple[Label, ...],
    *,
    first: int | None,
    last: int | None,
    only: Sequence[str],
    effects: Sequence[Effect],
    changes: int,
    seed: int,
    horizon: int,
    progress: Progress,
) -> Report:
    """The back-test of a span, by default all months of the ledger. ``only``: these checks.

    Raises NotInRelease where the release has no period of them in the span.
    """
    wanted = sorted(set(only) or set(ledger.check.tolist()))
    first = int(ledger.month.min()) if first is None else first
    last = int((ledger.month + ledger.width - 1).max()) if last is None else last
    part = ledger
    there = np.isin(ledger.check, wanted) & (ledger.month >= first) & (ledger.month <= last)
    if not there.any():
        raise NotInRelease(
            f"no period of {'these checks' if only else 'a check'} lies in "
            f"{month_name(first)} to {month_name(last)}"
        )
    if only:
        part = Ledger(*(column[np.isin(ledger.check, wanted)] for column in ledger))
    parts = []
    with progress.bar("checks", len(wanted)) as bar:
        for _, found in backtest.put_in(
            ledger,
            checks,
            labels,
            first,
            last,
            effects=effects,
            changes=changes,
            horizon=horizon,
            seed=seed,
            only=wanted,
        ):
            parts.append(found)
            bar.advance()
    return Report(
        first,
        last,
        seed,
        horizon,
        backtest.happened(part, labels, first, last, part.check),
        backtest.happened(part, labels, first, last, part.detector),
        backtest.label_results(part, labels, first, last),
        tuple(x for x in labels if x.kind == HOLD_OUT),
        backtest.together(parts),
        tuple(effects),
    )
