"""Foreign statements given back to a file: where they belong if that is safe, else as a text that asserts nothing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kg import owl_vocabulary as v
from kg.errors import InputError, OntologyError
from kg.owl_canonical import require_canonical
from kg.owl_foreign import Parting
from kg.owl_model import (
    AXIOM,
    DEFINITION,
    DISJOINT,
    EXCLUSIVE,
    FORMAT_VERSION,
    FROM,
    HEADER,
    KIND,
    NAME,
    NOTHING,
    PROPERTY,
    SOURCE,
    SUBCLASS,
    TARGET,
    TYPE,
    is_annotation,
    is_read,
)
from kg.owl_render import is_xml_text, split_name
from kg.owl_safety import require_safe_iris
from kg.owl_terms import Blank, Block, Iri, Text, Triple, Value

_RDF = v.PREFIXES["rdf"]
_PLAIN_RDF = frozenset(_RDF + name for name in ("type", "first", "rest", "value"))
_RESERVED = (_RDF, "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/")

_Node = Iri | Blank
_Key = tuple[str, str]
"""Kind and source of an axiom: what tells it from others that state the same."""
_Place = tuple[str, str, str]
"""IRIs of a statement's subject and property, and the IRI or text of its object."""


@dataclass(frozen=True)
class Returned:
    """Blocks of a file with the foreign statements in it.

    Attributes:
        blocks: those of the labels; axioms that foreign statements are about have a node of their own.
        statements: the foreign statements.
        kept: texts of those without a place, because what they are about is gone or they would be misread.
    """

    blocks: tuple[Block, ...]
    statements: tuple[Block, ...]
    kept: tuple[str, ...]


def give_back(blocks: Sequence[Block], foreign: Iterable[str], name: str) -> Returned:
    """Find the places of foreign statements.

    Args:
        blocks: of the labels and their axioms.
        foreign: canonical texts.
        name: of the ontology.

    Raises:
        OntologyError: a text is not canonical, or imports something.
    """
    axioms = _Axioms(blocks)
    placed: dict[_Node, list[tuple[str, Value]]] = defaultdict(list)
    kept: list[str] = []
    for component in sorted(foreign):
        triples = _statements(component)
        frames = _frames(triples)
        rest = [t for t in triples if t.subject not in frames or not frames[t.subject].says(t)]
        naming = _naming(component, name)
        safe = (
            bool(rest)
            and not Parting(rest).ours
            and all(_is_placeable(t, frames, name) and (not is_read(t) or axioms.is_translation(t)) for t in rest)
        )
        if not safe or not axioms.take({naming(node): frame for node, frame in frames.items()}):
            kept.append(component)
            continue
        for t in rest:
            placed[naming(t.subject)].append((f"<{t.predicate.value}>", _value(t.object, naming)))
    order = sorted(placed, key=lambda node: (isinstance(node, Blank), node))
    return Returned(tuple(axioms.blocks), tuple(Block(node, "", tuple(placed[node])) for node in order), tuple(kept))


@dataclass(frozen=True)
class _Frame:
    """What a text says to tell one axiom of ours from others."""

    source: Iri
    predicate: Iri
    target: _Node | Text
    key: _Key

    def says(self, triple: Triple) -> bool:
        """Whether a statement about the axiom belongs to what tells it from others."""
        return (
            triple.predicate in (SOURCE, PROPERTY, TARGET)
            or (triple.predicate == TYPE and triple.object == AXIOM)
            or (triple.predicate == KIND and triple.object == Text(self.key[0]) and self.reads(triple))
            or (triple.predicate == FROM and triple.object == Text(self.key[1]) and self.reads(triple))
        )

    def reads(self, triple: Triple) -> bool:
        """Whether a statement about the axiom is one that the model reads."""
        return any(
            is_annotation(triple.predicate, property_.value, triple.object) for property_ in (self.predicate, DISJOINT)
            if property_ == self.predicate or self.predicate == EXCLUSIVE
        )  # fmt: skip

    @property
    def places(self) -> list[_Place]:
        """Where the axiom may stand, by profile."""
        target = self.target.value if not isinstance(self.target, Blank) else ""
        found = [(self.source.value, self.predicate.value, target)]
        if self.predicate == EXCLUSIVE:
            found.append((self.source.value, DISJOINT.value, target))
        if self.predicate == EXCLUSIVE and self.source == self.target:
            found.append((self.source.value, SUBCLASS.value, NOTHING.value))
        return found


