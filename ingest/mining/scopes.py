"""How far a cue reaches: from "no" over a list to where another statement begins.

A scope runs through a clause. It ends at a terminator ("but", "with", "there is"), at punctuation other than a comma,
at a bookmark, and at a comma or "and" behind which something new is said: a clause with a verb of its own ("no mass,
the heart is large"), another cue, or a finding that is called new, old, small, ... ("no edema, mild scarring"). Lists
stay together ("no mass, nodule or effusion"; "edema, effusion and abscess are absent").
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ingest.mining.cues import Cue, word_list
from ingest.mining.mention import BOOKMARK_WORD
from ingest.mining.rule_file import CueKind

REACH = 60
"""A scope is at most this many tokens long: no clause is longer, and a text without punctuation stays cheap."""

_STOPS = frozenset(".;:!?()-")
_STATEMENTS = (CueKind.NEGATION, CueKind.UNCERTAINTY)
_LINKS = frozenset({",", "and", "&"})
_ALTERNATIVES = frozenset({"or", "nor"})
_ARTICLES = frozenset({"a", "an"})
_VERBS = word_list("verbs")
_PREDICATES = word_list("predicates")
_NEUTRAL = word_list("neutral")
_NEW_SUBJECTS = word_list("new-subjects")
_ASSERTING = word_list("asserting")
_HEDGE_ENDS = word_list("hedge-ends")
_MEASURES = word_list("measures")
_PLACE_ENDS = word_list("place-ends") | _VERBS | _NEUTRAL
_ADVERBS = word_list("adverbs")
_PRESUMING = word_list("presuming")
_KINDS = word_list("kinds")
_QUALITIES = word_list("qualities")
_CHANGES = word_list("changes")
_NEITHER = frozenset({"neither", "nor", "none"})
_HAS = frozenset({"has", "have", "is", "are"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What a cue reaches: tokens ``start`` to ``end`` (one past the last), under the rule ``rule``."""

    cue: Cue
    rule: str
    start: int
    end: int


