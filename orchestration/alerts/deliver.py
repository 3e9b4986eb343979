"""Telling news by the configured routes: what goes where, in how many messages, tried how often.

``plan`` is pure. ``deliver`` never raises and never takes longer than its budget: what did not get
through is recorded as such and is tried again with the next run. Every attempt is handed to
``record`` as it is made. A message can arrive twice (where the process ends between sending and
recording), never not at all without a record of it. Addresses are read by the process that sends
(``send``) and are neither recorded nor logged.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.alerts.book import rank
from orchestration.alerts.findings import SEVERITIES
from orchestration.alerts.news import News
from orchestration.alerts.send import DELIVERED, FAILED, NOT_CONFIGURED, redacted
from orchestration.settings import AlertRoute, Alerts

#: How many news, or causes, a message names one by one.
_NAMED_IN_DIGEST = 10
_PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to one route at once, and which news it tells."""

    message_id: str
    route_name: str
    news_ids: tuple[str, ...]
    severity: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send one message. ``target`` is the address without anything secret."""

    attempt_id: str
    message_id: str
    route_name: str
    url_variable: str
    target: str
    news_ids: tuple[str, ...]
    attempt_number: int
    attempted_at: dt.datetime
    outcome: str
    detail: str


def takes(route: AlertRoute, severity: str, who_acts: str) -> bool:
    """Whether a route is for something so severe that ``who_acts`` acts on."""
    return rank(severity) >= rank(route.severity) and (not route.owners or who_acts in route.owners)


def message(route_name: str, news_ids: Sequence[str], severity: str, title: str, body: str):
    """A message with an identity that is the same whenever the same is to be told."""
    text = "\x1f".join((route_name, *news_ids, title))
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Message(name, route_name, tuple(news_ids), severity, title, body)


def plan(
    news: Iterable[News],
    delivered: Collection[tuple[str, str]],
    routes: Iterable[AlertRoute],
    digest_above: int,
) -> list[Message]:
    """Messages still to send: for each route its news, the most severe first.

    ``delivered``: (route name, news id) of what got through. News with one cause are one message;
    more than ``digest_above`` messages for one route become one.
    """
    messages = []
    news = list(news)
    for route in routes:
        waiting = sorted(
            (
                n
                for n in news
                if takes(route, n.severity, n.who_acts) and (route.name, n.news_id) not in delivered
            ),
            key=lambda n: (-rank(n.severity), n.title, n.news_id),
        )
        together = _by_cause(waiting)
        if len(together) > digest_above:
            messages.append(_digest(route, together))
        else:
            messages += [_of_one_cause(route, some) for some in together]
    return messages


def _by_cause(news: Iterable[News]) -> list[list[News]]:
    """News with one cause together, in the order of the first of each."""
    together: dict[str, list[News]] = {}
    for n in news:
        together.setdefault(n.cause or f"\x1f{n.news_id}", []).append(n)
    return list(together.values())


def _headline(news: Sequence[News]) -> str:
    """What is told of one cause, in one line."""
    if len(news) == 1:
        return news[0].title
    kinds = Counter(n.kind for n in news)
    said = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{news[0].cause} ({news[0].severity}): {said}"


def _of_one_cause(route: AlertRoute, news: Sequence[News]) -> Message:
    ids = [n.news_id for n in news]
    if len(news) == 1:
        return message(route.name, ids, news[0].severity, news[0].title, news[0].body)
    lines = [
        f"{len(news)} alerts that began together ({news[0].cause}) and so may have one cause. "
        "Each has its own evidence:"
    ]
    for n in news[:_NAMED_IN_DIGEST]:
        lines += ["", f"{n.title} ({n.alert_id})", n.body]
    if len(news) > _NAMED_IN_DIGEST:
        lines += ["", f"And {len(news) - _NAMED_IN_DIGEST} more: plumbline alerts list"]
    return message(route.name, ids, news[0].severity, _headline(news), "\n".join(lines))


def _digest(route: AlertRoute, together: Sequence[Sequence[News]]) -> Message:
    news = [n for some in together for n in some]
    of_kind = Counter(n.kind for n in news)
    of_severity = Counter(n.severity for n in news)
    kinds = ", ".join(f"{count} {kind}" for kind, count in of_kind.most_common())
    severities = ", ".join(f"{of_severity[s]} {s}" for s in reversed(SEVERITIES) if of_severity[s])
    causes = f" of {len(together)} causes" if len(together) < len(news) else ""
    lines = [f"{severities}.", ""]
    lines += [
        f"- {_headline(some)} ({some[0].alert_id}{', ...' if len(some) > 1 else ''})"
        for some in together[:_NAMED_IN_DIGEST]
    ]
    if len(together) > _NAMED_IN_DIGEST:
        more = sum(len(some) for some in together[_NAMED_IN_DIGEST:])
        lines.append(f"- and {more} more")
    lines += ["", "All of them, with the evidence: plumbline alerts list"]
    return message(
        route.name,
        [n.news_id for n in news],
        news[0].severity,
        f"{len(news)} alerts{causes}: {kinds}",
        "\n".join(lines),
    )


def send_once(variable: str, what: Message, timeout_seconds: float) -> tuple[str, str]:
    """One attempt in a process of its own, ended where it takes too long: outcome and detail."""
    text = json.dumps({"title": what.title, "body": what.body, "kind": what.severity})
    path = os.pathsep.join(p for p in (str(_PROJECT), os.environ.get("PYTHONPATH")) if p)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "orchestration.alerts.send", variable],
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
            env={**os.environ, "PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired:
        return FAILED, f"no answer within {timeout_seconds:g} seconds"
    try:
        said = json.loads(done.stdout.splitlines()[-1])
        return str(said["outcome"]), str(said["detail"])
    except (IndexError, ValueError, KeyError, TypeError):
        return FAILED, f"the sending process ended with code {done.returncode}"


def deliver(
    messages: Iterable[Message],
    settings: Alerts,
    record: Callable[[Attempt], None],
    *,
    routes: Iterable[AlertRoute] | None = None,
    send: Callable[[str, Message, float], tuple[str, str]] = send_once,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> list[Attempt]:
    """Send the messages, each up to ``settings.attempts`` times with growing pauses.

    Ends when ``settings.budget_seconds`` are used up; a route whose address is not usable is tried
    once. Never raises: an error is an attempt that failed, and one of ``record`` is left aside.
    """
    by_name = {r.name: r for r in (settings.routes if routes is None else routes)}
    ends = clock() + settings.budget_seconds
    made: list[Attempt] = []
    unusable: set[str] = set()
    for what in messages:
        route = by_name[what.route_name]
        if route.name in unusable:
            continue
        for number in range(1, settings.attempts + 1):
            left = ends - clock()
            if left <= 0:
                return made
            try:
                outcome, detail = send(
                    route.url_variable, what, min(settings.timeout_seconds, left)
                )
            except Exception as error:
                # Its words may hold an address.
                outcome, detail = FAILED, type(error).__name__
            attempt = Attempt(
                attempt_id=uuid.uuid4().hex,
                message_id=what.message_id,
                route_name=route.name,
                url_variable=route.url_variable,
                target=redacted(os.environ.get(route.url_variable)),
                news_ids=what.news_ids,
                attempt_number=number,
                attempted_at=dt.datetime.now(dt.UTC).replace(tzinfo=None),
                outcome=outcome,
                detail=detail,
            )
            made.append(attempt)
            try:
                record(attempt)
            except Exception:
                # The target has it or has not; at worst it is told once more.
                unusable.add(route.name)
            if outcome == NOT_CONFIGURED:
                unusable.add(route.name)
            if outcome != FAILED:
                break
            pause = settings.backoff_seconds * 2 ** (number - 1)
            if number < settings.attempts and pause < ends - clock():
                sleep(pause)
    return made


def undelivered(messages: Iterable[Message], made: Iterable[Attempt]) -> dict[str, str]:
    """Routes with messages that did not get through, and why in the last attempt."""
    made = list(made)
    through = {a.message_id for a in made if a.outcome == DELIVERED}
    why = {a.route_name: a.detail for a in made if a.outcome != DELIVERED}
    return {
        m.route_name: why.get(m.route_name, "there was no time left")
        for m in messages
        if m.message_id not in through
    }
