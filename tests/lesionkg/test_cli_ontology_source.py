"""Which ontology `lesionkg ontology` reads where no option says so."""

from __future__ import annotations

import json
from pathlib import Path

import graphs
import pytest

from kg.curation.application import apply_changes
from kg.curation.change_set import Change, ChangeSet
from kg.graph_ontology import save_ontology
from kg.ontology import Relation, RelationKind
from kg.shipped import load_shipped
from lesionkg.cli.app import run


@pytest.fixture
def home(empty_graph_folder: Path, tmp_path: Path) -> Path:
    """A data folder whose graph says in its second revision that a hemangioma lies in the liver."""
    ours = load_shipped()
    located = Relation(ours.label("hemangioma").id, RelationKind.LOCATED_IN, ours.label("liver").id, "test")
    with graphs.fresh(empty_graph_folder, tmp_path / "graph") as store:
        save_ontology(store, ours)
        apply_changes(store, ChangeSet((Change(None, located),), "a curator", "2026-11-21T00:00:00Z", "a test"))
    return tmp_path


def test_every_reading_command_takes_the_ontology_of_the_home(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def said(*words: object) -> tuple[str, str]:
        capfd.readouterr()
        assert run(["ontology", *map(str, words), "--home", str(home)]) == 0
        return tuple(capfd.readouterr())  # type: ignore[return-value]

    out, err = said("show", "hemangioma", "--json")
    assert "liver" in [parent["name"] for parent in json.loads(out)["parents"]]
    assert f"the ontology of {home / 'graph'}" in err
    for name, of_liver in (("graph@1", False), ("graph", True), ("lesanet-repaired", False)):
        out, err = said("show", "hemangioma", "--name", name, "--json")
        assert ("liver" in [parent["name"] for parent in json.loads(out)["parents"]]) == of_liver
        assert err == ""
    ours = load_shipped()
    listed = json.loads(said("stats", "--json")[0])["parent_pairs_listed"]
    assert listed == len({(r.child, r.parent) for r in ours.relations}) + 1
    hashes = set()
    for words in (("export", "--out", home / "a.ttl"), ("convert", home / "a.tsv")):
        written = json.loads(said(*words, "--json")[0])
        hashes.add((written[0] if isinstance(written, list) else written)["ontology_hash"])
    assert len(hashes) == 1
    assert hashes != {ours.content_hash}
    assert said("check")[1].startswith("the ontology of")
    assert run(["ontology", "stats", "--name", "lesanet-released", "--file", "x.ttl", "--home", str(home)]) == 2


def test_without_a_graph_it_is_the_shipped_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["ontology", "show", "mass", "--home", str(tmp_path)]) == 0
    assert "lesanet-repaired as shipped" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
