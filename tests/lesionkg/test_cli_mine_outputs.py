"""The commands ``mine export``, ``mine show`` and ``mine suggest``."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from mined_graph import MinedGraph, mined_graph
from typer.testing import CliRunner, Result

from ingest.mining.mine_report import mine_report
from ingest.mining.stored_report import find_report
from ingest.reports.report import Report
from ingest.vault import Vault
from kg.connect import open_store
from kg.errors import InputError, UsageError
from kg.graph_ontology import load_ontology
from lesionkg.cli.mine import app
from lesionkg.mining import miner_for


def run(*arguments: object, given: str | None = None) -> Result:
    """Run a subcommand; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"}, input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinedGraph]:
    with mined_graph(tmp_path_factory.mktemp("home") / "graph") as made:
        yield made


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder into which the sample reports were mined."""
    home = tmp_path_factory.mktemp("samples")
    folder = Path(str(files("ingest.samples")))
    done = run(
        "reports", folder / "reports.csv", "--lesions", folder / "marks.csv", "--id-column", "report_id",
        "--workers", 1, "--home", home, "--json",
    )  # fmt: skip
    assert json.loads(done.stdout)["mined"] == 5
    return home


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Reports of twelve patients, made up, one of them without a text."""
    file = tmp_path / "many.csv"
    rows = [f"R{i},P{i},There is a small gossypiboma{i % 2 * ' in the lung'}. Told to Dr. Qwortham." for i in range(12)]
    file.write_text("\n".join(["id,patient,text", *rows, "R12,P12,"]) + "\n", encoding="utf-8")
    return file


# Export


def test_export_writes_lists_and_lines(mined: MinedGraph, tmp_path: Path) -> None:
    lists = run("export", "--out", tmp_path / "labels.json", "--graph", mined.folder).stdout
    assert "labels.json: 5 lesions (" in lists and "7 relevant, 4 uncertain, 3 irrelevant" in lists
    assert "3 lesions are not DeepLesion's; `lesions` in the file maps" in lists
    told = run_json("export", "--out", tmp_path / "l.jsonl", "--format", "jsonl", "--graph", mined.folder)
    lines = (tmp_path / "l.jsonl").read_text(encoding="utf-8").splitlines()
    assert sum(told["lesions"].values()) == len(lines) == 5
    assert "term_list" in json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))


