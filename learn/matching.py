"""Which lesions of a patient are one lesion seen in several studies: intra-patient matching by pruning a graph.

Algorithm 1 of the talk on the deep lesion graph (2018): merge, threshold, exclusion, extraction. It leaves points open;
here they are decided like this:

* Merging inside a study is transitive, and merged lesions are as near to another one as the nearest of them.
* Edges inside a study that merging leaves are removed: they are between different lesions.
* Exclusion looks at all edges at once, ``k`` is never ``j``, and of two equally near lesions the one with the smaller
  row stays. An edge survives when each end is the other's nearest in that study.
* A chain over three or more studies can still join two lesions of one study. Edges are therefore taken by rising
  distance, and one that would put two lesions of a study into a group is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from kg.errors import TrainingError, UsageError

DIFFERENT = 0.03
"""Share of pairs of different lesions that :func:`thresholds_without_truth` lets pass as one."""


@dataclass(frozen=True)
class Thresholds:
    """Distances at which lesions count as one.

    Attributes:
        within: T1; lesions of one study that are nearer are marks of one lesion.
        between: T2; lesions of two studies that are farther apart are different ones.
    """

    within: float
    between: float

    def __post_init__(self) -> None:
        if not (self.within >= 0 and self.between >= 0):
            raise UsageError(f"matching: thresholds {self.within:g} and {self.between:g} must be 0 or more")


@dataclass(frozen=True, eq=False)
class Matching:
    """What is held to be one lesion among N lesions.

    Attributes:
        group: shape (N,), 0, 1, 2, ... in order of the first lesion of each group; every lesion is in one.
        merged: shape (N,), the same for marks of one lesion in one study (step 2).
        pairs: E x 2 rows of lesions in two studies, the smaller first; for merged lesions the nearest two.
        distance: shape (E,).
    """

    group: np.ndarray
    merged: np.ndarray
    pairs: np.ndarray
    distance: np.ndarray


def match_lesions(
    embedding: np.ndarray, studies: Sequence[str], patients: Sequence[str], thresholds: Thresholds
) -> Matching:
    """Match the lesions of every patient.

    Args:
        embedding: N x D; distances are Euclidean.
        studies: study of each lesion, shape (N,).
        patients: patient of each lesion, shape (N,).
        thresholds: T1 and T2.

    Raises:
        UsageError: the lengths differ, or an embedding is no number.
    """
    points = np.asarray(embedding, np.float64)
    if not (len(points) == len(studies) == len(patients)):
        raise UsageError(f"matching: {len(points)} embeddings, {len(studies)} studies, {len(patients)} patients")
    if not np.isfinite(points).all():
        raise UsageError("matching: an embedding holds a value that is no number; train again")
    _, study = np.unique(np.asarray(studies), return_inverse=True)
    group, merged = np.zeros(len(points), np.int64), np.zeros(len(points), np.int64)
    pairs, distances = [np.zeros((0, 2), np.int64)], [np.zeros(0)]
    groups = nodes = 0
    for rows in _rows_of(patients):
        found = match_patient(cdist(points[rows], points[rows]), study[rows], thresholds)
        group[rows], merged[rows] = found.group + groups, found.merged + nodes
        groups, nodes = groups + int(found.group.max()) + 1, nodes + int(found.merged.max()) + 1
        pairs.append(rows[found.pairs])
        distances.append(found.distance)
    pair = np.concatenate(pairs)
    order = np.lexsort((pair[:, 1], pair[:, 0]))
    return Matching(_renumbered(group), _renumbered(merged), pair[order], np.concatenate(distances)[order])


def match_patient(distance: np.ndarray, studies: np.ndarray, thresholds: Thresholds) -> Matching:
    """Match the lesions of one patient.

    Args:
        distance: N x N, symmetric.
        studies: study number of each lesion, shape (N,).
        thresholds: T1 and T2.
    """
    same_study = studies[:, None] == studies[None]
    near = same_study & (distance < thresholds.within) & ~np.eye(len(distance), dtype=bool)
    nodes, merged = connected_components(csr_array(near), directed=False)
    merged = _renumbered(merged)
    between = np.full((nodes, nodes), np.inf)
    np.minimum.at(between, (merged[:, None], merged[None]), distance)
    first = np.unique(merged, return_index=True)[1]
    study = studies[first]

    cost = np.where((between <= thresholds.between) & (study[:, None] != study[None]), between, np.inf)
    nearest = np.zeros(cost.shape, bool)
    for one in np.unique(study):
        columns = np.flatnonzero(study == one)
        best = columns[np.argmin(cost[:, columns], axis=1)]  # the first of equals
        nearest[np.arange(nodes), best] = np.isfinite(cost[np.arange(nodes), best])
    left, right = np.nonzero(np.triu(nearest & nearest.T))
    by_distance = np.lexsort((right, left, cost[left, right]))

    component = np.arange(nodes)
    kept = []
    for a, b in zip(left[by_distance], right[by_distance], strict=True):
        one, other = component == component[a], component == component[b]
        if component[a] != component[b]:
            if np.isin(study[one], study[other]).any():
                continue
            component[other] = component[a]
        kept.append((a, b))
    pairs = np.array([_nearest_two(distance, merged, a, b) for a, b in kept], np.int64).reshape(-1, 2)
    return Matching(_renumbered(component[merged]), merged, pairs, distance[pairs[:, 0], pairs[:, 1]])


@dataclass(frozen=True)
class PairDecisions:
    """Pairs of lesions of one patient, judged by whether both are put into one group.

    Attributes:
        hits: pairs of one lesion in one group.
        false_alarms: pairs of different lesions in one group.
        misses: pairs of one lesion in two groups.
        rest: pairs of different lesions in two groups.
    """

    hits: int
    false_alarms: int
    misses: int
    rest: int

    @property
    def precision(self) -> float:
        """Share of the pairs put together that belong together; NaN when none was."""
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        """Share of the pairs that belong together that were put together; NaN when there is none."""
        return _share(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> float:
        """2 hits / (2 hits + false alarms + misses); NaN when there is nothing to judge."""
        return _share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)


def judge(pairs: np.ndarray, same: np.ndarray, group: np.ndarray) -> PairDecisions:
    """Compare groups with what is known of some pairs.

    Args:
        pairs: M x 2 rows.
        same: shape (M,), whether the two are one lesion.
        group: shape (N,).
    """
    together = group[pairs[:, 0]] == group[pairs[:, 1]]
    counts = (together & same, together & ~same, ~together & same, ~together & ~same)
    return PairDecisions(*(int(c.sum()) for c in counts))


def patient_pairs(patients: Sequence[str]) -> np.ndarray:
    """All pairs of lesions of one patient, M x 2 rows, the smaller first."""
    found = [np.zeros((0, 2), np.int64)]
    for rows in _rows_of(patients):
        a, b = np.triu_indices(len(rows), 1)
        found.append(np.stack([rows[a], rows[b]], axis=1))
    return np.concatenate(found)


def try_thresholds(
    embedding: np.ndarray,
    studies: Sequence[str],
    patients: Sequence[str],
    pairs: np.ndarray,
    same: np.ndarray,
    steps: int = 16,
) -> tuple[list[Thresholds], np.ndarray]:
    """Match with many thresholds: T2 at quantiles of the distances of pairs that are one lesion, T1 at 0 and at
    quantiles of the distances inside studies.

    Args:
        embedding, studies, patients: as for :func:`match_lesions`.
        pairs: M x 2 rows, of one patient each.
        same: shape (M,), whether they are one lesion.
        steps: values of T2 tried; of T1 a quarter as many.

    Returns:
        G thresholds, rising, and the group of each lesion with each, G x N.

    Raises:
        TrainingError: no pair is one lesion.
    """
    if not same.any():
        raise TrainingError("matching: no known follow-up among the lesions; give --t1 and --t2")
    length = _lengths(embedding, pairs)
    study = np.asarray(studies)
    between = np.unique(np.quantile(length[same], np.linspace(0, 1, steps)))
    inside = length[study[pairs[:, 0]] == study[pairs[:, 1]]]
    within = np.quantile(inside, np.linspace(0.01, 0.2, steps // 4)) if len(inside) else np.zeros(0)
    tried = [Thresholds(t1, t2) for t1 in np.unique([0.0, *within]).tolist() for t2 in between.tolist()]
    return tried, np.stack([match_lesions(embedding, studies, patients, limits).group for limits in tried])


def best_of(tried: Sequence[Thresholds], groups: np.ndarray, pairs: np.ndarray, same: np.ndarray) -> int:
    """Which of the thresholds of :func:`try_thresholds` has the best F1 of pair decisions; of equals the first."""
    f1 = [judge(pairs, same, group).f1 for group in groups]
    return int(np.nanargmax(f1)) if np.isfinite(f1).any() else 0


def choose_thresholds(
    embedding: np.ndarray, studies: Sequence[str], patients: Sequence[str], pairs: np.ndarray, same: np.ndarray
) -> Thresholds:
    """The thresholds with the best F1 of pair decisions on lesions whose follow-ups are known (validation lesions).

    Args and errors are those of :func:`try_thresholds`.
    """
    tried, groups = try_thresholds(embedding, studies, patients, pairs, same)
    return tried[best_of(tried, groups, pairs, same)]


def thresholds_without_truth(
    embedding: np.ndarray, studies: Sequence[str], patients: Sequence[str], share: float = DIFFERENT
) -> Thresholds:
    """Thresholds from lesions whose follow-ups nobody knows.

    Two lesions of two patients are different ones. T2 is the distance below which only ``share`` of such pairs lie, and
    T1 is 0: nothing is merged.

    Raises:
        TrainingError: all lesions are of one patient.
    """
    points = np.asarray(embedding, np.float64)
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    if len(np.unique(patient)) < 2:
        raise TrainingError("matching: all lesions are of one patient; give --t1 and --t2")
    a, b = np.random.default_rng(0).integers(0, len(points), (2, 400_000))
    different = patient[a] != patient[b]
    drawn = np.stack([a[different], b[different]], axis=1)
    return Thresholds(0.0, float(np.quantile(_lengths(points, drawn), share)))


def _lengths(embedding: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    points = np.asarray(embedding, np.float64)
    return np.asarray(np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1))


def _rows_of(patients: Sequence[str]) -> list[np.ndarray]:
    """Rows of each patient, rising."""
    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    order = np.argsort(patient, kind="stable")
    return [rows for rows in np.split(order, np.flatnonzero(np.diff(patient[order])) + 1) if len(rows)]


def _nearest_two(distance: np.ndarray, merged: np.ndarray, a: int, b: int) -> tuple[int, int]:
    left, right = np.flatnonzero(merged == a), np.flatnonzero(merged == b)
    row, column = np.unravel_index(np.argmin(distance[np.ix_(left, right)]), (len(left), len(right)))
    one, other = int(left[row]), int(right[column])
    return min(one, other), max(one, other)


def _renumbered(group: np.ndarray) -> np.ndarray:
    """The same groups, numbered by their first row."""
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    return np.asarray(place[inverse])


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
