"""What a change set may say: a moment, names that are short; what a file must hold; what a deprecated label keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kg.curation.change_file import read_change_set
from kg.curation.change_set import Change, ChangeSet, change_set_from_json
from kg.curation.facts import LabelField, LabelText
from kg.curation.texts import LONGEST_NAME, require_readable
from kg.errors import InputError, UsageError
from kg.findings import Severity
from kg.rules import check
from kg.shipped import load_shipped
from lesionkg.cli.app import run


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01", "21.11.2026"])
def test_created_is_a_moment(moment: str) -> None:
    text = json.dumps({"changes": [], "created": moment})
    with pytest.raises(InputError, match="is no moment; write it in ISO 8601"):
        change_set_from_json(text)
    assert change_set_from_json(text.replace(moment, "2026-11-21T14:30:00Z")).created == "2026-11-21T14:30:00Z"


@pytest.mark.parametrize(
    ("name", "content"), [("empty.txt", ""), ("remarks.txt", "# none\n"), ("no.json", '{"changes": []}')]
)
def test_a_file_without_changes_is_named(
    tmp_path: Path, name: str, content: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=f"{name}: holds no changes"):
        read_change_set(file, load_shipped())
    assert run(["ontology", "impact", str(file), "--released", "--home", str(tmp_path)]) == 1
    assert f"{name}: holds no changes" in capfd.readouterr().err


def test_a_name_has_a_longest_length() -> None:
    label = load_shipped().label("lung")

    def renamed(length: int) -> ChangeSet:
        before, after = (LabelText(label.id, LabelField.NAME, text) for text in (label.name, "x" * length))
        return ChangeSet((Change(before, after),), "ann", "2026-11-21T14:30:00Z")

    require_readable(renamed(LONGEST_NAME))
    with pytest.raises(UsageError, match="has 201 characters, more than 200"):
        require_readable(renamed(LONGEST_NAME + 1))


def test_a_strict_relation_of_a_deprecated_label_is_a_warning() -> None:
    ours = load_shipped()
    old = ours.label("left lung")
    relations = [r for r in ours.relations if old.id in (r.child, r.parent)]
    labels = tuple(replace(label, deprecated=True) if label.id == old.id else label for label in ours.labels)
    found = [finding for finding in check(replace(ours, labels=labels)) if finding.rule == "deprecated-relation"]
    assert len(found) == len(relations) > 0
    assert {finding.severity for finding in found} == {Severity.WARNING}
    assert all("left lung" in finding.labels for finding in found)
