"""What mining suggests to a curator: candidate labels with their counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

MOST_PATIENTS = 1000
"""Patients of one candidate that are told apart; a count that reaches this is a lower bound."""


class CandidateKind(StrEnum):
    """Where a candidate comes from."""

    RADLEX = "radlex"
    """A term of RadLex that no label is mapped to or covers."""
    WORD = "word"
    """A word that neither a label nor a term of RadLex covers."""
    PHRASE = "phrase"
    """Two or three words that neither covers whole."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a report holds a candidate.

    Attributes:
        report: the source's id of the report.
        digest: of its text, to know that another copy of it is the same.
        start: first character of the sentence.
        end: one past its last character.
    """

    report: str = field(repr=False)
    digest: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may deserve a label or a synonym.

    Attributes:
        kind: where it comes from.
        text: RadLex's preferred name, or the words in lower case.
        rid: RadLex id, "" for words.
        parents: names of the terms right above it in RadLex.
        nearest: name of the label that comes nearest, "" when none does: the next one above in RadLex, the one that a
            part of it mentions, or one that is spelt alike.
        mentions: how often it stands in the reports.
        reports: how many reports have it.
        patients: how many patients have it, up to :data:`MOST_PATIENTS`.
        places: sentences of different reports that have it, when they were asked for.
    """

    kind: CandidateKind
    text: str
    rid: str
    parents: tuple[str, ...]
    nearest: str
    mentions: int
    reports: int
    patients: int
    places: tuple[Place, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What a source suggests.

    Attributes:
        candidates: those of the most reports first.
        reports: reports read.
        patients: different patients; all reports without one count as one patient's.
        left_out: reports, or parts of them, that could not be read.
        pruned: rare words or phrases were forgotten on the way, so that some counts may be too low.
    """

    candidates: tuple[Candidate, ...]
    reports: int
    patients: int
    left_out: int
    pruned: bool
