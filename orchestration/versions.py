"""What version of what: hashes that say whether an earlier answer still stands.

A refused load is looked at again only when the rules changed; a release is rebuilt only when the
loads, the models or the configuration did.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from orchestration.settings import DBT_PROJECT, EXPECTATIONS, PROJECT, Settings

__all__ = ["code_version", "contracts_version", "models_version", "rules_version"]


def _digest(paths: Iterable[Path], *extra: str) -> str:
    hasher = hashlib.sha256()
    for path in sorted(paths):
        hasher.update(str(path.relative_to(PROJECT)).encode())
        hasher.update(b"\0")
        hasher.update(path.read_bytes())
        hasher.update(b"\0")
    for text in extra:
        hasher.update(text.encode())
        hasher.update(b"\0")
    return hasher.hexdigest()[:16]


def _code(*places: str) -> list[Path]:
    found: list[Path] = []
    for place in places:
        root = PROJECT / place
        if root.is_file():
            found.append(root)
        found += [p for p in root.rglob("*") if p.suffix in (".py", ".csv", ".yml", ".json")]
    return found


#: Folders and modules of ``orchestration`` that decide what is published: those the models import
#: and what is done at publication.
MODEL_CODE = (
    "orchestration/alerts",
    "orchestration/attribution",
    "orchestration/claims",
    "orchestration/detectors",
    "orchestration/publish",
    "orchestration/statistics",
    "orchestration/change_parts.py",
    "orchestration/months.py",
    "orchestration/privacy.py",
    "orchestration/recording_checks.py",
    "orchestration/recording_effects.py",
    "orchestration/rows.py",
    "orchestration/sqltext.py",
)


@cache
def contracts_version() -> str:
    """Hash of the contracts and the code lists they close over."""
    from orchestration.settings import configured_code_lists, configured_code_maps

    return _digest(
        _code("orchestration/contracts", "dbt_project/seeds"),
        json.dumps([configured_code_lists(), configured_code_maps()], sort_keys=True, default=str),
    )


def rules_version(settings: Settings) -> str:
    """Hash of everything that decides what becomes of a file: readers, contracts, gates, config."""
    return _digest(
        [
            *_code("orchestration/contracts", "orchestration/sources", "orchestration/gates"),
            *_code("dbt_project/seeds"),
            *EXPECTATIONS.rglob("*.yml"),
        ],
        settings.model_dump_json(include={"sources", "code_lists", "code_maps"}),
    )


def models_version(settings: Settings) -> str:
    """Hash of everything that decides what is published from the loads that have entered."""
    models = [
        p
        for p in DBT_PROJECT.rglob("*")
        if p.suffix in (".sql", ".yml", ".csv", ".py", ".md")
        and not {"target", "logs", "dbt_packages"} & set(p.relative_to(DBT_PROJECT).parts)
    ]
    return _digest(
        [*models, *_code(*MODEL_CODE)],
        settings.model_dump_json(
            include={
                "force": True,
                "periods": True,
                "code_maps": True,
                "recording_eras": True,
                "known_events": True,
                "linkage": True,
                "disclosure": True,
                "alerts": {"gap_months"},
            }
        ),
    )


@cache
def code_version() -> str:
    """The product's version and, in a checkout, the commit it stands on."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("plumbline")
    except PackageNotFoundError:
        number = "0+unknown"
    head = PROJECT / ".git" / "HEAD"
    try:
        ref = head.read_text().strip()
        if ref.startswith("ref: "):
            ref = (PROJECT / ".git" / ref[5:]).read_text().strip()
        return f"{number}+{ref[:12]}"
    except OSError:
        return number
