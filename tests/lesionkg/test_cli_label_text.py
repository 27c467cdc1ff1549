"""``lesionkg label-text``: descriptions in, labels out, line by line."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kg.embedded import open_folder
from kg.graph_ontology import save_ontology
from kg.ontology import Label, LabelClass, Ontology
from kg.shipped import load_shipped
from lesionkg.cli.app import run

LabelText = Callable[..., "Ran"]


@dataclass
class Ran:
    """What one run of the command gave."""

    code: int
    out: str
    err: str

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def label_text(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> LabelText:
    """Runs the command with text or bytes on its standard input."""

    def ran(given: str | bytes, home: Path, *arguments: object) -> Ran:
        data = given.encode() if isinstance(given, str) else given
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = run(["label-text", "--home", str(home), *map(str, arguments)])
        return Ran(code, *capfd.readouterr())

    return ran


def test_one_object_a_line_with_labels_and_mentions(label_text: LabelText, tmp_path: Path) -> None:
    text = "Left posterior renal cyst\n\nno lesion here\n"
    ran = label_text(text, tmp_path, "--label-set", "lesanet-171", "--expand", "--json")
    first, second, third = ran.objects()
    assert ran.code == 0
    assert set(first) == {"labels", "mentions"}
    assert set(first["labels"]) == {
        "left kidney", "kidney", "kidney cyst", "cyst", "retroperitoneum", "abdomen", "upper abdomen",
    }  # fmt: skip
    assert second == {"labels": [], "mentions": []} == third
    side = next(mention for mention in first["mentions"] if mention["label"] == "left kidney")
    assert side["id"] in load_shipped().by_id
    assert {key: side[key] for key in ("start", "end", "parts", "rule", "term", "scope", "relevance", "nested")} == {
        "start": 0, "end": 20, "parts": [[0, 4], [15, 20]], "rule": "side", "term": "left kidney", "scope": "exact",
        "relevance": "relevant", "nested": False,
    }  # fmt: skip


def test_without_json_labels_are_text(label_text: LabelText, tmp_path: Path) -> None:
    ran = label_text("liver mass\n\n", tmp_path)
    assert ran.out == "liver, mass, liver mass\n\n"


def test_what_cannot_be_decoded_is_named_by_line_number_and_the_rest_goes_on(
    label_text: LabelText, tmp_path: Path
) -> None:
    ran = label_text(b"liver mass\nsecret \xff kidney\nspleen\n", tmp_path, "--json")
    assert ran.code == 1
    assert [row["labels"] for row in ran.objects()] == [["liver", "mass", "liver mass"], [], ["spleen"]]
    assert ran.err == "line 2: not UTF-8, left out; convert it first\n"


def test_each_line_is_answered_at_once(tmp_path: Path) -> None:
    code = "from lesionkg.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "label-text", "--home", tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None and running.stdout is not None
        for word in ("spleen", "liver"):
            running.stdin.write(f"{word}\n")
            running.stdin.flush()
            assert running.stdout.readline() == f"{word}\n"
        running.stdin.close()
        assert running.wait(30) == 0


def test_rules_of_ones_own_are_used(label_text: LabelText, tmp_path: Path) -> None:
    rules = tmp_path / "own.yaml"
    rules.write_text("phrases: [{id: h-1, label: liver, any: [segment 8]}]", encoding="utf-8")
    (found,) = label_text("segment 8\n", tmp_path, "--rules", rules, "--json").objects()
    assert found["labels"] == ["liver"]
    assert found["mentions"][0]["rule"] == "h-1"
    rules.write_text("phrases: [{id: h-1, label: lver, any: [segment 8]}]", encoding="utf-8")
    ran = label_text("segment 8\n", tmp_path, "--rules", rules)
    assert ran.code == 1
    assert "rule h-1: label 'lver' is not in ontology" in ran.err


def test_weaker_terms_can_be_left_out(label_text: LabelText, tmp_path: Path) -> None:
    assert label_text("irregular nodule\n", tmp_path).out == "nodule, spiculated\n"
    assert label_text("irregular nodule\n", tmp_path, "--weakest", "broad").out == "nodule\n"
    assert label_text("irregular nodule\n", tmp_path, "--weakest", "none").code == 2


def test_the_ontology_is_the_graphs_when_there_is_one(
    label_text: LabelText, tmp_path: Path, empty_graph_folder: Path
) -> None:
    shutil.copytree(empty_graph_folder, tmp_path / "graph")
    with open_folder(tmp_path / "graph") as store:
        save_ontology(store, Ontology("fish", (Label("T:1", "gill", LabelClass.BODYPART),)))
    assert label_text("gill of the liver\n", tmp_path).out == "gill\n"
    assert label_text("gill\n", tmp_path / "elsewhere").out == "\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--label-set", "nope"), "label set 'nope': not in ontology lesanet-repaired"),
        (("--graph", "nowhere/graph"), "nowhere/graph"),
        (("--rules", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
    ],
)
def test_what_does_not_exist_is_said_in_one_line(
    label_text: LabelText, arguments: tuple[str, str], said: str, tmp_path: Path
) -> None:
    ran = label_text("liver\n", tmp_path, *arguments)
    assert ran.code in (1, 2)
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert not ran.out


def test_it_starts_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from lesionkg.cli.app import run; "
        f"code = run(['label-text', '--home', {str(tmp_path)!r}]); sys.exit(code or 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], input=b"liver\n", capture_output=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (0, b"liver\n")
