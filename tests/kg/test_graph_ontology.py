"""The ontology in the graph: round trip, idempotence, provenance, label sets, and who uses a label."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_ontology import CALCIFIED, CHEST, LEFT_LUNG, LIVER, LUNG, MASS, NODULE, SOLID, small

from kg.errors import ConflictError, OntologyError, StaleRevisionError, UsageError
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import head, load_ontology, save_ontology, verify
from kg.integrity import edge_counts
from kg.matrices import RelationMatrices
from kg.ontology import (
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    RelationKind,
    Synonym,
)
from kg.ontology_rows import from_rows, to_rows
from kg.schema import STRICT_TYPES
from kg.shipped import load_shipped
from kg.store import GraphStore


def dump(store: GraphStore) -> list[object]:
    """Everything in the graph but the count of writes."""
    nodes = store.read(
        "MATCH (n) WHERE NOT n:Schema RETURN labels(n) AS l, properties(n) AS p ORDER BY l[0], n.id, n.name"
    )
    edges = store.read(
        "MATCH (a)-[r]->(b) RETURN type(r) AS t, coalesce(a.id, a.name) AS a, coalesce(b.id, b.name) AS b, "
        "properties(r) AS p ORDER BY t, a, b, r.source"
    )
    return [nodes, edges]


def pairs(store: GraphStore, kind: str) -> set[tuple[str, str]]:
    rows = store.read(f"MATCH (a:Label)-[:{kind}]->(b:Label) RETURN a.id AS a, b.id AS b ORDER BY a, b")
    return {(row["a"], row["b"]) for row in rows}


def with_label(ontology: Ontology, changed: Label) -> Ontology:
    return replace(ontology, labels=tuple(changed if x.id == changed.id else x for x in ontology.labels))


@pytest.mark.parametrize("kind", ["embedded", pytest.param("bolt", marks=pytest.mark.slow)])
def test_the_real_ontology_comes_back_equal(request: pytest.FixtureRequest, kind: str) -> None:
    store: GraphStore = request.getfixturevalue(f"{kind}_store")
    real = load_shipped()
    assert save_ontology(store, real) == 1
    back = load_ontology(store)
    assert back == real
    assert back.content_hash == real.content_hash
    assert back.notices == real.notices
    matrices = RelationMatrices.from_ontology(real, "lesanet-171")
    members = set(matrices.label_ids)
    ancestors = {(a, b) for a, b in pairs(store, "DESCENDS_FROM") if a in members and b in members}
    exclusive = {(a, b) for a, b in pairs(store, "EXCLUDES") if a in members and b in members}
    assert (len(ancestors), len(exclusive)) == (268, 4459)
    assert (len(ancestors), 2 * len(exclusive)) == (matrices.ancestors.nnz, matrices.exclusive.nnz)
    assert matrices_from_graph(store, "lesanet-171").matrix_hash == matrices.matrix_hash
    assert all(count.agrees for count in edge_counts(store))
    store.write_transaction(
        lambda tx: tx.run("MATCH (:Label {name: 'lung nodule'})-[r:LOCATED_IN]->(:Label {name: 'lung'}) DELETE r")
    )
    with pytest.raises(StaleRevisionError):
        matrices_from_graph(store, "lesanet-171")


def test_a_saved_ontology_comes_back_equal(any_store: GraphStore) -> None:
    assert save_ontology(any_store, small()) == 1
    back = load_ontology(any_store)
    assert back == small()
    assert back.notices == small().notices
    assert back.content_hash == small().content_hash


def test_saving_the_same_content_changes_nothing(any_store: GraphStore) -> None:
    first = save_ontology(any_store, small(), author="a")
    before = dump(any_store)
    assert save_ontology(any_store, small(), author="b") == first
    assert dump(any_store) == before


def test_each_change_makes_the_next_revision_and_older_stamps_stay(any_store: GraphStore) -> None:
    save_ontology(any_store, small(), author="first")
    renamed = with_label(small(), replace(small().label("chest"), name="thorax"))
    assert save_ontology(any_store, renamed, author="second") == 2
    assert save_ontology(any_store, small(), author="third") == 3
    stamps = any_store.read(
        "MATCH (r:Revision) RETURN r.sequence AS n, r.author AS author, r.head AS head, r.ontology_hash AS h ORDER BY n"
    )
    assert [(s["n"], s["author"], s["head"]) for s in stamps] == [
        (1, "first", False),
        (2, "second", False),
        (3, "third", True),
    ]
    assert [s["h"] for s in stamps] == [small().content_hash, renamed.content_hash, small().content_hash]
    assert head(any_store).ontology == "made"


def test_two_sources_of_one_relation_are_both_kept(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    rows = any_store.read(
        "MATCH (:Label {id: $child})-[r]->(:Label {id: $parent}) WHERE type(r) IN $strict "
        "RETURN type(r) AS kind, r.source AS source ORDER BY kind, source",
        {"child": LEFT_LUNG, "parent": LUNG, "strict": list(STRICT_TYPES)},
    )
    assert [(row["kind"], row["source"]) for row in rows] == [
        ("IS_A", "RadLex"),
        ("IS_A", "made"),
        ("PART_OF", "made"),
    ]
    (provenance,) = any_store.read(
        "MATCH (:Label)-[r:LOCATED_IN]->(:Label) RETURN properties(r) AS p ORDER BY r.source"
    )
    assert provenance["p"] == {"source": "made", "author": "someone", "created": "2020-01-02", "evidence": "a book"}


def test_closures_are_computed_and_follow_every_edit(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    assert pairs(any_store, "DESCENDS_FROM") == {(LUNG, CHEST), (LEFT_LUNG, LUNG), (LEFT_LUNG, CHEST), (MASS, NODULE)}
    assert pairs(any_store, "EXCLUDES") == {(CHEST, LIVER), (LUNG, LIVER), (LEFT_LUNG, LIVER), (SOLID, CALCIFIED)}
    cut = replace(small(), relations=tuple(r for r in small().relations if r.child != LUNG), exclusive_groups=())
    save_ontology(any_store, cut)
    assert pairs(any_store, "DESCENDS_FROM") == {(LEFT_LUNG, LUNG), (MASS, NODULE)}
    assert pairs(any_store, "EXCLUDES") == {(CHEST, LIVER)}
    assert load_ontology(any_store) == cut


def test_lesions_keep_their_labels_when_the_ontology_changes(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    any_store.write_transaction(
        lambda tx: tx.run(
            "MATCH (k:Label {id: $id}) CREATE (:Lesion {id: 'DL:00000'})-[:HAS_LABEL {source: 'x'}]->(k)", {"id": LUNG}
        )
    )
    changed = with_label(small(), replace(small().label("lung"), name="lungs", synonyms=(Synonym("pulmo"),)))
    save_ontology(any_store, replace(changed, relations=()))
    assert any_store.read(
        "MATCH (l:Lesion)-[r:HAS_LABEL]->(k:Label) "
        "RETURN l.id AS l, r.source AS s, k.id AS id, k.name AS name ORDER BY l"
    ) == [{"l": "DL:00000", "s": "x", "id": LUNG, "name": "lungs"}]


@pytest.mark.parametrize(
    ("use", "forget"),
    [
        ("CREATE (:Lesion {id: 'a'})-[:HAS_LABEL]->(k)", "MATCH (l:Lesion) DETACH DELETE l"),
        (
            "MATCH (o:Label {name: 'lung'}) CREATE (k)-[:CORRELATES_WITH {model: 'm'}]->(o)",
            "MATCH ()-[r:CORRELATES_WITH]->() WITH collect(r) AS found FOREACH (r IN found | DELETE r)",
        ),
    ],
)
def test_a_label_in_use_is_not_dropped(any_store: GraphStore, use: str, forget: str) -> None:
    save_ontology(any_store, small())
    any_store.write_transaction(lambda tx: tx.run(f"MATCH (k:Label {{id: $id}}) {use}", {"id": MASS}))
    without = replace(
        small(),
        labels=tuple(x for x in small().labels if x.id != MASS),
        soft_relations=tuple(r for r in small().soft_relations if r.object != MASS),
    )
    before = dump(any_store)
    with pytest.raises(OntologyError, match="deprecate it"):
        save_ontology(any_store, without)
    assert dump(any_store) == before
    any_store.write_transaction(lambda tx: tx.run(forget))
    save_ontology(any_store, without)
    assert load_ontology(any_store) == without


def test_a_label_set_never_changes_under_its_version(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    original = small().label_set("few")
    others = tuple(s for s in small().label_sets if s.name != "few")
    swapped = LabelSet("few", original.members[::-1], original.version)
    with pytest.raises(OntologyError, match="label set few version 2"):
        save_ontology(any_store, replace(small(), label_sets=(*others, swapped)))
    save_ontology(any_store, replace(small(), label_sets=others))
    with pytest.raises(OntologyError, match="label set few version 2"):
        save_ontology(any_store, replace(small(), label_sets=(*others, swapped)))
    newer = replace(small(), label_sets=(*others, replace(swapped, version="3")))
    save_ontology(any_store, newer)
    assert load_ontology(any_store).label_set("few").members == swapped.members


def test_a_change_made_on_an_old_revision_is_refused(any_store: GraphStore) -> None:
    assert save_ontology(any_store, small(), expected_sequence=0) == 1
    renamed = with_label(small(), replace(small().label("chest"), name="thorax"))
    assert save_ontology(any_store, renamed, expected_sequence=1) == 2
    before = dump(any_store)
    with pytest.raises(ConflictError, match="revision 2"):
        save_ontology(any_store, small(), expected_sequence=1)
    assert dump(any_store) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"relations": (Relation(LUNG, RelationKind.IS_A, "T:99"),)}, "T:99", id="dangling"),
        pytest.param(
            {"relations": (Relation(LUNG, RelationKind.IS_A, CHEST), Relation(CHEST, RelationKind.IS_A, LUNG))},
            "lung",
            id="cyclic",
        ),
        pytest.param({"exclusive_pairs": (ExclusivePair(LUNG, LUNG),)}, "lung", id="exclusive with itself"),
        pytest.param({"exclusive_pairs": (ExclusivePair(LUNG, CHEST),)}, "lung", id="exclusive with its ancestor"),
        pytest.param(
            {
                "relations": (
                    Relation(LUNG, RelationKind.IS_A, CHEST, "s", "x"),
                    Relation(LUNG, RelationKind.IS_A, CHEST, "s"),
                )
            },
            "there twice",
            id="a relation twice",
        ),
        pytest.param({"label_sets": (LabelSet("few", (LUNG, LUNG)),)}, "there twice", id="a label twice in a set"),
    ],
)
def test_an_unsound_ontology_leaves_the_graph_as_it_was(
    any_store: GraphStore, change: dict[str, object], message: str
) -> None:
    save_ontology(any_store, small())
    before = dump(any_store)
    with pytest.raises(OntologyError, match=message) as caught:
        save_ontology(any_store, replace(small(), **change))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert dump(any_store) == before
    verify(any_store)


def test_a_graph_without_ontology_says_so(any_store: GraphStore) -> None:
    for ask in (head, verify, load_ontology):
        with pytest.raises(UsageError, match="no ontology"):
            ask(any_store)


def test_a_synonym_changes_the_ontology_hash_and_no_matrix_hash(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    before = verify(any_store)
    save_ontology(any_store, with_label(small(), replace(small().label("liver"), synonyms=(Synonym("hepar"),))))
    after = verify(any_store)
    assert after.ontology_hash != before.ontology_hash
    assert after.matrix_hashes == before.matrix_hashes


LABELS = [CHEST, LUNG, LEFT_LUNG, LIVER, NODULE, SOLID]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edges=st.sets(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS), st.sampled_from(list(RelationKind)))),
    exclusive=st.sets(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS), st.sampled_from(["", "x"]))),
    texts=st.lists(st.text(max_size=8), max_size=3, unique=True),
)
def test_any_ontology_survives_the_way_through_rows(
    edges: set[tuple[str, str, RelationKind]], exclusive: set[tuple[str, str, str]], texts: list[str]
) -> None:
    order = {label: i for i, label in enumerate(LABELS)}
    ontology = Ontology(
        name="drawn",
        labels=tuple(
            Label(x, x.lower(), LabelClass.TYPE, synonyms=tuple(Synonym(t) for t in texts), definition="".join(texts))
            for x in LABELS
        ),
        relations=tuple(Relation(a, kind, b, "s") for a, b, kind in edges if order[a] < order[b]),
        exclusive_pairs=tuple(ExclusivePair(a, b, source) for a, b, source in exclusive if a != b),
        label_sets=(LabelSet("set", tuple(LABELS[::-1])),),
    )
    rows = to_rows(ontology)
    assert from_rows(rows, "drawn", "1", (), ()) == ontology
    assert to_rows(from_rows(rows, "drawn", "1", (), ())).edge_bundles() == rows.edge_bundles()
