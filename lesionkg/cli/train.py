"""``lesionkg train``: a model from a cohort and the relations in the graph."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kg.errors import UsageError
from lesionkg.cli.context import (
    RESEARCH_USE_ONLY,
    Graph,
    Home,
    Json,
    console,
    errors,
    graph_url,
    home_folder,
    print_json,
    progress,
)
from lesionkg.cli.remote import DEFAULT, Server, TokenEnv, connect

if TYPE_CHECKING:
    from learn.image.execution import Execution
    from learn.image.recipe import ImageRecipe
    from learn.recipe import Recipe
    from learn.run import Run
    from queries.client import Client

_PATCHES = "Patches (--features image)"
_METADATA = "Metadata (--features metadata)"


def command(
    features: Annotated[
        str, typer.Option(help="What the model looks at: 'metadata' (no pixels) or 'image' (CT patches).")
    ] = "metadata",
    cohort: Annotated[str, typer.Option(help="Id of a cohort, or its name (the newest of that name).")] = "lesanet",
    recipe: Annotated[
        str | None,
        typer.Option(
            help="JSON file with settings that differ from the default recipe; for patches also paper (the default), "
            "modern, multiscale-cnn, warp, isbi-2019 or phantom.",
            show_default=False,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change one setting of the recipe; may be repeated."),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="Seeds separated by commas, one network each; default 0,1,2,3,4.", rich_help_panel=_METADATA),
    ] = None,
    patches: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the patch cache; default HOME/patches.", show_default=False, rich_help_panel=_PATCHES
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=_PATCHES)] = "auto",
    compile_: Annotated[
        bool, typer.Option("--compile", help="Compile the network first.", rich_help_panel=_PATCHES)
    ] = False,
    channels_last: Annotated[
        bool,
        typer.Option("--channels-last", help="Channels innermost: quicker on recent GPUs.", rich_help_panel=_PATCHES),
    ] = False,
    sync_batchnorm: Annotated[
        bool,
        typer.Option("--sync-batchnorm", help="Share batch statistics among GPUs.", rich_help_panel=_PATCHES),
    ] = False,
    workers: Annotated[
        int, typer.Option(min=0, help="Threads that fetch patches ahead.", rich_help_panel=_PATCHES)
    ] = 2,
    checkpoint_steps: Annotated[
        int, typer.Option(min=1, help="Steps from one checkpoint to the next.", rich_help_panel=_PATCHES)
    ] = 200,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard files too.", rich_help_panel=_PATCHES)
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew in spite of a checkpoint.", rich_help_panel=_PATCHES)
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Continue from this checkpoint, not from the run's own.", show_default=False, rich_help_panel=_PATCHES
        ),
    ] = None,
    allow_other_relations: Annotated[
        bool,
        typer.Option(
            "--allow-other-relations",
            help="Continue although the checkpoint was trained with other relations.",
            rich_help_panel=_PATCHES,
        ),
    ] = False,
    server: Server = None,
    token_env: TokenEnv = DEFAULT,
    publish: Annotated[
        bool, typer.Option("--publish", help="With --server: write the run into the server's graph too.")
    ] = False,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Train on real lesions with the relations of the graph, and write a run into the data folder.

    With --server, cohort and relations come from a server, and the run is registered there; patches stay local.

    A training on patches that was interrupted continues when the same command is given again. Several GPUs train one
    network with: torchrun --nproc-per-node N -m lesionkg train --features image
    """
    from learn.run import IMAGE, METADATA

    if publish and server is None:
        raise UsageError("--publish: into which graph? give --server, or run `lesionkg publish` afterwards")
    source = graph_url(home, graph) if server is None else connect(server, token_env, graph)
    if features == METADATA:
        chosen = metadata_recipe(recipe, set_ or (), seeds)
        run = _train_metadata(chosen, cohort, home, source, json_)
        _report(run, home, json_, _registered(source, run, home, publish))
        return
    if features != IMAGE:
        raise UsageError(f"features {features!r}: give {METADATA!r} or {IMAGE!r}")
    if seeds is not None:
        raise UsageError("seeds: a training on patches has one; give --set seed=3")
    from learn.image.execution import Execution

    execution = Execution(
        device=device,
        compile=compile_,
        channels_last=channels_last,
        workers=workers,
        checkpoint_steps=checkpoint_steps,
        tensorboard=tensorboard,
        sync_batchnorm=sync_batchnorm,
        restart=restart,
        resume=resume,
        allow_other_relations=allow_other_relations,
    )
    folder = patches or home_folder(home) / "patches"
    found = _train_image(image_recipe(recipe, set_ or ()), execution, folder, cohort, home, source, json_)
    if found is not None:
        _report(found, home, json_, _registered(source, found, home, publish))


def metadata_recipe(recipe: str | None, changes: Sequence[str], seeds: str | None) -> Recipe:
    """The recipe of a training on metadata, as the options say.

    Raises:
        InputError: not a recipe, or a setting is unknown or of the wrong kind.
        UsageError: the options cannot be read.
    """
    from learn.recipe import Recipe

    chosen = Recipe() if recipe is None else Recipe.read(recipe)
    if changes:
        chosen = Recipe.from_dict(chosen.as_dict() | changed_settings(changes), "--set")
    return chosen if seeds is None else replace(chosen, seeds=parse_seeds(seeds))


