"""The papers' rule table as a relevance model: a phrase directly before a label, nothing more; a baseline."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.mining.cues import CueFinder, shipped_cues
from ingest.mining.mention import Judgement, MinedSentence, Relevance
from ingest.mining.rule_file import CueKind, CueRule

_FILE = "paper_cues.yaml"


class AdjacentRules:
    """Cues that judge only a label that directly follows or precedes them; a relevance model.

    Args:
        name: what its id begins with.
        cues: cue rules; terminators and pseudo cues have nothing to say here but hide the cues inside them.
    """

    def __init__(self, name: str, cues: tuple[CueRule, ...]) -> None:
        self._name = name
        self._cues = CueFinder(cues)

    @property
    def id(self) -> str:
        """Name with a hash of the cues."""
        return f"{self._name}-{self._cues.id}"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        """Judge every mention; all bookmarks of a sentence get the same answer."""
        return [tuple(self._judged(sentence)) for sentence in sentences]

    def _judged(self, sentence: MinedSentence) -> list[Judgement]:
        tokens = sentence.tokens
        before: dict[int, tuple[Relevance, str]] = {}
        after: dict[int, tuple[Relevance, str]] = {}
        for cue in self._cues.find([token.text for token in tokens]):
            if cue.kind in (CueKind.TERMINATOR, CueKind.PSEUDO):
                continue
            relevance = Relevance.UNCERTAIN if cue.kind == CueKind.UNCERTAINTY else Relevance.IRRELEVANT
            if cue.before and cue.end < len(tokens):
                before[tokens[cue.end].start] = relevance, cue.before
            if cue.after and cue.start:
                after[tokens[cue.start - 1].end] = relevance, cue.after
        bookmarks: Sequence[int | None] = range(len(sentence.bookmarks)) if sentence.bookmarks else (None,)
        judged = []
        for i, mention in enumerate(sentence.mentions):
            none = Relevance.RELEVANT, ""
            relevance, rule = before.get(mention.start) or after.get(mention.end) or none
            judged += [Judgement(i, bookmark, relevance, rule) for bookmark in bookmarks]
        return judged


class PaperRules(AdjacentRules):
    """The papers' table of regular expressions (talk of 2020, table 1; ``ingest/rules/paper_cues.yaml``)."""

    def __init__(self) -> None:
        super().__init__("paper-rules", shipped_cues(_FILE))
