"""The model card of a run: what it is, what it is worth, and what it must not be used for."""

from __future__ import annotations

from learn.calibration import METHOD
from learn.figures import SUFFICIENT, Decisions, Evaluation, SplitEvaluation
from learn.run import Run


def model_card(run: Run, evaluation: Evaluation) -> str:
    """Markdown text. Every figure comes from ``evaluation``."""
    test, val = evaluation.splits["test"], evaluation.splits["val"]
    seeds = len(run.seeds)
    return "\n".join(
        [
            f"# Model card: {run.run_id}",
            "",
            "**Research use only; not for diagnosis.** "
            "This model saw no pixels: it predicts labels of a CT lesion from where it is in the body, how large it "
            "is, how the scan was made and displayed, and the patient's sex and age. It cannot see what a lesion "
            "looks like.",
            "",
            "## What it is",
            "",
            f"* LesaNet's head (score, score propagation and embedding layers) over metadata features; {seeds} "
            f"network{'s' if seeds > 1 else ''} (seeds {', '.join(map(str, run.seeds))}), whose scores are averaged.",
            f"* Labels: {run.matrices.size} of `{run.matrices.label_set}`. Relations: matrix hash "
            f"`{run.matrices.matrix_hash[:10]}`, revision {run.matrices.revision}.",
            f"* Cohort: `{run.cohort}` (DeepLesion lesions, labels mined from reports by LesaNet's authors, LesaNet's "
            f"split). Label data hash `{run.label_data_hash[:10]}`.",
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
            _decision("coherent; precision 0 if never predicted", test.coherent, "zero"),
            _decision("the same, labels never predicted left out of precision", test.coherent, "nan"),
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
            "* It knows where lesions usually are, not what this one is: two lesions at one place and of one size look "
            "alike to it.",
            "* Labels were mined from report sentences. In training they are predicted by the authors' text mining, "
            "with errors; a label nobody mentioned counts as absent.",
            "* The split is kept as released. Patients in two splits: "
            + ", ".join(f"{count} in {pair}" for pair, count in evaluation.shared_patients.items())
            + ".",
            "* One hospital, one data set; most lesions are findings that a radiologist measured.",
            "* The location was computed from images by the data set's authors; a new lesion needs it from elsewhere.",
            "",
        ]
    )


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
            lambda s: f"{s.seed_macro_auc_mean:.4f} ± {s.seed_macro_auc_sd:.4f}",
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
