"""Cohorts as values and files; all lesions here are synthetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.cohort import COHORT_SCHEMA, Cohort
from kg.cohort_figures import SplitFigures, figures
from kg.errors import CohortError, InputError, MatrixError, UsageError
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped

CHEST, LUNG, NODULE = range(3)


def lesion(index: int, split: str = "train", **values: Any) -> dict[str, Any]:
    return {
        "lesion": f"X:{index}",
        "index": index,
        "patient": "X:P1",
        "study": "X:P1:S1",
        "series": "X:P1:S1:R1",
        "split": split,
        "relevant": [],
        "uncertain": [],
        "irrelevant": [],
        **values,
    }


MEASURED = {"measurement": [0.0, 0.0, 9.5, 0.0, 4.0, 1.0, 4.0, 3.0], "long_mm": 9.5, "age": 61.0, "noisy": False}
ROWS = (
    lesion(7, relevant=[LUNG, CHEST, LUNG, CHEST], uncertain=[NODULE], **MEASURED),
    lesion(2, uncertain=[CHEST]),
    lesion(4, split="val", relevant=[NODULE], uncertain=[LUNG], **MEASURED),
    lesion(5, split="test", irrelevant=[CHEST], **MEASURED),
)


def freeze(*rows: dict[str, Any], name: str = "synthetic", matrix_hash: str = "m", **changes: Any) -> Cohort:
    given = {
        "label_set": "synthetic-3",
        "label_ids": ("A", "B", "C"),
        "label_names": ("chest", "lung", "nodule"),
        "revision": 4,
        "ontology_hash": "o",
        **changes,
    }
    table = pa.Table.from_pylist(list(rows or ROWS), COHORT_SCHEMA)
    return Cohort.freeze(name=name, matrix_hash=matrix_hash, table=table, **given)


def test_lesions_are_sorted_by_index_whatever_the_order_of_reading() -> None:
    cohort = freeze()
    assert cohort.table["index"].to_pylist() == [2, 4, 5, 7]
    assert freeze(*reversed(ROWS)) == cohort


def test_positive_means_relevant_or_uncertain_in_train_and_relevant_elsewhere() -> None:
    assert freeze().positive_matrix().toarray().tolist() == [
        [True, False, False],
        [False, False, True],
        [False, False, False],
        [True, True, True],
    ]


def test_matrices_hold_the_lists_without_duplicates() -> None:
    cohort = freeze()
    assert cohort.relevant_matrix().shape == (4, 3)
    assert (cohort.relevant_matrix().nnz, cohort.uncertain_matrix().nnz, cohort.irrelevant_matrix().nnz) == (3, 3, 1)


def test_a_split_is_a_view_that_keeps_the_id_and_cannot_be_written(tmp_path: Path) -> None:
    cohort = freeze()
    train = cohort.subset("train")
    assert (train.id, train.size) == (cohort.id, 2)
    assert train.relevant_matrix().toarray().tolist() == [[False] * 3, [True, True, False]]
    assert train.has_metadata.tolist() == [False, True]
    assert cohort.has_positive.tolist() == [True, True, False, True]
    with pytest.raises(CohortError, match="not those that were frozen"):
        train.write_parquet(tmp_path / "train.parquet")
    with pytest.raises(UsageError, match="split 'dev'"):
        cohort.subset("dev")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(freeze(), True, id="nothing"),
        pytest.param(freeze(revision=9, ontology_hash="p"), True, id="a revision with the same relations"),
        pytest.param(freeze(label_names=("thorax", "lung", "nodule")), True, id="a label renamed"),
        pytest.param(freeze(matrix_hash="n"), False, id="relations"),
        pytest.param(freeze(*ROWS[1:]), False, id="a lesion fewer"),
        pytest.param(freeze({**ROWS[0], "relevant": [LUNG, CHEST]}, *ROWS[1:]), False, id="a duplicate fewer"),
        pytest.param(freeze({**ROWS[0], "split": "val"}, *ROWS[1:]), False, id="a split"),
        pytest.param(freeze({**ROWS[0], "age": 62.0}, *ROWS[1:]), False, id="an age"),
        pytest.param(freeze(label_ids=("A", "C", "B")), False, id="the order of the columns"),
    ],
)
def test_the_id_names_content_split_and_relations(other: Cohort, same: bool) -> None:
    assert (other.id == freeze().id) is same


def test_the_label_data_hash_leaves_metadata_and_relations_alone() -> None:
    assert freeze({**ROWS[0], "age": 62.0}, *ROWS[1:], matrix_hash="n").label_data_hash == freeze().label_data_hash
    assert freeze({**ROWS[0], "relevant": [LUNG]}, *ROWS[1:]).label_data_hash != freeze().label_data_hash


def test_a_parquet_file_reads_back_equal_and_is_the_same_every_time(tmp_path: Path) -> None:
    cohort = freeze()
    cohort.write_parquet(tmp_path / "a.parquet")
    freeze(*reversed(ROWS)).write_parquet(tmp_path / "b.parquet")
    assert Cohort.read_parquet(tmp_path / "a.parquet") == cohort
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            lesion,
            st.integers(0, 10**6),
            st.sampled_from(["train", "val", "test"]),
            relevant=st.lists(st.integers(0, 2)),
            uncertain=st.lists(st.integers(0, 2)),
            age=st.none() | st.floats(1, 99),
            box=st.none() | st.lists(st.floats(0, 511), min_size=4, max_size=4),
        ),
        min_size=1,
        unique_by=lambda row: row["index"],
    )
)
def test_any_cohort_survives_its_file(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    cohort = freeze(*rows)
    cohort.write_parquet(tmp_path / "cohort.parquet")
    assert Cohort.read_parquet(tmp_path / "cohort.parquet") == cohort


@pytest.mark.parametrize("keep", [0, 4, 200, 2000, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cohort.parquet"
    freeze().write_parquet(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="not a whole cohort file"):
        Cohort.read_parquet(path)


def test_a_file_whose_content_was_changed_is_refused(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "cohort.parquet"
    freeze().write_parquet(path)
    table = pq.read_table(path)
    ages = table.column_names.index("age")
    pq.write_table(table.set_column(ages, table.schema.field(ages), pa.array([50.0] * 4)), path)
    with pytest.raises(InputError, match="metadata is not what was frozen"):
        Cohort.read_parquet(path)


def test_a_file_that_is_no_cohort_is_refused(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    for file in (path, tmp_path / "absent.parquet"):
        with pytest.raises(InputError, match="not a whole cohort file"):
            Cohort.read_parquet(file)


def test_json_holds_labels_and_lesions_and_leaves_out_what_is_unknown(tmp_path: Path) -> None:
    cohort = freeze()
    cohort.write_json(tmp_path / "cohort.json")
    document = json.loads((tmp_path / "cohort.json").read_text())
    assert document["id"] == cohort.id
    assert document["labels"][1] == {"id": "B", "name": "lung"}
    assert document["lesions"][0] == lesion(2, uncertain=[CHEST])
    assert document["lesions"][3]["relevant"] == [LUNG, CHEST, LUNG, CHEST]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param([ROWS[0], ROWS[0]], "lesion index 7 appears twice", id="a lesion twice"),
        pytest.param([lesion(1, split="dev")], "split 'dev' is not one of", id="unknown split"),
        pytest.param([lesion(1, relevant=[3])], "a relevant label lies outside", id="unknown label"),
        pytest.param([lesion(1, uncertain=[-1])], "a uncertain label lies outside", id="negative label"),
    ],
)
def test_rows_that_make_no_cohort_are_refused(rows: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(CohortError, match=reason):
        freeze(*rows)


def test_a_missing_value_column_or_type_is_refused() -> None:
    schema = pa.schema([field.with_nullable(True) for field in COHORT_SCHEMA])
    table = pa.Table.from_pylist([lesion(1, patient=None)], schema)
    with pytest.raises(CohortError, match="patient is empty for a lesion"):
        Cohort.freeze("synthetic", "s", ("A",), ("chest",), 1, "o", "m", table)
    with pytest.raises(CohortError, match="no column age"):
        Cohort.freeze("synthetic", "s", ("A",), ("chest",), 1, "o", "m", table.drop_columns("age"))
    whole = pa.Table.from_pylist([lesion(1)], schema)
    words = whole.set_column(schema.get_field_index("age"), "age", pa.array(["sixty"]))
    with pytest.raises(CohortError, match="values of another type"):
        Cohort.freeze("synthetic", "s", ("A",), ("chest",), 1, "o", "m", words)


@pytest.mark.parametrize("name", ["", "Upper", "with space", "-first", "a" * 65, "a/b", "../x"])
def test_a_name_that_does_not_fit_an_id_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="use lower-case letters"):
        freeze(name=name)


def test_figures_count_each_split_and_refuse_other_columns() -> None:
    matrices = RelationMatrices.from_ontology(load_shipped(), "lesanet-171")
    with pytest.raises(MatrixError, match="not the label columns"):
        figures(freeze(), matrices)
    column = {name: i for i, name in enumerate(matrices.names)}
    rows = (
        lesion(1, relevant=[column["left lung"], column["right lung"]]),
        lesion(2, relevant=[column["left lung"]], **MEASURED),
        lesion(3, split="val", uncertain=[column["left lung"]], **MEASURED),
    )
    cohort = freeze(*rows, label_ids=matrices.label_ids, label_names=matrices.names)
    assert figures(cohort, matrices) == [
        SplitFigures("train", 2, 1, 3, 2, 1, 1, 1),
        SplitFigures("val", 1, 1, 0, 0, 1, 0, 0),
        SplitFigures("test", 0, 0, 0, 0, 0, 0, 0),
    ]
