"""OWL statements outside the model: kept as they are, given back, and never taken for something of ours."""

from __future__ import annotations

import os
import random
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import made_ontology
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rdflib import BNode, Graph, URIRef

from kg.errors import InputError, OntologyError, UnsafeInputError
from kg.ontology import Ontology, Relation, RelationKind
from kg.owl import load_owl, parse_owl, write_owl
from kg.owl_canonical import canonical, components, parse, require_canonical
from kg.owl_terms import Blank, Iri, Text, Triple
from kg.reasoner import _package, bundled_java
from kg.shipped import load_shipped

PROFILES, SUFFIXES = ("training", "strict"), (".ttl", ".owl")
LUNG, CHEST, LEFT_LUNG, LIVER = (f"label:T_{i}" for i in (2, 1, 3, 4))
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

MODELLED = made_ontology.small()


def read(text: str) -> Ontology:
    return parse_owl(text.encode(), "a file")


def written(ontology: Ontology, folder: Path, profile: str = "training", suffix: str = ".ttl") -> str:
    path = folder / f"x{suffix}"
    write_owl(ontology, path, profile)
    return path.read_text(encoding="utf-8")


def with_statements(statements: str, folder: Path, profile: str = "training") -> Ontology:
    """The made ontology as an editor saves it after somebody added statements."""
    return read(f"@prefix ex: <http://example.org/> .\n{written(MODELLED, folder, profile)}\n{statements}\n")


def axiom(source: str, property_: str, target: str, rest: str) -> str:
    return (
        f"[] a owl:Axiom ; owl:annotatedSource {source} ; owl:annotatedProperty {property_} ; "
        f"owl:annotatedTarget {target} ; {rest} ."
    )


ADDED = [
    pytest.param(f'{LUNG} rdfs:comment "to discuss", "zu prüfen"@de-AT .', 2, id="comments on a label"),
    pytest.param(f"{LUNG} ex:weight 0.50 ; ex:seen '2020-01-02T03:04:05Z'^^xsd:dateTime, 'soon'^^xsd:date .", 3,
                 id="typed values"),
    pytest.param("<https://w3id.org/lesionkg/ontology/made> rdfs:comment 'a copy' ; owl:versionIRI ex:v2 .", 2,
                 id="statements about the ontology"),
    pytest.param("ex:note a owl:AnnotationProperty ; rdfs:label 'note' .", 2, id="an annotation property"),
    pytest.param("dcterms:source rdfs:label 'source' .", 1, id="a label of a property that we use"),
    pytest.param("ex:Organ a owl:Class ; rdfs:subClassOf ex:Thing . ex:Thing a owl:Class .", 3, id="classes"),
    pytest.param(f"{LUNG} rdfs:subClassOf ex:Organ . ex:Organ a owl:Class .", 2, id="a parent that is no label"),
    pytest.param(f"{LUNG} owl:disjointWith ex:Organ .", 1, id="disjoint with what is no label"),
    pytest.param(f"ex:Small rdfs:subClassOf {LUNG} ; owl:disjointWith {LIVER} .", 2, id="a class under a label"),
    pytest.param(f"{LUNG} skos:exactMatch <http://purl.obolibrary.org/obo/UBERON_0002048> .", 1,
                 id="a mapping to elsewhere"),
    pytest.param(f"{LUNG} dcterms:source ex:book ; rdfs:seeAlso <http://x/?q=a&b=%20> .", 2, id="links"),
    pytest.param(f"ex:part a owl:ObjectProperty . {LUNG} "
                 f"rdfs:subClassOf [ a owl:Restriction ; owl:onProperty ex:part ; owl:someValuesFrom {CHEST} ] .",
                 2, id="a restriction"),
    pytest.param(f"{LUNG} owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( {CHEST} [ a owl:Restriction ; "
                 "owl:onProperty ex:p ; owl:hasValue 'x' ] [ a owl:Class ; owl:complementOf ex:Y ] ) ] .",
                 1, id="a definition with a list"),
    pytest.param(f"[] a owl:AllDisjointClasses ; owl:members ( {LUNG} ex:Other ) .", 1, id="disjoint classes, not all"),
    pytest.param(axiom(LUNG, "rdfs:subClassOf", "ex:Organ", "dcterms:source 'x'")
                 + f"{LUNG} rdfs:subClassOf ex:Organ .", 2, id="an annotated axiom of another"),
    pytest.param(axiom(LEFT_LUNG, "rdfs:subClassOf", LUNG, "lkg:kind 'PART_OF' ; dcterms:source 'made' ; "
                 "rdfs:comment 'why?'"), 1, id="a second axiom like ours"),
    pytest.param(axiom(CHEST, "obo:IAO_0000115", "'Everything between neck and abdomen.'", "dcterms:source 'a book'"),
                 1, id="where a definition comes from"),
    pytest.param(axiom(LUNG, "rdfs:label", "'lung'", "ex:note [ rdfs:comment 'deep' ]"), 1, id="about a name"),
    pytest.param(f"{LUNG} rdfs:label 'Lunge'@de, 'poumon'@fr . {CHEST} obo:IAO_0000115 'Alles'@de .", 3,
                 id="names and definitions in other languages"),
    pytest.param("[] a ex:Anonymous .", 1, id="an unnamed individual"),
    pytest.param(f"{LUNG} a owl:NamedIndividual .", 1, id="a label as an individual"),
]  # fmt: skip


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("statements", "count"), ADDED)
def test_what_others_add_is_kept_and_given_back(statements: str, count: int, profile: str, tmp_path: Path) -> None:
    edited = with_statements(statements, tmp_path, profile)
    assert len(edited.foreign) == count
    assert replace(edited, foreign=()) == MODELLED
    for suffix in SUFFIXES:
        for other in PROFILES:
            text = written(edited, tmp_path, other, suffix)
            back = load_owl(tmp_path / f"x{suffix}")
            assert back == edited
            assert 'lkg:kept "' not in text
            assert "<lkg:kept>" not in text
            assert written(back, tmp_path, other, suffix) == text


