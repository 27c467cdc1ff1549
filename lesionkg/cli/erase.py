"""``lesionkg erase``: a patient leaves everything, and that is proved."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, errors, graph_url, home_folder, print_json, progress

if TYPE_CHECKING:
    from lesionkg.erasure.erase import Outcome
    from lesionkg.erasure.place import Place
    from lesionkg.erasure.plan import Plan

_SOURCES = (
    "What the patient was loaded from (reports, tables, images elsewhere) is not ours to change: loading it again "
    "brings him back."
)


def command(
    patient: Annotated[
        str | None, typer.Argument(help="Id of the patient in the graph, or his surrogate.", show_default=False)
    ] = None,
    identifier: Annotated[
        bool, typer.Option("--identifier", help="Read the hospital's identifier from standard input.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    keep_backups: Annotated[
        bool, typer.Option("--keep-backups", help="Backups of the graph in the data folder may still hold him.")
    ] = False,
    vault: Annotated[
        str | None, typer.Option(help="Vault: file or PostgreSQL URL; default HOME/vault.db.", show_default=False)
    ] = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> int:
    """Erase a patient from graph, vault, curation store, patches, runs and files of the data folder, and prove it.

    Killed, it goes on when it is given again. Exits with 1 when something of the patient is left, naming the place.
    Nobody may use the data folder meanwhile: stop `lesionkg serve` first.
    """
    from lesionkg.erasure.erase import erase, finish, prepare
    from lesionkg.erasure.place import Place
    from lesionkg.erasure.plan import make_plan

    if (patient is None) != identifier:
        raise UsageError("erase: give PATIENT, or --identifier and the hospital's identifier on standard input")
    url = graph_url(home, graph)
    place = Place(home_folder(home), url, vault or str(home_folder(home) / "vault.db"))
    prepare(place)
    surrogate, key = (patient or "", "") if not identifier else _looked_up(place)
    plan = make_plan(place, surrogate, key)
    if dry_run:
        _tell_plan(place, plan, json_)
        return 0
    if not yes:
        _ask(place, plan, json_)
    with progress(json_) as display:
        task = display.add_task("erasing", total=None)
        _audit(place, plan, "begun", {})
        outcome = erase(place, plan, keep_backups, lambda step: display.update(task, description=step))
    _audit(place, plan, "proved" if outcome.proved else "something left", plan.subject.counts)
    finish(place, outcome)
    _tell(outcome, json_)
    return 0 if outcome.proved else 1


def _looked_up(place: Place) -> tuple[str, str]:
    """Surrogate and keyed hash of the identifier on standard input."""
    import getpass

    from ingest.erasure_vault import patient_of_identifier

    watched = sys.stdin.isatty()
    given = getpass.getpass("Hospital's identifier (not shown): ") if watched else sys.stdin.readline()
    given = given.strip()
    if not given:
        raise UsageError("erase --identifier: nothing came on standard input; give the identifier there, on one line")
    with place.open_vault() as opened:
        if opened is None:
            raise UsageError(
                f"vault {place.vault}: does not exist; name it with --vault, or give the patient's surrogate"
            )
        return patient_of_identifier(opened, given), opened.digest("erasure", given)


def _audit(place: Place, plan: Plan, state: str, counts: dict[str, int]) -> None:
    from kg.curation.proposal_tables import open_curation
    from lesionkg.server.audit import Action, Audit
    from lesionkg.server.people import local_user

    with open_curation(place.home) as database:
        Audit(database).record(local_user(), Action.ERASURE, plan.number, state=state, **counts)


def _ask(place: Place, plan: Plan, json_: bool) -> None:
    if json_ or not sys.stdin.isatty():
        raise UsageError("erase: nobody is there to ask; give --yes, after a look at --dry-run")
    _tell_plan(place, plan, json_=False)
    typer.confirm("Erase all of this? It cannot be undone", abort=True)


def _tell_plan(place: Place, plan: Plan, json_: bool) -> None:
    from kg.erasure_traces import Traces
    from lesionkg.erasure.files import files_naming, shown

    traces = Traces(plan.subject.ids)
    named = files_naming(place, traces)[1]
    backups = [shown(place, one.path, traces) for one in named if one.backup]
    files = [shown(place, one.path, traces) for one in named if not one.backup]
    if json_:
        print_json(_as_json(plan) | {"dry_run": True, "files": files, "backups": backups})
        return
    _say(", ".join(f"{n:,} {name}" for name, n in plan.subject.counts.items()))
    if len(plan.subject.patients) > 1:
        _say(f"One person under {len(plan.subject.patients)} ids: {', '.join(plan.subject.patients)}")
    for cohort, splits in plan.cohorts.items():
        _say(f"Cohort {cohort}: {', '.join(f'{n} {split}' for split, n in splits.items())}")
    _tell_runs(plan)
    for file in files:
        _say(f"File {file}")
    for file in backups:
        _say(f"Backup {file}: cannot be changed; remove it, or give --keep-backups")
    _say(_SOURCES)


def _tell(outcome: Outcome, json_: bool) -> None:
    plan, proof = outcome.plan, outcome.proof
    if json_:
        found = {"searched": proof.searched, "left": proof.left, "backups": proof.backups, "not_searched": proof.beyond}
        print_json(_as_json(plan) | {"done": outcome.done, "proof": found, "proved": outcome.proved})
    else:
        for line in outcome.done:
            _say(line)
        _tell_runs(plan)
        for line in proof.searched:
            _say(f"Searched {line}")
        for line in proof.beyond:
            _say(f"Not searched: {line}")
    for line in proof.left:
        _warn(f"{line}: still names the patient; remove it there, then give the command again")
    for line in proof.backups:
        _warn(f"{line}: a backup that holds the patient, and cannot be changed; restored, it brings him back")
    if proof.backups and not outcome.proved and not proof.left:
        _warn("remove the backups, or give the command again with --keep-backups")
    if not json_ and outcome.proved:
        _say(f"Erasure {plan.number}: nothing of the patient was found{' but in backups' if proof.backups else ''}.")
        _say(_SOURCES)


def _tell_runs(plan: Plan) -> None:
    for run in plan.runs:
        _say(f"Run {run.words}")
    if plan.runs:
        _say("Weights cannot be unlearned: train these runs again on what is left, or remove them.")


def _as_json(plan: Plan) -> dict[str, Any]:
    return {
        "erasure": plan.number,
        "subject": plan.subject.counts,
        "cohorts": plan.cohorts,
        "runs": [{"run": r.run, "cohort": r.cohort, "splits": r.splits, "where": r.where} for r in plan.runs],
    }


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _warn(line: str) -> None:
    errors.print(f"lesionkg: {line}", markup=False, highlight=False, soft_wrap=True)
