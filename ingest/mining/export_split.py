"""Which lesions of an export are for training, validation and testing."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kg.cohort import SPLITS
from kg.errors import InputError

_VAL_FROM, _TEST_FROM = 80, 90
"""Percent of the patients at which the validation and the test split begin."""


@dataclass(frozen=True)
class Split:
    """Which lesions are in which split.

    Attributes:
        given: split by patient id or lesion id; empty for a split by a hash of the patient's id, which needs no file,
            puts all lesions of a patient together, and leaves a patient where it was when others are added
            (80 % train, 10 % val, 10 % test). A lesion without a patient counts as a patient of its own.
        key: ``patient`` or ``lesion``.
        name: what errors call it.
    """

    given: Mapping[str, str] | None = None
    key: str = "patient"
    name: str = ""

    @classmethod
    def read(cls, path: Path) -> Split:
        """Read a CSV file with the columns ``patient`` or ``lesion`` (ids of the graph) and ``split``.

        Raises:
            InputError: not readable, a column is missing, an unknown split, or an id in two of them.
        """
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                reader = csv.DictReader(stream)
                names = reader.fieldnames or ()
                key = next((name for name in ("patient", "lesion") if name in names), "")
                if not key or "split" not in names:
                    raise InputError(f"{path}: columns patient (or lesion) and split are missing; add them")
                rows = [(row[key], row["split"]) for row in reader]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path}: cannot be read as CSV ({type(error).__name__}); give another file") from error
        given: dict[str, str] = {}
        for number, (who, split) in enumerate(rows, 2):
            if split not in SPLITS:
                raise InputError(f"{path}, line {number}: split is not one of {', '.join(SPLITS)}; correct it")
            if given.setdefault(who, split) != split:
                raise InputError(f"{path}, line {number}: the {key} is in another split already; keep one of them")
        return cls(given, key, str(path))

    def of(self, lesion: str, patient: str) -> str:
        """The split of a lesion.

        Args:
            lesion: its id in the graph.
            patient: id of its patient, "" when unknown.

        Raises:
            InputError: the file does not name it.
        """
        if self.given is None:
            digest = hashlib.sha256((patient or lesion).encode()).digest()
            percent = int.from_bytes(digest[:8], "big") % 100
            return "train" if percent < _VAL_FROM else "val" if percent < _TEST_FROM else "test"
        found = self.given.get(lesion if self.key == "lesion" else patient)
        if found is None:
            raise InputError(f"{self.name}: has no split for lesion {lesion}; add its {self.key}")
        return found
