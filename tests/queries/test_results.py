"""Results leave as a table, CSV, JSON and Parquet, and come back as they were."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from kg.errors import LesionKGError, UsageError
from queries.results import NOTICE, Format, Result, as_arrow, as_json, as_table, write, write_csv

RESULT = Result(
    ("lesion", "labels", "long_mm", "verified", "note"),
    (("DL:00001", ["liver", "mass"], 12.345678, True, None), ("DL:00002", [], 3.0, False, 'say "a, b"\nand c')),
    notes=("model-1: This model saw no pixels.",),
    seconds=0.25,
)


def all_of_csv(result: Result) -> list[list[str]]:
    stream = io.StringIO()
    write_csv(result, stream)
    return list(csv.reader(io.StringIO(stream.getvalue(), newline="")))


def csv_of(result: Result) -> list[list[str]]:
    """Without the last column, which is empty but for the notice in its heading."""
    heading, *rows = all_of_csv(result)
    assert heading[-1].startswith(NOTICE) and all(row[-1] == "" for row in rows)
    return [heading[:-1], *(row[:-1] for row in rows)]


def table_of(result: Result) -> str:
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(as_table(result, "title"))
    return console.export_text()


def test_csv_quotes_what_needs_it_and_writes_lists_as_json() -> None:
    assert csv_of(RESULT) == [
        ["lesion", "labels", "long_mm", "verified", "note"],
        ["DL:00001", '["liver", "mass"]', "12.345678", "true", ""],
        ["DL:00002", "[]", "3.0", "false", 'say "a, b"\nand c'],
    ]


def test_every_export_carries_the_notice_the_notes_and_whether_rows_are_missing(tmp_path: Path) -> None:
    cut = replace(RESULT, truncated=True)
    heading = all_of_csv(cut)[0][-1]
    assert heading == f"{NOTICE} model-1: This model saw no pixels. There are more rows."
    assert all_of_csv(Result((), ())) == [[NOTICE]]
    document = as_json(cut)
    assert (document["notice"], document["notes"], document["truncated"]) == (NOTICE, list(RESULT.notes), True)
    metadata = as_arrow(cut).schema.metadata
    assert (metadata[b"notice"].decode(), metadata[b"truncated"]) == (NOTICE, b"true")
    write(cut, Format.CSV, tmp_path / "out.csv")
    read = pyarrow.csv.read_csv(tmp_path / "out.csv", parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True))
    assert read.column_names == [*RESULT.columns, heading]
    assert read.column("long_mm").to_pylist() == [12.345678, 3.0]


@pytest.mark.parametrize(
    "start",
    ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u00a0=", "'=", '"=', "\u200b=", "\ufeff@", "\uff1d", "\uff0b",
     "\uff0d", "\uff20", " '\"\uff1d", "\x01="],
)  # fmt: skip
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    rows = csv_of(Result((f"{start}column",), ((f"{start}1+1",), ("plain",))))
    assert rows == [[f"'{start}column"], [f"'{start}1+1"], ["plain"]]


def test_a_negative_number_stays_a_number() -> None:
    assert csv_of(Result(("weight",), ((-0.5,), (-3,)))) == [["weight"], ["-0.5"], ["-3"]]


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")), min_size=1, max_size=4))
def test_no_cell_of_text_begins_like_a_formula_and_every_text_can_be_read_back(texts: list[str]) -> None:
    cells = csv_of(Result(("text",), tuple((text,) for text in texts)))[1:]
    read = [row[0] if row else "" for row in cells]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d")) for cell in read)
    assert [cell[1:] if cell != text else cell for cell, text in zip(read, texts, strict=True)] == texts


def test_json_is_one_document_that_any_reader_accepts() -> None:
    odd = Result(("a", "b"), ((float("nan"), {"x": [float("inf"), 1]}),), truncated=True)
    assert json.loads(json.dumps(as_json(odd), allow_nan=False))["rows"] == [{"a": None, "b": {"x": [None, 1]}}]
    document = as_json(RESULT)
    assert document["columns"] == list(RESULT.columns)
    assert document["rows"][0] == {
        "lesion": "DL:00001", "labels": ["liver", "mass"], "long_mm": 12.345678, "verified": True, "note": None
    }  # fmt: skip
    assert (document["truncated"], document["notes"]) == (False, ["model-1: This model saw no pixels."])


def test_parquet_keeps_types_lists_and_notes(tmp_path: Path) -> None:
    write(RESULT, Format.PARQUET, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.to_pylist() == RESULT.as_dicts()
    assert json.loads(table.schema.metadata[b"notes"]) == list(RESULT.notes)


def test_parquet_refuses_a_column_of_several_types_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'a': holds values of several types.*--format json"):
        write(Result(("a",), ((1,), ("x",))), Format.PARQUET, tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON, Format.PARQUET])
def test_a_result_without_rows_can_be_written(form: Format, tmp_path: Path) -> None:
    write(Result(("a", "b"), ()), form, tmp_path / "out")
    assert (tmp_path / "out").stat().st_size > 0


def test_a_table_is_not_written_to_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--format csv, json or parquet"):
        write(RESULT, Format.TABLE, tmp_path / "out.txt")


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(LesionKGError, match=r"nowhere/out\.csv: cannot be written \(No such file or directory\)"):
        write(RESULT, Format.CSV, tmp_path / "nowhere" / "out.csv")


def test_the_table_shows_numbers_short_lists_with_commas_and_says_when_it_is_cut_off() -> None:
    shown = table_of(RESULT)
    assert "12.35" in shown and "liver, mass" in shown and "yes" in shown and "2 rows, 0.25 s" in shown
    assert "and there are more" in table_of(Result(("a",), ((1,),), truncated=True))


@pytest.mark.parametrize("value", ["\x1b[31mred\x1b[0m", "\x9b2J", "a\x07b"])
def test_the_table_lets_no_control_character_through_to_the_terminal(value: str) -> None:
    assert not any(c in table_of(Result(("a",), ((value,),))) for c in "\x1b\x9b\x07")


def test_the_table_reads_no_markup_in_values() -> None:
    values: Any = (("[red]liver[/red] [/nope]",),)
    assert "[red]liver[/red] [/nope]" in table_of(Result(("a",), values))