ONCE = [case for case in ADDED if case.id != "a second axiom like ours"]
EVERYTHING = "\n".join(str(case.values[0]) for case in ONCE)


REWRITTEN = ("disjoint with what is no label", "a definition with a list", "disjoint classes, not all", "about a name")
"""The OWL API turns symmetric axioms around, sorts operands, and drops what hangs on an anonymous annotation value."""


def saved_by_the_owl_api(ontology: Ontology, folder: Path, profile: str) -> Ontology:
    """The OWL API is the library inside Protégé; a copy ships with HermiT."""
    write_owl(ontology, folder / "ours.owl", profile)
    hermit = _package("owlready2") / "hermit"
    subprocess.run(
        [str(bundled_java()), "-cp", f"{hermit}{os.pathsep}{hermit / 'HermiT.jar'}", "Save",
         str(folder / "ours.owl"), "rdf", str(folder / "saved.owl")],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return load_owl(folder / "saved.owl")


@pytest.mark.parametrize("profile", PROFILES)
def test_the_owl_api_gives_everything_back_too(profile: str, tmp_path: Path) -> None:
    edited = with_statements(EVERYTHING, tmp_path)
    plain = with_statements("\n".join(str(x.values[0]) for x in ONCE if x.id not in REWRITTEN), tmp_path)
    saved = saved_by_the_owl_api(edited, tmp_path, profile)
    assert replace(saved, foreign=()) == MODELLED
    assert set(plain.foreign) - set(saved.foreign) == set()
    assert len(saved.foreign) >= len(edited.foreign)
    assert saved_by_the_owl_api(saved, tmp_path, profile) == saved


def test_the_real_ontology_with_everything_added_keeps_its_hashes(tmp_path: Path) -> None:
    ours = load_shipped()
    write_owl(ours, tmp_path / "x.ttl")
    text = (tmp_path / "x.ttl").read_text(encoding="utf-8")
    added = "".join(f"label:LKG_{i:07} rdfs:comment 'note {i}' ; rdfs:subClassOf [ a owl:Restriction ; "
                    f"owl:onProperty <http://x/p> ; owl:someValuesFrom label:LKG_{i + 1:07} ] .\n"
                    for i in range(1, 300))  # fmt: skip
    edited = read(text + added)
    assert len(edited.foreign) == 2 * 299
    assert replace(edited, foreign=()).content_hash == ours.content_hash
    write_owl(edited, tmp_path / "y.owl")
    assert load_owl(tmp_path / "y.owl").content_hash == edited.content_hash


def test_a_comment_on_a_relation_stays_at_its_axiom(tmp_path: Path) -> None:
    text = written(MODELLED, tmp_path)
    ours = next(line for line in text.splitlines() if 'lkg:kind "LOCATED_IN"' in line)
    edited = read(text.replace(ours, ours.replace('lkg:kind "LOC', 'rdfs:comment "why?" ; lkg:kind "LOC')))
    assert replace(edited, foreign=()) == MODELLED
    back = Graph().parse(data=written(edited, tmp_path), format="turtle")
    rows = back.query('SELECT ?kind ?source { [] lkg:kind ?kind ; dcterms:source ?source ; rdfs:comment "why?" }')
    assert [[str(value) for value in row] for row in rows] == [["LOCATED_IN", "made"]]


def test_a_comment_on_an_exclusive_pair_follows_it_into_the_other_profile(tmp_path: Path) -> None:
    edited = with_statements("", tmp_path)
    text = written(MODELLED, tmp_path, "strict").replace('lkg:evidence "anatomy"', 'lkg:evidence "anatomy" ; ex:n 1')
    edited = read(f"@prefix ex: <http://example.org/> .\n{text}")
    assert len(edited.foreign) == 1
    assert "lkg:exclusiveWith ; owl:annotatedTarget label:T_4 ; dcterms:source" in written(edited, tmp_path)
    assert "_:f" in written(edited, tmp_path)
    assert read(written(edited, tmp_path)) == edited == read(written(edited, tmp_path, "strict"))


def test_what_is_said_about_disjoint_classes_follows_their_group(tmp_path: Path) -> None:
    text = written(MODELLED, tmp_path, "strict").replace("[] a owl:AllDisjointClasses ;", "[] a owl:AllDisjointClasses "
                                                         "; rdfs:comment 'one density' ;")  # fmt: skip
    edited = read(text)
    assert edited.exclusive_groups == MODELLED.exclusive_groups
    assert [f for f in edited.foreign if "exclusive-group/G_1>" in f and "one density" in f] == list(edited.foreign)
    assert read(written(edited, tmp_path)) == edited


def test_what_is_said_about_classes_disjoint_by_hand_is_said_of_each_pair(tmp_path: Path) -> None:
    edited = with_statements(
        f"[] a owl:AllDisjointClasses ; owl:members ( {LUNG} {LIVER} label:T_5 ) ; rdfs:comment 'three' .", tmp_path
    )
    assert len(edited.exclusive_pairs) == len(MODELLED.exclusive_pairs) + 3
    assert len(edited.foreign) == 3
    text = written(edited, tmp_path)
    assert text.count('"three"') == 3
    assert 'lkg:kept "' not in text
    assert read(text) == edited == read(written(edited, tmp_path, "strict"))


def test_a_translation_of_a_definition_that_went_is_kept_and_does_not_become_it(tmp_path: Path) -> None:
    edited = with_statements(f"{CHEST} obo:IAO_0000115 'Alles'@de .", tmp_path)
    chest = replace(edited.by_id["T:1"], definition="")
    without = replace(edited, labels=(chest, *(k for k in edited.labels if k.id != "T:1")))
    for suffix in SUFFIXES:
        written(without, tmp_path, "training", suffix)
        assert load_owl(tmp_path / f"x{suffix}") == without


def test_a_name_that_an_editor_gave_a_language_is_still_the_name(tmp_path: Path) -> None:
    text = written(MODELLED, tmp_path).replace('rdfs:label "lung"', 'rdfs:label "lung"@en')
    assert read(text) == MODELLED


def test_what_is_said_about_a_relation_that_went_is_kept_without_bringing_it_back(tmp_path: Path) -> None:
    text = written(MODELLED, tmp_path)
    ours = next(line for line in text.splitlines() if 'lkg:kind "LOCATED_IN"' in line)
    edited = read(text.replace(ours, ours.replace('lkg:kind "LOC', 'rdfs:comment "why?" ; lkg:kind "LOC')))
    assert len(edited.foreign) == 1
    without = replace(edited, relations=MODELLED.relations[1:])
    for suffix in SUFFIXES:
        text = written(without, tmp_path, "training", suffix)
        assert load_owl(tmp_path / f"x{suffix}") == without
        assert "kept" in text
    again = replace(read(written(without, tmp_path)), relations=MODELLED.relations)
    assert 'lkg:kept "' not in written(again, tmp_path)
    assert read(written(again, tmp_path)) == edited


def test_statements_about_the_ontology_follow_it_to_a_new_name(tmp_path: Path) -> None:
    edited = with_statements("<https://w3id.org/lesionkg/ontology/made> rdfs:comment 'mine' .", tmp_path)
    renamed = replace(edited, name="better")
    text = written(renamed, tmp_path)
    assert "ontology/made" not in text
    assert read(text) == renamed


def test_the_order_of_statements_and_the_names_of_nodes_make_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rdflib.NORMALIZE_LITERALS", False)
    text = f"@prefix ex: <http://example.org/> .\n{written(MODELLED, tmp_path)}\n{EVERYTHING}\n"
    lines = Graph().parse(data=text, format="turtle").serialize(format="nt").strip().splitlines()
    found = set()
    for seed in range(3):
        random.Random(seed).shuffle(lines)
        found.add(read("\n".join(lines).replace("_:", f"_:{'xyz'[seed]}")).foreign)
    assert found == {with_statements(EVERYTHING, tmp_path).foreign}


def test_names_relative_to_the_file_do_not_say_where_it_was(tmp_path: Path) -> None:
    for ontology in (
        with_statements(f"{LUNG} rdfs:seeAlso <notes.txt> .", tmp_path),
        parse_owl(
            written(MODELLED, tmp_path, "training", ".owl")
            .replace("</rdf:RDF>", '<rdf:Description rdf:about="notes.txt" rdfs:comment="x"/></rdf:RDF>')
            .encode(),
            "a file",
            ".owl",
        ),
    ):
        assert "notes.txt" in ontology.foreign[0]
        assert "file:" not in ontology.foreign[0]
        assert str(Path.cwd()) not in ontology.foreign[0]


# ---- safety --------------------------------------------------------------------------------------------------------

IMPORT = "<http://x/a> <http://www.w3.org/2002/07/owl#imports> <http://x/b> ."


def test_an_import_among_foreign_statements_is_neither_written_nor_read(tmp_path: Path) -> None:
    with pytest.raises(OntologyError, match="imports"):
        write_owl(replace(MODELLED, foreign=(IMPORT,)), tmp_path / "x.ttl")
    with pytest.raises(UnsafeInputError, match="imports"):
        with_statements(f"<https://w3id.org/lesionkg/ontology/made> lkg:kept '{IMPORT}' .", tmp_path)


@pytest.mark.parametrize("text", ["", "nonsense", "<a> <http://x/b> <http://x/c> .", "_:b7 <http://x/b> _:b7 .",
                                  "<http://x/a> <http://x/b> <http://x/c> .\n<http://x/a> <http://x/b> <http://x/d> .",
                                  "_:b0 <http://x/p> \"\\u0041\" ."])  # fmt: skip
def test_text_that_is_no_canonical_statement_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(OntologyError, match=r"canonical|scheme"):
        write_owl(replace(MODELLED, foreign=(text,)), tmp_path / "x.ttl")


@pytest.mark.parametrize("statement", [
    "<https://w3id.org/lesionkg/label/T_4> <http://www.w3.org/2000/01/rdf-schema#subClassOf> "
    "<https://w3id.org/lesionkg/label/T_2> .",
    "<https://w3id.org/lesionkg/label/T_4> <http://www.w3.org/2002/07/owl#disjointWith> "
    "<https://w3id.org/lesionkg/label/T_2> .",
    "<https://w3id.org/lesionkg/label/T_4> <http://www.w3.org/2000/01/rdf-schema#label> \"another\" .",
    "<https://w3id.org/lesionkg/ontology/> <http://purl.org/dc/terms/title> \"another\" .",
    "<https://w3id.org/lesionkg/ontology/made> <http://purl.org/dc/terms/title> \"another\" .",
    "<http://x/o> <https://w3id.org/lesionkg/vocabulary#format> \"1\" .",
    "_:b0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2002/07/owl#Axiom> .",
    "<http://x/o> <http://x/1> \"a property that XML cannot name\" .",
    "<http://x/o> <http://www.w3.org/1999/02/22-rdf-syntax-ns#li> \"a word of RDF/XML\" .",
    "<http://x/o> <http://x/p> \"a bell \\u0007\" .",
])  # fmt: skip
def test_what_would_be_misread_is_kept_without_asserting_it(statement: str, tmp_path: Path) -> None:
    odd = replace(MODELLED, foreign=(statement,))
    for suffix in SUFFIXES:
        for profile in PROFILES:
            write_owl(odd, tmp_path / f"x{suffix}", profile)
            assert load_owl(tmp_path / f"x{suffix}") == odd


def test_nodes_that_nothing_tells_apart_are_refused_soon(tmp_path: Path) -> None:
    ring = " ".join(f"_:n{i} ex:p _:n{k} ." for i in range(9) for k in range(9) if i != k)
    started = time.monotonic()
    with pytest.raises(InputError, match="nothing tells apart"):
        with_statements(ring, tmp_path)
    assert time.monotonic() - started < 10


# ---- any statements ------------------------------------------------------------------------------------------------

iris = st.sampled_from([
    "http://x/a", "http://x/b#c", "urn:x:1", "http://x/a/../b?q=1&r=%20#é", "mailto:a@b",
    "https://w3id.org/lesionkg/label/T_2", "https://w3id.org/lesionkg/label/T_9",
    "https://w3id.org/lesionkg/exclusive-group/G_1", "https://w3id.org/lesionkg/vocabulary#exclusiveWith",
    "https://w3id.org/lesionkg/ontology/", "http://www.w3.org/2002/07/owl#Class", "http://www.w3.org/2002/07/owl#Axiom",
    "http://www.w3.org/2002/07/owl#AllDisjointClasses", "http://www.w3.org/1999/02/22-rdf-syntax-ns#nil",
]).map(Iri)  # fmt: skip
properties = st.sampled_from([
    "http://x/p", "http://x/q/1", "http://www.w3.org/2000/01/rdf-schema#subClassOf",
    "http://www.w3.org/2000/01/rdf-schema#comment", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    "http://www.w3.org/2002/07/owl#annotatedSource", "http://www.w3.org/2002/07/owl#annotatedProperty",
    "http://www.w3.org/2002/07/owl#annotatedTarget", "http://www.w3.org/2002/07/owl#members",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#first", "http://www.w3.org/1999/02/22-rdf-syntax-ns#rest",
    "http://purl.org/dc/terms/source", "https://w3id.org/lesionkg/vocabulary#kind",
]).map(Iri)  # fmt: skip
blanks = st.sampled_from([Blank(f"n{i}") for i in range(4)])
texts = st.builds(
    Text,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["01", "+1", "2020-01-02Z"]),
    st.sampled_from(["", "http://x/type", *(f"http://www.w3.org/2001/XMLSchema#{x}" for x in ("date", "integer"))]),
)
texts = texts | st.builds(Text, st.text("ab\n\"\\'", max_size=4), language=st.sampled_from(["en", "de-at"]))
triples = st.builds(Triple, iris | blanks, properties, iris | blanks | texts)
FRAME = [
    Triple(Blank("n0"), Iri("http://www.w3.org/1999/02/22-rdf-syntax-ns#type"),
           Iri("http://www.w3.org/2002/07/owl#Axiom")),
    Triple(Blank("n0"), Iri("http://www.w3.org/2002/07/owl#annotatedSource"),
           Iri("https://w3id.org/lesionkg/label/T_3")),
    Triple(Blank("n0"), Iri("http://www.w3.org/2002/07/owl#annotatedProperty"),
           Iri("http://www.w3.org/2000/01/rdf-schema#subClassOf")),
    Triple(Blank("n0"), Iri("http://www.w3.org/2002/07/owl#annotatedTarget"),
           Iri("https://w3id.org/lesionkg/label/T_2")),
    Triple(Blank("n0"), Iri("http://purl.org/dc/terms/source"), Text("made")),
    Triple(Blank("n0"), Iri("https://w3id.org/lesionkg/vocabulary#kind"), Text("PART_OF")),
]  # fmt: skip
SAYS_SOMETHING = Triple(Blank("n0"), Iri("http://x/p"), Text(""))


