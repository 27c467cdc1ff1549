"""What a trained model says of one lesion on CT, in a form to show: labels, reasons, warnings, similar lesions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.images.dicom_series import open_dicom_series
from ingest.images.patch import extract_patch, stored
from ingest.images.png_series import PngSeries
from ingest.images.slice_source import Box, SliceSource
from kg.cohort import Cohort
from kg.errors import InputError, UsageError
from learn.calibration import METHOD
from learn.decode import decode
from learn.description import is_synthetic
from learn.explain import Explanation, explain
from learn.image.predict import predict_patches
from learn.neighbours import nearest
from learn.out_of_distribution import UNLIKE, Familiar, pixel_warnings
from learn.run import Run


@dataclass(frozen=True)
class SimilarLesion:
    """A known lesion that the model finds similar.

    Attributes:
        lesion: its id.
        distance: of the embeddings, 0 to 2.
        shared: names of the labels it shares with the decided ones, most specific first.
        other: names of its further labels.
    """

    lesion: str
    distance: float
    shared: tuple[str, ...]
    other: tuple[str, ...]


@dataclass(frozen=True)
class LesionPrediction:
    """One lesion.

    Attributes:
        run: id of the model.
        explanation: labels and reasons.
        similar: nearest first.
        similar_from: where the labels of similar lesions come from.
        warnings: sentences.
        calibration: how probabilities were calibrated, and how well, in a sentence.
    """

    run: str
    explanation: Explanation
    similar: tuple[SimilarLesion, ...]
    similar_from: str
    warnings: tuple[str, ...]
    calibration: str


def open_image(
    path: Path, slice_number: int | None, spacing: float | None, interval: float | None
) -> tuple[SliceSource, int]:
    """A series and the slice meant, from what a person names.

    Args:
        path: a DICOM file or the folder of a DICOM series; a 16-bit PNG slice or a folder of them.
        slice_number: DICOM instance number, or PNG number; not needed when ``path`` is the slice itself.
        spacing: millimetres of a pixel, for PNG, which does not say.
        interval: millimetres between slices, for PNG.

    Raises:
        UsageError: a number is missing.
        InputError: no such file, or no usable series.
    """
    if not path.exists():
        raise InputError("image: no such file or folder; give a DICOM file or series, or a 16-bit PNG slice")
    if path.suffix.lower() == ".png" or (path.is_dir() and any(path.glob("*.png"))):
        if spacing is None:
            raise UsageError("PNG slices do not say how large a pixel is; give --spacing in millimetres")
        if path.is_file() and slice_number is None:
            if not path.stem.isdecimal():
                raise UsageError("the PNG's name is no slice number; name the file as 103.png, or give --slice")
            slice_number = int(path.stem)
        png = PngSeries(path if path.is_dir() else path.parent, spacing, interval)
        return png, _given(slice_number)
    if spacing is not None or interval is not None:
        raise UsageError("DICOM says its own spacing; leave --spacing and --slice-interval out")
    series = open_dicom_series(path)
    if path.is_file() and slice_number is None:
        return series, series.number_of_file(path)
    return series, series.number_of_instance(_given(slice_number))


def _given(slice_number: int | None) -> int:
    if slice_number is None:
        raise UsageError("a series has many slices; give --slice, the DICOM instance number or the PNG's number")
    return slice_number


def predict_lesion(
    run: Run, source: SliceSource, key_slice: int, box: Box, cohort: Cohort | None = None, similar: int = 5
) -> LesionPrediction:
    """Predict the labels of one lesion.

    Args:
        run: a model that looks at pixels.
        source: the series.
        key_slice: number of the slice.
        box: of the lesion, in stored pixels of it.
        cohort: of the run; brings what reports say of similar lesions. Without it their predicted labels are shown.
        similar: how many similar lesions.

    Raises:
        UsageError: the model looks at no pixels.
        InputError: no such slice, or the box is none on it.
    """
    if run.geometry is None:
        raise UsageError(f"run {run.run_id}: it saw no pixels; train one with `lesionkg train --features image`")
    patch = extract_patch(source, key_slice, box, run.geometry)
    pixels = stored(patch)
    found = predict_patches(run, pixels[None], patch.box[None].astype(np.float32))
    decoded = decode(found.score, run.thresholds, run.matrices)
    (familiar,) = Familiar(run).judge(found.embedding)
    warnings = list(pixel_warnings(pixels))
    if is_synthetic(run):
        warnings.insert(0, "this model was trained on synthetic lesions: what it says of a patient means nothing")
    if familiar.unlike:
        warnings.append(
            f"unlike what the model knows: farther from the validation lesions than {familiar.percentile:.1f} % of "
            f"them are from each other (warned above {UNLIKE:g} %)"
        )
    if patch.substituted:
        warnings.append(f"{len(patch.substituted)} neighbouring slices are missing; the nearest ones were taken")
    error = run.metrics["test"]["calibration_error"]["probability"]
    return LesionPrediction(
        run.run_id,
        explain(run, found.score, found.probability, decoded),
        _similar(run, found.embedding, decoded.positive[0], cohort, similar),
        "as the cohort lists them" if cohort is not None else "predicted by this model",
        tuple(warnings),
        f"{METHOD}; expected calibration error {error:.4f} on test lesions",
    )


def _similar(
    run: Run, embedding: np.ndarray, positive: np.ndarray, cohort: Cohort | None, count: int
) -> tuple[SimilarLesion, ...]:
    points = np.concatenate([run.embedding, embedding])
    # Each lesion is a group of its own: nobody knows whose the new one is.
    rows, distances = nearest(points, np.arange(len(points)), np.array([len(points) - 1]), count)
    near = [int(row) for row in rows[0] if row >= 0]
    labels = known_labels(run, near, cohort)
    depth = run.matrices.ancestors.sum(axis=1)

    def names(chosen: np.ndarray) -> tuple[str, ...]:
        order = sorted(np.flatnonzero(chosen), key=lambda c: -int(depth[c]))
        return tuple(run.matrices.names[c] for c in order)

    return tuple(
        SimilarLesion(run.lesions[row], float(d), names(labels[row] & positive), names(labels[row] & ~positive))
        for row, d in zip(near, distances[0], strict=False)
    )


def known_labels(run: Run, rows: Sequence[int], cohort: Cohort | None) -> Mapping[int, np.ndarray]:
    """Label sets, ancestors included, of some of a run's lesions: the cohort's, or the decided ones."""
    if cohort is None:
        decided = decode(run.score[list(rows)], run.thresholds, run.matrices).positive
        return dict(zip(rows, decided, strict=True))
    run.require_cohort(cohort)
    expanded = run.matrices.expand(cohort.relevant_matrix()).toarray()
    place = {lesion: i for i, lesion in enumerate(cohort.table["lesion"].to_pylist())}
    return {row: np.asarray(expanded[place[run.lesions[row]]], bool) for row in rows}
