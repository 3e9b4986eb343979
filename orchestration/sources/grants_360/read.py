"""Grant awards of the 360Giving data standard, as CSV under the standard's titles and as JSON.

Both become the same nested record, which is checked against the standard's own JSON schema where
one is at hand: ``grants_360.awards.options.schema`` in ``plumbline.yml``, else a file named like
``360giving-schema.json`` beside the awards or in the landing. No maintained package on the Python
package index carries the schema, and none is copied here. Without a schema a note says that this
check was not made; the contract applies either way.

Awards to individuals: nothing under ``Recipient Ind`` is kept, and of organisations no contact
name, e-mail address or telephone number, because they are personal data nobody needs here.

https://standard.threesixtygiving.org/
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.sources.headers import (
    Match,
    Near,
    column_map,
    difference,
    layouts,
    normal,
    table_settings,
)
from orchestration.sources.model import LoadRefused, Member, Note, Rejected, TextBatch
from orchestration.sources.tables import BATCH, Chunk, Table, Where, to_batch

TABLE = "grants_360/awards"
REQUIRED = (
    "Identifier",
    "Title",
    "Description",
    "Currency",
    "Amount Awarded",
    "Award Date",
    "Funding Org:Identifier",
    "Funding Org:Name",
)
RECIPIENT = (("Recipient Org:Identifier", "Recipient Org:Name"), ("Recipient Ind:Identifier",))
_DATES = ("award_date", "planned_start_date", "planned_end_date")
_INDIVIDUAL = ("recipient ind:", "to individuals details:")
_CONTACT = ("contact name", "email", "phone number")
_LISTS = (
    "plannedDates",
    "recipientOrganization",
    "beneficiaryLocation",
    "fundingOrganization",
    "grantProgramme",
)


# ----------------------------------------------------------------------- recognising


def _plain_title(title: str) -> str:
    """Title without list positions: 'Recipient Org:0:Name' is 'Recipient Org:Name'."""
    return normal(re.sub(r":0(?=:|$)", "", title))


def match(titles: Sequence[str], where: Where) -> Match | Near | None:
    """Titles are those of awards where everything the standard requires is there."""
    have = {_plain_title(t): t for t in titles}
    wanted = {_plain_title(t): c for t, c in layouts(TABLE)["titles"].items()}
    own = {
        era: layout
        for era, layout in layouts(TABLE, where.settings).items()
        if era not in ("titles", "json")
    }
    for era, layout in own.items():
        renamed = {_plain_title(t): c for t, c in layout.items()}
        if renamed and set(renamed) <= set(have):
            wanted = {**wanted, **renamed}
            return Match(
                era, tuple((t, wanted.get(_plain_title(t), "other_fields")) for t in titles)
            )
    required = [t for t in REQUIRED if _plain_title(t) not in have]
    recipient = any(all(_plain_title(t) in have for t in way) for way in RECIPIENT)
    twice = len({_plain_title(t) for t in titles}) < len(titles) and len(set(titles)) < len(titles)
    if not required and recipient and not twice:
        pairs = tuple((t, wanted.get(_plain_title(t), "other_fields")) for t in titles)
        return Match("titles", pairs)
    hits = len(REQUIRED) - len(required)
    ours = [t for t in titles if _plain_title(t) in {_plain_title(r) for r in REQUIRED}]
    extra = [t for t in titles if _plain_title(t) not in wanted]
    words = difference(ours + extra[:20] if required else list(titles), REQUIRED, "titles")
    if not recipient:
        words += "; the standard asks for 'Recipient Org:Identifier' and 'Recipient Org:Name', or "
        words += "'Recipient Ind:Identifier'"
    # Titles such as 'Title' and 'Description' are too common to go by.
    telling = any(_plain_title(t).startswith(("funding org:", "recipient org:")) for t in titles)
    return Near("titles", hits / len(REQUIRED) if telling and hits >= 3 else 0.0, words)


def looks_like_awards(path: Path) -> bool:
    """Whether a JSON file begins like a package of grants."""
    with path.open("rb") as handle:
        head = handle.read(64 << 10)
    return re.search(rb'"grants"\s*:\s*\[', head) is not None


def schema_near(path: Path, settings: object) -> tuple[tuple[str, str], ...]:
    """Option ``schema``: where the standard's JSON schema lies; no option where there is none."""
    configured = table_settings(settings, TABLE).get("schema")
    if configured:
        return (("schema", str(Path(str(configured)).expanduser())),)
    landing = getattr(settings, "landing_dir", None)
    roots = [(path.parent, "*.json")]
    if landing is not None:
        roots.append((Path(landing), "**/*.json"))
    for root, pattern in roots:
        if not root.is_dir():
            continue
        for candidate in sorted(root.glob(pattern)):
            name = candidate.name.lower().replace("-", "").replace("_", "")
            if "360giving" in name and "schema" in name and "package" not in name:
                return (("schema", str(candidate)),)
    return ()


