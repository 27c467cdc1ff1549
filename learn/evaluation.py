"""What a run is worth: figures for validation and test lesions in the paper's conventions and in honest ones.

Truth is what the cohort lists as relevant; a label that is uncertain and not relevant is ignored for that lesion.
Lesions without a relevant label are left out, as in the paper: nobody read their report for labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import torch

from kg.cohort import SPLITS, Cohort
from kg.errors import MatrixError, UsageError
from kg.junction_tree import JunctionTree
from kg.matrices import RelationMatrices
from learn.bootstrap import Resampling, interval, macro
from learn.decode import Decoder, decide
from learn.exact import ExactInference
from learn.figures import SUFFICIENT, Coherence, Decisions, Evaluation, Group, LabelFigures, SplitEvaluation, Way
from learn.image.recipe import ImageRecipe
from learn.judged import Judged
from learn.max_constraint import MaxConstraint
from learn.metrics import Counts, Undefined, auc, by_class, calibration_error, mean
from learn.retrieval import retrieval
from learn.run import Run
from learn.thresholds import grid_thresholds

_GROUP_REPLICATES = 200
_EDGE = 1e-7
TOP_LABELS = 5
"""Labels of each lesion where a fixed number is decided (ISBI 2019)."""
_GROUPS: tuple[tuple[str, str, tuple[tuple[str, float, float], ...]], ...] = (
    ("age", "age", (("under 40", 0, 40), ("40 to 59", 40, 60), ("60 to 74", 60, 75), ("75 or over", 75, np.inf))),
    (
        "size",
        "long_mm",
        (("under 10 mm", 0, 10), ("10 to 20 mm", 10, 20), ("20 to 30 mm", 20, 30), ("30 mm or over", 30, np.inf)),
    ),
)


def evaluate(run: Run, cohort: Cohort, hand: Judged | None = None, decoder: Decoder = Decoder.GREEDY) -> Evaluation:
    """Judge a run's predictions of the validation and test lesions of its cohort.

    Args:
        run: the model, with its predictions of them.
        cohort: the one it was trained on.
        hand: hand-labelled lesions (:func:`learn.hand_labels.judge_by_hand`), judged beside them as ``hand``; all
            thresholds stay those of the text-mined validation lesions.
        decoder: the coherent way of deciding that ``coherent``, groups and labels tell of; all ways are in ``ways``.

    Raises:
        UsageError: the decoder is not a coherent one.
        TrainingError: the cohort is not the run's, or none of its lesions has a prediction.
    """
    run.require_cohort(cohort)
    if not decoder.coherent:
        known = ", ".join(way for way in Decoder if way.coherent)
        raise UsageError(f"decoder {decoder.value!r}: its label sets can break relations; give one of {known}")
    judged = {split: Judged.of_split(run, cohort, split) for split in ("val", "test")}
    if hand is not None:
        judged["hand"] = hand
    val, test = judged["val"], judged["test"]
    grid = grid_thresholds(val.truth, val.score, val.used)
    exact = _exact(run.matrices)
    areas = {split: auc(j.truth, j.score, j.used) for split, j in judged.items()}
    replicates = {split: Resampling.of(j.patients).auc(j.truth, j.score, j.used) for split, j in judged.items()}
    splits = {
        split: _split_evaluation(run, j, areas[split], replicates[split], grid, exact, decoder)
        for split, j in judged.items()
    }
    train = cohort.subset("train")
    if not run.saw_pixels:
        train = train.filter(train.has_metadata)
    patients = {split: set(cohort.subset(split).table["patient"].to_pylist()) for split in SPLITS}
    shared = {f"{a} and {b}": len(patients[a] & patients[b]) for a, b in combinations(SPLITS, 2)}
    counts = Counts.of(test.truth, decide(decoder, test.score, run.thresholds, run.matrices).positive, test.used)
    as_paper = Counts.of(test.truth, decided_as_paper(run, test.score, grid), test.used)
    columns = (
        run.matrices.label_ids,
        run.matrices.names,
        run.matrices.classes,
        train.positive_matrix().sum(axis=0).tolist(),
        val.truth.sum(axis=0).tolist(),
        test.truth.sum(axis=0).tolist(),
        areas["test"].tolist(),
        [interval(values) for values in replicates["test"].T],
        counts.precision(Undefined.NAN).tolist(),
        counts.recall().tolist(),
        counts.f1().tolist(),
        run.thresholds.tolist(),
        as_paper.precision(Undefined.NAN).tolist(),
        as_paper.recall().tolist(),
        as_paper.f1().tolist(),
    )
    labels = tuple(
        LabelFigures(i, n, c, a, b, t, area, ci.low, ci.high, p, r, f, th, _evidence(t), *paper)
        for i, n, c, a, b, t, area, ci, p, r, f, th, *paper in zip(*columns, strict=True)
    )
    return Evaluation(run.run_id, decoder, shared, splits, labels)


def _evidence(positives: int) -> str:
    return "sufficient" if positives >= SUFFICIENT else "insufficient"


def _split_evaluation(
    run: Run,
    judged: Judged,
    areas: np.ndarray,
    replicates: np.ndarray,
    grid: np.ndarray,
    exact: ExactInference | None,
    decoder: Decoder,
) -> SplitEvaluation:
    matrices = run.matrices
    support = judged.support
    alone = [mean(auc(judged.truth, score, judged.used)) for score in judged.members]
    decided = _decided(run, judged, grid, exact is not None)
    ways = {way: _way(judged, each, matrices) for way, each in decided.items()}
    if broken := [way for way in ways if way.coherent and ways[way].coherence.lesions_incoherent]:
        raise AssertionError(f"decoder {broken[0]}: left a broken relation")
    paper = Decoder.TOP if _top(run) else Decoder.PAPER
    defined = ~np.isnan(areas)
    return SplitEvaluation(
        lesions=judged.size,
        patients=len(np.unique(judged.patients)),
        macro_auc=mean(areas),
        macro_auc_interval=interval(macro(replicates)),
        macro_auc_sufficient=mean(areas, support >= SUFFICIENT),
        insufficient_labels=int((support < SUFFICIENT).sum()),
        weighted_auc=mean(np.repeat(areas[defined], support[defined])),
        auc_by_class=by_class(areas, matrices.classes),
        seed_macro_auc=tuple(alone),
        seed_macro_auc_mean=float(np.mean(alone)),
        seed_macro_auc_sd=float(np.std(alone, ddof=1)) if len(alone) > 1 else float("nan"),
        paper=ways[paper].decisions,
        coherent=ways[decoder].decisions,
        coherence={
            "thresholds_only": ways[Decoder.THRESHOLDS].coherence,
            "paper": ways[paper].coherence,
            "decoded": ways[decoder].coherence,
        },
        coherent_auc=_coherent_auc(judged, matrices, exact),
        ways={way.value: figures for way, figures in ways.items()},
        calibration_error={
            "score": calibration_error(judged.score, judged.truth, judged.used),
            "probability": calibration_error(judged.probability, judged.truth, judged.used),
        },
        retrieval=retrieval(judged.embedding, judged.patients, judged.truth),
        groups=tuple(_groups(judged, decided[decoder])),
    )


def _coherent_auc(judged: Judged, matrices: RelationMatrices, exact: ExactInference | None) -> dict[str, float]:
    """Macro area under the curve of scores made to respect relations: it moves, as one label's score feels others'."""
    upward = MaxConstraint(matrices)
    found = {}
    for suffix, values in (("", judged.score), ("_calibrated", judged.probability)):
        logits = torch.logit(torch.from_numpy(values.astype(np.float64)), eps=_EDGE)
        made = {"max_constraint": upward(logits), "exact_marginals": None if exact is None else exact.marginals(logits)}
        for name, scores in made.items():
            area = float("nan") if scores is None else mean(auc(judged.truth, scores.numpy(), judged.used))
            found[name + suffix] = area
    return found


def _exact(matrices: RelationMatrices) -> ExactInference | None:
    """None where the relations are too dense for exact inference: a run is worth judging without it."""
    try:
        return ExactInference(JunctionTree.compile(matrices))
    except MatrixError:
        return None


def decided_as_paper(run: Run, scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Label sets as the run's method decided them when it was published, N x C bool.

    Thresholds from the released grid and ancestors added; or the labels that score most, where the recipe says how many
    (ISBI 2019).
    """
    top = _top(run)
    return decide(Decoder.TOP if top else Decoder.PAPER, scores, grid, run.matrices, top or 1).positive


