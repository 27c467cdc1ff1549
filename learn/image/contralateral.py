"""Which labels a left-right flip turns into which: CONTRALATERAL_OF, seen from the columns of a label set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from kg.closures import Closures
from kg.errors import InputError, MatrixError, OntologyError
from kg.ontology import Ontology, SoftKind

_FORMAT = "lesionkg-laterality/1"


@dataclass(frozen=True, eq=False)
class Laterality:
    """What a mirror image does to C labels.

    Attributes:
        label_ids: C label ids in column order.
        partner: shape (C,) int, the column a label turns into; -1 for a label that has no partner among them.
        lateral: shape (C,) bool, labels of one side of the body: those with a partner anywhere in the ontology, and
            all their descendants. Lateral without a partner here: the mirror image has no label.
    """

    label_ids: tuple[str, ...]
    partner: np.ndarray
    lateral: np.ndarray

    def __post_init__(self) -> None:
        size = len(self.label_ids)
        if self.partner.shape != (size,) or self.lateral.shape != (size,):
            raise MatrixError(f"laterality: {self.partner.shape} partners do not fit {size} labels")
        paired = np.flatnonzero(self.partner >= 0)
        back = self.partner[self.partner[paired]] if (self.partner < size).all() else np.full(len(paired), -1)
        if (back != paired).any() or (self.partner[paired] == paired).any() or not self.lateral[paired].all():
            raise MatrixError("laterality: partners must be pairs of two lateral labels; read it from the graph again")

    @cached_property
    def mirrored(self) -> np.ndarray:
        """Shape (C,): the column whose value each column takes in the mirror image."""
        return np.where(self.partner >= 0, self.partner, np.arange(len(self.partner)))

    @property
    def known(self) -> bool:
        """Whether the graph says anything of sides; where it does not, no image may be flipped."""
        return bool(self.lateral.any())

    def can_flip(self, labels: np.ndarray) -> np.ndarray:
        """Lesions whose mirror image has labels, shape (N,) bool.

        Args:
            labels: N x C bool, all that is said of each lesion, ancestors included.
        """
        without = self.lateral & (self.partner < 0)
        return np.asarray(~labels[:, without].any(axis=1) & self.known)

    @classmethod
    def from_ontology(cls, ontology: Ontology, label_set: str) -> Laterality:
        """Read the sides of a label set's labels.

        Raises:
            OntologyError: a label has two partners, or is its own.
            UsageError: no such label set.
        """
        ontology.require_resolved()
        members = ontology.label_set(label_set).members
        closures = Closures(ontology)
        index = closures.index
        partners: dict[str, str] = {}
        for relation in ontology.soft_relations:
            if relation.kind is not SoftKind.CONTRALATERAL_OF:
                continue
            for one, other in ((relation.subject, relation.object), (relation.object, relation.subject)):
                if one == other or partners.setdefault(one, other) != other:
                    raise OntologyError(
                        f"label {ontology.by_id[one].name!r}: is CONTRALATERAL_OF itself, or of two labels; "
                        "drop one of these relations"
                    )
        sided = np.zeros(len(index), bool)
        sided[[index[i] for i in partners]] = True
        below = closures.ancestors[:, np.flatnonzero(sided)].sum(axis=1) > 0
        column = {label_id: place for place, label_id in enumerate(members)}
        return cls(
            members,
            np.array([column.get(partners.get(i, ""), -1) for i in members], np.int64),
            (sided | below)[[index[i] for i in members]],
        )

    @classmethod
    def unknown(cls, label_ids: tuple[str, ...]) -> Laterality:
        """What is known without any CONTRALATERAL_OF: nothing."""
        return cls(label_ids, np.full(len(label_ids), -1, np.int64), np.zeros(len(label_ids), bool))

    def save(self, path: Path | str) -> None:
        """Write a small JSON file."""
        content = {
            "format": _FORMAT,
            "label_ids": self.label_ids,
            "partner": self.partner.tolist(),
            "lateral": self.lateral.tolist(),
        }
        Path(path).write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, path: Path | str) -> Laterality:
        """Read a file written by :meth:`save`.

        Raises:
            InputError: no such file, or not one of ours.
            MatrixError: its partners are no pairs.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise InputError(f"{path}: format {content['format']!r}, expected {_FORMAT!r}; read the graph again")
            partner, lateral = np.array(content["partner"], np.int64), np.array(content["lateral"], bool)
            return cls(tuple(content["label_ids"]), partner, lateral)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a laterality file ({type(error).__name__}); read the graph again") from error
