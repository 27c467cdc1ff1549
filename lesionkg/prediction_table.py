"""Predictions of many lesions as one Parquet file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kg.errors import StoreError
from learn.decode import Decoded
from learn.description import is_synthetic
from learn.predict import Prediction
from learn.run import Run


def write_predictions(path: Path, run: Run, lesions: Sequence[str], found: Prediction, decoded: Decoded) -> None:
    """Write one row a lesion: ``lesion``, ``labels`` (ids of the decided set), ``score`` and ``probability`` (C each).

    The file's metadata (key ``lesionkg``) holds the model, the label ids and names in column order, and the thresholds.
    It appears whole or not at all.

    Raises:
        StoreError: it cannot be written.
    """
    matrices = run.matrices
    columns = [list(np.flatnonzero(row)) for row in decoded.positive]
    table = pa.table(
        {
            "lesion": pa.array(list(lesions), pa.string()),
            "labels": pa.array([[matrices.label_ids[c] for c in row] for row in columns], pa.list_(pa.string())),
            "score": pa.array(list(found.score), pa.list_(pa.float32())),
            "probability": pa.array(list(found.probability), pa.list_(pa.float32())),
        }
    )
    meta = {
        "model": run.run_id,
        "saw_pixels": run.saw_pixels,
        "synthetic": is_synthetic(run),
        "label_ids": matrices.label_ids,
        "label_names": matrices.names,
        "matrix_hash": matrices.matrix_hash,
        "thresholds": [None if np.isinf(t) else float(t) for t in run.thresholds],
        "note": "Research use only; not for diagnosis.",
    }
    partial = path.with_name(path.name + ".partial")
    try:
        pq.write_table(table.replace_schema_metadata({"lesionkg": json.dumps(meta)}), partial, compression="zstd")
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreError(f"{path}: could not be written ({reason}); make the folder, or free some space") from error
    finally:
        partial.unlink(missing_ok=True)
