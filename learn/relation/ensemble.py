"""The relation CNN followed by rules, as in LesaNet (section 3.2) and its table of text-mining results."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.mining.attachment import OTHER_BOOKMARK, OTHER_CLAUSE
from ingest.mining.mention import Judgement, MinedSentence, Relevance, RelevanceModel

_LEFT_TO_THE_NETWORK = frozenset({OTHER_BOOKMARK, OTHER_CLAUSE})
"""Rules that do not overrule it: the papers filter by cue phrases, and which bookmark a label belongs to is what the
network is for."""


class Ensemble:
    """The network decides, and a cue rule that fires overrules it to uncertain or irrelevant.

    Args:
        cnn: the network.
        rules: the rule engine.
    """

    def __init__(self, cnn: RelevanceModel, rules: RelevanceModel) -> None:
        self._cnn, self._rules = cnn, rules

    @property
    def id(self) -> str:
        """Both ids."""
        return f"{self._cnn.id}+{self._rules.id}"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        """Judge every mention for every bookmark of its sentence; once, with ``bookmark=None``, where there is none."""
        return [
            tuple(_stricter(mine, rule) for mine, rule in zip(network, rules, strict=True))
            for network, rules in zip(self._cnn.judge(sentences), self._rules.judge(sentences), strict=True)
        ]


def _stricter(network: Judgement, rule: Judgement) -> Judgement:
    fired = rule.relevance is not Relevance.RELEVANT and rule.rule not in _LEFT_TO_THE_NETWORK
    return rule if fired and network.relevance is not Relevance.IRRELEVANT else network
