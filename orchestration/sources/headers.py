"""Column titles: folding, comparing with a layout, and words for what is wrong.

A layout is one era's titles of a table, ``title -> contract column``. Layouts are data
(``column_maps/<source>__<table>.csv``); a force adds its own in ``plumbline.yml``.
"""

from __future__ import annotations

import csv
import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from orchestration.sources.model import Note

MAPS = Path(__file__).with_name("column_maps")

_TYPOGRAPHIC = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u00a0": " ",
        "\u200b": "",
        "\ufeff": "",
        "_": " ",
    }
)


def fold(text: str) -> str:
    """Text without surrounding blanks, runs of blanks (line ends too) as one."""
    return " ".join(text.split())


def normal(title: str) -> str:
    """Title for comparing: blanks folded, case, underscores, curly quotes and dashes levelled."""
    return fold(title.translate(_TYPOGRAPHIC)).casefold()


@dataclass(frozen=True)
class Match:
    """The titles are those of a layout: which era, and the column each title feeds.

    ``options`` travel with the member to its reader.
    """

    era: str
    columns: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...] = field(default=())
    options: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class Near:
    """The titles are not a layout but come near one: what is wrong, in words."""

    era: str
    score: float
    words: str


@cache
def column_map(table: str) -> tuple[tuple[str, ...], dict[str, dict[str, str]]]:
    """Columns of a table and its layouts ``era -> {title -> column}``, from the column map.

    Raises FileNotFoundError where the table has no map.
    """
    path = MAPS / f"{table.replace('/', '__')}.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        eras: dict[str, dict[str, str]] = {e: {} for e in (reader.fieldnames or [])[1:]}
        columns = []
        for row in reader:
            columns.append(row["column"])
            for era, titles in eras.items():
                title = row[era] or ""
                if title:
                    # A column that really has no title is written as a pair of quotes.
                    titles["" if title == '""' else title] = row["column"]
    return tuple(columns), eras


def table_settings(settings: object, table: str) -> dict:
    """What ``plumbline.yml`` says about a table under ``sources``; empty where it says nothing.

    Keys: ``enabled``, ``files``, ``layouts``, and those of ``options`` beside them. Takes plain
    mappings as well as the settings' own class.
    """
    source, _, name = table.partition("/")
    sources = getattr(settings, "sources", None)
    of_source = sources.get(source) if isinstance(sources, Mapping) else None
    found = of_source.get(name) if isinstance(of_source, Mapping) else None
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        found = {k: getattr(found, k, None) for k in ("enabled", "files", "layouts", "options")}
    options = found.get("options")
    return {**(options if isinstance(options, Mapping) else {}), **found}


class Layout(dict[str, str]):
    """A force's own layout, ``title -> column``, with what it leaves to the published titles.

    ``others``: compared title -> (title, column) of the columns that it does not name.
    """

    def __init__(
        self, titles: Mapping[str, str], others: Mapping[str, tuple[str, str]] | None = None
    ) -> None:
        super().__init__(titles)
        self.others = dict(others or {})

    def completed(self, titles: Iterable[str]) -> dict[str, str]:
        """The layout with those of ``titles`` that are published titles of columns it leaves."""
        wanted = dict(self)
        taken = {normal(title) for title in self}
        fed = set(self.values())
        for title in titles:
            published, column = self.others.get(normal(title), ("", ""))
            if column and column not in fed and normal(title) not in taken:
                wanted[published] = column
                fed.add(column)
        return wanted


def _left_over(
    named: Iterable[str], published: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[str, str]]:
    """Published titles of columns that are not named, where a title means one column only."""
    found: dict[str, tuple[str, str]] = {}
    twice: set[str] = set()
    for layout in published.values():
        for title, column in layout.items():
            known = found.setdefault(normal(title), (title, column))
            if known[1] != column:
                twice.add(normal(title))
    left_out = set(named)
    return {n: tc for n, tc in found.items() if n not in twice and tc[1] not in left_out}


