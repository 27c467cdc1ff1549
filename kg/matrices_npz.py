"""Relation matrices as NumPy's own file format, for those who read no safetensors."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from kg import algebra
from kg.errors import InputError
from kg.matrices import RelationMatrices

_FORMAT = "lesionkg-relation-matrices/1"
_PAIRS = ("ancestors", "exclusive")
_TEXTS = ("label_ids", "names", "classes")


def save_npz(matrices: RelationMatrices, file: Path | str | IO[bytes]) -> None:
    """Write everything to an ``.npz`` file; equal content gives equal bytes.

    Matrices are pairs of columns, int64, shape (k, 2): ``ancestors`` and ``parents`` hold (label, ancestor),
    ``exclusive`` and ``exclusive_minimal`` each pair once. ``label_ids``, ``names`` and ``classes`` have shape (C,).
    """
    np.savez_compressed(
        file,
        ancestors=algebra.to_pairs(matrices.ancestors),
        parents=algebra.to_pairs(matrices.parents),
        exclusive=algebra.to_pairs(matrices.exclusive, symmetric=True),
        exclusive_minimal=algebra.to_pairs(matrices.exclusive_minimal, symmetric=True),
        label_ids=np.array(matrices.label_ids, str),
        names=np.array(matrices.names, str),
        classes=np.array(matrices.classes, str),
        format=np.array(_FORMAT),
        label_set=np.array(matrices.label_set),
        revision=np.array(matrices.revision, np.int64),
        ontology_hash=np.array(matrices.ontology_hash),
        matrix_hash=np.array(matrices.matrix_hash),
    )


def load_npz(file: Path | str | IO[bytes]) -> RelationMatrices:
    """Read a file written by :func:`save_npz`.

    Raises:
        InputError: no such file, not one of ours, or its content does not match its hash.
    """
    try:
        with np.load(file, allow_pickle=False) as held:
            if str(held["format"]) != _FORMAT:
                raise InputError(f"{file}: format {held['format']!s}, expected {_FORMAT!r}; export the matrices again")
            texts = {name: tuple(held[name].tolist()) for name in _TEXTS}
            pairs = {name: held[name] for name in _PAIRS}
            stamp = {name: str(held[name]) for name in ("label_set", "ontology_hash", "matrix_hash")}
            revision = int(held["revision"])
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{file}: not a relation matrices file ({type(error).__name__}); export it again") from error
    size = len(texts["label_ids"])
    out = RelationMatrices(
        label_set=stamp["label_set"],
        ancestors=algebra.from_pairs(pairs["ancestors"], size),
        exclusive=algebra.from_pairs(pairs["exclusive"], size, symmetric=True),
        revision=revision,
        ontology_hash=stamp["ontology_hash"],
        **texts,
    )
    if out.matrix_hash != stamp["matrix_hash"]:
        raise InputError(f"{file}: content does not match its matrix hash; the file was altered, export it again")
    return out
