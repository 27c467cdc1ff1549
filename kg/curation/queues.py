"""Review queues: what curators should look at next, ranked, with the evidence for it.

An item is named by what it is about, labels by their ids, and never by the model or the data that brought it up: what a
curator decides about it (:mod:`kg.curation.decisions`) holds for later models too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

from kg.errors import UsageError
from kg.ontology import Ontology


class QueueKind(StrEnum):
    """The queues."""

    CORRELATIONS = "correlations"
    """Correlations of a model between labels that no relation of the ontology connects."""
    CONTRADICTED = "contradicted"
    """Asserted exclusive pairs that labelled lesions contradict."""
    CONFUSED = "confused"
    """Positive correlations of a model between exclusive labels."""
    TERMS = "terms"
    """Terms, words and phrases that reports use and no label covers."""
    UNMAPPED = "unmapped"
    """Labels without a RadLex id."""


class Topic(StrEnum):
    """What an item says; the first part of its id."""

    TOGETHER = "together"
    """Evidence for one label counts for the other."""
    APART = "apart"
    """Evidence for one label counts against the other."""
    CONFUSED = "confused"
    """Evidence for one label counts for the other although they are exclusive."""
    CONTRADICTED = "contradicted"
    """Lesions have both labels although they are exclusive."""
    TERM = "term"
    """Reports use a term."""
    UNMAPPED = "unmapped"
    """A label has no RadLex id."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Lesions with two labels, after expansion.

    Attributes:
        lesions: labelled lesions in all.
        first: those with the first label.
        second: those with the second.
        together: those with both.
        expected: how many would have both by chance.
        probability: of so many together by chance, or more when there are more than expected, else or fewer
            (hypergeometric).
        pairs: label pairs looked at, among which chance has its pick.
        patients: patients with a lesion that has both.
        rarer_patients: patients with a lesion that has the rarer one.
    """

    lesions: int
    first: int
    second: int
    together: int
    expected: float
    probability: float
    pairs: int
    patients: int
    rarer_patients: int

    @property
    def rarer(self) -> int:
        """Lesions with the rarer of the two labels."""
        return min(self.first, self.second)


@dataclass(frozen=True, slots=True)
class Correlation:
    """What a model learned about two labels.

    Attributes:
        model: the model.
        to_second: weight of evidence for the first label on the second, mean over seeds; None where it is small.
        to_first: the other way round.
        stability: share of seeds that agree on the sign, of the larger weight.
        counts: what the labels of lesions say.
    """

    model: str
    to_second: float | None
    to_first: float | None
    stability: float
    counts: Counts

    @property
    def weight(self) -> float:
        """The larger weight, with its sign."""
        return max((w for w in (self.to_second, self.to_first) if w is not None), key=abs)


@dataclass(frozen=True, slots=True)
class SaidPair:
    """The most specific exclusive labels of contradictory lesions.

    Attributes:
        first: id of the first label, at or below the first of the asserted pair.
        second: id of the other.
        contradictory: lesions whose contradiction comes down to these two labels.
        together: all lesions with both.
        patients: patients with a lesion that has both.
        rarer_patients: patients with a lesion that has the rarer one.
    """

    first: str
    second: str
    contradictory: int
    together: int
    patients: int
    rarer_patients: int


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Lesions against an asserted exclusive pair.

    Attributes:
        counts: lesions with both labels.
        contradictory: lesions with two labels, at or below these, that are exclusive still.
        listed: what asserts the pair: ``pair``, or the id of an exclusive group.
        said: the most specific labels they have, the most frequent first.
    """

    counts: Counts
    contradictory: int
    listed: str
    said: tuple[SaidPair, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """Something reports say, as ``lesionkg mine suggest`` counts it.

    Attributes:
        kind: ``radlex``, ``word`` or ``phrase``.
        text: RadLex's preferred name, or the words in lower case.
        rid: RadLex id, "" for words.
        parents: names of the terms right above it in RadLex.
        nearest: name of the label that comes nearest, "" when none does.
        mentions: how often it stands in the reports.
        reports: how many reports have it.
        patients: how many patients have it, never fewer than five and counted up to 1,000.
        source: name of the reports it was counted in.
    """

    kind: str
    text: str
    rid: str
    parents: tuple[str, ...]
    nearest: str
    mentions: int
    reports: int
    patients: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A label without a RadLex id.

    Attributes:
        lesions: lesions with the label, after expansion.
        label_sets: label sets it is in.
    """

    lesions: int
    label_sets: tuple[str, ...]


Evidence: TypeAlias = Correlation | Contradiction | Term | Unmapped


@dataclass(frozen=True, slots=True)
class Item:
    """Something for a curator to decide about.

    Attributes:
        id: what it is about: the topic, and ids of labels, smaller first, or a term.
        queue: where it stands.
        labels: ids of the labels it is about; of a term none.
        names: their preferred names; of a term its text.
        score: what the queue is ranked by, see :mod:`kg.curation.queues_ranked`.
        evidence: why it stands there.
        examples: ids of lesions to look at.
    """

    id: str
    queue: QueueKind
    labels: tuple[str, ...]
    names: tuple[str, ...]
    score: float
    evidence: Evidence
    examples: tuple[str, ...] = ()

    @property
    def topic(self) -> Topic:
        """What it says."""
        return topic_of(self.id)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"topic": self.topic.value}


def item_id(topic: Topic, *about: str) -> str:
    """The id of an item; labels in either order give the same one."""
    parts = about if topic is Topic.TERM else sorted(quote(label, safe=":") for label in about)
    return "/".join((topic.value, *parts))


def topic_of(item: str) -> Topic:
    """The topic of an item's id.

    Raises:
        UsageError: it is no id of an item.
    """
    topic, _, about = item.partition("/")
    if topic not in set(Topic) or not about:
        raise UsageError(f"item {item!r}: unknown; `lesionkg ontology queue` lists the items with their ids")
    return Topic(topic)


def current_id(item: str, ontology: Ontology) -> str:
    """The id of an item whose labels may have been merged since."""
    topic = topic_of(item)
    if topic is Topic.TERM:
        return item
    return item_id(topic, *(current_label(unquote(label), ontology) for label in item.split("/")[1:]))


def current_label(label_id: str, ontology: Ontology) -> str:
    """The label itself, or the one that it was merged into, at the end of the chain."""
    seen: set[str] = set()
    while (label := ontology.by_id.get(label_id)) and label.deprecated and label.replaced_by and label_id not in seen:
        seen.add(label_id)
        label_id = label.replaced_by
    return label_id
