"""The command group ``lesionkg ontology``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kg.errors import InputError, UsageError
from kg.owl import load_owl
from kg.shipped import load_shipped
from lesionkg.cli.ontology import app

FOLDER = Path(__file__).resolve().parents[2] / "ontologies"
RELEASED = FOLDER / "lesanet-released.ttl"


def run(*arguments: object) -> Result:
    """Run a subcommand; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture(scope="session")
def spreadsheet(shared_data: Path) -> Path:
    return shared_data / "lesanet" / "lesion_ontology_181022.xlsx"


def test_stats_of_the_default_as_json() -> None:
    counted = run_json("stats", "--label-set", "lesanet-171")
    assert counted == {
        "labels": 171,
        "bodypart": 115,
        "type": 27,
        "attribute": 29,
        "parent_pairs_listed": 252,
        "parent_pairs_closure": 268,
        "parent_pairs_reduction": 137,
        "exclusive_pairs_listed": 195,
        "exclusive_pairs_inherited": 4459,
        "exclusive_pairs_minimal": 173,
        "self_exclusive": 0,
        "with_radlex_rid": 165,
    }


def test_stats_in_text_say_what_the_repair_dropped() -> None:
    text = run("stats", "--label-set", "lesanet-171").output
    assert "4,459" in text
    assert "196 listed exclusive pairs; the repair dropped 0 and 1" in text
    assert "the repair dropped" not in run("stats", "--name", "lesanet-released").output


def test_stats_of_the_spreadsheet(spreadsheet: Path) -> None:
    counted = run_json("stats", "--file", spreadsheet, "--label-set", "lesanet-171")
    assert (counted["exclusive_pairs_listed"], counted["exclusive_pairs_inherited"]) == (196, 4460)
    assert counted["self_exclusive"] == 1
    assert run_json("stats", "--file", spreadsheet)["labels"] == 333


def test_check_of_the_default_finds_nothing_and_exits_0() -> None:
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.strip() == "0 errors, 0 warnings"


def test_check_of_the_spreadsheet_explains_each_finding_and_exits_1(spreadsheet: Path) -> None:
    result = run("check", "--file", spreadsheet)
    assert result.exit_code == 1
    assert "'pretracheal lymph node' is exclusive with its own ancestor" in result.output
    assert "\n    pretracheal lymph node IS_A superior mediastinum lymph node\n" in result.output
    assert result.output.strip().endswith("28 errors, 14 warnings")


def test_check_as_json_counts_and_keeps_to_a_label_set(spreadsheet: Path) -> None:
    found = run_json("check", "--file", spreadsheet, "--label-set", "lesanet-171")
    rules = [finding["rule"] for finding in found["findings"]]
    assert rules.count("one-way-exclusion") == 2
    assert rules.count("exclusive-with-ancestor") == 1
    assert found["error"] + found["warning"] == len(rules)
    assert all(finding["chain"] for finding in found["findings"])
    unsatisfiable = run_json("check", "--name", "lesanet-released")["findings"]
    assert {f["labels"][0] for f in unsatisfiable} > {"rectum", "sigmoid colon"}


def test_check_against_radlex(shared_data: Path) -> None:
    assert run("check", "--radlex", shared_data / "radlex" / "radlex_merged.csv").exit_code == 0


@pytest.mark.slow
def test_check_with_the_reasoner_names_the_five_unsatisfiable_labels() -> None:
    found = run_json("check", "--file", RELEASED, "--reason")["findings"]
    assert {f["labels"][0] for f in found if f["rule"] == "unsatisfiable"} == {
        "pretracheal lymph node",
        "rectum",
        "sigmoid colon",
        "esophagus lymph node",
        "gastrohepatic ligament",
    }
    assert run("check", "--reason").exit_code == 0


def test_show_explains_where_a_label_stands() -> None:
    text = run("show", "pretracheal lymph node").output
    assert "LKG:0000102" in text
    assert "IS_A superior mediastinum lymph node" in text
    assert "superior mediastinum  (pretracheal lymph node IS_A superior mediastinum lymph node, " in text
    assert "retroperitoneum" not in text.split("exclusive, asserted")[0]
    assert "(from mediastinum EXCLUSIVE_WITH lung)" in text


