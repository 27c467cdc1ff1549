"""Matched lesions on the command line and in the graph: written once, beside other models, whole or not at all."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import graphs
import pytest
from small_release import first_lesions
from synthetic_runs import synthetic_run

from ingest.load import load_deeplesion
from kg.errors import StoreError
from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from kg.store import GraphStore
from learn.graph_same_lesion import match_run
from learn.publish import publish
from queries.catalogue import named


@pytest.fixture(scope="module")
def published(
    empty_graph_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[GraphStore, Any, Any]]:
    """The first 600 real lesions with a published synthetic run; every test matches its lesions anew."""
    with graphs.fresh(empty_graph_folder, tmp_path_factory.mktemp("matched") / "graph") as store:
        save_ontology(store, load_shipped())
        load_deeplesion(store, first_lesions(600))
        cohort = load_cohort(store, "lesanet")
        run = synthetic_run(cohort, matrices_from_graph(store, "lesanet-171"), 1, "2026-01-01T00:00:00+00:00")
        publish(store, run, cohort)
        yield store, run, cohort


def edges(store: GraphStore) -> list[Any]:
    return store.read(
        "MATCH (p:Patient)-[:HAS_STUDY]->(s:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(a:Lesion)"
        "-[r:SAME_LESION_AS]->(b:Lesion)<-[:HAS_LESION]-(:Series)<-[:HAS_SERIES]-(t:Study)<-[:HAS_STUDY]-(q:Patient) "
        "RETURN a.id AS a, b.id AS b, p.id AS p, q.id AS q, s.id AS s, t.id AS t, r.model AS model ORDER BY a, b"
    )


def test_matched_lesions_are_of_one_patient_in_two_studies_and_stored_once(published: Any) -> None:
    store, run, cohort = published
    match_run(store, run, cohort, 0.0, 0.0)
    summary = match_run(store, run, cohort, 0.0, 1e6)
    found = edges(store)
    assert summary.changed
    assert len(found) == summary.edges > 0
    assert all(row["a"] < row["b"] and row["p"] == row["q"] and row["s"] != row["t"] for row in found)
    assert {row["model"] for row in found} == {run.run_id}


def test_matching_twice_changes_nothing_and_other_thresholds_replace_the_edges(published: Any) -> None:
    store, run, cohort = published
    many = match_run(store, run, cohort, 0.0, 1e6)
    assert not match_run(store, run, cohort, 0.0, 1e6).changed
    none = match_run(store, run, cohort, 0.0, 0.0)
    assert (many.edges > 0, none.changed, none.edges, edges(store)) == (True, True, 0, [])
    chosen = match_run(store, run, cohort)
    assert chosen.between > 0
    assert "3%" in chosen.chosen_by


def test_a_model_that_is_not_published_is_refused(published: Any) -> None:
    store, run, cohort = published
    match_run(store, run, cohort, 0.0, 0.0)
    unpublished = copy.copy(run)
    unpublished.run_id = "synthetic-unpublished"
    with pytest.raises(StoreError, match="lesionkg publish"):
        match_run(store, unpublished, cohort, 0.0, 1e6)
    assert edges(store) == []


def test_the_named_query_lists_a_lesion_with_its_sizes_over_studies(published: Any) -> None:
    store, run, cohort = published
    match_run(store, run, cohort, 0.0, 1e6)
    patient = edges(store)[0]["p"]
    rows = store.read(named("lesion-over-time").text, {"patient": patient, "model": run.run_id})
    assert len(rows) == sum(row["p"] == patient for row in edges(store))
    for row in rows:
        assert row["study"] < row["later_study"]
        if row["long_mm"] and row["later_mm"]:
            assert row["change"] == pytest.approx(row["later_mm"] / row["long_mm"])
