"""From a corpus to a run on disk: training, judging beside the baselines, model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from learn.relation.card import relation_card
from learn.relation.compare import compare, compared_models
from learn.relation.corpus import Corpus
from learn.relation.recipe import RelationRecipe
from learn.relation.run import RelationRun, TrainedOn, run_id_of
from learn.relation.training import Progress, train_network


def train_relation(
    corpus: Corpus,
    label_classes: Mapping[str, str],
    recipe: RelationRecipe,
    parent: Path,
    progress: Progress | None = None,
) -> tuple[RelationRun, Path]:
    """Train on a corpus, judge by its test sets beside the baselines, and write the run's folder.

    Args:
        corpus: made or annotated sentences.
        label_classes: class of each label id.
        recipe: every choice.
        parent: folder of the runs.
        progress: told about batches done.

    Returns:
        The run and its folder.

    Raises:
        TrainingError: as for :func:`train_network`.
    """
    vocabulary, network = train_network(corpus.train, label_classes, recipe, progress)
    run_id = run_id_of(corpus.hash, recipe)
    run = RelationRun(
        run_id=run_id,
        created=_created(parent / run_id),
        recipe=recipe,
        trained_on=TrainedOn(
            corpus.name, corpus.hash, corpus.synthetic, len(corpus.train), sum(len(row.gold) for row in corpus.train)
        ),
        vocabulary=vocabulary,
        weights={name: value.numpy() for name, value in network.state_dict().items()},
        metrics={},
    )
    comparison = compare(compared_models(run.model()), corpus.tests)
    metrics = {t: {name: f.as_dict() for name, f in models.items()} for t, models in comparison.items()}
    run = replace(run, metrics=metrics)
    return run, run.write(parent, relation_card(run, comparison))


def _created(folder: Path) -> str:
    """When this run was first trained: a repeated training is the same model, not a newer one."""
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["created"])
    except (OSError, ValueError, KeyError):
        return datetime.now(UTC).isoformat(timespec="seconds")
