"""Label data that a change of the ontology is measured on: what is said of lesions, before anything is inferred.

Columns are label ids of any ontology, not those of a label set, so that one set of data can be read with two
ontologies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from kg import algebra
from kg.algebra import BoolMatrix
from kg.closures import Closures
from kg.cohort import SPLITS, Cohort
from kg.errors import CohortError
from kg.graph_cohort import OFFICIAL, list_cohorts
from kg.ontology import Ontology
from kg.store import GraphStore, Row, Transaction

NO_SPLIT = "none"
"""Stands for the split of a lesion that has none."""


@dataclass(frozen=True, eq=False)
class LabelData:
    """What is said of N lesions, over the labels of ``label_ids``.

    Attributes:
        name: what it is, for people.
        label_ids: ids of the columns.
        lesions: shape (N,), ids.
        splits: shape (N,): ``train``, ``val``, ``test`` or :data:`NO_SPLIT`.
        relevant: sparse bool, a row for each lesion.
        uncertain: the same; a label may be relevant too.
    """

    name: str
    label_ids: tuple[str, ...]
    lesions: np.ndarray
    splits: np.ndarray
    relevant: BoolMatrix
    uncertain: BoolMatrix

    @classmethod
    def of_cohort(
        cls, cohort: Cohort, relevant: BoolMatrix | None = None, uncertain: BoolMatrix | None = None
    ) -> LabelData:
        """Lesions and split of a cohort.

        Args:
            cohort: its own label lists count unless others are given.
            relevant: N x C for the cohort's lesions and label columns.
            uncertain: the same.
        """
        return cls(
            name=f"cohort {cohort.id}",
            label_ids=cohort.label_ids,
            lesions=np.array(cohort.table["lesion"].to_pylist(), str),
            splits=np.array(cohort.table["split"].to_pylist(), str),
            relevant=cohort.relevant_matrix() if relevant is None else algebra.as_bool(relevant),
            uncertain=cohort.uncertain_matrix() if uncertain is None else algebra.as_bool(uncertain),
        )

    @property
    def size(self) -> int:
        """N, the number of lesions."""
        return len(self.lesions)

    @cached_property
    def positive(self) -> BoolMatrix:
        """What counts as positive: relevant or uncertain in train, relevant elsewhere (LesaNet, section 4.1)."""
        train = csr_array((self.splits == "train")[:, None])
        return algebra.union(self.relevant, self.uncertain.multiply(train))

    def implied(self, labels: BoolMatrix, ontology: Ontology, columns: Sequence[str]) -> BoolMatrix:
        """Labels with all that they imply, in other columns.

        A label outside the columns counts there for what it implies, as the graph has it.

        Args:
            labels: sparse bool with this data's columns, such as :attr:`positive`.
            ontology: whose relations imply; what it lacks of the data's labels implies nothing.
            columns: ids of labels of the ontology.
        """
        closures = Closures(ontology)
        down = algebra.union(closures.ancestors, algebra.identity(len(closures.index)))
        known = [(c, closures.index[i]) for c, i in enumerate(self.label_ids) if i in closures.index]
        given, rows = np.array(known, np.int64).reshape(-1, 2).T
        return algebra.product(labels[:, given], down[rows][:, [closures.index[i] for i in columns]])

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits that occur, in their usual order."""
        present = set(np.unique(self.splits).tolist())
        return tuple(name for name in (*SPLITS, NO_SPLIT) if name in present)


def read_label_data(store: GraphStore, cohort: str) -> LabelData:
    """The labels that the graph says of lesions now, those of all sources together; nothing inferred.

    Args:
        store: the graph.
        cohort: id or name of a cohort whose lesions and split are taken; ``official`` for all lesions with a label,
            under the split of the data set itself.

    Raises:
        CohortError: no such cohort, or no lesion to count.
    """
    chosen, name = "", "all labelled lesions"
    if cohort != OFFICIAL:
        chosen = _cohort_id(store, cohort)
        name = f"labels now of the lesions of cohort {chosen}"
    splits, has, may = store.read_transaction(
        lambda tx: (_splits(tx, chosen), _labels(tx, "HAS_LABEL"), _labels(tx, "MAY_HAVE_LABEL"))
    )
    if not chosen:
        labelled = {lesion for rows in (has, may) for row in rows for lesion in row["lesions"]}
        splits = {lesion: split for lesion, split in splits.items() if lesion in labelled}
    if not splits:
        raise CohortError("graph: holds no lesion with a label to count; `lesionkg ingest deeplesion` loads some")
    lesions = sorted(splits)
    columns = sorted({row["label"] for row in (*has, *may)})
    return LabelData(
        name=name,
        label_ids=tuple(columns),
        lesions=np.array(lesions, str),
        splits=np.array([splits[lesion] for lesion in lesions], str),
        relevant=_matrix(has, lesions, columns),
        uncertain=_matrix(may, lesions, columns),
    )


def _cohort_id(store: GraphStore, key: str) -> str:
    entries = list_cohorts(store)
    for found in (*(e for e in entries if e.id == key), *(e for e in entries if e.name == key)):
        return found.id
    known = ", ".join(e.id for e in entries) or "none"
    raise CohortError(f"cohort {key!r}: not in this graph; give {OFFICIAL!r} or one of: {known}")


def _splits(tx: Transaction, cohort: str) -> dict[str, str]:
    """Split by lesion id; of all lesions of the graph when no cohort is given."""
    if cohort:
        match, split = "MATCH (l:Lesion)-[r:IN_COHORT]->(:Cohort {id: $id})", "r.split"
    else:
        match, split = "MATCH (l:Lesion)", "l.split"
    rows = tx.run(f"{match} RETURN l.id AS lesion, {split} AS split ORDER BY lesion", {"id": cohort})
    return {row["lesion"]: row["split"] or NO_SPLIT for row in rows}


def _labels(tx: Transaction, kind: str) -> list[Row]:
    return tx.run(
        f"MATCH (l:Lesion)-[:{kind}]->(k:Label) RETURN k.id AS label, collect(DISTINCT l.id) AS lesions ORDER BY label"
    )


def _matrix(rows: Sequence[Row], lesions: Sequence[str], columns: Sequence[str]) -> BoolMatrix:
    place = {lesion: i for i, lesion in enumerate(lesions)}
    column = {label: i for i, label in enumerate(columns)}
    cells = [(place[lesion], column[row["label"]]) for row in rows for lesion in row["lesions"] if lesion in place]
    at = np.array(cells, np.int64).reshape(-1, 2)
    ones = np.ones(len(at), bool)
    return algebra.as_bool(csr_array((ones, (at[:, 0], at[:, 1])), shape=(len(lesions), len(columns))))