class Line:
    """The tokens of one sentence with its cues, ready to say how far each cue reaches.

    Args:
        texts: token texts.
        cues: cues among them, in order.
    """

    def __init__(self, texts: Sequence[str], cues: Sequence[Cue]) -> None:
        self._texts = texts
        self._cues = {cue.start: cue for cue in cues}
        self._ends = {cue.end for cue in cues if cue.kind == CueKind.TERMINATOR}

    def scopes(self) -> list[Scope]:
        """The scope of every cue that judges labels, in the order of the cues."""
        found = []
        for cue in self._cues.values():
            if cue.kind == CueKind.TERMINATOR:
                continue
            if cue.kind == CueKind.PSEUDO:  # what it is about is there, but "not enlarged" names no enlargement
                found.append(Scope(cue, cue.before or cue.after, cue.start, cue.end))
                continue
            change = self._change(cue)
            if change is not None:
                found.append(Scope(cue, cue.before, change, change + 1))
                continue
            either = cue.before and cue.after and cue.before != cue.after
            if cue.before and not (either and self._closes(cue.end)):
                found.append(Scope(cue, cue.before, cue.end, self._forward(cue)))
            if cue.after and not (either and found and found[-1].cue is cue):
                start = self._backward(cue)
                if start < cue.start or cue.before:
                    found.append(Scope(cue, cue.after, start, cue.start))
                else:  # "no longer seen is the nodule"
                    found.append(Scope(cue, cue.after, cue.end, self._forward(cue)))
        return [scope for scope in found if scope.start < scope.end]

    def _closes(self, at: int) -> bool:
        """Nothing that a cue before ``at`` could be about follows it directly."""
        texts = self._texts
        if at >= len(texts):
            return True
        text = texts[at]
        cue = self._cues.get(at)
        if cue and cue.kind == CueKind.TERMINATOR:
            return True
        return text in _STOPS or text in _LINKS or text in _ALTERNATIVES or text in _HEDGE_ENDS

    def _forward(self, cue: Cue) -> int:
        texts, cues = self._texts, self._cues
        place = cue.kind in (CueKind.LANDMARK, CueKind.OTHER_LESION)
        hedge = cue.kind == CueKind.UNCERTAINTY
        at, limit = cue.end, min(len(texts), cue.end + REACH)
        if texts[cue.start : cue.end] == ["not"] and (qualities := self._qualities_end(at)):
            return qualities
        while at < limit:
            text = texts[at]
            if text == "(":
                at = self._closing(at)
            if at >= limit or text == BOOKMARK_WORD or (text in _STOPS and text != "("):
                break
            other = cues.get(at)
            if other and (
                other.kind == CueKind.TERMINATOR
                or place
                or (hedge and other.kind in (CueKind.NEGATION, CueKind.LANDMARK))
            ):
                break
            if cue.kind == CueKind.OTHER_LESION:
                if text == "," or text == "and" or text in _VERBS:
                    break
            elif place:
                if text == "," or (text in _PLACE_ENDS and at > cue.end and not self._joins_places(at)):
                    break
            elif text in _LINKS:
                if not self._lists(at, hedge):
                    break
            elif self._leads_away(at, cue.end, hedge):
                break
            at += 1
        return min(at, limit)

    def _change(self, cue: Cue) -> int | None:
        """The word that alone is negated where "neither", "nor" or "none of" says what lesions have not done.

        In "neither the cyst nor the mass has grown" both are there.
        """
        texts = self._texts
        if cue.kind != CueKind.NEGATION or not cue.before or texts[cue.start] not in _NEITHER:
            return None
        for at in range(cue.end, min(len(texts) - 1, cue.end + REACH)):
            if texts[at] in _STOPS and texts[at] not in "()-":
                return None
            if texts[at] in _HAS and texts[at + 1] in _CHANGES:
                return at + 1
        return None

    def _qualities_end(self, at: int) -> int | None:
        """Where the qualities end that a bare "not" before ``at`` is about: "not clearly enlarged nodes" are nodes."""
        texts, end = self._texts, None
        while at < len(texts) and (texts[at].endswith("ly") or texts[at] in _ADVERBS):
            at += 1
        while at < len(texts) and (texts[at] in _QUALITIES or (end and texts[at] in _LINKS | _ALTERNATIVES)):
            at += 1
            end = at if texts[at - 1] in _QUALITIES else end
        return end

    def _lists(self, at: int, hedge: bool) -> bool:
        """Behind the comma or "and" at ``at`` the same list goes on."""
        texts = self._texts
        first = at + 1
        if first < len(texts) and texts[at] == "," and texts[first] in ("and", "&"):
            first += 1
        if first >= len(texts):
            return True
        if texts[first] in _ALTERNATIVES or texts[first] == "/":  # "and/or"
            return True
        cue = self._cues.get(first)
        if cue and (cue.kind in (CueKind.TERMINATOR, CueKind.PSEUDO) or (cue.kind in _STATEMENTS and cue.before)):
            return False
        end = self._segment_end(first)
        segment = texts[first:end]
        if not segment or segment[0] in _NEW_SUBJECTS or segment[0] in _VERBS:
            return False
        for index, text in enumerate(segment):
            if text in _VERBS and (segment[0] in _ARTICLES or _NEUTRAL.isdisjoint(segment[index + 1 : index + 2])):
                return False
        rest = self._rest(first)
        if segment[0] in _ASSERTING or (hedge and texts[at] == "," and first == at + 1):
            return not _ALTERNATIVES.isdisjoint(rest) or (hedge and "and" in rest)
        return True

    def _leads_away(self, at: int, start: int, hedge: bool) -> bool:
        """The preposition at ``at`` leads to a place, or to a lesion that is there; the scope begins at ``start``."""
        texts = self._texts
        if at == start or texts[at] not in _HEDGE_ENDS or texts[at - 1] in _MEASURES:
            return False
        return hedge or self._presumes(at + 1)

    def _presumes(self, at: int) -> bool:
        """From ``at`` on a lesion is spoken of that is there ("no calcification in the nodule")."""
        texts = self._texts
        if at >= len(texts) or texts[at] not in _PRESUMING:
            return False
        return _names_a_lesion(texts[at : self._segment_end(at)])

    def _joins_places(self, at: int) -> bool:
        """The word at ``at`` is an "and" between two places: no lesion is named behind it."""
        if self._texts[at] != "and":
            return False
        segment = self._texts[at + 1 : self._segment_end(at + 1)]
        return bool(segment) and not _names_a_lesion(segment)

    def _segment_end(self, at: int) -> int:
        texts = self._texts
        limit = min(len(texts), at + REACH)
        while at < limit:
            cue = self._cues.get(at)
            if texts[at] in _STOPS or texts[at] in _LINKS or (cue and cue.kind == CueKind.TERMINATOR):
                break
            at += 1
        return at

    def _rest(self, at: int) -> Collection[str]:
        """The words up to the end of the statement, commas left in."""
        texts, end = self._texts, at
        limit = min(len(texts), at + REACH)
        while end < limit and texts[end] not in _STOPS and texts[end] != BOOKMARK_WORD:
            cue = self._cues.get(end)
            if cue and (cue.kind == CueKind.TERMINATOR or (cue.before and not cue.after)):
                break
            end += 1
        return texts[at:end]

    def _backward(self, cue: Cue) -> int:
        texts = self._texts
        at = cue.start
        if at and texts[at - 1] in (":", "-"):
            at -= 1
        while at and (texts[at - 1] in _VERBS or texts[at - 1] in _ADVERBS or texts[at - 1].endswith("ly")):
            at -= 1
        if at and texts[at - 1] in ("which", "that"):
            at -= 2 if at > 1 and texts[at - 2] == "," else 1
        last, listing, bookmark = at, False, False
        while at and last - at < REACH:
            text = texts[at - 1]
            if text == ")":
                at = self._opening(at - 1)
                continue
            if text in _STOPS or (text == BOOKMARK_WORD and bookmark) or at in self._ends:
                break
            if text in _VERBS or (text in _PREDICATES and at < last and texts[at] in _LINKS):
                return next((i + 1 for i in range(at, last) if texts[i] in _LINKS or texts[i] in _ALTERNATIVES), at)
            if text in ("and", "&") or text in _ALTERNATIVES:
                listing = True
            if text == "," and not listing:
                break
            bookmark = bookmark or text == BOOKMARK_WORD
            at -= 1
        return at

    def _closing(self, at: int) -> int:
        end = min(len(self._texts), at + REACH)
        return next((i for i in range(at + 1, end) if self._texts[i] == ")"), end)

    def _opening(self, at: int) -> int:
        start = max(0, at - REACH)
        return next((i for i in range(at - 1, start - 1, -1) if self._texts[i] == "("), start)


def _names_a_lesion(words: Sequence[str]) -> bool:
    return any(word in _KINDS or word.rstrip("s") in _KINDS for word in words)
