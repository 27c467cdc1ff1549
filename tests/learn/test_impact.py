"""The metadata model before and after a change: the same lesions and seeds, two ontologies, two yardsticks."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tiny_runs import TINY

from kg import algebra
from kg.cohort import Cohort
from kg.curation.impact import impact
from kg.curation.label_data import LabelData
from kg.errors import TrainingError, UsageError
from kg.matrices import RelationMatrices
from kg.ontology import LabelSet, Ontology
from kg.shipped import load_shipped
from learn.impact import Retraining, released_label_data, retrain
from learn.metrics import auc, mean
from learn.predict import member_outputs
from learn.recipe import Relations
from learn.training import train

SET = "lesanet-171"


@pytest.fixture(scope="module")
def released() -> tuple[Cohort, LabelData]:
    return released_label_data()


@pytest.fixture(scope="module")
def before() -> Ontology:
    return load_shipped()


@pytest.fixture(scope="module")
def after(before: Ontology) -> Ontology:
    """Porta hepatis is no part of the liver any more."""
    gone = before.label("porta Hepatis").id, before.label("liver").id
    return replace(before, relations=tuple(r for r in before.relations if (r.child, r.parent) != gone))


@pytest.fixture(scope="module")
def retrained(released: tuple[Cohort, LabelData], before: Ontology, after: Ontology) -> Retraining:
    cohort, data = released
    return retrain(before, after, cohort, data, TINY, replicates=40)


def test_expanding_what_was_said_gives_at_least_the_released_labels(
    released: tuple[Cohort, LabelData], before: Ontology
) -> None:
    cohort, data = released
    expanded = data.implied(data.relevant, before, cohort.label_ids)
    listed = cohort.relevant_matrix()
    assert data.relevant.nnz < listed.nnz
    assert not algebra.minus(listed, expanded).nnz
    # What the released lists lack is what their own, incomplete expansion left out.
    matrices = RelationMatrices.from_ontology(before, SET)
    assert not algebra.minus(expanded, matrices.expand(listed)).nnz


def test_the_models_are_those_that_training_makes(
    released: tuple[Cohort, LabelData],
    before: Ontology,
    retrained: Retraining,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    cohort, data = released
    matrices = RelationMatrices.from_ontology(before, SET)
    table = cohort.table
    for kind, matrix in (("relevant", data.relevant), ("uncertain", data.uncertain)):
        rows = [row.tolist() for row in np.split(matrix.indices, matrix.indptr[1:-1])]
        place = table.column_names.index(kind)
        table = table.set_column(place, table.schema.field(kind), pa.array(rows, table.schema.field(kind).type))
    said = Cohort.freeze(
        "said", SET, cohort.label_ids, cohort.label_names, 0, before.content_hash, matrices.matrix_hash, table
    )
    run = train(said, matrices, TINY, tmp_path_factory.mktemp("runs"))
    test = said.subset("test")
    truth = matrices.expand(test.relevant_matrix()).toarray()
    keep = test.has_metadata & truth.any(axis=1)
    used = (truth | ~matrices.expand(test.uncertain_matrix()).toarray())[keep]
    features = run.feature_map.transform(test.filter(keep).table)
    scores = member_outputs(run.weights, TINY, matrices.size, features)[0]
    expected = [mean(auc(truth[keep], score, used)) for score in scores]
    assert int(keep.sum()) == retrained.test == 1761
    assert retrained.yardsticks[0].macro["all"].auc.before == pytest.approx(expected)


def test_each_yardstick_has_its_own_truth(retrained: Retraining, before: Ontology) -> None:
    old, new = retrained.yardsticks
    assert (old.truth, new.truth) == ("before", "after")
    liver, spleen = (before.label(name).id for name in ("liver", "spleen"))
    assert old.positives[liver] > new.positives[liver]
    assert old.positives[spleen] == new.positives[spleen]
    assert liver in retrained.affected
    assert list(old.labels) == list(new.labels) == list(retrained.affected)
    for each in retrained.yardsticks:
        assert set(each.macro) == {"all", "affected", "others"}
        figure = each.macro["all"].auc
        assert len(figure.before) == len(figure.after) == len(TINY.seeds)
        assert figure.difference == pytest.approx(np.mean(figure.after) - np.mean(figure.before))
        assert figure.interval is not None
        assert figure.interval.low <= figure.interval.high


def test_affected_labels_are_those_whose_cells_move(
    released: tuple[Cohort, LabelData], before: Ontology, after: Ontology, retrained: Retraining
) -> None:
    found = impact(before, after, released[1], SET)
    moved = {tuple(found.names)[c] for c in found.changed_labels}
    assert set(retrained.affected) <= moved
    assert json.loads(json.dumps(retrained.as_dict(), allow_nan=False))["saw_pixels"] is False


def test_the_same_ontology_twice_changes_no_figure(released: tuple[Cohort, LabelData], before: Ontology) -> None:
    cohort, data = released
    same = retrain(before, before, cohort, data, replace(TINY, epochs=1), replicates=5)
    assert same.affected == ()
    for each in same.yardsticks:
        assert set(each.macro) == {"all", "others"}
        figures = each.macro["all"]
        assert figures.auc.before == figures.auc.after
        assert figures.f1.before == figures.f1.after
        assert figures.auc.difference == figures.auc.spread == figures.auc.better == 0


def test_label_sets_of_other_columns_are_compared_where_they_meet(
    released: tuple[Cohort, LabelData], before: Ontology
) -> None:
    cohort, data = released
    kept = tuple(reversed(before.label_set(SET).members[1:]))
    fewer = replace(before, label_sets=(LabelSet(SET, kept, "2"),))
    told: list[tuple[int, int]] = []
    recipe = replace(TINY, epochs=1, seeds=(0,))
    found = retrain(before, fewer, cohort, data, recipe, lambda done, of: told.append((done, of)), replicates=5)
    assert found.unpaired == (before.by_id[before.label_set(SET).members[0]].name,)
    assert set(found.names) == set(kept)
    assert told[-1] == (2, 2)
    one_seed = found.yardsticks[0].macro["all"].auc
    assert np.isnan(one_seed.spread)
    assert one_seed.as_dict()["spread"] is None


def test_what_cannot_be_compared_is_refused(released: tuple[Cohort, LabelData], before: Ontology) -> None:
    cohort, data = released
    with pytest.raises(UsageError, match="not expanded"):
        retrain(before, before, cohort, data, replace(TINY, labels=Relations.RELEASED))
    with pytest.raises(TrainingError, match="no val lesion"):
        retrain(before, before, cohort.subset("train"), data, TINY)
