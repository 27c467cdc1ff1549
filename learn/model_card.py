"""The model card of a run: what it is, what it is worth, and what it must not be used for."""

from __future__ import annotations

from dataclasses import replace

from ingest.images.geometry import WINDOW_HU
from ingest.release import DEEPLESION
from learn.calibration import METHOD
from learn.decode import Decoder
from learn.description import WAYS, is_synthetic, method
from learn.figures import SUFFICIENT, Decisions, Evaluation, SplitEvaluation
from learn.image.recipe import NAMED, ImageRecipe
from learn.recipe import Recipe
from learn.run import Run

_SYNTHETIC = (
    "**Synthetic data.** It was trained and judged on a phantom set: no patient stands behind these lesions, and the "
    "figures below say nothing about patients."
)


def model_card(run: Run, evaluation: Evaluation) -> str:
    """Markdown text. Every figure comes from ``evaluation``."""
    test, val = evaluation.splits["test"], evaluation.splits["val"]
    return "\n".join(
        [
            f"# Model card: {run.run_id}",
            "",
            f"**Research use only; not for diagnosis.** {_seen(run)}",
            "",
            *([_SYNTHETIC, ""] if is_synthetic(run) else []),
            "## What it is",
            "",
            *_made_of(run),
            f"* Labels: {run.matrices.size} of `{run.matrices.label_set}`. Relations: matrix hash "
            f"`{run.matrices.matrix_hash[:10]}`, revision {run.matrices.revision}.",
            f"* Cohort: `{run.cohort}` ({_cohort_words(run)}). Label data hash `{run.label_data_hash[:10]}`.",
            *([f"* Patches: content hash `{run.inputs[:10]}`."] if run.inputs else []),
            f"* First trained: {run.created}. Every setting is in `config.json`.",
            "",
            "## What it is worth",
            "",
            f"Truth: labels listed as relevant. Test: {test.lesions:,} lesions of {test.patients} patients; "
            f"validation: {val.lesions:,} of {val.patients}. Settings, thresholds and calibration were chosen on "
            "validation.",
            "",
            "| | validation | test |",
            "|---|---|---|",
            *(f"| {name} | {left} | {right} |" for name, left, right in _rows(val, test)),
            "",
            f"{test.insufficient_labels} of {run.matrices.size} labels have fewer than {SUFFICIENT} positive test "
            "lesions: their own figures in `per_label.csv` are marked as insufficient evidence, and the macro average "
            "leans on them.",
            "",
            "Mean area under the ROC curve on test by label class: "
            + ", ".join(f"{name} {value:.4f}" for name, value in test.auc_by_class.items())
            + ".",
            "",
            "| decision, on test | precision | recall | F1 | micro F1 | labels never predicted |",
            "|---|---|---|---|---|---|",
            _decision("paper: grid thresholds, ancestors added; precision 1 if never predicted", test.paper, "one"),
            _decision("the same, precision 0 if never predicted", test.paper, "zero"),
            *(
                _decision(f"{WAYS[name]}; precision 0 if never predicted", way.decisions, "zero")
                for name, way in test.ways.items()
                if Decoder(name).coherent
            ),
            "",
            f"Calibration: {METHOD}. Expected calibration error on test: {test.calibration_error['score']:.4f} before, "
            f"{test.calibration_error['probability']:.4f} after.",
            "",
            "Relations broken on test (lesions; missing ancestors; exclusive pairs): "
            + "; ".join(
                f"{name.replace('_', ' ')} {c.lesions_incoherent}, {c.missing_ancestors}, {c.exclusive_pairs}"
                for name, c in test.coherence.items()
            )
            + ".",
            "",
            "Similar lesions on test: of the labels of the k nearest lesions of other patients, the query has "
            + ", ".join(f"{100 * r.precision:.1f} % (k = {r.k})" for r in test.retrieval)
            + f"; by chance {100 * test.retrieval[0].chance_precision:.1f} %.",
            "",
            "## For whom it works how well",
            "",
            f"Test lesions; area under the curve over labels with at least {SUFFICIENT} positives in the group, so "
            "that groups are not over the same labels.",
            "",
            "| by | group | lesions | patients | labels | macro AUC (95 %) | micro F1 |",
            "|---|---|---|---|---|---|---|",
            *(
                f"| {g.by} | {g.group} | {g.lesions:,} | {g.patients} | {g.labels} | "
                f"{g.macro_auc:.4f} ({g.interval.low:.4f} to {g.interval.high:.4f}) | {g.micro_f1:.3f} |"
                for g in test.groups
            ),
            "",
            "## Limits",
            "",
            *_limits(run),
            "* The split is kept as released. Patients in two splits: "
            + ", ".join(f"{count} in {pair}" for pair, count in evaluation.shared_patients.items())
            + ".",
            "",
        ]
    )


