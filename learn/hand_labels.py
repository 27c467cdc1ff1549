"""The hand-labelled test lesions: a reader of the released file's layout, and a run's predictions of them.

The file is a list of ``{"text", "lesion_idx", "expanded_terms"}``. The text is a sentence of a report: it is not kept.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.images.patch_cache import PatchCache
from ingest.release import DEEPLESION, Release, lesion_ids, study_ids
from kg.cohort import Cohort
from kg.errors import InputError, TrainingError, UsageError
from learn.judged import Judged
from learn.predict import Prediction, predict
from learn.run import Run

_LONGEST_TERM = 60
"""Characters; a longer term is no label's name but text that must not be repeated."""


@dataclass(frozen=True, eq=False)
class HandLabels:
    """Labels that readers gave N lesions by hand.

    Attributes:
        indices: rows of DL_info.csv, N of them, in the order of the file.
        truth: N x C bool, as listed: ancestors are not added.
        outside: how often each term that is not in the label set was given.
    """

    indices: tuple[int, ...]
    truth: np.ndarray
    outside: Mapping[str, int]


def read_hand_labels(path: Path | str, names: Sequence[str]) -> HandLabels:
    """Read a file of hand-labelled lesions.

    Args:
        path: JSON file.
        names: the C label names, in column order.

    Raises:
        InputError: no such file, another layout, or a lesion listed twice. No message holds text of the file but an
            index.
    """
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))
        indices = [row["lesion_idx"] for row in rows]
        terms = [row["expanded_terms"] for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not a file of hand-labelled lesions ({type(error).__name__}); "
            'give a JSON list of {"lesion_idx", "expanded_terms"}'
        ) from None
    for place, (index, listed) in enumerate(zip(indices, terms, strict=True)):
        if type(index) is not int or index < 0:
            raise InputError(f"{path}: entry {place + 1}: lesion_idx is not a whole number, 0 or greater; correct it")
        if not isinstance(listed, list) or not all(isinstance(t, str) and len(t) <= _LONGEST_TERM for t in listed):
            raise InputError(
                f"{path}: lesion {index}: expanded_terms is not a list of names of at most {_LONGEST_TERM} characters; "
                "correct it"
            )
    twice = [index for index, count in Counter(indices).items() if count > 1]
    if not indices or twice:
        raise InputError(f"{path}: {f'lesion {twice[0]} appears twice' if twice else 'no lesion'}; correct the file")
    column = {name: i for i, name in enumerate(names)}
    truth = np.zeros((len(indices), len(names)), bool)
    known = [(row, column[term]) for row, listed in enumerate(terms) for term in listed if term in column]
    if known:
        truth[tuple(np.array(known).T)] = True
    outside = Counter(term for listed in terms for term in listed if term not in column)
    return HandLabels(tuple(indices), truth, dict(sorted(outside.items(), key=lambda item: (-item[1], item[0]))))


def judge_by_hand(run: Run, cohort: Cohort, hand: HandLabels, patches: PatchCache | None = None) -> Judged:
    """A run's predictions of hand-labelled lesions, computed now; those it cannot look at are left out.

    Lesions of DeepLesion are described by the released table, those of other sets by the cohort. No pair is ignored:
    readers said of each lesion all that they saw.

    Args:
        run: the model.
        cohort: the run's.
        hand: labels in the order of the run's.
        patches: of the lesions, for a run that looks at pixels.

    Raises:
        UsageError: a run that looks at pixels is given no patches.
        TrainingError: a lesion was trained or validated on, or none can be judged.
    """
    if run.saw_pixels and patches is None:
        raise UsageError(f"run {run.run_id}: it looks at pixels; name the cache of the lesions' patches with --patches")
    table = _rows_of(cohort, hand.indices)
    seen = cohort.filter(cohort.table["split"].to_numpy() != "test").table["index"].to_pylist()
    if both := set(seen) & set(hand.indices):
        raise TrainingError(
            f"run {run.run_id}: {len(both)} of the hand-labelled lesions (first: {min(both)}) are for training or "
            "validation; leave them out of the file"
        )
    lesions = table["lesion"].to_pylist()
    if patches is None:
        at_hand = np.asarray(pc.is_valid(table["measurement"]), bool)
    else:
        at_hand = np.array([lesion in patches.row_of for lesion in lesions], bool)
    if not at_hand.any():
        what = "metadata" if patches is None else f"a patch in {patches.folder}"
        raise TrainingError(f"run {run.run_id}: none of the hand-labelled lesions has {what}; give another file")
    table = table.filter(pa.array(at_hand))
    truth = hand.truth[_order(hand.indices, table["index"].to_pylist())]
    return Judged.of(run, table, _predict(run, table, patches), truth, np.ones_like(truth))


def _rows_of(cohort: Cohort, indices: Sequence[int]) -> pa.Table:
    """What is known of lesions, with ``lesion`` and ``patient`` as the graph names them, in order of their index."""
    first = cohort.table["lesion"][0].as_py()
    if not first.startswith(DEEPLESION.prefix):
        return cohort.table.filter(pc.is_in(cohort.table["index"], pa.array(indices, pa.int32())))
    lesions = Release.shipped().lesions
    if max(indices) >= lesions.num_rows:
        raise InputError(f"hand-labelled lesion {max(indices)}: DeepLesion has {lesions.num_rows:,}; correct the file")
    rows = lesions.take(sorted(indices))
    patients, _, _ = study_ids(rows)
    rows = rows.set_column(rows.column_names.index("patient"), "patient", [patients])
    return rows.append_column("lesion", [lesion_ids(rows["index"].to_pylist())])


def _order(indices: Sequence[int], wanted: Sequence[int]) -> list[int]:
    place = {index: row for row, index in enumerate(indices)}
    return [place[index] for index in wanted]


def _predict(run: Run, table: pa.Table, patches: PatchCache | None) -> Prediction:
    if patches is None:
        return predict(run, table)
    from learn.image.predict import predict_patches

    rows = [patches.row_of[lesion] for lesion in table["lesion"].to_pylist()]
    return predict_patches(run, np.asarray(patches.pixels[rows]), patches.boxes[rows])
