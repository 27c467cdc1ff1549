"""Publishing a run: what is written, once, beside other models, whole or not at all. The run is synthetic."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from killing import broken_relationships, kill, kill_points
from small_release import first_lesions
from synthetic_runs import synthetic_run
from tiny_runs import Trained

from ingest.load import load_deeplesion
from kg.cohort import Cohort
from kg.embedded import open_folder
from kg.errors import StoreError
from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import save_ontology
from kg.integrity import edge_counts
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from kg.store import GraphStore
from learn.decode import decode
from learn.predict import Prediction, predict
from learn.publish import NEIGHBOURS, NEXT_BEST, publish
from learn.publish_lesions import publish_lesions

LESIONS = 600


@pytest.fixture(scope="module")
def loaded_folder(empty_graph_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed graph folder with the shipped ontology and the first 600 real lesions; copy it."""
    folder = tmp_path_factory.mktemp("loaded") / "graph"
    shutil.copytree(empty_graph_folder, folder)
    with open_folder(folder) as store:
        save_ontology(store, load_shipped())
        load_deeplesion(store, first_lesions(LESIONS))
    return folder


@pytest.fixture
def store(loaded_folder: Path, tmp_path: Path) -> Iterator[GraphStore]:
    shutil.copytree(loaded_folder, tmp_path / "graph")
    with open_folder(tmp_path / "graph") as opened:
        yield opened


def pulled(store: GraphStore) -> tuple[Cohort, RelationMatrices]:
    return load_cohort(store, "lesanet"), matrices_from_graph(store, "lesanet-171")


def made(store: GraphStore, seed: int = 1) -> tuple[Any, Cohort]:
    cohort, matrices = pulled(store)
    return synthetic_run(cohort, matrices, seed, "2026-01-01T00:00:00+00:00"), cohort


def edges(store: GraphStore) -> dict[str, int]:
    return {count.kind: count.outgoing for count in edge_counts(store) if count.outgoing}


def test_publishing_writes_exactly_what_the_run_says(store: GraphStore) -> None:
    run, cohort = made(store)
    summary = publish(store, run, cohort)
    test = np.flatnonzero(run.split == "test")
    decided = decode(run.score[test], run.thresholds, run.matrices).positive
    found = store.read(
        "MATCH (l:Lesion)-[p:PREDICTED {model: $m}]->(c:Label) "
        "RETURN l.id AS lesion, c.id AS label, p.score AS score ORDER BY lesion, label",
        {"m": run.run_id},
    )
    expected = {(run.lesions[test[n]], run.matrices.label_ids[c]): (n, c) for n, c in np.argwhere(decided)}
    assert {(r["lesion"], r["label"]) for r in found} == set(expected)
    for row in found:
        n, c = expected[row["lesion"], row["label"]]
        assert row["score"] == pytest.approx(float(run.score[test[n], c]), abs=1e-6)
    assert summary.predicted == int(decided.sum())
    assert summary.scored == len(test) * NEXT_BEST
    assert summary.lesions == len(test)


def test_published_predictions_break_no_relation(store: GraphStore) -> None:
    run, cohort = made(store)
    publish(store, run, cohort)
    broken = store.read(
        "MATCH (a:Label)-[:EXCLUDES]->(b:Label) "
        "MATCH (l:Lesion)-[:PREDICTED {model: $m}]->(a) MATCH (l)-[:PREDICTED {model: $m}]->(b) "
        "RETURN count(*) AS n ORDER BY n",
        {"m": run.run_id},
    )
    orphans = store.read(
        "MATCH (l:Lesion)-[:PREDICTED {model: $m}]->(c:Label)-[:DESCENDS_FROM]->(p:Label) "
        "WHERE NOT EXISTS { MATCH (l)-[:PREDICTED {model: $m}]->(p) } RETURN count(*) AS n ORDER BY n",
        {"m": run.run_id},
    )
    assert (broken, orphans) == ([{"n": 0}], [{"n": 0}])


def test_an_expanded_prediction_names_the_label_that_brought_it(store: GraphStore) -> None:
    run, cohort = made(store)
    publish(store, run, cohort)
    rows = store.read(
        "MATCH (l:Lesion)-[p:PREDICTED {model: $m}]->(c:Label) WHERE p.expanded_from IS NOT NULL "
        "MATCH (k:Label {id: p.expanded_from})-[:DESCENDS_FROM]->(c) RETURN count(*) AS n ORDER BY n",
        {"m": run.run_id},
    )
    expanded = store.read(
        "MATCH ()-[p:PREDICTED]->() WHERE p.expanded_from IS NOT NULL RETURN count(*) AS n ORDER BY n"
    )
    assert rows == expanded
    assert rows[0]["n"] > 0


