"""Which labels are left and right partners: the shipped table ``ontologies/contralateral.tsv``."""

from __future__ import annotations

from kg.errors import OntologyError
from kg.ontology import Ontology, SoftKind, SoftRelation
from kg.tables import shipped_table

SOURCE = "lesionkg-partners"
_FILE = "contralateral.tsv"


def partner_relations(ontology: Ontology) -> tuple[SoftRelation, ...]:
    """One CONTRALATERAL_OF from each left label to its right partner.

    Raises:
        InputError: the table is damaged.
        OntologyError: it names a label that the ontology does not have.
    """
    rows = shipped_table(_FILE, ("left", "right", "reason"))
    missing = [name for row in rows for name in (row["left"], row["right"]) if name not in ontology.by_name]
    if missing:
        raise OntologyError(f"ontologies/{_FILE}: {missing[0]!r} is no label of {ontology.name}; correct the table")
    return tuple(
        SoftRelation(
            ontology.by_name[row["left"]].id,
            SoftKind.CONTRALATERAL_OF,
            ontology.by_name[row["right"]].id,
            SOURCE,
            evidence=row["reason"],
        )
        for row in rows
    )