# ----------------------------------------------------------------------- the standard's schema


class Standard:
    """The standard's JSON schema: which title is which field, and what is wrong with a record."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        from jsonschema import Draft202012Validator, FormatChecker

        self.schema = schema
        self.paths = dict(_paths(schema, schema.get("properties", {})))
        checker = FormatChecker(formats=())
        # Without it every text counts as a date-time, a plain award date then fits both of the
        # schema's alternatives, and 'one of' refuses every record.
        checker.checks("date-time")(_is_date_time)
        self.validator = Draft202012Validator(schema, format_checker=checker)

    def problems(self, record: Mapping[str, Any]) -> list[str]:
        """The validator's words for what is wrong; empty where nothing is."""
        person = record.get("recipientIndividual")
        if isinstance(person, dict):
            # The words quote what they are about, and a person's name is not to be kept.
            hidden = {k: "(not kept)" if isinstance(v, str) else v for k, v in person.items()}
            record = {**record, "recipientIndividual": hidden}
        found = []
        for error in self.validator.iter_errors(record):
            deepest = error
            if error.validator == "oneOf" and error.context:
                # 'not valid under any of the given schemas' says nothing; the branches do.
                branch = min(error.context, key=lambda e: (len(e.path) == 0, str(e.message)))
                deepest = branch
            place = "/".join(str(p) for p in deepest.absolute_path)
            message = deepest.message if len(deepest.message) < 300 else deepest.message[:300] + "…"
            found.append(f"{place}: {message}" if place else message)
        return found


def _paths(
    schema: Mapping[str, Any], properties: Mapping[str, Any], title: str = "", depth: int = 0
) -> Iterator[tuple[str, tuple[tuple[str, ...], str]]]:
    """Flattened title -> (keys, type), as the standard's own spreadsheet templates name them."""
    for key, about in properties.items():
        about = _resolve(schema, about)
        name = f"{title}{about.get('title') or _title_of(key)}"
        kind = about.get("type")
        kind = next((k for k in kind if k != "null"), None) if isinstance(kind, list) else kind
        items = _resolve(schema, about.get("items", {})) if kind == "array" else about
        inner = items.get("properties")
        if inner and depth < 3:
            mark = f"{key}[]" if kind == "array" else key
            for inner_name, (keys, inner_kind) in _paths(schema, inner, f"{name}:", depth + 1):
                yield inner_name, ((mark, *keys), inner_kind)
        elif kind == "array":
            yield _plain_title(name), ((f"{key}[]",), "string")
        else:
            yield _plain_title(name), ((key,), str(kind or "string"))


def _title_of(key: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).title()


def _resolve(schema: Mapping[str, Any], about: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = about.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return about
    target: Any = schema
    for part in reference[2:].split("/"):
        target = target.get(part, {}) if isinstance(target, Mapping) else {}
    return {**target, **{k: v for k, v in about.items() if k != "$ref"}}


def _is_date_time(value: object) -> bool:
    """RFC 3339 date and time with an offset."""
    if not isinstance(value, str):
        return True
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value):
        return False
    try:
        dt.datetime.fromisoformat(value.upper().replace(" ", "T"))
    except ValueError:
        return False
    return True


@cache
def _load_standard(path: str, stamp: int) -> Standard:
    schema = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    if not isinstance(schema, dict):
        raise ValueError("it is not a JSON object")
    return Standard(schema)


def standard_of(member: Member) -> tuple[Standard | None, Note | None]:
    """The schema a member is checked against, or the note that says why it is not."""
    where = dict(member.options).get("schema")
    if not where:
        words = (
            "not assessed: records were not checked against the 360Giving schema, because no "
            "file named like 360giving-schema.json is in the landing and none is configured"
        )
        return None, Note("schema_not_assessed", words)
    try:
        return _load_standard(where, Path(where).stat().st_mtime_ns), None
    except (OSError, ValueError) as problem:
        words = f"not assessed: the 360Giving schema {Path(where).name} cannot be used: {problem}"
        return None, Note("schema_not_assessed", words)


# ----------------------------------------------------------------------- records


