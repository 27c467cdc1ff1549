"""Any small ontology (synthetic), for property tests of file formats."""

from __future__ import annotations

from hypothesis import strategies as st

from kg.ontology import (
    ExclusionException,
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

IDS = ("LKG:0000001", "T:2", "a b", "=3")
FOREIGN = (
    '<http://example.org/a> <http://example.org/b> "c \\"d\\" \\n" .',
    "<http://example.org/a> <http://example.org/b> _:b0 .\n_:b0 <http://example.org/b> <http://example.org/c> .",
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["=1+1", "'=1", "-", "@x", '"', 'a "b"', "\r", "a\nb", "\t", "#", "semapv:LexicalMatching: why", "'", "a | b"]
)
label_ids = st.sampled_from(IDS)
provenance = st.tuples(texts, texts, texts, texts)
synonyms = st.builds(Synonym, texts, st.sampled_from(SynonymScope), texts)
terms = st.sampled_from(["RID1", "RID1_RID2", "SCTID:1", "=x"]) | texts
mappings = st.builds(TermMapping, terms, texts, st.sampled_from(MatchKind), texts)


@st.composite
def ontologies(draw: st.DrawFn, names: st.SearchStrategy[str] = texts) -> Ontology:
    """Synthetic: four labels with any texts and any statements about them, loops and contradictions included."""
    labels = [
        Label(
            label_id,
            draw(names),
            draw(st.sampled_from(LabelClass)),
            tuple(draw(st.lists(synonyms, max_size=2))),
            draw(texts),
            tuple(draw(st.lists(mappings, max_size=2))),
            draw(st.booleans()),
            draw(st.just("") | label_ids),
            draw(texts),
        )
        for label_id in IDS
    ]
    pairs = st.tuples(label_ids, label_ids)
    relations = st.builds(lambda p, k, s: Relation(p[0], k, p[1], *s), pairs, st.sampled_from(RelationKind), provenance)
    soft = st.builds(lambda p, k, s: SoftRelation(p[0], k, p[1], *s), pairs, st.sampled_from(SoftKind), provenance)
    apart = st.builds(lambda p, s: ExclusivePair(*p, *s), pairs, provenance)
    together = st.builds(lambda p, s: ExclusionException(*p, *s), pairs, provenance)
    groups = st.builds(ExclusiveGroup, texts, st.lists(label_ids, max_size=3).map(tuple), texts)
    columns = st.lists(label_ids, max_size=3, unique=True).map(tuple)
    sets = st.builds(LabelSet, texts, columns, texts)
    return Ontology(
        name=draw(texts),
        version=draw(texts),
        notices=tuple(draw(st.lists(texts, max_size=2))),
        labels=tuple(labels),
        relations=tuple(draw(st.lists(relations, max_size=3))),
        exclusive_pairs=tuple(draw(st.lists(apart, max_size=3))),
        exclusive_groups=tuple(draw(st.lists(groups, max_size=2, unique_by=lambda g: g.id))),
        soft_relations=tuple(draw(st.lists(soft, max_size=2))),
        label_sets=tuple(draw(st.lists(sets, max_size=2, unique_by=lambda s: (s.name, s.version)))),
        exceptions=tuple(draw(st.lists(together, max_size=2))),
        foreign=tuple(draw(st.lists(st.sampled_from(FOREIGN), max_size=2))),
    )
