"""The rule in numbers: what the labels of lesions must say before they carry a strict relation, or take one away.

Shares are of the patients with a lesion of the rarer label: lesions of one patient are often said in one sentence.
Bounds hold with 95 % confidence (Clopper and Pearson), so that few patients carry nothing. What errors of the labels
alone come to is known from left and right partners, which no lesion has both of: of the rarer one's patients, text
mining says so for up to 6.1 %, with a lower bound of at most 3.9 % (``benchmarks/queues.py``).
"""

from __future__ import annotations

from scipy.stats import beta

from kg.curation.queues import Counts

NOISE = 0.05
"""A lower bound of the share of patients above this is no error of the labels; an upper bound below it may be one."""

IMPLIED = 0.9
"""Least share of a label's patients with a lesion that has another label which it implies; reports leave out what goes
without saying."""

BY_CHANCE = 0.01
"""Probability under which counts are no chance, over all pairs of labels in the queue (Bonferroni)."""

LEAST = 5
"""Fewest patients with both labels on a lesion that speak for their meeting."""

_CONFIDENCE = 0.95


def at_least(together: int, of: int) -> float:
    """Lower bound of a share."""
    return float(beta.ppf(1 - _CONFIDENCE, together, of - together + 1)) if together else 0.0


def at_most(together: int, of: int) -> float:
    """Upper bound of a share."""
    return float(beta.ppf(_CONFIDENCE, together + 1, of - together)) if together < of else 1.0


def meet(patients: int, rarer_patients: int) -> bool:
    """Whether two labels meet in more patients than errors of the labels explain, and in more than a handful."""
    return patients >= LEAST and at_least(patients, rarer_patients) >= NOISE


def more_than_chance(counts: Counts) -> bool:
    """Whether lesions have both labels more often than by chance."""
    return counts.together > counts.expected and counts.probability * counts.pairs <= BY_CHANCE


def never_meet(counts: Counts) -> bool:
    """Whether the labels keep apart: on no more lesions than errors explain, and on fewer than by chance."""
    rare = at_most(counts.patients, counts.rarer_patients) <= NOISE
    return rare and counts.together < counts.expected and counts.probability * counts.pairs <= BY_CHANCE


def implies(patients: int, of: int) -> bool:
    """Whether a label, with so many patients, implies another that lesions of so many of them have too."""
    return at_least(patients, of) >= IMPLIED
