"""The command ``lesionkg ontology release-verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lesionkg.cli.context import Json, console, print_json
from lesionkg.cli.ontology.base import app


@app.command("release-verify")
def release_verify(
    folder: Annotated[Path, typer.Argument(help="Folder that `lesionkg ontology release` made.")],
    json_: Json = False,
) -> None:
    """Check that a release is whole: checksums, and hashes of ontology and matrices; exit 1 when it is not."""
    from kg.exchange.verify import verify_release

    found = verify_release(folder)
    if json_:
        print_json(
            {
                "folder": str(found.folder),
                "ontology": found.ontology,
                "version": found.version,
                "date": found.date,
                "files": found.files,
                "whole": not found.problems,
                "problems": list(found.problems),
            }
        )
    else:
        for problem in found.problems:
            console.print(problem, markup=False, highlight=False, soft_wrap=True)
        state = "not as released" if found.problems else "whole"
        told = f"{found.folder}: {found.ontology} {found.version} of {found.date}, {found.files} files, {state}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    if found.problems:
        raise typer.Exit(1)
