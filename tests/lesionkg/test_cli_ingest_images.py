"""``lesionkg ingest images`` over made DICOM slices and a table of marks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_series import made_slices, write_dicom_series

from ingest.images.patch_cache import PIXELS
from lesionkg.cli.app import run

MARKS = "lesion,series,slice,x1,y1,x2,y2\nL-1,ct,3,10,12,22,21\nL-2,ct,2,8,9,20,25\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder, and beside it a series with two marks."""
    write_dicom_series(tmp_path / "ct", made_slices(5))
    (tmp_path / "marks.csv").write_text(MARKS)
    return tmp_path / "home"


def ingest(home: Path, *options: str) -> int:
    return run(["ingest", "images", "--home", str(home), *options])


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_marks_become_a_cache_whose_checksums_hold(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ingest(home, "--marks", str(home.parent / "marks.csv"), "--size", "32", "--json") == 0
    built = told(capsys)
    assert (built["patches"], built["problems"], built["synthetic"]) == (2, [], False)
    assert (home / "patches" / PIXELS).stat().st_size == 2 * 3 * 32 * 32 * 2
    assert ingest(home, "--verify", "--json") == 0
    assert told(capsys)["damaged"] == []
    with (home / "patches" / PIXELS).open("r+b") as file:
        file.seek(3 * 32 * 32 * 2)
        file.write(b"\x01\x02\x03")
    assert ingest(home, "--verify", "--json") == 1
    assert told(capsys)["damaged"] == ["L-2"]
    assert ingest(home, "--verify") == 1
    assert "L-2: damaged" in capsys.readouterr().out


def test_a_lesion_that_is_left_out_is_told_and_makes_the_exit_code_1(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home.parent / "marks.csv").write_text(MARKS + "L-3,ct,9,8,9,20,25\n")
    assert ingest(home, "--marks", str(home.parent / "marks.csv"), "--size", "32") == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "2 patches of 3 x 32 x 32" in shown and "left out L-3: DICOM series: 0 slices with instance number 9" in shown
    )
    assert "SECRET" not in shown and "L-3," in (home / "patches" / "problems.csv").read_text()


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--marks", "a.csv", "--deeplesion", "b"],
        ["--marks", "a.csv", "--info", "b"],
        ["--marks", "a.csv", "--verify"],
    ],
)
def test_unclear_options_are_one_clear_line(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ingest(tmp_path, *options) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_no_cache_to_verify_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ingest(tmp_path, "--verify") == 1
    assert "not a whole patch cache" in capsys.readouterr().err
