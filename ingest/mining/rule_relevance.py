"""Relevance by rules: cue phrases and their scopes, and the bookmark that a label is attached to."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.mining.attachment import Attachment
from ingest.mining.cues import CueFinder, shipped_cues
from ingest.mining.mention import Judgement, Mention, MinedSentence, Relevance
from ingest.mining.rule_file import CueKind, CueRule
from ingest.mining.scopes import Line, Scope
from kg.ontology import SynonymScope

VERSION = 2
"""Version of what the code does with the cues; raise it whenever judgements may change."""

RELATED_TERM = "related-term"
"""Id of the rule: a term that is only related to the label ("irregular" for spiculated) makes it uncertain at most."""

_ASSERTED = ("", Relevance.RELEVANT)
_RELATED = (RELATED_TERM, Relevance.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class _Reach:
    """A scope in characters."""

    scope: Scope
    start: int
    end: int
    cue_start: int
    cue_end: int
    followed_by: int | None
    """Index of the bookmark that ends the scope, if one does."""


class RuleRelevance:
    """The rule engine; a :class:`ingest.mining.mention.RelevanceModel`.

    Args:
        cues: cue rules; the shipped ones when not given. To add to those, give ``(*shipped_cues(), *own)``.
    """

    def __init__(self, cues: tuple[CueRule, ...] | None = None) -> None:
        self._cues = CueFinder(shipped_cues() if cues is None else cues)

    @property
    def id(self) -> str:
        """Version of the engine with a hash of its cues."""
        return f"rules-{VERSION}-{self._cues.id}"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        """Judge every mention for every bookmark of its sentence, or once with ``bookmark=None`` if it has none."""
        return [_judged(sentence, self._cues) for sentence in sentences]


def _judged(sentence: MinedSentence, finder: CueFinder) -> tuple[Judgement, ...]:
    mentions = sentence.mentions
    if not mentions:
        return ()
    texts = [token.text for token in sentence.tokens]
    cues = finder.find(texts)
    reaching = _reaching(sentence, Line(texts, cues).scopes()) if cues else {}
    if not sentence.bookmarks:
        return tuple(
            Judgement(i, None, relevance, rule)
            for i, mention in enumerate(mentions)
            for rule, relevance in (_decided(mention, reaching.get(i, ()), None),)
        )
    attachment = Attachment(sentence, texts, cues)
    judged = []
    for i, mention in enumerate(mentions):
        near = [reach for reach in reaching.get(i, ()) if attachment.together(reach.scope.cue.start, i)]
        for bookmark in range(len(sentence.bookmarks)):
            rule, relevance = _decided(mention, near, bookmark)
            if relevance != Relevance.IRRELEVANT and (away := attachment.away(i, bookmark)):
                rule, relevance = away, Relevance.IRRELEVANT
            judged.append(Judgement(i, bookmark, relevance, rule))
    return tuple(judged)


def _reaching(sentence: MinedSentence, scopes: Sequence[Scope]) -> dict[int, list[_Reach]]:
    """The scopes that reach each mention (by index), in the order of the cues.

    What a hedge between alternatives reaches is cut to the label next to it on either side. A cue that is part of a
    label's term ("no acute disease", if a hospital has that label) reaches labels nested in that term and no others.
    """
    tokens, mentions = sentence.tokens, sentence.mentions
    starts = [mention.start for mention in mentions]
    longest = max(mention.end - mention.start for mention in mentions)
    marks = {bookmark.start: i for i, bookmark in enumerate(sentence.bookmarks)}
    reaching: dict[int, list[_Reach]] = {}
    for scope in scopes:
        cue = scope.cue
        cue_start, cue_end = tokens[cue.start].start, tokens[cue.end - 1].end
        start, end = tokens[scope.start].start, tokens[scope.end - 1].end
        if cue.kind == CueKind.UNCERTAINTY and cue.before == cue.after:
            if scope.start >= cue.end:
                following = bisect_left(starts, cue_end)
                if following == len(mentions) or starts[following] >= end:
                    continue
                alike = range(following, bisect_right(starts, starts[following]))
                end = max(_parts(mentions[i])[0][1] for i in alike)
            else:
                start = tokens[cue.start - 1].start
        for i in range(bisect_left(starts, cue_start - longest), bisect_right(starts, cue_start)):
            for part_start, part_end in _parts(mentions[i]):
                if part_start <= cue_start and cue_end <= part_end:
                    start, end = max(start, part_start), min(end, part_end)
        followed_by = marks.get(tokens[scope.end].start) if scope.end < len(tokens) else None
        reach = _Reach(scope, start, end, cue_start, cue_end, followed_by)
        for i in range(bisect_left(starts, start - longest), bisect_left(starts, end)):
            if _covers(reach, mentions[i]):
                reaching.setdefault(i, []).append(reach)
    return reaching


def _covers(reach: _Reach, mention: Mention) -> bool:
    """The cue reaches a part of the mention. A cue that is itself part of a label's term says nothing of that label."""
    parts = _parts(mention)
    if any(start <= reach.cue_start and reach.cue_end <= end for start, end in parts):
        return False
    return any(start < reach.end and reach.start < end for start, end in parts)


def _decided(mention: Mention, reaches: Sequence[_Reach], bookmark: int | None) -> tuple[str, Relevance]:
    """The rule that decides, and what: irrelevant outweighs uncertain; of equals the first cue decides."""
    rule, relevance = _RELATED if mention.scope == SynonymScope.RELATED else _ASSERTED
    for reach in reaches:
        kind = reach.scope.cue.kind
        if kind == CueKind.OTHER_LESION and (bookmark is None or bookmark == reach.followed_by):
            continue
        if kind != CueKind.UNCERTAINTY:
            return reach.scope.rule, Relevance.IRRELEVANT
        if rule in ("", RELATED_TERM):
            rule, relevance = reach.scope.rule, Relevance.UNCERTAIN
    return rule, relevance


def _parts(mention: Mention) -> tuple[tuple[int, int], ...]:
    return mention.parts or ((mention.start, mention.end),)
