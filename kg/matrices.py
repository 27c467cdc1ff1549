"""Relation matrices of a label set: what training pulls out of the graph.

One immutable value with the label order, the closures, the minimal edges and the hashes that name them; one file holds
all of it, so that it can be used without the graph.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.sparse import csr_array

from kg import algebra
from kg.algebra import BoolMatrix
from kg.closures import Closures
from kg.errors import InputError, MatrixError, OntologyError
from kg.ontology import Ontology

_FORMAT = "lesionkg-relation-matrices/1"


@dataclass(frozen=True)
class RelationMatrices:
    """Relations of a label set with C labels.

    Attributes:
        label_set: name of the label set, e.g. ``lesanet-171``.
        label_ids: C opaque label ids in column order.
        names: C preferred names.
        classes: C label classes (``bodypart``, ``type``, ``attribute``).
        ancestors: C x C sparse bool, transitive closure: ``[c, p]`` when p is an ancestor of c.
        exclusive: C x C sparse bool, symmetric closure under inheritance.
        revision: change sequence of the graph it was read from; 0 when read from a file.
        ontology_hash: hash of the whole ontology it was computed from.
    """

    label_set: str
    label_ids: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    ancestors: BoolMatrix
    exclusive: BoolMatrix
    revision: int = 0
    ontology_hash: str = ""

    def __post_init__(self) -> None:
        size = len(self.label_ids)
        for name in ("ancestors", "exclusive"):
            if getattr(self, name).shape != (size, size):
                raise MatrixError(f"{name} matrix: shape {getattr(self, name).shape} does not fit {size} labels")
        if len(set(self.label_ids)) != size or len(self.names) != size or len(self.classes) != size:
            raise MatrixError(f"label set {self.label_set}: ids, names and classes must be {size} distinct entries")

    @property
    def size(self) -> int:
        """C, the number of labels."""
        return len(self.label_ids)

    @cached_property
    def parents(self) -> BoolMatrix:
        """C x C, transitive reduction of the hierarchy."""
        return algebra.reduction(self.ancestors)

    @cached_property
    def exclusive_minimal(self) -> BoolMatrix:
        """C x C symmetric, the fewest exclusive pairs with the same closure."""
        return algebra.minimal_exclusive(self.exclusive, self.ancestors)

    @cached_property
    def matrix_hash(self) -> str:
        """SHA-256 over the ordered label ids and both closures. Names, synonyms and provenance do not enter."""
        content = [
            list(self.label_ids),
            algebra.to_pairs(self.ancestors).tolist(),
            algebra.to_pairs(self.exclusive, symmetric=True).tolist(),
        ]
        return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()

    @cached_property
    def position(self) -> dict[str, int]:
        """Column of each label id."""
        return {label_id: i for i, label_id in enumerate(self.label_ids)}

    def require_consistent(self) -> None:
        """Check that the closures are what training relies on.

        Raises:
            MatrixError: not transitively closed, cyclic, exclusion not symmetric, reflexive or not inherited.
        """
        if self.ancestors.diagonal().any():
            raise MatrixError(self._at("is its own ancestor", self.ancestors.diagonal()))
        if self.exclusive.diagonal().any():
            raise MatrixError(self._at("is exclusive with itself", self.exclusive.diagonal()))
        if algebra.minus(algebra.closure(self.ancestors), self.ancestors).nnz:
            raise MatrixError("ancestor matrix: not transitively closed; export the matrices again")
        if algebra.minus(algebra.inherit_exclusive(self.exclusive, self.ancestors), self.exclusive).nnz:
            raise MatrixError(
                "exclusion matrix: not symmetric or not inherited by descendants; export the matrices again"
            )

    def _at(self, what: str, mask: np.ndarray) -> str:
        name = self.names[int(np.flatnonzero(mask)[0])]
        return f"label {name!r} {what}; `lesionkg ontology check` explains the chain of relations"

    def expand(self, labels: object) -> BoolMatrix:
        """``labels`` (N x C) with all ancestors added."""
        return algebra.expand(self._checked(labels), self.ancestors)

    def reliable_negatives(self, labels: object) -> BoolMatrix:
        """Labels exclusive with a positive one and not positive after expansion, N x C."""
        return algebra.reliable_negatives(self.expand(labels), self.exclusive)

    def contradictions(self, labels: object) -> np.ndarray:
        """Exclusive pairs both positive after expansion, shape (k, 3): lesion row, two label columns."""
        return algebra.contradictions(self.expand(labels), self.exclusive)

    def coherent(self, labels: object) -> np.ndarray:
        """Which of the N label sets, as given, break no relation; boolean, shape (N,)."""
        return algebra.coherent(self._checked(labels), self.ancestors, self.exclusive)

    def _checked(self, labels: object) -> BoolMatrix:
        matrix = algebra.as_bool(labels)
        if matrix.shape[1] != self.size:
            raise MatrixError(f"label data: {matrix.shape[1]} columns, but {self.label_set} has {self.size} labels")
        return matrix

    @classmethod
    def from_ontology(cls, ontology: Ontology, label_set: str, revision: int = 0) -> RelationMatrices:
        """Closures over the whole ontology, restricted to a label set.

        Raises:
            OntologyError: a reference does not resolve, or the hierarchy has a cycle.
            UsageError: no such label set.
        """
        ontology.require_resolved()
        members = ontology.label_set(label_set).members
        closures = Closures(ontology)
        for group in algebra.cycles(closures.parents):
            names = ", ".join(ontology.labels[i].name for i in group)
            raise OntologyError(f"ontology {ontology.name}: cyclic hierarchy ({names}); drop one of these relations")
        ancestors, exclusive = closures.ancestors, closures.exclusive
        columns = [closures.index[i] for i in members]
        return cls(
            label_set=label_set,
            label_ids=members,
            names=tuple(ontology.by_id[i].name for i in members),
            classes=tuple(ontology.by_id[i].label_class.value for i in members),
            ancestors=algebra.as_bool(ancestors[columns][:, columns]),
            exclusive=algebra.as_bool(exclusive[columns][:, columns]),
            revision=revision,
            ontology_hash=ontology.content_hash,
        )

    def save(self, path: Path | str) -> None:
        """Write everything to one safetensors file; equal content gives equal bytes."""
        target = Path(path)
        partial = target.with_name(target.name + ".partial")
        save_file(
            {
                "ancestors": algebra.to_pairs(self.ancestors),
                "parents": algebra.to_pairs(self.parents),
                "exclusive": algebra.to_pairs(self.exclusive, symmetric=True),
                "exclusive_minimal": algebra.to_pairs(self.exclusive_minimal, symmetric=True),
            },
            partial,
            metadata={
                "lesionkg": json.dumps(
                    {
                        "format": _FORMAT,
                        "label_set": self.label_set,
                        "label_ids": self.label_ids,
                        "names": self.names,
                        "classes": self.classes,
                        "revision": self.revision,
                        "ontology_hash": self.ontology_hash,
                        "matrix_hash": self.matrix_hash,
                    },
                    ensure_ascii=False,
                    sort_keys=True,
                )
            },
        )
        partial.replace(target)

    @classmethod
    def load(cls, path: Path | str) -> RelationMatrices:
        """Read a file written by :meth:`save`.

        Raises:
            InputError: no such file, not one of ours, or its content does not match its hash.
        """
        try:
            with safe_open(str(path), framework="numpy") as file:
                meta = json.loads((file.metadata() or {})["lesionkg"])
                pairs = {key: file.get_tensor(key) for key in ("ancestors", "exclusive")}
            if meta["format"] != _FORMAT:
                raise InputError(f"{path}: format {meta['format']!r}, expected {_FORMAT!r}; export the matrices again")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise InputError(
                f"{path}: not a relation matrices file ({type(error).__name__}); export it again"
            ) from error
        size = len(meta["label_ids"])
        out = cls(
            label_set=meta["label_set"],
            label_ids=tuple(meta["label_ids"]),
            names=tuple(meta["names"]),
            classes=tuple(meta["classes"]),
            ancestors=algebra.from_pairs(pairs["ancestors"], size),
            exclusive=algebra.from_pairs(pairs["exclusive"], size, symmetric=True),
            revision=int(meta["revision"]),
            ontology_hash=meta["ontology_hash"],
        )
        if out.matrix_hash != meta["matrix_hash"]:
            raise InputError(f"{path}: content does not match its matrix hash; the file was altered, export it again")
        return out


def multi_hot(rows: Sequence[Sequence[int]], size: int) -> BoolMatrix:
    """N x C boolean matrix from N lists of label columns; duplicates in a list are allowed."""
    lengths = np.fromiter((len(r) for r in rows), np.int64, len(rows))
    columns = np.concatenate([np.asarray(r, np.int64) for r in rows]) if lengths.sum() else np.zeros(0, np.int64)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return algebra.as_bool(csr_array((np.ones(len(columns), bool), columns, indptr), shape=(len(rows), size)))
