"""The numbers of the overview, and the lesions and labels of a result, against what went into the real graph."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from real_graph import World

from kg import algebra
from kg.curation.proposal_tables import open_curation
from kg.schema import RELATIONSHIP_TYPES
from kg.store import GraphStore
from queries.kept import Kept
from queries.overview_view import (
    contents,
    contradictory,
    glance,
    never_ruled_out,
    newest_cohort,
    open_proposals,
    soundness,
)
from queries.request import Request, answer
from queries.result_graph import CellKind, draw, find_named
from queries.results import Result
from queries.schema_view import count_kinds, read_schema


def test_numbers_are_those_of_the_tables(world: World, store: GraphStore) -> None:
    found, counted = glance(store), contents(Kept(store))
    classes = Counter(label.label_class for label in world.ontology.labels if not label.deprecated)
    assert found.labels == classes
    assert found.label_sets == {"lesanet-171": 171}
    assert found.head.ontology_hash == world.ontology.content_hash
    official = {f"DL:{row['index']:05d}": row["split"] for row in world.lesions.select(["index", "split"]).to_pylist()}
    splits = Counter(official.values())
    labelled = Counter(official[lesion] for lesion in world.ids(world.said.any(axis=1)))
    assert {one.split: one.lesions for one in counted.splits} == splits
    assert {one.split: one.labelled for one in counted.splits} == labelled
    assert counted.counts.nodes["Lesion"] == world.lesions.num_rows
    assert counted.counts.of_type("HAS_LABEL") == int(world.said.sum())
    assert counted.counts.of_type("EXCLUSIVE_WITH") == len(world.ontology.exclusive_pairs)
    assert soundness(Kept(store)).stale == "" and soundness(Kept(store)).findings == ()


def test_what_to_look_at_is_what_the_matrices_say(world: World, store: GraphStore, tmp_path: Path) -> None:
    kept, cohort = Kept(store), newest_cohort(store)
    assert cohort is not None and cohort.id == world.cohort.id
    # In train uncertain labels count too, as in training.
    positive = world.matrices.expand(world.cohort.positive_matrix())
    lesions = np.unique(algebra.contradictions(positive, world.matrices.exclusive)[:, 0])
    assert contradictory(kept, cohort) == len(lesions)
    train = world.rows("train")
    has = world.matrices.expand(algebra.as_bool(world.said[train])).toarray()
    excluded = (has.astype(int) @ world.matrices.exclusive.toarray().astype(int) > 0) & ~has
    assert never_ruled_out(kept, cohort) == int((~excluded.any(axis=0)).sum())
    with open_curation(tmp_path) as database:
        assert open_proposals(database) == 0


def test_the_schema_lists_every_kind_with_its_ends(store: GraphStore) -> None:
    view = read_schema(store, count_kinds(store))
    kinds = {kind.name: kind for kind in view.relationships}
    assert set(kinds) == set(RELATIONSHIP_TYPES)
    assert kinds["HAS_LABEL"].ends == (("Lesion", "Label"),)
    assert {"source", "verified"} <= set(kinds["HAS_LABEL"].properties)
    assert kinds["MENTIONS"].count == 0 and kinds["MENTIONS"].ends == ()
    nodes = {node.name: node for node in view.nodes}
    assert "Schema" not in nodes and nodes["Label"].count == 333
    assert nodes["Label"].properties[0] == "id" and "name" in nodes["Label"].properties


def test_a_result_is_drawn_with_the_relations_among_what_it_names(world: World, store: GraphStore) -> None:
    result = answer(store, Request("lesions-under-label", parameters={"label": "cyst", "limit": "20"}))
    named = find_named(store, result)
    assert named.columns == {0: CellKind.LESION, 1: CellKind.LABEL}
    drawn = draw(store, named)
    lesions = [row[0] for row in result.rows]
    assert {node.id for node in drawn.nodes if node.kind == "lesion"} == set(lesions)
    rows = {lesion: row for row, lesion in enumerate(world.cohort.table["lesion"].to_pylist())}
    names = dict(zip(world.matrices.label_ids, world.matrices.names, strict=True))
    columns = {node.id: world.matrices.label_ids.index(node.id) for node in drawn.nodes if node.kind != "lesion"}
    expected = {
        (lesion, label) for lesion in lesions for label, column in columns.items() if world.said[rows[lesion], column]
    }
    assert {(start, stop) for start, kind, stop in drawn.edges if kind == "HAS_LABEL"} == expected
    assert "cyst" in {names[label] for label in columns}


def test_only_columns_that_name_nothing_else_lead_somewhere(store: GraphStore) -> None:
    rows = (("DL:00000", "liver", "liver", 3), ("DL:00001", None, "no label", 4), (None, "LKG:0000001", "lung", 5))
    named = find_named(store, Result(("a", "b", "c", "d"), rows))
    assert named.columns == {0: CellKind.LESION, 1: CellKind.LABEL}
    assert named.ids["liver"] == "LKG:0000003"
    assert [node.id for node in named.nodes] == ["DL:00000", "LKG:0000003", "DL:00001", "LKG:0000001"]
    assert find_named(store, Result(("a",), ())).nodes == ()
