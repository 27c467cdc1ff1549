"""Recipes: read from JSON, checked, and named by their content."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.errors import InputError, UsageError
from learn.recipe import Recipe, Relations, Rhem


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(seeds=(3, 4), rhem=Rhem.SAMPLED, labels=Relations.RELEASED, dropout=0.25, midline=False)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


def test_a_file_needs_only_what_differs_from_the_default(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"rhem": "off", "epochs": 3, "frequencies": [1, 2.5]}')
    assert Recipe.read(tmp_path / "r.json") == Recipe(rhem=Rhem.OFF, epochs=3, frequencies=(1.0, 2.5))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{"epoch": 3}', "unknown setting 'epoch'", id="unknown setting"),
        pytest.param('{"rhem": "always"}', "always", id="unknown choice"),
        pytest.param('{"epochs": 2.5}', "not a whole number", id="fraction for a count"),
        pytest.param('{"epochs": true}', "not a int", id="truth value for a count"),
        pytest.param('{"midline": 1}', "not a bool", id="number for a truth value"),
        pytest.param('{"seeds": 3}', "not a list", id="number for a list"),
        pytest.param('{"dropout": "much"}', "much", id="word for a number"),
        pytest.param('{"dropout": 1}', "dropout must be", id="out of range"),
        pytest.param('{"learning_rate": NaN}', "must be positive", id="not a number"),
        pytest.param('{"seeds": []}', "seeds", id="no seed"),
        pytest.param("[1]", "one JSON object", id="no object"),
        pytest.param("{", "not a JSON recipe", id="no JSON"),
    ],
)
def test_a_bad_recipe_is_refused_in_one_line_that_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError) as error:
        Recipe.read(tmp_path / "r.json")
    assert message in str(error.value)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a JSON recipe"):
        Recipe.read(tmp_path / "absent.json")


@pytest.mark.parametrize("change", [{"seeds": (1, 1)}, {"seeds": (-1,)}, {"width": 0}, {"rhem_weight": -1.0}])
def test_impossible_settings_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Recipe(**change)  # type: ignore[arg-type]
