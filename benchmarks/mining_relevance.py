"""Relevance of labels to bookmarks: the relation CNN beside its baselines, on synthetic and on quoted sentences.

Trains two networks, the default one and one that cannot see which bookmark is asked about: five minutes on one core.

Usage: ``python benchmarks/mining_relevance.py``.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from ingest.mining.mention import RelevanceModel
from kg.shipped import load_shipped
from learn.relation.annotations import AnnotatedSentence, BadLine, read_annotations
from learn.relation.card import REFERENCE, shown_f1
from learn.relation.compare import compare, compared_models
from learn.relation.corpus import made_corpus, made_dev, made_tests
from learn.relation.evaluation import evaluate
from learn.relation.model import RelationCNN
from learn.relation.recipe import RelationRecipe
from learn.relation.run import run_id_of
from learn.relation.training import train_network

QUOTED = Path(__file__).resolve().parents[1] / "tests/learn/relation/quoted_sentences.jsonl"


def main() -> None:
    """Train and print the tables."""
    recipe = RelationRecipe()
    cnn, masked = _trained(recipe), _trained(replace(recipe, masked=True))
    models: dict[str, RelevanceModel] = {"CNN, bookmark masked": masked, **compared_models(cnn)}
    tests = made_dev() | made_tests()
    print(f"{'synthetic sentences':24}{'model':24}{'P':>7}{'R':>7}  {'F1 (95 %)':25} relevant, uncertain, irrelevant")
    for test, found in compare(models, tests).items():
        shares = Counter(str(relevance) for row in tests[test] for relevance in row.gold.values())
        pairs = sum(shares.values())
        counted = ", ".join(f"{name} {count / pairs:.3f}" for name, count in shares.most_common())
        print(f"{test}: {len(tests[test])} sentences, {pairs:,} pairs: {counted}")
        for name, f in found.items():
            classes = ", ".join(f"{each.f1:.3f}" for each in f.by_class.values())
            print(f"{'':24}{name:24}{f.precision:7.3f}{f.recall:7.3f}  {shown_f1(f):25} {classes}", flush=True)
    quoted = _quoted()
    print(f"Quoted in the papers, {len(quoted)} sentences, relevance annotated by this project; pairs judged right:")
    for name, model in models.items():
        f = evaluate(model, quoted)
        print(f"{'':24}{name:24}{f.right} of {f.pairs}")
    print(REFERENCE)


def _trained(recipe: RelationRecipe) -> RelevanceModel:
    corpus = made_corpus(recipe)
    classes = {label.id: label.label_class.value for label in load_shipped().labels}
    begun = time.perf_counter()
    vocabulary, network = train_network(corpus.train, classes, recipe)
    pairs = sum(len(row.gold) for row in corpus.train)
    print(
        f"trained on {len(corpus.train):,} synthetic sentences ({pairs:,} pairs) in {time.perf_counter() - begun:.0f} s"
        + (", bookmark masked" if recipe.masked else ""),
        flush=True,
    )
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    return RelationCNN(run_id_of(corpus.hash, recipe), recipe, vocabulary, weights)


def _quoted() -> list[AnnotatedSentence]:
    rows = list(read_annotations(QUOTED, load_shipped()))
    assert not any(isinstance(row, BadLine) for row in rows)
    return [row for row in rows if isinstance(row, AnnotatedSentence)]


if __name__ == "__main__":
    main()
