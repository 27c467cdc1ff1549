"""Relevance by rules: cue phrases and their scopes, and which bookmark a label is attached to."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.mining.cues import Cue, CueFinder, shipped_cues
from ingest.mining.mention import BOOKMARK_WORD, Judgement, MinedSentence, Relevance
from ingest.mining.rule_file import CueKind, CueRule, Direction

_STOPS = frozenset(".;:!()")
_RELEVANCE = {
    CueKind.NEGATION: Relevance.IRRELEVANT,
    CueKind.LANDMARK: Relevance.IRRELEVANT,
    CueKind.OTHER_LESION: Relevance.IRRELEVANT,
    CueKind.UNCERTAINTY: Relevance.UNCERTAIN,
}


class RuleRelevance:
    """The rule engine; a :class:`ingest.mining.mention.RelevanceModel`."""

    def __init__(self, cues: tuple[CueRule, ...] | None = None) -> None:
        self._cues = CueFinder(shipped_cues() if cues is None else cues)

    @property
    def id(self) -> str:
        """Name of the engine with a hash of its rules."""
        return f"rules-1-{self._cues.id}"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        """Judge every mention for every bookmark of its sentence, or once with ``bookmark=None`` where there is none."""
        return [self._judge(sentence) for sentence in sentences]

    def _judge(self, sentence: MinedSentence) -> tuple[Judgement, ...]:
        texts = [token.text for token in sentence.tokens]
        cues = self._cues.find(texts)
        bookmarks: Sequence[int | None] = range(len(sentence.bookmarks)) if sentence.bookmarks else (None,)
        scopes = [(cue, *span) for cue in cues if cue.kind in _RELEVANCE for span in _spans(cue, cues, texts, sentence)]
        judged = []
        for index, mention in enumerate(sentence.mentions):
            relevance, rule = Relevance.RELEVANT, ""
            for cue, start, end in scopes:
                if start < mention.end and mention.start < end:
                    decided = _RELEVANCE[cue.kind]
                    if not rule or decided == Relevance.IRRELEVANT:
                        relevance, rule = decided, cue.rule
            judged += [Judgement(index, bookmark, relevance, rule) for bookmark in bookmarks]
        return tuple(judged)


def _spans(cue: Cue, cues: Sequence[Cue], texts: Sequence[str], sentence: MinedSentence) -> list[tuple[int, int]]:
    """The cue's scope as character spans."""
    ends = {other.start for other in cues if other.kind == CueKind.TERMINATOR}
    tokens = sentence.tokens
    spans = []
    short = cue.kind in (CueKind.LANDMARK, CueKind.OTHER_LESION)
    if cue.direction != Direction.BACKWARD:
        end = cue.end
        while end < len(texts) and end not in ends and texts[end] not in _STOPS and texts[end] != BOOKMARK_WORD:
            if short and texts[end] == ",":
                break
            end += 1
        if end > cue.end:
            spans.append((tokens[cue.end].start, tokens[end - 1].end))
    if cue.direction != Direction.FORWARD:
        start = cue.start
        while start > 0 and start - 1 not in ends and texts[start - 1] not in _STOPS | {",", BOOKMARK_WORD}:
            start -= 1
        if start < cue.start:
            spans.append((tokens[start].start, tokens[cue.start - 1].end))
    return spans
