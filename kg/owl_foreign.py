"""What of an OWL file the model reads, and what is foreign to it and kept.

Foreign statements are taken up as they are, whole where blank nodes connect them. Those about an axiom of ours (a
comment on a relation) come with what tells that axiom from others: its three parts, its kind and its source. Exclusion
is named as the training profile does, so that it makes no difference from which profile they come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, combinations, product

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
    FROM,
    GROUP,
    HEADER,
    KEPT,
    KIND,
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

_NIL = Iri(v.expand("rdf:nil"))
_XSD_STRING = v.expand("xsd:string")

RdfTriple = tuple[Node, Node, Node]
_Node = Iri | Blank
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
    name = str(header)
    statements = list(graph)
    try:
        parting = Parting(_triple(*(_term(term, name) for term in statement)) for statement in statements)
        texts = {canonical(component) for component in components(parting.foreign())}
        kept = [x.value for x in parting.read(HEADER, KEPT) if isinstance(x, Text)]
        triples = [triple for text in kept for triple in require_canonical(text)]
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    for t in triples:
        require_safe_iris([x.value for x in (t.subject, t.predicate, t.object) if isinstance(x, Iri)], where)
    return Parted(tuple(statements[i] for i in sorted(parting.ours)), tuple(sorted({*texts, *kept})))


class Parting:
    """Statements parted into those that the model reads and the others.

    Attributes:
        ours: places of those that the model reads.
    """

    def __init__(self, triples: Iterable[Triple]) -> None:
        self._triples = list(triples)
        self._of: dict[_Node, dict[Iri, list[int]]] = defaultdict(dict)
        for i, triple in enumerate(self._triples):
            self._of[triple.subject].setdefault(triple.predicate, []).append(i)
        labels = {node for node in self._of if CLASS in self._values(node, TYPE)}
        self.ours = {
            i for i, t in enumerate(self._triples) if is_read(t) and (not needs_a_label(t) or t.subject in labels)
        }
        for label in labels:
            self.ours.difference_update(self._translations(label))
        self._axioms: dict[_Node, tuple[_Node, Iri, _Term, list[Triple]]] = {}
        """What tells an axiom of ours from others, for foreign statements about it: its parts, kind and source."""
        self._instead: dict[_Node, list[_Node]] = {}
        """What foreign statements about an unnamed node of ours are said of."""
        for node in [node for node in self._of if isinstance(node, Blank)]:
            types = self._values(node, TYPE)
            if AXIOM in types:
                self._take_axiom(node)
            elif DISJOINT_SETS in types:
                self._take_disjoint_set(node)

    def read(self, node: _Node, predicate: Iri) -> list[_Term]:
        """Values of a property that the model reads."""
        return [self._triples[i].object for i in self._of[node].get(predicate, ()) if i in self.ours]

    def foreign(self) -> list[Triple]:
        """All foreign statements, with what they say something about."""
        found: list[Triple] = []
        about: dict[_Node, None] = {}
        for i, triple in enumerate(self._triples):
            if i in self.ours:
                continue
            subjects = self._instead.get(triple.subject, [triple.subject])
            objects: list[_Term] = (
                [triple.object] if isinstance(triple.object, Text)
                else [*self._instead.get(triple.object, [triple.object])]
            )  # fmt: skip
            for subject, value in product(subjects, objects):
                found.append(Triple(subject, triple.predicate, value))
                about.update((node, None) for node in (subject, value) if isinstance(node, Iri | Blank))
        frames = (_frame(node, *self._axioms[node]) for node in about if node in self._axioms)
        return [*found, *chain.from_iterable(frames)]

    def _values(self, node: _Node, predicate: Iri) -> list[_Term]:
        return [self._triples[i].object for i in self._of[node].get(predicate, ())]

    def _translations(self, label: _Node) -> list[int]:
        """Names and definitions in other languages, beside the one that names none."""
        found: list[int] = []
        for predicate in (NAME, DEFINITION):
            texts = [(i, self._triples[i].object) for i in self._of[label].get(predicate, ())]
            tagged = [i for i, text in texts if isinstance(text, Text) and text.language]
            plain = [i for i, text in texts if isinstance(text, Text) and not text.language]
            found += tagged if len(plain) == 1 else []
        return found

    def _take_axiom(self, node: Blank) -> None:
        parts = [self._values(node, part) for part in (SOURCE, PROPERTY, TARGET)]
        if any(len(part) != 1 for part in parts):
            self._take(node, AXIOM, SOURCE, PROPERTY, TARGET)  # damaged: who reads it says so
            return
        source, property_, target = (part[0] for part in parts)
        if isinstance(source, Text) or not isinstance(property_, Iri) or target not in self.read(source, property_):
            return
        self._take(node, AXIOM, SOURCE, PROPERTY, TARGET)
        key = self._take_annotations(node, property_.value)
        groups = self._values(node, GROUP)
        if property_ == DISJOINT and groups and isinstance(groups[0], Iri):
            self._instead[node] = [groups[0]]
        else:
            self._axioms[node] = source, property_, target, key

    def _take_disjoint_set(self, node: Blank) -> None:
        lists = [self._list(head) for head in self._values(node, MEMBERS)]
        members = [item for items, _ in lists for item in items]
        groups = self._values(node, GROUP)
        if not groups and not all(isinstance(m, Iri) and m.value.startswith(v.LABELS) for m in members):
            return
        self._take(node, DISJOINT_SETS, MEMBERS)
        for _, nodes in lists:
            for one in nodes:
                self._take(one, LIST, FIRST, REST)
        key = self._take_annotations(node, DISJOINT_SETS.value)
        if groups and isinstance(groups[0], Iri):
            self._instead[node] = [groups[0]]
            return
        self._instead[node] = []
        for i, (a, b) in enumerate(combinations(sorted({m for m in members if isinstance(m, Iri)}), 2)):
            pair = Blank(f"{node.name} {i}")
            self._instead[node].append(pair)
            self._axioms[pair] = a, EXCLUSIVE, b, key

    def _take(self, node: _Node, type_: Iri, *predicates: Iri) -> None:
        of = self._of[node]
        self.ours.update(i for p in predicates for i in of.get(p, ()))
        self.ours.update(i for i in of.get(TYPE, ()) if self._triples[i].object == type_)

    def _take_annotations(self, node: _Node, annotated: str) -> list[Triple]:
        """Take what the model reads about a statement; those that tell it from others are returned."""
        key: list[Triple] = []
        for predicate, places in self._of[node].items():
            for i in places:
                if is_annotation(predicate, annotated, self._triples[i].object):
                    self.ours.add(i)
                    key += [self._triples[i]] if predicate in (KIND, FROM) else []
        return key

    def _list(self, head: _Term) -> tuple[list[_Term], list[Blank]]:
        """The members of a collection and its nodes, as far as they can be followed."""
        members: list[_Term] = []
        nodes: dict[Blank, None] = {}
        while isinstance(head, Blank) and head not in nodes:
            nodes[head] = None
            members += self._values(head, FIRST)
            rest = self._values(head, REST)
            head = rest[0] if rest else _NIL
        return members, list(nodes)


def _frame(node: _Node, source: _Node, property_: Iri, target: _Term, key: Iterable[Triple]) -> list[Triple]:
    """What tells an axiom from others, named as the training profile does."""
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
        Triple(node, TARGET, target), *(Triple(node, t.predicate, t.object) for t in key if t.object != Text("")),
    ]  # fmt: skip


def _ordered(a: Iri, b: Iri) -> tuple[Iri, Iri]:
    """Two labels in the order of their ids, which is not always that of their IRIs."""
    first, second = sorted((a, b), key=lambda one: v.decode_id(one.value.removeprefix(v.LABELS)))
    return first, second


def _triple(subject: _Term, predicate: _Term, value: _Term) -> Triple:
    if isinstance(subject, Text) or not isinstance(predicate, Iri):
        raise InputError("an OWL statement: its subject or property is no resource; export the file again")
    return Triple(subject, predicate, value)


def _term(term: Node, header: str) -> _Term:
    if isinstance(term, URIRef):
        name = str(term)
        return HEADER if name == header else Iri(name)
    if isinstance(term, BNode):
        return Blank(str(term))
    if not isinstance(term, Literal):
        raise InputError("OWL statement: names neither a resource nor a text; export the file again")
    datatype = str(term.datatype) if term.datatype and str(term.datatype) != _XSD_STRING else ""
    return Text(str(term), datatype, (term.language or "").lower())  # its case means nothing
