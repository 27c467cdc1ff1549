"""Loading DeepLesion into a graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pytest

from ingest.label_lists import LabelLists
from ingest.load import load_deeplesion
from ingest.release import Release, lesion_ids
from kg import algebra
from kg.cohort import SPLITS
from kg.errors import InputError, StaleRevisionError, StoreError, UsageError
from kg.graph_cohort import freeze, list_cohorts, load_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import save_ontology
from kg.integrity import edge_counts
from kg.matrices import multi_hot
from kg.shipped import load_shipped
from kg.store import GraphStore, Parameters, Row, Transaction

T = TypeVar("T")


def pairs(store: GraphStore, kind: str, where: str = "true") -> set[tuple[str, str]]:
    """(lesion id, label id) of every relationship of a type; fails on a doubled one."""
    rows = store.read(f"MATCH (l:Lesion)-[r:{kind}]->(k:Label) WHERE {where} RETURN l.id AS l, k.id AS k ORDER BY l, k")
    found = [(row["l"], row["k"]) for row in rows]
    assert len(set(found)) == len(found)
    return set(found)


def state(store: GraphStore) -> dict[str, int]:
    """Number of nodes by label and relationships by type."""
    nodes = store.read("MATCH (n) RETURN labels(n)[0] AS label, count(n) AS n ORDER BY label")
    assert all(count.agrees for count in edge_counts(store))
    return {row["label"]: row["n"] for row in nodes} | {count.kind: count.stored for count in edge_counts(store)}


@pytest.mark.timeout(120)
def test_the_graph_holds_the_release_and_its_cohorts_behind_both_adapters(
    any_store: GraphStore, release: Release
) -> None:
    save_ontology(any_store, load_shipped())
    summary = load_deeplesion(any_store, release)
    assert state(any_store).items() >= dict(summary.counts).items()
    assert {k: summary.counts[k] for k in ("Patient", "Lesion", "HAS_LESION", "IN_COHORT")} == {
        "Patient": 39,
        "Lesion": 200,
        "HAS_LESION": 200,
        "IN_COHORT": 96,
    }
    first = any_store.read(
        "MATCH (p:Patient)-[:HAS_STUDY]->(s:Study)-[:HAS_SERIES]->(e:Series)-[:HAS_LESION]->(l:Lesion {id: $id}) "
        "RETURN p.id AS patient, p.sex AS sex, s.id AS study, s.index AS number, s.age AS age, e.id AS series, "
        "l.index AS index, l.split AS split, l.file AS file, l.long_mm AS long, l.box AS box, l.window AS window, "
        "l.coarse_type AS coarse, l.noisy AS noisy, l.source AS source ORDER BY patient",
        {"id": "DL:00000"},
    )
    assert first == [
        {
            "patient": "DL:P0001",
            "sex": "F",
            "study": "DL:P0001:S01",
            "number": 1,
            "age": 62,
            "series": "DL:P0001:S01:R01",
            "index": 0,
            "split": "test",
            "file": "000001_01_01_109.png",
            "long": pytest.approx(11.9677 * 0.488281, abs=1e-6),
            "box": [225.169, 89.0204, 240.252, 110.977],
            "window": [-175, 275],
            "coarse": 3,
            "noisy": False,
            "source": "DeepLesion",
        }
    ]
    again = load_deeplesion(any_store, release)
    assert (again.written, again.cohort) == (0, summary.cohort)
    assert load_cohort(any_store, "lesanet") == release.cohort(matrices_from_graph(any_store, "lesanet-171"))
    now = freeze(any_store, "now")
    assert load_cohort(any_store, now.id) == now
    assert [entry.name for entry in list_cohorts(any_store)] == ["now", "lesanet"]


def test_only_what_is_known_of_a_lesion_is_stored(loaded: GraphStore, release: Release) -> None:
    lesions = release.lesions.to_pylist()
    kept = ("index", "patient", "study", "series", "split")
    lesions[0] = {name: lesions[0][name] if name in kept else None for name in lesions[0]}
    load_deeplesion(loaded, Release(pa.Table.from_pylist(lesions, release.lesions.schema), release.labels))
    rows = loaded.read("MATCH (l:Lesion {id: 'DL:00000'}) UNWIND keys(l) AS name RETURN name ORDER BY name")
    assert [row["name"] for row in rows] == ["id", "index", "source", "split"]


def test_asserted_labels_and_their_ancestors_are_exactly_the_released_ones(
    shared: GraphStore, release: Release
) -> None:
    matrices = matrices_from_graph(shared, "lesanet-171")
    lesions = lesion_ids(release.labels.table["index"].to_pylist())
    row_of = {lesion: row for row, lesion in enumerate(lesions)}
    stored: list[list[int]] = [[] for _ in lesions]
    for lesion, label in pairs(shared, "HAS_LABEL"):
        stored[row_of[lesion]].append(matrices.position[label])
    released = multi_hot(release.labels.lists("relevant"), matrices.size)
    assert (matrices.expand(multi_hot(stored, matrices.size)) != matrices.expand(released)).nnz == 0
    assert sum(map(len, stored)) < released.nnz
    followed = shared.read(
        "MATCH (l:Lesion)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(k:Label)-[:IN_SET]->(:LabelSet {name: $name}) "
        "RETURN l.id AS l, k.id AS k ORDER BY l, k",
        {"name": "lesanet-171"},
    )
    expanded = algebra.to_pairs(matrices.expand(released)).tolist()
    assert {(row["l"], row["k"]) for row in followed} == {(lesions[r], matrices.label_ids[c]) for r, c in expanded}


def test_only_val_and_test_labels_are_verified(shared: GraphStore, release: Release) -> None:
    checked = {
        lesion
        for lesion, split in zip(
            lesion_ids(release.labels.table["index"].to_pylist()),
            release.labels.table["split"].to_pylist(),
            strict=True,
        )
        if split != "train"
    }
    verified, predicted = pairs(shared, "HAS_LABEL", "r.verified"), pairs(shared, "HAS_LABEL", "NOT r.verified")
    assert {lesion for lesion, _ in verified} <= checked
    assert verified
    assert not {lesion for lesion, _ in predicted} & checked


def test_no_uncertain_label_is_a_relevant_one_too(shared: GraphStore) -> None:
    assert pairs(shared, "MAY_HAVE_LABEL")
    assert not pairs(shared, "HAS_LABEL") & pairs(shared, "MAY_HAVE_LABEL")


def test_corrected_files_replace_what_was_loaded_and_nothing_else(loaded: GraphStore, release: Release) -> None:
    labels = sorted(pairs(loaded, "HAS_LABEL"))
    loaded.write_transaction(
        lambda tx: tx.run(
            "MATCH (l:Lesion {id: $l}) MATCH (k:Label {id: $k}) CREATE (l)-[:HAS_LABEL {source: 'reader'}]->(k)",
            {"l": labels[0][0], "k": labels[-1][1]},
        )
    )
    before = loaded.read("MATCH (l:Lesion)-[r:HAS_LABEL {source: 'reader'}]->(k:Label) RETURN count(r) AS n ORDER BY n")

    lists = release.labels.table.to_pylist()
    lists[0] = {**lists[0], "relevant": [], "uncertain": [4]}
    corrected_labels = LabelLists(release.labels.terms, pa.Table.from_pylist(lists, release.labels.table.schema))
    lesions = release.lesions.to_pylist()
    lesions[0] = {**lesions[0], "age": 50.0, "noisy": None}
    corrected = Release(pa.Table.from_pylist(lesions, release.lesions.schema), corrected_labels)
    changed = lesion_ids([lists[0]["index"]])[0]

    load_deeplesion(loaded, corrected)
    assert not any(lesion == changed for lesion, _ in pairs(loaded, "HAS_LABEL", "r.source = 'lesanet'"))
    assert any(lesion == changed for lesion, _ in pairs(loaded, "MAY_HAVE_LABEL"))
    row = loaded.read("MATCH (l:Lesion {id: 'DL:00000'}) RETURN l.age AS age, l.noisy AS noisy ORDER BY age")
    assert row == [{"age": 50.0, "noisy": None}]
    after = loaded.read("MATCH (l:Lesion)-[r:HAS_LABEL {source: 'reader'}]->(k:Label) RETURN count(r) AS n ORDER BY n")
    assert before == after == [{"n": 1}]
    assert len(list_cohorts(loaded)) == 2
    assert load_deeplesion(loaded, corrected).written == 0


def emptied(release: Release) -> Release:
    """The release with all label lists empty."""
    empty = [{**row, "relevant": [], "uncertain": [], "irrelevant": []} for row in release.labels.table.to_pylist()]
    return Release(
        release.lesions, LabelLists(release.labels.terms, pa.Table.from_pylist(empty, release.labels.table.schema))
    )


def test_labels_that_were_withdrawn_are_all_removed(loaded: GraphStore, release: Release) -> None:
    load_deeplesion(loaded, emptied(release))
    assert not any(pairs(loaded, kind) for kind in ("HAS_LABEL", "MAY_HAVE_LABEL", "MENTIONED_NOT_ABOUT"))


def test_a_later_revision_of_the_ontology_makes_no_second_lesanet_cohort(loaded: GraphStore, release: Release) -> None:
    ontology = load_shipped()
    without = replace(ontology, exclusive_pairs=ontology.exclusive_pairs[1:])
    assert save_ontology(loaded, without) == 2
    assert load_deeplesion(loaded, release).written == 0
    assert len(list_cohorts(loaded)) == 1


class Failing:
    """A store whose write transactions fail at their n-th statement."""

    def __init__(self, store: GraphStore, statement: int) -> None:
        self.store = store
        self.left = statement

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def write_transaction(self, work: Callable[[Transaction], T]) -> T:
        def failing(tx: Transaction) -> T:
            return work(_FailingTransaction(self, tx))

        return self.store.write_transaction(failing)

    def count(self) -> None:
        self.left -= 1
        if not self.left:
            raise StoreError("synthetic failure")


class _FailingTransaction:
    def __init__(self, store: Failing, tx: Transaction) -> None:
        self.store = store
        self.tx = tx

    def run(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        self.store.count()
        return self.tx.run(cypher, parameters)

    def run_many(self, cypher: str, rows: Any, parameters: Parameters | None = None) -> None:
        self.tx.run_many(cypher, rows, parameters)
        self.store.count()


def test_an_error_at_any_statement_leaves_the_graph_as_it_was(with_ontology: GraphStore, release: Release) -> None:
    before = state(with_ontology)
    failures = 0
    for statement in range(1, 200, 12):
        try:
            load_deeplesion(Failing(with_ontology, statement), release)
        except StoreError as error:
            assert str(error) == "synthetic failure"
            failures += 1
            assert state(with_ontology) == before
        else:
            break
    assert failures > 3
    assert state(with_ontology)["Lesion"] == 200


def test_without_an_ontology_the_load_is_refused(embedded_store: GraphStore, release: Release) -> None:
    with pytest.raises(UsageError, match="lesionkg ontology import"):
        load_deeplesion(embedded_store, release)
    assert state(embedded_store)["IN_COHORT"] == 0


def test_an_edit_behind_our_back_is_noticed_before_anything_is_stored(
    with_ontology: GraphStore, release: Release
) -> None:
    with_ontology.write_transaction(
        lambda tx: tx.run("MATCH (k:Label {id: 'LKG:0000001'}) SET k.name = 'something else'")
    )
    with pytest.raises(StaleRevisionError):
        load_deeplesion(with_ontology, release)
    assert "Lesion" not in state(with_ontology)


def test_label_lists_of_another_label_set_are_refused(with_ontology: GraphStore, release: Release) -> None:
    swapped = (release.labels.terms[1], release.labels.terms[0], *release.labels.terms[2:])
    other = Release(release.lesions, LabelLists(swapped, release.labels.table))
    with pytest.raises(InputError, match="not all of lesanet-171 in order"):
        load_deeplesion(with_ontology, other)


def test_the_official_and_the_released_split_are_both_kept(shared: GraphStore) -> None:
    rows = shared.read(
        "MATCH (l:Lesion)-[r:IN_COHORT]->(:Cohort {name: 'lesanet'}) WHERE l.split <> r.split "
        "RETURN DISTINCT l.split AS official, r.split AS lesanet ORDER BY official, lesanet"
    )
    assert rows == [{"official": "val", "lesanet": "train"}]


def test_released_lists_stay_in_the_cohort_with_order_and_duplicates(shared: GraphStore, release: Release) -> None:
    rows = shared.read(
        "MATCH (l:Lesion)-[r:IN_COHORT]->(:Cohort {name: 'lesanet'}) "
        "RETURN l.index AS index, r.relevant AS relevant, r.uncertain AS uncertain, r.irrelevant AS irrelevant "
        "ORDER BY index"
    )
    assert rows == release.labels.table.sort_by("index").drop_columns("split").to_pylist()
    assert any(len(row["relevant"]) > len(set(row["relevant"])) for row in rows)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_release_loads_and_its_labels_imply_the_released_lists(with_ontology: GraphStore) -> None:
    release = Release.shipped()
    summary = load_deeplesion(with_ontology, release)
    assert dict(summary.counts) == {
        "Patient": 4_427,
        "Study": 10_594,
        "Series": 14_601,
        "Lesion": 32_735,
        "HAS_STUDY": 10_594,
        "HAS_SERIES": 14_601,
        "HAS_LESION": 32_735,
        "HAS_LABEL": 55_580,
        "MAY_HAVE_LABEL": 2_513,
        "MENTIONED_NOT_ABOUT": 8_466,
        "IN_COHORT": 24_121,
    }
    assert state(with_ontology).items() >= dict(summary.counts).items()
    assert load_deeplesion(with_ontology, release).written == 0
    now = freeze(with_ontology, "now")
    matrices = matrices_from_graph(with_ontology, "lesanet-171")
    before = load_cohort(with_ontology, "lesanet")
    kept = before.filter(np.isin(before.table["index"].to_numpy(), now.table["index"].to_numpy()))
    for split in SPLITS:
        listed, asserted = kept.subset(split).positive_matrix(), now.subset(split).positive_matrix()
        assert (matrices.expand(listed) != matrices.expand(asserted)).nnz == 0
    # At this size the engine skipped relationships when a streamed pattern was deleted after others.
    load_deeplesion(with_ontology, emptied(release))
    left = state(with_ontology)
    assert [left[kind] for kind in ("HAS_LABEL", "MAY_HAVE_LABEL", "MENTIONED_NOT_ABOUT")] == [0, 0, 0]
