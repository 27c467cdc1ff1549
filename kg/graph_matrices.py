"""Relation matrices out of the graph, under the revision they belong to."""

from __future__ import annotations

from kg.matrices import RelationMatrices
from kg.revision import verified
from kg.store import GraphStore, Transaction


def matrices_from_graph(store: GraphStore, label_set: str) -> RelationMatrices:
    """The relation matrices of a label set, read in one transaction and checked against the stamped revision.

    Raises:
        StaleRevisionError: the graph's ontology was edited behind our back; nothing is served.
        UsageError: the graph holds no ontology, or no such label set.
    """
    return store.read_transaction(lambda tx: read_matrices(tx, label_set))


def read_matrices(tx: Transaction, label_set: str) -> RelationMatrices:
    """As :func:`matrices_from_graph`, inside an open transaction."""
    head, ontology = verified(tx)
    return RelationMatrices.from_ontology(ontology, label_set, revision=head.sequence)
