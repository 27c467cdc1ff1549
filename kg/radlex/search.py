"""Terms of RadLex by identifier or name, best first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz, process

from kg.errors import UsageError
from kg.radlex.reference import Reference, Term

_LIKE = 80.0
"""Least similarity, of 100, of a name that is only like the text (RapidFuzz's ratio, words in any order)."""


class How(StrEnum):
    """How a term fits a search, best first."""

    RID = "identifier"
    EXACT = "exact"
    PREFIX = "prefix"
    WORDS = "words"
    FUZZY = "fuzzy"


_RANK = {how: rank for rank, how in enumerate(How)}


@dataclass(frozen=True, slots=True)
class Hit:
    """One term that fits a search.

    Attributes:
        term: the term.
        name: the name of it that fits best.
        how: in which way.
        score: similarity of the name with the text, 0 to 100.
    """

    term: Term
    name: str
    how: How
    score: float


def fold(name: str) -> str:
    """A name as it is compared: case, hyphens and runs of blanks do not count."""
    return " ".join(name.casefold().replace("-", " ").split())


def search(reference: Reference, text: str, limit: int = 20) -> list[Hit]:
    """The terms that fit a text, each once.

    Ranked by :class:`How`, then similarity, preferred names before synonyms, then by name; terms that RadLex has
    withdrawn come last.

    Args:
        reference: all terms.
        text: a RID, a name, the beginning of one, some of its words (or their beginnings), or something like it.
        limit: most terms.

    Raises:
        UsageError: the text is blank.
    """
    wanted = fold(text)
    if not wanted:
        raise UsageError("RadLex search: no text; give a RID or some words")
    names = [(term, name, fold(name)) for term in reference.terms.values() for name in term.names]
    likeness = {
        place: score
        for _, score, place in process.extract(
            wanted, [folded for *_, folded in names], scorer=fuzz.token_sort_ratio, score_cutoff=_LIKE, limit=None
        )
    }
    best: dict[str, tuple[tuple[bool, int, float, bool, str], Hit]] = {}
    for place, (term, name, folded) in enumerate(names):
        how = _how(wanted, term, folded, place in likeness)
        if how is None:
            continue
        score = 100.0 if how is How.RID else likeness.get(place) or fuzz.token_sort_ratio(wanted, folded)
        key = (term.obsolete, _RANK[how], -score, name != term.name, name)
        if term.rid not in best or key < best[term.rid][0]:
            best[term.rid] = key, Hit(term, name, how, round(score, 1))
    return [hit for _, hit in sorted(best.values(), key=lambda found: (found[0], found[1].term.rid))[:limit]]


def _how(wanted: str, term: Term, folded: str, alike: bool) -> How | None:
    if wanted == term.rid.casefold():
        return How.RID
    if wanted == folded:
        return How.EXACT
    if folded.startswith(wanted):
        return How.PREFIX
    words = folded.split()
    if all(any(word.startswith(part) for word in words) for part in wanted.split()):
        return How.WORDS
    return How.FUZZY if alike else None