@quick
@given(
    statements=st.lists(triples, min_size=1, max_size=10),
    framed=st.booleans(),
    suffix=st.sampled_from(SUFFIXES),
    profile=st.sampled_from(PROFILES),
)
@example(
    statements=[Triple(Blank("n0"), Iri("http://purl.org/dc/terms/source"), Text("")), SAYS_SOMETHING],
    framed=True,
    suffix=".ttl",
    profile="strict",
)
@example(statements=[SAYS_SOMETHING], framed=True, suffix=".ttl", profile="strict")
def test_any_statements_come_back_as_they_were(
    statements: list[Triple], framed: bool, suffix: str, profile: str, tmp_path: Path
) -> None:
    foreign = tuple(canonical(found) for found in components([*statements, *(FRAME if framed else [])]))
    odd = replace(MODELLED, foreign=foreign)
    write_owl(odd, tmp_path / f"x{suffix}", profile)
    first = (tmp_path / f"x{suffix}").read_bytes()
    back = load_owl(tmp_path / f"x{suffix}")
    assert back == odd
    write_owl(back, tmp_path / f"x{suffix}", profile)
    assert (tmp_path / f"x{suffix}").read_bytes() == first


@quick
@given(st.lists(triples, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_canonical_text_knows_no_order_and_no_names(statements: list[Triple], seed: random.Random) -> None:
    names = [Blank(f"m{i}") for i in seed.sample(range(100), 4)]

    def renamed(node: Iri | Blank | Text) -> Iri | Blank | Text:
        return names[int(node.name[1:])] if isinstance(node, Blank) else node

    others = [Triple(renamed(t.subject), t.predicate, renamed(t.object)) for t in statements]  # type: ignore[arg-type]
    seed.shuffle(others)
    first = sorted(canonical(found) for found in components(statements))
    assert sorted(canonical(found) for found in components(others)) == first
    for text in first:
        assert canonical(parse(text)) == text
        require_canonical(text)


@quick
@given(st.lists(triples, min_size=1, max_size=12))
def test_canonical_text_says_what_rdf_says(statements: list[Triple]) -> None:
    text = "\n".join(canonical(found) for found in components(statements)[:1])
    graph = Graph().parse(data=text, format="nt")
    assert len(graph) == len(set(components(statements)[0]))
    assert all(isinstance(p, URIRef) for p in graph.predicates())
    assert len({n for n in graph.all_nodes() if isinstance(n, BNode)}) == len(
        {n for t in components(statements)[0] for n in (t.subject, t.object) if isinstance(n, Blank)}
    )


def test_a_relation_that_an_editor_repeats_with_a_comment_is_one_more_of_an_unknown_source(tmp_path: Path) -> None:
    edited = with_statements(axiom(LUNG, "rdfs:subClassOf", CHEST, "rdfs:comment 'again'"), tmp_path)
    assert set(edited.relations) - set(MODELLED.relations) == {Relation("T:2", RelationKind.IS_A, "T:1")}
    assert read(written(edited, tmp_path)) == edited
