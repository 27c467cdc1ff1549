"""Reading the released label file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.label_lists import LabelLists, read_label_lists
from kg.errors import InputError


def synthetic(**changes: Any) -> dict[str, Any]:
    return {
        "term_list": ["chest", "lung", "nodule"],
        "train_lesion_idxs": [4, 2],
        "train_relevant_labels": [[1, 0, 1, 0], []],
        "train_uncertain_labels": [[], [2]],
        "train_irrelevant_labels": [[2, 2], []],
        "val_lesion_idxs": [7],
        "val_relevant_labels": [[0]],
        "val_uncertain_labels": [[]],
        "test_lesion_idxs": [],
        "test_relevant_labels": [],
        "test_uncertain_labels": [],
        **changes,
    }


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(content))
    return path


def test_order_and_duplicates_of_the_file_are_kept(tmp_path: Path) -> None:
    lists = read_label_lists(write(tmp_path, synthetic()))
    assert lists.terms == ("chest", "lung", "nodule")
    assert lists.table["index"].to_pylist() == [4, 2, 7]
    assert lists.table["split"].to_pylist() == ["train", "train", "val"]
    assert lists.lists("relevant") == [[1, 0, 1, 0], [], [0]]
    assert lists.lists("irrelevant") == [[2, 2], [], []]


@pytest.mark.parametrize("key", list(synthetic()))
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    content = synthetic()
    del content[key]
    with pytest.raises(InputError, match=f"key {key} is missing"):
        read_label_lists(write(tmp_path, content))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param(
            {"train_relevant_labels": [[3], []]}, "train_relevant_labels names an unknown label", id="too high"
        ),
        pytest.param({"val_relevant_labels": [[-1]]}, "val_relevant_labels names an unknown label", id="negative"),
        pytest.param({"val_relevant_labels": [[99999]]}, "other than whole numbers", id="beyond 16 bits"),
        pytest.param({"val_relevant_labels": [["nodule"]]}, "other than whole numbers", id="names for columns"),
        pytest.param({"val_relevant_labels": [[0.5]]}, "other than whole numbers", id="half a column"),
        pytest.param({"val_relevant_labels": [[True]]}, "other than whole numbers", id="true"),
        pytest.param({"val_relevant_labels": [None]}, "empty entry", id="null list"),
        pytest.param({"val_relevant_labels": [[None]]}, "names an unknown label", id="null column"),
        pytest.param({"val_relevant_labels": [0]}, "other than whole numbers", id="a number for a list"),
        pytest.param({"val_relevant_labels": [[0], [1]]}, "2 lists for 1 lesions", id="one list too many"),
        pytest.param({"train_uncertain_labels": [[]]}, "1 lists for 2 lesions", id="one list too few"),
        pytest.param({"val_lesion_idxs": [4]}, "lesion index 4 appears twice", id="lesion in two splits"),
        pytest.param({"train_lesion_idxs": [2, 2]}, "lesion index 2 appears twice", id="lesion twice"),
        pytest.param({"val_lesion_idxs": [32735]}, "32735 is not one of the 32735 rows", id="lesion beyond the file"),
        pytest.param({"val_lesion_idxs": [-1]}, "-1 is not one of", id="negative lesion"),
        pytest.param(
            {"term_list": ["chest", "chest", "lung"]}, "not a list of distinct label names", id="repeated term"
        ),
        pytest.param(
            {"term_list": ["chest", 2, "lung"]}, "not a list of distinct label names", id="a number for a term"
        ),
        pytest.param({"term_list": "chest"}, "key term_list is not a list", id="a word for a list"),
    ],
)
def test_a_damaged_file_gives_one_clear_line(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as caught:
        read_label_lists(write(tmp_path, synthetic(**changes)))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '"text"', "\x00", pytest.param("[" * 200_000, id="deep")])
def test_a_file_that_is_not_such_json_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"labels\.json"):
        read_label_lists(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_label_lists(tmp_path / "absent.json")


def test_columns_must_be_those_of_the_label_set_in_its_order(tmp_path: Path) -> None:
    lists = read_label_lists(write(tmp_path, synthetic()))
    lists.require_columns(["chest", "lung", "nodule"], "synthetic-3")
    with pytest.raises(InputError, match="'nodule' is not a label of synthetic-2"):
        lists.require_columns(["chest", "lung"], "synthetic-2")
    with pytest.raises(InputError, match="not all of synthetic-3 in order"):
        lists.require_columns(["lung", "chest", "nodule"], "synthetic-3")


def test_a_lesion_beyond_the_lesion_table_is_refused(tmp_path: Path) -> None:
    lists = read_label_lists(write(tmp_path, synthetic()))
    lists.require_lesions(8)
    with pytest.raises(InputError, match="index 7 lies beyond the 7 lesions"):
        lists.require_lesions(7)


def test_lists_of_another_source_are_read_and_never_joined_to_deeplesion(tmp_path: Path) -> None:
    numbered = {"train_lesion_idxs": [40_000, 2], "lesions": {"2": "L-b", "7": "L-c", "40000": "L-a"}}
    lists = read_label_lists(write(tmp_path, synthetic(**numbered)))
    assert lists.others == {2, 7, 40_000}
    with pytest.raises(InputError, match="3 lesions of another source"):
        lists.require_lesions(100_000)
    with pytest.raises(InputError, match="lesion index 40000 is not one of"):
        read_label_lists(write(tmp_path, synthetic(train_lesion_idxs=[40_000, 2], lesions={"2": "L-b"})))
    with pytest.raises(InputError, match="key lesions"):
        read_label_lists(write(tmp_path, synthetic(lesions={"first": "L-a"})))


@pytest.fixture(scope="module")
def real(shared_data: Path) -> LabelLists:
    """The released lists."""
    return read_label_lists(shared_data / "lesanet" / "text_mined_labels_171_and_split.json")


def test_the_real_file_has_the_published_counts(real: LabelLists) -> None:
    splits = real.table["split"].to_pylist()
    assert [splits.count(s) for s in ("train", "val", "test")] == [20_266, 1_976, 1_879]
    assert len(real.terms) == 171
    relevant = [row for row, split in zip(real.lists("relevant"), splits, strict=True) if split == "train"]
    assert sum(len(row) for row in relevant) == 103_110
    assert sum(len(set(row)) for row in relevant) == 79_361
    assert sum(len(set(row)) for row in real.lists("irrelevant")) == 8_466
