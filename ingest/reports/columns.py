"""Which columns, keys or attributes of a source hold what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kg.errors import UsageError

DEFAULT_NAMES = {
    "id": ("id", "report_id"),
    "text": ("text", "report"),
    "patient": ("patient", "patient_id"),
    "study": ("study", "study_id", "accession", "accession_number", "study_instance_uid"),
    "date": ("date", "study_date"),
}
"""The names looked for, in this order and without regard to case, where none is given."""

_NEEDED = ("id", "text")


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of a table, or of the keys of JSON objects.

    "" and () stand for the default names (:data:`DEFAULT_NAMES`). Id and text must exist, and so must whatever is named
    here; patient, study and date may be missing otherwise.

    Attributes:
        id: the report's id.
        text: the text; several are joined, each under its name as a section header ("findings", "impression").
        patient: the patient's id.
        study: the study's id.
        date: the date of the study.
    """

    id: str = ""
    text: tuple[str, ...] = ()
    patient: str = ""
    study: str = ""
    date: str = ""

    def found_in(self, names: Iterable[str], source: str) -> Columns:
        """The same with the default names replaced by those that exist; "" where an optional one does not.

        Args:
            names: the names that exist.
            source: what to call the source in an error.

        Raises:
            UsageError: a column that is needed or asked for does not exist.
        """
        existing = list(names)
        by_fold = {name.strip().casefold(): name for name in reversed(existing)}
        listed = ", ".join(repr(name) for name in existing[:30])

        def one(role: str, asked: str) -> str:
            if asked:
                if asked in existing:
                    return asked
                raise UsageError(f"{source}: has no column {asked!r}; it has {listed}")
            for name in DEFAULT_NAMES[role]:
                if name in by_fold:
                    return by_fold[name]
            if role in _NEEDED:
                raise UsageError(f"{source}: no column for the {role} of a report; name one of {listed}")
            return ""

        texts = tuple(one("text", name) for name in self.text) or (one("text", ""),)
        others = {role: one(role, getattr(self, role)) for role in ("id", "patient", "study", "date")}
        return replace(self, text=texts, **others)
