"""Relevance by rules: cue phrases and their scopes, and the bookmark that a label is attached to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.mining.attachment import Attachment
from ingest.mining.cues import CueFinder, shipped_cues
from ingest.mining.mention import BOOKMARK_WORD, Judgement, Mention, MinedSentence, Relevance
from ingest.mining.rule_file import CueKind, CueRule
from ingest.mining.scopes import Line, Scope

VERSION = 1
"""Version of what the code does with the cues; raise it whenever judgements may change."""

_ASSERTED = ("", Relevance.RELEVANT)


@dataclass(frozen=True, slots=True)
class _Reach:
    """A scope in characters."""

    scope: Scope
    start: int
    end: int
    cue_start: int
    cue_end: int
    alternative: bool
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
    reaches = list(_reaches(sentence, Line(texts, cues).scopes())) if cues else []
    if not sentence.bookmarks:
        if not reaches:
            return tuple([Judgement(i, None, Relevance.RELEVANT) for i in range(len(mentions))])
        return tuple(
            Judgement(i, None, relevance, rule)
            for i, mention in enumerate(mentions)
            for rule, relevance in (_decided(mention, reaches, None),)
        )
    attachment = Attachment(sentence, texts, cues)
    judged = []
    for i, mention in enumerate(mentions):
        near = [reach for reach in reaches if attachment.together(reach.scope.cue.start, i)]
        for bookmark in range(len(sentence.bookmarks)):
            rule, relevance = _decided(mention, near, bookmark)
            if relevance != Relevance.IRRELEVANT and (away := attachment.away(i, bookmark)):
                rule, relevance = away, Relevance.IRRELEVANT
            judged.append(Judgement(i, bookmark, relevance, rule))
    return tuple(judged)


def _reaches(sentence: MinedSentence, scopes: Sequence[Scope]) -> Iterator[_Reach]:
    """Scopes in characters. What a hedge between alternatives reaches is cut to the label next to it on either side."""
    tokens = sentence.tokens
    for scope in scopes:
        cue = scope.cue
        cue_start, cue_end = tokens[cue.start].start, tokens[cue.end - 1].end
        start, end = tokens[scope.start].start, tokens[scope.end - 1].end
        alternative = cue.kind == CueKind.UNCERTAINTY and cue.before == cue.after
        if alternative:
            if scope.start >= cue.end:
                inside = [m for m in sentence.mentions if cue_end <= m.start < end]
                if not inside:
                    continue
                end = max(m.end for m in inside if m.start == inside[0].start)
            else:
                start = tokens[cue.start - 1].start
        bookmarks = [i for i, b in enumerate(sentence.bookmarks) if b.start >= end]
        ends_at_bookmark = scope.end < len(tokens) and tokens[scope.end].text == BOOKMARK_WORD
        yield _Reach(
            scope, start, end, cue_start, cue_end, alternative, bookmarks[0] if ends_at_bookmark and bookmarks else None
        )


def _decided(mention: Mention, reaches: Sequence[_Reach], bookmark: int | None) -> tuple[str, Relevance]:
    """The rule that decides, and what: irrelevant outweighs uncertain; of equals the first cue decides."""
    rule, relevance = _ASSERTED
    for reach in reaches:
        if not _covers(reach, mention):
            continue
        kind = reach.scope.cue.kind
        if kind == CueKind.OTHER_LESION and (bookmark is None or bookmark == reach.followed_by):
            continue
        if kind != CueKind.UNCERTAINTY:
            return reach.scope.rule, Relevance.IRRELEVANT
        if not rule:
            rule, relevance = reach.scope.rule, Relevance.UNCERTAIN
    return rule, relevance


def _covers(reach: _Reach, mention: Mention) -> bool:
    """The cue reaches a part of the mention. A cue that is itself part of a label's term says nothing of that label."""
    parts = mention.parts or ((mention.start, mention.end),)
    if any(start <= reach.cue_start and reach.cue_end <= end for start, end in parts):
        return False
    return any(start < reach.end and reach.start < end for start, end in parts)
