"""Similar lesions: shared labels of what a lesion finds, against plain loops and chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_runs import Trained

from kg.cohort import Cohort
from learn.judged import Judged
from learn.retrieval import retrieval

quick = settings(max_examples=20, deadline=None)


def made(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    lesions = int(draw.integers(2, 25))
    return draw.normal(size=(lesions, 3)), draw.integers(0, 6, lesions), draw.random((lesions, 7)) < 0.3


@quick
@given(st.integers(0, 2**31 - 1))
def test_figures_equal_those_of_plain_loops(seed: int) -> None:
    embedding, patients, truth = made(seed)
    labelled = [i for i in range(len(truth)) if truth[i].any()]
    for found in retrieval(embedding, patients, truth, (1, 3)):
        precision, recall, chance_precision, chance_recall, queries = [], [], [], [], 0
        for i in labelled:
            others = [j for j in labelled if patients[j] != patients[i]]
            if not others:
                continue
            queries += 1
            near = sorted(others, key=lambda j: (float(np.linalg.norm(embedding[i] - embedding[j])), j))[: found.k]
            shared = {j: int((truth[i] & truth[j]).sum()) for j in others}
            precision += [shared[j] / truth[j].sum() for j in near]
            recall += [shared[j] / truth[i].sum() for j in near]
            chance_precision.append(np.mean([shared[j] / truth[j].sum() for j in others]))
            chance_recall.append(np.mean([shared[j] / truth[i].sum() for j in others]))
        assert found.queries == queries
        if queries:
            expected = [np.mean(x) for x in (precision, recall, chance_precision, chance_recall)]
            ours = [found.precision, found.recall, found.chance_precision, found.chance_recall]
            np.testing.assert_allclose(ours, expected)
        else:
            assert np.isnan(found.precision) and np.isnan(found.chance_recall)


def test_an_embedding_of_the_labels_finds_equal_lesions_and_never_the_same_patient() -> None:
    truth = np.eye(3, dtype=bool)[[0, 1, 2, 0, 1, 2]]
    found = retrieval(truth.astype(float), np.array(list("abcdef")), truth, (1,))[0]
    assert (found.precision, found.recall) == (1, 1)
    assert found.chance_precision == pytest.approx(1 / 5)
    own = retrieval(truth.astype(float), np.array(list("abcabc")), truth, (1,))[0]
    assert own.precision == 0


def test_without_lesions_to_find_nothing_is_defined() -> None:
    found = retrieval(np.ones((3, 2)), np.array(["a"] * 3), np.ones((3, 2), bool))
    assert [f.queries for f in found] == [0, 0, 0]
    assert np.isnan(found[0].precision)
    assert retrieval(np.ones((2, 2)), np.array(["a", "b"]), np.zeros((2, 2), bool))[0].queries == 0


def test_on_real_lesions_even_a_tiny_model_finds_three_times_what_chance_does(trained: Trained, cohort: Cohort) -> None:
    judged = Judged.of_split(trained.run, cohort, "test")
    first, *_, tenth = retrieval(judged.embedding, judged.patients, judged.truth)
    assert first.queries == 1761
    assert first.precision > 2 * first.chance_precision
    assert first.precision >= tenth.precision > tenth.chance_precision