def test_correlations_point_from_evidence_to_the_label_it_moves(store: GraphStore) -> None:
    run, cohort = made(store)
    summary = publish(store, run, cohort)
    rows = store.read(
        "MATCH (j:Label)-[r:CORRELATES_WITH {model: $m}]->(i:Label) "
        "RETURN j.id AS j, i.id AS i, r.weight AS weight, r.review AS review ORDER BY j, i",
        {"m": run.run_id},
    )
    mean = run.spl_weight.mean(axis=0)
    place = run.matrices.position
    assert len(rows) == summary.correlations > 0
    assert all(r["weight"] == pytest.approx(float(mean[place[r["i"]], place[r["j"]]]), abs=1e-5) for r in rows)
    assert {r["review"] for r in rows} == {"open"}


def test_similar_lesions_are_of_other_patients(store: GraphStore) -> None:
    run, cohort = made(store)
    publish(store, run, cohort)
    rows = store.read(
        "MATCH (p:Patient)-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion)"
        "-[r:SIMILAR_TO {model: $m}]->(o:Lesion)<-[:HAS_LESION]-(:Series)<-[:HAS_SERIES]-(:Study)"
        "<-[:HAS_STUDY]-(q:Patient) "
        "RETURN l.id AS lesion, r.rank AS rank, p.id AS one, q.id AS other ORDER BY lesion, rank",
        {"m": run.run_id},
    )
    assert all(row["one"] != row["other"] for row in rows)
    ranks = [row["rank"] for row in rows if row["lesion"] == rows[0]["lesion"]]
    assert ranks == list(range(1, NEIGHBOURS + 1))


def test_publishing_twice_changes_nothing_and_a_newer_model_sits_beside(store: GraphStore) -> None:
    run, cohort = made(store)
    assert publish(store, run, cohort).changed
    first = edges(store)
    assert not publish(store, run, cohort).changed
    assert edges(store) == first
    other, _ = made(store, seed=2)
    assert publish(store, other, cohort).changed
    models = store.read("MATCH (m:Model) RETURN m.id AS id, m.saw_pixels AS pixels, m.note AS note ORDER BY id")
    assert [m["id"] for m in models] == sorted([run.run_id, other.run_id])
    assert all(m["pixels"] is False and "no pixels" in m["note"] for m in models)
    mine = store.read("MATCH ()-[p:PREDICTED {model: $m}]->() RETURN count(*) AS n ORDER BY n", {"m": run.run_id})
    assert mine[0]["n"] == first["PREDICTED"]


def test_another_threshold_replaces_the_models_edges(store: GraphStore) -> None:
    run, cohort = made(store)
    many = publish(store, run, cohort)
    few = publish(store, run, cohort, threshold=2 * many.correlation_threshold)
    assert few.changed
    assert 0 < few.correlations < many.correlations
    assert edges(store)["CORRELATES_WITH"] == few.correlations
    assert edges(store)["PREDICTED"] == many.predicted


def test_publishing_again_keeps_what_reviewers_decided(store: GraphStore) -> None:
    run, cohort = made(store)
    many = publish(store, run, cohort)
    decided = store.write_transaction(
        lambda tx: tx.run(
            "MATCH (j:Label)-[r:CORRELATES_WITH {model: $m}]->(i:Label) "
            "WITH j, r, i ORDER BY abs(r.weight) DESC LIMIT 1 "
            "SET r.review = 'rejected' RETURN j.id AS j, i.id AS i ORDER BY j",
            {"m": run.run_id},
        )
    )
    assert publish(store, run, cohort, threshold=2 * many.correlation_threshold).changed
    left = store.read(
        "MATCH (j:Label)-[r:CORRELATES_WITH {review: 'rejected'}]->(i:Label) RETURN j.id AS j, i.id AS i ORDER BY j"
    )
    assert left == decided