def iso_date(text: str) -> str:
    """A date as YYYY-MM-DD where it is one in a form that publishers use, else the text itself.

    Day comes before month in '15/02/2020', as everywhere in the United Kingdom.
    """
    plain = text.strip()
    if re.fullmatch(r"\d{4}-\d\d-\d\d", plain):
        return plain
    if _is_date_time(plain):
        return plain[:10]
    for form in (
        r"(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4})",
        r"(?P<y>\d{4})[/.](?P<m>\d{1,2})[/.](?P<d>\d{1,2})",
        r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)[T ]\d\d:\d\d(:\d\d)?",
    ):
        found = re.fullmatch(form, plain)
        if found:
            try:
                day = dt.date(int(found["y"]), int(found["m"]), int(found["d"]))
            except ValueError:
                return text
            return day.isoformat()
    return text


class _Reader:
    """Turns nested records into batches, checking each against the standard where it is there."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.standard, missing = standard_of(member)
        self.notes = [missing] if missing else []
        self.dates = 0
        self.columns: dict[str, list[str | None]] = {}
        self.numbers: list[int] = []
        self.rejected: list[Rejected] = []
        self.clear()

    def clear(self) -> None:
        self.columns = {name: [] for name in column_map(TABLE)[0]}
        self.numbers = []
        self.rejected = []

    def check(self, number: int, record: Mapping[str, Any], shown: str) -> bool:
        problems = self.standard.problems(record) if self.standard else []
        if problems:
            self.rejected.append(Rejected(number, "schema", "; ".join(problems), shown[:4_000]))
        return not problems

    def add(self, number: int, values: dict[str, str | None], others: dict[str, Any]) -> None:
        for column in _DATES:
            given = values.get(column)
            if given:
                values[column] = iso_date(given)
                if values[column] != given:
                    others[f"{column} as published"] = given
                    self.dates += 1
        values["other_fields"] = (
            json.dumps(others, ensure_ascii=False, sort_keys=True) if others else None
        )
        for name, column in self.columns.items():
            column.append(values.get(name))
        self.numbers.append(number)

    def batch(self) -> TextBatch:
        notes = self.notes
        if self.dates:
            notes = [
                *notes,
                Note(
                    "dates_rewritten",
                    f"{self.dates} dates were not in the form YYYY-MM-DD and were rewritten; the "
                    "published text is kept in other_fields",
                ),
            ]
        self.notes, self.dates = [], 0
        made = to_batch(TABLE, self.columns, self.numbers, tuple(self.rejected), tuple(notes))
        self.clear()
        return made


def _personal(title: str) -> bool:
    plain = _plain_title(title)
    return plain.startswith(_INDIVIDUAL) or plain.rpartition(":")[2] in _CONTACT


def read_rows(member: Member, chunks: Iterable[Chunk]) -> Iterator[TextBatch]:
    """Awards from rows under the standard's titles: text, workbook or Parquet."""
    reader = _Reader(member)
    titles = [t for t, _ in member.columns]
    personal = [_personal(t) for t in titles]
    individual = [_plain_title(t).startswith("recipient ind:") for t in titles]
    targets = [c for _, c in member.columns]
    paths = [reader.standard.paths.get(_plain_title(t)) for t in titles] if reader.standard else []
    for chunk in chunks:
        for rejected in chunk.rejected:
            if any(personal):
                # The text of a broken row cannot be told apart into fields: nothing of it is kept.
                rejected = Rejected(
                    rejected.row_number,
                    rejected.kind,
                    rejected.message,
                    "(not kept: the file has columns with personal data)",
                )
            reader.rejected.append(rejected)
        for number, row in zip(chunk.numbers, chunk.rows, strict=True):
            values: dict[str, str | None] = {}
            others: dict[str, Any] = {}
            to_person = False
            for i, text in enumerate(row):
                if text is None or text == "":
                    continue
                to_person = to_person or individual[i]
                if personal[i]:
                    continue
                if targets[i] == "other_fields":
                    others[titles[i]] = text
                else:
                    values[targets[i]] = text
            values["is_recipient_individual"] = "true" if to_person else "false"
            if reader.standard:
                record = _nest(row, paths, targets)
                kept = {t: v for t, v, p in zip(titles, row, personal, strict=True) if v and not p}
                shown = json.dumps(kept, ensure_ascii=False)
                if not reader.check(number, record, shown):
                    continue
            reader.add(number, values, others)
        yield reader.batch()


