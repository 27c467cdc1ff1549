"""What every lossless format needs of an ontology: identities that tell things apart."""

from __future__ import annotations

from collections import Counter

from kg.errors import OntologyError
from kg.ontology import Ontology


def require_identities(ontology: Ontology) -> None:
    """Check that labels, groups and versions of label sets have an id of their own.

    Raises:
        OntologyError: two share one.
    """
    for what, keys in (
        ("label id", [label.id for label in ontology.labels]),
        ("exclusive group", [group.id for group in ontology.exclusive_groups]),
        ("label set and version", [f"{s.name} {s.version}" for s in ontology.label_sets]),
    ):
        for key, count in Counter(keys).items():
            if count > 1:
                raise OntologyError(f"{what} {key}: used {count} times in {ontology.name}; give each its own")
