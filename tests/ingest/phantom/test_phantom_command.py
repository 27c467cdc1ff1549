"""``lesionkg phantom make``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.release import Release
from lesionkg.cli.app import run


def test_the_command_writes_a_set_and_says_that_it_is_synthetic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    assert run(["phantom", "make", str(folder), "--lesions", "20", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert "20 synthetic lesions" in out and "made-up patients" in out
    assert Release.read_phantom(folder).lesions.num_rows == 20


def test_json_is_one_document_with_the_measured_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["phantom", "make", str(tmp_path / "set"), "--lesions", "20", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["synthetic"] is True and said["lesions"] == 20
    assert 0 < said["rates"]["missing_percent"] < 100


def test_a_second_set_does_not_overwrite_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "DL_info.csv").write_text("mine")
    assert run(["phantom", "make", str(tmp_path / "set"), "--lesions", "20"]) == 2
    assert "not an empty folder" in capsys.readouterr().err
    assert (tmp_path / "set" / "DL_info.csv").read_text() == "mine"