def _nest(
    row: Sequence[str | None],
    paths: Sequence[tuple[tuple[str, ...], str] | None],
    targets: Sequence[str],
) -> dict[str, Any]:
    """The nested record a row stands for, with numbers as numbers and dates in ISO form."""
    record: dict[str, Any] = {}
    for text, path, column in zip(row, paths, targets, strict=True):
        if path is None or text is None or text.strip() == "":
            continue
        keys, kind = path
        value: Any = text
        if column in _DATES:
            value = iso_date(text)
        if kind in ("number", "integer"):
            try:
                value = float(text.replace(",", ""))
            except ValueError:
                value = text  # the schema says that it is not a number
        place: Any = record
        for key in keys[:-1]:
            if key.endswith("[]"):
                place = place.setdefault(key[:-2], [{}])[0]
            else:
                place = place.setdefault(key, {})
        last = keys[-1]
        if last.endswith("[]"):
            place[last[:-2]] = [value]
        else:
            place[last] = value
    return record


def _package(path: Path) -> list[Any]:
    try:
        package = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise LoadRefused("not_text", "the JSON file is not UTF-8 text") from None
    except (ValueError, RecursionError) as problem:
        raise LoadRefused("not_json", f"the file is not valid JSON: {problem}") from None
    grants = package.get("grants") if isinstance(package, dict) else None
    if not isinstance(grants, list):
        raise LoadRefused(
            "wrong_header", 'a 360Giving JSON file is an object with a list "grants"; this is not'
        )
    return grants


def count_awards(path: Path) -> int:
    """Awards in a JSON package. Raises ``LoadRefused`` where it is not one."""
    return len(_package(path))


def read_json(member: Member, path: Path) -> Iterator[TextBatch]:
    """Awards from a JSON package ``{"grants": [...]}``. Raises ``LoadRefused``."""
    reader = _Reader(member)
    fields = layouts(TABLE)["json"]
    grants = _package(path)
    for number, grant in enumerate(grants, 1):
        if not isinstance(grant, dict):
            words = f"a grant must be an object, this is {type(grant).__name__}"
            reader.rejected.append(Rejected(number, "schema", words, json.dumps(grant)[:4_000]))
        else:
            kept = _without_persons(grant)
            record = _iso_dates(grant)
            if reader.check(number, record, json.dumps(kept, ensure_ascii=False)):
                values, others = _flatten(kept, fields)
                values["is_recipient_individual"] = (
                    "true" if grant.get("recipientIndividual") else "false"
                )
                reader.add(number, values, others)
        if len(reader.numbers) + len(reader.rejected) >= BATCH:
            yield reader.batch()
    yield reader.batch()


def _iso_dates(grant: Mapping[str, Any]) -> dict[str, Any]:
    record = dict(grant)
    if isinstance(record.get("awardDate"), str) and not _is_date_time(record["awardDate"]):
        record["awardDate"] = iso_date(record["awardDate"])
    return record


def _without_persons(grant: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        k: v for k, v in grant.items() if k not in ("recipientIndividual", "toIndividualsDetails")
    }
    for key in ("recipientOrganization", "fundingOrganization"):
        if isinstance(kept.get(key), list):
            kept[key] = [
                {k: v for k, v in o.items() if k not in ("contactName", "email", "telephone")}
                if isinstance(o, dict)
                else o
                for o in kept[key]
            ]
    return kept


def _flatten(
    grant: Mapping[str, Any], fields: Mapping[str, str]
) -> tuple[dict[str, str | None], dict[str, Any]]:
    """Contract columns of a record, and everything else under the publisher's own keys."""
    values: dict[str, str | None] = {}
    others: dict[str, Any] = {}
    for key, value in grant.items():
        if key in _LISTS and isinstance(value, list) and value and isinstance(value[0], dict):
            left = {}
            for inner, inner_value in value[0].items():
                column = fields.get(f"{key}/{inner}")
                if column and not isinstance(inner_value, list | dict):
                    values[column] = _text(inner_value)
                elif inner_value not in (None, ""):
                    left[inner] = inner_value
            rest = [left, *value[1:]] if len(value) > 1 else ([left] if left else [])
            if rest:
                others[key] = rest
        elif key in fields and not isinstance(value, list | dict):
            values[fields[key]] = _text(value)
        elif value not in (None, ""):
            others[key] = value
    return values, others


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


TABLES = (
    Table(
        name=TABLE,
        patterns=(r"360[-_ ]?g(iving|rants)(?!.*schema)",),
        match=match,
        shape=read_rows,
        one_to_one=False,
        options=schema_near,
    ),
)
