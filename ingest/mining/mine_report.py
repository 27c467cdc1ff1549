"""One report through the whole of mining: parse, match, judge. What comes out holds no text of the report."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from ingest.mining.matcher import Matcher
from ingest.mining.mention import BOOKMARK_WORD, Judgement, Mention, MinedSentence, RelevanceModel
from ingest.mining.sentences import mined_sentences
from ingest.reports.document import Bookmark
from ingest.reports.parse import document_problems, parse
from ingest.reports.report import Report, ReportProblem

MINING_VERSION = 2
"""Raised when the same report, lexicon and relevance model give another result."""

MOST_JUDGEMENTS = 100_000
"""More than that in one report is no report (real ones have tens), and more than one transaction should hold."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class JudgedSentence:
    """A sentence that mentions a label or points at a lesion.

    Attributes:
        start: first character in the report.
        end: one past the last character.
        section: as in :class:`ingest.reports.document.Sentence`.
        organ: likewise.
        bookmarks: in the order of the text; ``target`` is a hash (:func:`hidden_target`).
        mentions: sorted by start, then end.
        judgements: how relevant each mention is to each bookmark.
    """

    start: int
    end: int
    section: str
    organ: str
    bookmarks: tuple[Bookmark, ...]
    mentions: tuple[Mention, ...]
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True, slots=True)
class MinedReport:
    """What one report says, in offsets, ids and words of closed lists.

    Attributes:
        report: the source's id of the report.
        sentences: those that mention a label or hold a bookmark, in the order of the text.
        read: number of all sentences.
        lone_sizes: number of sizes that point at no image.
        remnants: what was blanked, as words of a closed list.
        problems: what the user should know about its text.
        unmatched: where words stand that no mention covers, as (start, end).
    """

    report: str
    sentences: tuple[JudgedSentence, ...]
    read: int
    lone_sizes: int
    remnants: tuple[str, ...]
    problems: tuple[ReportProblem, ...]
    unmatched: tuple[Span, ...]

    @property
    def judgements(self) -> int:
        """Number of judgements in all sentences."""
        return sum(len(sentence.judgements) for sentence in self.sentences)


def mine_report(report: Report, matcher: Matcher, relevance: RelevanceModel) -> MinedReport:
    """Mine one report.

    Args:
        report: the report.
        matcher: finds the labels.
        relevance: judges each of them for each bookmark.

    Returns:
        What was found, free of text, so that it may travel between processes and into the graph. Without sentences and
        with a problem when there is more to judge than any report holds.
    """
    document = parse(report.text)
    problems = document_problems(report.id, document)
    sentences = mined_sentences(document, matcher)
    telling = [sentence for sentence in sentences if sentence.mentions or sentence.bookmarks]
    if sum(len(sentence.mentions) * max(1, len(sentence.bookmarks)) for sentence in telling) > MOST_JUDGEMENTS:
        reason = f"mentions more than {MOST_JUDGEMENTS:,} labels; divide it into its reports"
        problems, telling = (*problems, ReportProblem(report.id, reason)), []
    judged = relevance.judge(telling)
    return MinedReport(
        report.id,
        tuple(_without_text(sentence, found) for sentence, found in zip(telling, judged, strict=True)),
        len(sentences),
        document.lone_sizes,
        document.remnants,
        problems,
        tuple(span for sentence in sentences for span in _unmatched(sentence)),
    )


def hidden_target(target: str) -> str:
    """A hyperlink's target as it leaves the report: equal for equal targets, "" for none."""
    return hashlib.sha256(target.encode("utf-8", "surrogatepass")).hexdigest() if target else ""


def _without_text(sentence: MinedSentence, judgements: tuple[Judgement, ...]) -> JudgedSentence:
    return JudgedSentence(
        sentence.start,
        sentence.start + len(sentence.text),
        sentence.section,
        sentence.organ,
        tuple(replace(bookmark, target=hidden_target(bookmark.target)) for bookmark in sentence.bookmarks),
        sentence.mentions,
        judgements,
    )


def _unmatched(sentence: MinedSentence) -> list[Span]:
    parts = sorted(part for mention in sentence.mentions for part in (mention.parts or ((mention.start, mention.end),)))
    found: list[Span] = []
    at, covered = 0, -1  # parts already passed, and where the furthest of them ends: long sentences have many of both
    for token in sentence.tokens:
        while at < len(parts) and parts[at][0] <= token.start:
            covered = max(covered, parts[at][1])
            at += 1
        if token.start >= covered and token.text.isalpha() and token.text != BOOKMARK_WORD:
            found.append((token.start, token.end))
    return found
