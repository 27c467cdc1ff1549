"""``lesionkg ingest images``: CT slices become the patch cache that training reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Home, Json, console, home_folder, print_json, progress


def command(
    deeplesion: Annotated[
        Path | None, typer.Option(help="Folder with DeepLesion's series folders of 16-bit PNG slices.")
    ] = None,
    phantom: Annotated[Path | None, typer.Option(help="Folder of a synthetic set, images included.")] = None,
    info: Annotated[Path | None, typer.Option(help="DL_info.csv, when not the shipped extract of it.")] = None,
    labels: Annotated[Path | None, typer.Option(help="The released label file, with --info.")] = None,
    marks: Annotated[
        Path | None,
        typer.Option(help="CSV of marks on DICOM series: lesion,series,slice,x1,y1,x2,y2 (slice: instance number)."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the cache; default HOME/patches.")] = None,
    size: Annotated[int, typer.Option(help="Pixels a side of a patch.")] = 120,
    spacing: Annotated[float, typer.Option(help="Millimetres of a pixel of a patch.")] = 1.0,
    workers: Annotated[int, typer.Option(help="Processes; 1 cuts in this one.")] = 1,
    dask: Annotated[str, typer.Option(help="Address of a Dask scheduler to cut on, e.g. tcp://host:8786.")] = "",
    verify: Annotated[
        bool, typer.Option("--verify", help="Cut nothing: check the cache's patches against their checksums.")
    ] = False,
    home: Home = None,
    json_: Json = False,
) -> int:
    """Cut a patch around every marked lesion into one memory-mapped file. Interrupted, it goes on where it stopped.

    Give one of --deeplesion, --phantom and --marks. Lesions whose image cannot be used are left out, listed in the
    cache's problems.csv, and make the command exit with 1.
    """
    from ingest.images.build_cache import build_cache
    from ingest.images.geometry import PatchGeometry
    from ingest.images.patch_jobs import Listed, deeplesion_jobs, marked_jobs
    from ingest.images.unfinished_cache import PROBLEMS
    from ingest.release import Release

    folder = out or home_folder(home) / "patches"
    given = sum(source is not None for source in (deeplesion, phantom, marks))
    if verify:
        if given:
            raise UsageError("--verify: it reads the cache alone; leave --deeplesion, --phantom and --marks out")
        return _verify(folder, json_)
    if given != 1:
        raise UsageError("ingest images: give one of --deeplesion FOLDER, --phantom FOLDER and --marks FILE")
    if (info is None) != (labels is None) or (info is not None and deeplesion is None):
        raise UsageError("--info and --labels belong together, and to --deeplesion")
    listed: Listed
    if marks is not None:
        listed = marked_jobs(marks)
    elif phantom is not None:
        listed = deeplesion_jobs(Release.read_phantom(phantom), phantom)
    else:
        assert deeplesion is not None
        official = info is not None and labels is not None
        release = Release.read_official(info, labels) if official else Release.shipped()  # type: ignore[arg-type]
        listed = deeplesion_jobs(release, deeplesion)
    with progress(json_) as display:
        task = display.add_task("cutting patches", total=len(listed.jobs))
        built = build_cache(
            folder,
            listed.jobs,
            PatchGeometry(size=size, spacing_mm=spacing),
            workers,
            dask,
            lambda done, of: display.update(task, completed=done, total=of),
        )
    if json_:
        print_json(
            {
                "folder": str(folder),
                "patches": len(built.cache.lesions),
                "resumed": built.resumed,
                "substituted": built.substituted,
                "unknown": listed.unknown,
                "absent": listed.absent,
                "content_hash": built.cache.content_hash,
                "synthetic": phantom is not None,
                "problems": [{"lesion": p.lesion, "reason": p.reason} for p in built.problems],
            }
        )
        return 1 if built.problems else 0
    made = f"{len(built.cache.lesions):,} patches of 3 x {size} x {size} in {folder}"
    console.print(made + (f" ({built.resumed:,} of them from an interrupted build)" if built.resumed else ""))
    if built.substituted:
        console.print(f"  {built.substituted:,} with a missing slice, for which the nearest one was taken")
    if listed.absent or listed.unknown:
        console.print(
            f"  {listed.absent:,} lesions whose series is not on this disk, {listed.unknown:,} whose file is not known"
        )
    if phantom is not None:
        console.print("  These lesions are synthetic: no patient stands behind them.")
    for problem in built.problems[:5]:
        console.print(f"  left out {problem.lesion}: {problem.reason}", markup=False, soft_wrap=True)
    if built.problems:
        console.print(f"  {len(built.problems):,} lesions left out; all of them are in {folder / PROBLEMS}")
    return 1 if built.problems else 0


def _verify(folder: Path, json_: bool) -> int:
    from ingest.images.build_cache import verify_cache
    from ingest.images.patch_cache import PatchCache

    cache = PatchCache.open(folder)
    damaged = verify_cache(cache)
    if json_:
        print_json({"folder": str(folder), "patches": len(cache.lesions), "damaged": list(damaged)})
    else:
        console.print(f"{folder}: {len(cache.lesions):,} patches, {len(damaged):,} not as they were written")
        for lesion in damaged[:5]:
            console.print(f"  {lesion}: damaged; build the cache again", markup=False)
    return 1 if damaged else 0
