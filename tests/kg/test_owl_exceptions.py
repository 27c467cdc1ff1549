"""Exceptions to inherited exclusion in OWL: an annotation to read back, and for a reasoner exactly what is left."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import made_ontology
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import Graph, URIRef

from kg import algebra
from kg import owl_vocabulary as v
from kg.closures import Closures
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    Ontology,
    Relation,
    RelationKind,
)
from kg.owl import load_owl, write_owl
from kg.owl_exclusion import strict_exclusion
from kg.reasoner import classify
from kg.shipped import load_shipped

PROFILES, SUFFIXES = ("training", "strict"), (".ttl", ".owl")
quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
IDS = [f"T:{i}" for i in range(8)]
label_ids = st.sampled_from(IDS)


@st.composite
def ontologies(draw: st.DrawFn) -> Ontology:
    """Synthetic: eight labels, any hierarchy among them, exclusions, exceptions and merged labels."""
    upwards = [(a, b) for a, b in combinations(IDS, 2)]
    order = upwards if draw(st.booleans()) else [*upwards, *((b, a) for a, b in upwards)]
    parents = draw(st.lists(st.sampled_from(order), max_size=9, unique=True))
    merged = draw(st.dictionaries(label_ids, label_ids, max_size=2))
    pairs = st.builds(ExclusivePair, label_ids, label_ids, st.sampled_from(["", "a", "b"]))
    groups = st.builds(ExclusiveGroup, st.sampled_from(["g", "h"]), st.lists(label_ids, max_size=4).map(tuple))
    exceptions = st.builds(ExclusionException, label_ids, label_ids, st.sampled_from(["", "a"]), st.just("somebody"))
    return Ontology(
        name="any",
        labels=tuple(
            Label(i, f"label {i}", LabelClass.TYPE, deprecated=i in merged, replaced_by=merged.get(i, "")) for i in IDS
        ),
        relations=tuple(Relation(a, RelationKind.IS_A, b, "made") for a, b in parents),
        exclusive_pairs=tuple(draw(st.lists(pairs, max_size=3))),
        exclusive_groups=tuple(draw(st.lists(groups, max_size=2, unique_by=lambda g: g.id))),
        exceptions=tuple(draw(st.lists(exceptions, max_size=3))),
    )


def seen_by_a_reasoner(path: Path) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Ancestor pairs and pairs that are never together, from nothing but subclass and disjointness axioms."""
    graph = Graph().parse(path)

    def labels(nodes: object) -> list[str]:
        return [v.decode_id(str(n).removeprefix(v.LABELS)) for n in nodes]  # type: ignore[attr-defined]

    above = [labels(pair) for pair in graph.subject_objects(URIRef(v.expand("rdfs:subClassOf")))]
    apart = [labels(pair) for pair in graph.subject_objects(URIRef(v.expand("owl:disjointWith")))]
    for members in graph.objects(None, URIRef(v.expand("owl:members"))):
        apart += [list(pair) for pair in combinations(labels(graph.items(members)), 2)]
    nothing = v.expand("owl:Nothing")
    apart += [[low, low] for low, high in above if high == nothing]
    index = {i: n for n, i in enumerate(IDS)}
    closed = algebra.closure(
        algebra.from_pairs([(index[a], index[b]) for a, b in above if a in index and b in index], len(IDS))  # type: ignore[arg-type]
    )
    exclusive = algebra.from_pairs([(index[a], index[b]) for a, b in apart], len(IDS), symmetric=True)  # type: ignore[arg-type]
    inherited = algebra.inherit_exclusive(exclusive, closed)
    return _ids(closed), _ids(inherited)


def _ids(matrix: algebra.BoolMatrix) -> set[tuple[str, str]]:
    return {(IDS[i], IDS[j]) for i, j in algebra.to_pairs(matrix)}


@quick
@given(ontology=ontologies())
def test_a_reasoner_sees_the_computed_exclusion_and_the_file_the_asserted_one(
    ontology: Ontology, tmp_path: Path
) -> None:
    path = tmp_path / "x.ttl"
    write_owl(ontology, path, "strict")
    assert load_owl(path) == ontology
    closures = Closures(ontology)
    ancestors, exclusive = seen_by_a_reasoner(path)
    # A label merged into itself says nothing to a reasoner.
    themselves = {(i, i) for i in IDS}
    assert ancestors - themselves == _ids(closures.ancestors) - themselves
    assert exclusive == _ids(closures.exclusive)


