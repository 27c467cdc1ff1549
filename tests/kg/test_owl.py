"""OWL files: what is written can be read back, unchanged, by us and by other tools."""

from __future__ import annotations

import difflib
import os
import random
import re
import subprocess
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import Graph

from kg.errors import InputError, OntologyError, UsageError
from kg.ontology import (
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    MatchKind,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
    TermMapping,
)
from kg.owl import load_owl, write_owl
from kg.reasoner import _package, bundled_java
from kg.shipped import load_shipped

REPAIRED = Path(__file__).resolve().parents[2] / "ontologies" / "lesanet-repaired.ttl"
PROFILES = ("training", "strict")
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

LUNG, LOBE, NODULE, CYST = (f"LKG:000000{i}" for i in range(1, 5))


@pytest.fixture
def small() -> Ontology:
    """Synthetic: a little of everything that an ontology can say."""
    return Ontology(
        name="small",
        version="7",
        labels=(
            Label(
                LUNG, "lung", LabelClass.BODYPART, definition='Organ of "breathing".\nOne of two.', source="x",
                synonyms=(Synonym("pulmonary", SynonymScope.EXACT, "a"), Synonym("pulmonary", SynonymScope.EXACT, "b")),
                mappings=(TermMapping("RID1301", "lung", MatchKind.EXACT, "semapv:LexicalMatching"),),
            ),
            Label(LOBE, "left\tupper lobe", LabelClass.BODYPART, synonyms=(Synonym("LUL"), Synonym("LUL", source="c"))),
            Label(NODULE, "nodule", LabelClass.TYPE, deprecated=True, replaced_by=CYST),
            Label(CYST, "cyst", LabelClass.TYPE),
        ),
        relations=(
            Relation(LOBE, RelationKind.PART_OF, LUNG, "here", "a curator", "2026-11-21", "reviewed"),
            Relation(LOBE, RelationKind.IS_A, LUNG, "RadLex"),
            Relation(NODULE, RelationKind.LOCATED_IN, LUNG),
        ),
        exclusive_pairs=(ExclusivePair(NODULE, CYST), ExclusivePair(NODULE, CYST, "b"), ExclusivePair(LOBE, LOBE)),
        exclusive_groups=(
            ExclusiveGroup("g:1", (LUNG, NODULE, CYST), "here"),
            ExclusiveGroup("pair", (LOBE, CYST)),
            ExclusiveGroup("one", (LUNG,)),
        ),
        soft_relations=(SoftRelation(CYST, SoftKind.CONFUSABLE_WITH, NODULE, evidence="17 lesions"),),
        label_sets=(
            LabelSet("of two/é", (NODULE, LUNG)),
            LabelSet("of two/é", (CYST, NODULE, LUNG), "2.0"),
            LabelSet("none", ()),
        ),
        notices=("Second.\nWith \"quotes\"", "First"),
    )  # fmt: skip


def round_trip(ontology: Ontology, folder: Path, profile: str, suffix: str) -> Ontology:
    path = folder / f"{profile}{suffix}"
    write_owl(ontology, path, profile)
    return load_owl(path)


# ---- every ontology ------------------------------------------------------------------------------------------------

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
xml_text = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12)
xml_text = st.one_of(xml_text, st.sampled_from(["\r", "a\r\nb", "\t\n", " x ", "]]>", "<&>\"'", "&lol;"]))


