"""The released content as shipped tables, as official files, and as the cohort ``lesanet``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from ingest.release import Release, lesion_ids, study_ids
from kg.cohort import Cohort
from kg.cohort_figures import figures
from kg.errors import InputError
from kg.matrices import RelationMatrices, multi_hot
from kg.shipped import load_shipped

FOLDER = Path(__file__).resolve().parents[2] / "ingest" / "tables"


@pytest.fixture(scope="module")
def shipped() -> Release:
    """The shipped release."""
    return Release.shipped()


@pytest.fixture(scope="module")
def matrices() -> RelationMatrices:
    """Relations of the 171 labels, repaired."""
    return RelationMatrices.from_ontology(load_shipped(), "lesanet-171")


@pytest.fixture(scope="module")
def cohort(shipped: Release, matrices: RelationMatrices) -> Cohort:
    """The cohort of the released lists."""
    return shipped.cohort(matrices)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with copies of the shipped tables."""
    shutil.copytree(FOLDER, tmp_path / "tables")
    return tmp_path / "tables"


def test_the_shipped_tables_are_the_official_files(shipped: Release, shared_data: Path, tmp_path: Path) -> None:
    official = Release.read_official(
        shared_data / "deeplesion" / "lesions.csv", shared_data / "lesanet" / "text_mined_labels_171_and_split.json"
    )
    assert official == shipped
    for built in official.write_tables(tmp_path):
        assert built.read_bytes() == (FOLDER / built.name).read_bytes()


def test_the_shipped_tables_are_small_and_carry_their_terms_of_use() -> None:
    files = sorted(FOLDER.glob("*.parquet"))
    assert [file.name for file in files] == ["labels.parquet", "lesions.parquet"]
    assert sum(file.stat().st_size for file in files) < 4_000_000
    for file in files:
        meta = json.loads(pq.read_schema(file).metadata[b"lesionkg"])
        assert "National Institutes of Health" in meta["origin"]
        assert "K. Yan" in meta["citation"]
    assert "Redistribution and use" in json.loads(pq.read_schema(files[0]).metadata[b"lesionkg"])["licence"]


def test_writing_and_reading_tables_changes_nothing(shipped: Release, tmp_path: Path) -> None:
    shipped.write_tables(tmp_path / "new folder")
    assert Release.read_tables(tmp_path / "new folder") == shipped


@pytest.mark.parametrize("name", ["lesions.parquet", "labels.parquet"])
@pytest.mark.parametrize("keep", [0, 3, 1000, 100_000, -1])
def test_a_truncated_table_is_refused(copied: Path, name: str, keep: int) -> None:
    path = copied / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="not a whole table of ours"):
        Release.read_tables(copied)


def test_a_missing_or_foreign_table_is_refused(copied: Path) -> None:
    (copied / "labels.parquet").write_bytes((copied / "lesions.parquet").read_bytes())
    with pytest.raises(InputError, match=r"labels\.parquet: format"):
        Release.read_tables(copied)
    (copied / "lesions.parquet").unlink()
    with pytest.raises(InputError, match=r"lesions\.parquet: not a whole table"):
        Release.read_tables(copied)


def test_tables_that_do_not_fit_each_other_are_refused(copied: Path) -> None:
    pq.write_table(pq.read_table(copied / "lesions.parquet").slice(0, 100), copied / "lesions.parquet")
    with pytest.raises(InputError, match="lies beyond the 100 lesions"):
        Release.read_tables(copied)


def test_ids_are_padded_and_nested(shipped: Release) -> None:
    assert lesion_ids([0, 32_734]) == ["DL:00000", "DL:32734"]
    patients, studies, series = study_ids(shipped.lesions.slice(0, 2))
    assert patients == ["DL:P0001", "DL:P0001"]
    assert studies == ["DL:P0001:S01", "DL:P0001:S02"]
    assert series == ["DL:P0001:S01:R01", "DL:P0001:S02:R01"]


def test_the_cohort_has_the_published_sizes(cohort: Cohort, matrices: RelationMatrices) -> None:
    counted = {row.split: row for row in figures(cohort, matrices)}
    assert [counted[s].lesions for s in ("train", "val", "test")] == [20_266, 1_976, 1_879]
    assert [counted[s].positives for s in ("train", "val", "test")] == [81_430, 7_686, 7_338]
    assert [counted[s].with_positive for s in ("train", "val", "test")] == [19_221, 1_852, 1_761]
    assert [counted[s].with_metadata for s in ("train", "val", "test")] == [2_717, 1_976, 1_879]
    assert [counted[s].usable for s in ("train", "val", "test")] == [2_564, 1_852, 1_761]


def test_the_repaired_ontology_finds_the_contradictory_lesions(cohort: Cohort, matrices: RelationMatrices) -> None:
    assert [row.contradictory for row in figures(cohort, matrices)] == [1_437, 84, 88]


def test_22_of_the_250_hand_labelled_lesions_are_contradictory(matrices: RelationMatrices, shared_data: Path) -> None:
    rows = json.loads((shared_data / "lesanet" / "hand_labeled_dev_250.json").read_text())
    column = {name: i for i, name in enumerate(matrices.names)}
    labels = multi_hot([[column[t] for t in row["expanded_terms"] if t in column] for row in rows], matrices.size)
    assert labels.shape == (250, 171)
    assert len(np.unique(matrices.contradictions(labels)[:, 0])) == 22


def test_the_two_splits_differ_as_known(cohort: Cohort) -> None:
    known = cohort.subset("train").filter(cohort.subset("train").has_metadata).table
    assert known["official_split"].to_pylist().count("val") == 2_057
    patients = {s: set(cohort.subset(s).table["patient"].to_pylist()) for s in ("train", "val", "test")}
    assert patients["train"] & patients["val"] == {"DL:P0614", "DL:P0690", "DL:P1290", "DL:P2842"}
    assert not (patients["train"] | patients["val"]) & patients["test"]
    assert (
        len(set(cohort.subset("test").filter(cohort.subset("test").has_positive).table["patient"].to_pylist())) == 506
    )


def test_the_coarse_type_is_not_in_the_cohort(cohort: Cohort, shipped: Release) -> None:
    assert "coarse_type" in shipped.lesions.column_names
    assert "coarse_type" not in cohort.table.column_names


def test_a_cohort_file_holds_everything(cohort: Cohort, tmp_path: Path) -> None:
    cohort.write_parquet(tmp_path / "lesanet.parquet")
    assert Cohort.read_parquet(tmp_path / "lesanet.parquet") == cohort