def _frames(triples: Sequence[Triple]) -> dict[_Node, _Frame]:
    """The axioms of ours that statements are about, by their nodes."""
    values: dict[Blank, dict[Iri, list[_Node | Text]]] = defaultdict(lambda: defaultdict(list))
    for t in triples:
        if isinstance(t.subject, Blank):
            values[t.subject][t.predicate].append(t.object)
    frames: dict[_Node, _Frame] = {}
    for node, of in values.items():
        parts = [of[part] for part in (SOURCE, PROPERTY, TARGET)]
        if AXIOM not in of[TYPE] or any(len(part) != 1 for part in parts):
            continue
        (source,), (property_,), (target,) = parts
        if isinstance(source, Iri) and isinstance(property_, Iri) and is_read(Triple(source, property_, target)):
            kind, origin = (
                "".join(x.value for x in of[p] if isinstance(x, Text) and is_annotation(p, property_.value, x))
                for p in (KIND, FROM)
            )
            frames[node] = _Frame(source, property_, target, (kind, origin))
    return frames


class _Axioms:
    """The annotated axioms of a file, to give nodes of their own to those that foreign statements are about."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = list(blocks)
        self._stated: dict[_Place, Block] = {}
        self._said: set[tuple[str, str]] = set()
        self._axioms: dict[_Place, dict[_Key, int]] = defaultdict(dict)
        for i, block in enumerate(blocks):
            if block.type == "owl:Axiom":
                said = {name: _plain(value) for name, value in block.statements}
                place = (said["owl:annotatedSource"], said["owl:annotatedProperty"], said["owl:annotatedTarget"])
                key = (v.INFERRED, "") if v.INFERRED in said else (said.get(v.KIND, ""), said.get(v.SOURCE, ""))
                self._axioms[place].setdefault(key, i)
                continue
            for name, value in block.statements:
                about: tuple[tuple[str, Value], ...] = (
                    ("owl:annotatedSource", block.subject or Blank("")), ("owl:annotatedProperty", Iri(v.expand(name))),
                    ("owl:annotatedTarget", value),
                )  # fmt: skip
                place = (_plain(block.subject), v.expand(name), _plain(value))
                self._stated[place] = Block(None, "owl:Axiom", about)
                self._said.add(place[:2])

    def is_translation(self, triple: Triple) -> bool:
        """Whether a statement names or defines a label in another language than the file does."""
        subject, text = triple.subject, triple.object
        if not isinstance(subject, Iri) or not isinstance(text, Text) or triple.predicate not in (NAME, DEFINITION):
            return False
        return bool(text.language) and (subject.value, triple.predicate.value) in self._said

    def take(self, frames: Mapping[_Node, _Frame]) -> bool:
        """Give nodes to axioms; False, and nothing is done, unless each is there and has no node yet."""
        found: dict[tuple[_Place, _Key], tuple[_Node, Block]] = {}
        for node, frame in frames.items():
            for place in frame.places:
                axioms = self._axioms.get(place, {})
                block = self.blocks[axioms[frame.key]] if frame.key in axioms else None
                if not axioms and frame.key == ("", ""):
                    block = self._stated.get(place)
                if block is not None and block.subject is None and (place, frame.key) not in found:
                    found[place, frame.key] = node, block
                    break
            else:
                return False
        for (place, key), (node, block) in found.items():
            i = self._axioms[place].setdefault(key, len(self.blocks))
            self.blocks[i : i + 1] = [replace(block, subject=node)]
        return True


def _is_placeable(triple: Triple, frames: Mapping[_Node, _Frame], name: str) -> bool:
    """Whether a statement can stand in a file of every format, and says nothing of what the file says itself."""
    predicate = triple.predicate.value
    texts = [triple.object.value] if isinstance(triple.object, Text) else []
    own = Iri(v.ontology_iri(name))
    return (
        triple.predicate != FORMAT_VERSION
        and (own == HEADER or own not in (triple.subject, triple.object))
        and not (triple.subject in frames and frames[triple.subject].reads(triple))
        and bool(split_name(predicate)[1])
        and (predicate in _PLAIN_RDF or not predicate.startswith(_RESERVED))
        and all(map(is_xml_text, texts))
    )


def _statements(component: str) -> list[Triple]:
    try:
        triples = require_canonical(component)
        for t in triples:
            require_safe_iris([x.value for x in (t.subject, t.predicate, t.object) if isinstance(x, Iri)], "ontology")
    except InputError as error:
        raise OntologyError(f"foreign {error}") from error
    return triples


def _naming(component: str, name: str) -> Callable[[_Node], _Node]:
    """Names in the file for the nodes of a text: its own blank nodes, whatever other texts there are."""
    digest = hashlib.sha256(component.encode()).hexdigest()[:16]

    def naming(node: _Node) -> _Node:
        if isinstance(node, Blank):
            return Blank(f"f{digest}{node.name}")
        return Iri(v.ontology_iri(name)) if node == HEADER else node

    return naming


def _value(value: _Node | Text, naming: Callable[[_Node], _Node]) -> Value:
    if isinstance(value, Text):
        return replace(value, datatype=f"<{value.datatype}>" if value.datatype else "")
    return naming(value)


def _plain(value: Value | None) -> str:
    return value.value if isinstance(value, Iri | Text) else ""
