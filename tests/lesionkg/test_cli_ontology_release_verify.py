"""The command ``lesionkg ontology release-verify``."""

from __future__ import annotations

import json
from pathlib import Path

import made_ontology
import pytest
from typer.testing import CliRunner, Result

from kg.errors import InputError
from kg.exchange import release as releases
from lesionkg.cli.ontology import app


def run(*arguments: object) -> Result:
    """Run the command; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, ["release-verify", *map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release of a small ontology (synthetic)."""
    monkeypatch.setattr(releases, "check_with_reasoner", lambda _: [])
    return releases.release(made_ontology.small(), tmp_path / "r", "1.2.0", "2026-11-21").folder


def test_a_whole_release_passes_and_a_damaged_one_is_told_with_exit_code_1(folder: Path) -> None:
    whole = run(folder)
    assert whole.exit_code == 0
    assert "made 1.2.0 of 2026-11-21" in whole.output and whole.output.endswith("files, whole\n")
    (folder / "made.xlsx").unlink()
    damaged = run(folder)
    assert damaged.exit_code == 1
    assert damaged.output.startswith("made.xlsx: is missing\n") and "not as released" in damaged.output
    told = json.loads(run(folder, "--json").output)
    assert (told["whole"], told["problems"]) == (False, ["made.xlsx: is missing"])


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give the folder of a release"):
        run(tmp_path)
