"""A phrase that stands for a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from kg.ontology import SynonymScope

STRENGTH = {SynonymScope.EXACT: 0, SynonymScope.NARROW: 0, SynonymScope.BROAD: 1, SynonymScope.RELATED: 2}
"""How weak a match of each scope is. A narrow synonym's meaning lies within the label's, so it asserts the label."""


class Rank(IntEnum):
    """Whose word counts first when one phrase is given several meanings."""

    USER_RULE = 0
    SHIPPED_RULE = 1
    ONTOLOGY = 2
    DERIVED = 3
    FRAGMENT = 4
    """No label of its own: a modifier ("paracaval") that makes a label only together with a head."""


@dataclass(frozen=True, slots=True, order=True)
class Term:
    """One phrase for one label.

    Attributes:
        text: the phrase.
        label: label id, or RID; for a fragment a key that begins with ``~``.
        rule: ``name``, ``synonym``, ``radlex-name``, the id of a derivation, or the id of a rule.
        scope: how its meaning compares with the label's.
        unless: it means something else in a sentence with one of these words or phrases.
        rank: whose word it is.
    """

    text: str
    label: str
    rule: str
    scope: SynonymScope = SynonymScope.EXACT
    unless: tuple[str, ...] = ()
    rank: Rank = Rank.ONTOLOGY

    def meant(self, bases: Sequence[str]) -> bool:
        """Whether a sentence of these base words leaves the phrase its meaning; ``unless`` holds base words too."""
        if not self.unless:
            return True
        sentence = f" {' '.join(bases)} "
        return not any(f" {words} " in sentence for words in self.unless)