def test_a_run_about_lesions_that_are_not_there_is_refused_and_nothing_is_stored(
    store: GraphStore, loaded_folder: Path
) -> None:
    run, cohort = made(store)
    store.write_transaction(
        lambda tx: tx.run(
            "MATCH (l:Lesion {id: $id}) DETACH DELETE l", {"id": run.lesions[int(np.argmax(run.split == "test"))]}
        )
    )
    before = edges(store)
    with pytest.raises(StoreError, match=r"1 of \d+ lesions of the run are not in the graph"):
        publish(store, run, cohort)
    assert edges(store) == before
    assert store.read("MATCH (m:Model) RETURN count(*) AS n ORDER BY n") == [{"n": 0}]


SCRIPT = """
import sys
from pathlib import Path
from kg.embedded import open_folder
from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from learn.publish import publish
from synthetic_runs import synthetic_run
from tiny_runs import Trained
with open_folder(Path(sys.argv[1])) as store:
    cohort, matrices = load_cohort(store, "lesanet"), matrices_from_graph(store, "lesanet-171")
    run = synthetic_run(cohort, matrices, int(sys.argv[2]), "2026-01-01T00:00:00+00:00")
    print("ready", flush=True)
    publish(store, run, cohort)
    print("done", flush=True)
"""


def survive(folder: Path, points: int) -> None:
    seconds = kill(SCRIPT, folder, "1", after=None)
    assert seconds is not None
    with open_folder(folder) as store:
        known = {"synthetic-0000000001": edges(store)["PREDICTED"]}
    for number, moment in enumerate(kill_points(seconds, points), start=2):
        done = kill(SCRIPT, folder, str(number), after=moment)
        assert broken_relationships(folder) == []
        with open_folder(folder) as store:
            models = {r["id"] for r in store.read("MATCH (m:Model) RETURN m.id AS id ORDER BY id")}
            counts = store.read("MATCH ()-[p:PREDICTED]->() RETURN p.model AS id, count(*) AS n ORDER BY id")
        found = {r["id"]: r["n"] for r in counts}
        assert set(found) == models, "a model without its edges, or edges without their model"
        assert {k: found[k] for k in known} == known
        assert done is None or f"synthetic-{number:010d}" in models
        known = found


@pytest.mark.slow
def test_a_killed_publish_leaves_the_model_whole_or_absent(loaded_folder: Path, tmp_path: Path) -> None:
    survive(Path(shutil.copytree(loaded_folder, tmp_path / "graph")), points=2)


@pytest.mark.slow
def test_twenty_killed_publishes_leave_models_whole_or_absent(loaded_folder: Path, tmp_path: Path) -> None:
    survive(Path(shutil.copytree(loaded_folder, tmp_path / "graph")), points=20)


def test_a_published_model_labels_further_lesions_once(store: GraphStore, trained: Trained) -> None:
    run, (cohort, _) = trained.run, pulled(store)
    part = cohort.filter(cohort.has_metadata)
    lesions = (*part.table["lesion"].to_pylist(), "DL:99999")
    found = predict(run, part.table)
    one_more = Prediction(*(np.concatenate([v, v[:1]]) for v in (found.score, found.probability, found.embedding)))
    decoded = decode(one_more.score, run.thresholds, run.matrices)
    with pytest.raises(StoreError, match="publish it first"):
        publish_lesions(store, run, lesions, one_more, decoded)
    store.write_transaction(lambda tx: tx.run("CREATE (:Model {id: $id})", {"id": run.run_id}))
    other, _ = made(store)
    publish(store, other, cohort)
    of_other = edges(store)["PREDICTED"]

    first = publish_lesions(store, run, lesions, one_more, decoded)
    assert (first.lesions, first.absent) == (part.size, ("DL:99999",))
    assert first.predicted == int(decoded.positive[:-1].sum()) and first.scored == NEXT_BEST * part.size
    again = publish_lesions(store, run, lesions, one_more, decoded)
    assert again == first
    assert edges(store)["PREDICTED"] == of_other + first.predicted
    rows = store.read(
        "MATCH (l:Lesion)-[p:PREDICTED {model: $m}]->(c:Label) "
        "RETURN l.id AS lesion, c.id AS label, p.probability AS probability ORDER BY lesion, label",
        {"m": run.run_id},
    )
    row_of = {lesion: i for i, lesion in enumerate(lesions)}
    for row in rows:
        column = run.matrices.position[row["label"]]
        assert decoded.positive[row_of[row["lesion"]], column]
        assert row["probability"] == pytest.approx(float(found.probability[row_of[row["lesion"]], column]), abs=1e-6)
