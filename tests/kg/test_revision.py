"""Raw edits of the ontology in the graph are noticed before anything is served, and adopted or undone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_ontology import LUNG, small

from kg.errors import OntologyError, StaleRevisionError
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import adopt, load_ontology, save_ontology, verify
from kg.integrity import edge_counts
from kg.matrices import RelationMatrices
from kg.store import GraphStore, Transaction

RAW_EDITS = [
    pytest.param("MATCH (k:Label {name: 'lung'}) SET k.name = 'lungs'", id="a label renamed"),
    pytest.param("MATCH (k:Label {name: 'lung'}) SET k.synonyms = ['x', 'y']", id="synonyms changed"),
    pytest.param("MATCH (k:Label {name: 'lung'}) SET k.synonyms = ['x']", id="synonyms and scopes out of step"),
    pytest.param("MATCH (k:Label {name: 'lung'}) REMOVE k.class", id="a class removed"),
    pytest.param("MATCH (k:Label {name: 'lung'}) SET k.class = 'organ'", id="an unknown class"),
    pytest.param("MATCH (k:Label {name: 'liver'}) DETACH DELETE k", id="a label removed"),
    pytest.param("CREATE (:Label {id: 'T:77', name: 'new'})", id="half a label added"),
    pytest.param("CREATE (:Label)", id="an empty label added"),
    pytest.param("MATCH (:Label)-[r:LOCATED_IN]->(:Label) DELETE r", id="a relation removed"),
    pytest.param("MATCH (:Label)-[r:LOCATED_IN]->(:Label) SET r.author = 'me'", id="provenance changed"),
    pytest.param(
        "MATCH (a:Label {name: 'nodule'}), (b:Label {name: 'lung'}) "
        "CREATE (a)-[:IS_A {source: 'raw', author: '', created: '', evidence: ''}]->(b)",
        id="a relation added",
    ),
    pytest.param(
        "MATCH (a:Label {name: 'nodule'}), (b:Label {name: 'lung'}) CREATE (a)-[:IS_A]->(b)",
        id="a relation added without provenance",
    ),
    pytest.param(
        "MATCH (a:Label)-[r:LOCATED_IN]->(b:Label) CREATE (a)-[s:LOCATED_IN]->(b) SET s = properties(r)",
        id="a relation doubled",
    ),
    pytest.param("MATCH (:Label)-[r:EXCLUSIVE_WITH]->(:Label) DELETE r", id="an exclusive pair removed"),
    pytest.param("MATCH (:Label {name: 'solid'})-[r:MEMBER_OF]->() DELETE r", id="a group member removed"),
    pytest.param("MATCH (:Label)-[r:CONFUSABLE_WITH]->(:Label) DELETE r", id="a soft relation removed"),
    pytest.param("MATCH (:Label {name: 'lung'})-[r:IN_SET]->() SET r.position = 9", id="a position changed"),
    pytest.param("MATCH (s:LabelSet {name: 'few'}) SET s.version = '9'", id="a version changed"),
    pytest.param(
        "MATCH (:Label {name: 'left lung'})-[r:DESCENDS_FROM]->(:Label {name: 'chest'}) DELETE r",
        id="a computed ancestor removed",
    ),
    pytest.param(
        "MATCH (a:Label {name: 'nodule'}), (b:Label {name: 'lung'}) CREATE (a)-[:DESCENDS_FROM]->(b)",
        id="a computed ancestor added",
    ),
    pytest.param("MATCH (:Label)-[r:EXCLUDES]->(:Label {name: 'liver'}) DELETE r", id="computed exclusion removed"),
    pytest.param(
        "MATCH (a:Label {name: 'nodule'}), (b:Label {name: 'solid'}) CREATE (a)-[:EXCLUDES]->(b)",
        id="computed exclusion added",
    ),
    pytest.param("MATCH (r:Revision) SET r.ontology_hash = 'x'", id="the ontology hash changed"),
    pytest.param("MATCH (r:Revision) SET r.matrix_hashes = ['x', 'y']", id="the matrix hashes changed"),
    pytest.param("MATCH (r:Revision) REMOVE r.label_sets", id="part of the stamp removed"),
]


def raw(store: GraphStore, statement: str) -> None:
    """Edit the graph as somebody would over Bolt, past everything that keeps it consistent."""
    store.write_transaction(lambda tx: tx.run(statement))


@pytest.mark.parametrize("statement", RAW_EDITS)
def test_a_raw_edit_over_bolt_is_noticed_and_undone_by_saving_again(bolt_store: GraphStore, statement: str) -> None:
    save_ontology(bolt_store, small())
    raw(bolt_store, statement)
    for ask in (verify, load_ontology, lambda store: matrices_from_graph(store, "few")):
        with pytest.raises(StaleRevisionError, match="lesionkg graph adopt") as caught:
            ask(bolt_store)
        assert "\n" not in str(caught.value)
    if "REMOVE r.label_sets" in statement:
        return  # the stamp itself is unreadable: a case for the backup
    with pytest.raises(StaleRevisionError):
        save_ontology(bolt_store, replace(small(), version="4"), expected_sequence=1)
    save_ontology(bolt_store, small())
    verify(bolt_store)
    assert load_ontology(bolt_store) == small()


def test_adopting_makes_a_raw_edit_the_next_revision(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    raw(
        any_store,
        "MATCH (a:Label {name: 'nodule'}), (b:Label {name: 'left lung'}) "
        "CREATE (a)-[:LOCATED_IN {source: 'raw', author: 'me', created: '', evidence: ''}]->(b)",
    )
    assert adopt(any_store, author="curator") == 2
    stamp = verify(any_store)
    assert (stamp.sequence, stamp.author) == (2, "curator")
    rows = any_store.read(
        "MATCH (:Label {name: 'nodule'})-[:DESCENDS_FROM]->(k:Label) RETURN k.name AS name ORDER BY name"
    )
    assert [row["name"] for row in rows] == ["chest", "left lung", "lung"]
    assert adopt(any_store) == 2


def test_adopting_computes_tampered_closures_anew_and_keeps_the_revision(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    raw(any_store, "MATCH (:Label)-[r:DESCENDS_FROM]->(:Label) DELETE r")
    assert adopt(any_store) == 1
    assert matrices_from_graph(any_store, "all").ancestors.nnz == 3


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        pytest.param(
            "MATCH (a:Label {name: 'chest'}), (b:Label {name: 'left lung'}) "
            "CREATE (a)-[:IS_A {source: 'raw', author: '', created: '', evidence: ''}]->(b)",
            OntologyError,
            id="a cycle",
        ),
        pytest.param(
            "MATCH (:Label {name: 'lung'})-[r:IN_SET]->(:LabelSet {name: 'few'}) SET r.position = 1 "
            "WITH 1 AS one MATCH (:Label {name: 'chest'})-[r:IN_SET]->(:LabelSet {name: 'few'}) SET r.position = 0",
            OntologyError,
            id="a label set reordered",
        ),
        pytest.param("CREATE (:Label {id: 'T:77'})", StaleRevisionError, id="half a label"),
    ],
)
def test_what_breaks_the_rules_is_not_adopted(any_store: GraphStore, statement: str, error: type[Exception]) -> None:
    save_ontology(any_store, small())
    raw(any_store, statement)
    with pytest.raises(error):
        adopt(any_store)
    with pytest.raises(StaleRevisionError):
        verify(any_store)


def test_matrices_are_the_same_from_graph_and_file(any_store: GraphStore) -> None:
    sequence = save_ontology(any_store, small())
    served = matrices_from_graph(any_store, "all")
    expected = RelationMatrices.from_ontology(small(), "all")
    assert served.matrix_hash == expected.matrix_hash == verify(any_store).matrix_hashes["all"]
    assert served.label_ids == expected.label_ids
    assert served.revision == sequence
    assert served.ontology_hash == small().content_hash
    served.require_consistent()
    assert served.expand([[1, 0, 0, 0, 0, 0, 0]]).indices.tolist() == [0, 1, 2]


def test_every_relationship_is_counted_from_both_ends(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    counts = {count.kind: count for count in edge_counts(any_store)}
    assert (counts["IS_A"].outgoing, counts["IS_A"].incoming, counts["IS_A"].stored) == (2, 2, 2)
    assert counts["DESCENDS_FROM"].stored == 4  # the merged label descends from its replacement
    assert counts["HAS_LABEL"].stored == 0
    assert all(count.agrees for count in counts.values())


def test_half_a_relationship_is_noticed(embedded_store: GraphStore) -> None:
    """A relationship that its end node does not know, made through the engine's internals."""
    save_ontology(embedded_store, small())
    engine = embedded_store._database  # type: ignore[attr-defined]

    def forget(tx: Transaction) -> None:
        found = engine.get_java_database().query("sql", f"SELECT FROM Label WHERE id = '{LUNG}'").next()
        node = found.getVertex().get().modify()
        node.setInEdgesHeadChunk(None)
        node.save()

    embedded_store.write_transaction(forget)
    broken = {count.kind for count in edge_counts(embedded_store) if not count.agrees}
    assert "PART_OF" in broken
