"""Mining as a whole, behind both adapters."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from mined_state import mined_state
from synthetic_reports import synthetic_report, synthetic_reports, write_marks

from ingest.marks import load_marks
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.mention import Judgement, MinedSentence
from ingest.mining.pipeline import MiningOptions, mine_reports
from ingest.mining.rule_file import parse_rules
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.summary import MiningSummary
from ingest.mining.workers import Miner
from ingest.reports.report import Report, ReportProblem
from ingest.vault import Vault
from kg.errors import ConflictError, StoreError, UsageError
from kg.graph_ontology import save_ontology
from kg.integrity import edge_counts
from kg.ontology import Ontology
from kg.store import GraphStore

NODULE = "FINDINGS: Large nodule in the right lower lobe (2.2 cm x 1.9 cm) (series 4, image 61)."
CYST = "FINDINGS: Simple cyst in the liver (2.1 cm) (series 4, image 61)."
HEADER = "patient,study,series,image,lesion,bookmark,long_mm,short_mm\n"


def report(number: int = 1, text: str = NODULE, **other: str) -> Report:
    return replace(Report(f"R{number}", text, "MRN-1", "ACC-1", "2020-01-02"), **other)


@pytest.fixture
def store(any_store: GraphStore, ontology: Ontology) -> GraphStore:
    save_ontology(any_store, ontology)
    return any_store


class Mining:
    """A graph, a vault and a miner; ``run`` mines into them."""

    def __init__(self, store: GraphStore, vault: Vault, miner: Miner, ontology: Ontology, folder: Path) -> None:
        self.store, self.vault, self.miner, self.ontology_hash, self._folder = (
            store,
            vault,
            miner,
            ontology.content_hash,
            folder,
        )

    def run(self, *reports: Report | ReportProblem, miner: Miner | None = None, **options: object) -> MiningSummary:
        chosen = MiningOptions(**options)  # type: ignore[arg-type]
        return mine_reports(self.store, self.vault, reports, miner or self.miner, self.ontology_hash, chosen)

    def table(self, *rows: str, header: str = HEADER) -> int:
        path = self._folder / "marks.csv"
        path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return load_marks(self.store, self.vault, path).left_out

    def labels(self, kind: str = "HAS_LABEL") -> dict[str, set[str]]:
        """Names of labels by lesion."""
        rows = self.store.read(
            f"MATCH (l:Lesion)-[:{kind} {{source: 'mining'}}]->(k:Label) "
            "RETURN l.id AS l, collect(k.name) AS names ORDER BY l"
        )
        return {row["l"]: set(row["names"]) for row in rows}

    @property
    def lesions(self) -> list[str]:
        return [row["id"] for row in self.store.read("MATCH (l:Lesion) RETURN l.id AS id ORDER BY id")]


@pytest.fixture
def mining(store: GraphStore, vault: Vault, miner: Miner, ontology: Ontology, tmp_path: Path) -> Mining:
    return Mining(store, vault, miner, ontology, tmp_path)


@pytest.fixture
def embedded(with_ontology: GraphStore, vault: Vault, miner: Miner, ontology: Ontology, tmp_path: Path) -> Mining:
    return Mining(with_ontology, vault, miner, ontology, tmp_path)


def test_mining_again_writes_nothing(mining: Mining, tmp_path: Path) -> None:
    assert load_marks(mining.store, mining.vault, write_marks(tmp_path / "marks.csv", 45)).stored == 90
    first = mining.run(*synthetic_reports(45), batch=20)
    assert (first.read, first.mined, first.left_out, first.complete) == (45, 45, 0, True)
    assert (first.bookmarks, first.linked, sum(first.unlinked.values())) == (135, 90, 45)
    state = mined_state(mining.store)
    assert len(state["Report"]) == 45
    assert len(state["HAS_LABEL"]) > 90
    again = mining.run(*synthetic_reports(45), batch=7)
    assert (again.read, again.mined, again.unchanged, again.written) == (45, 0, 45, 0)
    assert load_marks(mining.store, mining.vault, tmp_path / "marks.csv").written == 0
    assert mined_state(mining.store) == state
    assert all(count.agrees for count in edge_counts(mining.store))


def test_changed_text_and_settings_replace_what_a_report_said(mining: Mining, ontology: Ontology) -> None:
    mining.table("MRN-1,ACC-1,4,61,,,22,19")
    mining.run(report())
    (lesion,) = mining.lesions
    assert mining.labels()[lesion] == {"large", "nodule", "right lower lobe"} | mining.labels()[lesion]
    changed = mining.run(report(text=CYST))
    assert (changed.mined, changed.unchanged) == (1, 0)
    assert {"simple cyst", "liver"} <= mining.labels()[lesion]
    assert "nodule" not in mining.labels()[lesion]
    own = parse_rules("phrases: [{id: own-1, label: spleen, any: [liver]}]", "own.yaml")
    other = Miner(Matcher(Lexicon.of_ontology(ontology, own)), RuleRelevance())
    assert mining.run(report(text=CYST), miner=other).mined == 1
    assert "spleen" in mining.labels()[lesion]
    assert mining.run(report(text=CYST)).mined == 1
    assert "spleen" not in mining.labels()[lesion]
    assert mining.run(report(text=CYST)).unchanged == 1


def test_a_lesion_keeps_the_labels_of_its_other_report(mining: Mining) -> None:
    mining.table("MRN-1,ACC-1,4,61,,,22,19")
    mining.run(report(1), report(2, CYST))
    (lesion,) = mining.lesions
    assert {"nodule", "simple cyst"} <= mining.labels()[lesion]
    pruned = mining.run(report(1), prune=True)
    assert (pruned.pruned, pruned.unchanged) == (1, 1)
    assert "nodule" in mining.labels()[lesion]
    assert "simple cyst" not in mining.labels()[lesion]
    assert mining.vault.reports([mining.vault.surrogate("report", "reports", "R2")]) == {}


def test_nothing_is_pruned_when_something_was_left_out(embedded: Mining) -> None:
    embedded.run(report(1), report(2))
    assert embedded.run(report(1), ReportProblem("R9", "unreadable"), prune=True).pruned == 0
    assert len(mined_state(embedded.store)["Report"]) == 2


def test_sources_do_not_touch_each_other(embedded: Mining) -> None:
    embedded.run(report(1), report(2))
    other = embedded.run(report(1, patient="MRN-2"), source="elsewhere", prune=True)
    assert (other.mined, other.pruned) == (1, 0)
    assert len(mined_state(embedded.store)["Report"]) == 3


def test_the_table_may_come_first_or_later_and_is_not_needed_again(mining: Mining) -> None:
    assert mining.run(report()).linked == 0
    mining.table("MRN-1,ACC-1,4,61,,,22,19", "MRN-1,ACC-2,4,61,,,22,19")
    later = mining.run(report())
    assert (later.mined, later.linked) == (1, 1)
    assert mining.run(report()).unchanged == 1
    assert mining.run(report(2, CYST)).linked == 1


def test_a_new_graph_gets_the_same_from_the_same_vault(
    embedded: Mining, bolt_store: GraphStore, ontology: Ontology
) -> None:
    embedded.table("MRN-1,ACC-1,4,61,,,22,19", "MRN-1,ACC-1,4,62,,,,")
    embedded.run(report(1), report(2, CYST))
    save_ontology(bolt_store, ontology)
    mine_reports(bolt_store, embedded.vault, [report(1), report(2, CYST)], embedded.miner, ontology.content_hash)
    mined, there = mined_state(bolt_store), mined_state(embedded.store)
    assert [lesion["long_mm"] for lesion in mined["Lesion"]] == [22.0]
    assert {name: rows for name, rows in mined.items() if name not in ("Lesion", "HAS_LESION")} == {
        name: rows for name, rows in there.items() if name not in ("Lesion", "HAS_LESION")
    }


@pytest.mark.parametrize(
    ("rows", "linked"),
    [
        pytest.param(["MRN-1,ACC-1,4,61,,,22,19"], 1, id="one lesion on the image"),
        pytest.param(["MRN-2,ACC-1,4,61,,,22,19"], 0, id="of another patient"),
        pytest.param(["MRN-1,ACC-2,4,61,,,22,19"], 0, id="of another study"),
        pytest.param(["MRN-1,ACC-1,5,61,,,22,19"], 0, id="of another series"),
        pytest.param(["MRN-1,ACC-1,4,90,,,22,19"], 0, id="on another image"),
    ],
)
def test_bookmarks_are_linked_by_patient_study_series_and_image(embedded: Mining, rows: list[str], linked: int) -> None:
    embedded.table(*rows)
    assert embedded.run(report()).linked == linked


def test_a_bookmark_that_fits_two_lesions_is_reported_and_linked_to_none(embedded: Mining) -> None:
    embedded.table("MRN-1,ACC-1,4,61,,BM-1,22,19", "MRN-1,ACC-1,4,61,,BM-2,22,19")
    told: list[ReportProblem] = []

    def run() -> MiningSummary:
        return mine_reports(
            embedded.store,
            embedded.vault,
            [report(), report(2, "Nodule in the liver.")],
            embedded.miner,
            embedded.ontology_hash,
            tell=told.append,
        )

    first, again = run(), run()
    assert (first.ambiguous, first.linked, first.complete) == (1, 0, False)
    assert (again.ambiguous, again.unchanged, again.complete, again.left_out) == (1, 2, False, 0)
    assert [problem.report for problem in told] == ["R1", "R1"]
    assert embedded.labels() == {}


def test_a_table_may_name_a_lesion_that_is_there_already(embedded: Mining) -> None:
    embedded.store.write_transaction(lambda tx: tx.run("CREATE (l:Lesion {id: 'DL:00042', source: 'DeepLesion'})"))
    assert embedded.table("MRN-1,ACC-1,4,61,DL:00042,,22,19", "MRN-1,ACC-1,4,70,DL:99999,,22,19") == 1
    assert embedded.run(report()).linked == 1
    assert embedded.lesions == ["DL:00042"]
    assert "nodule" in embedded.labels()["DL:00042"]
    state = mined_state(embedded.store)
    assert state["Lesion"] == [{"id": "DL:00042", "source": "DeepLesion"}]
    embedded.store.write_transaction(lambda tx: tx.run("MATCH (l:Lesion) DETACH DELETE l"))
    gone = embedded.run(report(text=CYST))
    assert (gone.linked, gone.mined) == (0, 1)
    assert sum(gone.unlinked.values()) == 1


def test_new_lesions_are_made_only_when_asked_for(embedded: Mining) -> None:
    assert embedded.run(report()).new_lesions == 0
    made = embedded.run(report(), report(2, CYST.replace("61", "81")), new_lesions=True)
    assert (made.mined, made.new_lesions, made.linked) == (2, 2, 2)
    assert {"nodule"} <= set.union(*embedded.labels().values())
    sizes = embedded.store.read("MATCH (l:Lesion) RETURN l.long_mm AS l, l.short_mm AS s ORDER BY l")
    assert sizes == [{"l": 21.0, "s": None}, {"l": 22.0, "s": 19.0}]
    again = embedded.run(report(), report(2, CYST.replace("61", "81")), new_lesions=True)
    assert (again.unchanged, again.written) == (2, 0)
    later = embedded.run(report(3), report(4, NODULE, patient=""), report(5, NODULE, study=""), new_lesions=True)
    assert (later.new_lesions, later.linked) == (0, 1)


def test_a_table_row_of_the_same_place_and_size_is_the_lesion_that_a_bookmark_made(embedded: Mining) -> None:
    embedded.run(report(), new_lesions=True)
    made = embedded.lesions
    embedded.table("MRN-1,ACC-1,4,61,,,22,19")
    assert embedded.lesions == made


def test_wrong_reports_are_named_by_id_and_the_rest_is_mined(embedded: Mining) -> None:
    embedded.run(report(7, patient="MRN-7"))
    told: list[ReportProblem] = []
    reports: list[Report | ReportProblem] = [
        report(1),
        ReportProblem("reports.csv, row 2", "not UTF-8"),
        report(3, " \n"),
        report(1, CYST),
        report(7, patient="MRN-8"),
        ReportProblem("R8", "control characters were blanked", left_out=False),
        report(9),
    ]
    summary = mine_reports(
        embedded.store, embedded.vault, reports, embedded.miner, embedded.ontology_hash, tell=told.append
    )
    assert [problem.report for problem in told] == ["reports.csv, row 2", "R3", "R8", "R1", "R7"]
    assert (summary.read, summary.mined, summary.left_out) == (6, 2, 4)
    assert list(summary.problems) == told
    assert not [problem for problem in told if "MRN" in problem.reason or "nodule" in problem.reason]
    texts = embedded.vault.reports([embedded.vault.surrogate("report", "reports", name) for name in ("R1", "R7")])
    assert [stored.text for stored in texts.values()] == [NODULE, NODULE]


def test_blanked_markup_and_a_text_without_sentences_are_said_by_report(embedded: Mining) -> None:
    summary = embedded.run(report(1, f"<b>{NODULE}</b>"), report(2, "<br> </br>"), report(3))
    assert [(problem.report, problem.left_out) for problem in summary.problems] == [("R1", False), ("R2", True)]
    assert (summary.mined, summary.left_out, summary.remnants) == (2, 1, {"html": 1})


def test_a_duplicate_is_found_in_a_later_batch_too(embedded: Mining) -> None:
    summary = embedded.run(report(1), *synthetic_reports(5), report(1), batch=1)
    assert (summary.mined, summary.left_out) == (5, 2)


class Stumbles:
    """A relevance model that fails on one report."""

    id = "stumbles"

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        if any("cyst" in sentence.text for sentence in sentences):
            raise ValueError(f"unexpected: {sentences[0].text}")
        return RuleRelevance().judge(sentences)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_report_that_breaks_the_miner_is_left_out_without_its_text(embedded: Mining, workers: int) -> None:
    miner = Miner(embedded.miner.matcher, Stumbles())
    summary = embedded.run(report(1), report(2, CYST), report(3), miner=miner, workers=workers)
    assert (summary.mined, summary.left_out) == (2, 1)
    (problem,) = summary.problems
    assert problem.report == "R2"
    assert "ValueError" in problem.reason
    assert "cyst" not in problem.reason


def test_an_edit_of_the_ontology_stops_the_run_and_keeps_what_was_stored(embedded: Mining, ontology: Ontology) -> None:
    def reports() -> Iterator[Report]:
        yield from synthetic_reports(4)
        edited = replace(ontology.labels[0], definition="edited meanwhile")
        save_ontology(embedded.store, replace(ontology, labels=(edited, *ontology.labels[1:])))
        yield synthetic_report(5)

    with pytest.raises(ConflictError, match="mine again"):
        mine_reports(
            embedded.store, embedded.vault, reports(), embedded.miner, ontology.content_hash, MiningOptions(batch=2)
        )
    assert len(mined_state(embedded.store)["Report"]) == 4


def test_a_full_disk_of_the_vault_leaves_graph_and_vault_as_they_were(
    embedded: Mining, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.run(report(1))
    state = mined_state(embedded.store)

    def refuse(*_: object) -> None:
        raise StoreError("vault: refused")

    monkeypatch.setattr(Vault, "add_reports", refuse)
    with pytest.raises(StoreError, match="refused"):
        embedded.run(report(1, CYST))
    assert mined_state(embedded.store) == state


def test_frequent_unmatched_words_need_five_patients(embedded: Mining) -> None:
    few = embedded.run(*(report(n, "A quokka sign.", patient=f"MRN-{n % 4}") for n in range(20)))
    assert few.unmatched == ()
    many = embedded.run(*(report(n, "A zebra sign.", patient=f"MRN-{n}") for n in range(30, 35)))
    assert "zebra" in {word.word for word in many.unmatched}


def test_options_that_cannot_be_are_refused(embedded: Mining) -> None:
    for options in ({"batch": 0}, {"workers": 0}):
        with pytest.raises(UsageError, match="at least one"):
            embedded.run(report(), **options)


def peak_of(mining: Mining, count: int, seed: int) -> int:
    """Most bytes that Python held while it mined so many synthetic reports."""
    tracemalloc.start()
    mine_reports(
        mining.store,
        mining.vault,
        synthetic_reports(count, seed),
        mining.miner,
        mining.ontology_hash,
        MiningOptions(source=f"source {seed}", batch=50),
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_reports(embedded: Mining) -> None:
    peak_of(embedded, 100, seed=0)
    few, many = peak_of(embedded, 200, seed=1), peak_of(embedded, 1000, seed=2)
    assert many < 1.2 * few


@pytest.mark.parametrize("lacking", [{"patient": ""}, {"study": ""}])
def test_a_report_without_a_patient_or_study_says_why_nothing_is_linked(
    mining: Mining, lacking: dict[str, str]
) -> None:
    summary = mining.run(report(**lacking))
    assert summary.unlinked == {"the report names no patient or no study": 1}
