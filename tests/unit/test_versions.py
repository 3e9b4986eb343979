"""What counts as a change of what is published: the code the models call is all of it."""

from __future__ import annotations

import ast
from pathlib import Path

from orchestration.settings import DBT_PROJECT, PROJECT
from orchestration.versions import MODEL_CODE


def _imported(file: Path) -> set[Path]:
    """Files of the package ``orchestration`` that a file imports, anywhere in it."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.startswith("orchestration."):
                path = PROJECT / name.replace(".", "/")
                found |= {p for p in (path.with_suffix(".py"), path / "__init__.py") if p.exists()}
    return found


def test_code_that_models_call_is_part_of_their_version() -> None:
    models = sorted((DBT_PROJECT / "models").rglob("*.py"))
    called = set().union(*(_imported(m) for m in models))
    assert len(called) > 5
    covered = [PROJECT / place for place in MODEL_CODE]
    missing = {
        str(p.relative_to(PROJECT))
        for p in called
        if not any(p == c or c in p.parents for c in covered)
    }
    assert not missing, f"a fix in these would not be published: add them to MODEL_CODE: {missing}"


def test_every_place_named_exists() -> None:
    assert [p for p in MODEL_CODE if not (PROJECT / p).exists()] == []
