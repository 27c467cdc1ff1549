"""Lesions stay readable through labels that were merged or deprecated."""

from __future__ import annotations

from kg.curation.application import apply_changes
from kg.curation.change_set import Change, ChangeSet, Composite
from kg.curation.composites import deprecate, merge
from kg.curation.edits import new_set_version, revive
from kg.graph_cohort import freeze
from kg.graph_ontology import load_ontology
from kg.ontology import Ontology
from kg.shipped import load_shipped
from kg.store import GraphStore


def apply(store: GraphStore, *changes: Change | Composite) -> Ontology:
    overrides = {"deprecated-relation": "what lies below a label that is no longer used stays below it"}
    apply_changes(store, ChangeSet(changes, "curator", reason="a test", overrides=overrides))
    return load_ontology(store)


def lesions_under(store: GraphStore, name: str) -> set[str]:
    rows = store.read(
        "MATCH (l:Lesion)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(k:Label {name: $name}) "
        "RETURN DISTINCT l.id AS lesion ORDER BY lesion",
        {"name": name},
    )
    return {row["lesion"] for row in rows}


def listed(store: GraphStore, name: str) -> list[str]:
    """Lesions of a newly frozen cohort under a relevant label of this name, as often as it is listed."""
    frozen = freeze(store, "now")
    column = frozen.label_names.index(name)
    return [row["lesion"] for row in frozen.table.to_pylist() for found in row["relevant"] if found == column]


def test_lesions_of_a_merged_label_are_found_under_the_label_that_was_kept(loaded: GraphStore) -> None:
    masses, nodules = lesions_under(loaded, "mass"), lesions_under(loaded, "nodule")
    assert masses - nodules
    apply(loaded, merge(load_shipped(), "mass", "nodule"))
    assert lesions_under(loaded, "nodule") == masses | nodules
    assert lesions_under(loaded, "mass") <= masses


def test_a_merged_label_outside_the_label_set_counts_once_for_what_it_was_merged_into(loaded: GraphStore) -> None:
    nodules, masses = listed(loaded, "nodule"), listed(loaded, "mass")
    both = min(set(masses) - set(nodules))
    loaded.write_transaction(
        lambda tx: tx.run(
            "MATCH (l:Lesion {id: $id}) MATCH (k:Label {name: 'nodule'}) "
            "CREATE (l)-[:HAS_LABEL {source: 'reader', verified: true}]->(k)",
            {"id": both},
        )
    )
    ontology = load_shipped()
    dropped = new_set_version(ontology, "lesanet-171", "2", drop=["mass"])
    ontology = apply(loaded, dropped, deprecate(ontology, "mass"))
    assert sorted(listed(loaded, "nodule")) == sorted([*nodules, both])
    related = {part for pair in (*ontology.parent_pairs, *ontology.all_exclusive_pairs) for part in pair}
    middle = min({*ontology.by_id} - related - {*ontology.label_set("lesanet-171").members})
    used = revive(ontology, "mass")
    again = ChangeSet((used,)).apply(ontology)
    apply(loaded, used, deprecate(again, "mass", middle), deprecate(again, middle, "nodule"))
    assert sorted(listed(loaded, "nodule")) == sorted({*nodules, *masses})
