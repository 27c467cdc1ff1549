"""Warnings come for what is unlike the validation lesions, and rarely for what is like them."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_runs import Trained

from kg.cohort import Cohort
from learn.out_of_distribution import Familiar, pixel_warnings
from learn.predict import predict


def test_real_test_lesions_rarely_get_the_warning_and_nonsense_mostly_does(trained: Trained) -> None:
    run = trained.run
    reference = Familiar(run)
    test = run.embedding[run.split == "test"]
    rare = np.mean([found.unlike for found in reference.judge(test)])
    random = np.random.default_rng(0).normal(size=(500, test.shape[1]))
    nonsense = random / np.linalg.norm(random, axis=1, keepdims=True)
    often = np.mean([found.unlike for found in reference.judge(nonsense)])
    assert rare < 0.03
    assert often > 0.9


def test_lesions_with_impossible_metadata_are_warned_of_more_often(trained: Trained, cohort: Cohort) -> None:
    reference = Familiar(trained.run)
    test = cohort.subset("test").table
    real = reference.judge(predict(trained.run, test).embedding)
    table = test
    for name, values in {"long_mm": 900.0, "short_mm": 1.0, "x": 3.0, "z": -2.0}.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), [[values] * table.num_rows])
    nonsense = reference.judge(predict(trained.run, table).embedding)
    assert sum(f.unlike for f in nonsense) > 10 * sum(f.unlike for f in real)


def test_percentiles_of_the_validation_lesions_themselves_are_spread_evenly(trained: Trained) -> None:
    reference = Familiar(trained.run)
    found = reference.judge(trained.run.embedding[trained.run.split == "test"])
    assert 30 < np.median([f.percentile for f in found]) < 70


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        pytest.param(np.full((3, 32, 32), 8000), "almost one grey", id="flat"),
        pytest.param(np.tile([0, 300, 600, 900], (3, 32, 8)), "almost all air", id="air"),
        pytest.param(np.tile([26000, 28000, 30000, 32000], (3, 32, 8)), "denser than bone", id="dense"),
    ],
)
def test_a_patch_that_no_body_shows_is_told(pixels: np.ndarray, said: str) -> None:
    (warning,) = pixel_warnings(pixels.astype(np.int16))
    assert said in warning


def test_a_patch_like_soft_tissue_gives_no_warning() -> None:
    assert pixel_warnings(np.random.default_rng(0).integers(7000, 9500, (3, 32, 32)).astype(np.int16)) == ()
