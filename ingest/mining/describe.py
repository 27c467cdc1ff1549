"""Labels of lesion descriptions: short texts, one lesion each, without bookmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ingest.mining.matcher import Matcher
from ingest.mining.mention import Judgement, MinedSentence, Relevance, RelevanceModel
from ingest.mining.sentences import mined_line
from ingest.mining.term import STRENGTH
from kg.algebra import BoolMatrix
from kg.matrices import RelationMatrices, multi_hot
from kg.ontology import LabelSet, Ontology, SynonymScope

_ALL = "all labels"


@dataclass(frozen=True)
class Description:
    """What one text says of its lesion.

    Attributes:
        labels: names, in the order of the label set, or of label ids when there is none.
        sentence: the text with its mentions, those of labels outside the label set too.
        judgements: one for each mention, in their order.
    """

    labels: tuple[str, ...]
    sentence: MinedSentence
    judgements: tuple[Judgement, ...]


class Describer:
    """Finds the labels of descriptions.

    A label counts when a mention of it is relevant or uncertain: in a description an alternative ("mass or adenopathy")
    is about the lesion all the same. Measured on 250 descriptions, expanded (``benchmarks/mining_matching.py``).

    Args:
        ontology: whose labels and relations.
        matcher: of a lexicon of this ontology, all labels in it.
        relevance: judges the mentions.
        label_set: give labels of this set only; all when None.
        expand: add whatever the labels imply by the ontology.
        weakest: a mention of a weaker scope than this one gives no label. Broad and related terms count by default,
            as they did for those who labelled the descriptions.

    Raises:
        UsageError: no such label set.
        OntologyError: the ontology's hierarchy has a cycle or a dangling reference.
    """

    def __init__(
        self,
        ontology: Ontology,
        matcher: Matcher,
        relevance: RelevanceModel,
        label_set: str | None = None,
        expand: bool = False,
        weakest: SynonymScope = SynonymScope.RELATED,
    ) -> None:
        everything = LabelSet(_ALL, tuple(label.id for label in ontology.labels))
        # relations to labels outside the set count too: renal pelvis is none of the 171, and implies kidney
        self._matrices = RelationMatrices.from_ontology(replace(ontology, label_sets=(everything,)), _ALL)
        wanted = ontology.label_set(label_set).members if label_set else everything.members
        self._columns = np.array([self._matrices.position[label] for label in wanted], dtype=np.int64)
        self._matcher = matcher
        self._relevance = relevance
        self._expand = expand
        self._weakest = STRENGTH[weakest]

    def describe(self, texts: Sequence[str]) -> list[Description]:
        """The labels of each text."""
        sentences = [mined_line(text, self._matcher) for text in texts]
        judgements = self._relevance.judge(sentences)
        rows = [self._stated(*pair) for pair in zip(sentences, judgements, strict=True)]
        labels = multi_hot(rows, self._matrices.size)
        if self._expand:
            labels = self._matrices.expand(labels)
        named = self._names(labels[:, self._columns])
        return [Description(*row) for row in zip(named, sentences, judgements, strict=True)]

    def _stated(self, sentence: MinedSentence, judgements: Sequence[Judgement]) -> list[int]:
        """Columns of the labels that count."""
        position = self._matrices.position
        stated = []
        for judgement in judgements:
            mention = sentence.mentions[judgement.mention]
            if judgement.relevance is not Relevance.IRRELEVANT and STRENGTH[mention.scope] <= self._weakest:
                stated.append(position[mention.label])
        return stated

    def _names(self, labels: BoolMatrix) -> list[tuple[str, ...]]:
        names = [self._matrices.names[column] for column in self._columns]
        labels = labels.tocsr()
        labels.sort_indices()
        return [tuple(names[i] for i in labels.indices[start:end]) for start, end in pairwise(labels.indptr)]
