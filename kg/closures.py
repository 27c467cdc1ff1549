"""What follows from an ontology's asserted relations: all ancestors, and the exclusion that labels inherit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kg import algebra
from kg.algebra import BoolMatrix
from kg.ontology import Ontology


@dataclass(frozen=True, eq=False)
class Closures:
    """The computed relations of an ontology with C labels, as C x C sparse boolean matrices in the order of their ids.

    Every reference of the ontology must resolve (:meth:`kg.ontology.Ontology.require_resolved`).
    """

    ontology: Ontology

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each label id."""
        return {label.id: i for i, label in enumerate(self.ontology.labels)}

    @cached_property
    def parents(self) -> BoolMatrix:
        """``[c, p]`` when p is an asserted parent of c, or what c was merged into."""
        return self._pairs(self.ontology.parent_pairs)

    @cached_property
    def ancestors(self) -> BoolMatrix:
        """Transitive closure of the parents."""
        return algebra.closure(self.parents)

    @cached_property
    def asserted_exclusive(self) -> BoolMatrix:
        """Symmetric: listed exclusive pairs, those of groups included."""
        return self._pairs(self.ontology.all_exclusive_pairs, symmetric=True)

    @cached_property
    def exceptions(self) -> BoolMatrix:
        """Symmetric: pairs that may meet on one lesion, merged labels included."""
        return self._pairs(self.ontology.exception_pairs, symmetric=True)

    @cached_property
    def exclusive(self) -> BoolMatrix:
        """Symmetric: exclusion closed under inheritance, without what exceptions take out."""
        return algebra.inherit_exclusive(self.asserted_exclusive, self.ancestors, self.exceptions)

    def _pairs(self, pairs: frozenset[tuple[str, str]] | set[tuple[str, str]], symmetric: bool = False) -> BoolMatrix:
        found = np.array([(self.index[a], self.index[b]) for a, b in sorted(pairs)])
        return algebra.from_pairs(found, len(self.index), symmetric)
