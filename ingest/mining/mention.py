"""What mining finds in a sentence: mentions of labels, and how relevant each is to each bookmark.

Offsets are those of the document the sentence stands in, so that every mention can be highlighted in the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ingest.reports.document import Bookmark
from kg.ontology import SynonymScope

BOOKMARK_WORD = "@bookmark"
"""``Token.text`` of the one token that stands for a whole bookmark."""


class Relevance(StrEnum):
    """Is a label about the lesion that the bookmark points at? (LesaNet, section 3.2)"""

    RELEVANT = "relevant"
    UNCERTAIN = "uncertain"
    IRRELEVANT = "irrelevant"


@dataclass(frozen=True, slots=True)
class Token:
    """One word or punctuation mark.

    Attributes:
        text: lower case; ``BOOKMARK_WORD`` for a bookmark, whatever it consists of.
        start: first character.
        end: one past the last character.
    """

    text: str = field(repr=False)
    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """One place where a sentence mentions a label.

    Attributes:
        start: first character.
        end: one past the last character; with gaps, of the last part.
        label: label id.
        rule: what matched: ``name``, ``synonym``, the id of a derivation or composition, or the id of a user's rule.
        term: the lexicon's form that matched (words of the lexicon, not of the report).
        scope: how the term's meaning compares with the label's; broad and related terms are weaker matches.
        parts: the pieces of a mention with gaps, as (start, end); empty when it has none.
        nested: it stands inside a longer mention of another label ("hilar adenopathy": lymphadenopathy).
    """

    start: int
    end: int
    label: str
    rule: str
    term: str
    scope: SynonymScope = SynonymScope.EXACT
    parts: tuple[tuple[int, int], ...] = ()
    nested: bool = False


@dataclass(frozen=True, slots=True)
class MinedSentence:
    """A sentence with what it mentions.

    Attributes:
        text: the sentence, cleaned, case kept (``Document.clean[start:end]``).
        start: offset of ``text`` in the document.
        tokens: words and punctuation, one token for each bookmark.
        mentions: sorted by start, then end.
        bookmarks: in the order of the text.
        section: as in :class:`ingest.reports.document.Sentence`.
        organ: likewise.
    """

    text: str = field(repr=False)
    start: int
    tokens: tuple[Token, ...]
    mentions: tuple[Mention, ...]
    bookmarks: tuple[Bookmark, ...] = ()
    section: str = ""
    organ: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How relevant one mention is to one bookmark.

    Attributes:
        mention: index into ``MinedSentence.mentions``.
        bookmark: index into ``MinedSentence.bookmarks``; None in a sentence without bookmarks, where the question is
            whether the report asserts the label.
        relevance: the decision.
        rule: id of the rule that decided, "" when no rule applied and the label counts as relevant; a model's id when
            a model decided.
        probability: the model's probability of the decision, None for a rule.
    """

    mention: int
    bookmark: int | None
    relevance: Relevance
    rule: str = ""
    probability: float | None = None


class RelevanceModel(Protocol):
    """Judges mentions; the rule engine is one, the relation CNN in ``learn`` another.

    It travels to worker processes, so it must be picklable.
    """

    @property
    def id(self) -> str:
        """Name and version of the model or rule set; it changes whenever judgements may change."""
        ...

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        """Judge every mention for every bookmark of its sentence, or once with ``bookmark=None`` where there is none.

        Returns:
            For each sentence its judgements, sorted by mention, then bookmark.
        """
        ...