def test_export_takes_a_split_from_a_file(mined: MinedGraph, tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("patient,split\nDL:P0003,test\nP:1,val\nP:2,train\n", encoding="utf-8")
    told = run_json(
        "export", "--out", tmp_path / "l.json", "--split", tmp_path / "split.csv", "--graph", mined.folder
    )  # fmt: skip
    assert told["lesions"] == {"train": 1, "val": 2, "test": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "csv"], "--format csv: not one of json, jsonl"),
        (["--split-by", "study"], "--split-by study: not known; write --split-by patient"),
        (["--split-by", "patient", "--split", "x.csv"], "they name different splits"),
        (["--label-set", "mine"], "label set 'mine': not in ontology"),
        (["--source", "nobody"], "source 'nobody': the graph has no labels from it"),
    ],
)
def test_an_export_that_cannot_be_is_refused(
    arguments: list[str], said: str, mined: MinedGraph, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        run("export", "--out", tmp_path / "l.json", *arguments, "--graph", mined.folder)
    assert list(tmp_path.iterdir()) == []


def test_an_export_into_no_folder_or_with_no_split_file_is_refused(mined: MinedGraph, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="its folder does not exist"):
        run("export", "--out", tmp_path / "absent" / "l.json", "--graph", mined.folder)
    with pytest.raises(InputError, match="cannot be read as CSV"):
        run("export", "--out", tmp_path / "l.json", "--split", tmp_path / "no.csv", "--graph", mined.folder)


def test_mined_reports_are_exported_with_the_lesions_they_describe(samples: Path, tmp_path: Path) -> None:
    told = run_json("export", "--out", tmp_path / "l.jsonl", "--format", "jsonl", "--home", samples)
    lines = [json.loads(line) for line in (tmp_path / "l.jsonl").read_text(encoding="utf-8").splitlines()]
    assert told["others"] == len(lines) >= 5
    said = {frozenset(x["name"] for x in line["labels"] if x["relevance"] == "relevant") for line in lines}
    assert any({"nodule", "right mid lung", "large", "lung", "chest"} <= names for names in said)
    text = (tmp_path / "l.jsonl").read_text(encoding="utf-8")
    assert "SAMPLE" not in text and "bilaterally" not in text


# Show


SENTENCE = "Large nodule, for example right lower lobe OTHER_BMK (2.4 cm x 2.1 cm) (series 4, image 84).\n"
"""Ours."""


def test_a_sentence_from_standard_input_is_shown_without_graph_or_vault(tmp_path: Path) -> None:
    done = run("show", "--text", "--home", tmp_path / "nowhere", given=SENTENCE)
    assert done.stdout.startswith(SENTENCE)
    assert re.search(r"relevant +right lower lobe +bodypart +name", done.stdout)
    assert "Bookmark 1: 24 x 21 mm, series 4, image 84\n" in done.stdout.replace("  ", "")
    assert "not for diagnosis" in done.stdout
    assert not (tmp_path / "nowhere").exists()


def test_what_is_shown_can_be_had_as_json_without_the_text() -> None:
    done = run("show", "--text", "--json", given=SENTENCE)
    told = json.loads(done.stdout)
    places = {SENTENCE[m["start"] : m["end"]]: m["relevance"] for m in told["marks"] if m["kind"] != "bookmark"}
    assert places["nodule"] == places["right lower lobe"] == "relevant"
    assert told["targets"][0]["lesion"] is None and "text" not in told


def test_a_mined_report_is_shown_from_the_vault_with_its_lesions(samples: Path) -> None:
    shown = run("show", "SAMPLE-1", "--home", samples).stdout
    assert "Unchanged large nodule bilaterally for example right lower lobe OTHER_BMK" in shown
    assert len(re.findall(r"Bookmark \d: .*, lesion L-", shown)) == 3
    with open_store(samples / "graph", read_only=True) as store:
        ids = [row["id"] for row in store.read("MATCH (r:Report) RETURN r.id AS id ORDER BY id")]
    told = [run_json("show", report, "--home", samples) for report in ids]
    assert run_json("show", "SAMPLE-1", "--home", samples) in told


def test_what_the_graph_says_of_a_report_is_what_mining_says(samples: Path) -> None:
    """The sentences read back equal those that mining finds in the text again."""
    with open_store(samples / "graph", read_only=True) as store, Vault(samples / "vault.db") as vault:
        miner = miner_for(load_ontology(store))
        for number in range(1, 6):
            found = find_report(store, vault, f"SAMPLE-{number}", "reports")
            assert found.stored.id == f"SAMPLE-{number}"
            mined = mine_report(Report(found.stored.id, found.stored.text), miner.matcher, miner.relevance)
            read = [linked.sentence for linked in found.sentences]
            assert [replace(s, bookmarks=()) for s in read] == [replace(s, bookmarks=()) for s in mined.sentences]
            spans = [[(b.start, b.end, b.sizes_mm, b.series, b.image) for b in s.bookmarks] for s in read]
            assert spans == [
                [(b.start, b.end, b.sizes_mm, b.series, b.image) for b in s.bookmarks] for s in mined.sentences
            ]


def test_a_page_is_for_its_owner_only_and_says_so(samples: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("old", encoding="utf-8")
    file.chmod(0o644)
    done = run("show", "SAMPLE-2", "--html", file, "--home", samples)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "mode 0600" in done.stderr and "keep it as private" in done.stderr
    assert done.stdout == ""
    page = file.read_text(encoding="utf-8")
    assert "<title>Report SAMPLE-2</title>" in page and "hemangioma</mark>" in page
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give the id of a mined report, or --text"),
        (["SAMPLE-1", "--text"], "give the id of a mined report, or --text"),
        (["--text"], "nothing came on standard input"),
        (["SAMPLE-9"], "report: not in this graph under that id and source 'reports'; mine it first"),
        (["SAMPLE-1", "--source", "other"], "report: not in this graph under that id and source 'other'"),
        (["SAMPLE-1", "--vault", "/nowhere/vault.db"], "vault /nowhere/vault.db: does not exist"),
        (["SAMPLE-1", "--html", "/nowhere/a.html"], "its folder does not exist"),
    ],
)
def test_what_cannot_be_shown_says_why(arguments: list[str], said: str, samples: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        run("show", *arguments, "--home", samples, given="\n")


# Suggest


def test_suggest_lists_what_five_patients_have_and_no_name(many: Path, tmp_path: Path) -> None:
    done = run("--suggest", many, "--home", tmp_path, "--out", tmp_path / "found.csv")
    assert done.exit_code == 1  # one report was left out
    assert re.search(r"gossypiboma +12 +12 +12", done.stdout)
    assert "12 reports of 12 patients, 1 left out" in done.stdout
    assert "report R12: " in done.stderr
    rows = (tmp_path / "found.csv").read_text(encoding="utf-8").splitlines()
    heading = "kind,candidate,rid,parents,nearest,mentions,reports,patients,Research use only; not for diagnosis."
    assert rows[:2] == [heading, "word,gossypiboma,,,,12,12,12,"]
    assert "qwortham" not in (done.stdout + "".join(rows)).lower()
    told = json.loads(run("--suggest", many, "--home", tmp_path, "--json").stdout)
    assert [one["candidate"] for one in told["candidates"]] == ["gossypiboma"]
    assert (told["left_out"], told["patients"]) == (1, 12)


def test_suggest_shows_sentences_of_reports_that_were_mined_and_writes_none(many: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(UsageError, match="does not exist; name the vault"):
        run("--suggest", many, "--examples", 1, "--home", home)
    run("reports", many, "--source", "ours", "--workers", 1, "--home", home)
    shown = run("--suggest", many, "--examples", 2, "--source", "ours", "--out", tmp_path / "c.csv", "--home", home)
    assert shown.stdout.count("There is a small gossypiboma") == 2
    assert "There is" not in (tmp_path / "c.csv").read_text(encoding="utf-8") + shown.stderr
    other = run("--suggest", many, "--examples", 2, "--source", "theirs", "--home", home)
    assert "these reports are not in the vault; mine them first" in other.stdout


def test_suggest_says_when_there_is_nothing(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("id,text\n1,There is a gossypiboma.\n", encoding="utf-8")
    done = run("--suggest", file, "--home", tmp_path)
    assert "Reports without a patient count as one patient's" in done.stdout
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--min-patients", 4], "allow 5 or more"),
        (["--examples", 1, "--json"], "sentences are shown to a person only"),
        (["--out", "/nowhere/c.csv"], "its folder does not exist"),
    ],
)
def test_what_cannot_be_suggested_says_why(arguments: list[object], said: str, many: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        run("--suggest", many, *arguments, "--home", tmp_path / "home")
