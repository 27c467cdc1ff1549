"""The commands ``lesionkg ontology convert`` and ``preview``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_ontology
import openpyxl
import pytest
from typer.testing import CliRunner, Result

from kg.curation.change_set import change_set_from_json
from kg.errors import InputError, UsageError
from kg.exchange.formats import Format, read_onto, write
from kg.graph_ontology import save_ontology
from kg.ontology import LabelClass
from kg.owl import load_owl, write_owl
from kg.shipped import load_shipped
from lesionkg.cli.ontology import app


def run(*arguments: object) -> Result:
    """Run a command; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture
def graph(empty_graph_folder: Path, tmp_path: Path) -> Path:
    """A graph with the made ontology."""
    import graphs

    folder = tmp_path / "graph"
    with graphs.fresh(empty_graph_folder, folder) as store:
        save_ontology(store, made_ontology.small())
    return folder


@pytest.mark.parametrize("format_", sorted(set(Format) - {Format.RDF_XML}))
def test_a_converted_ontology_previews_as_no_change(format_: Format, tmp_path: Path) -> None:
    out = tmp_path / f"x{format_}"
    converted = run_json("convert", out)
    assert converted["labels"] == 333
    assert converted["ontology_hash"] == load_shipped().content_hash
    assert bool(converted["lacks"]) == (format_ in (Format.SSSOM, Format.SHEET))
    result = run("preview", out, "--against", "lesanet-repaired")
    assert result.exit_code == 0
    assert "nothing differs from lesanet-repaired" in result.output


def test_convert_says_what_the_format_has_no_place_for(tmp_path: Path) -> None:
    assert "has no place for soft relations and label sets" in run("convert", tmp_path / "x.xlsx").output
    assert "no place" not in run("convert", tmp_path / "x.tsv").output


def test_a_lossless_file_is_converted_on(tmp_path: Path) -> None:
    run("convert", tmp_path / "x.obo.json", "--name", "lesanet-released")
    run("convert", tmp_path / "x.tsv", "--file", tmp_path / "x.obo.json")
    run("convert", tmp_path / "x.ttl", "--file", tmp_path / "x.tsv")
    assert load_owl(tmp_path / "x.ttl") == load_shipped("lesanet-released")


def test_an_edited_table_is_previewed_against_the_graph_saved_and_proposed(graph: Path, tmp_path: Path) -> None:
    table, saved = tmp_path / "x.tsv", tmp_path / "changes.json"
    run("convert", table, "--graph", graph)
    text = table.read_text(encoding="utf-8")
    assert text.count("label\tT:5\tnodule") == 1
    table.write_text(text.replace("label\tT:5\tnodule", "label\tT:5\tlump"), encoding="utf-8")
    preview = ("preview", table, "--graph", graph)
    result = run(*preview, "--save", saved, "--author", "a curator", "--reason", "plain words")
    assert result.exit_code == 1
    assert "1 change of made\n  rename 'nodule' to 'lump'" in result.output
    changes = change_set_from_json(saved.read_text(encoding="utf-8"))
    assert (changes.author, changes.reason, changes.source) == ("a curator", "plain words", "x.tsv")
    assert changes.apply(made_ontology.small()) == read_onto(made_ontology.small(), table)
    proposed = run("propose", "--file", saved, "--home", tmp_path / "home", "--graph", graph, "--apply")
    assert proposed.exit_code == 0
    assert run(*preview).exit_code == 0
    assert run(*preview, "--against", "graph@1").exit_code == 1


def test_what_the_rules_say_is_shown_beside_the_changes(graph: Path, tmp_path: Path) -> None:
    made = made_ontology.small()
    loop = replace(made.relations[0], child="T:1", parent="T:2", source="test")
    write(replace(made, relations=(*made.relations, loop)), tmp_path / "x.obo.json")
    found = run_json("preview", tmp_path / "x.obo.json", "--graph", graph)
    assert len(found["lines"]) == 1
    assert [finding["rule"] for finding in found["errors"]] == ["cycle"]
    assert "error" in run("preview", tmp_path / "x.obo.json", "--graph", graph).output


def test_a_spreadsheet_names_what_it_cannot_follow_and_keeps_the_rest(tmp_path: Path) -> None:
    base, file = tmp_path / "base.ttl", tmp_path / "x.xlsx"
    write_owl(made_ontology.small(), base)
    run("convert", file, "--file", base)
    workbook = openpyxl.load_workbook(file)
    row = next(row for row in workbook.worksheets[0].iter_rows() if row[2].value == "nodule")
    row[1].value, row[6].value = "attribute", "lungg"
    workbook.save(file)
    found = run_json("preview", file, "--against", base)
    assert found["lines"] == ["change the class of 'nodule' from 'type' to 'attribute'"]
    assert [finding["rule"] for finding in found["file_findings"]] == ["dangling-parent"]
    assert "soft relations and label sets" in found["kept"]
    text = run("preview", file, "--against", base).output
    assert "'lungg'" in text
    assert "kept, as the format has no place for it: " in text
    assert read_onto(made_ontology.small(), file).label("nodule").label_class is LabelClass.ATTRIBUTE


def test_nothing_is_saved_when_nothing_differs(tmp_path: Path) -> None:
    run("convert", tmp_path / "x.tsv")
    result = run("preview", tmp_path / "x.tsv", "--against", "lesanet-repaired", "--save", tmp_path / "c.json")
    assert result.exit_code == 0
    assert "nothing to save" in result.output
    assert not (tmp_path / "c.json").exists()


def test_unknown_formats_missing_files_and_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no ontology format"):
        run("convert", tmp_path / "x.csv")
    with pytest.raises(UsageError, match="names no ontology format"):
        run("preview", tmp_path / "x.json", "--against", "lesanet-repaired")
    with pytest.raises(InputError, match="cannot be read"):
        run("preview", tmp_path / "x.tsv", "--against", "lesanet-repaired")
    with pytest.raises(UsageError, match="mappings alone"):
        run("convert", tmp_path / "x.ttl", "--file", tmp_path / "x.sssom.tsv")
    with pytest.raises(InputError, match="cannot be written"):
        run("convert", tmp_path / "none" / "x.tsv")
    write(made_ontology.small(), tmp_path / "y.tsv")
    with pytest.raises(InputError, match="cannot be written"):
        run("preview", tmp_path / "y.tsv", "--against", "lesanet-repaired", "--save", tmp_path / "none" / "c.json")
