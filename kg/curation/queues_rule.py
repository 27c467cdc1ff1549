"""The rule in numbers: what the labels of lesions must say before they carry a strict relation, or take one away.

Shares are of the lesions with the rarer label. One in twenty is what errors of the labels alone come to: no lesion has
both a left label and its right partner, and text mining says so of up to 4.9 % of the rarer one's lesions
(``benchmarks/queues.py``). Bounds hold with 95 % confidence (Clopper and Pearson), so that few lesions carry nothing.
"""

from __future__ import annotations

from scipy.stats import beta

from kg.curation.queues import Counts

NOISE = 0.05
"""Share of lesions that errors of the labels alone may give both labels."""

IMPLIED = 0.9
"""Least share of a label's lesions that have another label which it implies; reports leave out what goes without
saying."""

BY_CHANCE = 0.01
"""Probability under which counts are no chance, over all pairs of labels in the queue (Bonferroni)."""

LEAST = 5
"""Fewest lesions with both labels that speak for their meeting: a handful may be one report."""

_CONFIDENCE = 0.95


def at_least(together: int, of: int) -> float:
    """Lower bound of a share."""
    return float(beta.ppf(1 - _CONFIDENCE, together, of - together + 1)) if together else 0.0


def at_most(together: int, of: int) -> float:
    """Upper bound of a share."""
    return float(beta.ppf(_CONFIDENCE, together + 1, of - together)) if together < of else 1.0


def meet(together: int, rarer: int) -> bool:
    """Whether two labels meet on more lesions than errors of the labels explain, and on more than a handful."""
    return together >= LEAST and at_least(together, rarer) >= NOISE


def more_than_chance(counts: Counts) -> bool:
    """Whether lesions have both labels more often than by chance."""
    return counts.together > counts.expected and counts.probability * counts.pairs <= BY_CHANCE


def never_meet(counts: Counts) -> bool:
    """Whether the labels keep apart: on no more lesions than errors explain, and on fewer than by chance."""
    rare = at_most(counts.together, counts.rarer) <= NOISE
    return rare and counts.together < counts.expected and counts.probability * counts.pairs <= BY_CHANCE


def implies(together: int, of: int) -> bool:
    """Whether a label, with so many lesions, implies another that so many of them have."""
    return at_least(together, of) >= IMPLIED