@st.composite
def ontologies(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> Ontology:
    some = st.one_of(st.just(""), texts)
    odd_ids = st.one_of(st.from_regex(r"LKG:\d{7}", fullmatch=True), texts.filter(bool))
    ids = draw(st.lists(odd_ids, min_size=1, max_size=6, unique=True))
    label_id = st.sampled_from(ids)
    objects = st.one_of(st.just("RID1301"), texts.filter(bool))
    synonyms = st.lists(st.builds(Synonym, texts, st.sampled_from(SynonymScope), some), max_size=3).map(tuple)
    mappings = st.lists(st.builds(TermMapping, objects, some, st.sampled_from(MatchKind), some), max_size=3).map(tuple)
    labels = [
        Label(
            i, draw(texts), draw(st.sampled_from(LabelClass)), draw(synonyms), draw(some), draw(mappings),
            draw(st.booleans()), draw(st.one_of(st.just(""), label_id)), draw(some),
        )
        for i in ids
    ]  # fmt: skip
    provenance = (some, some, some, some)
    groups = st.builds(ExclusiveGroup, texts, st.lists(label_id, max_size=4).map(tuple), some)
    relations = st.builds(Relation, label_id, st.sampled_from(RelationKind), label_id, *provenance)
    pairs = st.builds(ExclusivePair, label_id, label_id, *provenance)
    soft = st.builds(SoftRelation, label_id, st.sampled_from(SoftKind), label_id, *provenance)
    label_sets = st.builds(LabelSet, texts, st.permutations(ids).map(tuple), texts)
    return Ontology(
        name=draw(texts),
        labels=tuple(labels),
        relations=tuple(draw(st.lists(relations, max_size=6))),
        exclusive_pairs=tuple(draw(st.lists(pairs, max_size=5))),
        exclusive_groups=tuple(draw(st.lists(groups, max_size=3, unique_by=lambda g: g.id))),
        soft_relations=tuple(draw(st.lists(soft, max_size=4))),
        label_sets=tuple(draw(st.lists(label_sets, max_size=3, unique_by=lambda s: (s.name, s.version)))),
        notices=tuple(draw(st.lists(texts.filter(bool), max_size=3))),
        version=draw(texts),
    )  # fmt: skip


@quick
@given(ontology=ontologies(any_text), profile=st.sampled_from(PROFILES))
def test_turtle_keeps_any_ontology_with_any_characters(ontology: Ontology, profile: str, tmp_path: Path) -> None:
    back = round_trip(ontology, tmp_path, profile, ".ttl")
    assert back == ontology
    assert back.notices == tuple(sorted(set(ontology.notices)))


@quick
@given(ontology=ontologies(xml_text), profile=st.sampled_from(PROFILES))
def test_rdf_xml_keeps_any_ontology_with_characters_that_xml_has(
    ontology: Ontology, profile: str, tmp_path: Path
) -> None:
    back = round_trip(ontology, tmp_path, profile, ".owl")
    assert back == ontology
    assert back.notices == tuple(sorted(set(ontology.notices)))


@quick
@given(ontology=ontologies(any_text), seed=st.randoms(use_true_random=False))
def test_the_bytes_depend_on_content_alone(ontology: Ontology, seed: random.Random, tmp_path: Path) -> None:
    def shuffled(values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(seed.sample(values, len(values)))

    fields = ("labels", "relations", "exclusive_pairs", "exclusive_groups", "soft_relations", "label_sets", "notices")
    other = replace(ontology, **{name: shuffled(getattr(ontology, name)) for name in fields})
    write_owl(ontology, tmp_path / "a.ttl")
    write_owl(other, tmp_path / "b.ttl")
    assert (tmp_path / "a.ttl").read_bytes() == (tmp_path / "b.ttl").read_bytes()


# ---- real and small ones -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".ttl", ".owl", ".rdf"])
@pytest.mark.parametrize("profile", PROFILES)
def test_everything_an_ontology_says_survives(small: Ontology, profile: str, suffix: str, tmp_path: Path) -> None:
    assert round_trip(small, tmp_path, profile, suffix) == small


@pytest.mark.parametrize(("name", "profile"), [("lesanet-released", "strict"), ("lesanet-repaired", "training")])
def test_the_shipped_ontologies_survive_both_formats(name: str, profile: str, tmp_path: Path) -> None:
    ontology = load_shipped(name)
    back = round_trip(ontology, tmp_path, profile, ".ttl")
    back = round_trip(back, tmp_path, profile, ".owl")
    assert back == ontology
    assert back.content_hash == ontology.content_hash
    assert back.notices == ontology.notices
    first = (tmp_path / f"{profile}.ttl").read_bytes()
    write_owl(back, tmp_path / f"{profile}.ttl", profile)
    assert (tmp_path / f"{profile}.ttl").read_bytes() == first


def changed_lines(before: Path, after: Path) -> tuple[list[str], list[str]]:
    lines = list(difflib.unified_diff(before.read_text().splitlines(), after.read_text().splitlines(), n=0))[2:]
    return [x[1:] for x in lines if x.startswith("-")], [x[1:] for x in lines if x.startswith("+")]


def test_a_text_diff_shows_just_the_edit(tmp_path: Path) -> None:
    ontology = load_shipped()
    child, parent = ontology.label("hemangioma"), ontology.label("liver")
    edited = replace(ontology, relations=(*ontology.relations, Relation(child.id, RelationKind.LOCATED_IN, parent.id)))
    write_owl(ontology, tmp_path / "before.ttl")
    write_owl(edited, tmp_path / "after.ttl")
    removed, added = changed_lines(tmp_path / "before.ttl", tmp_path / "after.ttl")
    assert removed == []
    assert len(added) == 2
    assert "rdfs:subClassOf" in added[0]
    assert added[0].endswith("# liver")
    assert 'lkg:kind "LOCATED_IN"' in added[1]
    assert added[1].endswith("# hemangioma > liver")


def test_the_profiles_differ_in_exclusion_alone(small: Ontology, tmp_path: Path) -> None:
    for profile in PROFILES:
        write_owl(small, tmp_path / f"{profile}.ttl", profile)
    removed, added = changed_lines(tmp_path / "training.ttl", tmp_path / "strict.ttl")
    training, strict = "\n".join(removed), "\n".join(added)
    assert "exclusiveWith" in training
    assert "memberOfGroup" in training
    assert "isjoint" not in (tmp_path / "training.ttl").read_text()
    assert "owl:disjointWith" in strict
    assert "owl:AllDisjointClasses" in strict
    assert "exclusiveWith label:" not in (tmp_path / "strict.ttl").read_text()


def test_the_kinds_of_relations_can_be_asked_for_in_sparql() -> None:
    graph = Graph().parse(REPAIRED.read_bytes(), format="turtle")
    rows = graph.query(
        """
        PREFIX lkg: <https://w3id.org/lesionkg/vocabulary#>
        SELECT ?name WHERE {
            [] a owl:Axiom ; owl:annotatedSource ?child ; owl:annotatedProperty rdfs:subClassOf ;
               owl:annotatedTarget [ rdfs:label "left lung" ] ; lkg:kind "PART_OF" .
            ?child rdfs:label ?name .
        }
        """
    )
    assert {str(row[0]) for row in rows} >= {"left upper lung", "left lower lobe", "lingula"}


def test_owlready2_sees_a_finding_class_for_each_label(tmp_path: Path) -> None:
    owlready2 = pytest.importorskip("owlready2")
    ontology = load_shipped()
    write_owl(ontology, tmp_path / "x.owl", "strict")
    world = owlready2.World()
    with (tmp_path / "x.owl").open("rb") as file:
        loaded = world.get_ontology("https://w3id.org/lesionkg/ontology/lesanet-repaired").load(fileobj=file)
    body_part = world["https://w3id.org/lesionkg/vocabulary#BodyPartFinding"]
    lung = world["https://w3id.org/lesionkg/label/LKG_0000002"]
    assert len(list(loaded.classes())) == 333 + 4
    assert lung.label == ["lung"]
    assert body_part in lung.is_a
    assert world["https://w3id.org/lesionkg/label/LKG_0000014"] in lung.ancestors()


def test_licence_texts_travel_inside(shared_data: Path) -> None:
    text = REPAIRED.read_text(encoding="utf-8")
    assert (shared_data / "lesanet" / "LICENSE").read_text().strip() in text
    assert "RadLex" in text
    assert "RSNA" in text
    assert "modifications" in text


# ---- what other tools save -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_what_the_owl_api_saves_loads_as_it_was(small: Ontology, profile: str, tmp_path: Path) -> None:
    """The OWL API is the library inside Protégé; a copy ships with HermiT."""
    for ontology in (small, load_shipped()) if profile == "strict" else (small,):
        write_owl(ontology, tmp_path / "ours.owl", profile)
        hermit = _package("owlready2") / "hermit"
        subprocess.run(
            [str(bundled_java()), "-cp", f"{hermit}{os.pathsep}{hermit / 'HermiT.jar'}", "Save",
             str(tmp_path / "ours.owl"), "rdf", str(tmp_path / "saved.owl")],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        assert "http://owlapi" in (tmp_path / "saved.owl").read_text(encoding="utf-8")
        assert load_owl(tmp_path / "saved.owl") == ontology


def with_entities(text: str, namespaces: dict[str, str]) -> str:
    """RDF/XML in which IRIs are abbreviated by internal entities, as Protégé does."""
    declared = "".join(f'    <!ENTITY {name} "{iri}" >\n' for name, iri in namespaces.items())
    for name, iri in namespaces.items():
        text = re.sub(rf'(rdf:(?:about|resource|datatype)="){re.escape(iri)}', rf"\1&{name};", text)
    return text.replace("<rdf:RDF", f"\n<!DOCTYPE rdf:RDF [\n{declared}]>\n<rdf:RDF", 1)


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1"])
def test_protege_entities_and_another_order_make_no_difference(encoding: str, tmp_path: Path) -> None:
    ontology = load_shipped()
    write_owl(ontology, tmp_path / "x.owl")
    text = (tmp_path / "x.owl").read_text(encoding="utf-8")
    head, *elements = re.split(r"(?m)^(?=  <[^/])", text.removesuffix("</rdf:RDF>\n"))
    random.Random(5).shuffle(elements)
    text = with_entities(
        head + "".join(elements) + "</rdf:RDF>\n",
        {"owl": "http://www.w3.org/2002/07/owl#", "label": "https://w3id.org/lesionkg/label/"},
    )
    assert "&label;LKG_0000001" in text
    (tmp_path / "x.owl").write_bytes(text.replace("UTF-8", encoding, 1).encode(encoding, "xmlcharrefreplace"))
    assert load_owl(tmp_path / "x.owl") == ontology


def test_turtle_in_a_file_called_owl_is_read_as_turtle(small: Ontology, tmp_path: Path) -> None:
    write_owl(small, tmp_path / "x.ttl")
    assert load_owl((tmp_path / "x.ttl").rename(tmp_path / "x.owl")) == small


def add(small: Ontology, tmp_path: Path, statements: str) -> Path:
    path = tmp_path / "edited.ttl"
    write_owl(small, path, "strict")
    path.write_text(path.read_text(encoding="utf-8") + statements + "\n", encoding="utf-8")
    return path


def test_a_subclass_axiom_added_by_hand_is_an_is_a_relation(small: Ontology, tmp_path: Path) -> None:
    path = add(small, tmp_path, "label:LKG_0000004 rdfs:subClassOf label:LKG_0000001 .")
    assert set(load_owl(path).relations) - set(small.relations) == {Relation(CYST, RelationKind.IS_A, LUNG)}


def test_disjoint_classes_added_by_hand_are_exclusive_pairs(small: Ontology, tmp_path: Path) -> None:
    members = "label:LKG_0000001 label:LKG_0000002 label:LKG_0000004"
    path = add(small, tmp_path, f"[] a owl:AllDisjointClasses ; owl:members ( {members} ) .")
    pairs = {ExclusivePair(a, b) for a, b in combinations((LUNG, LOBE, CYST), 2)}
    assert set(load_owl(path).exclusive_pairs) - set(small.exclusive_pairs) == pairs


# ---- bad input -----------------------------------------------------------------------------------------------------


def refused(path: Path, kind: type[Exception] = InputError) -> str:
    with pytest.raises(kind) as caught:
        load_owl(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("suffix", [".ttl", ".owl"])
@pytest.mark.parametrize("profile", PROFILES)
def test_a_file_cut_off_anywhere_is_refused(small: Ontology, profile: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    write_owl(small, path, profile)
    whole = path.read_bytes()
    last = len(whole.rstrip()) - 1
    for length in sorted({0, 1, 7, last, last - 1, *random.Random(3).sample(range(last), 40)}):
        path.write_bytes(whole[:length])
        refused(path)


@quick
@given(data=st.data())
@pytest.mark.parametrize("suffix", [".ttl", ".owl"])
def test_a_damaged_file_is_read_or_refused_but_never_crashes(
    small: Ontology, suffix: str, data: st.DataObject, tmp_path: Path
) -> None:
    path = tmp_path / f"x{suffix}"
    write_owl(small, path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path.write_bytes(content)
    try:
        load_owl(path)
    except InputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        pytest.param(".ttl", b"", id="empty"),
        pytest.param(".owl", b"", id="empty XML"),
        pytest.param(".ttl", b"\x89PNG\r\n\x1a\n\x00\x00", id="a picture"),
        pytest.param(".owl", b"\x89PNG\r\n\x1a\n\x00\x00", id="a picture as XML"),
        pytest.param(".ttl", b"id\tname\nLKG:0000001\tlung\n", id="a table"),
        pytest.param(".ttl", b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(".ttl", b"<http://x/a> <http://x/b> <http://x/c> .", id="somebody else's Turtle"),
        pytest.param(".ttl", b"<http://x/a> a <http://www.w3.org/2002/07/owl#Ontology> .", id="somebody else's OWL"),
        pytest.param(".ttl", b"( " * 3000, id="nested too deep"),
        pytest.param(".owl", b"<html><body/></html>", id="a web page"),
        pytest.param(".owl", b'<Ontology xmlns="http://www.w3.org/2002/07/owl#"/>', id="OWL/XML"),
        pytest.param(".owl", b'{"graphs": []}', id="JSON"),
    ],
)
def test_a_file_that_is_no_ontology_of_ours_gives_one_line(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        pytest.param("label:LKG_0000001 rdfs:label 'another name' .", "rdfs:label", id="two names"),
        pytest.param("label:LKG_0000009 a owl:Class ; rdfs:subClassOf lkg:TypeFinding .", "rdfs:label", id="no name"),
        pytest.param("label:LKG_0000001 rdfs:subClassOf lkg:TypeFinding .", "2 label classes", id="two classes"),
        pytest.param("label:LKG_0000009 a owl:Class ; rdfs:label 'x' .", "0 label classes", id="no class"),
        pytest.param("label:LKG_0000001 obo:IAO_0100001 label:A, label:B .", "replaced", id="two replacements"),
        pytest.param("label:LKG_0000001 lkg:inLabelSet <http://x/set> .", "position", id="an unknown label set"),
        pytest.param("label:LKG_0000001 lkg:memberOfGroup <http://x/g> .", "not declared", id="an unknown group"),
        pytest.param("[] a owl:AllDisjointClasses ; owl:members [] .", "list", id="a broken list"),
        pytest.param("_:l rdf:first label:A ; rdf:rest _:l . [] a owl:AllDisjointClasses ; owl:members _:l .", "list",
                     id="a list in a circle"),
        pytest.param("[] a owl:Axiom ; lkg:kind 'IS_A' .", "axiom", id="an axiom about nothing"),
        pytest.param("label:LKG_0000004 rdfs:subClassOf label:LKG_0000001 . [] a owl:Axiom ; owl:annotatedSource "
                     "label:LKG_0000004 ; owl:annotatedProperty rdfs:subClassOf ; "
                     "owl:annotatedTarget label:LKG_0000001 ; lkg:kind 'EATS' .", "'EATS'", id="an unknown kind"),
        pytest.param("<http://x/o> a owl:Ontology ; lkg:format '1' .", "2 lesion ontologies", id="two ontologies"),
        pytest.param("<https://w3id.org/lesionkg/ontology/small> lkg:format '3' .", "lkg:format", id="two formats"),
    ],
)  # fmt: skip
def test_a_damaged_statement_is_named(small: Ontology, statements: str, says: str, tmp_path: Path) -> None:
    assert says in refused(add(small, tmp_path, statements))


def test_a_newer_format_asks_for_an_update(small: Ontology, tmp_path: Path) -> None:
    path = add(small, tmp_path, "")
    path.write_text(path.read_text(encoding="utf-8").replace('lkg:format "2"', 'lkg:format "3"'), encoding="utf-8")
    assert "update lesionkg" in refused(path)


def test_a_missing_file_a_folder_and_an_unknown_suffix_are_named(small: Ontology, tmp_path: Path) -> None:
    refused(tmp_path / "absent.ttl")
    (tmp_path / "folder.ttl").mkdir()
    refused(tmp_path / "folder.ttl")
    refused(tmp_path / "x.obo", UsageError)
    with pytest.raises(UsageError, match="suffix"):
        write_owl(small, tmp_path / "x.json")
    with pytest.raises(UsageError, match="profile"):
        write_owl(small, tmp_path / "x.ttl", "lax")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="written"):
        write_owl(small, tmp_path / "absent" / "x.ttl")


def test_a_file_beyond_the_size_limit_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.owl.MOST_BYTES", 10)
    (tmp_path / "x.ttl").write_text("# far too long")
    assert "larger" in refused(tmp_path / "x.ttl")


def test_what_a_format_cannot_hold_is_refused_and_the_old_file_stays(small: Ontology, tmp_path: Path) -> None:
    path = tmp_path / "x.owl"
    write_owl(small, path)
    before = path.read_bytes()
    odd = replace(small, labels=(replace(small.labels[0], name="a\x00b"), *small.labels[1:]))
    with pytest.raises(OntologyError, match=r"U\+0000"):
        write_owl(odd, path)
    half = replace(small, labels=(replace(small.labels[0], name="\ud800"), *small.labels[1:]))
    with pytest.raises(OntologyError, match="half a character"):
        write_owl(half, tmp_path / "x.ttl")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.owl"]


@pytest.mark.parametrize(
    "twice",
    [
        pytest.param({"labels": (Label("A:1", "a", LabelClass.TYPE), Label("A:1", "b", LabelClass.TYPE))}, id="labels"),
        pytest.param({"exclusive_groups": (ExclusiveGroup("g", (LUNG,)), ExclusiveGroup("g", (CYST,)))}, id="groups"),
        pytest.param({"label_sets": (LabelSet("s", (LUNG,)), LabelSet("s", (CYST,)))}, id="label sets"),
    ],
)
def test_two_things_of_one_identity_cannot_be_written(small: Ontology, twice: dict, tmp_path: Path) -> None:
    with pytest.raises(OntologyError, match="used 2 times"):
        write_owl(replace(small, **twice), tmp_path / "x.ttl")


def test_references_that_do_not_resolve_are_kept_for_the_check(small: Ontology, tmp_path: Path) -> None:
    dangling = replace(
        small,
        relations=(
            Relation("LKG:0000099", RelationKind.IS_A, LUNG),
            Relation(LUNG, RelationKind.PART_OF, "LKG:0000098"),
        ),
    )
    for suffix in (".ttl", ".owl"):
        assert round_trip(dangling, tmp_path, "strict", suffix) == dangling
