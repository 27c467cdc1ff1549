"""What a page shows of one label: the ontology with its sources and chains, the data, the models and their figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from real_graph import World

from kg import algebra
from kg.closures import Closures
from kg.errors import InputError, UsageError
from kg.ontology import ExclusionException, ExclusiveGroup, ExclusivePair, Ontology, SoftKind, SoftRelation
from kg.shipped import load_shipped
from kg.store import GraphStore
from queries.label_facts import correlations, label_facts, run_figures
from queries.label_view import label_view

LABELS = ("lung", "chest", "nodule", "calcified", "left adrenal gland")


@pytest.fixture(scope="module")
def ontology() -> Ontology:
    return load_shipped()


@pytest.mark.parametrize("name", LABELS)
def test_asserted_and_inherited_exclusion_are_what_the_closure_says(ontology: Ontology, name: str) -> None:
    shown = label_view(ontology, name)
    closures = Closures(ontology)
    row = closures.exclusive[[closures.index[shown.label.id]]].toarray()[0]
    everything = {label.id for label, hit in zip(ontology.labels, row, strict=True) if hit}
    inherited = {one.id for _, found in shown.inherited_exclusive for one in found}
    assert {one.id for one in shown.exclusive} | inherited == everything
    assert not {one.id for one in shown.exclusive} & inherited


@pytest.mark.parametrize("name", LABELS)
def test_every_chain_is_made_of_asserted_steps_from_the_label_to_the_other(ontology: Ontology, name: str) -> None:
    shown = label_view(ontology, name)
    names = {label.id: label.name for label in ontology.labels}
    up = {f"{names[r.child]} {r.kind} {names[r.parent]}" for r in ontology.relations}
    pairs = {frozenset((names[a], names[b])) for a, b in ontology.all_exclusive_pairs}
    for pair, found in shown.inherited_exclusive:
        for one in found:
            assert pair in one.chain
            for step in one.chain:
                a, clash, b = step.partition(" EXCLUSIVE_WITH ")
                assert frozenset((a, b)) in pairs if clash else step in up
            at = one.chain.index(pair)
            assert one.chain[0].startswith(name)
            assert one.chain[at + 1].startswith(one.name) if at + 1 < len(one.chain) else pair.endswith(one.name)
    for ancestor in shown.further_ancestors:
        assert set(ancestor.chain) <= up
        assert ancestor.chain[0].startswith(name) and ancestor.chain[-1].endswith(ancestor.name)


def test_relations_carry_who_says_so(ontology: Ontology) -> None:
    lung, liver = ontology.by_name["lung"].id, ontology.by_name["liver"].id
    left, soft = ontology.by_name["left lung"].id, ontology.by_name["nodule"].id
    changed = replace(
        ontology,
        exclusive_pairs=(*ontology.exclusive_pairs, ExclusivePair(lung, liver, "book", "carla", "2026-01-02", "why")),
        exclusive_groups=(ExclusiveGroup("sides", (lung, left), "book"),),
        exceptions=(ExclusionException(lung, liver, "book", "carla", "2026-01-03"),),
        soft_relations=(SoftRelation(soft, SoftKind.TYPICALLY_LOCATED_IN, lung, "book"),),
    )
    shown = label_view(changed, "lung")
    pair = next(one for one in shown.exclusive if one.name == "liver")
    assert pair.provenance == "book · carla · 2026-01-02"
    assert (pair.evidence, pair.note) == ("why", "taken out by an exception")
    assert next(one for one in shown.exclusive if one.name == "left lung").evidence == "both in exclusive group sides"
    assert [(one.name, one.source) for one in shown.exceptions] == [("liver", "book")]
    assert [(one.kind, one.name, one.outgoing) for one in shown.soft] == [("TYPICALLY_LOCATED_IN", "nodule", False)]
    assert {one.name for one in shown.children} == {
        ontology.by_id[r.child].name for r in ontology.relations if r.parent == lung
    }
    with pytest.raises(UsageError, match="no-such"):
        label_view(ontology, "no-such")


@pytest.mark.parametrize("name", ["lung", "calcified"])
def test_counts_are_those_of_the_released_labels(world: World, store: GraphStore, name: str) -> None:
    found = label_facts(store, world.ontology.by_name[name].id)
    column = world.column(name)
    expanded = world.matrices.expand(algebra.as_bool(world.said)).toarray()[:, column]
    own = {f"DL:{row['index']:05d}": row["split"] for row in world.lesions.select(["index", "split"]).to_pylist()}
    splits = np.array([own[lesion] for lesion in world.cohort.table["lesion"].to_pylist()])
    for counts in found.counts:
        rows = splits == counts.split
        said, doubted = world.said[rows, column], world.doubted[rows, column]
        assert counts.said == np.count_nonzero(said)
        assert counts.inferred == np.count_nonzero(expanded[rows] & ~said)
        assert counts.doubted == np.count_nonzero(doubted)
    assert {counts.split for counts in found.counts} == {"train", "val", "test"}
    asserted = world.ids(world.said[:, column])
    assert found.examples == tuple(sorted(asserted)[:12])


def test_predictions_and_correlations_are_those_of_the_models(world: World, store: GraphStore) -> None:
    lung = world.ontology.by_name["lung"].id
    found = label_facts(store, lung)
    for run in (world.run, world.old_run):
        _, positive = world.predicted(run)
        expected = int(np.count_nonzero(positive[:, world.column("lung")]))
        assert [one.lesions for one in found.predictions if one.model == run.run_id] == ([expected] if expected else [])
    assert found.models[0] == world.run.run_id, "the newest first"
    both = correlations(store, [lung])
    assert both.get(lung, ()) == found.correlations
    for one in found.correlations:
        back = correlations(store, [one.id])[one.id]
        assert any(
            (other.id, other.model, other.weight, other.outgoing) == (lung, one.model, one.weight, not one.outgoing)
            for other in back
        )
    weights = [abs(one.weight) for one in found.correlations]
    assert weights == sorted(weights, reverse=True)


def test_figures_are_read_from_runs_that_are_there(tmp_path: Path) -> None:
    header = "label_id,name,test_positives,auc,auc_low,auc_high,precision,recall,f1,threshold,evidence"
    for run, auc in (("first", "0.75"), ("second", "")):
        (tmp_path / run).mkdir()
        (tmp_path / run / "config.json").write_text('{"saw_pixels": true}')
        (tmp_path / run / "per_label.csv").write_text(f"{header}\nT:1,lung,40,{auc},0.7,0.8,0.5,nan,0.4,0.3,few\n")
    found = run_figures(tmp_path, "T:1", ["second", "away", "first", "../first"])
    assert [(one.run, one.auc, one.recall, one.f1, one.test_positives) for one in found] == [
        ("second", None, None, 0.4, 40),
        ("first", 0.75, None, 0.4, 40),
    ]
    assert found[1].saw_pixels and found[1].evidence == "few"
    assert run_figures(tmp_path, "T:2", ["first"]) == () == run_figures(tmp_path / "none", "T:1", ["first"])
    (tmp_path / "first" / "config.json").write_text("no json")
    with pytest.raises(InputError, match="run first"):
        run_figures(tmp_path, "T:1", ["first"])
