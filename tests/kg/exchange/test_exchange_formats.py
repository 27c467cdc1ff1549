"""All formats: what is written reads back, what a format lacks is kept, and bad files are one clear line."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import any_ontology
import made_ontology
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.curation.between import EMPTY, changes_between
from kg.errors import InputError, OntologyError, UsageError
from kg.exchange.cells import defused, restored
from kg.exchange.formats import Format, format_of, lacks, read_onto, write
from kg.ontology import ExclusionException, Label, LabelClass, LabelSet, Ontology
from kg.ontology_file import load_file
from kg.shipped import load_shipped, shipped_names

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOSSLESS = (Format.OBO_GRAPH, Format.TIDY)
LOSSY = (Format.SSSOM, Format.SHEET)


def through(ontology: Ontology, base: Ontology, folder: Path, format_: Format) -> Ontology:
    """What comes back of an ontology that was written and read onto a base."""
    path = folder / f"x{format_}"
    write(ontology, path)
    return read_onto(base, path)


def full() -> Ontology:
    """Synthetic: something of everything."""
    return replace(
        made_ontology.small(),
        exceptions=(ExclusionException("T:7", "T:8", "seen", "somebody", "2026-11-21", "3 lesions"),),
        foreign=('<http://example.org/a> <http://example.org/b> "c" .',),
    )


@pytest.mark.parametrize("format_", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_ontology_reads_back_the_same_from_every_other_format(
    name: str, format_: Format, tmp_path: Path
) -> None:
    ontology = load_shipped(name)
    back = through(ontology, ontology, tmp_path, format_)
    assert back == ontology
    assert sorted(back.notices) == sorted(ontology.notices)
    assert changes_between(ontology, back) == ()
    first = (tmp_path / f"x{format_}").read_bytes()
    write(back, tmp_path / f"y{format_}")
    assert (tmp_path / f"y{format_}").read_bytes() == first


@pytest.mark.parametrize("format_", LOSSLESS)
def test_a_lossless_format_needs_no_base(format_: Format, tmp_path: Path) -> None:
    ontology = full()
    back = through(ontology, EMPTY, tmp_path, format_)
    assert back == ontology
    assert back.notices == ontology.notices
    assert load_file(tmp_path / f"x{format_}") == ontology
    assert lacks(format_) == ()


@quick
@given(ontology=any_ontology.ontologies(), format_=st.sampled_from(LOSSLESS))
def test_any_ontology_survives_a_lossless_format(ontology: Ontology, format_: Format, tmp_path: Path) -> None:
    back = through(ontology, EMPTY, tmp_path, format_)
    assert back == ontology
    assert back.notices == ontology.notices


@quick
@given(ontology=any_ontology.ontologies())
def test_an_export_of_mappings_changes_nothing(ontology: Ontology, tmp_path: Path) -> None:
    assert through(ontology, ontology, tmp_path, Format.SSSOM) == ontology


@quick
@given(ontology=any_ontology.ontologies(st.sampled_from(["lung", "=1", "'@x", "-a", "an 'x'"])))
def test_an_export_as_a_spreadsheet_changes_nothing_or_is_refused(ontology: Ontology, tmp_path: Path) -> None:
    names = [label.name for label in ontology.labels if not label.deprecated]
    if not names:
        return
    if len(set(names)) < len(names):
        with pytest.raises(OntologyError, match="rename one"):
            write(ontology, tmp_path / "x.xlsx")
        return
    try:
        write(ontology, tmp_path / "x.xlsx")
    except OntologyError as error:
        assert "control character" in str(error)
        return
    assert read_onto(ontology, tmp_path / "x.xlsx") == ontology


@pytest.mark.parametrize("format_", LOSSY)
def test_what_a_format_has_no_place_for_is_never_deleted(format_: Format, tmp_path: Path) -> None:
    ontology = full()
    assert lacks(format_)
    assert through(ontology, ontology, tmp_path, format_) == ontology


@pytest.mark.parametrize("format_", Format)
def test_equal_content_gives_equal_bytes(format_: Format, tmp_path: Path) -> None:
    backwards = replace(made_ontology.small(), labels=made_ontology.small().labels[::-1])
    write(made_ontology.small(), tmp_path / f"a{format_}")
    write(backwards, tmp_path / f"b{format_}")
    assert (tmp_path / f"a{format_}").read_bytes() == (tmp_path / f"b{format_}").read_bytes()


def test_the_longest_suffix_names_the_format() -> None:
    assert format_of("a/x.sssom.tsv") is Format.SSSOM
    assert format_of("x.tsv") is Format.TIDY
    assert format_of("X.OBO.JSON") is Format.OBO_GRAPH
    assert format_of("x.rdf") is Format.RDF_XML
    with pytest.raises(UsageError, match=r"x\.json: suffix names no ontology format"):
        format_of("x.json")


def test_mappings_alone_are_no_ontology(tmp_path: Path) -> None:
    write(full(), tmp_path / "x.sssom.tsv")
    with pytest.raises(UsageError, match="mappings alone"):
        load_file(tmp_path / "x.sssom.tsv")


@given(st.text(max_size=5) | st.text("'=+-@ a", max_size=5))
def test_a_defused_cell_begins_no_formula_and_is_restored(text: str) -> None:
    assert not defused(text).startswith(("=", "+", "-", "@"))
    assert restored(defused(text)) == text


@pytest.mark.parametrize("format_", Format)
def test_a_missing_or_cut_off_file_is_one_line(format_: Format, tmp_path: Path) -> None:
    path = tmp_path / f"x{format_}"
    with pytest.raises(InputError) as missing:
        read_onto(full(), path)
    assert str(missing.value).startswith(str(path))
    write(full(), path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError) as cut:
        read_onto(full(), path)
    assert str(cut.value).startswith(str(path))
    assert "\n" not in str(cut.value) + str(missing.value)


@pytest.mark.parametrize("format_", [Format.OBO_GRAPH, Format.SSSOM, Format.TIDY])
def test_text_of_another_kind_is_refused(format_: Format, tmp_path: Path) -> None:
    path = tmp_path / f"x{format_}"
    for data in (b"", b"\xff\xfe", b"hello", b"[1, 2]", b"[" * 100_000, b"null", b'"a\tb\n'):
        path.write_bytes(data)
        with pytest.raises(InputError) as raised:
            read_onto(full(), path)
        assert str(raised.value).startswith(str(path))
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("format_", [Format.OBO_GRAPH, Format.SSSOM, Format.TIDY])
def test_half_a_character_is_refused_and_nothing_is_written(format_: Format, tmp_path: Path) -> None:
    half = Ontology("half \ud800", (Label("T:1", "x \ud800", LabelClass.TYPE),), notices=("\ud800",))
    with pytest.raises(OntologyError, match="half a character"):
        write(half, tmp_path / f"x{format_}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_", LOSSLESS)
def test_two_things_with_one_identity_are_refused(format_: Format, tmp_path: Path) -> None:
    twice = replace(full(), label_sets=(LabelSet("all", ("T:1",)), LabelSet("all", ("T:2",))))
    with pytest.raises(OntologyError, match="label set and version all 1"):
        write(twice, tmp_path / f"x{format_}")


@pytest.mark.parametrize("format_", LOSSLESS)
def test_a_reference_to_nothing_is_refused(format_: Format, tmp_path: Path) -> None:
    dangling = replace(full(), labels=tuple(label for label in full().labels if label.id != "T:2"))
    with pytest.raises(InputError, match="T:2 is not a label"):
        through(dangling, full(), tmp_path, format_)


@pytest.mark.parametrize("format_", LOSSLESS)
@pytest.mark.parametrize(
    "statement",
    ["nonsense", "<http://example.org/a> <http://www.w3.org/2002/07/owl#imports> <http://example.org/b> ."],
)
def test_a_kept_statement_that_no_owl_file_could_hold_is_refused(
    statement: str, format_: Format, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="foreign"):
        through(replace(full(), foreign=(statement,)), full(), tmp_path, format_)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write(full(), tmp_path / "none" / "x.tsv")


def test_an_obo_graph_is_one_graph_whose_edges_name_its_nodes(tmp_path: Path) -> None:
    write(load_shipped(), tmp_path / "x.obo.json")
    (graph,) = json.loads((tmp_path / "x.obo.json").read_text())["graphs"]
    nodes = {node["id"]: node for node in graph["nodes"]}
    assert sum(node["type"] == "CLASS" for node in nodes.values()) == 333
    assert {edge[end] for edge in graph["edges"] for end in ("sub", "obj")} <= set(nodes)
    assert {edge["pred"] for edge in graph["edges"]} - set(nodes) == {"is_a"}


def test_reading_a_tidy_table_leaves_the_limit_of_other_readers_alone(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    write(load_shipped(), tmp_path / "x.tsv")
    read_onto(load_shipped(), tmp_path / "x.tsv")
    assert csv.field_size_limit() == before
