"""The demo's reports: a few that were written for this project, mined into a data folder of their own.

They stay out of the graph with the real lesions, because no patient stands behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ingest.marks import MarksSummary, load_marks
from ingest.mining.mention import Relevance
from ingest.mining.mine_report import mine_report
from ingest.mining.pipeline import MiningOptions, mine_reports
from ingest.mining.summary import MiningSummary
from ingest.mining.workers import Miner
from ingest.reports.read import read_reports
from ingest.reports.report import Report
from ingest.vault import Vault
from kg.connect import open_store
from kg.errors import LesionKGError
from kg.graph_ontology import save_ontology
from kg.ontology import Ontology
from lesionkg.mining import miner_for

FOLDER = "samples"
"""Data folder of the samples, inside that of the demo."""

FIGURE_1 = "Unchanged large nodule bilaterally for example right lower lobe OTHER_BMK and right middle lobe BOOKMARK."
"""The sentence that figure 1 of the LesaNet paper (CVPR 2019) asks about."""

Said = dict[str, list[str]]


@dataclass(frozen=True)
class SampleMining:
    """What mining the samples did.

    Attributes:
        lesions: the table of marked lesions.
        reports: the reports.
        figure_1: for each bookmark of the paper's sentence the terms of each relevance.
    """

    lesions: MarksSummary
    reports: MiningSummary
    figure_1: dict[str, Said]


def mine_samples(home: Path, ontology: Ontology, say: Callable[[str], None]) -> SampleMining:
    """Mine the sample reports into ``home/samples``; running again changes nothing.

    Args:
        home: data folder of the demo.
        ontology: labels to look for.
        say: takes a line about what was done.

    Raises:
        LesionKGError: a sample was left out.
    """
    miner = miner_for(ontology)
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (
        resources.as_file(resources.files("ingest") / "samples") as samples,
        open_store(str(folder / "graph")) as store,
        Vault(str(folder / "vault.db")) as vault,
    ):
        save_ontology(store, ontology)
        lesions = load_marks(store, vault, samples / "marks.csv", on_problem=lambda problem: None)
        reports = read_reports(samples / "reports.csv")
        summary = mine_reports(store, vault, reports, miner, ontology.content_hash, MiningOptions())
    if lesions.left_out or not summary.complete:
        raise LesionKGError("sample reports: some were left out; install lesionkg again")
    solved = figure_1(miner, ontology)
    _tell(summary, solved, say)
    return SampleMining(lesions, summary, solved)


def figure_1(miner: Miner, ontology: Ontology) -> dict[str, Said]:
    """For each bookmark of the paper's sentence, by its word there, what is said of its lesion."""
    mined = mine_report(Report("figure 1", FIGURE_1), miner.matcher, miner.relevance)
    (sentence,) = mined.sentences
    found: dict[str, Said] = {}
    for number, bookmark in enumerate(sentence.bookmarks):
        said = found.setdefault(FIGURE_1[bookmark.start : bookmark.end], {})
        for judgement in sentence.judgements:
            if judgement.bookmark == number:
                mention = sentence.mentions[judgement.mention]
                said.setdefault(judgement.relevance.value, []).append(FIGURE_1[mention.start : mention.end])
    return found


def _tell(summary: MiningSummary, solved: dict[str, Said], say: Callable[[str], None]) -> None:
    line = f"Reports: {summary.read} samples, written for this demo, mined into {FOLDER}"
    if summary.mined:
        labels = ", ".join(f"{summary.judgements.get(kind, 0)} {kind}" for kind in Relevance)
        line += f"; {summary.linked} of {summary.bookmarks} bookmarks linked to a lesion; their labels: {labels}"
    else:
        line += " before"
    say(line)
    say(f"Figure 1 of the LesaNet paper: {FIGURE_1}")
    for word, said in solved.items():
        about = "; ".join(f"{', '.join(said[kind])} {kind}" for kind in Relevance if kind in said)
        say(f"  {word}: {about}")
