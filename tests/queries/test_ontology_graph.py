"""What is drawn around a label, and what is only counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kg.errors import UsageError
from kg.ontology import Ontology, SoftKind, SoftRelation
from kg.shipped import load_shipped
from queries.label_facts import Correlation
from queries.ontology_graph import Edge, OntologyGraph, Side, ontology_graph


@pytest.fixture(scope="module")
def ontology() -> Ontology:
    return load_shipped()


def around(ontology: Ontology, label_id: str) -> dict[Side, set[str]]:
    """Neighbours by side, collected without the module."""
    return {
        Side.PARENT: {r.parent for r in ontology.relations if r.child == label_id},
        Side.CHILD: {r.child for r in ontology.relations if r.parent == label_id},
        Side.EXCLUSIVE: {b if a == label_id else a for a, b in ontology.all_exclusive_pairs if label_id in (a, b)},
        Side.SOFT: {
            s.object if s.subject == label_id else s.subject
            for s in ontology.soft_relations
            if label_id in (s.subject, s.object)
        },
    }


def drawn(graph: OntologyGraph) -> set[str]:
    return {node.id for node in graph.nodes}


def require_whole(ontology: Ontology, graph: OntologyGraph) -> None:
    """Every neighbour of an opened label is drawn or counted; edges join drawn labels of which one is open."""
    ids, opened = drawn(graph), {node.id for node in graph.nodes if node.opened}
    assert len(ids) == len(graph.nodes)
    counts = {(one.label, one.side): one.count for one in graph.hidden}
    for label_id in opened:
        for side, others in around(ontology, label_id).items():
            assert len(others - ids) == counts.get((label_id, side), 0)
    beyond = {i for label_id in opened for others in around(ontology, label_id).values() for i in others} - ids
    assert graph.left_out == len(beyond)
    for edge in graph.edges:
        assert {edge.start, edge.end} <= ids and {edge.start, edge.end} & opened
    for node in graph.nodes:
        assert node.neighbours == len(set().union(*around(ontology, node.id).values()))


@pytest.mark.parametrize("name", ["lung", "chest", "nodule", "calcified"])
def test_neighbours_are_drawn_or_counted(ontology: Ontology, name: str) -> None:
    graph = ontology_graph(ontology, name)
    require_whole(ontology, graph)
    assert graph.centre == ontology.by_name[name].id == graph.nodes[0].id
    assert all(one.count > 0 for one in graph.hidden) and not graph.full


def test_chest_has_79_children_and_shows_the_rest_when_unfolded(ontology: Ontology) -> None:
    chest = ontology.by_name["chest"].id
    graph = ontology_graph(ontology, "chest", each=10)
    assert [(one.side, one.count) for one in graph.hidden] == [(Side.CHILD, 69)]
    unfolded = ontology_graph(ontology, chest, unfolded={(chest, Side.CHILD)}, each=10)
    assert unfolded.hidden == ()
    assert drawn(graph) < drawn(unfolded) and len(unfolded.nodes) == len(graph.nodes) + 69


def test_opened_labels_bring_their_neighbours_and_close_again(ontology: Ontology) -> None:
    abdomen = ontology.by_name["abdomen"].id
    closed = ontology_graph(ontology, "chest")
    opened = ontology_graph(ontology, "chest", [abdomen])
    require_whole(ontology, opened)
    assert drawn(closed) < drawn(opened)
    columns = {node.id: node.column for node in opened.nodes}
    assert columns[abdomen] == -1, "exclusive labels stand beside the parents"
    assert {columns[node.id] for node in opened.nodes if node.id not in drawn(closed)} <= {-2, 0}
    again = ontology_graph(ontology, "chest", ["LKG:9999999", abdomen, abdomen])
    assert again == opened, "what is not drawn cannot be opened, and nothing twice"


def test_no_more_than_the_limit_is_drawn(ontology: Ontology) -> None:
    every = [label.id for label in ontology.labels]
    unfolded = {(i, side) for i in every for side in Side}
    graph = ontology_graph(ontology, "chest", every, unfolded, most=120)
    require_whole(ontology, graph)
    assert graph.full and len(graph.nodes) == 120
    assert sum(one.count for one in graph.hidden) > 0


def test_every_kind_of_relation_has_its_side(ontology: Ontology) -> None:
    lung, nodule, liver = (ontology.by_name[name].id for name in ("lung", "nodule", "liver"))
    changed = replace(
        ontology, soft_relations=(SoftRelation(nodule, SoftKind.TYPICALLY_LOCATED_IN, lung),), exclusive_groups=()
    )
    learned = {
        lung: [
            Correlation("m", liver, "liver", "bodypart", True, -0.5, 1.0, "suppresses", "open"),
            Correlation("m", "LKG:9999999", "gone", "type", True, 0.9, 1.0, "co-occurs", "open"),
        ]
    }
    graph = ontology_graph(changed, "lung", learned=learned)
    assert Edge(nodule, lung, Side.SOFT, "TYPICALLY_LOCATED_IN") in graph.edges
    assert Edge(lung, liver, Side.CORRELATION, "suppresses", -0.5) in graph.edges
    assert "LKG:9999999" not in drawn(graph), "a label that this revision lacks is not drawn"
    kinds = {edge.kind for edge in graph.edges if edge.side is Side.PARENT}
    assert kinds <= {"IS_A", "PART_OF", "LOCATED_IN", "INHERES_IN", "HAS_ATTRIBUTE"} and kinds
    with pytest.raises(UsageError, match="no-such"):
        ontology_graph(ontology, "no-such")
