"""What erasures of patients took out of a frozen cohort.

A cohort keeps its id when a patient is erased: runs, models and exports name it. What is left is frozen again under
new hashes, which the cohort names beside those that it had before, so that everybody can tell an erasure from damage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Erased:
    """What is gone from a cohort, and what the rest is.

    Attributes:
        lesions: how many were erased.
        content_hash: hash of what is left, see :func:`kg.cohort.content_hash`.
        label_data_hashes: label-data hashes that the cohort had before, the frozen one first.
    """

    lesions: int
    content_hash: str
    label_data_hashes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "lesions": self.lesions,
            "content_hash": self.content_hash,
            "label_data_hashes": list(self.label_data_hashes),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Erased:
        """The inverse of :meth:`as_dict`.

        Raises:
            KeyError: a value is missing.
            ValueError: the number of lesions is none.
        """
        return cls(int(value["lesions"]), str(value["content_hash"]), tuple(map(str, value["label_data_hashes"])))
