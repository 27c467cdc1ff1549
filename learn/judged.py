"""Lesions that a run is judged on: what it says of them, and the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from kg.cohort import Cohort
from kg.errors import TrainingError
from learn.predict import Prediction, member_outputs
from learn.recipe import Recipe
from learn.run import Run


@dataclass(frozen=True, eq=False)
class Judged:
    """Predictions and truth of N lesions over C labels.

    Attributes:
        table: N rows with at least ``lesion``, ``patient``, ``sex``, ``age`` and ``long_mm``.
        score: N x C.
        probability: N x C, calibrated.
        embedding: N x D.
        members: S x N x C, scores of each member network alone.
        truth: N x C bool.
        used: N x C bool, False where a pair is ignored.
    """

    table: pa.Table
    score: np.ndarray
    probability: np.ndarray
    embedding: np.ndarray
    members: np.ndarray
    truth: np.ndarray
    used: np.ndarray

    @property
    def size(self) -> int:
        """N."""
        return len(self.score)

    @property
    def patients(self) -> np.ndarray:
        """Patient of each lesion, shape (N,)."""
        return np.array(self.table["patient"].to_pylist())

    @property
    def support(self) -> np.ndarray:
        """Positives of each label that count, shape (C,)."""
        return np.asarray((self.truth & self.used).sum(axis=0))

    @classmethod
    def of_split(cls, run: Run, cohort: Cohort, split: str) -> Judged:
        """The lesions of a split that have a relevant label, with what the run stored of them.

        Raises:
            TrainingError: it stored nothing of any of them.
        """
        part = cohort.subset(split)
        row_of = {lesion: i for i, lesion in enumerate(run.lesions)}
        part = part.filter(np.diff(part.relevant_matrix().indptr) > 0)
        part = part.filter(np.array([lesion in row_of for lesion in part.table["lesion"].to_pylist()], bool))
        if part.size == 0:
            raise TrainingError(f"run {run.run_id}: no prediction for any labelled {split} lesion; train again")
        rows = np.array([row_of[lesion] for lesion in part.table["lesion"].to_pylist()])
        said = Prediction(run.score[rows], run.probability[rows], run.embedding[rows])
        return cls.of(run, part.table, said, *truth_of(part))

    @classmethod
    def of(cls, run: Run, table: pa.Table, said: Prediction, truth: np.ndarray, used: np.ndarray) -> Judged:
        """Lesions with a given prediction; scores of member networks are computed where there are several."""
        members = said.score[None]
        if isinstance(run.recipe, Recipe) and len(run.seeds) > 1:
            features = run.feature_map.transform(table)
            members = member_outputs(run.weights, run.recipe, run.matrices.size, features)[0]
        return cls(table, said.score, said.probability, said.embedding, members, truth, used)


def truth_of(cohort: Cohort) -> tuple[np.ndarray, np.ndarray]:
    """Relevant labels, and which pairs count, both N x C bool."""
    relevant = cohort.relevant_matrix().toarray()
    return relevant, ~(cohort.uncertain_matrix().toarray() & ~relevant)
