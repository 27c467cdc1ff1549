"""The command tree, and the one place where errors become a line and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module

import typer

from kg.errors import LesionKGError
from lesionkg import __version__
from lesionkg.cli.context import RESEARCH_USE_ONLY, errors

app = typer.Typer(
    name="lesionkg",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=f"A knowledge graph of lesion labels, CT lesions and the models that label them. {RESEARCH_USE_ONLY}",
)

# Typer brings a click of its own, so the base of its usage errors is reached through Typer.
_WRONG_USAGE: type[typer.BadParameter] = typer.BadParameter.__bases__[0]

# verb -> module in lesionkg.cli that defines `app` (a Typer group) or `command` (one function)
GROUPS = ("ontology", "ingest", "mine", "matrices", "cohort", "graph", "phantom", "user")
COMMANDS = (
    "demo",
    "status",
    "train",
    "evaluate",
    "ablate",
    "predict",
    "match",
    "export",
    "publish",
    "query",
    "label-text",
    "erase",
    "serve",
    "audit",
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"lesionkg {__version__}. {RESEARCH_USE_ONLY}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


@cache
def _assemble() -> None:
    for verb in GROUPS:
        app.add_typer(import_module(f"lesionkg.cli.{verb}").app, name=verb)
    for verb in COMMANDS:
        app.command(name=verb)(import_module(f"lesionkg.cli.{verb.replace('-', '_')}").command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code: 0, 1 (findings or failure) or 2 (usage)."""
    _assemble()
    try:
        result = app(args=list(arguments), standalone_mode=False)
    except LesionKGError as error:
        errors.print(f"lesionkg: {' '.join(str(error).split())}", markup=False, highlight=False, soft_wrap=True)
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:
        # What a file holds is judged where it is read; here a disk is full, or a folder cannot be written.
        name = f"{error.filename}: " if error.filename else ""
        said = f"lesionkg: {name}{error.strerror or type(error).__name__}; free space, or name a place you may write to"
        errors.print(said, markup=False, highlight=False, soft_wrap=True)
        return 1
    except typer.Abort:
        errors.print("lesionkg: stopped")
        return 1
    except _WRONG_USAGE as error:
        if said := error.format_message():  # nothing when the help was shown instead
            errors.print(f"lesionkg: {said}", markup=False, highlight=False, soft_wrap=True)
        return error.exit_code
    return result if isinstance(result, int) else 0
