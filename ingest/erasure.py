"""A patient in the graph and in the vault together: who he is there."""

from __future__ import annotations

from ingest.erasure_vault import knows_patient, vault_subject
from ingest.vault import Vault
from kg.erasure import Subject, grown
from kg.store import GraphStore


def find_subject(store: GraphStore, vault: Vault | None, patient: str) -> Subject:
    """Everything in graph and vault that is one patient.

    A table of marks may give a lesion that the graph knew before to a patient of the vault: the graph's patient of that
    lesion and the vault's are then one person.

    Args:
        store: the graph.
        vault: the vault, None where there is none.
        patient: id of the patient in the graph, or surrogate.

    Returns:
        The subject; an empty one when neither knows the id.
    """
    there = store.read("MATCH (p:Patient {id: $id}) RETURN p.id AS id ORDER BY id", {"id": patient})
    if not there and (vault is None or not knows_patient(vault, patient)):
        return Subject()
    before, subject = Subject(), Subject(patients=(patient,))
    while subject != before:
        before = subject
        subject = store.read_transaction(lambda tx, known=before: grown(tx, known))  # type: ignore[misc]
        if vault is not None:
            subject = vault_subject(vault, subject)
    return subject
