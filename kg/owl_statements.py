"""The statements of one parsed OWL file, looked up by subject and property, each with the annotations of its axioms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from rdflib import BNode, URIRef
from rdflib.term import Node

from kg import owl_vocabulary as v
from kg.errors import InputError

Annotations = Mapping[str, str]
"""Texts by property name, e.g. ``{"dcterms:source": "lesanet-released"}``."""


def iri(name: str) -> URIRef:
    """The resource of a name such as ``rdfs:label``."""
    return URIRef(v.expand(name))


TYPE, FIRST, REST, NIL = map(iri, ("rdf:type", "rdf:first", "rdf:rest", "rdf:nil"))
_AXIOM = iri("owl:Axiom")
_PARTS = tuple(map(iri, ("owl:annotatedSource", "owl:annotatedProperty", "owl:annotatedTarget")))
_ANNOTATIONS = {
    iri(name): name
    for name in (
        v.KIND, v.SOURCE, v.AUTHOR, v.CREATED, v.EVIDENCE, v.POSITION, v.GROUP, v.OBJECT_LABEL, v.JUSTIFICATION,
        v.INFERRED,
    )
}  # fmt: skip


class Statements:
    """Statements of a file that the model reads.

    Args:
        triples: the statements.
        where: what to call the file in an error.

    Raises:
        InputError: an annotated axiom is incomplete.
    """

    def __init__(self, triples: Iterable[tuple[Node, Node, Node]], where: str) -> None:
        self.where = where
        self._values: dict[Node, dict[Node, list[Node]]] = {}
        for subject, predicate, value in triples:
            self._values.setdefault(subject, {}).setdefault(predicate, []).append(value)
        self._annotations: dict[tuple[Node, Node, Node], list[Annotations]] = defaultdict(list)
        for node in self.of_type("owl:Axiom"):
            parts = [self.values(node, part) for part in _PARTS]
            if any(len(part) != 1 for part in parts):
                raise self.error("an annotated axiom lacks its source, property or target", "export the file again")
            self._annotations[parts[0][0], parts[1][0], parts[2][0]].append(self.annotations(node))

    def error(self, what: str, remedy: str) -> InputError:
        """The error to raise about this file."""
        return InputError(f"{self.where}: {' '.join(what.split())}; {remedy}")

    def under(self, namespace: str) -> list[URIRef]:
        """Subjects whose IRI begins with a namespace."""
        return [s for s in self._values if isinstance(s, URIRef) and s.startswith(namespace)]

    def of_type(self, name: str) -> list[Node]:
        """Subjects of a type."""
        wanted = iri(name)
        return [subject for subject, values in self._values.items() if wanted in values.get(TYPE, ())]

    def values(self, subject: Node, predicate: Node) -> Sequence[Node]:
        """All values of a property."""
        return self._values.get(subject, {}).get(predicate, ())

    def one(self, subject: Node, name: str, needed: bool = False) -> str:
        """The text of a property that has at most one value; empty when there is none.

        Raises:
            InputError: several values, or none where one is needed.
        """
        values = self.values(subject, iri(name))
        if len(values) > 1 or (needed and not values):
            count = "several values" if values else "no value"
            raise self.error(f"{count} of {name} at {self.call(subject)}", "give it exactly one")
        return str(values[0]) if values else ""

    def annotations(self, node: Node) -> Annotations:
        """The annotations that an axiom's node carries."""
        present: Collection[Node] = self._values.get(node, {})
        return {name: self.one(node, name) for predicate, name in _ANNOTATIONS.items() if predicate in present}

    def facts(self, subject: Node, predicate: Node) -> Iterator[tuple[Node, Annotations]]:
        """Values of a property with their annotations: once for each annotated axiom, else once without any.

        What was inferred from other statements is left out.
        """
        for value in self.values(subject, predicate):
            for found in self._annotations.get((subject, predicate, value), [{}]):
                if v.INFERRED not in found:
                    yield value, found

    def collection(self, head: Node) -> list[Node]:
        """The members of an RDF list.

        Raises:
            InputError: the list is broken or runs in a circle.
        """
        members: list[Node] = []
        seen: set[Node] = set()
        while head != NIL:
            first, rest = self.values(head, FIRST), self.values(head, REST)
            if head in seen or len(first) != 1 or len(rest) != 1:
                raise self.error("a list of classes is broken", "export the file again")
            seen.add(head)
            members.append(first[0])
            head = rest[0]
        return members

    def label_id(self, node: Node, what: str) -> str:
        """The id of the label that a node stands for.

        Raises:
            InputError: it stands for none.
        """
        if not isinstance(node, URIRef) or not node.startswith(v.LABELS):
            raise self.error(f"{what} names {self.call(node)}, which is no label", f"labels have IRIs under {v.LABELS}")
        return v.decode_id(node.removeprefix(v.LABELS))

    def call(self, node: Node) -> str:
        """What to call a node in an error."""
        if isinstance(node, URIRef) and node.startswith(v.LABELS):
            return f"label {v.decode_id(node.removeprefix(v.LABELS))}"
        return "an unnamed node" if isinstance(node, BNode) else repr(str(node))