def _top(run: Run) -> int:
    return min(run.recipe.top, run.matrices.size) if isinstance(run.recipe, ImageRecipe) else 0


def _decided(run: Run, judged: Judged, grid: np.ndarray, exact: bool) -> dict[Decoder, np.ndarray]:
    """Label sets by every way of deciding, each N x C bool; without the exact one where that is impossible."""
    top = _top(run) or min(TOP_LABELS, run.matrices.size)
    return {
        way: decide(way, judged.score, grid if way is Decoder.PAPER else run.thresholds, run.matrices, top).positive
        for way in Decoder
        if exact or way is not Decoder.EXACT
    }


def _way(judged: Judged, decided: np.ndarray, matrices: RelationMatrices) -> Way:
    return Way(decisions(judged.truth, decided, judged.used, matrices), coherence(decided, matrices))


def decisions(truth: np.ndarray, decided: np.ndarray, used: np.ndarray, matrices: RelationMatrices) -> Decisions:
    """Precision, recall and F1 of N x C decisions."""
    counts = Counts.of(truth, decided, used)
    # Macro figures are over labels that occur, in the paper's convention as in ours.
    occurs = counts.actual > 0
    pooled = counts.sum()
    return Decisions(
        precision_one=mean(counts.precision(Undefined.ONE), occurs),
        precision_zero=mean(counts.precision(Undefined.ZERO), occurs),
        precision_nan=mean(counts.precision(Undefined.NAN), occurs),
        recall=mean(counts.recall()),
        f1=mean(counts.f1()),
        f1_by_class=by_class(counts.f1(), matrices.classes),
        micro_precision=float(pooled.precision(Undefined.NAN)[0]),
        micro_recall=float(pooled.recall()[0]),
        micro_f1=float(pooled.f1()[0]),
        never_predicted=int(((counts.predicted == 0) & occurs).sum()),
    )


