"""What was released about DeepLesion's lesions: NIH's table of them and the label lists of LesaNet's authors.

The columns that this project needs ship inside it as two small Parquet files in ``ingest/tables``; the same content
comes from the official files themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.deeplesion import LESION_SCHEMA, OFFICIAL_ROWS, read_dl_info
from ingest.label_lists import LABEL_SCHEMA, LabelLists, read_label_lists
from kg.cohort import COHORT_SCHEMA, Cohort
from kg.errors import InputError
from kg.matrices import RelationMatrices
from kg.tables import shipped_text


@dataclass(frozen=True)
class Origin:
    """Where lesions come from, and how the graph names them.

    Attributes:
        source: ``source`` of patients and lesions in the graph.
        prefix: of the ids of lesions, patients, studies and series.
        label_source: ``source`` of the label relationships.
        cohort: name of the cohort with the lists.
        synthetic: whether no patient stands behind them.
    """

    source: str
    prefix: str
    label_source: str
    cohort: str
    synthetic: bool


DEEPLESION = Origin("DeepLesion", "DL:", "lesanet", "lesanet", False)
PHANTOM = Origin("phantom (synthetic)", "PHANTOM:", "phantom (synthetic)", "phantom", True)
"""A made-up set in the same file formats (:mod:`ingest.phantom`)."""
PHANTOM_MANIFEST = "phantom.json"
"""Lies in the folder of a phantom set: an object with ``"synthetic": true`` and ``lesions``, their number."""
INFO_FILE, LABELS_FILE = "DL_info.csv", "text_mined_labels_171_and_split.json"

_META_KEY = b"lesionkg"
_LESIONS, _LABELS = "lesions.parquet", "labels.parquet"
_LESIONS_FORMAT, _LABELS_FORMAT = "lesionkg-deeplesion-lesions/1", "lesionkg-lesanet-labels/1"
_LESIONS_ORIGIN = {
    "origin": "Columns of DL_info.csv of the DeepLesion data set, National Institutes of Health Clinical Center: "
    "indices and split of all lesions, every column where it was at hand. Coordinates are 0-based here.",
    "terms": "Made public by the NIH Clinical Center, which asks users to cite the article below. Patient numbers are "
    "the published ones; they identify nobody.",
    "citation": "K. Yan, X. Wang, L. Lu, R. M. Summers: DeepLesion: automated mining of large-scale lesion annotations "
    "and universal lesion detection with deep learning. Journal of Medical Imaging 5(3), 036501 (2018).",
}
_LABELS_ORIGIN = {
    "origin": "text_mined_labels_171_and_split.json of the LesaNet release, National Institutes of Health Clinical "
    "Center: all label lists, order and duplicates kept.",
    "citation": "K. Yan, Y. Peng, V. Sandfort, M. Bagheri, Z. Lu, R. M. Summers: Holistic and comprehensive annotation "
    "of clinically significant findings on diverse CT images: learning from radiology reports and label ontology. "
    "CVPR (2019).",
}


@dataclass(frozen=True)
class Release:
    """All lesions and the label lists of some of them.

    Attributes:
        lesions: one row a lesion, :data:`ingest.deeplesion.LESION_SCHEMA`; row number = lesion index.
        labels: label lists of the lesions LesaNet uses.
        origin: where they come from.
    """

    lesions: pa.Table
    labels: LabelLists
    origin: Origin = DEEPLESION

    @classmethod
    def read_official(cls, info: Path | str, labels: Path | str, expected_rows: int = OFFICIAL_ROWS) -> Release:
        """Read DL_info.csv and the released label file.

        Raises:
            InputError: one of them is missing, damaged, or refers to lesions that the other does not have.
        """
        lists = read_label_lists(labels)
        lesions = read_dl_info(info, expected_rows)
        lists.require_lesions(lesions.num_rows)
        return cls(lesions, lists)

    @classmethod
    def read_phantom(cls, folder: Path | str) -> Release:
        """Read a synthetic set written by ``lesionkg phantom make``.

        Raises:
            InputError: the folder holds none, or its files are damaged.
        """
        where = Path(folder)
        try:
            manifest = json.loads((where / PHANTOM_MANIFEST).read_text(encoding="utf-8"))
            if manifest["synthetic"] is not True:
                raise ValueError("not marked as synthetic")
            lesions = int(manifest["lesions"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{where}: not a phantom set ({type(error).__name__}); make one with `lesionkg phantom make`"
            ) from error
        return replace(cls.read_official(where / INFO_FILE, where / LABELS_FILE, lesions), origin=PHANTOM)

    @classmethod
    def shipped(cls) -> Release:
        """Read the tables that come with this project.

        Raises:
            InputError: this installation lacks one of them, or it is damaged.
        """
        with resources.as_file(resources.files("ingest") / "tables") as folder:
            return cls.read_tables(folder)

    @classmethod
    def read_tables(cls, folder: Path | str) -> Release:
        """Read the two Parquet files of a folder.

        Raises:
            InputError: a file is missing, truncated, or not one of ours.
        """
        lesions, _ = _read(Path(folder) / _LESIONS, LESION_SCHEMA, _LESIONS_FORMAT)
        table, meta = _read(Path(folder) / _LABELS, LABEL_SCHEMA, _LABELS_FORMAT)
        lists = LabelLists(tuple(meta["terms"]), table)
        lists.require_lesions(lesions.num_rows)
        return cls(lesions, lists)

    def write_tables(self, folder: Path | str) -> tuple[Path, Path]:
        """Write the two Parquet files; equal content gives equal bytes.

        Returns:
            Their paths: lesions, labels.
        """
        licence = {"licence": shipped_text("LICENSE-LesaNet.txt").strip()}
        lesions, labels = Path(folder) / _LESIONS, Path(folder) / _LABELS
        _write(lesions, self.lesions, {"format": _LESIONS_FORMAT, **_LESIONS_ORIGIN})
        meta = {"format": _LABELS_FORMAT, **_LABELS_ORIGIN, **licence, "terms": self.labels.terms}
        _write(labels, self.labels.table, meta)
        return lesions, labels

    def cohort(self, matrices: RelationMatrices) -> Cohort:
        """The cohort ``lesanet`` (or ``phantom``): the lists and their own split, with what is known of each lesion.

        Args:
            matrices: relations of the label set of the lists; they name the columns and fix the labels as expanded.

        Raises:
            InputError: the lists have other labels.
        """
        self.labels.require_columns(matrices.names, matrices.label_set)
        rows = self.lesions.take(self.labels.table["index"])
        patient, study, series = study_ids(rows, self.origin.prefix)
        given: Mapping[str, object] = {
            "lesion": lesion_ids(rows["index"].to_pylist(), self.origin.prefix),
            "patient": patient,
            "study": study,
            "series": series,
            "official_split": rows["split"],
            **{kind: self.labels.table[kind] for kind in ("split", "relevant", "uncertain", "irrelevant")},
        }
        columns = [given.get(name, rows[name] if name in rows.column_names else None) for name in COHORT_SCHEMA.names]
        return Cohort.freeze(
            name=self.origin.cohort,
            label_set=matrices.label_set,
            label_ids=matrices.label_ids,
            label_names=matrices.names,
            revision=matrices.revision,
            ontology_hash=matrices.ontology_hash,
            matrix_hash=matrices.matrix_hash,
            table=pa.table(columns, names=COHORT_SCHEMA.names),
        )


def lesion_ids(indices: Iterable[int], prefix: str = DEEPLESION.prefix) -> list[str]:
    """Graph ids of lesions, e.g. ``DL:00042``."""
    return [f"{prefix}{index:05d}" for index in indices]


def study_ids(lesions: pa.Table, prefix: str = DEEPLESION.prefix) -> tuple[list[str], list[str], list[str]]:
    """Graph ids of each row's patient, study and series, e.g. ``DL:P0001``, ``DL:P0001:S02``, ``DL:P0001:S02:R01``.

    The numbers are the indices DeepLesion publishes.
    """
    patients = [f"{prefix}P{p:04d}" for p in lesions["patient"].to_pylist()]
    studies = [f"{p}:S{s:02d}" for p, s in zip(patients, lesions["study"].to_pylist(), strict=True)]
    series = [f"{s}:R{r:02d}" for s, r in zip(studies, lesions["series"].to_pylist(), strict=True)]
    return patients, studies, series


def _write(path: Path, table: pa.Table, meta: Mapping[str, object]) -> None:
    partial = path.with_name(path.name + ".partial")
    text = json.dumps(meta, ensure_ascii=False, sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table.combine_chunks().replace_schema_metadata({_META_KEY: text}),
        partial,
        compression="zstd",
        compression_level=19,
    )
    partial.replace(path)


def _read(path: Path, schema: pa.Schema, expected: str) -> tuple[pa.Table, dict[str, Any]]:
    try:
        table = pq.read_table(path)
        meta = json.loads((table.schema.metadata or {})[_META_KEY])
        if meta["format"] != expected:
            raise InputError(f"{path}: format {meta['format']!r}, expected {expected!r}; build the tables again")
        return table.replace_schema_metadata(None).cast(schema), meta
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a whole table of ours ({type(error).__name__}); install lesionkg again, "
            "or build the tables with `lesionkg ingest build-tables`"
        ) from error
