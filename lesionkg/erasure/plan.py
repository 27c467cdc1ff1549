"""What an erasure is about, kept until it is proved: a killed one goes on from there.

The plan names the patient by the ids that the graph has, and no real identifier; only its owner can read the file.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ingest.erasure import find_subject
from kg.erasure import Subject, lesions_in_cohorts
from kg.errors import StoreError, UsageError
from lesionkg.erasure.place import Place
from lesionkg.erasure.runs import TrainedRun, trained_runs


@dataclass(frozen=True, slots=True)
class Plan:
    """An erasure that was asked for.

    Attributes:
        number: names it in the audit log; random.
        subject: the patient.
        cohorts: lesions in each split of each cohort, by its id.
        runs: models that were trained or judged on the patient.
        key: keyed hash of the identifier, to find the plan again after the vault forgot it; may be empty.
        rewritten: the graph folder was written anew since the patient left the graph.
    """

    number: str
    subject: Subject
    cohorts: Mapping[str, Mapping[str, int]]
    runs: tuple[TrainedRun, ...] = ()
    key: str = field(default="", repr=False)
    rewritten: bool = False


def make_plan(place: Place, patient: str, key: str = "") -> Plan:
    """The unfinished plan for a patient, else a new one, not yet stored.

    Args:
        place: where.
        patient: id of the patient in the graph, or surrogate; may be empty when ``key`` finds a plan.
        key: keyed hash of the hospital's identifier.

    Raises:
        UsageError: neither graph nor vault nor an unfinished erasure knows the patient.
    """
    for plan in read_plans(place):
        if patient in plan.subject.patients or (key and plan.key == key):
            return plan
    subject = Subject()
    if patient:
        with place.open_graph() as store, place.open_vault() as vault:
            subject = find_subject(store, vault, patient)
            cohorts = store.read_transaction(lambda tx: lesions_in_cohorts(tx, subject))
            runs = trained_runs(store, place.home, subject.lesions, cohorts)
    if not subject.ids:
        raise UsageError(
            "patient: neither graph nor vault knows this one, nor an erasure that did not end; list patients with "
            "`lesionkg query --cypher 'MATCH (p:Patient) RETURN p.id ORDER BY p.id'`"
        )
    return Plan(f"E-{secrets.token_hex(8)}", subject, cohorts, runs, key)


def read_plans(place: Place) -> list[Plan]:
    """Erasures that did not end.

    Raises:
        StoreError: a plan cannot be read.
    """
    return [_read(path) for path in sorted(place.plans.glob("E-*.json"))]


def store_plan(place: Place, plan: Plan) -> None:
    """Keep the plan, on the disk before anything is erased."""
    place.plans.mkdir(mode=0o700, exist_ok=True)
    path = _path(place, plan)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(plan), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def remove_plan(place: Place, plan: Plan) -> None:
    """Take the plan away: the erasure is proved."""
    _path(place, plan).unlink(missing_ok=True)
    if not any(place.plans.iterdir()):
        place.plans.rmdir()


def _path(place: Place, plan: Plan) -> Path:
    return place.plans / f"{plan.number}.json"


def _read(path: Path) -> Plan:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return Plan(
            value["number"],
            Subject(**{name: tuple(ids) for name, ids in value["subject"].items()}),
            value["cohorts"],
            tuple(TrainedRun(**run) for run in value["runs"]),
            value["key"],
            value["rewritten"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path}: not the plan of an erasure ({type(error).__name__}); move it away and erase again"
        ) from error
