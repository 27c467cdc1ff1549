"""What a run says of a lesion in an image, and of all lesions of a cache or a cohort: the work behind ``predict``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.images.dicom_series import open_dicom_series
from ingest.images.patch import Patch, extract_patch, stored
from ingest.images.patch_cache import PatchCache
from ingest.images.png_series import open_png_series
from ingest.images.slice_source import Box, SliceSource
from kg.cohort import Cohort
from kg.errors import InputError, MatrixError, UsageError
from kg.matrices import RelationMatrices
from learn.calibration import METHOD
from learn.decode import decode
from learn.explain import DecidedLabel, Explanation, SuppressedLabel, explain
from learn.image.predict import predict_patches
from learn.out_of_distribution import Reference, Unlike, patch_reasons
from learn.predict import Prediction, predict
from learn.publish import LesionPredictions
from learn.run import Run

SIMILAR = 5
"""Similar lesions that are told."""


@dataclass(frozen=True)
class Similar:
    """A stored lesion like the one asked about.

    Attributes:
        lesion: its id.
        distance: in the run's embedding.
        shared: decided labels of the lesion asked about that this one has too, most specific first.
        labels_from: ``cohort`` when they are known, ``predicted`` when the run decided them.
    """

    lesion: str
    distance: float
    shared: tuple[str, ...]
    labels_from: str


@dataclass(frozen=True)
class LesionReport:
    """All that a run says of one lesion in an image."""

    run: str
    explanation: Explanation
    unlike: Unlike
    similar: tuple[Similar, ...]
    calibration: str
    calibration_error: float
    substituted: tuple[int, ...]

    @property
    def decided(self) -> tuple[DecidedLabel, ...]:
        """Decided labels, most specific first."""
        return self.explanation.decided

    @property
    def suppressed(self) -> tuple[SuppressedLabel, ...]:
        """Labels that the relations ruled out."""
        return self.explanation.suppressed

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "run": self.run,
            "calibration": {"method": self.calibration, "ece": self.calibration_error},
            "warning": asdict(self.unlike),
            "labels": [label.as_dict() for label in self.decided],
            "suppressed": [label.as_dict() for label in self.suppressed],
            "similar": [asdict(lesion) for lesion in self.similar],
            "substituted_slices": list(self.substituted),
        }


def newest_image_run(runs_folder: Path) -> Path:
    """Folder of the image run that was trained last.

    Raises:
        UsageError: there is none.
    """
    folders = [path for path in runs_folder.glob("image-*") if (path / "config.json").is_file()]
    if not folders:
        raise UsageError(f"{runs_folder}: no run that looks at pixels; train one with --features image, or name a run")
    return max(folders, key=lambda path: ((path / "config.json").stat().st_mtime, path.name))


def parse_box(text: str) -> Box:
    """``x1,y1,x2,y2`` as four numbers; whether they are a box on the image is checked where the patch is cut.

    Raises:
        UsageError: not four numbers.
    """
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"box {text!r}: give four numbers X1,Y1,X2,Y2 in pixels of the slice, from 0") from error
    return x1, y1, x2, y2


def open_image(
    image: Path, slice_number: int | None, spacing_mm: float | None, slice_mm: float | None
) -> tuple[SliceSource, int]:
    """The series that an image belongs to, and the number of its slice.

    Args:
        image: a 16-bit PNG in a folder as NIH publishes them, a folder of such, a DICOM file, or a folder of a series.
        slice_number: number of a PNG slice, or DICOM instance number; needed for a folder, implied by a file.
        spacing_mm: of a pixel; PNG files do not say, DICOM files do.
        slice_mm: distance of slices, for PNG; None when unknown.

    Raises:
        InputError: no such file, not a CT series, or no such slice.
        UsageError: an option is missing or does not fit.
    """
    if not image.exists():
        raise InputError("image: no such file or folder; give a PNG slice, a DICOM file, or the folder of a series")
    folder = image if image.is_dir() else image.parent
    is_png = image.suffix.lower() == ".png" or (image.is_dir() and any(image.glob("*.png")))
    if is_png:
        if spacing_mm is None:
            raise UsageError("image: PNG files do not say how large a pixel is; give --spacing MM")
        if slice_number is None:
            if image.is_dir() or not image.stem.isdecimal():
                raise UsageError("image: give --slice, the number of the slice in the folder")
            slice_number = int(image.stem)
        return open_png_series(folder, spacing_mm, slice_mm), slice_number
    if spacing_mm is not None or slice_mm is not None:
        raise UsageError("image: DICOM files say how large a pixel is; leave out --spacing and --slice-interval")
    series = open_dicom_series(image)
    if slice_number is None:
        if image.is_dir():
            raise UsageError("image: give --slice, the instance number of the slice")
        slice_number = instance_of(image)
    return series, series.number_of_instance(slice_number)


def instance_of(path: Path) -> int:
    """Instance number of a DICOM file.

    Raises:
        UsageError: it has none.
    """
    import pydicom

    value = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["InstanceNumber"]).get("InstanceNumber")
    if value in (None, ""):
        raise UsageError("image: the file has no instance number; give --slice")
    return int(value)


def require_relations(run: Run, current: RelationMatrices, allowed: bool) -> str | None:
    """Compare the relations of the graph with those of a run.

    Returns:
        A sentence to tell when they differ and that is allowed; None when they are the same.

    Raises:
        MatrixError: they differ.
    """
    if current.matrix_hash == run.matrices.matrix_hash:
        return None
    said = f"run {run.run_id}: the graph's relations have changed since it was trained"
    if not allowed:
        raise MatrixError(f"{said}; train again, or give --allow-other-relations to decide with those of the run")
    return f"{said}; decided with those of the run"


def report_on(run: Run, source: SliceSource, number: int, box: Box, cohort: Cohort | None = None) -> LesionReport:
    """Predict one lesion.

    Args:
        run: a trained model that looks at pixels.
        source: the series.
        number: of the slice.
        box: of the lesion, 0-based pixels of the stored slice.
        cohort: the run's, for known labels and patients of similar lesions; without it predicted labels are compared.

    Raises:
        UsageError: the run looks at no pixels.
        InputError: the box is no box on the slice, or the slice cannot be read.
    """
    if run.geometry is None:
        raise UsageError(f"run {run.run_id}: it looks at no pixels; name one trained with --features image")
    patch: Patch = extract_patch(source, number, box, run.geometry)
    pixels = stored(patch)
    said = predict_patches(run, pixels[None], patch.box[None].astype(np.float32))
    decoded = decode(said.score, run.thresholds, run.matrices)
    why = explain(0, said.score, said.probability, run.thresholds, decoded, run.matrices, run.spl_weight, run.spl_bias)
    patients = patients_of(run, cohort) if cohort is not None else None
    unlike = Reference.of(run, patients).compare(said.embedding, [patch_reasons(pixels, source.spacing_mm)])[0]
    return LesionReport(
        run=run.run_id,
        explanation=why,
        unlike=unlike,
        similar=similar_lesions(run, said.embedding[0], why.decided, cohort),
        calibration=METHOD,
        calibration_error=float(run.metrics["test"]["calibration_error"]["probability"]),
        substituted=patch.substituted,
    )


def patients_of(run: Run, cohort: Cohort) -> list[str]:
    """Patient of each of the run's lesions."""
    known = dict(zip(cohort.table["lesion"].to_pylist(), cohort.table["patient"].to_pylist(), strict=True))
    return [known[lesion] for lesion in run.lesions]


