"""Which of a sentence's bookmarks a label is attached to.

A sentence describes a lesion and points at it, or points first and describes then; what precedes the first bookmark
tells which. Between two bookmarks a conjunction parts what is said of the one from what is said of the next. What the
later bookmark's words leave out it shares with the one before: in "large nodules in the right lung BOOKMARK and left
lung BOOKMARK" both are large nodules. What precedes "for example" is shared by all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum, auto
from itertools import pairwise

from ingest.mining.cues import Cue, word_list
from ingest.mining.mention import BOOKMARK_WORD, MinedSentence
from ingest.mining.rule_file import CueKind

OTHER_BOOKMARK = "attachment-other-bookmark"
"""Id of the rule: what is said of another bookmark is not about this one."""
OTHER_CLAUSE = "attachment-other-clause"
"""Id of the rule: what a clause without bookmark says is not about the lesion of the other clause."""

_KINDS = word_list("kinds")
_QUALITIES = word_list("qualities")
_CONTRASTS = word_list("contrasts")
_SUBJECTS = word_list("subjects")
_GOES_ON = word_list("goes-on")
_VERBS = word_list("verbs")
_ANDS = frozenset({"and", "&", "plus"})
_EXAMPLES = (
    ("for", "example"),
    ("for", "instance"),
    ("such", "as"),
    ("e", ".", "g"),
    ("as", "in"),
    ("including",),
    ("largest",),
)


class _Role(Enum):
    KIND = auto()
    QUALITY = auto()
    PLACE = auto()


class Attachment:
    """The bookmarks that each mention of a sentence belongs to.

    Args:
        sentence: with at least one bookmark.
        texts: its token texts.
        cues: its cues.
    """

    def __init__(self, sentence: MinedSentence, texts: Sequence[str], cues: Sequence[Cue]) -> None:
        self._texts = texts
        self._marks = [i for i, text in enumerate(texts) if text == BOOKMARK_WORD]
        self._hedged = {cue.start for cue in cues if cue.kind == CueKind.UNCERTAINTY}
        self._doubted = {cue.start for cue in cues if _doubts_a_clause(cue)}
        starts = {token.start: i for i, token in enumerate(sentence.tokens)}
        places = [starts.get(mention.start, 0) for mention in sentence.mentions]
        roles = [
            _role({token.text for token in sentence.tokens[place:] if token.start < mention.end})
            for place, mention in zip(places, sentence.mentions, strict=True)
        ]
        self._kinds = [i for i, text in enumerate(texts) if not _KINDS.isdisjoint((text, text.rstrip("s")))]
        self._places = places
        self._roles = roles
        self._bounds = self._bounded()
        self._rules = self._attach()

    def away(self, mention: int, bookmark: int) -> str:
        """Id of the rule by which a mention is not about a bookmark, "" when it may be (both are indexes)."""
        return self._rules[mention][bookmark]

    def together(self, token: int, mention: int) -> bool:
        """A token and a mention (both are indexes) are said of the same bookmark, or of none."""
        return self._segment(token) == self._segment(self._places[mention])

    def _segment(self, at: int) -> int:
        """Index of the bookmark whose own words the token ``at`` is among; -1 or the number of bookmarks outside."""
        return bisect_right(self._bounds, at) - 1

    def _attach(self) -> list[list[str]]:
        marks, places, roles = self._marks, self._places, self._roles
        size = len(marks)
        bounds = self._bounds
        owners = [self._segment(place) for place in places]
        members: list[set[int]] = [{m for m, owner in enumerate(owners) if owner == i} for i in range(size)]
        own = [set(group) for group in members]
        named = [any(bounds[i] <= kind < bounds[i + 1] for kind in self._kinds) for i in range(size)]
        example = self._example(bounds[0])
        for i in range(1, size):
            if not named[i]:
                members[i] |= self._shared(own[i], members[i - 1], marks[i - 1], self._blank(i))
            members[i] |= {m for m in own[0] if places[m] < example}
        for i in range(size - 2, -1, -1):
            if self._blank(i + 1):
                members[i] |= own[i + 1]
            elif not named[i] and all(roles[m] != _Role.KIND for m in members[i]):
                members[i] |= {m for m in members[i + 1] if roles[m] != _Role.PLACE}
        rules = []
        for m, owner in enumerate(owners):
            reason = OTHER_BOOKMARK if 0 <= owner < size else OTHER_CLAUSE
            rules.append(["" if m in members[i] else reason for i in range(size)])
        return rules

    def _shared(self, own: set[int], before: set[int], mark: int, blank: bool) -> set[int]:
        """What a bookmark takes over from the one before, whose token is ``mark``."""
        roles, places = self._roles, self._places
        if blank and not own:
            return set(before)
        if all(roles[m] != _Role.PLACE for m in own):
            return set(before)
        head = max((places[m] for m in before if roles[m] == _Role.KIND), default=-1)
        later = any(roles[m] == _Role.PLACE and head < places[m] < mark for m in before)
        return {m for m in before if roles[m] != _Role.PLACE or (later and places[m] < head)}

    def _bounded(self) -> list[int]:
        """Where each bookmark's own words begin (token index), and where the last one's end."""
        marks, size = self._marks, len(self._texts)
        described_first = any(place < marks[0] for place in self._places)
        bounds = [self._opening(marks[0]) if described_first else 0]
        for left, right in pairwise(marks):
            bounds.append(self._split(left + 1, right) if described_first else right)
        bounds.append(self._closing(marks[-1] + 1, size) if described_first else size)
        return bounds

    def _opening(self, mark: int) -> int:
        """Where the clause of the first bookmark begins: behind a contrast, if the lesion is named there."""
        texts = self._texts
        for at in range(mark - 1, 0, -1):
            contrast = (texts[at] in _CONTRASTS and texts[at + 1] != "not") or (
                self._ands(at) and texts[at + 1] in _SUBJECTS
            )
            if contrast and any(at < kind < mark for kind in self._kinds):
                return at
        return 0

    def _split(self, start: int, end: int) -> int:
        """Where, between two bookmarks, the words for the second begin."""
        texts = self._texts
        between = range(start, end)
        if start == end or self._ands(start) or texts[start] in (";", "."):
            return start
        if texts[start] == "," and start + 1 < end and not self._goes_on(start + 1):
            return start
        for found in (
            [i for i in between if texts[i] in _CONTRASTS],
            [i for i in between if self._ands(i)],
            [i for i in between if texts[i] == ","],
        ):
            if found:
                named = [i for i in found if any(i < kind < end for kind in self._kinds)]
                return named[-1] if named else found[0]
        return end if self._goes_on(start) else start

    def _closing(self, start: int, end: int) -> int:
        """Where, behind the last bookmark, something else begins."""
        texts = self._texts
        extended = False
        for at in range(start, end - 1):
            following = texts[at + 1]
            extended = extended or texts[at] == "with"
            if texts[at] in _CONTRASTS and self._hedged.isdisjoint(range(at, end)):
                return at
            if self._ands(at) and following not in _VERBS and self._doubted.isdisjoint(range(at, end)):
                named = any(at < kind and _GOES_ON.isdisjoint(texts[at:kind]) for kind in self._kinds)
                if at == start or texts[at - 1] == "," or following in _SUBJECTS or (named and not extended):
                    return at
        return end

    def _ands(self, at: int) -> bool:
        """The word at ``at`` is "and", not that of "and/or"."""
        return self._texts[at] in _ANDS and self._texts[at + 1 : at + 2] != ["/"]

    def _goes_on(self, at: int) -> bool:
        """The word at ``at`` continues what was said of the bookmark before it."""
        return self._texts[at] in _GOES_ON or at in self._hedged

    def _blank(self, i: int) -> bool:
        """Nothing is mentioned between bookmark ``i - 1`` and bookmark ``i``."""
        return not any(self._marks[i - 1] < place < self._marks[i] for place in self._places)

    def _example(self, start: int) -> int:
        """Token index of the first "for example" before the first bookmark, or ``start``."""
        texts, mark = self._texts, self._marks[0]
        return next(
            (at for at in range(start, mark) for words in _EXAMPLES if tuple(texts[at : at + len(words)]) == words),
            start,
        )


def _doubts_a_clause(cue: Cue) -> bool:
    """A hedge like "cannot be excluded": the clause before it is a thought about the lesion, not another lesion."""
    return cue.kind == CueKind.UNCERTAINTY and not cue.before and cue.end - cue.start > 1


def _role(words: set[str]) -> _Role:
    singular = {word.rstrip("s") for word in words}
    if not (_KINDS.isdisjoint(words) and _KINDS.isdisjoint(singular)):
        return _Role.KIND
    return _Role.PLACE if _QUALITIES.isdisjoint(words) else _Role.QUALITY
