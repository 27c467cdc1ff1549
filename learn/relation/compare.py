"""A relation CNN beside its baselines, on each test set of a corpus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ingest.mining.mention import RelevanceModel
from ingest.mining.paper_rules import PaperRules
from ingest.mining.rule_relevance import RuleRelevance
from learn.relation.annotations import AnnotatedSentence
from learn.relation.baselines import AllRelevant, NearestBookmark
from learn.relation.ensemble import Ensemble
from learn.relation.evaluation import Figures, evaluate

Comparison = dict[str, dict[str, Figures]]
"""Figures by test set, then by model."""
CNN, CNN_AND_RULES = "CNN", "CNN + rules"


def compared_models(cnn: RelevanceModel) -> dict[str, RelevanceModel]:
    """A network, the network with rules, and what they have to beat."""
    rules = RuleRelevance()
    return {
        "all relevant": AllRelevant(),
        "nearest bookmark": NearestBookmark(),
        "papers' rules": PaperRules(),
        "rules": rules,
        CNN: cnn,
        CNN_AND_RULES: Ensemble(cnn, rules),
    }


def compare(
    models: Mapping[str, RelevanceModel],
    tests: Mapping[str, Sequence[AnnotatedSentence]],
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Figures of every model on every test set.

    Args:
        models: by name.
        tests: by name.
        progress: told about evaluations done and in all.
    """
    found: Comparison = {}
    for number, (test, sentences) in enumerate(tests.items()):
        found[test] = {}
        for name, model in models.items():
            found[test][name] = evaluate(model, sentences)
            if progress:
                progress(number * len(models) + len(found[test]), len(tests) * len(models))
    return found
