"""Pictures: equal bytes for equal values, no shared state, and the numbers behind them."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tiny_runs import Trained

from kg.cohort import Cohort
from learn import plots
from learn.evaluation import evaluate
from learn.judged import Judged
from learn.projection import label_groups, project


@pytest.fixture(scope="module")
def judged(trained: Trained, cohort: Cohort) -> Judged:
    return Judged.of_split(trained.run, cohort, "test")


@pytest.fixture(scope="module")
def pictures(trained: Trained, judged: Judged, cohort: Cohort) -> dict[str, list[bytes]]:
    """Each picture, drawn twice."""
    run = trained.run
    names, weight, labels = run.matrices.names, run.spl_weight.mean(axis=0), evaluate(run, cohort).labels
    draw = {
        "precision and recall": lambda: plots.precision_recall_png(judged, names, [0, 5]),
        "calibration": lambda: plots.calibration_png(judged),
        "propagation": lambda: plots.propagation_png(weight),
        "strongest": lambda: plots.strongest_png(weight, names, 12),
        "frequency": lambda: plots.frequency_png(labels),
        "projection": lambda: plots.projection_png(
            project(judged.embedding), label_groups(judged.truth, run.matrices), names
        ),
    }
    return {name: [once(), once()] for name, once in draw.items()}


def test_each_picture_is_a_png_that_shows_something_and_comes_out_the_same_twice(
    pictures: dict[str, list[bytes]],
) -> None:
    for name, (first, second) in pictures.items():
        assert first == second, name
        image = np.asarray(Image.open(BytesIO(first)).convert("RGB"))
        assert image.shape[0] > 300 and image.shape[1] > 300, name
        assert len(np.unique(image.reshape(-1, 3), axis=0)) > 20, name


def test_pictures_name_no_software_and_no_date(pictures: dict[str, list[bytes]]) -> None:
    for first, _ in pictures.values():
        assert not {"Software", "Creation Time", "date"} & set(Image.open(BytesIO(first)).info)


def test_drawing_touches_no_state_of_the_plotting_library() -> None:
    code = (
        "import sys, numpy as np, matplotlib; before = matplotlib.rcParams.copy()\n"
        "from learn.plots import propagation_png\n"
        "propagation_png(np.random.default_rng(0).normal(size=(8, 8)))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert matplotlib.rcParams.copy() == before\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_labels_with_like_weights_come_to_lie_together() -> None:
    draw = np.random.default_rng(3)
    blocks = np.array([0, 1, 0, 1, 1, 0, 1, 0])
    weight = np.where(blocks[:, None] == blocks[None], 1.0, -1.0) + draw.normal(0, 0.05, (8, 8))
    ordered = blocks[plots.label_order(weight)]
    assert (np.diff(ordered) != 0).sum() == 1
    assert sorted(plots.label_order(weight).tolist()) == list(range(8))


def test_a_matrix_of_one_label_and_one_of_zeros_can_be_ordered() -> None:
    assert plots.label_order(np.ones((1, 1))).tolist() == [0]
    assert sorted(plots.label_order(np.zeros((4, 4))).tolist()) == [0, 1, 2, 3]
