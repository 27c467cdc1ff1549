"""The ontology that parsed OWL statements say, in whatever order and by whatever tool they were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from rdflib import Graph, URIRef
from rdflib.term import Node

from kg import owl_vocabulary as v
from kg.errors import InputError
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
from kg.owl_foreign import part
from kg.owl_statements import TYPE, Annotations, Statements, iri

_CLASS, _SUBCLASS, _DISJOINT = map(iri, ("owl:Class", "rdfs:subClassOf", "owl:disjointWith"))
_NAME, _VERSION, _MEMBERS = map(iri, ("rdfs:label", "owl:versionInfo", "owl:members"))
_THING, _NOTHING = map(iri, ("owl:Thing", "owl:Nothing"))
_IN_SET, _IN_GROUP = map(iri, (v.IN_LABEL_SET, v.MEMBER_OF_GROUP))
_EXCLUSIVE, _COMPATIBLE = map(iri, (v.EXCLUSIVE_WITH, v.COMPATIBLE_WITH))
_ROOTS: dict[Node, LabelClass] = {iri(root): label_class for label_class, root in v.CLASS_ROOTS.items()}
_SCOPES: dict[URIRef, SynonymScope] = {iri(name): scope for scope, name in v.SYNONYM_PROPERTIES.items()}
_MATCHES: dict[URIRef, MatchKind] = {iri(name): match for match, name in v.MATCH_PROPERTIES.items()}
_SOFT: dict[URIRef, SoftKind] = {iri(name): kind for kind, name in v.SOFT_PROPERTIES.items()}


def read_statements(graph: Graph, where: str) -> Ontology:
    """The ontology in a graph of OWL statements.

    A subclass axiom without a kind, as an editor adds it, is what OWL says it is: ``IS_A``. A set of disjoint classes
    that is no exclusive group of ours means its pairs. Statements that the model has no place for are kept as they are
    (:attr:`kg.ontology.Ontology.foreign`); languages of texts that it has a place for are not.

    Args:
        graph: statements of one file.
        where: what to call the file in an error.

    Raises:
        InputError: not an ontology of ours, from a newer version, cut off, or a statement of ours is damaged.
    """
    header = _header(graph, where)
    parted = part(graph, header, where)
    statements = Statements(parted.ours, where)
    _require_whole(statements, header)
    subjects = statements.under(v.LABELS)
    pairs, groups = _exclusions(statements, subjects)
    return Ontology(
        name=statements.one(header, v.TITLE, needed=True),
        labels=tuple(_label(statements, s) for s in subjects if _CLASS in statements.values(s, TYPE)),
        relations=tuple(_relations(statements, subjects)),
        exclusive_pairs=tuple(pairs),
        exclusive_groups=tuple(groups),
        soft_relations=tuple(_soft_relations(statements, subjects)),
        label_sets=tuple(_label_sets(statements, subjects)),
        notices=tuple(sorted(map(str, statements.values(header, iri(v.NOTICE))))),
        version=statements.one(header, "owl:versionInfo"),
        exceptions=tuple(_exceptions(statements, subjects)),
        foreign=parted.foreign,
    )


def _header(graph: Graph, where: str) -> URIRef:
    """The one ontology of ours in the file."""
    marked = {s for s in graph.subjects(iri(v.FORMAT_VERSION)) if (s, TYPE, iri("owl:Ontology")) in graph}
    found = [s for s in marked if isinstance(s, URIRef)]
    if len(marked) != 1 or not found:
        raise InputError(
            f"{where}: holds {len(marked) or 'no'} lesion ontologies, not one; "
            "`lesionkg ontology export` writes one that can be read back"
        )
    return found[0]


def _require_whole(statements: Statements, header: URIRef) -> None:
    version = statements.one(header, v.FORMAT_VERSION)
    if version not in v.FORMATS:
        raise statements.error(
            f"is in format {version!r}, this version reads {' and '.join(v.FORMATS)}", "update lesionkg"
        )
    if statements.one(header, v.COMPLETE) != "true":
        raise statements.error("its last statement is missing, the file was cut off", "export it again")


def _label(statements: Statements, subject: URIRef) -> Label:
    call = statements.call(subject)
    classes = [_ROOTS[parent] for parent in statements.values(subject, _SUBCLASS) if parent in _ROOTS]
    if len(classes) != 1:
        roots = ", ".join(v.CLASS_ROOTS.values())
        raise statements.error(f"{call} has {len(classes)} label classes", f"make it a subclass of just one of {roots}")
    replaced_by = statements.values(subject, iri(v.REPLACED_BY))
    if len(replaced_by) > 1:
        raise statements.error(f"{call} is replaced by several labels", "name one")
    synonyms = (
        Synonym(str(text), scope, found.get(v.SOURCE, ""))
        for predicate, scope in _SCOPES.items()
        for text, found in statements.facts(subject, predicate)
    )
    return Label(
        id=v.decode_id(subject.removeprefix(v.LABELS)),
        name=statements.one(subject, "rdfs:label", needed=True),
        label_class=classes[0],
        synonyms=tuple(synonyms),
        definition=statements.one(subject, v.DEFINITION),
        mappings=tuple(_mappings(statements, subject)),
        deprecated=statements.one(subject, "owl:deprecated") in ("true", "1"),
        replaced_by=statements.label_id(replaced_by[0], f"the replacement of {call}") if replaced_by else "",
        source=statements.one(subject, v.SOURCE),
    )


def _mappings(statements: Statements, subject: URIRef) -> Iterator[TermMapping]:
    for predicate, match in _MATCHES.items():
        for term, found in statements.facts(subject, predicate):
            object_id = v.term_id(str(term)) if isinstance(term, URIRef) else None
            if object_id is not None:
                yield TermMapping(object_id, found.get(v.OBJECT_LABEL, ""), match, found.get(v.JUSTIFICATION, ""))


def _relations(statements: Statements, subjects: Iterable[URIRef]) -> Iterator[Relation]:
    for subject in subjects:
        call = statements.call(subject)
        for parent, found in statements.facts(subject, _SUBCLASS):
            if parent in _ROOTS or parent in (_THING, _NOTHING):
                continue
            kind = found.get(v.KIND, RelationKind.IS_A)
            if kind not in RelationKind.__members__:
                raise statements.error(f"relation kind {kind!r} at {call}", f"use one of {', '.join(RelationKind)}")
            child, above = statements.label_id(subject, ""), statements.label_id(parent, f"the parent of {call}")
            yield Relation(child, RelationKind(kind), above, **_provenance(found))


def _soft_relations(statements: Statements, subjects: Iterable[URIRef]) -> Iterator[SoftRelation]:
    for subject in subjects:
        for predicate, kind in _SOFT.items():
            for value, found in statements.facts(subject, predicate):
                one, other = statements.label_id(subject, ""), statements.label_id(value, f"a {kind} relation")
                yield SoftRelation(one, kind, other, **_provenance(found))


def _exceptions(statements: Statements, subjects: Iterable[URIRef]) -> Iterator[ExclusionException]:
    for subject in subjects:
        for value, found in statements.facts(subject, _COMPATIBLE):
            one, other = statements.label_id(subject, ""), statements.label_id(value, "an exception to exclusion")
            yield ExclusionException(one, other, **_provenance(found))


def _exclusions(statements: Statements, subjects: Iterable[URIRef]) -> tuple[list[ExclusivePair], list[ExclusiveGroup]]:
    """Exclusive pairs and groups, as either profile writes them."""
    pairs: list[ExclusivePair] = []
    groups: dict[str, set[str]] = {str(group): set() for group in statements.under(v.GROUPS)}

    def group(node: Node | str) -> set[str]:
        if str(node) not in groups:
            raise statements.error(f"exclusive group {str(node)!r} is not declared", "declare it or drop its members")
        return groups[str(node)]

    for subject in subjects:
        one = statements.label_id(subject, "")
        for predicate in (_EXCLUSIVE, _DISJOINT):
            for value, found in statements.facts(subject, predicate):
                other = statements.label_id(value, "an exclusive pair")
                if v.GROUP in found:
                    group(found[v.GROUP]).update((one, other))
                else:
                    pairs.append(ExclusivePair(one, other, **_provenance(found)))
        pairs += [
            ExclusivePair(one, one, **_provenance(found))
            for value, found in statements.facts(subject, _SUBCLASS)
            if value == _NOTHING
        ]
        for node in statements.values(subject, _IN_GROUP):
            group(node).add(one)
    for node in statements.of_type("owl:AllDisjointClasses"):
        items = [item for head in statements.values(node, _MEMBERS) for item in statements.collection(head)]
        members = sorted({statements.label_id(item, "a set of disjoint classes") for item in items})
        found = statements.annotations(node)
        if v.GROUP in found:
            group(found[v.GROUP]).update(members)
        else:
            pairs += [ExclusivePair(a, b, **_provenance(found)) for a, b in combinations(members, 2)]
    return pairs, [
        ExclusiveGroup(
            v.decode_id(node.removeprefix(v.GROUPS)), tuple(members), statements.one(URIRef(node), v.SOURCE)
        )
        for node, members in groups.items()
    ]  # fmt: skip


def _label_sets(statements: Statements, subjects: Iterable[URIRef]) -> Iterator[LabelSet]:
    columns: dict[str, dict[int, str]] = {str(node): {} for node in statements.under(v.LABEL_SETS)}
    for subject in subjects:
        for node, found in statements.facts(subject, _IN_SET):
            position, taken = found.get(v.POSITION, ""), columns.get(str(node))
            if taken is None or not (position.isascii() and position.isdecimal()) or int(position) in taken:
                raise statements.error(
                    f"{statements.call(subject)} has position {position!r} in label set {str(node)!r}",
                    "declare the set and give each of its labels a position of its own",
                )
            taken[int(position)] = statements.label_id(subject, "")
    for node_iri, members in columns.items():
        name, version = v.label_set_key(node_iri)
        yield LabelSet(name, tuple(members[i] for i in sorted(members)), version)


def _provenance(found: Annotations) -> dict[str, str]:
    return {
        "source": found.get(v.SOURCE, ""),
        "author": found.get(v.AUTHOR, ""),
        "created": found.get(v.CREATED, ""),
        "evidence": found.get(v.EVIDENCE, ""),
    }
