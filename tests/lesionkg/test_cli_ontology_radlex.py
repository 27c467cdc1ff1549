"""``lesionkg ontology radlex`` on a made table and a small graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_radlex import write_table
from typer.testing import CliRunner, Result

from kg.connect import open_store
from kg.curation.proposal_tables import open_curation
from kg.curation.proposals import proposals
from kg.errors import CohortError, UsageError
from kg.graph_ontology import save_ontology
from kg.ontology import Label, LabelClass, MatchKind, Ontology, Relation, RelationKind, TermMapping
from lesionkg.cli.ontology import app


def run(*arguments: object) -> Result:
    """Run a subcommand; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, ["radlex", *map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").output)


@pytest.fixture
def home(empty_graph_folder: Path, tmp_path: Path) -> Path:
    """A data folder with a made RadLex and a graph of two labels."""
    import graphs

    folder = tmp_path / "home"
    folder.mkdir()
    lung = Label(
        "LKG:0000001", "lung", LabelClass.BODYPART, mappings=(TermMapping("RID1301", "lung", MatchKind.EXACT),)
    )
    left = Label("LKG:0000002", "left lung", LabelClass.BODYPART)
    relations = (Relation(left.id, RelationKind.PART_OF, lung.id),)
    with graphs.fresh(empty_graph_folder, folder / "graph") as store:
        save_ontology(store, Ontology("made", (lung, left), relations))
    assert "13 terms" in run("import", write_table(tmp_path / "made.csv"), "--home", folder).output
    return folder


def test_a_term_is_searched_and_shown_with_its_chains_and_labels(home: Path) -> None:
    assert "RID1338  lower lobe of left lung  (exact, 100, by 'LLL')" in run("search", "lll", "--home", home).output
    assert run("search", "zzzz", "--home", home).exit_code == 1
    text = run("show", "RID1326", "--home", home).output
    assert "RID1326 left lung is_a RID1301 lung is_a RID3 anatomical entity is_a RID1 RadLex entity" in text
    assert "nearest labels above:\n  lung: RID1326 left lung is_a RID1301 lung" in text
    assert run_json("show", "RID1301", "--home", home)["labels"] == [{"name": "lung", "match": "skos:exactMatch"}]


def test_mappings_are_proposed(home: Path) -> None:
    by = ("--propose", "--author", "A. Curator", "--reason", "same name")
    made = run_json("map", *by, "--home", home)
    assert [(row["label"], row["rid"]) for row in made["candidates"]] == [("left lung", "RID1326")]
    with open_curation(home) as database:
        (kept,) = proposals(database)
    assert (kept.number, kept.author, kept.change_set.source) == (made["proposal"], "A. Curator", "RadLex")
    with pytest.raises(UsageError, match="use --save"):
        run("map", *by, "--ontology", "lesanet-repaired", "--home", home)


def test_adopted_terms_are_saved_and_proposed_with_ids_of_their_own(home: Path, tmp_path: Path) -> None:
    by = ("--class", "bodypart", "--author", "A. Curator", "--reason", "needed", "--propose", "--home", home)
    text = run("adopt", "RID1338", "--save", tmp_path / "c.json", *by).output
    assert "add relation: 'lower lobe of left lung' part of 'lung'" in text
    assert "1 changes written to" in text
    again = run_json("adopt", "RID1350", *by)
    first = json.loads((tmp_path / "c.json").read_text())["changes"][0]["labels"][0]
    assert again["changes"][0]["labels"][0] not in {first, "LKG:0000001", "LKG:0000002"}


def test_disagreements_are_listed_by_kind(home: Path) -> None:
    run("map", "--save", home / "c.json", "--home", home)
    with open_store(home / "graph") as store:
        from kg.curation.application import apply_changes
        from kg.curation.change_set import change_set_from_json

        apply_changes(store, change_set_from_json((home / "c.json").read_text()))
    found = run_json("disagreements", "--released", "--home", home)
    assert found["counts"]["kind"] == 1
    assert [one["child"]["name"] for one in found["differences"]] == ["left lung"]
    assert run_json("disagreements", "--released", "--what", "missing", "--home", home)["differences"] == []
    assert "kind: 'left lung' PART_OF under 'lung'" in run("disagreements", "--released", "--home", home).output
    with pytest.raises(UsageError, match="unknown"):
        run("disagreements", "--what", "much", "--home", home)
    with pytest.raises(CohortError, match="no lesion"):
        run("disagreements", "--home", home)
