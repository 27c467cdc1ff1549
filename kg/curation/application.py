"""Applying change sets to the graph, and taking them back: one transaction each, compare-and-set on the revision."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kg.curation.assessment import Assessment, assess, require_sound
from kg.curation.change_set import ChangeSet
from kg.curation.history import read_revisions
from kg.curation.payload import Payload, RevisionKind
from kg.curation.texts import require_line, require_readable, require_text
from kg.errors import ChangeRefusedError, ConflictError, UsageError
from kg.graph_ontology import store_revision
from kg.ontology import Ontology
from kg.revision import verified, verified_rows
from kg.store import GraphStore, Transaction


@dataclass(frozen=True)
class Applied:
    """An applied change set.

    Attributes:
        sequence: the revision that it made.
        already: it had been applied before; nothing was done.
        assessment: what the rules said; None when it had been applied before.
    """

    sequence: int
    already: bool
    assessment: Assessment | None


def apply_changes(
    store: GraphStore, change_set: ChangeSet, base: int | None = None, proposal: str = "", created: str = ""
) -> Applied:
    """Apply a change set to the newest revision, in one transaction.

    Args:
        store: the graph.
        change_set: what to change; its author answers for the revision.
        base: the revision it was made on. Newer ones may stand between as long as they touch other facts.
        proposal: id of the proposal that it carries out; one that a revision carries already is not applied again.
        created: date of the revision, ISO 8601; now when empty.

    Raises:
        ConflictError: a newer revision touched the same facts, or what it changes is not there; nothing was saved.
        ChangeRefusedError: it breaks a rule, goes against a warning without a reason, or changes nothing.
        OntologyError: a label that lesions or models use would be dropped, or a label set changes under one version.
        StaleRevisionError: somebody edited the graph directly.
        UsageError: the graph holds no ontology, ``base`` is no revision of it, or a text holds hidden characters.
    """
    require_readable(change_set)
    payload = Payload(RevisionKind.CHANGE, change_set, proposal=proposal)
    return store.write_transaction(lambda tx: _apply(tx, change_set, base, payload, created))


def undo(store: GraphStore, sequence: int, author: str, reason: str) -> Applied:
    """Take back what a revision changed, as a new revision.

    Raises:
        UsageError: no such revision, one that cannot be undone (an import, or made before changes were kept), or a
            text that holds hidden characters.
        ConflictError: a later revision touched the same facts and would be lost, or it was undone already.
        ChangeRefusedError: without it the ontology would break a rule.
    """
    require_line(author)
    require_text(reason)
    return store.write_transaction(lambda tx: _undo(tx, sequence, author, reason))


def _undo(tx: Transaction, sequence: int, author: str, reason: str) -> Applied:
    later = read_revisions(tx, after=sequence - 1)
    entry = next((e for e in later if e.sequence == sequence), None)
    if entry is None:
        raise UsageError(f"revision {sequence}: there is none; `lesionkg ontology history` lists them")
    if entry.change_set is None or entry.kind == RevisionKind.IMPORT:
        raise UsageError(f"revision {sequence}: loaded a whole ontology; import the one that was there before instead")
    if entry.undone_by:
        raise ConflictError(
            f"revision {sequence}: revision {entry.undone_by} took it back already; undo that one to redo"
        )
    change_set = ChangeSet(entry.change_set.inverse(), author, reason=reason, source=f"undo of revision {sequence}")
    ontology = verified(tx)[1]
    _require_apart(tx, change_set, sequence, later[0].sequence, ontology)
    warned = assess(ontology, change_set).warnings
    # The state it goes back to was saved once, so its warnings were answered then.
    change_set = replace(change_set, overrides={finding.rule: change_set.source for finding in warned})
    return _apply(tx, change_set, None, Payload(RevisionKind.UNDO, change_set, undoes=sequence), "")


def _apply(tx: Transaction, change_set: ChangeSet, base: int | None, payload: Payload, created: str) -> Applied:
    if payload.proposal:
        done = tx.run(
            "MATCH (r:Revision {proposal: $proposal}) RETURN r.sequence AS sequence ORDER BY sequence",
            {"proposal": payload.proposal},
        )
        if done:
            return Applied(done[0]["sequence"], already=True, assessment=None)
    head, ontology, rows = verified_rows(tx)
    if base is not None and base != head.sequence:
        _require_apart(tx, change_set, base, head.sequence, ontology)
    assessment = assess(ontology, change_set)
    if assessment.after == ontology and assessment.after.notices == ontology.notices:
        raise ChangeRefusedError("change set: changes nothing; leave it out")
    require_sound(assessment, change_set)
    sequence = store_revision(tx, assessment.after, rows, head, payload, created)
    return Applied(sequence, already=False, assessment=assessment)


def _require_apart(tx: Transaction, change_set: ChangeSet, base: int, newest: int, ontology: Ontology) -> None:
    """Check that no revision since ``base`` touched a fact of the change set."""
    if not 0 <= base <= newest:
        raise UsageError(f"revision {base}: there is none, the newest is {newest}; make the change on that one")
    for entry in reversed(read_revisions(tx, after=base)):
        shared = change_set.keys & entry.change_set.keys if entry.change_set else change_set.keys
        if shared:
            named = (ontology.by_id[part].name if part in ontology.by_id else part for part in min(shared))
            raise ConflictError(
                f"change set made on revision {base}: revision {entry.sequence} by {entry.author or 'somebody'} "
                f"changed the same since ({' '.join(named).strip()}); nothing was saved, change the newest instead"
            )