def layouts(table: str, settings: object = None) -> dict[str, dict[str, str]]:
    """Layouts ``era -> {title -> column}``: the force's own first, then the published ones.

    A column that an own layout does not name keeps its published title, where the file has it; one
    that it names with no title (null) is not in the extract.
    """
    columns, published = column_map(table)
    own: dict[str, dict[str, str]] = {}
    configured = table_settings(settings, table).get("layouts")
    if isinstance(configured, Mapping):
        for era, titles in configured.items():
            if isinstance(titles, Mapping):
                own[str(era)] = Layout(
                    {
                        str(title): str(column)
                        for column, title in titles.items()
                        if title is not None and column in columns
                    },
                    _left_over(titles, published),
                )
    return {**own, **{era: titles for era, titles in published.items() if era not in own}}


def match_layout(
    titles: Sequence[str], known: Mapping[str, Mapping[str, str]]
) -> Match | Near | None:
    """Compare titles with layouts: a match, the nearest layout with what is wrong, or nothing.

    Order does not matter (of published layouts, another one is noted). Differences of case, blanks,
    underscores, curly quotes or dashes are accepted with a note; a title too many, too few or twice
    is not.
    """
    have = [normal(t) for t in titles]
    best: tuple[float, str, Mapping[str, str]] | None = None
    for era, declared in known.items():
        is_own = isinstance(declared, Layout)
        layout = declared.completed(titles) if isinstance(declared, Layout) else declared
        wanted = {normal(title): (title, column) for title, column in layout.items()}
        if not declared:
            continue
        if len(have) == len(wanted) and set(have) == set(wanted):
            pairs = tuple((t, wanted[h][1]) for t, h in zip(titles, have, strict=True))
            odd = [
                f"{t!r} for {wanted[h][0]!r}"
                for t, h in zip(titles, have, strict=True)
                if fold(t) != fold(wanted[h][0])
            ]
            notes = []
            if odd:
                notes.append(
                    Note("title_spelling", "column titles spelt differently: " + ", ".join(odd))
                )
            if have != list(wanted) and not is_own:
                notes.append(Note("column_order", "the columns stand in another order than usual"))
            return Match(era, pairs, tuple(notes))
        hits = len(set(have) & set(wanted))
        # Among equal shares the layout with more titles present is the nearer one.
        score = hits / len(wanted) + hits / 10_000
        if best is None or score > best[0]:
            best = (score, era, layout)
    if best is None:
        return None
    _, era, layout = best
    hits = len({normal(t) for t in layout} & set(have))
    words = difference(titles, layout, era)
    declared = known[era]
    if isinstance(declared, Layout):
        unknown = set(have) - {normal(t) for t in layout}
        fed = set(layout.values())
        free = sorted({column for _, column in declared.others.values()} - fed)
        if unknown and free:
            words += (
                f"; where a title is that of a column, add it to the layout {era!r} in "
                f"plumbline.yml (columns without a title in this file: {', '.join(free)})"
            )
    return Near(era, hits / len(layout) if hits >= 3 else 0.0, words)


def difference(titles: Sequence[str], layout: Iterable[str], era: str) -> str:
    """Words for how titles differ from a layout: missing, extra, renamed, given twice."""
    have = {normal(t): t for t in titles}
    wanted = {normal(t): t for t in layout}
    missing = [t for n, t in wanted.items() if n not in have]
    extra = [t for n, t in have.items() if n not in wanted]
    twice = [have[n] for n, count in Counter(normal(t) for t in titles).items() if count > 1]
    renamed = []
    left = {normal(t): t for t in extra}
    for title in missing:
        close = difflib.get_close_matches(normal(title), left, n=1, cutoff=0.6)
        if close:
            renamed.append((title, left.pop(close[0])))
    gone = {title for title, _ in renamed}
    new = {other for _, other in renamed}
    missing = [t for t in missing if t not in gone]
    extra = [t for t in extra if t not in new]
    parts = []
    if missing:
        parts.append("missing: " + ", ".join(repr(t) for t in missing))
    if renamed:
        parts.append(
            "renamed: " + ", ".join(f"{other!r} stands where {t!r} is due" for t, other in renamed)
        )
    if extra:
        parts.append("not known: " + ", ".join(repr(t) for t in extra))
    if twice:
        parts.append("given twice: " + ", ".join(repr(t) for t in twice))
    if not parts:
        parts.append("no titles" if not titles else "the same titles in an unknown arrangement")
    return f"{'; '.join(parts)} (nearest layout: {era})"
