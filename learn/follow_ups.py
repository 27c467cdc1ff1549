"""Known follow-ups: which lesions of a patient are one lesion in several studies, and how well matching finds them.

Two lists are read: pairs on DeepLesion's validation patients (marks named by slice and end points of their diameters),
and the list that a phantom set comes with. A lesion that is in no pair may still have a follow-up that nobody listed,
so pairs are judged among the listed lesions; all other known lesions of the same patients take part in the matching.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ingest.release import PHANTOM, Release, lesion_ids, study_ids
from kg.errors import InputError
from learn.matching import PairDecisions, Thresholds, best_of, judge, patient_pairs, try_thresholds
from learn.metrics import auc

_NEAR_PX = 2.0
"""Largest difference of an end point: the list rounds, and counts pixels from 0 or 1."""
PHANTOM_COLUMNS = ("lesion_idx_a", "lesion_idx_b")
"""Columns of a phantom's list: lesion indices."""


@dataclass(frozen=True, eq=False)
class FollowUps:
    """N candidate lesions (all known ones of the patients of a list), and what the list says of them.

    Attributes:
        lesions: N ids.
        patients, studies: of each, shape (N,).
        rows: N rows of :data:`ingest.deeplesion.LESION_SCHEMA`.
        instance: shape (N,); equal for lesions that are one, -1 for lesions in no pair.
        listed: pairs in the list.
        unresolved: pairs of which a lesion could not be found.
    """

    lesions: tuple[str, ...]
    patients: tuple[str, ...]
    studies: tuple[str, ...]
    rows: pa.Table
    instance: np.ndarray
    listed: int
    unresolved: int

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of listed lesions of one patient, M x 2 rows, and whether they are one lesion, shape (M,)."""
        pairs = patient_pairs(self.patients)
        pairs = pairs[(self.instance[pairs] >= 0).all(axis=1)]
        return pairs, self.instance[pairs[:, 0]] == self.instance[pairs[:, 1]]

    def filter(self, keep: np.ndarray) -> FollowUps:
        """Only the candidates where ``keep`` (bool, shape (N,)) is true."""
        rows = np.flatnonzero(keep)

        def some(values: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(values[row] for row in rows)

        instance = self.instance[rows]
        kept = (some(self.lesions), some(self.patients), some(self.studies), self.rows.take(pa.array(rows)))
        return FollowUps(*kept, instance, self.listed, self.unresolved)


def read_deeplesion_follow_ups(path: Path | str, release: Release) -> FollowUps:
    """Read the list of pairs on DeepLesion's validation patients and find its lesions among all released ones.

    Raises:
        InputError: no such file, or not such a list.
    """
    try:
        listed = json.loads(Path(path).read_text(encoding="utf-8"))
        marks = [tuple(_mark(pair, side) for side in ("source", "target")) for pair in listed.values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a list of follow-up pairs ({type(error).__name__}); name another file"
        ) from error
    on_slice: Mapping[str, list[tuple[int, np.ndarray]]] = defaultdict(list)
    columns = (release.lesions[name].to_pylist() for name in ("index", "file", "measurement"))
    for index, file, ends in zip(*columns, strict=True):
        if file is not None and ends is not None:
            on_slice[file].append((index, np.array(ends)))

    def found(file: str, ends: np.ndarray) -> int | None:
        far = [(float(np.abs(known - ends).max()), index) for index, known in on_slice.get(file, [])]
        distance, index = min(far, default=(np.inf, -1))
        return index if distance < _NEAR_PX else None

    pairs = [(found(*one), found(*other)) for one, other in marks]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return _of_pairs(release, known, len(pairs))


def read_phantom_follow_ups(path: Path | str, release: Release) -> FollowUps:
    """Read a phantom set's list: a CSV with the columns :data:`PHANTOM_COLUMNS`, lesion indices.

    Raises:
        InputError: no such file, another header, or an index that the set does not have.
    """
    pairs = _phantom_pairs(path)
    if any(not 0 <= index < release.lesions.num_rows for pair in pairs for index in pair):
        raise InputError(f"{path}: names a lesion that the set does not have; make the set again")
    return _of_pairs(release, pairs, len(pairs))


def phantom_instances(path: Path | str, lesions: Sequence[str]) -> np.ndarray:
    """Which of N phantom lesions are one, shape (N,): equal numbers for one lesion, -1 for lesions in no pair.

    Args:
        path: a phantom set's list.
        lesions: N ids.

    Raises:
        InputError: no such file, or another header.
    """
    row_of = {lesion: row for row, lesion in enumerate(lesions)}
    named = [lesion_ids(pair, PHANTOM.prefix) for pair in _phantom_pairs(path)]
    return _instances([(row_of[a], row_of[b]) for a, b in named if a in row_of and b in row_of], len(lesions))


@dataclass(frozen=True)
class MatchingFigures:
    """Matching judged on known follow-ups, thresholds chosen on other patients than they are judged on.

    Attributes:
        lesions: candidates.
        judged: pairs of listed lesions.
        same: how many of them are one lesion.
        decisions: of all judged pairs.
        auc: area under the ROC curve of the distance of pairs over two studies, all thresholds.
        thresholds: chosen on all patients, for use.
    """

    lesions: int
    judged: int
    same: int
    decisions: PairDecisions
    auc: float
    thresholds: Thresholds


def matching_figures(known: FollowUps, embedding: np.ndarray, folds: int = 5) -> MatchingFigures:
    """Judge matching by pair decisions, as the talk does, with cross-validation over patients.

    Args:
        known: N lesions and their follow-ups.
        embedding: N x D.
        folds: parts that patients are dealt into; thresholds for one are chosen on the others.

    Raises:
        TrainingError: the list has no pair to choose thresholds by.
    """
    pairs, same = known.pairs()
    tried, groups = try_thresholds(embedding, known.studies, known.patients, pairs, same)
    _, patient = np.unique(np.asarray(known.patients), return_inverse=True)
    fold = patient[pairs[:, 0]] % folds
    total = np.zeros(4, np.int64)
    for number in range(folds):
        judged = fold == number
        chosen = best_of(tried, groups, pairs[~judged], same[~judged])
        part = judge(pairs[judged], same[judged], groups[chosen])
        total += (part.hits, part.false_alarms, part.misses, part.rest)
    study = np.asarray(known.studies)
    across = study[pairs[:, 0]] != study[pairs[:, 1]]
    length = np.linalg.norm(embedding[pairs[:, 0]] - embedding[pairs[:, 1]], axis=1)
    area = auc(same[across, None], -length[across, None])
    return MatchingFigures(
        len(known.lesions),
        len(pairs),
        int(same.sum()),
        PairDecisions(*total.tolist()),
        float(area[0]),
        tried[best_of(tried, groups, pairs, same)],
    )


def location_and_size(rows: pa.Table, size_weight: float = 0.05) -> np.ndarray:
    """What is known of lesions without pixels: place in the body, 0 to 1, and the logarithm of both diameters; N x 5.

    Args:
        rows: with ``x``, ``y``, ``z``, ``long_mm`` and ``short_mm``, none unknown.
        size_weight: of a diameter twice as large, in body widths.
    """
    place = [rows[name].to_numpy() for name in ("x", "y", "z")]
    size = [size_weight * np.log2(np.maximum(rows[name].to_numpy(), 0.1)) for name in ("long_mm", "short_mm")]
    return np.stack([*place, *size], axis=1)


def _mark(pair: Mapping[str, Sequence[float] | str], side: str) -> tuple[str, np.ndarray]:
    file = str(pair[f"{side} recist slice"]).replace("/", "_")
    ends = np.array(pair[f"{side} recist coordinate"], np.float64)
    if ends.shape != (8,):
        raise ValueError("not four end points")
    return file, ends


def _of_pairs(release: Release, pairs: Iterable[tuple[int, int]], listed: int) -> FollowUps:
    named = np.array(list(pairs), np.int64).reshape(-1, 2)
    patient = release.lesions["patient"].to_numpy()
    rows = np.flatnonzero(np.isin(patient, np.unique(patient[named])))
    instance = _instances(named.tolist(), release.lesions.num_rows)
    table = release.lesions.take(pa.array(rows))
    patients, studies, _ = study_ids(table, release.origin.prefix)
    lesions = lesion_ids(table["index"].to_pylist(), release.origin.prefix)
    return FollowUps(
        tuple(lesions), tuple(patients), tuple(studies), table, instance[rows], listed, listed - len(named)
    )


def _instances(pairs: Sequence[Sequence[int]], total: int) -> np.ndarray:
    named = np.array(pairs, np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(named), bool), (named[:, 0], named[:, 1])), shape=(total, total))
    instance = connected_components(graph, directed=False)[1]
    return np.where(np.isin(np.arange(total), named), instance, -1)


def _phantom_pairs(path: Path | str) -> list[tuple[int, int]]:
    one, other = PHANTOM_COLUMNS
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            return [(int(row[one]), int(row[other])) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a phantom's follow-ups ({type(error).__name__}); make the set again") from error
