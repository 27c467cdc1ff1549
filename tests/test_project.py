"""The project as a stranger gets it: what a wheel holds, what the command line says, what must not be in the code."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("kg", "ingest", "learn", "queries", "lesionkg")


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    out = tmp_path_factory.mktemp("wheel")
    arguments = [
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(out),
        str(ROOT),
    ]
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, timeout=120)
    (wheel,) = out.glob("lesionkg-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_data_file(wheel_names: set[str]) -> None:
    folders = (
        "ontologies",
        "ingest/phantom",
        "ingest/rules",
        "ingest/samples",
        "ingest/tables",
        "learn/relation",
        "queries/named",
    )
    data = {str(p.relative_to(ROOT)) for f in folders for p in (ROOT / f).rglob("*") if p.is_file()}
    wanted = {name for name in data if "__pycache__" not in name}
    assert any(name.endswith(".ttl") for name in wanted)
    assert any(name.endswith(".parquet") for name in wanted)
    assert any(name.endswith(".yaml") for name in wanted)
    assert any(name.endswith(".csv") for name in wanted)
    assert any(name.endswith(".cypher") for name in wanted)
    assert wanted <= wheel_names


def test_the_wheel_holds_every_module_and_nothing_else(wheel_names: set[str]) -> None:
    modules = {str(p.relative_to(ROOT)) for f in PACKAGES for p in (ROOT / f).rglob("*.py")}
    assert modules <= wheel_names
    assert not {n for n in wheel_names if n.split("/")[0] in ("tests", "docs", "benchmarks")}
    licence = {n.rsplit("/", 1)[-1] for n in wheel_names if ".dist-info/licenses/" in n}
    assert {"LICENSE", "NOTICE"} <= licence


def test_shipped_tables_stay_under_four_megabytes() -> None:
    assert sum(p.stat().st_size for p in (ROOT / "ingest/tables").rglob("*.parquet")) < 4_000_000


def test_the_version_says_what_it_is_for_and_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from lesionkg.cli.app import run\n"
        "status = run(['--version'])\n"
        "heavy = {'torch', 'jpype', 'owlready2', 'rdflib', 'pyarrow', 'scipy', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(status or (f'loaded {sorted(heavy)}' if heavy else 0))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Research use only" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        *(pytest.param([g], id=g) for g in ("ontology", "ingest", "matrices", "cohort", "graph")),
        *(pytest.param([c], id=c) for c in ("demo", "status", "train", "evaluate", "publish", "query")),
        *(pytest.param([c], id=c) for c in ("serve", "user", "audit", "erase")),
    ],
)
def test_every_command_explains_itself(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lesionkg", *arguments, "--help"], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["nonsense"], "nonsense", id="unknown command"),
        pytest.param(["ontology", "stats", "--label-set", "none"], "none", id="unknown label set"),
        pytest.param(["query", "no_such_query"], "no_such_query", id="unknown query"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_two(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lesionkg", *arguments], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 2
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("lesionkg:")]
    assert words in said
    assert done.stderr.strip().endswith(said)
    assert "Traceback" not in done.stderr


def test_the_readme_opens_with_a_sentence_and_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    title, sentence = [line for line in text.splitlines() if line.strip()][:2]
    assert title.startswith("# lesionkg")
    assert sentence.rstrip().endswith(".")
    head = text[:1200]
    assert "make demo" in head
    assert "make test" in head


FORBIDDEN = {
    "pickle": re.compile(r"\bimport pickle\b|\bpickle\.\w|allow_pickle=True|torch\.load\(|joblib\.(load|dump)"),
    "network at run time": re.compile(r"\burllib\.request\b|\bimport requests\b|nltk\.download|from_pretrained\("),
    "a value spliced into Cypher": re.compile(r"""\{id: ['"]\{"""),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_code_does_without(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in PACKAGES
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


def test_no_label_name_is_spelled_out_in_learning() -> None:
    from kg.shipped import load_shipped

    names = {label.name for label in load_shipped("lesanet-repaired").labels}
    words = re.compile(r"""["']([^"'\n]+)["']""")
    found = [
        f"{path.name}: {word}"
        for path in sorted([*(ROOT / "learn").glob("*.py"), *(ROOT / "learn" / "image").glob("*.py")])
        for word in words.findall(path.read_text())
        if word in names
    ]
    assert found == []
