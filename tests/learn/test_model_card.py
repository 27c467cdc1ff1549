"""The model card says what a run looked at, what it was trained on, and what follows from that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_runs import Trained

from ingest.images.geometry import PatchGeometry
from kg.cohort import Cohort
from learn.evaluation import evaluate
from learn.figures import Evaluation
from learn.image.recipe import Backbone, ImageRecipe, RoiMode
from learn.model_card import model_card
from learn.run import Run, geometry_weights


@pytest.fixture(scope="module")
def evaluation(trained: Trained, cohort: Cohort) -> Evaluation:
    return evaluate(trained.run, cohort)


def image_run(trained: Trained, recipe: ImageRecipe, prefix: str = "DL:", cohort: str = "lesanet-0123456789") -> Run:
    return replace(
        trained.run,
        run_id="image-0123456789",
        features="image",
        recipe=recipe,
        cohort=cohort,
        inputs="cd" * 32,
        weights={**trained.run.weights, **geometry_weights(PatchGeometry(60, 2.0))},
        lesions=tuple(name.replace("DL:", prefix) for name in trained.run.lesions),
    )


def test_a_metadata_run_says_no_pixels_its_seeds_and_its_figures(trained: Trained, evaluation: Evaluation) -> None:
    card = model_card(trained.run, evaluation)
    assert card == (trained.folder / "model_card.md").read_text(encoding="utf-8")
    assert "This model saw no pixels" in card
    assert "2 networks (seeds 0, 1)" in card
    assert "DeepLesion lesions, labels mined from reports by LesaNet's authors" in card
    assert f"{evaluation.splits['test'].macro_auc:.4f}" in card
    assert "ynthetic" not in card and "Patch" not in card


def test_an_image_run_says_pixels_trunk_recipe_and_patch(trained: Trained, evaluation: Evaluation) -> None:
    card = model_card(image_run(trained, ImageRecipe(seed=3)), evaluation)
    assert "This model looked at pixels" in card and "saw no pixels" not in card
    assert "LesaNet on CT: LesaNet's head over a vgg16 trunk, 1 of the paper's width" in card
    assert "RoI pooling `official`" in card and "seed 3" in card
    assert "Recipe `paper`." in card
    assert "60 x 60 pixels of 2 mm (120 mm a side)" in card and "-1024 to 3071 HU" in card
    assert f"`{'cd' * 5}`" in card
    assert "does not find lesions" in card and "The location was computed" not in card


def test_another_recipe_is_not_given_a_name_it_does_not_have(trained: Trained, evaluation: Evaluation) -> None:
    recipe = ImageRecipe(backbone=Backbone.CONVNEXT, width=0.125, roi=RoiMode.ALIGN, propagation=False)
    card = model_card(image_run(trained, recipe), evaluation)
    assert "A recipe of its own." in card
    assert "a convnext trunk, 0.125 of the paper's width" in card
    assert "LesaNet on CT without score propagation" in card


def test_a_run_on_a_phantom_set_is_called_synthetic(trained: Trained, evaluation: Evaluation) -> None:
    card = model_card(image_run(trained, ImageRecipe(), "PHANTOM:", "phantom-0123456789"), evaluation)
    assert "**Synthetic data.**" in card
    assert "synthetic lesions with made labels" in card
    assert "nothing here carries over to patients" in card
    assert "mined from report" not in card and "DeepLesion" not in card and "One hospital" not in card


def test_a_cohort_of_ones_own_is_not_called_deeplesion(trained: Trained, evaluation: Evaluation) -> None:
    card = model_card(image_run(trained, ImageRecipe(), "OWN:", "ward-0123456789"), evaluation)
    assert "labels and split as frozen there" in card
    assert "DeepLesion" not in card


def test_one_network_has_no_spread(trained: Trained, evaluation: Evaluation) -> None:
    test = evaluation.splits["test"]
    assert "±" in test.one_network
    single = replace(test, seed_macro_auc_sd=float("nan"))
    card = model_card(trained.run, replace(evaluation, splits={**evaluation.splits, "test": single}))
    assert single.one_network == f"{test.seed_macro_auc_mean:.4f}"
    assert "nan" not in card.split("## For whom")[0]
