"""``lesionkg ablate``: the parts of the method, taken out one at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from kg.errors import UsageError
from lesionkg.cli.context import (
    RESEARCH_USE_ONLY,
    Graph,
    Home,
    Json,
    console,
    graph_url,
    home_folder,
    print_json,
    progress,
)
from lesionkg.cli.train import image_recipe, metadata_recipe, parse_seeds

if TYPE_CHECKING:
    from learn.ablation import Ablation, Line


def command(
    features: Annotated[
        str, typer.Option(help="What the models look at: 'metadata' (no pixels) or 'image' (CT patches).")
    ] = "metadata",
    cohort: Annotated[str, typer.Option(help="Id of a cohort, or its name (the newest of that name).")] = "lesanet",
    recipe: Annotated[
        str | None,
        typer.Option(help="The full recipe, as for train: a JSON file, or for patches a name.", show_default=False),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change one setting of it; may be repeated."),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds separated by commas, one network each for every row.")] = "0,1,2",
    rows: Annotated[
        str | None, typer.Option(help="Rows separated by commas; default those of LesaNet's Table 1.")
    ] = None,
    patches: Annotated[
        Path | None, typer.Option(help="Folder of the patch cache; default HOME/patches.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="For patches: auto, cpu or cuda.")] = "auto",
    csv_: Annotated[Path | None, typer.Option("--csv", help="Write the table to this file.")] = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Train the method with parts taken out, and compare: figures on test lesions in the paper's conventions.

    Every row is trained with every seed. What is trained already is read again, so an ablation that was stopped goes on
    where it was when the same command is given. Runs lie in HOME/ablation.
    """
    from learn.ablation import VARIANTS, variants

    chosen = VARIANTS if rows is None else variants([key.strip() for key in rows.split(",")])
    numbers = parse_seeds(seeds)
    if len(set(numbers)) != len(numbers) or min(numbers) < 0:
        raise UsageError("seeds: give one or more distinct numbers, 0 or greater, for example 0,1,2")
    lines: list[Line] = []
    with progress(quiet=json_) as display:
        task = display.add_task("reading the graph", total=None)
        ablation = _ablation(features, cohort, recipe, set_ or (), patches, device, home, graph)
        for variant in chosen:
            display.reset(task, description=variant.name, total=None)

            def tell(done: int, of: int) -> None:
                display.update(task, completed=done, total=of)

            lines.append(ablation.line(variant, numbers, tell))
            if csv_ is not None:
                csv_.write_text(_as_csv(lines), encoding="utf-8")
    if json_:
        print_json(_as_json(ablation, lines))
    else:
        _print(ablation, lines, csv_)


def _ablation(
    features: str,
    cohort: str,
    recipe: str | None,
    changes: Sequence[str],
    patches: Path | None,
    device: str,
    home: Path | None,
    graph: str | None,
) -> Ablation:
    from ingest.images.patch_cache import PatchCache
    from kg.cohort import Cohort
    from kg.matrices import RelationMatrices
    from learn.ablation import Ablation
    from learn.image.contralateral import Laterality
    from learn.image.execution import Execution
    from learn.run import IMAGE, METADATA
    from lesionkg.training_data import COHORT, LATERALITY, MATRICES, pulled

    if features not in (METADATA, IMAGE):
        raise UsageError(f"features {features!r}: give {METADATA!r} or {IMAGE!r}")
    image = features == IMAGE
    if patches is not None and not image:
        raise UsageError("--patches: models on metadata look at none; give --features image")
    full = image_recipe(recipe, changes) if image else metadata_recipe(recipe, changes, None)
    execution = Execution(device=device)
    cache = PatchCache.open(patches or home_folder(home) / "patches") if image else None
    with pulled(graph_url(home, graph), cohort) as folder:
        lesions, matrices = Cohort.read_parquet(folder / COHORT), RelationMatrices.load(folder / MATRICES)
        laterality = Laterality.load(folder / LATERALITY)
    return Ablation(lesions, matrices, full, home_folder(home) / "ablation", cache, execution, laterality)


def _print(ablation: Ablation, lines: Sequence[Line], written: Path | None) -> None:
    from learn.ablation import FIGURES

    table = Table("", *FIGURES)
    for line in lines:
        pairs = zip(line.mean, line.spread, strict=True)
        table.add_row(line.variant.name, *(f"{m:.4f}" + ("" if s != s else f" ± {s:.4f}") for m, s in pairs))
    console.print(table)
    groups = ablation.frequencies
    seeds = len(lines[0].runs) if lines else 0
    console.print(
        f"Mean ± standard deviation over {seeds} seed{'' if seeds == 1 else 's'}, test lesions of cohort "
        f"{ablation.cohort.id}{_synthetic(ablation)}; {ablation.training.size:,} training lesions. Rare: at most "
        f"{groups.at_most:,} training lesions ({int(groups.rare.sum())} labels); frequent: {groups.at_least:,} or more "
        f"({int(groups.frequent.sum())}). Precision counts 1 where a label is never predicted.\n"
        f"Runs: {ablation.runs_folder}" + ("" if written is None else f". Table: {written}"),
        highlight=False,
        soft_wrap=True,
    )
    seen = "saw no pixels" if ablation.cache is None else "looked at CT patches"
    console.print(f"These models {seen}. {RESEARCH_USE_ONLY}", highlight=False)


def _synthetic(ablation: Ablation) -> str:
    from ingest.release import PHANTOM

    made = str(ablation.cohort.table["lesion"][0].as_py()).startswith(PHANTOM.prefix)
    return " (synthetic lesions, no patients)" if made else ""


def _as_csv(lines: Sequence[Line]) -> str:
    from learn.ablation import FIGURES

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"{name}, {kind}" for name in FIGURES for kind in ("mean", "sd")]
    writer.writerow(["row", "name", "runs", *names])
    for line in lines:
        pairs = zip(line.mean, line.spread, strict=True)
        cells = ["" if value != value else f"{value:.6f}" for pair in pairs for value in pair]
        writer.writerow([line.variant.key, line.variant.name, " ".join(line.runs), *cells])
    return text.getvalue()


def _as_json(ablation: Ablation, lines: Sequence[Line]) -> dict[str, Any]:
    from learn.ablation import FIGURES

    groups = ablation.frequencies

    def plain(values: Sequence[float]) -> dict[str, float | None]:
        return {name: None if v != v else float(v) for name, v in zip(FIGURES, values, strict=True)}

    return {
        "cohort": ablation.cohort.id,
        "synthetic": bool(_synthetic(ablation)),
        "saw_pixels": ablation.cache is not None,
        "training_lesions": ablation.training.size,
        "rare_at_most": groups.at_most,
        "frequent_at_least": groups.at_least,
        "rows": [
            {
                "row": line.variant.key,
                "name": line.variant.name,
                "runs": list(line.runs),
                "mean": plain(line.mean.tolist()),
                "sd": plain(line.spread.tolist()),
                "each": [plain(values) for values in line.values.tolist()],
            }
            for line in lines
        ],
    }
