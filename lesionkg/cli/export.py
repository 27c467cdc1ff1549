"""``lesionkg export``: a run's network in a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import RESEARCH_USE_ONLY, Home, Json, console, home_folder, print_json


def command(
    run: Annotated[str, typer.Argument(help="Run id, or the run's folder; a run that looks at pixels.")],
    kind: Annotated[str, typer.Option("--format", help="onnx, or torch (an exported program, .pt2).")] = "onnx",
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default RUN.onnx or RUN.pt2 here.")] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Write a run's network to one file: Hounsfield units and boxes in; scores, probabilities and embeddings out."""
    from learn.image.export import ExportFormat, export_run
    from learn.run import Run

    if kind not in list(ExportFormat):
        raise UsageError(f"--format {kind}: no such format; give one of {', '.join(ExportFormat)}")
    wanted = ExportFormat(kind)
    folder = Path(run) if Path(run).is_dir() else home_folder(home) / "runs" / run
    read = Run.read(folder)
    target = Path(f"{read.run_id}{wanted.suffix}") if out is None else out
    metadata = export_run(read, target, wanted)
    size, spacing = metadata["geometry"]["size"], metadata["geometry"]["spacing_mm"]
    if json_:
        print_json({"file": str(target), "bytes": target.stat().st_size, "metadata": metadata})
        return
    console.print(
        f"{target}: run {read.run_id}, {read.matrices.size} labels, {target.stat().st_size / 1e6:,.1f} MB\n"
        f"  in   patch, 3 x {size} x {size} in Hounsfield units, {spacing:g} mm a pixel; box in patch pixels\n"
        f"  out  score, probability, embedding\n"
        f"  label ids, thresholds, calibration and geometry are inside; relations are not\n"
        f"  {'Trained on synthetic lesions. ' if metadata['synthetic'] else ''}{RESEARCH_USE_ONLY}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
