"""What a reasoner finds wrong with an ontology, next to what :mod:`kg.rules` finds by its own algebra."""

from __future__ import annotations

from kg.findings import Finding, Severity
from kg.ontology import Ontology
from kg.reasoner import classify


def check_with_reasoner(ontology: Ontology) -> list[Finding]:
    """One finding for each label that no lesion can have under the strict profile.

    Raises:
        ReasonerError: the reasoner could not run or was stopped.
    """
    result = classify(ontology, "strict")
    if not result.consistent:
        message = "the strict profile has no model at all; mend the other errors first"
        return [Finding("inconsistent", Severity.ERROR, (), message)]
    return [
        Finding(
            "unsatisfiable",
            Severity.ERROR,
            (ontology.by_id[label_id].name,),
            f"the reasoner finds that no lesion can have {ontology.by_id[label_id].name!r}; "
            "the rules about exclusive ancestors name the cause",
        )
        for label_id in result.unsatisfiable
    ]
