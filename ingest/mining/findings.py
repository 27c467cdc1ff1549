"""Report-level findings without bookmarks: mention detection, then negation and uncertainty taken out.

These are the two stages by which ChestX-ray8 got its image labels (talk "Deep lesion graph", 2018). They work with any
lexicon: the ontology's, or the phrases for the fourteen findings of ChestX-ray14 that ship with the project.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from importlib import resources

from ingest.mining.lexicon import Lexicon
from ingest.mining.mention import MinedSentence, Relevance, RelevanceModel
from ingest.mining.rule_file import parse_rules
from ingest.mining.term import Term

_CHEST = "chest_findings.yaml"


class Presence(StrEnum):
    """What a report says of a finding that it mentions."""

    PRESENT = "present"
    """Asserted at least once."""
    UNCERTAIN = "uncertain"
    """Hedged at least once, never asserted."""
    ABSENT = "absent"
    """Only ever negated."""


CERTAIN_HEDGES = frozenset({"uncertainty-alternative", "uncertainty-probable", "uncertainty-probable-after"})
"""Ids of rules whose hedge does not take a finding out: "atelectasis or scar", "probable effusion".

ChestX-ray8's rules for uncertainty know "may", "suggest", "cannot exclude" and the like, but no alternatives. Of the
findings that OpenI reports outside the test set state under one kind of hedge only, people coded 111 of 135
alternatives and 14 of 18 probable ones, but 18 of 207 others (``python benchmarks/mining.py negation`` prints it).
"""

_RANK = {
    Relevance.RELEVANT: (2, Presence.PRESENT),
    Relevance.UNCERTAIN: (1, Presence.UNCERTAIN),
    Relevance.IRRELEVANT: (0, Presence.ABSENT),
}


def report_findings(
    sentences: Iterable[MinedSentence], relevance: RelevanceModel, certain: Collection[str] = CERTAIN_HEDGES
) -> dict[str, Presence]:
    """What a report says of each label that it mentions.

    Args:
        sentences: of one report; bookmarks in them are not looked at.
        relevance: judges the mentions.
        certain: ids of rules for uncertainty whose findings count as present; empty for a strict reading.

    Returns:
        Presence by label id, sorted by id. A label that is not mentioned is not a key.
    """
    plain = [replace(sentence, bookmarks=()) if sentence.bookmarks else sentence for sentence in sentences]
    best: dict[str, tuple[int, Presence]] = {}
    for sentence, judgements in zip(plain, relevance.judge(plain), strict=True):
        for judgement in judgements:
            label = sentence.mentions[judgement.mention].label
            found = _RANK[Relevance.RELEVANT if judgement.rule in certain else judgement.relevance]
            if label not in best or found[0] > best[label][0]:
                best[label] = found
    return {label: best[label][1] for label in sorted(best)}


def positive(findings: Mapping[str, Presence], uncertain: bool = False) -> frozenset[str]:
    """Labels of a report: what is present and, when ``uncertain``, what is hedged too.

    ChestX-ray8 leaves hedged findings out, and so does the default.
    """
    wanted = {Presence.PRESENT, Presence.UNCERTAIN} if uncertain else {Presence.PRESENT}
    return frozenset(label for label, presence in findings.items() if presence in wanted)


def chest_findings() -> Lexicon:
    """Words for the fourteen findings of ChestX-ray14 (``ingest/rules/chest_findings.yaml``); ids are its names."""
    rules = parse_rules(resources.files("ingest.rules").joinpath(_CHEST).read_text(encoding="utf-8"), _CHEST)
    terms = tuple(
        Term(text, rule.label, rule.id, rule.scope, rule.unless) for rule in rules.phrases for text in rule.any
    )
    return Lexicon(terms, {rule.label: rule.label.replace("_", " ") for rule in rules.phrases})