def similar_lesions(
    run: Run, embedding: np.ndarray, decided: Sequence[DecidedLabel], cohort: Cohort | None
) -> tuple[Similar, ...]:
    """The nearest stored lesions of a run, and the labels they share.

    Args:
        run: a trained model.
        embedding: of the lesion asked about, shape (D,).
        decided: its labels.
        cohort: the run's, for known labels; None to compare predicted ones.
    """
    distance = np.linalg.norm(run.embedding.astype(np.float64) - embedding, axis=1)
    rows = np.argsort(distance, kind="stable")[:SIMILAR]
    if cohort is None:
        has = decode(run.score[rows], run.thresholds, run.matrices).positive
    else:
        row_of = {lesion: row for row, lesion in enumerate(cohort.table["lesion"].to_pylist())}
        has = run.matrices.expand(cohort.relevant_matrix()[[row_of[run.lesions[r]] for r in rows]]).toarray()
    columns = [run.matrices.position[label.label] for label in decided]
    return tuple(
        Similar(
            run.lesions[row],
            float(distance[row]),
            tuple(label.name for label, column in zip(decided, columns, strict=True) if has[place, column]),
            "predicted" if cohort is None else "cohort",
        )
        for place, row in enumerate(rows.tolist())
    )


def predict_cache(run: Run, cache: PatchCache) -> LesionPredictions:
    """What a run says of every patch of a cache.

    Raises:
        UsageError: the run looks at no pixels, or at patches of another geometry.
    """
    if run.geometry is None:
        raise UsageError(f"run {run.run_id}: it looks at no pixels; give --cohort instead of --patches")
    if cache.geometry != run.geometry:
        raise UsageError(f"{cache.folder}: patches of another size or resolution than run {run.run_id} was trained on")
    return LesionPredictions(cache.lesions, predict_patches(run, cache.pixels, cache.boxes))


def predict_cohort(run: Run, cohort: Cohort) -> tuple[LesionPredictions, int]:
    """What a run on metadata says of the lesions of a cohort, and how many it cannot say anything of.

    Raises:
        UsageError: the run looks at pixels.
    """
    known = cohort.filter(cohort.has_metadata)
    said: Prediction = predict(run, known.table)
    return LesionPredictions(tuple(known.table["lesion"].to_pylist()), said), cohort.size - known.size


def write_predictions(path: Path, run: Run, predictions: LesionPredictions) -> int:
    """Write one row a lesion to Parquet: ``lesion``, ``score``, ``probability`` (C numbers each), ``labels`` (ids).

    The label ids in column order, the run and the thresholds are in the file's metadata.

    Returns:
        Labels decided, over all lesions.
    """
    said = predictions.said
    positive = decode(said.score, run.thresholds, run.matrices).positive
    ids = np.array(run.matrices.label_ids)
    table = pa.table(
        {
            "lesion": list(predictions.lesions),
            "score": pa.array(list(said.score.astype(np.float32)), pa.list_(pa.float32())),
            "probability": pa.array(list(said.probability.astype(np.float32)), pa.list_(pa.float32())),
            "labels": pa.array([ids[row].tolist() for row in positive], pa.list_(pa.string())),
        }
    ).replace_schema_metadata(
        {
            "run": run.run_id,
            "label_ids": ",".join(run.matrices.label_ids),
            "matrix_hash": run.matrices.matrix_hash,
            "note": "Research use only; not for diagnosis.",
        }
    )
    partial = path.with_name(path.name + ".partial")
    try:
        pq.write_table(table, partial, compression="zstd")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({type(error).__name__}); name another file") from error
    return int(positive.sum())
