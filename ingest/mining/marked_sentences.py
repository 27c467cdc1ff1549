"""Sentences with one marked finding that is negated, uncertain or affirmed, to measure negation scope on.

A tab-separated file: ``half`` (development, held-out), ``status``, ``category``, ``sentence`` with the finding in
[brackets].
Lines that begin with # are comments.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.mining.agreement import Figures, figures
from ingest.mining.mention import Mention, MinedSentence, Relevance, RelevanceModel
from ingest.mining.tokens import tokenise
from kg.errors import InputError

STATUS = {
    "negated": Relevance.IRRELEVANT,
    "uncertain": Relevance.UNCERTAIN,
    "affirmed": Relevance.RELEVANT,
}
"""Statuses with the relevance that a model should give, in a sentence without bookmarks."""

_COLUMNS = ["half", "status", "category", "sentence"]


@dataclass(frozen=True, slots=True)
class MarkedSentence:
    """One sentence.

    Attributes:
        half: ``development`` or ``held-out``.
        status: key of :data:`STATUS`.
        category: what makes it hard.
        sentence: its one mention is the marked finding.
    """

    half: str
    status: str
    category: str
    sentence: MinedSentence


def read_marked(path: Path) -> tuple[MarkedSentence, ...]:
    """Read such a file.

    Raises:
        InputError: not readable, an unknown status, or a sentence without one pair of brackets.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give a text file in UTF-8") from error
    table = [(number, line) for number, line in enumerate(lines, 1) if not line.startswith("#")]
    rows = csv.reader((line for _, line in table), delimiter="\t", quoting=csv.QUOTE_NONE)
    if next(rows, None) != _COLUMNS:
        raise InputError(f"{path}: wrong columns; the first line names {', '.join(_COLUMNS)}")
    marked = []
    for (number, _), row in zip(table[1:], rows, strict=True):
        if len(row) != len(_COLUMNS) or row[1] not in STATUS or (row[3].count("["), row[3].count("]")) != (1, 1):
            raise InputError(f"{path}, line {number}: not half, status, category and one marked finding; correct it")
        marked.append(MarkedSentence(row[0], row[1], row[2], marked_sentence(row[3])))
    return tuple(marked)


def marked_sentence(text: str) -> MinedSentence:
    """A sentence with its [marked] finding as the only mention; the brackets are taken out."""
    before, rest = text.split("[")
    finding, after = rest.split("]")
    plain = before + finding + after
    mention = Mention(len(before), len(before) + len(finding), "finding", "marked", finding.lower())
    return MinedSentence(plain, 0, tokenise(plain, 0, len(plain)), (mention,))


def scope_agreement(model: RelevanceModel, marked: Sequence[MarkedSentence], seed: int = 0) -> list[Figures]:
    """Agreement on negated, uncertain and affirmed findings, then over all of them (macro: the mean of the three)."""
    judged = [judgements[0].relevance for judgements in model.judge([row.sentence for row in marked])]
    said = np.array([[row.status == status for status in STATUS] for row in marked])
    found = np.array([[relevance == wanted for wanted in STATUS.values()] for relevance in judged])
    return figures(list(STATUS), said, found, seed)
