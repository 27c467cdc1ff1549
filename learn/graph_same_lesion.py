"""Matched lesions in the graph: SAME_LESION_AS edges of one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kg.cohort import Cohort
from kg.errors import StoreError
from kg.store import GraphStore, Row, Transaction
from learn.follow_ups import phantom_instances
from learn.matching import (
    DIFFERENT,
    Matching,
    Thresholds,
    choose_thresholds,
    match_lesions,
    patient_pairs,
    thresholds_without_truth,
)
from learn.run import Run


@dataclass(frozen=True)
class MatchSummary:
    """What is in the graph for a model after its lesions were matched.

    Attributes:
        model: id of the run.
        changed: whether anything was written.
        lesions: that took part.
        patients: that have a matched lesion.
        groups: lesions seen more than once.
        edges: SAME_LESION_AS edges of this model.
        within, between: T1 and T2.
        chosen_by: how they were chosen.
    """

    model: str
    changed: bool
    lesions: int
    patients: int
    groups: int
    edges: int
    within: float
    between: float
    chosen_by: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def match_run(
    store: GraphStore,
    run: Run,
    cohort: Cohort,
    within: float = 0.0,
    between: float | None = None,
    follow_ups: Path | None = None,
) -> MatchSummary:
    """Match a run's stored lesions and write what was found.

    Args:
        store: the graph that the run is published in.
        run: what training left.
        cohort: the run's, for patients and studies.
        within: T1.
        between: T2; None to choose both thresholds.
        follow_ups: list of a phantom set, to choose them on its validation lesions; None to choose without.

    Raises:
        InputError: the list cannot be read.
        TrainingError: there is nothing to choose thresholds by.
        StoreError: the model is not published, or a lesion is not in the graph.
    """
    columns = (cohort.table[name].to_pylist() for name in ("lesion", "patient", "study"))
    of = {lesion: (patient, study) for lesion, patient, study in zip(*columns, strict=True)}
    patients, studies = ([of[lesion][part] for lesion in run.lesions] for part in (0, 1))
    if between is not None:
        thresholds, how = Thresholds(within, between), "given"
    elif follow_ups is not None:
        known = phantom_instances(follow_ups, run.lesions)
        pairs = patient_pairs(patients)
        pairs = pairs[(run.split[pairs] == "val").all(axis=1)]
        same = (known[pairs[:, 0]] == known[pairs[:, 1]]) & (known[pairs[:, 0]] >= 0)
        val = np.flatnonzero(run.split == "val")
        place = np.zeros(len(run.lesions), np.int64)
        place[val] = np.arange(len(val))
        of_val = ([studies[n] for n in val], [patients[n] for n in val])
        thresholds = choose_thresholds(run.embedding[val], *of_val, place[pairs], same)
        how = "best F1 on the known follow-ups of validation lesions"
    else:
        thresholds = thresholds_without_truth(run.embedding, studies, patients)
        how = f"{DIFFERENT:.0%} of the pairs of lesions of two patients are nearer"
    matching = match_lesions(run.embedding, studies, patients, thresholds)
    rows = same_lesion_rows(run.lesions, matching)
    changed = write_same_lesions(store, run.run_id, rows)
    matched = np.unique(matching.pairs)
    return MatchSummary(
        model=run.run_id,
        changed=changed,
        lesions=len(run.lesions),
        patients=len({patients[n] for n in matched}),
        groups=len(np.unique(matching.group[matched])),
        edges=len(rows),
        within=thresholds.within,
        between=thresholds.between,
        chosen_by=how,
    )


def same_lesion_rows(lesions: Sequence[str], matching: Matching) -> list[Row]:
    """One row a SAME_LESION_AS edge, from the smaller id to the larger."""
    rows = []
    for (a, b), distance in zip(matching.pairs.tolist(), matching.distance.tolist(), strict=True):
        one, other = sorted((lesions[a], lesions[b]))
        rows.append({"from": one, "to": other, "distance": round(distance, 6)})
    return sorted(rows, key=lambda row: (row["from"], row["to"]))


def write_same_lesions(store: GraphStore, model: str, rows: Sequence[Row]) -> bool:
    """Replace a model's SAME_LESION_AS edges in one transaction.

    Args:
        store: the graph that holds the lesions.
        model: id of the run; nothing of another model is touched.
        rows: of :func:`same_lesion_rows`.

    Returns:
        Whether anything changed.

    Raises:
        StoreError: the model is not published, or a lesion is not in the graph.
    """

    def replace(transaction: Transaction) -> bool:
        if not transaction.run("MATCH (m:Model {id: $id}) RETURN m.id AS id ORDER BY id", {"id": model}):
            raise StoreError(f"model {model}: not in the graph; run `lesionkg publish {model}` first")
        stored = transaction.run(_STORED, {"model": model})
        if stored == list(rows):
            return False
        wanted = sorted({row[end] for row in rows for end in ("from", "to")})
        found = {row["id"] for row in transaction.run(_LESIONS, {"ids": wanted})}
        missing = [lesion for lesion in wanted if lesion not in found]
        if missing:
            raise StoreError(
                f"{len(missing)} of {len(wanted)} matched lesions are not in the graph (first: {missing[0]}); "
                "load the lesions the run was trained on"
            )
        transaction.run(_DELETE, {"model": model})
        transaction.run_many(_CREATE, list(rows), {"model": model})
        return True

    return store.write_transaction(replace)


_STORED = """
MATCH (a:Lesion)-[r:SAME_LESION_AS {model: $model}]->(b:Lesion)
RETURN a.id AS from, b.id AS to, r.distance AS distance ORDER BY from, to
"""

_LESIONS = "MATCH (l:Lesion) WHERE l.id IN $ids RETURN l.id AS id ORDER BY id"

# Collected first: the embedded engine deletes while it still walks the pattern, and misses some.
_DELETE = """
MATCH (:Lesion)-[r:SAME_LESION_AS]->(:Lesion) WHERE r.model = $model
WITH collect(r) AS found FOREACH (r IN found | DELETE r)
"""

_CREATE = """
UNWIND $rows AS row
MATCH (a:Lesion {id: row.from}), (b:Lesion {id: row.to})
CREATE (a)-[:SAME_LESION_AS {model: $model, distance: row.distance}]->(b)
"""
