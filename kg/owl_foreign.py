"""What of an OWL file the model reads, and what is foreign to it and kept.

Foreign statements are taken up as they are, whole where blank nodes connect them. Those about an axiom of ours (a
comment on a relation) come with what tells that axiom from others: its three parts, its kind and its source. Exclusion
is named as the training profile does, so that it makes no difference from which profile they come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.term import Node

from kg import owl_vocabulary as v
from kg.errors import InputError
from kg.owl_canonical import canonical, components, require_canonical
from kg.owl_model import (
    AXIOM,
    CLASS,
    COMPATIBLE,
    DEFINITION,
    DISJOINT,
    DISJOINT_SETS,
    EXCLUSIVE,
    FIRST,
    GROUP,
    HEADER,
    KEPT,
    LIST,
    MEMBERS,
    NAME,
    NOTHING,
    PROPERTY,
    REST,
    SOURCE,
    SUBCLASS,
    TARGET,
    TYPE,
    is_annotation,
    is_read,
    needs_a_label,
)
from kg.owl_safety import require_safe_iris
from kg.owl_terms import Blank, Iri, Text, Triple

_KEY = frozenset(map(v.expand, (v.KIND, v.SOURCE)))
_NIL = Iri(v.expand("rdf:nil"))
_XSD_STRING = v.expand("xsd:string")

RdfTriple = tuple[Node, Node, Node]
_Term = Iri | Blank | Text


@dataclass(frozen=True)
class Parted:
    """A file's statements.

    Attributes:
        ours: those that the model reads.
        foreign: canonical texts of the others, sorted.
    """

    ours: tuple[RdfTriple, ...]
    foreign: tuple[str, ...]


def part(graph: Graph, header: Node, where: str) -> Parted:
    """Part the statements of a file.

    Args:
        graph: all of them.
        header: the ontology itself.
        where: what to call the file in an error.

    Raises:
        InputError: a foreign statement is damaged, or cannot be told from others.
        UnsafeInputError: a kept statement imports something.
    """
    try:
        found = {_triple(*(_term(term, header) for term in triple)): triple for triple in graph}
        parting = Parting(found)
        texts = {canonical(component) for component in components(parting.foreign())}
        kept = [t.object.value for t in parting.ours if t.predicate == KEPT and isinstance(t.object, Text)]
        triples = [triple for text in kept for triple in require_canonical(text)]
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    for t in triples:
        require_safe_iris([x.value for x in (t.subject, t.predicate, t.object) if isinstance(x, Iri)], where)
    return Parted(tuple(found[triple] for triple in found if triple in parting.ours), tuple(sorted({*texts, *kept})))


class Parting:
    """Statements parted into those that the model reads and the others.

    Attributes:
        ours: those that the model reads.
    """

    def __init__(self, triples: Iterable[Triple]) -> None:
        self.triples = list(triples)
        self.of: dict[Iri | Blank, dict[Iri, list[_Term]]] = defaultdict(lambda: defaultdict(list))
        for triple in self.triples:
            self.of[triple.subject][triple.predicate].append(triple.object)
        self.labels = {node for node, values in self.of.items() if CLASS in values.get(TYPE, ())}
        self.ours = {t for t in self.triples if is_read(t) and (not needs_a_label(t) or t.subject in self.labels)}
        self.ours -= {t for label in self.labels for t in self._translations(label)}
        self.frames: dict[Iri | Blank, list[Triple]] = {}
        """What tells an unnamed node of ours from others, for foreign statements about it."""
        self.instead: dict[Iri | Blank, list[Iri | Blank]] = {}
        """What foreign statements about an unnamed node of ours are said of."""
        for node in [node for node in self.of if isinstance(node, Blank)]:
            if AXIOM in self.of[node].get(TYPE, ()):
                self._take_axiom(node)
            elif DISJOINT_SETS in self.of[node].get(TYPE, ()):
                self._take_disjoint_set(node)

    def foreign(self) -> list[Triple]:
        """All foreign statements, with what they say something about."""
        found: list[Triple] = []
        about: set[Iri | Blank] = set()
        for triple in self.triples:
            if triple in self.ours:
                continue
            subjects = self.instead.get(triple.subject, [triple.subject])
            objects: list[_Term] = (
                [triple.object] if isinstance(triple.object, Text)
                else [*self.instead.get(triple.object, [triple.object])]
            )  # fmt: skip
            for subject, value in product(subjects, objects):
                found.append(Triple(subject, triple.predicate, value))
                about.update(node for node in (subject, value) if isinstance(node, Iri | Blank))
        return [*found, *(triple for node in self.frames if node in about for triple in self.frames[node])]

    def _translations(self, label: Iri | Blank) -> list[Triple]:
        """Names and definitions in other languages, beside the one that names none."""
        found: list[Triple] = []
        for predicate in (NAME, DEFINITION):
            texts = [value for value in self.of[label].get(predicate, []) if isinstance(value, Text)]
            tagged = [Triple(label, predicate, text) for text in texts if text.language]
            found += tagged if len(texts) == len(tagged) + 1 else []
        return found

    def _take_axiom(self, node: Blank) -> None:
        values = self.of[node]
        parts = [values.get(part, []) for part in (SOURCE, PROPERTY, TARGET)]
        if any(len(part) != 1 for part in parts):
            self._take(node, AXIOM, SOURCE, PROPERTY, TARGET)  # damaged: who reads it says so
            return
        source, property_, target = (part[0] for part in parts)
        if isinstance(source, Text) or not isinstance(property_, Iri):
            return
        if Triple(source, property_, target) not in self.ours:
            return
        self._take(node, AXIOM, SOURCE, PROPERTY, TARGET)
        for predicate, found in values.items():
            self.ours.update(
                Triple(node, predicate, value) for value in found if is_annotation(predicate, property_.value, value)
            )
        groups = values.get(GROUP, [])
        if property_ == DISJOINT and groups and isinstance(groups[0], Iri):
            self.instead[node] = [groups[0]]
            return
        key = [Triple(node, p, value) for p in values if p.value in _KEY for value in values[p]]
        self.frames[node] = [
            *_frame(node, source, property_, target), *(t for t in key if t in self.ours and _says(t.object))
        ]  # fmt: skip

    def _take_disjoint_set(self, node: Blank) -> None:
        values = self.of[node]
        lists = [self._list(head) for head in values.get(MEMBERS, [])]
        members = [item for items, _ in lists for item in items]
        groups = values.get(GROUP, [])
        if not groups and not all(isinstance(m, Iri) and m.value.startswith(v.LABELS) for m in members):
            return
        self._take(node, DISJOINT_SETS, MEMBERS)
        for _, nodes in lists:
            for one in nodes:
                self._take(one, LIST, FIRST, REST)
        for predicate, found in values.items():
            self.ours.update(
                Triple(node, predicate, x) for x in found if is_annotation(predicate, DISJOINT_SETS.value, x)
            )
        if groups and isinstance(groups[0], Iri):
            self.instead[node] = [groups[0]]
            return
        self.instead[node] = []
        for i, (a, b) in enumerate(combinations(sorted({m for m in members if isinstance(m, Iri)}), 2)):
            pair = Blank(f"{node.name} {i}")
            self.instead[node].append(pair)
            key = [Triple(pair, p, x) for p in values if p.value in _KEY for x in values[p] if _says(x)]
            self.frames[pair] = [*_frame(pair, a, EXCLUSIVE, b), *key]

    def _take(self, node: Iri | Blank, type_: Iri, *predicates: Iri) -> None:
        self.ours.update(Triple(node, p, value) for p in predicates for value in self.of[node].get(p, []))
        if type_ in self.of[node].get(TYPE, []):
            self.ours.add(Triple(node, TYPE, type_))

    def _list(self, head: _Term) -> tuple[list[_Term], list[Blank]]:
        """The members of a collection and its nodes, as far as they can be followed."""
        members: list[_Term] = []
        nodes: dict[Blank, None] = {}
        while isinstance(head, Blank) and head not in nodes:
            nodes[head] = None
            members += self.of[head].get(FIRST, [])
            rest = self.of[head].get(REST, [])
            head = rest[0] if rest else _NIL
        return members, list(nodes)


def _frame(node: Blank, source: Iri | Blank, property_: Iri, target: _Term) -> list[Triple]:
    """The parts of an axiom, as the training profile has them."""
    if property_ == SUBCLASS and target == NOTHING:
        property_, target = EXCLUSIVE, source
    if property_ == DISJOINT:
        property_ = EXCLUSIVE
    if property_ in (EXCLUSIVE, COMPATIBLE) and isinstance(source, Iri) and isinstance(target, Iri):
        source, target = _ordered(source, target)
    if isinstance(target, Text):
        target = Text(target.value)
    return [
        Triple(node, TYPE, AXIOM), Triple(node, SOURCE, source), Triple(node, PROPERTY, property_),
        Triple(node, TARGET, target),
    ]  # fmt: skip


def _ordered(a: Iri, b: Iri) -> tuple[Iri, Iri]:
    """Two labels in the order of their ids, which is not always that of their IRIs."""
    first, second = sorted((a, b), key=lambda one: v.decode_id(one.value.removeprefix(v.LABELS)))
    return first, second


def _says(value: _Term) -> bool:
    return isinstance(value, Text) and bool(value.value)


def _triple(subject: _Term, predicate: _Term, value: _Term) -> Triple:
    if isinstance(subject, Text) or not isinstance(predicate, Iri):
        raise InputError("an OWL statement: its subject or property is no resource; export the file again")
    return Triple(subject, predicate, value)


def _term(term: Node, header: Node) -> _Term:
    if isinstance(term, URIRef):
        return HEADER if term == header else Iri(str(term))
    if isinstance(term, BNode):
        return Blank(str(term))
    if not isinstance(term, Literal):
        raise InputError("OWL statement: names neither a resource nor a text; export the file again")
    datatype = str(term.datatype) if term.datatype and str(term.datatype) != _XSD_STRING else ""
    return Text(str(term), datatype, (term.language or "").lower())  # its case means nothing
