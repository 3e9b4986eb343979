"""Quoting for SQL text. Nothing else belongs here."""

from __future__ import annotations


def ident(name: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def lit(value: str | None) -> str:
    """An SQL string literal, quoted; ``null`` for None."""
    if value is None:
        return "null"
    return "'" + value.replace("'", "''") + "'"
