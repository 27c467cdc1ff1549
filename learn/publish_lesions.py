"""Predictions of a published model for further lesions: PREDICTED and SCORED edges beside those of its test lesions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kg.errors import StoreError
from kg.store import GraphStore, Transaction
from learn.decode import Decoded
from learn.predict import Prediction
from learn.publish import predicted_rows, scored_rows, write_predictions
from learn.run import Run


@dataclass(frozen=True)
class LesionsPublished:
    """What was written.

    Attributes:
        lesions: whose predictions are in the graph now.
        absent: ids of lesions that the graph does not hold.
        predicted, scored: edges.
    """

    lesions: int
    absent: tuple[str, ...]
    predicted: int
    scored: int


def publish_lesions(
    store: GraphStore, run: Run, lesions: Sequence[str], found: Prediction, decoded: Decoded
) -> LesionsPublished:
    """Write the predictions for N lesions; those of the same model that were there for them are replaced.

    Args:
        store: holds the model (see :func:`learn.publish.publish`) and the lesions.
        run: the model.
        lesions: N ids.
        found: scores and probabilities of the N lesions.
        decoded: their decided label sets.

    Raises:
        StoreError: the model was not published, or the graph lacks its labels; nothing was written.
    """

    def work(tx: Transaction) -> LesionsPublished:
        if not tx.run("MATCH (m:Model {id: $id}) RETURN m.id AS id ORDER BY id", {"id": run.run_id}):
            raise StoreError(f"model {run.run_id}: not in the graph; publish it first with `lesionkg publish`")
        rows = tx.run(
            "UNWIND $ids AS id MATCH (l:Lesion {id: id}) RETURN l.id AS id ORDER BY id", {"ids": list(lesions)}
        )
        known = {row["id"] for row in rows}
        keep = np.array([lesion in known for lesion in lesions], bool)
        part = replace(
            run,
            lesions=tuple(lesion for lesion in lesions if lesion in known),
            score=found.score[keep],
            probability=found.probability[keep],
        )
        chosen = Decoded(decoded.positive[keep], decoded.expanded_from[keep])
        every = np.arange(len(part.lesions))
        predicted, scored = predicted_rows(part, every, chosen), scored_rows(part, every, chosen)
        write_predictions(tx, run, part.lesions, predicted, scored)
        absent = tuple(lesion for lesion in lesions if lesion not in known)
        return LesionsPublished(len(part.lesions), absent, len(predicted), len(scored))

    return store.write_transaction(work)