def coherence(decided: np.ndarray, matrices: RelationMatrices) -> Coherence:
    """Count the relations that N x C decided label sets break as they are."""
    missing = matrices.expand(decided).toarray() & ~decided
    exclusive = matrices.exclusive.toarray()
    clashing = (decided.astype(np.float32) @ exclusive.astype(np.float32)) * decided
    return Coherence(
        lesions_incoherent=int((missing.any(axis=1) | (clashing > 0).any(axis=1)).sum()),
        missing_ancestors=int(missing.sum()),
        exclusive_pairs=int(clashing.sum() / 2),
    )


def _groups(judged: Judged, decided: np.ndarray) -> Iterator[Group]:
    sexes = np.array([sex or "unknown" for sex in judged.table["sex"].to_pylist()])
    parts = [("sex", sex, sexes == sex) for sex in np.unique(sexes).tolist()]
    for by, column, bounds in _GROUPS:
        values = np.asarray(judged.table[column].to_numpy(), np.float64)
        parts += [(by, name, (values >= low) & (values < high)) for name, low, high in bounds]
        parts.append((by, "unknown", np.isnan(values)))
    for by, name, rows in parts:
        if not rows.any():
            continue
        truth, used = judged.truth[rows], judged.used[rows]
        positives = (truth & used).sum(axis=0)
        enough = (positives >= SUFFICIENT) & (positives < used.sum(axis=0))
        patients = judged.patients[rows]
        chosen = truth[:, enough], judged.score[rows][:, enough], used[:, enough]
        resampled = Resampling.of(patients, _GROUP_REPLICATES).auc(*chosen)
        pooled = Counts.of(truth, decided[rows], used).sum()
        yield Group(
            by=by,
            group=name,
            lesions=int(rows.sum()),
            patients=len(np.unique(patients)),
            labels=int(enough.sum()),
            macro_auc=mean(auc(*chosen)),
            interval=interval(macro(resampled)),
            micro_precision=float(pooled.precision(Undefined.NAN)[0]),
            micro_recall=float(pooled.recall()[0]),
            micro_f1=float(pooled.f1()[0]),
        )
