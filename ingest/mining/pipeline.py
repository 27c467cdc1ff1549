"""Mining as a whole: reports in one by one; vault, workers, links to lesions, and the graph, batch by batch.

Any run may be killed at any point: the vault is written before the graph, the graph in whole batches, and running again
does what is left. A report that was mined before is passed over when nothing changed that its result depends on: its
text, patient, study and date, the lesion table's marks of its study, the lexicon, the relevance model, and the options.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ingest.graph_lesions import known_lesions
from ingest.marks import lesion_mark
from ingest.mining.frequent_words import WordCounter
from ingest.mining.graph_mined import (
    LinkedReport,
    LinkedSentence,
    remove_reports,
    stored_reports,
    write_reports,
)
from ingest.mining.linking import StudyLinks, new_row
from ingest.mining.mine_report import MINING_VERSION, MinedReport
from ingest.mining.summary import MiningSummary, Tally
from ingest.mining.workers import Mined, Miner, crew, in_order
from ingest.reports.document import Bookmark
from ingest.reports.report import Report, ReportProblem
from ingest.vault import Mark, StoredReport, Vault
from kg.errors import UsageError
from kg.store import GraphStore

T = TypeVar("T")

_TASK_REPORTS, _TASK_CHARACTERS = 32, 200_000
_BATCH_CHARACTERS, _BATCH_JUDGEMENTS = 8_000_000, 20_000

_NO_STUDY = "the report names no patient or no study"


@dataclass(frozen=True)
class MiningOptions:
    """How to mine.

    Attributes:
        source: name of the source; report ids are unique within it.
        batch: reports in one write transaction.
        workers: number of processes; 1 mines in this one.
        dask: address of a Dask scheduler; it takes the place of the processes.
        new_lesions: a bookmark with series and image that fits no known lesion makes one.
        prune: remove reports of this source that it does not hold any more.
    """

    source: str = "reports"
    batch: int = 200
    workers: int = 1
    dask: str = ""
    new_lesions: bool = False
    prune: bool = False


@dataclass(frozen=True)
class _Prepared:
    """A report that is in the vault and waits to be mined."""

    report: Report
    surrogate: str
    patient: str
    study: str
    digest: str


def mine_reports(
    store: GraphStore,
    vault: Vault,
    reports: Iterable[Report | ReportProblem],
    miner: Miner,
    ontology_hash: str,
    options: MiningOptions = MiningOptions(),
    tell: Callable[[ReportProblem], None] = lambda problem: None,
    advance: Callable[[int], None] = lambda done: None,
) -> MiningSummary:
    """Mine reports into the graph.

    Args:
        store: a graph with an ontology.
        vault: keeps the texts and gives the surrogates.
        reports: read one by one; nothing is held longer than needed.
        miner: matcher and relevance model; the lexicon must come from the graph's ontology.
        ontology_hash: content hash of that ontology.
        options: how to mine.
        tell: told of each problem as it occurs.
        advance: told after each batch how many reports are done.

    Raises:
        UsageError: options that cannot be.
        ConflictError: the graph's ontology was edited meanwhile; what was stored before is kept.
        StoreError: vault or graph refused; likewise.
    """
    if options.batch < 1:
        raise UsageError(f"batch {options.batch}: at least one report is needed")
    return _Run(store, vault, miner, ontology_hash, options, Tally(tell), advance).go(reports)


class _Run:
    def __init__(
        self,
        store: GraphStore,
        vault: Vault,
        miner: Miner,
        ontology_hash: str,
        options: MiningOptions,
        tally: Tally,
        advance: Callable[[int], None],
    ) -> None:
        self._store = store
        self._vault = vault
        self._miner = miner
        self._ontology_hash = ontology_hash
        self._options = options
        self._tally = tally
        self._advance = advance
        self._words = WordCounter()
        self._run = secrets.token_hex(8)
        self._settings = vault.digest(
            "settings", str(MINING_VERSION), miner.matcher.lexicon.id, miner.relevance.id, str(options.new_lesions)
        )[:16]

    def go(self, reports: Iterable[Report | ReportProblem]) -> MiningSummary:
        started = time.perf_counter()
        with crew(self._miner, self._options.workers, self._options.dask) as workers:
            ready: list[tuple[_Prepared, Mined]] = []
            judgements = 0
            for task, answers in in_order(workers, self._tasks(reports), _reports_of):
                for prepared, mined in zip(task, answers, strict=True):
                    ready.append((prepared, mined))
                    judgements += mined.judgements if isinstance(mined, MinedReport) else 0
                    if len(ready) >= self._options.batch or judgements >= _BATCH_JUDGEMENTS:
                        self._keep(ready)
                        ready, judgements = [], 0
            self._keep(ready)
        if self._options.prune:
            self._prune()
        return self._tally.summary(self._words.frequent(), time.perf_counter() - started)

    def _tasks(self, reports: Iterable[Report | ReportProblem]) -> Iterator[list[_Prepared]]:
        for batch in _parts(self._good(reports), self._options.batch, _BATCH_CHARACTERS, lambda report: report):
            yield from _parts(self._prepare(batch), _TASK_REPORTS, _TASK_CHARACTERS, lambda prepared: prepared.report)

    def _good(self, reports: Iterable[Report | ReportProblem]) -> Iterator[Report]:
        for report in reports:
            if isinstance(report, ReportProblem):
                self._tally.counts["read"] += report.left_out
                self._tally.problem(report)
                continue
            self._tally.counts["read"] += 1
            if report.text.strip():
                yield report
            else:
                self._tally.problem(ReportProblem(report.id, "the report is empty; it was left out"))

    def _prepare(self, batch: Sequence[Report]) -> list[_Prepared]:
        """Store what is new in the vault; pass over what was mined before in the same way."""
        patients = self._vault.surrogates("patient", {(r.patient,) for r in batch if r.patient})
        studies = self._vault.surrogates("study", {(r.patient, r.study) for r in batch if r.study})
        surrogates = self._vault.surrogates("report", {(self._options.source, r.id) for r in batch})
        seen = self._vault.seen(surrogates.values(), self._run)
        owners = self._vault.owners(surrogates.values())
        marks = self._vault.marks(studies.values())
        stored = stored_reports(self._store, surrogates.values())
        fresh: list[_Prepared] = []
        same: list[str] = []
        for report in batch:
            surrogate = surrogates[self._options.source, report.id]
            patient, study = patients.get((report.patient,), ""), studies.get((report.patient, report.study), "")
            if surrogate in seen:
                self._leave_out(report, "its id is used twice; only the first report with it was mined")
                continue
            seen.add(surrogate)
            if owners.get(surrogate, (patient, study))[0] != patient:
                self._leave_out(
                    report, "its id stands for a report of another patient already; name another source with --source"
                )
                continue
            digest = self._digest(report, patient, study, marks.get(study, ()))
            known = stored.get(surrogate)
            if known and known.digest == digest:
                same.append(surrogate)
                self._unchanged(report, known.ambiguous)
            else:
                fresh.append(_Prepared(report, surrogate, patient, study, digest))
        self._vault.confirm(same, self._run)
        self._vault.add_reports([self._as_stored(prepared) for prepared in fresh], self._run)
        self._advance(len(batch) - len(fresh))
        return fresh

    def _digest(self, report: Report, patient: str, study: str, marks: Sequence[Mark]) -> str:
        # Marks that mining made itself are left out: they follow from the reports.
        table = [
            repr((mark.lesion, mark.series_number, mark.image, mark.bookmark, mark.long_mm, mark.short_mm))
            for mark in marks
            if mark.origin == "table"
        ]
        return self._vault.digest(self._settings, report.text, patient, study, report.date, *table)

    def _as_stored(self, prepared: _Prepared) -> StoredReport:
        report = prepared.report
        return StoredReport(
            prepared.surrogate,
            self._options.source,
            report.id,
            report.text,
            prepared.patient,
            prepared.study,
            report.date,
        )

    def _unchanged(self, report: Report, ambiguous: int) -> None:
        self._tally.counts["unchanged"] += 1
        self._note_ambiguous(report, ambiguous)

    def _note_ambiguous(self, report: Report, ambiguous: int) -> None:
        if ambiguous:
            self._tally.counts["ambiguous"] += ambiguous
            self._tally.problem(
                ReportProblem(
                    report.id,
                    f"{ambiguous} of its bookmarks fit several lesions and were not linked; name the lesions' sizes or "
                    "bookmarks in the lesion table",
                    left_out=False,
                )
            )

    def _leave_out(self, report: Report, reason: str) -> None:
        self._tally.problem(ReportProblem(report.id, reason))

    def _keep(self, ready: Sequence[tuple[_Prepared, Mined]]) -> None:
        """Link a batch to lesions and store it."""
        studies = self._vault.marks({prepared.study for prepared, _ in ready if prepared.study})
        outside = {mark.lesion for marks in studies.values() for mark in marks if mark.outside}
        missing = outside - known_lesions(self._store, outside)
        links: dict[str, StudyLinks] = {}
        linked: list[LinkedReport] = []
        for prepared, mined in ready:
            if isinstance(mined, ReportProblem):
                self._tally.problem(mined)
                continue
            if prepared.study not in links:
                make = self._maker(prepared.report) if prepared.patient and prepared.study else None
                links[prepared.study] = StudyLinks(studies.get(prepared.study, ()), missing, make)
            linked.append(self._link(prepared, mined, links[prepared.study]))
            self._tally.mined(mined, linked[-1])
            self._note_ambiguous(prepared.report, linked[-1].ambiguous)
            text = prepared.report.text
            self._words.add(prepared.patient, (text[start:end] for start, end in mined.unmatched))
        new = [mark for of_study in links.values() for mark in of_study.new]
        self._vault.add_marks(new)
        self._tally.counts["new_lesions"] += len(new)
        used = {lesion for report in linked for found in report.sentences for lesion in found.lesions}
        marks = [mark for of_study in links.values() for mark in of_study.marks if mark.lesion in used]
        self._tally.counts["written"] += write_reports(self._store, linked, marks, self._ontology_hash)
        self._advance(len(ready))

    def _maker(self, report: Report) -> Callable[[Bookmark], Mark] | None:
        """Makes the marks of new lesions in a report's study."""
        if not self._options.new_lesions:
            return None
        return lambda bookmark: lesion_mark(self._vault, new_row(bookmark, report.patient, report.study), "report")

    def _link(self, prepared: _Prepared, mined: MinedReport, links: StudyLinks) -> LinkedReport:
        ambiguous = 0
        sentences = []
        for sentence in mined.sentences:
            lesions = []
            for bookmark in sentence.bookmarks:
                found = links.find(bookmark)
                lesions.append(found.lesion)
                ambiguous += found.ambiguous
                if not found.lesion and not found.ambiguous:
                    known = prepared.patient and prepared.study
                    self._tally.unlinked[found.reason if known else _NO_STUDY] += 1
            sentences.append(LinkedSentence(sentence, tuple(lesions)))
        return LinkedReport(
            prepared.surrogate,
            self._options.source,
            prepared.digest,
            self._settings,
            self._miner.matcher.lexicon.id,
            self._miner.relevance.id,
            prepared.patient,
            prepared.study,
            tuple(sentences),
            ambiguous,
        )

    def _prune(self) -> None:
        if self._tally.counts["left_out"]:
            return
        while gone := self._vault.unseen(self._options.source, self._run, self._options.batch):
            self._tally.counts["written"] += remove_reports(self._store, gone)
            self._vault.forget(gone)
            self._tally.counts["pruned"] += len(gone)


def _reports_of(task: Sequence[_Prepared]) -> list[Report]:
    return [prepared.report for prepared in task]


def _parts(items: Iterable[T], most: int, characters: int, report: Callable[[T], Report]) -> Iterator[list[T]]:
    """Divide into lists that are neither too many nor too long."""
    part: list[T] = []
    size = 0
    for item in items:
        part.append(item)
        size += len(report(item).text)
        if len(part) >= most or size >= characters:
            yield part
            part, size = [], 0
    if part:
        yield part
