"""The correlation heat map: what the ontology says about each learned weight, and which labels are shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_ontology import CALCIFIED, CHEST, LEFT_LUNG, LIVER, LUNG, NODULE, SOLID, small
from real_graph import World
from safetensors.numpy import save_file

from kg.errors import UsageError
from kg.ontology import LabelClass, SoftKind, SoftRelation
from kg.store import GraphStore
from queries.heat_map import Agreement, Said, Weights, classify, heat_map
from queries.heat_map_graph import models_with_correlations, read_weights

AGREES, CONTRADICTS, NEW, WEAK = Agreement.AGREES, Agreement.CONTRADICTS, Agreement.NEW, Agreement.WEAK


def test_every_weight_of_the_171_labels_is_what_the_relation_matrices_say(world: World) -> None:
    matrices = world.matrices
    # Soft relations are not in the matrices; only strict ones here.
    ontology = replace(world.ontology, soft_relations=())
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(171, 171))
    strong = generator.random((171, 171)) < 0.5
    found = classify(weight, strong, Said.of(ontology, matrices.label_ids))

    joined = matrices.ancestors.toarray() | matrices.ancestors.toarray().T
    exclusive = matrices.exclusive.toarray()
    for i in range(171):
        for j in range(171):
            if i == j or not strong[i, j]:
                expected = WEAK
            elif joined[i, j]:
                expected = AGREES if weight[i, j] > 0 else CONTRADICTS
            elif exclusive[i, j]:
                expected = CONTRADICTS if weight[i, j] > 0 else AGREES
            else:
                expected = NEW
            assert found[i, j] == expected, (matrices.names[i], matrices.names[j])
    # Of 171 * 170 ordered pairs, 2 * 268 are joined by the hierarchy and 2 * 4,459 are exclusive.
    everywhere = classify(np.ones((171, 171)), np.ones((171, 171), bool), Said.of(ontology, matrices.label_ids))
    counts = [int((everywhere == kind).sum()) for kind in (AGREES, CONTRADICTS, NEW, WEAK)]
    assert counts == [536, 8918, 171 * 170 - 536 - 8918, 171]


@pytest.mark.parametrize(
    ("a", "b", "weight", "expected"),
    [
        pytest.param(LEFT_LUNG, CHEST, 0.5, AGREES, id="an ancestor, however far"),
        pytest.param(CHEST, LEFT_LUNG, -0.5, CONTRADICTS, id="against an ancestor"),
        pytest.param(LIVER, LEFT_LUNG, 0.5, CONTRADICTS, id="inherited exclusion"),
        pytest.param(LEFT_LUNG, LIVER, -0.5, AGREES, id="exclusive labels keep apart"),
        pytest.param(SOLID, CALCIFIED, 0.5, CONTRADICTS, id="members of an exclusive group"),
        pytest.param(NODULE, LUNG, 0.5, AGREES, id="typically located in"),
        pytest.param(NODULE, CHEST, 0.5, AGREES, id="and in what that is part of"),
        pytest.param(NODULE, CHEST, -0.5, CONTRADICTS, id="against where it typically is"),
        pytest.param(NODULE, LEFT_LUNG, 0.5, NEW, id="but not in each of its parts"),
        pytest.param(NODULE, SOLID, 0.5, NEW, id="nothing is said"),
        pytest.param(NODULE, SOLID, 0.0, WEAK, id="no weight"),
    ],
)
def test_relations_decide(a: str, b: str, weight: float, expected: Agreement) -> None:
    weights = np.array([[0.0, weight], [weight, 0.0]])
    found = classify(weights, np.ones((2, 2), bool), Said.of(small(), (a, b)))
    assert found.tolist() == [[WEAK, expected], [expected, WEAK]]


def test_what_is_taken_for_each_other_explains_a_weight_between_exclusive_labels() -> None:
    alike = SoftRelation(SOLID, SoftKind.CONFUSABLE_WITH, CALCIFIED)
    said = Said.of(replace(small(), soft_relations=(alike,)), (SOLID, CALCIFIED))
    both = np.array([[0.0, 0.5], [-0.5, 0.0]])
    assert classify(both, np.ones((2, 2), bool), said).tolist() == [[WEAK, AGREES], [AGREES, WEAK]]


def made_weights(**changes: Any) -> Weights:
    """Weights between labels of the made ontology (synthetic)."""
    ids = (CHEST, LUNG, LEFT_LUNG, LIVER, NODULE, SOLID, CALCIFIED)
    weight, stability = np.zeros((7, 7)), np.zeros((7, 7))
    for source, target, value in ((NODULE, SOLID, 0.9), (LIVER, LUNG, -0.4), (SOLID, CALCIFIED, 0.2)):
        weight[ids.index(target), ids.index(source)] = value
        stability[ids.index(target), ids.index(source)] = 1.0
    return replace(Weights("m", ids, weight, stability, complete=False), **changes)


def test_cells_are_listed_by_size_with_what_they_say() -> None:
    found = heat_map(small(), made_weights()).cells()
    assert [(c.source, c.target, c.weight, c.agreement, c.reading) for c in found] == [
        (NODULE, SOLID, 0.9, NEW, "co-occurs"),
        (LIVER, LUNG, -0.4, AGREES, "suppresses"),
        (SOLID, CALCIFIED, 0.2, CONTRADICTS, "confusable"),
    ]


def test_labels_are_chosen_by_class_neighbourhood_and_size() -> None:
    ontology, weights = small(), made_weights()
    parts = heat_map(ontology, weights, LabelClass.BODYPART)
    assert parts.names == ("chest", "lung", "left lung", "liver"), "parts stand below the whole"
    assert heat_map(ontology, weights, near=LIVER).names == ("chest", "lung", "liver")
    assert heat_map(ontology, weights, near=CALCIFIED).names == ("calcified", "solid")
    few = heat_map(ontology, weights, most=2)
    assert (few.names, few.left_out) == (("nodule", "solid"), 3)
    assert heat_map(ontology, made_weights(label_ids=("T:x", *weights.label_ids[1:]))).label_ids[0] != "T:x"
    with pytest.raises(UsageError, match="'T:x'"):
        heat_map(ontology, weights, near="T:x")


def test_the_graph_gives_the_weights_that_stand_out(world: World, store: GraphStore) -> None:
    model = world.run.run_id
    assert next(iter(models_with_correlations(store))) == model
    weights = read_weights(store, model)
    assert weights.label_ids == world.matrices.label_ids
    rows = store.read(
        "MATCH (a:Label)-[r:CORRELATES_WITH {model: $model}]->(b:Label) "
        "RETURN a.name AS a, b.name AS b, r.weight AS weight, r.reading AS reading ORDER BY a, b",
        {"model": model},
    )
    assert int(weights.strong.sum()) == len(rows) > 50
    mean = world.run.spl_weight.mean(axis=0)
    for row in rows:
        at = world.column(row["b"]), world.column(row["a"])
        assert weights.weight[at] == row["weight"] == pytest.approx(mean[at], abs=1e-6)
    everything = heat_map(world.ontology, weights, most=171)
    names = dict(zip(everything.label_ids, everything.names, strict=True))
    readings = {(names[c.source], names[c.target]): c.reading for c in everything.cells()}
    assert readings == {(row["a"], row["b"]): row["reading"] for row in rows}
    with pytest.raises(UsageError, match="has no correlations"):
        read_weights(store, "none")


def test_the_run_folder_gives_the_small_weights(world: World, tmp_path: Path) -> None:
    model, store = world.run.run_id, world.embedded
    known = read_weights(store, model)
    assert not read_weights(store, model, tmp_path).complete
    folder = tmp_path / model
    folder.mkdir()
    world.matrices.save(folder / "matrices.safetensors")
    kept = {"weight": world.run.spl_weight, "bias": np.zeros((1, 171), np.float32)}
    save_file({name: np.ascontiguousarray(value) for name, value in kept.items()}, folder / "spl.safetensors")
    full = read_weights(store, model, tmp_path)
    assert full.complete
    mean = world.run.spl_weight.mean(axis=0)
    assert np.allclose(full.weight[~full.strong], mean[~known.strong])
    assert (full.weight[full.strong] == known.weight[known.strong]).all()
    (folder / "spl.safetensors").write_bytes(b"damaged")
    assert not read_weights(store, model, tmp_path).complete
