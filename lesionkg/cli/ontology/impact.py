"""``lesionkg ontology impact``: what a change does to label data and models, before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError
from kg.shipped import DEFAULT
from lesionkg.cli.context import Graph, Home, Json, graph_url, home_folder, print_json, progress
from lesionkg.cli.ontology.base import app
from lesionkg.cli.ontology.impact_text import print_impact, print_retraining
from lesionkg.cli.ontology.source import named_ontology
from lesionkg.cli.train import parse_seeds

if TYPE_CHECKING:
    from kg.cohort import Cohort
    from kg.curation.incoherence import StoredModel
    from kg.curation.label_data import LabelData
    from kg.curation.proposal import Proposal
    from kg.ontology import Ontology
    from learn.impact import Retraining

_METADATA = "metadata"


@app.command()
def impact(
    changes: Annotated[
        Path | None,
        typer.Argument(help="A change set: JSON (.json), or text with one change a line.", show_default=False),
    ] = None,
    proposal: Annotated[
        str | None, typer.Option(metavar="N", help="Take the changes of this proposal.", show_default=False)
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            help="The ontology as it is: a file, a shipped name, 'graph' or 'graph@N' for revision N. Default: the "
            "graph's, of an applied proposal that before it; with --released lesanet-repaired.",
            show_default=False,
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(help="The ontology after the change, named likewise, instead of changes.", show_default=False),
    ] = None,
    cohort: Annotated[
        str,
        typer.Option(
            help="Lesions and split: id or name of a cohort, or 'official' for all labelled lesions under the data "
            "set's own split. Their labels are those the graph has now."
        ),
    ] = "lesanet",
    frozen: Annotated[
        bool,
        typer.Option(
            "--frozen", help="Count the label lists that the cohort froze, with any parents that they list already."
        ),
    ] = False,
    released: Annotated[
        bool, typer.Option("--released", help="Count the shipped DeepLesion labels; needs no graph.")
    ] = False,
    label_set: Annotated[str, typer.Option(help="Label set whose columns are counted.")] = "lesanet-171",
    most: Annotated[int, typer.Option(min=0, help="Most rows of a list; --json shows all.")] = 10,
    retrain: Annotated[
        str | None,
        typer.Option(help="Also train the model before and after: 'metadata' (saw no pixels).", show_default=False),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds of the retraining, separated by commas.")] = "0,1,2,3,4",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Show what a change does before it is saved: labels, negatives, contradictions, relations, models."""
    _require_sense((changes, proposal, after), frozen, released, cohort, retrain)
    chosen = parse_seeds(seeds)
    url = graph_url(home, graph)
    proposed = None if proposal is None else _proposal(home_folder(home), proposal)
    applied = proposed.revision if proposed is not None else 0
    old = named_ontology(before or (f"graph@{applied - 1}" if applied else DEFAULT if released else "graph"), url)
    if proposed is not None:
        new = proposed.change_set.apply(old)
    else:
        new = _changed(old, changes) if changes is not None else named_ontology(after or "graph", url)
    whole: Cohort | None
    models: tuple[StoredModel, ...] = ()
    if released:
        from learn.impact import released_label_data

        whole, data = released_label_data(label_set)
    else:
        whole, data, models = _read(url, cohort, frozen, retrain is not None)
    if retrain is not None and whole is not None and whole.label_set != label_set:
        raise UsageError(
            f"--label-set {label_set}: cohort {whole.id} has the columns of {whole.label_set}; name that set"
        )
    from kg.curation.impact import impact as measure

    found = measure(old, new, data, label_set, models)
    again = _retrained(old, new, whole, data, chosen, json_) if retrain is not None and whole is not None else None
    if json_:
        retraining = {} if again is None else {"retraining": again.as_dict()}
        print_json({"before": old.content_hash, "after": new.content_hash, **found.as_dict(), **retraining})
        return
    print_impact(found, most)
    if again is not None:
        print_retraining(again, most)


def _require_sense(given: Sequence[object], frozen: bool, released: bool, cohort: str, retrain: str | None) -> None:
    if sum(one is not None for one in given) != 1:
        raise UsageError("impact: of what? give a file of changes, --proposal or --after, one of them")
    if retrain not in (None, _METADATA):
        raise UsageError(f"--retrain {retrain!r}: give {_METADATA!r}; models on images take too long for a preview")
    if released and frozen:
        raise UsageError("--released and --frozen: they name different labels; give one of them")
    if cohort == "official" and (frozen or retrain):
        raise UsageError("--cohort official: has no frozen lists and no split to train with; name a cohort")


def _read(url: str, cohort: str, frozen: bool, whole: bool) -> tuple[Cohort | None, LabelData, tuple[StoredModel, ...]]:
    """The cohort where it is needed whole, the lesions to count, and the models of a graph."""
    from kg.connect import open_store
    from kg.curation.incoherence import read_models
    from kg.curation.label_data import LabelData, read_label_data
    from kg.graph_cohort import load_cohort

    with open_store(url, read_only=True) as store:
        found = load_cohort(store, cohort) if frozen or whole else None
        data = LabelData.of_cohort(found) if frozen and found is not None else read_label_data(store, cohort)
        return found, data, read_models(store)


def _proposal(home: Path, key: str) -> Proposal:
    from kg.curation.proposal_tables import open_curation
    from kg.curation.proposals import find

    with open_curation(home) as database:
        return find(database, key)


def _changed(before: Ontology, file: Path) -> Ontology:
    """The ontology after the changes of a file."""
    from kg.curation.change_file import read_change_set

    return read_change_set(file, before).apply(before)


def _retrained(
    before: Ontology, after: Ontology, cohort: Cohort, data: LabelData, seeds: tuple[int, ...], quiet: bool
) -> Retraining:
    with progress(quiet=quiet) as display:
        task = display.add_task("training", total=None)

        # Torch takes seconds to import; only here is it needed.
        from learn.impact import retrain
        from learn.recipe import Recipe

        def tell(done: int, of: int) -> None:
            display.update(task, completed=done, total=of)

        return retrain(before, after, cohort, data, Recipe(seeds=seeds), tell)
