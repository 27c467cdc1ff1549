"""Random small ontologies of every kind of fact, and changes of them, for property tests."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume
from hypothesis import strategies as st

from kg.curation.change_set import Change
from kg.curation.draft import facts_of, label_facts
from kg.curation.facts import Fact, Foreign, Header, LabelField, LabelMapping, LabelStatus, LabelSynonym, LabelText
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

IDS = ("LKG:0000001", "LKG:0000002", "T:3", "an odd <id>", "nodule", "x'#: \\ \"\n,")

any_text = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.sampled_from(
        ["", "lung", "it's", 'a "quote"', "two\nlines\r\t", "# no remark", "#: source 'x'", "\\n \\", "a\u2028b 🫁"]
    ),
)
filled = any_text.filter(lambda text: bool(text.strip()))
label_ids = st.sampled_from(IDS)
terms = st.one_of(st.sampled_from(["RID1301", "RID9", "RID 9", "radlex:RID9"]), filled)
synonyms = st.builds(Synonym, filled, st.sampled_from(SynonymScope), any_text)
mappings = st.builds(TermMapping, terms, any_text, st.sampled_from(MatchKind), any_text)
provenance = (any_text, any_text, any_text, any_text)


def _fold(synonym: Synonym) -> str:
    return " ".join(synonym.text.casefold().split())


labels = st.builds(
    Label,
    label_ids,
    filled,
    st.sampled_from(LabelClass),
    st.lists(synonyms, max_size=3, unique_by=_fold).map(tuple),
    any_text,
    st.lists(mappings, max_size=2, unique_by=lambda m: m.object_id).map(tuple),
    st.booleans(),
    st.one_of(st.just(""), label_ids),
    any_text,
)
relations = st.builds(Relation, label_ids, st.sampled_from(RelationKind), label_ids, *provenance)
pairs = st.builds(ExclusivePair, label_ids, label_ids, *provenance)
exceptions = st.builds(ExclusionException, label_ids, label_ids, *provenance)
soft_relations = st.builds(SoftRelation, label_ids, st.sampled_from(SoftKind), label_ids, *provenance)
groups = st.builds(ExclusiveGroup, filled, st.lists(label_ids, max_size=4).map(tuple), any_text)
label_sets = st.builds(LabelSet, any_text, st.permutations(IDS).map(tuple), any_text)
headers = st.builds(Header, any_text, any_text, st.lists(filled, max_size=2).map(tuple))
texts = st.builds(LabelText, label_ids, st.just(LabelField.CLASS), st.sampled_from(LabelClass).map(str)) | st.builds(
    LabelText, label_ids, st.sampled_from([LabelField.NAME, LabelField.DEFINITION, LabelField.SOURCE]), filled
)
statuses = st.builds(LabelStatus, label_ids, st.booleans(), st.one_of(st.just(""), label_ids))

facts: st.SearchStrategy[Fact] = st.one_of(
    labels, texts, statuses, st.builds(LabelSynonym, label_ids, synonyms), st.builds(LabelMapping, label_ids, mappings),
    relations, pairs, exceptions, soft_relations, groups, label_sets, st.builds(Foreign, filled), headers,
)  # fmt: skip
"""One fact of any kind."""


def _key(fact: Relation | ExclusivePair | ExclusionException | SoftRelation) -> tuple[object, ...]:
    match fact:
        case Relation():
            return fact.child, fact.kind, fact.parent, fact.source
        case SoftRelation():
            return fact.subject, fact.kind, fact.object, fact.source
        case _:
            return fact.a, fact.b, fact.source


@st.composite
def ontologies(draw: st.DrawFn) -> Ontology:
    """An ontology over all of ``IDS``; names differ, and no two facts have one key."""
    names = draw(st.lists(filled, min_size=len(IDS), max_size=len(IDS), unique=True))
    made = [draw(labels) for _ in IDS]
    return Ontology(
        name=draw(any_text),
        version=draw(any_text),
        notices=draw(st.lists(filled, max_size=2).map(tuple)),
        labels=tuple(
            Label(i, name, k.label_class, k.synonyms, k.definition, k.mappings, k.deprecated, k.replaced_by, k.source)
            for i, name, k in zip(IDS, names, made, strict=True)
        ),
        relations=tuple(draw(st.lists(relations, max_size=4, unique_by=_key))),
        exclusive_pairs=tuple(draw(st.lists(pairs, max_size=4, unique_by=_key))),
        exclusive_groups=tuple(draw(st.lists(groups, max_size=2, unique_by=lambda g: g.id))),
        exceptions=tuple(draw(st.lists(exceptions, max_size=2, unique_by=_key))),
        soft_relations=tuple(draw(st.lists(soft_relations, max_size=3, unique_by=_key))),
        label_sets=tuple(draw(st.lists(label_sets, max_size=2, unique_by=lambda s: s.name))),
        foreign=tuple(draw(st.lists(filled, max_size=2))),
    )


@st.composite
def changes(draw: st.DrawFn, ontology: Ontology) -> Change:
    """One change: a fact of the ontology taken away, or replaced by any of its kind, or any fact added."""
    what = draw(st.sampled_from(["add", "remove", "edit"]))
    if what == "add":
        return Change(None, draw(facts))
    present = [*facts_of(ontology), *(fact for label in ontology.labels for fact in label_facts(label))]
    kind = draw(st.sampled_from(sorted({type(fact) for fact in present}, key=lambda one: one.__name__)))
    before = draw(st.sampled_from([fact for fact in present if isinstance(fact, kind)]))
    if what == "remove":
        return Change(before, None)
    if isinstance(before, LabelText):
        classes = st.sampled_from(LabelClass).map(str)
        after: Fact = replace(before, text=draw(classes if before.field is LabelField.CLASS else any_text))
    else:
        other = draw(_OF_KIND[kind])
        names = before.__dataclass_fields__
        after = kind(**{name: getattr(before if draw(st.booleans()) else other, name) for name in names})
    assume(after != before)
    return Change(before, after)


_OF_KIND: dict[type, st.SearchStrategy[Fact]] = {
    Label: labels, LabelStatus: statuses, LabelSynonym: st.builds(LabelSynonym, label_ids, synonyms),
    LabelMapping: st.builds(LabelMapping, label_ids, mappings), Relation: relations, ExclusivePair: pairs,
    ExclusionException: exceptions, SoftRelation: soft_relations, ExclusiveGroup: groups, LabelSet: label_sets,
    Foreign: st.builds(Foreign, filled), Header: headers,
}  # fmt: skip
