"""``lesionkg mine findings``: one JSON object a report, nothing stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lesionkg.cli.app import run

REPORTS = """report_id,text
A,There is a left pleural effusion. No pneumothorax. The opacity may represent pneumonia.
B,Nodule or granuloma in the right lung.
C,
D,No <b>effusion</b>.
"""


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    path = tmp_path / "reports.csv"
    path.write_text(REPORTS)
    return path


def lines(text: str) -> dict[str, dict[str, list[str]]]:
    return {(row := json.loads(line)).pop("report"): row for line in text.splitlines()}


def test_findings_are_present_uncertain_or_absent(reports: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    arguments = ["mine", "findings", str(reports), "--vocabulary", "chest", "--home", str(tmp_path / "home")]
    assert run(arguments) == 1
    out, err = capfd.readouterr()
    found = lines(out)
    assert found["A"] == {"present": ["Effusion"], "uncertain": ["Pneumonia"], "absent": ["Pneumothorax"]}
    assert found["D"]["absent"] == ["Effusion"]
    assert set(found) == {"A", "B", "D"}
    assert "report C: " in err
    assert "report D: blanked html" in err
    assert "pneumo" not in err.lower()
    assert not (tmp_path / "home").exists()


def test_alternatives_are_present_unless_strict(reports: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    arguments = ["mine", "findings", str(reports), "--home", str(tmp_path / "home")]
    run(arguments)
    assert {"granuloma", "nodule"} <= set(lines(capfd.readouterr().out)["B"]["present"])
    run([*arguments, "--strict"])
    assert {"granuloma", "nodule"} <= set(lines(capfd.readouterr().out)["B"]["uncertain"])


def test_a_phrase_of_ones_own_is_found(reports: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("phrases:\n  - {id: own-1, label: cyst, any: [granuloma]}\n")
    run(["mine", "findings", str(reports), "--rules", str(rules), "--home", str(tmp_path / "home")])
    assert "cyst" in lines(capfd.readouterr().out)["B"]["present"]
    assert run(["mine", "findings", str(reports), "--rules", str(rules), "--vocabulary", "chest"]) == 2
