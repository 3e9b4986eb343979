"""References to persons become keyed hashes before anything is stored.

HMAC-SHA-256 (RFC 2104, FIPS 198-1) with a key that is only in the environment: equal references
give equal hashes, so that a person can be followed, and without the key nobody can go back, not
even by hashing every possible reference. Which columns are references is declared in the contracts
(``person_reference``); what is done with the hashes is the models' business.

The extracts that ``plumbline simulate`` writes, and the NHS's artificial data, are about nobody:
for these, and only these, a key that everyone knows will do.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import Settings
from orchestration.sqltext import lit

if TYPE_CHECKING:
    import duckdb

#: For simulated and artificial records only. Published on purpose: it protects nobody.
DEMO_KEY = b"plumbline demonstration key: simulated persons only"
#: A shorter secret could be guessed.
LEAST_KEY_LENGTH = 16
#: What the simulator leaves beside its extracts: the SHA-256 of each.
SIMULATION_MANIFEST = "simulation.json"
#: Key in the ledger's configuration: a file that the simulator vouches for was in the landing.
SIMULATED_FILES = "has_simulated_files"
WITHHELD = "(withheld: the row may hold a reference to a person; see the file)"

_BLOCK = 64
_FINGERPRINT = "person_key_fingerprint"


class PrivacyError(Exception):
    """Records about persons cannot be taken in as things stand; the message says what to do."""


@dataclass(frozen=True)
class PersonKey:
    """The key in force. Its bytes are shown nowhere."""

    secret: bytes
    is_demo: bool

    def __repr__(self) -> str:
        return f"PersonKey(is_demo={self.is_demo})"

    @property
    def fingerprint(self) -> str:
        """Says which key it is without giving it away."""
        return hmac.new(self.secret, b"plumbline person key", hashlib.sha256).hexdigest()[:16]

    def pseudonym(self, reference: str) -> str:
        """The hash (64 hexadecimal digits) of one reference, surrounding blanks ignored."""
        text = reference.strip().encode()
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()


DEMO = PersonKey(DEMO_KEY, is_demo=True)


def configured_key(settings: Settings) -> PersonKey | None:
    """The key in the environment; None where there is none. Raises PrivacyError for a poor one."""
    name = settings.privacy.key_variable
    text = os.environ.get(name, "")
    if not text:
        return None
    secret = text.encode()
    if len(secret) < LEAST_KEY_LENGTH:
        raise PrivacyError(
            f"the key in {name} has {len(secret)} characters; it must have at least "
            f"{LEAST_KEY_LENGTH}, better 32 random ones (openssl rand -hex 32)"
        )
    if secret == DEMO_KEY:
        raise PrivacyError(f"the key in {name} is the published demonstration key; make your own")
    return PersonKey(secret, is_demo=False)


def key_for(
    con: duckdb.DuckDBPyConnection, settings: Settings, *, file_name: str, is_artificial: bool
) -> PersonKey:
    """The key for a file of records about persons, which this warehouse then keeps to.

    Artificial records always take the published key, so that they can never be among real ones.
    Raises PrivacyError where no key is configured for real records, or where the warehouse holds
    records hashed with another key.
    """
    key = DEMO if is_artificial else configured_key(settings)
    if key is None:
        raise PrivacyError(
            f"{file_name} holds references to persons and no key is configured: set "
            f"{settings.privacy.key_variable} in the environment to a secret of your own "
            "(openssl rand -hex 32), keep it safe and the same for every run; nothing was "
            "loaded. (Only extracts as written by `plumbline simulate` need none.)"
        )
    held = _held(con)
    if held is None:
        con.execute(
            "insert or replace into ledger.configuration values ($1, $2)",
            [_FINGERPRINT, key.fingerprint],
        )
    elif held != key.fingerprint:
        raise PrivacyError(f"{file_name}: {_other_key(settings, held, key)}")
    return key


def key_in_force(con: duckdb.DuckDBPyConnection, settings: Settings) -> PersonKey:
    """The key this warehouse's records are hashed with. Raises PrivacyError where it is missing."""
    held = _held(con)
    if held == DEMO.fingerprint:
        return DEMO
    key = configured_key(settings)
    if key is None:
        raise PrivacyError(
            f"records about persons wait to be loaded and {settings.privacy.key_variable} is not "
            "set: set it to the key that this warehouse was begun with; nothing was loaded"
        )
    if held is not None and held != key.fingerprint:
        raise PrivacyError(_other_key(settings, held, key))
    return key


