"""Models under a change: whose relations fall behind, and which stored predictions break a relation afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from kg import algebra
from kg.algebra import BoolMatrix
from kg.closures import Closures
from kg.matrices import RelationMatrices
from kg.ontology import Ontology
from kg.store import GraphStore, Transaction


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A published model and the labels it decided to be positive (PREDICTED).

    Attributes:
        id: of the model.
        label_set: the labels that it predicts.
        matrix_hash: of the relations that it was trained with.
        label_ids: ids of the columns of ``positive``.
        lesions: shape (N,), ids of the lesions that it predicts something for.
        positive: sparse bool, N x columns.
    """

    id: str
    label_set: str
    matrix_hash: str
    label_ids: tuple[str, ...]
    lesions: np.ndarray
    positive: BoolMatrix


@dataclass(frozen=True)
class ModelImpact:
    """What a change does to a model.

    Attributes:
        model: its id.
        label_set: the labels that it predicts.
        current_before: it was trained with the relations from before the change.
        current_after: the same for those after it.
        predictions: its PREDICTED relationships.
        broken_before: those that break a relation before the change: the other label is exclusive, or an ancestor in
            the label set is not predicted.
        broken_after: the same after it.
        becomes_incoherent: ids of lesions whose predicted labels break a relation only after the change.
        becomes_coherent: the same, only before it.
    """

    model: str
    label_set: str
    current_before: bool
    current_after: bool
    predictions: int
    broken_before: int
    broken_after: int
    becomes_incoherent: tuple[str, ...]
    becomes_coherent: tuple[str, ...]

    @property
    def falls_behind(self) -> bool:
        """Whether the change makes it one that was trained on other relations."""
        return self.current_before and not self.current_after

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {
            "falls_behind": self.falls_behind,
            "becomes_incoherent": list(self.becomes_incoherent),
            "becomes_coherent": list(self.becomes_coherent),
        }


def read_models(store: GraphStore) -> tuple[StoredModel, ...]:
    """All published models with their predictions, by id."""
    return store.read_transaction(_models)


def model_impacts(before: Ontology, after: Ontology, models: Iterable[StoredModel]) -> tuple[ModelImpact, ...]:
    """What a change does to each model.

    Raises:
        OntologyError: a reference does not resolve, or a hierarchy has a cycle.
    """
    found = list(models)
    hashes = {name: (_matrix_hash(before, name), _matrix_hash(after, name)) for name in {m.label_set for m in found}}
    closures = Closures(before), Closures(after)
    return tuple(_impact(model, closures, *hashes[model.label_set]) for model in found)


def broken(positive: BoolMatrix, ancestors: object, exclusive: object) -> BoolMatrix:
    """Predicted labels, N x C, that lack an ancestor or stand beside an exclusive one."""
    missing = algebra.minus(algebra.product(positive, ancestors), positive)
    lacking = algebra.product(missing, algebra.as_bool(ancestors).T)
    return algebra.as_bool(algebra.union(lacking, algebra.product(positive, exclusive)).multiply(positive))


def _impact(model: StoredModel, closures: tuple[Closures, Closures], hash_before: str, hash_after: str) -> ModelImpact:
    # A model can only be held to the labels that it predicts: those of its label set as it was.
    sets = {s.name: s.members for s in closures[0].ontology.label_sets}
    columns = sorted({*sets.get(model.label_set, ()), *model.label_ids})
    place = {label_id: i for i, label_id in enumerate(columns)}
    coo = model.positive.tocoo()
    moved = np.array([place[i] for i in model.label_ids], np.int64)[coo.col]
    shape = (len(model.lesions), len(columns))
    positive = algebra.as_bool(csr_array((np.ones(coo.nnz, bool), (coo.row, moved)), shape=shape))
    wrong = [broken(positive, _within(c, c.ancestors, columns), _within(c, c.exclusive, columns)) for c in closures]
    rows = [np.diff(each.indptr) > 0 for each in wrong]
    return ModelImpact(
        model=model.id,
        label_set=model.label_set,
        current_before=model.matrix_hash == hash_before,
        current_after=model.matrix_hash == hash_after,
        predictions=int(positive.nnz),
        broken_before=int(wrong[0].nnz),
        broken_after=int(wrong[1].nnz),
        becomes_incoherent=tuple(model.lesions[rows[1] & ~rows[0]].tolist()),
        becomes_coherent=tuple(model.lesions[rows[0] & ~rows[1]].tolist()),
    )


def _within(closures: Closures, matrix: BoolMatrix, columns: Sequence[str]) -> BoolMatrix:
    """The part of a closure between some labels; nothing for labels that the ontology lacks."""
    here = [(i, closures.index[label_id]) for i, label_id in enumerate(columns) if label_id in closures.index]
    at = np.array([k for _, k in here], np.int64)
    to = np.array([i for i, _ in here], np.int64)
    part = matrix[at][:, at].tocoo()
    shape = (len(columns), len(columns))
    return algebra.as_bool(csr_array((np.ones(part.nnz, bool), (to[part.row], to[part.col])), shape=shape))


def _matrix_hash(ontology: Ontology, label_set: str) -> str:
    if label_set not in {s.name for s in ontology.label_sets}:
        return ""
    return RelationMatrices.from_ontology(ontology, label_set).matrix_hash


def _models(tx: Transaction) -> tuple[StoredModel, ...]:
    models = tx.run("MATCH (m:Model) RETURN m.id AS id, m.label_set AS label_set, m.matrix_hash AS hash ORDER BY id")
    return tuple(_model(tx, row["id"], row["label_set"], row["hash"]) for row in models)


def _model(tx: Transaction, model: str, label_set: str, matrix_hash: str) -> StoredModel:
    rows = tx.run(
        "MATCH (l:Lesion)-[:PREDICTED {model: $model}]->(k:Label) "
        "RETURN k.id AS label, collect(l.id) AS lesions ORDER BY label",
        {"model": model},
    )
    named = np.array([lesion for row in rows for lesion in row["lesions"]], str)
    lesions, row_of = np.unique(named, return_inverse=True)
    columns = np.repeat(np.arange(len(rows)), [len(row["lesions"]) for row in rows])
    cells = (np.ones(len(named), bool), (row_of, columns))
    return StoredModel(
        id=model,
        label_set=label_set,
        matrix_hash=matrix_hash,
        label_ids=tuple(row["label"] for row in rows),
        lesions=lesions,
        positive=algebra.as_bool(csr_array(cells, shape=(len(lesions), len(rows)))),
    )
