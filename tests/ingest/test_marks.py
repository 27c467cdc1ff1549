"""The lesion table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mined_state import mined_state, strings_of

from ingest.marks import MarkRow, RowProblem, load_marks, read_marks
from ingest.vault import Vault
from kg.errors import InputError
from kg.integrity import edge_counts
from kg.store import GraphStore

HEADER = "patient,study,series,image,lesion,bookmark,long_mm,short_mm\n"


def table(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "marks.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault(tmp_path / "vault.db") as opened:
        yield opened


def test_rows_become_lesions_under_surrogates(any_store: GraphStore, vault: Vault, tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "MRN-1,ACC-1,4,61,,BM-7,22,19",
        "MRN-1,ACC-1,4,84,,,24,",
        "MRN-1,ACC-2,4,61,,,,",
        "MRN-2,ACC-1,5,1,,,12.5,9",
    )
    summary = load_marks(any_store, vault, path)
    assert (summary.rows, summary.stored, summary.left_out, summary.problems) == (4, 4, 0, ())
    state = mined_state(any_store)
    assert [len(state[name]) for name in ("Patient", "Study", "Series", "Lesion", "HAS_LESION")] == [2, 3, 3, 4, 4]
    assert {(row.get("long_mm"), row.get("short_mm")) for row in state["Lesion"]} == {
        (22.0, 19.0),
        (24.0, None),
        (None, None),
        (12.5, 9.0),
    }
    assert {row["source"] for row in state["Lesion"] + state["Patient"]} == {"reports"}
    assert not [text for text in strings_of(any_store) if "MRN" in text or "ACC" in text or "BM-7" in text]
    assert load_marks(any_store, vault, path).written == 0
    assert mined_state(any_store) == state
    assert all(count.agrees for count in edge_counts(any_store))
    study = vault.surrogate("study", "MRN-1", "ACC-1")
    assert [(mark.series_number, mark.image, mark.bookmark) for mark in vault.marks([study])[study]] == [
        (4, 61, "BM-7"),
        (4, 84, ""),
    ]


def test_two_rows_on_one_image_are_two_lesions_when_bookmark_or_size_differ(
    embedded_store: GraphStore, vault: Vault, tmp_path: Path
) -> None:
    same = "MRN-1,ACC-1,4,61,,,22,19"
    rows = (same, same, "MRN-1,ACC-1,4,61,,,12,9", "MRN-1,ACC-1,4,61,,BM-1,22,19", "MRN-1,ACC-1,4,61,,BM-2,22,19")
    load_marks(embedded_store, vault, table(tmp_path, *rows))
    assert len(mined_state(embedded_store)["Lesion"]) == 4


def test_a_row_that_names_the_lesion_corrects_it(embedded_store: GraphStore, vault: Vault, tmp_path: Path) -> None:
    load_marks(embedded_store, vault, table(tmp_path, "MRN-1,ACC-1,4,61,,,22,19"))
    ((lesion,),) = [[row["id"] for row in mined_state(embedded_store)["Lesion"]]]
    load_marks(embedded_store, vault, table(tmp_path, f"MRN-1,ACC-1,4,61,{lesion},,25,18"))
    assert mined_state(embedded_store)["Lesion"] == [
        {"id": lesion, "source": "reports", "long_mm": 25.0, "short_mm": 18.0}
    ]
    study = vault.surrogate("study", "MRN-1", "ACC-1")
    assert [(mark.lesion, mark.long_mm, mark.outside) for mark in vault.marks([study])[study]] == [
        (lesion, 25.0, False)
    ]


def test_a_lesion_on_two_images_has_its_greatest_size_in_any_order_of_batches(
    embedded_store: GraphStore, vault: Vault, tmp_path: Path
) -> None:
    load_marks(embedded_store, vault, table(tmp_path, "MRN-1,ACC-1,4,61,,,22,19"))
    lesion = mined_state(embedded_store)["Lesion"][0]["id"]
    load_marks(embedded_store, vault, table(tmp_path, f"MRN-1,ACC-1,4,62,{lesion},,20,19"))
    assert mined_state(embedded_store)["Lesion"][0]["long_mm"] == 22.0


def test_a_lesion_of_the_graph_is_mapped_and_left_as_it_is(
    embedded_store: GraphStore, vault: Vault, tmp_path: Path
) -> None:
    embedded_store.write_transaction(lambda tx: tx.run("CREATE (l:Lesion {id: 'DL:00042', long_mm: 30.0})"))
    summary = load_marks(embedded_store, vault, table(tmp_path, "MRN-1,ACC-1,4,61,DL:00042,,22,19"))
    assert (summary.stored, summary.written) == (1, 0)
    assert mined_state(embedded_store)["Lesion"] == [{"id": "DL:00042", "long_mm": 30.0}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(",ACC-1,4,61,,,,", "patient is empty", id="no patient"),
        pytest.param("MRN-1,,4,61,,,,", "study is empty", id="no study"),
        pytest.param("MRN-1,ACC-1,,61,,,,", "series is not a whole number", id="no series"),
        pytest.param("MRN-1,ACC-1,four,61,,,,", "series is not a whole number", id="series in words"),
        pytest.param("MRN-1,ACC-1,4,-61,,,,", "image is not a whole number", id="a negative image"),
        pytest.param("MRN-1,ACC-1,4,99999999999,,,,", "image is not a whole number", id="too great a number"),
        pytest.param("MRN-1,ACC-1,4,\u0664,,,,", "image is not a whole number", id="other digits"),
        pytest.param("MRN-1,ACC-1,4,61,,,22mm,", "long_mm is not a length", id="a size with its unit"),
        pytest.param("MRN-1,ACC-1,4,61,,,nan,", "long_mm is not a length", id="not a number"),
        pytest.param("MRN-1,ACC-1,4,61,,,22,0", "short_mm is not a length", id="no length"),
        pytest.param("MRN-1,ACC-1,4,61,DL:99999,,,", "no such lesion", id="an unknown lesion"),
        pytest.param("MRN-1,ACC-1,4", "more or fewer cells", id="too few cells"),
        pytest.param("MRN-1,ACC-1,4,61,,,,,,", "more or fewer cells", id="too many cells"),
        pytest.param(f"{'M' * 300},ACC-1,4,61,,,,", "longer than 200", id="a long id"),
        pytest.param("M\x07RN,ACC-1,4,61,,,,", "control characters", id="a control character"),
    ],
)
def test_a_bad_row_is_named_by_its_number_and_the_rest_is_stored(
    embedded_store: GraphStore, vault: Vault, tmp_path: Path, row: str, reason: str
) -> None:
    told: list[RowProblem] = []
    path = table(tmp_path, "MRN-7,ACC-1,4,61,,,,", row, "MRN-8,ACC-1,4,61,,,,")
    summary = load_marks(embedded_store, vault, path, on_problem=told.append)
    assert (summary.rows, summary.stored, summary.left_out) == (3, 2, 1)
    (problem,) = told
    assert problem == summary.problems[0]
    assert problem.row == 3
    assert reason in problem.reason
    assert "MRN" not in problem.reason
    assert len(mined_state(embedded_store)["Lesion"]) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"patient,study,series\n", "column image is missing", id="a missing column"),
        pytest.param(b"", "column patient is missing", id="an empty file"),
        pytest.param(b"patient,study,series,image\n\xff\xfe,1,2,3\n", "UnicodeDecodeError", id="not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "marks.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        list(read_marks(path))
    with pytest.raises(InputError, match="cannot be read"):
        list(read_marks(tmp_path / "absent.csv"))


def test_columns_may_come_in_any_order_and_optional_ones_be_absent(tmp_path: Path) -> None:
    path = table(tmp_path, "61,4,ACC-1,MRN-1,extra", header="\ufeffimage,series,study,patient,remark\n")
    assert list(read_marks(path)) == [MarkRow(2, "MRN-1", "ACC-1", 4, 61)]


def test_batches_of_any_size_give_the_same(embedded_store: GraphStore, vault: Vault, tmp_path: Path) -> None:
    path = table(tmp_path, *(f"MRN-{n // 4},ACC-{n // 2},4,{n},,,{n + 1},1" for n in range(30)))
    load_marks(embedded_store, vault, path, batch=7)
    state = mined_state(embedded_store)
    assert load_marks(embedded_store, vault, path, batch=30).written == 0
    assert mined_state(embedded_store) == state
