"""An erasure from its plan to its proof.

The order lets it be given again after it was killed anywhere: the plan is stored first and removed last, every step may
be done twice, and the hospital's identifiers leave the vault only when nothing else is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ingest.erasure_vault import Identifiers, erase_from_vault, erase_identifiers, identifiers
from kg.erasure import erase_from_graph
from kg.erasure_folder import recover, require_unowned, rewrite
from kg.erasure_tables import redact_tables
from kg.erasure_traces import Traces
from lesionkg.erasure.files import clean_caches, clean_files, clean_runs
from lesionkg.erasure.place import Place
from lesionkg.erasure.plan import Plan, remove_plan, store_plan
from lesionkg.erasure.proof import Proof, search

Tell = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What an erasure did, and whether it is proved.

    Attributes:
        plan: what was asked for.
        done: one line for each thing that was changed.
        proof: what was searched, and what was found.
        proved: nothing of the patient is left, but for backups that somebody decided to keep.
    """

    plan: Plan
    done: list[str] = field(default_factory=list)
    proof: Proof = field(default_factory=Proof)
    proved: bool = False


def prepare(place: Place) -> None:
    """Make sure that the graph can be written anew, and finish what a killed erasure began.

    Raises:
        StoreBusyError: another process holds the graph folder.
    """
    if place.folder is not None:
        require_unowned(place.folder)
        recover(place.folder)


def erase(place: Place, plan: Plan, keep_backups: bool = False, tell: Tell = lambda line: None) -> Outcome:
    """Erase the patient of a plan, and prove it. May be given again after it was killed, or found something left.

    Args:
        place: where.
        plan: see :func:`lesionkg.erasure.plan.make_plan`.
        keep_backups: backups of the graph that hold the patient do not count as left.
        tell: told of each step before it begins.

    Raises:
        StoreBusyError: another process holds the graph folder.
        StoreError: a step could not be done; give the erasure again.
    """
    outcome = Outcome(plan)
    store_plan(place, plan)
    names = _identifiers(place, plan)
    traces = Traces({*plan.subject.ids, *names.names, *names.fragments})
    tell("cleaning files")
    _clean(place, plan, traces, outcome)
    tell("removing the patient from the graph")
    changed = _erase_graph(place, plan, outcome)
    tell("removing report texts")
    with place.open_vault() as vault:
        if vault is not None and (rows := erase_from_vault(vault, plan.subject)):
            outcome.done.append(f"vault: {rows} texts and marks removed")
    if place.folder is not None and (changed or not plan.rewritten):
        tell("writing the graph folder anew")
        rewrite(place.folder)
        store_plan(place, replace(plan, rewritten=True))
        outcome.done.append("graph folder: written anew")
    tell("searching everything")
    outcome.proof = search(place, traces, plan.subject.lesions, last=False)
    if outcome.proof.left or (outcome.proof.backups and not keep_backups):
        return outcome
    with place.open_vault() as vault:
        if vault is not None:
            tell("removing identifiers")
            rows = erase_identifiers(vault, plan.subject)
            outcome.done.append(f"vault: {rows} identifiers removed")
            tell("searching once more")
            outcome.proof = search(place, traces, plan.subject.lesions, last=True)
    outcome.proved = not outcome.proof.left
    return outcome


def finish(place: Place, outcome: Outcome) -> None:
    """Take the plan of a proved erasure away."""
    if outcome.proved:
        remove_plan(place, outcome.plan)


def _identifiers(place: Place, plan: Plan) -> Identifiers:
    with place.open_vault() as vault:
        return identifiers(vault, plan.subject) if vault is not None else Identifiers()


def _clean(place: Place, plan: Plan, traces: Traces, outcome: Outcome) -> None:
    lesions = frozenset(plan.subject.lesions)
    outcome.done += [*clean_caches(place, lesions), *clean_runs(place, lesions), *clean_files(place, traces)]
    with place.open_curation() as curation:
        if curation is not None:
            changed = redact_tables(curation, traces)
            curation.compact()
            outcome.done += [f"{curation.name}: {rows} rows of {table}" for table, rows in changed.items()]


def _erase_graph(place: Place, plan: Plan, outcome: Outcome) -> bool:
    """Whether the graph held anything of the patient."""
    with place.open_graph(read_only=False) as store:
        found = erase_from_graph(store, plan.subject)
    if found.nodes:
        counts = ", ".join(f"{n} {label}" for label, n in found.nodes.items())
        outcome.done.append(f"graph: {counts} removed with their relationships")
    if found.redacted:
        outcome.done.append(f"graph: ids removed from {found.redacted} texts")
    for cohort, lesions in found.cohorts.items():
        outcome.done.append(f"cohort {cohort}: {lesions} lesions erased, the rest frozen anew under its id")
    return bool(found.nodes or found.redacted)