def test_show_as_json_gives_every_inherited_exclusion_with_its_chain() -> None:
    shown = run_json("show", "LKG:0000223")
    assert shown["label"]["name"] == "lung nodule"
    assert shown["label_sets"] == {"lesanet-171": 16}
    chains = {implied["name"]: implied["chain"] for implied in shown["inherited_exclusive"]}
    assert chains["right kidney"] == [
        "lung nodule LOCATED_IN chest",
        "chest EXCLUSIVE_WITH abdomen",
        "right kidney LOCATED_IN abdomen",
    ]
    asserted = {link["name"] for link in shown["exclusive"]}
    assert asserted == {"atelectasis", "lung mass", "pneumatocele"}
    assert not asserted & set(chains)


def test_show_has_as_many_exclusions_as_the_closure() -> None:
    shown = run_json("show", "femur")
    names = {link["name"] for link in (*shown["exclusive"], *shown["inherited_exclusive"])}
    in_set = {load_shipped().by_id[i].name for i in load_shipped().label_set("lesanet-171").members}
    assert len(names & in_set) == 102, "femur has the most exclusive labels of the 171"


def test_show_of_an_unknown_label_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'lungs'"):
        run("show", "lungs")


@pytest.mark.parametrize("suffix", ["ttl", "owl"])
def test_export_writes_what_can_be_read_again(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"copy.{suffix}"
    assert run("export", "--out", out).exit_code == 0
    assert load_owl(out) == load_shipped()


def test_export_converts_a_spreadsheet_as_it_is_and_repaired(tmp_path: Path, spreadsheet: Path) -> None:
    (plain,) = run_json("export", "--file", spreadsheet, "--out", tmp_path / "released.ttl")
    (mended,) = run_json("export", "--file", spreadsheet, "--repair", "--out", tmp_path / "repaired.ttl")
    assert plain["ontology_hash"] == load_shipped("lesanet-released").content_hash
    assert mended["ontology_hash"] == load_shipped("lesanet-repaired").content_hash


def test_build_makes_the_shipped_files_byte_by_byte(tmp_path: Path, spreadsheet: Path) -> None:
    run("build", spreadsheet, "--out", tmp_path)
    for name in ("lesanet-released.ttl", "lesanet-repaired.ttl"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), (
            f"run `lesionkg ontology build` for {name}"
        )


def test_a_file_with_errors_is_not_imported(tmp_path: Path) -> None:
    graph = tmp_path / "graph"
    result = run("import", RELEASED, "--graph", graph)
    assert result.exit_code == 1
    assert "'rectum' has the mutually exclusive ancestors" in result.output
    assert "not imported" in result.output
    assert not graph.exists(), "nothing was touched"
    assert run_json("import", RELEASED, "--graph", graph)["imported"] is False


def test_a_repaired_spreadsheet_becomes_the_ontology_of_the_graph(tmp_path: Path, spreadsheet: Path) -> None:
    graph = tmp_path / "home" / "graph"
    imported = run_json("import", spreadsheet, "--repair", "--home", tmp_path / "home")
    assert imported["imported"] is True
    assert imported["ontology_hash"] == load_shipped().content_hash
    assert run_json("stats", "--graph", graph, "--label-set", "lesanet-171")["exclusive_pairs_inherited"] == 4459
    assert run("check", "--graph", graph).exit_code == 0
    run("export", "--graph", graph, "--out", tmp_path / "out.ttl")
    assert load_owl(tmp_path / "out.ttl").content_hash == load_shipped().content_hash


@pytest.mark.parametrize(
    ("arguments", "error", "reason"),
    [
        pytest.param(["stats", "--file", "x.csv"], UsageError, "names no ontology format", id="suffix"),
        pytest.param(["stats", "--file", "none.xlsx"], InputError, "no such file", id="missing-spreadsheet"),
        pytest.param(["check", "--file", "none.ttl"], InputError, "cannot be read", id="missing-owl"),
        pytest.param(["stats", "--name", "radlex"], UsageError, "does not ship", id="unknown-name"),
        pytest.param(["stats", "--label-set", "mine"], UsageError, "it has: lesanet-171", id="unknown-label-set"),
        pytest.param(
            ["show", "lung", "--file", "a.ttl", "--graph", "g"], UsageError, "give one of them", id="two-sources"
        ),
        pytest.param(["export", "--out", "x.json"], UsageError, "names no format", id="unknown-format"),
    ],
)
def test_wrong_usage_is_one_line_with_the_reason(arguments: list[str], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason) as raised:
        run(*arguments)
    assert "\n" not in str(raised.value)
