"""A run in words: what it looked at, by which method, and whether its lesions are made up."""

from __future__ import annotations

from ingest.release import PHANTOM
from learn.decode import Decoder
from learn.image.recipe import ImageRecipe, Objective
from learn.recipe import Relations, Rhem
from learn.run import AnyRecipe, Run

_OBJECTIVES = {
    Objective.WCE: "weighted cross entropy",
    Objective.ASYMMETRIC: "asymmetric loss",
    Objective.BOOTSTRAP: "soft bootstrapping",
    Objective.WARP: "WARP",
}

WAYS = {
    Decoder.THRESHOLDS.value: "thresholds alone",
    Decoder.PAPER.value: "paper: grid thresholds, ancestors added",
    Decoder.GREEDY.value: "greedy, coherent",
    Decoder.MAX_CONSTRAINT.value: "max-constraint, coherent",
    Decoder.EXACT.value: "exact, coherent",
    Decoder.TOP.value: "a fixed number of labels",
}
"""What a table calls each way of deciding."""


def is_synthetic(run: Run) -> bool:
    """Whether the run's lesions are of a phantom set: no patient stands behind them."""
    return bool(run.lesions) and run.lesions[0].startswith(PHANTOM.prefix)


def data_words(run: Run) -> str:
    """The kind of lesions, for a sentence: ``synthetic lesions`` or ``real lesions``."""
    return "synthetic lesions (a phantom set, no patients)" if is_synthetic(run) else "real lesions"


def sight(run: Run) -> str:
    """One sentence that says whether the run looked at images."""
    if run.saw_pixels:
        made = "synthetic CT-like patches, not patients" if is_synthetic(run) else "CT patches"
        return f"Run {run.run_id} looked at pixels ({made})."
    return f"Run {run.run_id} saw no pixels."


def method(recipe: AnyRecipe) -> str:
    """What a table calls the method of a recipe, e.g. ``LesaNet on CT without RHEM``."""
    image = isinstance(recipe, ImageRecipe)
    where = "on CT" if image else "on metadata"
    objective = _OBJECTIVES[recipe.objective if isinstance(recipe, ImageRecipe) else Objective.WCE]
    absent = {
        "score propagation": not recipe.propagation,
        "RHEM": recipe.rhem is Rhem.OFF,
        "label expansion": recipe.labels is not Relations.EXPANDED,
        "triplet loss": recipe.triplet_weight == 0,
    }
    if absent["score propagation"] and absent["RHEM"] and absent["triplet loss"]:
        name = f"{'multiscale network' if image else 'plain network'} {where}, {objective}"
        return name + (", labels not expanded" if absent["label expansion"] else "")
    plain = objective == _OBJECTIVES[Objective.WCE]
    missing = [what for what, gone in absent.items() if gone]
    return (
        f"LesaNet {where}" + ("" if plain else f", {objective}") + (f" without {', '.join(missing)}" if missing else "")
    )
