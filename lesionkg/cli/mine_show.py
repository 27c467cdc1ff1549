"""``lesionkg mine show``: a mined report, or a sentence of one's own, with its labels highlighted."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import LesionKGError, UsageError
from lesionkg.cli.context import Graph, Home, Json, console, errors, graph_url, print_json
from lesionkg.cli.known import existing_vault, known_ontology
from lesionkg.cli.mine_reports import VaultAddress, shown

if TYPE_CHECKING:
    from ingest.mining.highlight import View


def command(
    report: Annotated[
        str, typer.Argument(metavar="[REPORT]", help="The report's id in its source, or its surrogate in the graph.")
    ] = "",
    text: Annotated[
        bool, typer.Option("--text", help="Read a sentence from standard input; needs no graph and no vault.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page for a browser, which only its owner may read.")
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="Name of the source that the report's id is from.")
    ] = "reports",
    rules: Annotated[
        Path | None, typer.Option("--rules", help="With --text: YAML file with rules of your own.")
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", help="With --text: folder of a trained network.")] = None,
    vault: VaultAddress = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Show a mined report: labels by class and relevance, bookmarks, and what is said about each lesion.

    Try it: echo "Large nodule BOOKMARK near the liver." | lesionkg mine show --text
    """
    from lesionkg.highlight import PRIVATE, RESEARCH, as_page, as_terminal

    if text == bool(report):
        raise UsageError("show: give the id of a mined report, or --text and a sentence on standard input")
    if html is not None and not html.absolute().parent.is_dir():
        raise UsageError(f"{html}: its folder does not exist; create it first")
    if text:
        view = _typed_view(_standard_input(), rules, model, home, graph)
    else:
        view = _stored_view(report, source, vault, home, graph)
    if html is not None:
        _write_private(html, as_page(view, f"Report {shown(report)}" if report else "Text"))
        errors.print(f"{html}: written, mode 0600. {PRIVATE}", markup=False, highlight=False, soft_wrap=True)
    if json_:
        print_json({name: value for name, value in asdict(view).items() if name != "text"})
    elif html is None:
        console.print(as_terminal(view))
        console.print(RESEARCH, style="dim", highlight=False)


def _typed_view(text: str, rules: Path | None, model: Path | None, home: Path | None, graph: str | None) -> View:
    from ingest.mining.highlight import view
    from ingest.mining.mine_report import mine_report
    from ingest.reports.report import Report
    from lesionkg.mining import miner_for

    ontology = known_ontology(home, graph)
    miner = miner_for(ontology, rules, model)
    mined = mine_report(Report("text", text), miner.matcher, miner.relevance)
    return view(text, mined.sentences, ontology.by_id)


def _stored_view(report: str, source: str, vault: str | None, home: Path | None, graph: str | None) -> View:
    from ingest.mining.highlight import view
    from ingest.mining.stored_report import find_report
    from ingest.vault import Vault
    from kg.connect import open_store
    from kg.graph_ontology import load_ontology

    address = existing_vault(vault, home)
    with open_store(graph_url(home, graph), read_only=True) as store, Vault(address) as opened:
        found = find_report(store, opened, report, source)
        labels = load_ontology(store).by_id
    sentences = [linked.sentence for linked in found.sentences]
    lesions = {
        (place, number): lesion
        for place, linked in enumerate(found.sentences)
        for number, lesion in enumerate(linked.lesions)
    }
    return view(found.stored.text, sentences, labels, lesions)


def _standard_input() -> str:
    if sys.stdin.isatty():
        errors.print("Write a sentence, then press Ctrl-D.", highlight=False)
    text = sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\r\n")
    if not text.strip():
        raise UsageError('show --text: nothing came on standard input; try `echo "..." | lesionkg mine show --text`')
    return text


def _write_private(path: Path, page: str) -> None:
    """Write a file that nobody but its owner may read, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(page)
        partial.replace(path)
    except OSError as error:
        raise LesionKGError(f"{path}: cannot be written ({error.strerror}); name another file") from error
    finally:
        partial.unlink(missing_ok=True)
