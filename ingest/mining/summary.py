"""What a run of mining did, counted as it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.mining.frequent_words import FrequentWord
from ingest.mining.graph_mined import LinkedReport
from ingest.mining.mine_report import MinedReport
from ingest.reports.report import ReportProblem

_KEPT_PROBLEMS = 1000


@dataclass(frozen=True)
class MiningSummary:
    """What a run of mining did.

    Attributes:
        read: reports of the source, those left out too.
        mined: reports mined and stored.
        unchanged: reports that were mined before, in the same way.
        left_out: reports, or parts of them, that were not mined.
        pruned: reports removed because the source does not hold them any more.
        problems: what was wrong, by report; the first thousand.
        sentences: sentences of the mined reports.
        telling: those that mention a label or hold a bookmark.
        bookmarks: bookmarks of the mined reports.
        linked: those linked to a lesion.
        unlinked: those that were not, by reason.
        ambiguous: bookmarks that fit several lesions, those of unchanged reports too.
        new_lesions: lesions made for bookmarks that fitted none.
        judgements: (mention, bookmark) pairs of sentences with bookmarks, by relevance.
        findings: mentions of sentences without bookmarks, by relevance.
        lone_sizes: sizes that point at no image.
        remnants: reports with markup or control characters that were blanked, by kind.
        written: nodes and relationships of the graph that were written or removed.
        unmatched: frequent words that no label covers.
        seconds: wall-clock time.
    """

    read: int
    mined: int
    unchanged: int
    left_out: int
    pruned: int
    problems: tuple[ReportProblem, ...]
    sentences: int
    telling: int
    bookmarks: int
    linked: int
    unlinked: dict[str, int]
    ambiguous: int
    new_lesions: int
    judgements: dict[str, int]
    findings: dict[str, int]
    lone_sizes: int
    remnants: dict[str, int]
    written: int
    unmatched: tuple[FrequentWord, ...]
    seconds: float

    @property
    def complete(self) -> bool:
        """Nothing was left out and no bookmark fits several lesions."""
        return not self.left_out and not self.ambiguous


@dataclass
class Tally:
    """Counts while a run goes on; memory does not grow with the number of reports.

    Attributes:
        tell: told of each problem as it occurs.
    """

    tell: Callable[[ReportProblem], None]
    counts: Counter[str] = field(default_factory=Counter)
    unlinked: Counter[str] = field(default_factory=Counter)
    judgements: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    remnants: Counter[str] = field(default_factory=Counter)
    problems: list[ReportProblem] = field(default_factory=list)

    def problem(self, problem: ReportProblem) -> None:
        """Note that something is wrong with a report."""
        self.tell(problem)
        self.counts["left_out"] += problem.left_out
        if len(self.problems) < _KEPT_PROBLEMS:
            self.problems.append(problem)

    def mined(self, report: MinedReport, linked: LinkedReport) -> None:
        """Count what was found in one report."""
        self.counts["mined"] += 1
        self.counts["sentences"] += report.read
        self.counts["telling"] += len(report.sentences)
        self.counts["lone_sizes"] += report.lone_sizes
        self.remnants.update(report.remnants)
        for problem in report.problems:
            self.problem(problem)
        for sentence in report.sentences:
            counter = self.judgements if sentence.bookmarks else self.findings
            counter.update(judgement.relevance.value for judgement in sentence.judgements)
        self.counts["bookmarks"] += sum(len(found.lesions) for found in linked.sentences)
        self.counts["linked"] += sum(bool(lesion) for found in linked.sentences for lesion in found.lesions)

    def summary(self, unmatched: tuple[FrequentWord, ...], seconds: float) -> MiningSummary:
        """The counts so far."""
        count = self.counts
        return MiningSummary(
            read=count["read"],
            mined=count["mined"],
            unchanged=count["unchanged"],
            left_out=count["left_out"],
            pruned=count["pruned"],
            problems=tuple(self.problems),
            sentences=count["sentences"],
            telling=count["telling"],
            bookmarks=count["bookmarks"],
            linked=count["linked"],
            unlinked=dict(sorted(self.unlinked.items())),
            ambiguous=count["ambiguous"],
            new_lesions=count["new_lesions"],
            judgements=dict(sorted(self.judgements.items())),
            findings=dict(sorted(self.findings.items())),
            lone_sizes=count["lone_sizes"],
            remnants=dict(sorted(self.remnants.items())),
            written=count["written"],
            unmatched=unmatched,
            seconds=seconds,
        )