def _held(con: duckdb.DuckDBPyConnection) -> str | None:
    """Fingerprint of the key of the records that are in or wait; None where there are none."""
    row = con.execute(
        "select value from ledger.configuration where key = $1", [_FINGERPRINT]
    ).fetchone()
    return row[0] if row and _is_in_use(con) else None


def _is_in_use(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether records about persons are in, or wait to be loaded."""
    from orchestration.contracts import all_specs

    there = {
        row[0]
        for row in con.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
        ).fetchall()
    }
    if "ledger.arrival" not in there:
        return True  # a copy of the ledger: what it says of the key stands
    personal = [spec for spec in all_specs() if spec.person_references]
    if con.execute(
        "select 1 from ledger.arrival where status = 'pending' and list_contains($1, table_name) "
        "limit 1",
        [[spec.name for spec in personal]],
    ).fetchone():
        return True
    return any(
        f"raw.{spec.raw_name}" in there
        and con.execute(f"select 1 from raw.{spec.raw_name} limit 1").fetchone()
        for spec in personal
    )


def holds_persons(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the warehouse holds, or held, any record with a reference to a person."""
    return _held(con) is not None


def holds_simulated_persons(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the warehouse keeps to the published key, so that its records are of nobody."""
    return _held(con) == DEMO.fingerprint


def _other_key(settings: Settings, held: str, key: PersonKey) -> str:
    name = settings.privacy.key_variable
    if held == DEMO.fingerprint:
        return (
            f"the warehouse in {settings.home} holds simulated records; real ones may not be mixed "
            "with them: name another PLUMBLINE_HOME; nothing was loaded"
        )
    if key.is_demo:
        return (
            f"the warehouse in {settings.home} holds real records, and these are simulated: "
            "name another PLUMBLINE_HOME for them; nothing was loaded"
        )
    return (
        f"the key in {name} is not the one this warehouse was begun with (fingerprint "
        f"{key.fingerprint}, not {held}): the same person would get two hashes. Set the former "
        "key, or name another PLUMBLINE_HOME and load everything anew; nothing was loaded"
    )


def use_key(con: duckdb.DuckDBPyConnection, key: PersonKey) -> None:
    """Make :func:`pseudonym_sql` usable on a connection: its two pads, as variables of the session.

    Variables live in memory only, so the key is in no statement, log or file.
    """
    secret = key.secret if len(key.secret) <= _BLOCK else hashlib.sha256(key.secret).digest()
    padded = secret.ljust(_BLOCK, b"\0")
    con.execute("set variable plumbline_inner = $1::blob", [bytes(b ^ 0x36 for b in padded)])
    con.execute("set variable plumbline_outer = $1::blob", [bytes(b ^ 0x5C for b in padded)])


def pseudonym_sql(text: str) -> str:
    """SQL: the hash of a reference (SQL text), null where it is empty; needs :func:`use_key`."""
    inner = f"sha256(getvariable('plumbline_inner') || encode(trim({text})))"
    return (
        f"case when nullif(trim({text}), '') is not null "
        f"then sha256(getvariable('plumbline_outer') || unhex({inner})) end"
    )


#: Words of a value that cannot be a reference to a person: no digit in it, or hardly anything, or a
#: small number, or a date or time of day.
_HARMLESS = "|".join(
    (
        r"[^0-9\s]{1,20}",
        r"[^\s]{1,4}",
        r"-?[0-9]{1,4}(\.[0-9]{1,2})?",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
        r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}",
        r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?",
    )
)
VALUE_WITHHELD = "(withheld: it may be a reference to a person)"


def shown_sql(value: str) -> str:
    """SQL: an offending value (SQL text) of a row about a person as it may be kept.

    Where the fields of a row have moved, a reference stands in another column, in plain: what might
    be one is not kept, and the row's number says where to look.
    """
    words = lit(rf"^\s*({_HARMLESS})(\s+({_HARMLESS}))*\s*$")
    return (
        f"case when {value} is null or trim({value}) = '' or regexp_matches({value}, {words}) "
        f"then {value} else {lit(VALUE_WITHHELD)} end"
    )


def simulated_digests(landing: Path) -> frozenset[str]:
    """SHA-256 of every file that a manifest of the simulator in the landing vouches for."""
    found: set[str] = set()
    if landing.is_dir():
        for manifest in (landing / SIMULATION_MANIFEST, *landing.glob(f"*/{SIMULATION_MANIFEST}")):
            try:
                files = json.loads(manifest.read_text(encoding="utf-8")).get("files", {})
                found.update(str(digest) for digest in files.values())
            except (OSError, ValueError, AttributeError):
                continue
    return frozenset(found)
