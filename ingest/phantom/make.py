"""Write a synthetic set in the file formats of DeepLesion and of LesaNet's label lists. Nothing in it is a patient.

Besides the files that DeepLesion and LesaNet have (``DL_info.csv``, ``Images_png``, the text-mined label lists and the
hand-labelled test set, which here is complete by construction), a set holds what only its maker can know: the complete
labels of every lesion (``truth.json``) and which lesions are the same one in two studies (``follow_ups.csv``).

How it differs from real data: bodies are soft ellipsoids; lesions are larger (median long diameter 28 mm, in DeepLesion
18 mm) and their contrast is exaggerated; pixels are 2 mm; boxes leave 3 pixels around a measurement, not 5; only the
slices that a patch needs are written; frequencies of labels are tempered (:data:`ingest.phantom.label_sets.BY_TURN`);
and no label is released that is wrong, while the real lists hold 0.89 labels a lesion that hand labelling does not
confirm, and irrelevant ones.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ingest.deeplesion import COLUMNS, OFFICIAL_ROWS, OFFICIAL_SPLITS
from ingest.images.geometry import WINDOW_HU
from ingest.images.png_series import HU_OFFSET
from ingest.phantom.appearance import Appearance
from ingest.phantom.body import Grid
from ingest.phantom.label_sets import BY_TURN, LabelPool, ReleaseRates
from ingest.phantom.lesion import Lesion
from ingest.phantom.patients import Patient, Study
from ingest.release import INFO_FILE, LABELS_FILE, PHANTOM_MANIFEST
from kg.cohort import SPLITS
from kg.errors import UsageError
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped

HAND_LABELS_FILE = "hand_labeled_test_set.json"
TRUTH_FILE, FOLLOW_UPS_FILE, IMAGES = "truth.json", "follow_ups.csv", "Images_png"
LABEL_SET = "lesanet-171"

_SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}
_SIZE = 192
_BOX_MARGIN_PX = 3
_TOP_MM = -40.0


@dataclass(frozen=True)
class Phantom:
    """What was made.

    Attributes:
        folder: where.
        lesions: their number.
        patients: their number.
        slices: PNG files written.
        follow_ups: pairs of lesions that are one lesion in two studies.
        rates: how much of the complete label sets is released.
    """

    folder: str
    lesions: int
    patients: int
    slices: int
    follow_ups: int
    rates: ReleaseRates


@dataclass(frozen=True)
class _Row:
    """One lesion as it is listed."""

    patient: int
    study: int
    number: int
    split: str
    sex: str
    age: int
    of: Study
    lesion: Lesion

    @property
    def folder(self) -> str:
        return f"{self.patient:06d}_{self.study:02d}_01"

    @property
    def grid(self) -> Grid:
        return Grid(_SIZE, self.of.spacing)

    @property
    def key_slice(self) -> int:
        return 1 + round((float(self.lesion.centre[2]) - _TOP_MM) / self.of.interval)

    @property
    def slices(self) -> range:
        reach = int(np.ceil(2.0 / self.of.interval))
        return range(self.key_slice - reach, self.key_slice + reach + 1)


def make_phantom(
    folder: Path | str, lesions: int = 3000, seed: int = 0, advance: Callable[[int], None] = lambda _: None
) -> Phantom:
    """Write a synthetic set; the same numbers give the same bytes.

    Args:
        folder: made when absent; must hold nothing.
        lesions: their number, 20 or more.
        seed: of everything that is drawn.
        advance: called with the number of lesions written since the last call.

    Raises:
        UsageError: the folder is not empty, or a number is out of range.
    """
    where = Path(folder)
    if not 20 <= lesions <= OFFICIAL_ROWS:
        raise UsageError(f"phantom: {lesions} lesions; choose 20 to {OFFICIAL_ROWS:,}")
    if seed < 0:
        raise UsageError("phantom: the seed must be 0 or more")
    if where.exists() and (not where.is_dir() or any(where.iterdir())):
        raise UsageError(f"{where}: not an empty folder; name a new one for the phantom set")
    where.mkdir(parents=True, exist_ok=True)
    matrices = RelationMatrices.from_ontology(load_shipped(), LABEL_SET)
    pool = LabelPool.shipped(matrices)
    root = np.random.SeedSequence(seed)
    drawing, releasing, noise, people = root.spawn(4)
    rows = _rows(lesions, Appearance.of(matrices), pool, drawing, people)
    rng = np.random.default_rng(releasing)
    lists = [pool.release(row.lesion.labels, rng) for row in rows]
    rates = ReleaseRates.measured([row.lesion.labels for row in rows], [r + u for r, u in lists], pool)
    pairs = list(_follow_ups(rows))
    slices = _write_slices(where / IMAGES, rows, noise, advance)
    _write_csv(where / INFO_FILE, COLUMNS, map(_info, rows))
    _write_csv(where / FOLLOW_UPS_FILE, ("lesion_idx_a", "lesion_idx_b"), pairs)
    _write_json(where / LABELS_FILE, {"term_list": list(matrices.names), **_lists(rows, lists)})
    _write_json(where / HAND_LABELS_FILE, _hand_labels(rows, matrices.names))
    truth = {"synthetic": True, "term_list": list(matrices.names), "labels": [list(r.lesion.labels) for r in rows]}
    _write_json(where / TRUTH_FILE, truth)
    made = Phantom(str(where), len(rows), rows[-1].patient, slices, len(pairs), rates)
    said = {key: value for key, value in asdict(made).items() if key != "folder"}
    _write_json(where / PHANTOM_MANIFEST, {"synthetic": True, "seed": seed, "drawn_by_turn": BY_TURN, **said})
    return made


def _rows(
    wanted: int,
    appearance: Appearance,
    pool: LabelPool,
    drawing: np.random.SeedSequence,
    people: np.random.SeedSequence,
) -> list[_Row]:
    """All lesions, patient by patient; each patient goes to the split that lacks most."""
    sets = {split: pool.draw(seed) for split, seed in zip(SPLITS, drawing.spawn(len(SPLITS)), strict=True)}
    counts = dict.fromkeys(SPLITS, 0)
    rows: list[_Row] = []
    patient = 0
    while len(rows) < wanted:
        patient += 1
        split = min(SPLITS, key=lambda name: (counts[name] + 1) / _SHARES[name])
        person = Patient.drawn(appearance, sets[split], np.random.default_rng(people.spawn(1)[0]))
        for number, study in enumerate(person.studies, 1):
            for known, lesion in zip(study.numbers, study.lesions, strict=True):
                rows.append(_Row(patient, number, known, split, person.sex, person.age, study, lesion))
                counts[split] += 1
    return rows[:wanted]


def _follow_ups(rows: list[_Row]) -> Iterator[tuple[int, int]]:
    """Lesion indices of each pair that is one lesion in two studies."""
    seen: dict[tuple[int, int], list[int]] = {}
    for index, row in enumerate(rows):
        earlier = seen.setdefault((row.patient, row.number), [])
        yield from ((before, index) for before in earlier)
        earlier.append(index)


def _write_slices(folder: Path, rows: list[_Row], seed: np.random.SeedSequence, advance: Callable[[int], None]) -> int:
    rng = np.random.default_rng(seed)
    written: set[tuple[str, int]] = set()
    for row in rows:
        (folder / row.folder).mkdir(parents=True, exist_ok=True)
        for number in row.slices:
            if (row.folder, number) in written:
                continue
            written.add((row.folder, number))
            z = _TOP_MM + (number - 1) * row.of.interval
            image = row.of.body.slice(z, row.grid, rng)
            for lesion in row.of.lesions:
                lesion.draw(image, row.grid, z)
            stored = (np.clip(np.rint(image), *WINDOW_HU) + HU_OFFSET).astype(np.uint16)
            Image.fromarray(stored).save(folder / row.folder / f"{number:03d}.png", compress_level=1)
        advance(1)
    return len(written)


def _info(row: _Row) -> tuple[object, ...]:
    """The columns of DL_info.csv, in its order; pixel coordinates are 1-based."""
    ends = row.grid.pixel(row.lesion.ends()) + 1
    low = np.maximum(ends.min(0) - _BOX_MARGIN_PX, 1)
    high = np.minimum(ends.max(0) + _BOX_MARGIN_PX, _SIZE)
    return (
        f"{row.folder}_{row.key_slice:03d}.png",
        row.patient,
        row.study,
        1,
        row.key_slice,
        _joined(ends.ravel()),
        _joined([*low, *high]),
        _joined(2 * row.lesion.radii[:2] / row.of.spacing),
        _joined(row.of.body.relative(row.lesion.centre)),
        -1,
        0,
        _joined([row.slices[0], row.slices[-1]]),
        _joined([row.of.spacing, row.of.spacing, row.of.interval]),
        _joined([_SIZE, _SIZE]),
        _joined(row.of.window),
        row.sex,
        row.age + row.study - 1,
        next(code for code, name in OFFICIAL_SPLITS.items() if name == row.split),
    )


def _joined(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in values)


def _lists(rows: list[_Row], lists: list[tuple[list[int], list[int]]]) -> dict[str, Any]:
    """The released lists of each split; none says what is irrelevant."""
    out: dict[str, Any] = {}
    for split in SPLITS:
        members = [index for index, row in enumerate(rows) if row.split == split]
        out[f"{split}_lesion_idxs"] = members
        out[f"{split}_relevant_labels"] = [lists[index][0] for index in members]
        out[f"{split}_uncertain_labels"] = [lists[index][1] for index in members]
    return {**out, "train_irrelevant_labels": [[] for _ in out["train_lesion_idxs"]]}


def _hand_labels(rows: list[_Row], names: tuple[str, ...]) -> list[dict[str, object]]:
    """Complete labels of the test lesions, in the layout of the hand-labelled set; there is no text."""
    return [
        {"text": "", "lesion_idx": index, "expanded_terms": [names[label] for label in row.lesion.labels]}
        for index, row in enumerate(rows)
        if row.split == "test"
    ]


def _write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")
