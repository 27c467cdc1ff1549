"""A history made elsewhere, taken over: the same change sets as revisions of this graph."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from kg.curation.assessment import assess, require_sound
from kg.curation.change_set import ChangeSet, change_set_from_dict
from kg.curation.payload import Payload, RevisionKind
from kg.errors import ConflictError, InputError
from kg.graph_ontology import import_payload, write_content
from kg.ontology import Ontology
from kg.revision import find_head, read_rows, require_immutable_sets, stamp_of, verified, write_head
from kg.store import GraphStore, Transaction

FORMAT = "lesionkg-history/1"


def states(base: Ontology, change_sets: Iterable[ChangeSet]) -> list[Ontology]:
    """The ontology after each change set, one after the other, from a base.

    Raises:
        ConflictError: one of them does not fit.
        ChangeRefusedError: one of them breaks a rule.
    """
    found, now = [], base
    for change_set in change_sets:
        assessment = assess(now, change_set)
        require_sound(assessment, change_set)
        now = assessment.after
        found.append(now)
    return found


def replay(store: GraphStore, base: Ontology, change_sets: Sequence[ChangeSet], author: str = "") -> int:
    """Make the graph hold a base and the change sets made on it, each a revision with its own author and date.

    One transaction: all of it or nothing. A graph that holds the base already goes on from there; one whose newest
    revision is the last change set's is left alone.

    Returns:
        The number of the newest revision afterwards.

    Raises:
        ConflictError: the change sets do not follow from the base.
        ChangeRefusedError: one of them breaks a rule.
        OntologyError: a label that lesions or models use would be dropped.
        StaleRevisionError: the graph's ontology was edited directly.
    """
    made = states(base, change_sets)

    def work(tx: Transaction) -> int:
        head = find_head(tx)
        held = verified(tx)[1] if head else None
        last = made[-1] if made else base
        if head is not None and held is not None and held.content_hash == last.content_hash:
            return head.sequence
        present, sequence = read_rows(tx), head.sequence if head else 0
        if held is None or held.content_hash != base.content_hash:
            sequence += 1
            payload = import_payload(tx, head, base, author, "the base of a history that was taken over")
            write_head(tx, stamp_of(base, sequence, author, payload.change_set.created), payload.as_properties())
        for change_set, after in zip(change_sets, made, strict=True):
            sequence += 1
            stamp = stamp_of(after, sequence, change_set.author, change_set.created)
            require_immutable_sets(tx, stamp)
            write_head(tx, stamp, Payload(RevisionKind.CHANGE, change_set).as_properties())
        write_content(tx, last, present)
        return sequence

    return store.write_transaction(work)


def history_to_json(base: Ontology, change_sets: Sequence[ChangeSet]) -> str:
    """A history as text: the base's hash, and one change set a line."""
    lines = ",\n".join(change_set.to_json() for change_set in change_sets)
    head = json.dumps({"format": FORMAT, "base": base.name, "base_hash": base.content_hash})[:-1]
    return f'{head}, "change_sets": [\n{lines}\n]}}\n'


def history_from_json(text: str, base: Ontology, where: str) -> tuple[ChangeSet, ...]:
    """The inverse of :func:`history_to_json`.

    Raises:
        InputError: not a history, of a newer format, or damaged.
        ConflictError: made on another base.
    """
    try:
        content: Any = json.loads(text)
        known = content["format"] == FORMAT
        wanted, sets = str(content["base_hash"]), list(content["change_sets"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{where}: is no history ({type(error).__name__}); export it again") from error
    if not known:
        raise InputError(f"{where}: is in another format than {FORMAT!r}; update lesionkg")
    if wanted != base.content_hash:
        raise ConflictError(f"{where}: was made on another ontology than {base.name}; give the one it was made on")
    return tuple(change_set_from_dict(one) for one in sets)