def image_recipe(recipe: str | None, changes: Sequence[str]) -> ImageRecipe:
    """The recipe of a training on patches: one by name, or a JSON file (a name with a dot or a slash), changed.

    Raises:
        InputError: not a recipe, or a setting is unknown or of the wrong kind.
        UsageError: no recipe of that name, or the options cannot be read.
    """
    from learn.image.recipe import ImageRecipe

    name = recipe or "paper"
    chosen = ImageRecipe.read(name) if Path(name).suffix or "/" in name else ImageRecipe.named(name)
    return ImageRecipe.from_dict(chosen.as_dict() | changed_settings(changes), "--set") if changes else chosen


def changed_settings(changes: Sequence[str]) -> dict[str, Any]:
    """Settings by name from texts such as ``epochs=3`` or ``milestones=[2,4]``: JSON values, or plain words.

    Raises:
        UsageError: a text without a name or a value.
    """
    found: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not (name and equals and text):
            raise UsageError(f"--set {change!r}: give NAME=VALUE, for example --set epochs=3")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def parse_seeds(text: str) -> tuple[int, ...]:
    """Whole numbers separated by commas.

    Raises:
        UsageError: something else is given.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"seeds {text!r}: give whole numbers separated by commas, for example 0,1,2") from error


def _train_metadata(recipe: Recipe, cohort: str, home: Path | None, source: str | Client, quiet: bool) -> Run:
    from lesionkg.training_data import pull_training_data

    with progress(quiet=quiet) as display:
        task = display.add_task("reading the graph", total=None)
        lesions, matrices = pull_training_data(source, cohort)

        # Torch takes seconds to import; only here is it needed.
        from learn.training import train

        display.update(task, description="training")

        def tell(done: int, of: int) -> None:
            display.update(task, completed=done, total=of)

        return train(lesions, matrices, recipe, home_folder(home) / "runs", tell)


def _train_image(
    recipe: ImageRecipe,
    execution: Execution,
    patches: Path,
    cohort: str,
    home: Path | None,
    source: str | Client,
    quiet: bool,
) -> Run | None:
    """The run; None on a rank that has nothing to tell."""
    from lesionkg.image_training import train_from_graph

    def say(sentence: str) -> None:
        errors.print(f"lesionkg: {sentence}", markup=False, highlight=False, soft_wrap=True)

    # Of several processes under torchrun one is watched.
    with progress(quiet=quiet or os.environ.get("RANK", "0") != "0") as display:
        task = display.add_task("reading the graph", total=None)

        def tell(done: int, of: int) -> None:
            display.update(task, description="training", completed=done, total=of)

        runs = home_folder(home) / "runs"
        run, mine = train_from_graph(source, cohort, patches, recipe, runs, execution, tell, say)
        return run if mine else None


def _registered(source: str | Client, run: Run, home: Path | None, publish: bool) -> dict[str, Any]:
    """What became of the run on the server; nothing where there is none."""
    if isinstance(source, str):
        return {}
    source.register_run(home_folder(home) / "runs" / run.run_id)
    done = {"registered": source.url}
    return {**done, "published": source.publish(run.run_id)[0].as_dict()} if publish else done


def _report(run: Run, home: Path | None, json_: bool, remote: dict[str, Any]) -> None:
    from learn.description import is_synthetic, sight

    folder = home_folder(home) / "runs" / run.run_id
    if json_:
        print_json(_as_json(run, folder) | remote)
        return
    test = run.metrics["test"]
    low, high = test["macro_auc_interval"]["low"], test["macro_auc_interval"]["high"]
    alone = "" if len(run.seeds) == 1 else f"one seed alone {test['seed_macro_auc_mean']:.4f}; "
    lesions = f"{test['lesions']:,} {'synthetic ' if is_synthetic(run) else ''}test lesions"
    console.print(
        f"Run {run.run_id}: macro AUC {test['macro_auc']:.4f} ({low:.4f} to {high:.4f}, 95 %, patients resampled) on "
        f"{lesions}; {alone}validation {run.metrics['val']['macro_auc']:.4f}.\n"
        f"Folder: {folder}\n"
        f"{''.join(_told(remote))}{sight(run)} {RESEARCH_USE_ONLY} Next: lesionkg evaluate {run.run_id}",
        highlight=False,
        soft_wrap=True,
    )


def _told(remote: dict[str, Any]) -> Iterator[str]:
    if remote:
        yield f"Registered at {remote['registered']}"
        done = remote.get("published")
        yield f" and published: {done['predicted']:,} predicted labels.\n" if done else ".\n"


def _as_json(run: Run, folder: Path) -> dict[str, Any]:
    return {
        "run": run.run_id,
        "folder": str(folder),
        "features": run.features,
        "saw_pixels": run.saw_pixels,
        "cohort": run.cohort,
        "seeds": list(run.seeds),
        "revision": run.matrices.revision,
        "matrix_hash": run.matrices.matrix_hash,
        "metrics": run.metrics,
    }
