"""The simulator's own picture of a month: crimes and persons as arrays, in no system's words.

Only the shape belongs here; what is in it is drawn by ``crimes`` and ``persons``, and put into the
words of each recording system by ``systems``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

#: Moments are whole seconds, durations are minutes and days of the same kind.
SECOND = "datetime64[s]"
NEVER = np.datetime64("NaT", "s")


def minutes(count: np.ndarray | float) -> np.ndarray:
    """A duration of so many whole minutes."""
    return np.asarray(np.floor(count), np.int64) * np.timedelta64(60, "s")


@dataclass(frozen=True)
class Persons:
    """Persons of a batch, one per element; ``record`` is the position of the crime in the batch."""

    record: np.ndarray
    number: np.ndarray
    #: 0 victim, 1 suspect
    role: np.ndarray
    #: years at the offence; -1 unknown
    age: np.ndarray
    birth_year: np.ndarray
    #: 0 male, 1 female, 2 not recorded
    sex: np.ndarray
    #: position in ``persons.ETHNIC_GROUPS``
    ethnicity: np.ndarray
    #: number of the person in the population; -1 none given
    reference: np.ndarray

    def of(self, chosen: np.ndarray, count: int) -> Persons:
        """Persons of the crimes at ``chosen`` (positions), renumbered to their new places."""
        place = np.full(count, -1, np.int64)
        place[chosen] = np.arange(len(chosen))
        keep = np.flatnonzero(place[self.record] >= 0)
        keep = keep[np.argsort(place[self.record[keep]], kind="stable")]
        values = {name: getattr(self, name)[keep] for name in _NAMES}
        values["record"] = place[values["record"]]
        return Persons(**values)


_NAMES = tuple(Persons.__dataclass_fields__)


@dataclass(frozen=True)
class Batch:
    """Crimes as parallel arrays (``columns``), and their persons."""

    columns: dict[str, np.ndarray]
    persons: Persons

    def __len__(self) -> int:
        return len(self.columns["code"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def take(self, chosen: np.ndarray) -> Batch:
        """The crimes at ``chosen`` (positions or a mask), with their persons."""
        if chosen.dtype == bool:
            chosen = np.flatnonzero(chosen)
        columns = {name: values[chosen] for name, values in self.columns.items()}
        return Batch(columns, self.persons.of(chosen, len(self)))

    def changed(self, **columns: np.ndarray) -> Batch:
        """The same crimes with other values in some columns."""
        return replace(self, columns={**self.columns, **columns})

    @staticmethod
    def joined(parts: list[Batch]) -> Batch:
        """Several batches as one, in order."""
        offsets = np.cumsum([0, *(len(p) for p in parts)])
        columns = {
            name: np.concatenate([p.columns[name] for p in parts]) for name in parts[0].columns
        }
        values = {
            name: np.concatenate([getattr(p.persons, name) for p in parts]) for name in _NAMES
        }
        values["record"] = np.concatenate(
            [p.persons.record + offset for p, offset in zip(parts, offsets[:-1], strict=True)]
        )
        return Batch(columns, Persons(**values))
