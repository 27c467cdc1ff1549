"""The demo mines its samples into a folder of their own, and solves the sentence of the paper's figure 1."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path

import pytest

from ingest.mining.mention import Relevance
from kg.connect import open_store
from kg.shipped import load_shipped
from lesionkg.demo_reports import FOLDER, SampleMining, figure_1, mine_samples
from lesionkg.mining import miner_for


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return []


@pytest.fixture(scope="module")
def mined(home: Path, lines: list[str]) -> SampleMining:
    return mine_samples(home, load_shipped(), lines.append)


def test_every_sample_says_that_it_is_one() -> None:
    text = (resources.files("ingest") / "samples" / "reports.csv").read_text(encoding="utf-8")
    reports = list(csv.DictReader(text.splitlines(keepends=True)))
    assert len(reports) == 5
    for report in reports:
        assert report["text"].startswith("SAMPLE REPORT, written for lesionkg")
        assert report["patient"].startswith("SAMPLE-")


def test_figure_1_is_solved_for_both_bookmarks() -> None:
    solved = figure_1(miner_for(load_shipped()), load_shipped())
    assert solved == {
        "BOOKMARK": {
            Relevance.RELEVANT: ["large", "nodule", "right middle lobe"],
            Relevance.IRRELEVANT: ["right lower lobe"],
        },
        "OTHER_BMK": {
            Relevance.RELEVANT: ["large", "nodule", "right lower lobe"],
            Relevance.IRRELEVANT: ["right middle lobe"],
        },
    }


def test_all_samples_are_mined_and_only_the_bookmark_of_an_earlier_study_stays_unlinked(mined: SampleMining) -> None:
    assert mined.reports.complete
    assert mined.reports.mined == 5
    assert mined.reports.linked == mined.reports.bookmarks - 1 == 10
    assert mined.reports.unlinked == {"points at an earlier study": 1}


def test_the_graph_holds_the_labels_of_a_lesion_and_not_those_of_the_other(mined: SampleMining, home: Path) -> None:
    with open_store(str(home / FOLDER / "graph"), read_only=True) as store:
        rows = store.read(
            "MATCH (l:Lesion)-[:HAS_LABEL]->(k:Label {name: 'right mid lung'}) "
            "MATCH (l)-[:MENTIONED_NOT_ABOUT]->(o:Label) RETURN o.name AS other ORDER BY other"
        )
    assert [row["other"] for row in rows] == ["right lower lobe"]


def test_mining_the_samples_again_writes_nothing(mined: SampleMining, home: Path, lines: list[str]) -> None:
    assert "their labels" in lines[0]
    again: list[str] = []
    assert mine_samples(home, load_shipped(), again.append).reports.written == 0
    assert again[0].endswith("before")
    assert again[1:] == lines[1:]
