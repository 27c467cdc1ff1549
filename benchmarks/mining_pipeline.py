"""The whole of mining against the matcher alone, in processes, with the graph, and its memory; on public reports.

Run by ``python benchmarks/mining.py pipeline``. The reports are those of Indiana University (OpenI), which may not
travel with the project; without them the figures are of synthetic reports, and called so.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import psutil

from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.pipeline import mine_reports
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.tokens import tokenise
from ingest.mining.workers import Miner, crew, in_order
from ingest.reports.columns import Columns
from ingest.reports.parse import parse
from ingest.reports.read import read_reports
from ingest.reports.report import Report
from ingest.vault import Vault
from kg.connect import open_store
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped

LIMIT = 10.0
"""The whole pipeline may take so many times the matcher's time."""

_TASK = 32
_ROUNDS = 3


def reports() -> tuple[str, list[Report]]:
    """What the reports are, and the reports."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    table = Path(os.environ.get("LESIONKG_TEST_DATA", beside)) / "reports" / "indiana_reports.csv"
    if table.exists():
        columns = Columns(id="uid", text=("findings", "impression"))
        return "Indiana reports", [found for found in read_reports(table, columns) if isinstance(found, Report)]
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))
    from synthetic_reports import synthetic_reports

    return "synthetic reports (the Indiana reports are absent)", list(synthetic_reports(3000))


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs."""
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def mine_all(miner: Miner, given: Sequence[Report], workers: int) -> float:
    """Seconds to mine all reports, the start of the processes left out."""
    tasks = [given[start : start + _TASK] for start in range(0, len(given), _TASK)]
    with crew(miner, workers) as found:
        for _ in in_order(found, [given[:1]] * 4 * workers, lambda task: task):
            pass
        return best(lambda: [0 for _ in in_order(found, tasks, lambda task: task)])


def repeated(given: Sequence[Report], times: int) -> Iterator[Report]:
    """The same reports under other ids, streamed."""
    for number in range(times):
        yield from (replace(report, id=f"{number}-{report.id}") for report in given)


def into_graph(miner: Miner, given: Sequence[Report], times: int, folder: Path) -> tuple[float, float, int, int]:
    """Mine into a new graph and vault.

    Returns:
        Seconds; seconds of a second run; relationships and nodes written; growth of this process in bytes from the end
        of the first tenth on.
    """
    ontology = load_shipped()
    process = psutil.Process()
    count, done, early, most = times * len(given), 0, 0, 0

    def watch(more: int) -> None:
        nonlocal done, early, most
        done += more
        held = process.memory_info().rss
        early = max(early, held) if done <= count / 10 else early
        most = max(most, held)

    with open_store(folder / "graph") as store, Vault(folder / "vault.db") as vault:
        save_ontology(store, ontology)
        first = mine_reports(store, vault, repeated(given, times), miner, ontology.content_hash, advance=watch)
        again = mine_reports(store, vault, repeated(given, times), miner, ontology.content_hash)
    assert again.written == 0
    return first.seconds, again.seconds, first.written, most - early


def python_memory(times: int) -> int:
    """Most bytes a fresh process holds while it mines the reports so many times over, without a graph."""
    _, given = reports()
    miner = Miner(Matcher(Lexicon.of_ontology(load_shipped())), RuleRelevance())
    process = psutil.Process()
    most = 0
    stream = repeated(given, times)
    tasks = iter(lambda: [report for report, _ in zip(stream, range(_TASK), strict=False)], [])
    with crew(miner) as found:
        for _ in in_order(found, tasks, lambda task: task):
            most = max(most, process.memory_info().rss)
    return most


def main() -> None:
    """Measure and print."""
    what, given = reports()
    miner = Miner(Matcher(Lexicon.of_ontology(load_shipped())), RuleRelevance())
    documents = [parse(report.text) for report in given]
    tokens = [
        tokenise(document.clean, sentence.start, sentence.end, sentence.bookmarks)
        for document in documents
        for sentence in document.sentences
    ]
    sentences = [(document.clean, s.start, s.end, s.bookmarks) for document in documents for s in document.sentences]
    match_only = best(lambda: [miner.matcher.mentions(found) for found in tokens])
    matcher = best(lambda: [miner.matcher.mentions(tokenise(*sentence)) for sentence in sentences])
    alone = mine_all(miner, given, 1)
    pair = mine_all(miner, given, 2)
    print(f"{len(given):,} {what}, {len(sentences):,} sentences; the fastest of {_ROUNDS} runs each")
    print(f"matcher (tokens and match)      {matcher:6.2f} s, {len(sentences) / matcher:,.0f} sentences/s")
    print(f"whole pipeline, one process     {alone:6.2f} s, {len(given) / alone:,.0f} reports/s")
    print(f"  against the matcher           {alone / matcher:6.1f} x; limit {LIMIT:.0f} x")
    print(f"  against matching made tokens  {alone / match_only:6.1f} x")
    print(f"whole pipeline, two processes   {pair:6.2f} s, {alone / pair:.2f} x faster on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        seconds, again, written, grown = into_graph(miner, given, 1, Path(folder))
    print(f"with vault and graph            {seconds:6.2f} s, {written:,} nodes and relationships")
    print(f"  the same again                {again:6.2f} s, nothing written")
    print(f"  growth after the first tenth  {grown / 1e6:6.0f} MB, the engine's cache of pages among it")
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        once, ten = pool.apply(python_memory, (1,)), pool.apply(python_memory, (10,))
    print(f"memory without graph            {once / 1e6:6.0f} MB once, {ten / 1e6:.0f} MB for ten times the reports")


if __name__ == "__main__":
    main()
