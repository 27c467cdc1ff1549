"""Corrections of a lesion's labels by a curator."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from small_release import first_lesions

from ingest.load import load_deeplesion
from ingest.mining.graph_lesion_labels import write_lesion_labels
from kg.correction_rules import Statement
from kg.curation.label_data import read_label_data
from kg.errors import ChangeRefusedError, ConflictError, UsageError
from kg.graph_cohort import freeze, load_cohort
from kg.graph_ontology import save_ontology
from kg.label_correction import assess, correct, history, undo
from kg.ontology import Ontology
from kg.shipped import load_shipped
from kg.store import GraphStore, Row

ONTOLOGY = load_shipped()
WHO = "Synthetic Curator"


def label(name: str, ontology: Ontology = ONTOLOGY) -> str:
    return ontology.by_name[name].id


@pytest.fixture
def graph(any_store: GraphStore) -> GraphStore:
    """The first real lesions, and the labels of some."""
    save_ontology(any_store, ONTOLOGY)
    load_deeplesion(any_store, first_lesions(120))
    return any_store


def held(store: GraphStore, lesion: str) -> list[tuple[str, str, str]]:
    """What holds of a lesion: type, name of the label, source."""
    rows = store.read(
        "MATCH (l:Lesion {id: $id})-[r:HAS_LABEL|MAY_HAVE_LABEL|MENTIONED_NOT_ABOUT|LACKS_LABEL]->(c:Label) "
        "RETURN type(r) AS kind, c.name AS name, r.source AS source ORDER BY kind, name, source",
        {"id": lesion},
    )
    return [(row["kind"], row["name"], row["source"]) for row in rows]


def edges(store: GraphStore) -> Counter[str]:
    """Every label relationship of the graph that no curator made, with all of its properties."""
    rows = store.read(
        "MATCH (l:Lesion)-[r:HAS_LABEL|MAY_HAVE_LABEL|MENTIONED_NOT_ABOUT|LACKS_LABEL|SUPERSEDED]->(c:Label) "
        "WHERE r.source <> 'curator' RETURN l.id AS lesion, type(r) AS kind, c.id AS label, properties(r) AS has "
        "ORDER BY lesion, kind, label"
    )
    return Counter(f"{row['lesion']} {row['kind']} {row['label']} {sorted(row['has'].items())}" for row in rows)


def has_label(store: GraphStore) -> int:
    found: int = store.read("MATCH (l:Lesion)-[:HAS_LABEL]->(c:Label) RETURN count(*) AS n ORDER BY n")[0]["n"]
    return found


def labelled(store: GraphStore, kind: str = "HAS_LABEL") -> Row:
    """A lesion with one single label relationship of a type, and no other label."""
    rows = store.read(
        f"MATCH (l:Lesion)-[r:{kind}]->(c:Label) WITH l, collect(c.id) AS ids, collect(c.name) AS names "
        "WHERE size(ids) = 1 AND NOT EXISTS { (l)-[:MENTIONED_NOT_ABOUT]->(:Label) } "
        "RETURN l.id AS lesion, ids[0] AS label, names[0] AS name ORDER BY lesion LIMIT 1"
    )
    return rows[0]


def test_a_correction_replaces_what_was_said_and_its_undoing_brings_it_back(graph: GraphStore) -> None:
    before, count = edges(graph), has_label(graph)
    one = labelled(graph)
    lesion = one["lesion"]
    said = held(graph, lesion)
    assert said == [("HAS_LABEL", one["name"], "lesanet")]
    made = correct(
        graph,
        lesion,
        [Statement(label("calcified"), True), Statement(one["label"], False)],
        WHO,
        "seen on the images",
    )
    assert held(graph, lesion) == [("HAS_LABEL", "calcified", "curator"), ("LACKS_LABEL", one["name"], "curator")]
    assert has_label(graph) == count, "one label came, one went"
    provenance = graph.read(
        "MATCH (:Lesion {id: $id})-[r:LACKS_LABEL]->(:Label) RETURN r.author AS author, r.reason AS reason, "
        "r.created AS created ORDER BY created",
        {"id": lesion},
    )
    assert provenance == [{"author": WHO, "reason": "seen on the images", "created": made.created}]
    kept = graph.read(
        "MATCH (:Lesion {id: $id})-[r:SUPERSEDED]->(c:Label) RETURN c.id AS c, r.source AS source, r.said AS said "
        "ORDER BY c",
        {"id": lesion},
    )
    assert kept == [{"c": one["label"], "source": "lesanet", "said": ["HAS_LABEL"]}]
    assert history(graph, lesion) == (made,)
    assert made.standing
    assert set(made.names) == {"calcified", one["name"]}

    undone = undo(graph, lesion, made.id, "Another Curator", "a mistake")
    assert (undone.standing, undone.undone_by, undone.undo_reason) == (False, "Another Curator", "a mistake")
    assert held(graph, lesion) == said
    assert edges(graph) == before
    assert history(graph, lesion) == (undone,)
    with pytest.raises(ConflictError, match="undone already"):
        undo(graph, lesion, made.id, WHO)


def test_loading_again_leaves_corrections_alone(graph: GraphStore) -> None:
    before = edges(graph)
    rows = graph.read(
        "MATCH (l:Lesion)-[:HAS_LABEL]->(c:Label) WHERE EXISTS { (l)-[:MENTIONED_NOT_ABOUT]->(c) } "
        "RETURN l.id AS lesion, c.id AS label ORDER BY lesion, label LIMIT 1"
    )
    pairs = [(labelled(graph)["lesion"], labelled(graph)["label"]), *((row["lesion"], row["label"]) for row in rows)]
    made = [correct(graph, lesion, [Statement(which, False)], WHO, "not there") for lesion, which in pairs]
    now = edges(graph)
    assert load_deeplesion(graph, first_lesions(120)).written == 0
    assert edges(graph) == now
    for lesion, which in pairs:
        assert which not in {row[1] for row in held(graph, lesion) if row[0] == "HAS_LABEL"}
    for one in made:
        undo(graph, one.lesion, one.id, WHO)
    assert edges(graph) == before
    assert load_deeplesion(graph, first_lesions(120)).written == 0


def test_a_confirmed_label_counts_once_and_a_doubted_one_becomes_certain(graph: GraphStore) -> None:
    count = has_label(graph)
    sure = labelled(graph)
    correct(graph, sure["lesion"], [Statement(sure["label"], True)], WHO, "confirmed")
    assert has_label(graph) == count
    row = graph.read(
        "MATCH (l:Lesion)-[r:MAY_HAVE_LABEL]->(c:Label) RETURN l.id AS lesion, c.id AS label, c.name AS name "
        "ORDER BY lesion, label LIMIT 1"
    )[0]
    correct(graph, row["lesion"], [Statement(row["label"], True)], WHO, "certain", against_relations=True)
    assert has_label(graph) == count + 1
    assert {one[0] for one in held(graph, row["lesion"]) if one[1] == row["name"]} == {"HAS_LABEL"}


def test_relations_are_minded(graph: GraphStore) -> None:
    lesion = labelled(graph)["lesion"]
    correct(graph, lesion, [Statement(label("left lung"), True)], WHO, "seen", against_relations=True)
    found = [
        one for one in assess(graph, lesion, [Statement(label("right lung"), True)]) if one.other_name == "left lung"
    ]
    assert [(one.name, one.implied) for one in found] == [("right lung", False)]
    with pytest.raises(ChangeRefusedError, match="excludes"):
        correct(graph, lesion, [Statement(label("right lung"), True)], WHO, "seen")
    # A general label cannot go while one that implies it stays.
    with pytest.raises(ChangeRefusedError, match="left lung implies lung"):
        correct(graph, lesion, [Statement(label("lung"), False)], WHO, "seen", against_relations=True)
    correct(
        graph,
        lesion,
        [Statement(label("right lung"), True), Statement(label("left lung"), False)],
        WHO,
        "the other side",
        against_relations=True,
    )
    names = {one[1] for one in held(graph, lesion) if one[0] == "HAS_LABEL"}
    assert "right lung" in names
    assert "left lung" not in names


def test_a_later_correction_stands_on_the_earlier_one(graph: GraphStore) -> None:
    lesion = labelled(graph)["lesion"]
    first = correct(graph, lesion, [Statement(label("calcified"), True)], WHO, "first")
    with pytest.raises(UsageError, match="says already"):
        correct(graph, lesion, [Statement(label("calcified"), True)], WHO, "again")
    second = correct(graph, lesion, [Statement(label("calcified"), False)], WHO, "second")
    assert [(one.id, one.standing) for one in history(graph, lesion)] == [(second.id, True), (first.id, False)]
    with pytest.raises(ConflictError, match="later one"):
        undo(graph, lesion, first.id, WHO)
    undo(graph, lesion, second.id, WHO)
    assert ("HAS_LABEL", "calcified", "curator") in held(graph, lesion)
    undo(graph, lesion, first.id, WHO)
    assert "calcified" not in {one[1] for one in held(graph, lesion)}


def test_new_cohorts_and_impact_follow_and_old_cohorts_stay(graph: GraphStore) -> None:
    old = freeze(graph, "now")
    lesion = str(old.table["lesion"][0].as_py())
    row = held(graph, lesion)
    gone = next(name for kind, name, _ in row if kind in ("HAS_LABEL", "MAY_HAVE_LABEL"))
    others = [
        Statement(one.label, False) for one in assess(graph, lesion, [Statement(label(gone), False)]) if one.implied
    ]
    correct(graph, lesion, [Statement(label(gone), False), *others], WHO, "not there")
    correct(graph, lesion, [Statement(label("calcified"), True)], WHO, "there", against_relations=True)
    new = freeze(graph, "now")
    assert new.id != old.id
    assert load_cohort(graph, old.id) == old

    def names(cohort: Any) -> set[str]:
        table = cohort.table.to_pylist()
        found = next(one for one in table if one["lesion"] == lesion)
        return {cohort.label_names[column] for column in (*found["relevant"], *found["uncertain"])}

    assert gone in names(old)
    assert gone not in names(new)
    assert "calcified" in names(new)
    data = read_label_data(graph, "official")
    place = data.lesions.tolist().index(lesion)
    columns = data.relevant[[place]].nonzero()[1].tolist()
    found = {data.label_ids[column] for column in columns}
    assert label("calcified") in found
    assert label(gone) not in found


def test_mining_leaves_corrections_alone(graph: GraphStore) -> None:
    lesion = labelled(graph)["lesion"]
    graph.write_transaction(
        lambda tx: tx.run(
            "MATCH (l:Lesion {id: $lesion}) MATCH (c:Label {id: $label}) "
            "CREATE (:Report {id: 'T-1'})-[:HAS_SENTENCE]->(s:Sentence {id: 'T-1:0'}) CREATE (s)-[:DESCRIBES]->(l) "
            "CREATE (s)-[:MENTIONS {relevance: 'relevant', scope: 'exact', lesion: $lesion}]->(c)",
            {"lesion": lesion, "label": label("calcified")},
        )
    )
    made = correct(graph, lesion, [Statement(label("calcified"), False)], WHO, "not there")
    for _ in range(2):
        graph.write_transaction(lambda tx: write_lesion_labels(tx, [lesion]))
        assert [one for one in held(graph, lesion) if one[1] == "calcified"] == [
            ("LACKS_LABEL", "calcified", "curator")
        ]
    undo(graph, lesion, made.id, WHO)
    assert [one for one in held(graph, lesion) if one[1] == "calcified"] == [("HAS_LABEL", "calcified", "mining")]
    assert graph.write_transaction(lambda tx: write_lesion_labels(tx, [lesion])) == 0


@pytest.mark.parametrize(
    ("lesion", "names", "reason", "told"),
    [
        ("DL:99999", ["cyst"], "why", "not in this graph"),
        ("DL:00000", ["LKG:none"], "why", "not in this graph"),
        ("DL:00000", ["cyst"], " ", "give an author and a reason"),
        ("DL:00000", [], "why", "at least one label"),
        ("DL:00000", ["cyst", "cyst"], "why", "only once"),
    ],
)
def test_what_does_not_fit_is_refused(
    embedded_store: GraphStore, lesion: str, names: list[str], reason: str, told: str
) -> None:
    save_ontology(embedded_store, ONTOLOGY)
    embedded_store.write_transaction(lambda tx: tx.run("CREATE (:Lesion {id: 'DL:00000'})"))
    statements = [Statement(ONTOLOGY.by_name[n].id if n in ONTOLOGY.by_name else n, True) for n in names]
    with pytest.raises(UsageError, match=told):
        correct(embedded_store, lesion, statements, WHO, reason)
    assert embedded_store.read("MATCH (:Lesion)-[r]->(:Label) RETURN count(r) AS n ORDER BY n") == [{"n": 0}]
