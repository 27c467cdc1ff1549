"""What people do to the ontology in the workbench: edits that pile up, and their way into the graph.

Every function that changes something asks for the role first and is written to the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from kg.curation import proposal_application
from kg.curation.change_set import Change, ChangeSet, Composite
from kg.curation.edits import new_label_id
from kg.curation.graph_identity import graph_identity
from kg.curation.kgcl import to_line
from kg.curation.kgcl_words import escaped, written_id
from kg.curation.pending import Pending, PendingChanges, entries_of
from kg.curation.policy import read_policy
from kg.curation.preview import Preview, Previews
from kg.curation.proposal import Proposal
from kg.curation.proposals import proposals, propose, review, withdraw
from kg.errors import ChangeRefusedError, InputError, LesionKGError, UsageError
from kg.graph_cohort import OFFICIAL
from kg.ontology import Ontology
from kg.revision import head
from lesionkg.server.audit import Action
from lesionkg.server.people import Role, User
from lesionkg.server.workplace import Workplace

Edit = Callable[[Ontology], Change | Composite]
"""Makes a change of an ontology."""


@dataclass(frozen=True)
class Worked:
    """What somebody works on.

    Attributes:
        pending: as it is kept.
        changes: one for each entry; empty where an entry cannot be read.
        problem: why an entry cannot be read; empty when all can.
        ontology: what the changes make of the revision that they were made on.
        newest: number of the newest revision.
    """

    pending: Pending
    changes: tuple[Change | Composite, ...]
    problem: str
    ontology: Ontology
    newest: int

    @property
    def names(self) -> Mapping[str, str]:
        """Preferred names by label id, those of new labels too."""
        return {label.id: label.name for label in self.ontology.labels}


_previews: WeakKeyDictionary[Workplace, Previews] = WeakKeyDictionary()
_pending: WeakKeyDictionary[Workplace, PendingChanges] = WeakKeyDictionary()


def previews(place: Workplace) -> Previews:
    """What measures change sets on the graph of a workplace."""
    if place not in _previews:
        _previews[place] = Previews(place.store)
    return _previews[place]


def _kept(place: Workplace) -> PendingChanges:
    if place not in _pending:
        _pending[place] = PendingChanges(place.database, place.store.read_transaction(graph_identity))
    return _pending[place]


def worked(place: Workplace, user: User) -> Worked:
    """What a user works on, held against the revision that it was made on."""
    pending = _kept(place).read(user.name)
    newest = place.ontology()
    base = previews(place).ontology_of(pending.base, newest)
    sequence = head(place.store).sequence
    try:
        changes = pending.changes(base, user.name)
        return Worked(pending, changes, "", ChangeSet(changes).apply(base), sequence)
    except LesionKGError as error:
        return Worked(pending, (), str(error), base, sequence)


def count_entries(place: Workplace, user: User) -> int:
    """How many changes a user works on."""
    return len(_kept(place).read(user.name).entries)


def add(place: Workplace, user: User, edit: Edit) -> Worked:
    """Put one more change to those that a user works on.

    Args:
        place: the workplace.
        user: who.
        edit: gives the change, made on what the changes before it leave.

    Raises:
        NotAllowedError: the user is no curator.
        UsageError: the edit makes no sense there, or the changes before it cannot be read.
    """
    user.require(Role.CURATOR)
    now = worked(place, user)
    if now.problem:
        raise UsageError(f"pending changes: {now.problem}; correct them before you add others")
    made = edit(now.ontology)
    return _with(place, user, now, (*now.pending.entries, _line(made, now.names)))


def remove(place: Workplace, user: User, number: int) -> Worked:
    """Take one change out of those that a user works on.

    Raises:
        NotAllowedError: the user is no curator.
        UsageError: there is no such change, or others rest on it.
    """
    user.require(Role.CURATOR)
    now = worked(place, user)
    entries = now.pending.entries
    if not 0 <= number < len(entries):
        raise UsageError(f"pending change {number + 1}: there is none; look again")
    return _with(place, user, now, (*entries[:number], *entries[number + 1 :]))


def write(place: Workplace, user: User, text: str) -> Worked:
    """Put a text of KGCL in place of the changes that a user works on, made on the newest revision.

    Raises:
        NotAllowedError: the user is no curator.
        InputError: a line cannot be read, or does not fit the newest revision; nothing was kept.
    """
    user.require(Role.CURATOR)
    now = worked(place, user)
    pending = replace(now.pending, entries=entries_of(text), base=now.newest)
    ChangeSet(pending.changes(place.ontology(), user.name)).apply(place.ontology())
    _kept(place).keep(user.name, pending)
    return worked(place, user)


def explain(place: Workplace, user: User, reason: str, source: str, overrides: Mapping[str, str] | None = None) -> None:
    """Keep why a user makes the changes, and what they rest on.

    Raises:
        NotAllowedError: the user is no curator.
    """
    user.require(Role.CURATOR)
    kept = _kept(place)
    pending = kept.read(user.name)
    answers = pending.overrides if overrides is None else overrides
    kept.keep(user.name, replace(pending, reason=reason, source=source, overrides=dict(answers)))


def discard(place: Workplace, user: User) -> None:
    """Forget the changes that a user works on.

    Raises:
        NotAllowedError: the user is no curator.
    """
    user.require(Role.CURATOR)
    _kept(place).clear(user.name)


def free_id(place: Workplace, ontology: Ontology) -> str:
    """The id of the next new label: none that the ontology has, or a proposal gives away."""
    graph = place.store.read_transaction(graph_identity)
    taken = {label for one in proposals(place.database, graph=graph) for label in one.change_set.labels}
    return new_label_id(ontology, taken)


def preview(place: Workplace, user: User, cohort: str = OFFICIAL, label_set: str = "") -> Preview:
    """What the changes that a user works on would do.

    Raises:
        InputError: they cannot be read.
    """
    change_set, base = _change_set(place, user)
    return previews(place).preview(place.ontology(), change_set, base, cohort, label_set)


def save(place: Workplace, user: User, apply: bool, cohort: str = OFFICIAL, label_set: str = "") -> Proposal:
    """Propose the changes that a user works on, or apply them at once; they are pending no more then.

    Args:
        place: the workplace.
        user: who answers for them.
        apply: accept and apply the proposal at once, where the policy lets authors do so.
        cohort: lesions on which its impact is measured, as it is kept with it.
        label_set: whose columns count.

    Raises:
        NotAllowedError: the user is no curator.
        UsageError: no reason or no source, or the policy says that another one reviews.
        InputError: the changes cannot be read.
        ConflictError: somebody else was faster.
        ChangeRefusedError: a rule is broken, or a warning is not answered.
    """
    user.require(Role.CURATOR)
    change_set, base = _change_set(place, user)
    for name in ("reason", "source"):
        if not getattr(change_set, name).strip():
            raise UsageError(f"changes: have no {name}; say it before you save")
    if not change_set.changes:
        raise ChangeRefusedError("changes: there are none; make one first")
    if apply and read_policy(place.database):
        raise UsageError("changes: the policy says that another one reviews; save them as a proposal")
    measured = previews(place).preview(place.ontology(), change_set, base, cohort, label_set)
    change_set = replace(change_set, impact=measured.summary)
    verb = "apply" if apply else "propose"
    place.audit.record(user, Action.CHANGE, "ontology", did=verb, base=base, labels=sorted(change_set.labels))
    kept = propose(place.database, place.store, change_set, base)
    if apply:
        kept = _carried_out(place, user, kept)
    _kept(place).clear(user.name)
    return kept


def _change_set(place: Workplace, user: User) -> tuple[ChangeSet, int]:
    now = worked(place, user)
    if now.problem:
        raise InputError(f"pending changes: {now.problem}")
    base = previews(place).ontology_of(now.pending.base, place.ontology())
    return now.pending.change_set(base, user.name), now.pending.base or now.newest


def _carried_out(place: Workplace, user: User, kept: Proposal) -> Proposal:
    """Accept and apply what its author proposed; it does not stay behind as a proposal when the graph refuses it."""
    try:
        review(place.database, kept.id, True, user.name, "applied by its author")
        return proposal_application.apply(place.database, place.store, kept.id, user.name).proposal
    except LesionKGError as error:
        withdraw(place.database, kept.id, user.name, f"could not be applied: {error}")
        raise


def _line(made: Change | Composite, names: Mapping[str, str]) -> str:
    """A change as people write it: the larger edits in one sentence."""
    if not isinstance(made, Composite) or made.kind not in ("merge", "deprecate"):
        return to_line(made, names)
    first, *others = map(written_id, made.labels)
    remark = ", ".join(escaped(names.get(label, label)) for label in made.labels)
    if made.kind == "merge":
        return f"lkg:merge {first} into {others[0]} # {remark}"
    replacement = f" with replacement {others[0]}" if others else ""
    return f"lkg:deprecate {first}{replacement} # {remark}"


def _with(place: Workplace, user: User, now: Worked, entries: tuple[str, ...]) -> Worked:
    """Keep other entries, once they can be read and fit each other."""
    pending = now.pending.with_entries(entries, now.newest)
    base = previews(place).ontology_of(pending.base, place.ontology())
    ChangeSet(pending.changes(base, user.name)).apply(base)
    _kept(place).keep(user.name, pending)
    return worked(place, user)
