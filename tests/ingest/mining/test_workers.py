"""Workers: the same result from one process, several, or a Dask cluster; bounded, and gone when stopped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from synthetic_reports import synthetic_reports

from ingest.mining.mention import Judgement, MinedSentence
from ingest.mining.mine_report import MinedReport
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.workers import Mined, Miner, crew, in_order
from ingest.reports.report import Report, ReportProblem
from kg.embedded import open_folder
from kg.errors import LesionKGError, UsageError


class Slow:
    """A relevance model that takes long on early reports, so that later ones are done first."""

    id = "slow"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        time.sleep(0.2 if any("slowly" in sentence.text for sentence in sentences) else 0)
        return RuleRelevance().judge(sentences)


class Dies:
    """A relevance model that takes its process down."""

    id = "dies"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        os._exit(3)


class Sleeps:
    """A relevance model that is busy for a minute."""

    id = "sleeps"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        time.sleep(60)
        return []


class Notes:
    """A relevance model that counts the sentences it is asked about."""

    id = "notes"

    def __init__(self) -> None:
        self.asked = 0

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        self.asked += len(sentences)
        return [() for _ in sentences]


def tasks(count: int, size: int = 3) -> list[list[Report]]:
    reports = list(synthetic_reports(count))
    return [reports[start : start + size] for start in range(0, count, size)]


def mined(miner: Miner, given: list[list[Report]], workers: int = 1, dask: str = "") -> list[list[Mined]]:
    with crew(miner, workers, dask) as found:
        return [answer for _, answer in in_order(found, given, lambda task: task)]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Address of a Dask scheduler with two worker processes."""
    distributed = pytest.importorskip("distributed")
    arguments = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**arguments, silence_logs=40) as cluster:
        yield cluster.scheduler_address


def test_a_pool_gives_the_same_in_the_same_order(miner: Miner) -> None:
    given = tasks(20)
    alone = mined(miner, given)
    assert [report.report for task in alone for report in task] == [report.id for task in given for report in task]
    assert mined(miner, given, workers=2) == alone


def test_a_dask_cluster_gives_the_same_in_the_same_order(miner: Miner, scheduler: str) -> None:
    given = tasks(20)
    assert mined(miner, given, dask=scheduler) == mined(miner, given)


@pytest.mark.parametrize("workers", [2, 3])
def test_a_slow_report_keeps_its_place(miner: Miner, workers: int) -> None:
    given = [[Report(str(n), "Nodule found slowly." if n % 3 == 0 else "Nodule.")] for n in range(9)]
    answers = mined(Miner(miner.matcher, Slow()), given, workers)
    assert [found.report for task in answers for found in task] == [str(n) for n in range(9)]


def test_no_more_tasks_are_under_way_than_needed(miner: Miner) -> None:
    given, taken = 0, 0

    def stream() -> Iterator[list[Report]]:
        nonlocal given
        for task in tasks(60):
            given += 1
            assert given - taken <= found.ahead
            yield task

    with crew(miner, 2) as found:
        for _ in in_order(found, stream(), lambda task: task):
            taken += 1
    assert taken == 20


def test_a_worker_that_dies_ends_the_run_with_one_line(miner: Miner) -> None:
    with pytest.raises(LesionKGError, match="a worker process died"):
        mined(Miner(miner.matcher, Dies()), tasks(6), workers=2)


def _works(process: psutil.Process) -> bool:
    """Whether a process is a worker that still runs; one that ended meanwhile is none."""
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def test_an_error_of_the_caller_ends_busy_workers_at_once(miner: Miner) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    started = 0.0
    with pytest.raises(KeyboardInterrupt), crew(Miner(miner.matcher, Sleeps()), 2) as found:
        for task in tasks(6):
            found.submit(task)
        while len({c.pid for c in psutil.Process().children(recursive=True)} - before) < 2:
            time.sleep(0.05)
        time.sleep(1)
        started = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - started < 2
    left = [c for c in psutil.Process().children(recursive=True) if c.pid not in before and _works(c)]
    _, alive = psutil.wait_procs(left, timeout=2)
    assert not alive


SCRIPT = """
import sys, time
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.pipeline import MiningOptions, mine_reports
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.workers import Miner
from ingest.vault import Vault
from kg.embedded import open_folder
from kg.shipped import load_shipped
from pathlib import Path
from synthetic_reports import synthetic_reports
ontology = load_shipped()
miner = Miner(Matcher(Lexicon.of_ontology(ontology)), RuleRelevance())
with open_folder(Path(sys.argv[1])) as store, Vault(sys.argv[2]) as vault:
    print("ready", flush=True)
    mine_reports(store, vault, synthetic_reports(100_000), miner, ontology.content_hash,
                 MiningOptions(batch=20, workers=2), advance=lambda done: print(done, flush=True))
"""


def test_ctrl_c_ends_within_two_seconds_and_leaves_whole_batches(ontology_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(ontology_folder, tmp_path / "graph")
    helpers = Path(__file__).parents[2] / "helpers"
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "graph"), str(tmp_path / "vault.db")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(helpers)},
    ) as process:
        assert process.stdout is not None
        done = 0
        while done < 100:
            line = process.stdout.readline().strip()
            assert line, process.stderr.read() if process.stderr else ""
            done += int(line) if line.isdigit() else 0
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        process.communicate()
        watchdog.cancel()
        assert time.monotonic() - asked < 2
    assert not psutil.wait_procs(children, timeout=2)[1]
    with open_folder(tmp_path / "graph") as store:
        stored = store.read("MATCH (r:Report) RETURN count(r) AS n ORDER BY n")[0]["n"]
    assert stored >= 80
    assert stored % 20 == 0


def test_what_cannot_be_reached_is_one_line(miner: Miner, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no scheduler answers"), crew(miner, dask="tcp://127.0.0.1:1"):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"install lesionkg\[dask\]"), crew(miner, dask="tcp://127.0.0.1:1"):
        pass


def test_a_report_that_says_more_than_any_report_is_left_out(miner: Miner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.mining.mine_report.MOST_JUDGEMENTS", 20)
    ((short, long),) = mined(miner, [[Report("R1", "Nodule. " * 10), Report("R2", "Nodule. " * 30)]])
    assert isinstance(short, MinedReport)
    assert isinstance(long, ReportProblem)
    assert long.report == "R2"


def test_a_report_of_bookmarks_alone_is_left_out_before_it_is_judged(miner: Miner) -> None:
    """One line of thousands of bookmarks and labels: as many judgements as the one times the other."""
    judge = Notes()
    ((long,),) = mined(Miner(miner.matcher, judge), [[Report("R1", "nodule BOOKMARK in the liver " * 10_000)]])

    assert isinstance(long, ReportProblem)
    assert judge.asked == 0
    mined(Miner(miner.matcher, judge), [[Report("R2", "Nodule BOOKMARK in the liver.")]])
    assert judge.asked == 1


def test_a_report_that_fails_is_a_problem(miner: Miner) -> None:
    broken = Miner(miner.matcher, None)  # type: ignore[arg-type]
    ((found,),) = mined(broken, [[Report("R1", "Nodule in the liver, Mustermann.")]])
    assert isinstance(found, ReportProblem)
    assert (found.report, "Mustermann" in found.reason) == ("R1", False)
    ((good,),) = mined(miner, [[Report("R1", "Nodule.")]])
    assert isinstance(good, MinedReport)
