"""``lesionkg mine REPORTS``: exit codes, summary, bad input, and nothing of a patient anywhere but in the vault."""

from __future__ import annotations

import json
import logging
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mined_state import mined_state, strings_of
from synthetic_reports import synthetic_reports, write_csv, write_marks

from ingest.vault import Vault
from kg.connect import open_store
from kg.embedded import open_folder
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from lesionkg.cli.app import run

SAMPLES = Path(__file__).parents[2] / "ingest" / "samples"
NODULE = "Large nodule in the right lower lobe (2.2 cm x 1.9 cm) (series 4, image 61)."


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed graph with the shipped ontology; copy it."""
    folder = tmp_path_factory.mktemp("template") / "graph"
    with open_folder(folder, create=True) as store:
        save_ontology(store, load_shipped())
    return folder


class Mine:
    """Runs ``lesionkg mine`` in a home of its own."""

    def __init__(self, home: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.home, self._capfd = home, capfd

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self._capfd.readouterr()
        code = run(["mine", *map(str, arguments), "--home", str(self.home), "--workers", "1"])
        return code, *self._capfd.readouterr()

    def json(self, *arguments: object) -> tuple[int, Any]:
        code, out, _ = self(*arguments, "--json")
        return code, json.loads(out)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.home.parent / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    @property
    def state(self) -> dict[str, list[Any]]:
        with open_store(self.home / "graph", read_only=True) as store:
            return mined_state(store)


@pytest.fixture
def mine(template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Mine:
    shutil.copytree(template, tmp_path / "home" / "graph")
    return Mine(tmp_path / "home", capfd)


def test_the_samples_are_mined_into_a_new_graph_and_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mine = Mine(tmp_path / "home", capfd)
    code, first = mine.json(SAMPLES / "reports.csv", "--lesions", SAMPLES / "marks.csv")
    assert code == 0
    assert (first["read"], first["mined"], first["left_out"]) == (5, 5, 0)
    assert first["lesion_table"]["stored"] == 10
    assert first["linked"] == 10
    assert first["judgements"]["relevant"] > first["judgements"]["irrelevant"] > 0
    code, out, err = mine(SAMPLES / "reports.csv")
    assert (code, err) == (0, "")
    assert re.search(r"unchanged\s+5", out)
    assert "all of it was in the graph already" in out


def test_every_way_to_mine_gives_the_same_graph(mine: Mine, template: Path, tmp_path: Path) -> None:
    reports = write_csv(tmp_path / "reports.csv", synthetic_reports(30))
    marks = write_marks(tmp_path / "marks.csv", 30)
    code, first = mine.json(reports, "--lesions", marks)
    assert (code, first["mined"], first["linked"]) == (0, 30, 60)
    state = mine.state
    shutil.rmtree(mine.home / "graph")
    shutil.copytree(template, mine.home / "graph")
    assert mine.json(reports, "--workers", "2", "--batch", "7")[0] == 0
    found = mine.state
    assert {name: found[name] for name in ("Report", "MENTIONS", "HAS_LABEL")} == {
        name: state[name] for name in ("Report", "MENTIONS", "HAS_LABEL")
    }


def test_own_rules_add_phrases_and_cues(mine: Mine) -> None:
    reports = mine.file("reports.csv", 'id,text\nR1,"Quokka sign. Never ever a cyst."\n')
    rules = mine.file(
        "own.yaml",
        "phrases: [{id: own-1, label: spleen, any: [quokka sign]}]\n"
        "cues: [{id: own-2, kind: negation, any: [never ever]}]\n",
    )
    code, _ = mine.json(reports, "--rules", rules)
    assert code == 0
    said = {(row[2]["rule"], row[2]["relevance"], row[2]["cue"]) for row in mine.state["MENTIONS"]}
    assert ("own-1", "relevant", "") in said
    assert ("name", "irrelevant", "own-2") in said


def test_a_label_set_limits_what_is_looked_for(mine: Mine) -> None:
    reports = write_csv(mine.home.parent / "reports.csv", synthetic_reports(5))
    assert mine.json(reports, "--label-set", "lesanet-171")[0] == 0
    with open_store(mine.home / "graph", read_only=True) as store:
        outside = "MATCH (:Sentence)-[:MENTIONS]->(k:Label) WHERE NOT EXISTS { (k)-[:IN_SET]->(:LabelSet) } "
        assert store.read(f"{outside} RETURN count(k) AS n ORDER BY n") == [{"n": 0}]
    assert mine(reports, "--label-set", "none")[0] == 2


BAD = {
    "bytes": b"id,text\nR1,Nodule.\nR2,Mustermann \xff\xfe.\nR3,Nodule.\n",
    "empty": b"id,text\nR1,Nodule.\nR2,\nR3,Nodule.\n",
    "twice": b"id,text\nR1,Nodule.\nR2,Cyst.\nR2,Mustermann.\nR3,Nodule.\n",
}


@pytest.mark.parametrize(("what", "named"), [("bytes", ""), ("empty", "R2"), ("twice", "R2")])
def test_a_bad_report_is_named_and_the_rest_is_kept(mine: Mine, what: str, named: str) -> None:
    before = mine.file("before.csv", "id,text\nR0,Nodule.\n")
    assert mine(before)[0] == 0
    code, out, err = mine(mine.file("reports.csv", BAD[what]))
    assert code == 1
    assert named in err
    assert len(err.strip().splitlines()) == 1
    assert "Mustermann" not in out + err
    assert re.search(r"left out\s+1", out)
    mined = 3 if what == "twice" else 2
    assert len(mine.state["Report"]) == 1 + mined


ODD = {
    "one line of ten megabytes": "Nodule in the liver. " + "Nothing of note was seen here today. " * 270_000,
    "nested brackets": "(" * 20_000 + "nodule" + ")" * 20_000,
    "control characters": "Nodule\x07 in \x1b[31m the liver\x00.",
    "HTML": "<html><body><p>Nodule in the <b>liver</b>.</p></body></html>",
    "RTF": r"{\rtf1\ansi Nodule in the liver.\par}",
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", ODD)
def test_odd_text_does_not_stop_the_rest(mine: Mine, what: str) -> None:
    folder = mine.home.parent / "texts"
    folder.mkdir()
    (folder / "R1.txt").write_text(ODD[what], encoding="utf-8")
    (folder / "R2.txt").write_text(NODULE, encoding="utf-8")
    code, out, err = mine(folder)
    assert code in (0, 1)
    assert (code == 1) == bool(re.search(r"left out\s+1", out))
    assert not code or "R1" in err
    with Vault(mine.home / "vault.db") as vault:
        good = vault.surrogate("report", "reports", "R2")
    assert good in {row["id"] for row in mine.state["Report"]}


def test_a_bookmark_that_fits_two_lesions_is_named_every_time(mine: Mine) -> None:
    marks = mine.file(
        "marks.csv",
        "patient,study,series,image,bookmark,long_mm\nMRN-1,ACC-1,4,61,BM-1,22\nMRN-1,ACC-1,4,61,BM-2,22\n",
    )
    reports = mine.file("reports.csv", f'id,patient,study,text\nR1,MRN-1,ACC-1,"{NODULE}"\n')
    for arguments in (("--lesions", marks), ()):
        code, _, err = mine(reports, *arguments)
        assert code == 1
        assert "report R1: 1 of its bookmarks fit several lesions" in err


def test_a_bad_row_of_the_lesion_table_is_named_by_its_number(mine: Mine) -> None:
    marks = mine.file("marks.csv", "patient,study,series,image,lesion\nMRN-1,ACC-1,4,61,DL:99999\nMRN-1,ACC-1,4,61,\n")
    reports = mine.file("reports.csv", f'id,patient,study,text\nR1,MRN-1,ACC-1,"{NODULE}"\n')
    code, out, err = mine(reports, "--lesions", marks)
    assert code == 1
    assert "marks.csv, row 2: the graph holds no such lesion" in err
    assert re.search(r"linked to a lesion\s+1", out)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["none.csv"], 1, "none.csv", id="no such file"),
        pytest.param(["reports.csv", "--text-column", "body"], 2, "'body'", id="no such column"),
        pytest.param(["reports.csv", "--lesions", "none.csv"], 1, "none.csv", id="no lesion table"),
        pytest.param(["reports.csv", "--rules", "none.yaml"], 1, "none.yaml", id="no rule file"),
        pytest.param(["reports.csv", "--model", "none"], 1, "none", id="no model"),
        pytest.param(["reports.csv", "--encoding", "klingon"], 2, "klingon", id="no such encoding"),
        pytest.param(["reports.csv", "--vault", "mysql://u:Secret@h/d"], 2, "'mysql'", id="another database"),
        pytest.param(["reports.csv", "--dask", "tcp://127.0.0.1:1"], 2, "no scheduler", id="no scheduler"),
    ],
)
def test_wrong_usage_is_one_line_and_stores_no_report(
    mine: Mine, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    mine.file("reports.csv", "id,text\nR1,Nodule.\n")
    monkeypatch.chdir(mine.home.parent)
    found, _, err = mine(*arguments)
    assert found == code
    assert words in err
    assert "Secret" not in err
    assert len(err.strip().splitlines()) == 1
    assert mine.state["Report"] == []


SECRETS = {
    "name in text": "Mustermann",
    "number in text": "0815471100",
    "patient": "MRN-Musterpatient",
    "study": "ACC-Musterstudie",
    "date": "1999-12-31",
    "section header": "Musterheader",
    "hyperlink target": "BMKMusterziel",
    "lesion table": "Musterbookmark",
}


@pytest.mark.parametrize("json_", [False, True])
def test_nothing_of_a_patient_is_anywhere_but_in_the_vault(
    mine: Mine, caplog: pytest.LogCaptureFixture, json_: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    text = (
        "Herr Mustermann, number 0815471100, seen on 1999-12-31.\nMusterheader: nothing.\n"
        "MUSTERHEADER\nFINDINGS: Quokkasign. "
        'Large nodule of Mustermann <a href="BMKMusterziel">BOOKMARK</a> (2.2 cm) (series 4, image 61) near the liver.'
    )
    rows = ["R1", "R2", "R2", "R3", "R4"]
    content = "id,patient,study,date,text\n" + "".join(
        '{},MRN-Musterpatient,ACC-Musterstudie,1999-12-31,"{}"\n'.format(
            name, "" if name == "R4" else text.replace('"', '""')
        )
        for name in rows
    )
    reports = mine.file("reports.csv", content.encode().replace(b"R3,MRN", b"R3,\xff\xfeMRN"))
    marks = mine.file(
        "marks.csv",
        "patient,study,series,image,bookmark,long_mm\nMRN-Musterpatient,ACC-Musterstudie,4,61,Musterbookmark,22\n"
        "MRN-Musterpatient,ACC-Musterstudie,4,none,Musterbookmark,22\n",
    )
    code, out, err = mine(reports, "--lesions", marks, *(["--json"] if json_ else []))
    assert code == 1
    assert re.search(r'linked to a lesion\s+2|"linked": 2', out)
    assert json_ or err != ""
    with open_store(mine.home / "graph", read_only=True) as store:
        graph = strings_of(store)
    shown = {"output": out, "errors": err, "graph": "\n".join(graph), "log": caplog.text}
    words = {*SECRETS.values(), "Quokkasign", "Herr"}
    assert not [(where, word) for where, said in shown.items() for word in words if word.lower() in said.lower()]
    assert len(mine.state["DESCRIBES"]) == 2
    on_disk = b"".join(path.read_bytes() for path in (mine.home / "graph").rglob("*") if path.is_file())
    assert not [word for word in words if len(word) > 5 and word.encode() in on_disk]
    with Vault(mine.home / "vault.db") as vault:
        assert text in {found.text for found in vault.reports(row["id"] for row in mine.state["Report"]).values()}
    with sqlite3.connect(mine.home / "vault.db") as connection:
        assert connection.execute("SELECT count(*) FROM reports").fetchone() == (2,)
    connection.close()


def test_an_id_that_would_spoil_the_terminal_is_shown_harmlessly(mine: Mine) -> None:
    reports = mine.file("reports.csv", b'id,text\n"R\x1b[2J1",\n' + b"x" * 300 + b",\nR3,Nodule.\n")
    code, _, err = mine(reports)
    assert code == 1
    assert "\x1b" not in err
    assert max(map(len, err.splitlines())) < 300


@pytest.fixture
def failing_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    from kg.errors import StoreError

    def fail(*_: object) -> None:
        raise StoreError("vault: refused")

    return lambda: monkeypatch.setattr(Vault, "add_reports", fail)


def test_what_is_stored_survives_a_run_that_fails(mine: Mine, failing_disk: Callable[[], None]) -> None:
    assert mine(mine.file("reports.csv", f'id,text\nR1,"{NODULE}"\n'))[0] == 0
    state = mine.state
    failing_disk()
    code, _, err = mine(mine.file("reports.csv", "id,text\nR1,Cyst in the liver.\n"))
    assert (code, err.strip()) == (1, "lesionkg: vault: refused")
    assert mine.state == state
