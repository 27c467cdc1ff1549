"""The model card of a relation CNN."""

from __future__ import annotations

from learn.relation.compare import Comparison
from learn.relation.evaluation import PAPER_FIGURES, Figures
from learn.relation.run import RelationRun

REFERENCE = (
    "For reference only, the papers' figures on their own reports, which are not public: "
    + "; ".join(f"{name} {p:.3f} / {r:.3f} / {f:.3f}" for name, (p, r, f) in PAPER_FIGURES.items())
    + " (precision, recall, F; talk of 2020, table 2). They are of other data and cannot be compared with these."
)


def relation_card(run: RelationRun, comparison: Comparison) -> str:
    """Markdown text; every figure comes from ``comparison``."""
    return "\n".join(
        [
            f"# Model card: {run.run_id}",
            "",
            "**Research use only; not for diagnosis.**",
            "",
            "## What it is",
            "",
            "* A convolutional network with attention pooling that decides whether a label of a report sentence is "
            "relevant, uncertain or irrelevant for the lesion that a bookmark points at (LesaNet, section 3.2).",
            f"* Trained on {run.trained_on}; data hash `{run.trained_on.hash[:10]}`. First trained: {run.created}. "
            "Every setting is in `config.json`.",
            *(_SYNTHETIC if run.trained_on.synthetic else _ANNOTATED),
            "* It sees the class of a label, never its words, and not the report around the sentence.",
            "",
            "## What it is worth",
            "",
            "Means over the three classes, each weighing the same; 95 % interval of F1 from resampling sentences.",
            "",
            "| test sentences | model | precision | recall | F1 (95 %) | F1 relevant, uncertain, irrelevant |",
            "|---|---|---|---|---|---|",
            *(
                f"| {_shown(test, run.trained_on.synthetic)} | {name} | {f.precision:.3f} | {f.recall:.3f} | "
                f"{shown_f1(f)} | " + ", ".join(f"{c.f1:.3f}" for c in f.by_class.values()) + " |"
                for test, models in comparison.items()
                for name, f in models.items()
            ),
            "",
            REFERENCE,
            "",
        ]
    )


_SYNTHETIC = (
    "* **All its sentences are synthetic**: templates filled with label sets of the released training labels. What it "
    "does on sentences of real reports is unknown; train it on your own annotated sentences and evaluate it there.",
    "* Test sets differ from training in one respect each: new sentences only, held-out families of templates, "
    "held-out cue phrases, held-out labels. No setting of the network was searched on them, but whoever wrote the "
    "templates saw scores on them and went on writing, so read these figures as optimistic.",
)
_ANNOTATED = (
    "* Test sentences are those of the same file whose text's hash ends up held back, about a fifth; patients may "
    "be in both parts, because the file does not name them.",
)


def shown_f1(figures: Figures) -> str:
    """F1 with its interval."""
    return f"{figures.f1:.3f} ({figures.f1_interval.low:.3f} to {figures.f1_interval.high:.3f})"


def _shown(test: str, synthetic: bool) -> str:
    return f"synthetic, {test}" if synthetic else test