@quick
@given(ontology=ontologies(), profile=st.sampled_from(PROFILES), suffix=st.sampled_from(SUFFIXES))
def test_exceptions_and_merged_labels_survive_every_file(
    ontology: Ontology, profile: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"x{suffix}"
    write_owl(ontology, path, profile)
    first = path.read_bytes()
    back = load_owl(path)
    assert back == ontology
    write_owl(back, path, profile)
    assert path.read_bytes() == first


def test_the_provenance_of_an_exception_survives(tmp_path: Path) -> None:
    noted = ExclusionException("T:8", "T:7", "seen", "somebody", "2026-11-21", "3 lesions")
    made = replace(made_ontology.small(), exceptions=(noted, replace(noted, source="another")))
    for suffix in SUFFIXES:
        for profile in PROFILES:
            write_owl(made, tmp_path / f"x{suffix}", profile)
            assert load_owl(tmp_path / f"x{suffix}").exceptions == made.exceptions


def test_a_file_without_anything_new_is_one_that_older_programs_read(tmp_path: Path) -> None:
    plain = replace(made_ontology.small(), labels=tuple(k for k in made_ontology.small().labels if not k.deprecated),
                    soft_relations=())  # fmt: skip
    write_owl(plain, tmp_path / "x.ttl")
    assert 'lkg:format "1"' in (tmp_path / "x.ttl").read_text()
    write_owl(replace(plain, exceptions=(ExclusionException("T:7", "T:8"),)), tmp_path / "x.ttl")
    assert 'lkg:format "2"' in (tmp_path / "x.ttl").read_text()
    write_owl(made_ontology.small(), tmp_path / "x.ttl")
    assert 'lkg:format "2"' in (tmp_path / "x.ttl").read_text(), "an older program would take it for an is_a relation"


def test_an_exception_to_dangling_labels_is_written_too(tmp_path: Path) -> None:
    odd = replace(made_ontology.small(), exceptions=(ExclusionException("T:77", "T:8"),))
    write_owl(odd, tmp_path / "x.ttl", "strict")
    assert load_owl(tmp_path / "x.ttl") == odd


def test_abdomen_and_pelvis_may_meet_in_the_rectum_and_stay_apart_elsewhere(tmp_path: Path) -> None:
    """The released ontology makes rectum and sigmoid colon impossible; an exception each mends what the repair cut."""
    released = load_shipped("lesanet-released")
    ids = {name: released.label(name).id for name in ("abdomen", "pelvis", "rectum", "sigmoid colon", "uterus")}
    mended = replace(
        released,
        exceptions=tuple(ExclusionException(ids[x], ids[x], "test") for x in ("rectum", "sigmoid colon")),
    )
    write_owl(mended, tmp_path / "x.owl", "strict")
    assert load_owl(tmp_path / "x.owl") == mended
    closures = Closures(mended)
    impossible = {mended.labels[i].name for i in closures.exclusive.diagonal().nonzero()[0]}
    assert impossible == {"pretracheal lymph node", "esophagus lymph node", "gastrohepatic ligament"}
    found = classify(mended)
    assert {mended.label(i).name for i in found.unsatisfiable} == impossible
    assert not closures.exclusive[closures.index[ids["abdomen"]], closures.index[ids["pelvis"]]]
    assert closures.exclusive[closures.index[ids["abdomen"]], closures.index[ids["uterus"]]]
    assert strict_exclusion(mended).inferred


def test_what_was_computed_before_an_edit_is_not_read_back(tmp_path: Path) -> None:
    made = replace(made_ontology.small(), exceptions=(ExclusionException("T:4", "T:2"),))
    write_owl(made, tmp_path / "x.ttl", "strict")
    text = (tmp_path / "x.ttl").read_text(encoding="utf-8")
    assert "lkg:inferred true" in text
    edited = "\n".join(line for line in text.splitlines() if "compatibleWith label" not in line)
    (tmp_path / "x.ttl").write_text(edited, encoding="utf-8")
    assert load_owl(tmp_path / "x.ttl") == made_ontology.small()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_comment_on_an_exception_stays_with_it(profile: str, tmp_path: Path) -> None:
    made = replace(made_ontology.small(), exceptions=(ExclusionException("T:4", "T:2", "seen"),))
    write_owl(made, tmp_path / "x.ttl", profile)
    text = (tmp_path / "x.ttl").read_text(encoding="utf-8")
    (tmp_path / "x.ttl").write_text(text.replace('"seen"', '"seen" ; rdfs:comment "why"'), encoding="utf-8")
    noted = load_owl(tmp_path / "x.ttl")
    assert len(noted.foreign) == 1
    assert replace(noted, foreign=()) == made
    for other in PROFILES:
        write_owl(noted, tmp_path / "y.ttl", other)
        assert load_owl(tmp_path / "y.ttl") == noted
        assert 'lkg:kept "' not in (tmp_path / "y.ttl").read_text(encoding="utf-8")


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(ontology=ontologies())
def test_hermit_agrees_with_the_closures(ontology: Ontology) -> None:
    closures = Closures(ontology)
    impossible = {IDS[i] for i in closures.exclusive.diagonal().nonzero()[0]}
    found = classify(ontology)
    assert set(found.unsatisfiable) == impossible
    possible = {(a, b) for a, b in _ids(closures.ancestors) if a != b and a not in impossible}
    assert {(a, b) for a, b in found.subsumptions if a not in impossible} == possible
