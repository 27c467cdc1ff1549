"""What a relation model has to beat; each is an :class:`ingest.mining.mention.RelevanceModel`."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.mining.mention import Judgement, Mention, MinedSentence, Relevance
from ingest.reports.document import Bookmark


class AllRelevant:
    """Every label is relevant to every bookmark: what the released label lists would be without relevance."""

    id = "all-relevant"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        """See the protocol."""
        return [
            tuple(
                Judgement(mention, bookmark, Relevance.RELEVANT, self.id)
                for mention in range(len(sentence.mentions))
                for bookmark in range(len(sentence.bookmarks)) or (None,)
            )
            for sentence in sentences
        ]


class NearestBookmark:
    """A label is relevant to the bookmark with the fewest characters in between, irrelevant to all others."""

    id = "nearest-bookmark"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        """See the protocol."""
        return [self._judge(sentence) for sentence in sentences]

    def _judge(self, sentence: MinedSentence) -> tuple[Judgement, ...]:
        judged: list[Judgement] = []
        for index, mention in enumerate(sentence.mentions):
            if not sentence.bookmarks:
                judged.append(Judgement(index, None, Relevance.RELEVANT, self.id))
                continue
            gaps = [_gap(mention, bookmark) for bookmark in sentence.bookmarks]
            nearest = gaps.index(min(gaps))
            judged += [
                Judgement(index, at, Relevance.RELEVANT if at == nearest else Relevance.IRRELEVANT, self.id)
                for at in range(len(gaps))
            ]
        return tuple(judged)


def _gap(mention: Mention, bookmark: Bookmark) -> int:
    return max(bookmark.start - mention.end, mention.start - bookmark.end)
