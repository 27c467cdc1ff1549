"""Labelled lesions as the queues count them: which labels each has, alone and together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.stats import hypergeom

from kg import algebra
from kg.algebra import BoolMatrix
from kg.closures import Closures
from kg.curation.label_data import LabelData
from kg.curation.queues import Counts
from kg.errors import UsageError
from kg.ontology import Ontology

EXAMPLES = 5
"""Lesions named with an item, each of another patient."""


@dataclass(frozen=True, eq=False)
class LabelledLesions:
    """N lesions, and which of all C labels of an ontology they have.

    Attributes:
        ontology: the ontology; every reference resolves.
        ids: N lesion ids.
        said: N x C boolean in the order of the label ids, labels as said of the lesion.
        patients: shape (N,), the number of its patient; lesions of one patient are often said in one sentence.
    """

    ontology: Ontology
    ids: tuple[str, ...]
    said: BoolMatrix
    patients: np.ndarray

    @classmethod
    def of_data(
        cls, ontology: Ontology, data: LabelData, patients: Mapping[str, str], split: str = ""
    ) -> LabelledLesions:
        """What counts as positive in label data; labels that the ontology does not have are left out.

        Args:
            ontology: the labels.
            data: labels of lesions over columns of its own.
            patients: patient by lesion; a lesion without one counts as a patient of its own.
            split: only the lesions of this split.

        Raises:
            UsageError: the data has no such split.
        """
        if split and split not in data.split_names:
            raise UsageError(f"split {split!r}: no lesion has it; use one of {', '.join(data.split_names)}")
        index = {label.id: column for column, label in enumerate(ontology.labels)}
        rows = np.flatnonzero(data.splits == split) if split else np.arange(data.size)
        cells = coo_array(data.positive[rows])
        column = np.array([index.get(label_id, -1) for label_id in data.label_ids], np.int64)[cells.col]
        kept = column >= 0
        said = coo_array((np.ones(kept.sum(), bool), (cells.row[kept], column[kept])), shape=(len(rows), len(index)))
        ids = tuple(data.lesions[rows].tolist())
        number = np.unique([patients.get(lesion, lesion) for lesion in ids], return_inverse=True)[1]
        return cls(ontology, ids, algebra.as_bool(said), number)

    @cached_property
    def closures(self) -> Closures:
        """The computed relations of all labels."""
        return Closures(self.ontology)

    @cached_property
    def has(self) -> BoolMatrix:
        """N x C, labels after expansion."""
        return algebra.expand(self.said, self.closures.ancestors)

    @cached_property
    def together(self) -> np.ndarray:
        """C x C, lesions with both labels; on the diagonal lesions with the label."""
        cells = self.has.astype(np.int32)
        return np.asarray((cells.T @ cells).toarray())

    def with_all(self, *labels: int) -> np.ndarray:
        """Rows of the lesions that have all these labels (columns), sorted."""
        found = np.asarray(self._by_label[labels[0]])
        for label in labels[1:]:
            found = np.intersect1d(found, self._by_label[label], assume_unique=True)
        return found

    def examples(self, *labels: int) -> tuple[str, ...]:
        """Ids of a few lesions that have all these labels (columns), of different patients."""
        return self.named(self.with_all(*labels))

    def named(self, rows: np.ndarray) -> tuple[str, ...]:
        """Ids of the first of these lesions (rows, sorted), one a patient."""
        first = np.sort(np.unique(self.patients[rows], return_index=True)[1])[:EXAMPLES]
        return tuple(self.ids[row] for row in rows[first])

    def patients_with(self, *labels: int) -> int:
        """Number of patients with a lesion that has all these labels (columns)."""
        return len(np.unique(self.patients[self.with_all(*labels)]))

    def counts(self, first: np.ndarray, second: np.ndarray) -> list[Counts]:
        """What the lesions say about pairs of labels (columns), each of shape (k,)."""
        lesions, alone = len(self.ids), self.together.diagonal().astype(np.int64)
        both, a, b = self.together[first, second].astype(np.int64), alone[first], alone[second]
        expected = a * b / max(lesions, 1)
        fewer, more = hypergeom.cdf(both, lesions, a, b), hypergeom.sf(both - 1, lesions, a, b)
        probability = np.where(both > expected, more, fewer)
        patients = [self.patients_with(x, y) for x, y in zip(first, second, strict=True)]
        rarer = [self.patients_with(x) for x in np.where(a <= b, first, second)]
        columns = (a, b, both, np.round(expected, 2), probability, patients, rarer)
        return [
            Counts(lesions, int(x), int(y), int(n), float(e), float(p), len(a), some, all_)
            for x, y, n, e, p, some, all_ in zip(*columns, strict=True)
        ]

    @cached_property
    def _by_label(self) -> list[np.ndarray]:
        columns = self.has.tocsc()
        columns.sort_indices()
        return list(np.split(columns.indices, columns.indptr[1:-1]))