def _seen(run: Run) -> str:
    if run.saw_pixels:
        return (
            "This model looked at pixels: it predicts labels of a CT lesion from a patch of the image and the lesion's "
            "box in it, and from nothing else that is known of patient or scan."
        )
    return (
        "This model saw no pixels: it predicts labels of a CT lesion from where it is in the body, how large it is, "
        "how the scan was made and displayed, and the patient's sex and age. It cannot see what a lesion looks like."
    )


def _made_of(run: Run) -> list[str]:
    recipe = run.recipe
    if isinstance(recipe, Recipe):
        seeds = len(run.seeds)
        return [
            "* LesaNet's head (score, score propagation and embedding layers) over metadata features; "
            f"{seeds} network{'s' if seeds > 1 else ''} (seeds {', '.join(map(str, run.seeds))}), whose scores are "
            "averaged.",
        ]
    parameters = sum(v.size for name, v in run.weights.items() if name.startswith(f"{recipe.seed}."))
    lines = [
        f"* {method(recipe)}: LesaNet's head over a {recipe.backbone} trunk, {recipe.width:g} of the paper's width, "
        f"RoI pooling `{recipe.roi}`; {parameters:,} numbers in its weights, seed {recipe.seed}.",
        f"* Objective `{recipe.objective}`, optimiser `{recipe.optimiser}`, {recipe.epochs} epochs of batches of "
        f"{recipe.batch}, augmentation `{recipe.augmentation}`. {_recipe_words(recipe)}",
    ]
    if geometry := run.geometry:
        side = geometry.size * geometry.spacing_mm
        lines.append(
            f"* Patch: {geometry.size} x {geometry.size} pixels of {geometry.spacing_mm:g} mm ({side:g} mm a side) on "
            f"the key slice and {geometry.neighbour_mm:g} mm above and below it, one intensity window "
            f"{WINDOW_HU[0]:g} to {WINDOW_HU[1]:g} HU."
        )
    return lines


def _recipe_words(recipe: ImageRecipe) -> str:
    named = [name for name in NAMED if replace(ImageRecipe.named(name), seed=recipe.seed) == recipe]
    return f"Recipe `{named[0]}`." if named else "A recipe of its own."


def _cohort_words(run: Run) -> str:
    if is_synthetic(run):
        return "synthetic lesions with made labels"
    if run.cohort.startswith(f"{DEEPLESION.cohort}-"):
        return "DeepLesion lesions, labels mined from reports by LesaNet's authors, LesaNet's split"
    return "labels and split as frozen there"


def _limits(run: Run) -> list[str]:
    lines = []
    if run.saw_pixels:
        lines += [
            "* It sees the patch and nothing beyond it; a lesion larger than the patch is cut off.",
            "* It needs the lesion's box: it does not find lesions, and says nothing of tissue without one.",
        ]
    else:
        lines.append(
            "* It knows where lesions usually are, not what this one is: two lesions at one place and of one size look "
            "alike to it."
        )
    if is_synthetic(run):
        return [*lines, "* Shapes, textures and labels are made by a program; nothing here carries over to patients."]
    lines += [
        "* Labels were mined from report sentences. In training they are predicted by the authors' text mining, with "
        "errors; a label nobody mentioned counts as absent.",
        "* One hospital, one data set; most lesions are findings that a radiologist measured.",
    ]
    if not run.saw_pixels:
        lines.append(
            "* The location was computed from images by the data set's authors; a new lesion needs it from elsewhere."
        )
    return lines


def _rows(val: SplitEvaluation, test: SplitEvaluation) -> list[tuple[str, str, str]]:
    def both(name: str, show: object) -> tuple[str, str, str]:
        assert callable(show)
        return name, show(val), show(test)

    return [
        both(
            "macro AUC, mean score of all seeds (95 %, patients resampled)",
            lambda s: f"{s.macro_auc:.4f} ({s.macro_auc_interval.low:.4f} to {s.macro_auc_interval.high:.4f})",
        ),
        both(
            "macro AUC, one seed alone, mean ± sd",
            lambda s: s.one_network,
        ),
        both(f"macro AUC, labels with at least {SUFFICIENT} positives", lambda s: f"{s.macro_auc_sufficient:.4f}"),
        both("AUC weighted by positives", lambda s: f"{s.weighted_auc:.4f}"),
    ]


def _decision(name: str, figures: Decisions, undefined: str) -> str:
    precision = getattr(figures, f"precision_{undefined}")
    return (
        f"| {name} | {precision:.3f} | {figures.recall:.3f} | {figures.f1:.3f} | {figures.micro_f1:.3f} | "
        f"{figures.never_predicted} |"
    )
