"""What an ontology file from elsewhere must not hold: nothing here resolves, fetches or executes anything.

XML is looked at by expat, the parser that later reads it, and refused at the first declaration that is not a short
literal entity, before any entity is used. Statements are looked at after parsing, when no spelling can hide them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn
from xml.parsers import expat

from rdflib import Graph, URIRef

from kg.errors import InputError, UnsafeInputError
from kg.owl_vocabulary import expand

MOST_BYTES = 64 * 2**20
"""Files beyond this size are refused unread; our ontologies have under 1 MB."""

LONGEST_ENTITY = 256
"""Characters of an entity's value. Protégé abbreviates namespaces by entities, which are far shorter."""

_MOST_ENTITIES = 256


def require_safe_xml(data: bytes, where: str) -> None:
    """Check an XML document before it is parsed.

    Args:
        data: the file, in any encoding that it declares.
        where: what to call the file in an error.

    Raises:
        UnsafeInputError: an external document type or entity, a parameter entity, an entity that is long or holds
            markup or other entities, or a declaration other than of entities.
        InputError: not well-formed, or not RDF/XML.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    roots: list[str] = []
    entities: list[str] = []

    def refuse(what: str) -> NoReturn:
        raise UnsafeInputError(
            f"{where}: {what}; only short internal entities are accepted, save the file again without it"
        )

    def doctype(name: str, system: str | None, public: str | None, internal: int) -> None:
        if system is not None or public is not None:
            refuse("its document type points outside the file")

    def entity(
        name: str, parameter: int, value: str | None, base: str | None, system: str | None, public: str | None,
        notation: str | None,
    ) -> None:  # fmt: skip
        entities.append(name)
        if parameter:
            refuse(f"it declares the parameter entity {_short(name)}")
        if value is None or system is not None or public is not None or notation is not None:
            refuse(f"it declares the external entity {_short(name)}")
        if len(value) > LONGEST_ENTITY:
            refuse(f"its entity {_short(name)} is longer than {LONGEST_ENTITY} characters")
        if any(mark in value for mark in "&%<"):
            refuse(f"its entity {_short(name)} holds markup or another entity")
        if len(entities) > _MOST_ENTITIES:
            refuse(f"it declares more than {_MOST_ENTITIES} entities")

    def declaration(*_: object) -> None:
        refuse("its document type declares elements, attributes or notations")

    def external(*_: object) -> int:
        refuse("it refers to an external entity")

    def start(name: str, _: object) -> None:
        if not roots:
            roots.append(name)
            if name != expand("rdf:RDF").replace("#", "# "):
                raise InputError(f"{where}: XML, but not RDF/XML; save it as RDF/XML or Turtle")

    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = entity
    parser.AttlistDeclHandler = declaration
    parser.ElementDeclHandler = declaration
    parser.NotationDeclHandler = declaration
    parser.ExternalEntityRefHandler = external
    parser.StartElementHandler = start
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InputError(f"{where}: not well-formed XML ({error}); it may be cut off, export it again") from error


def require_safe_statements(graph: Graph, where: str) -> None:
    """Check parsed statements before anything is made of them.

    Raises:
        UnsafeInputError: the ontology imports another document, or names a Python module to be loaded with it.
    """
    for triple in graph:
        require_safe_iris([str(term) for term in triple if isinstance(term, URIRef)], where)


def require_safe_iris(iris: Sequence[str], where: str) -> None:
    """Check the resources that one statement names.

    Raises:
        UnsafeInputError: as :func:`require_safe_statements`.
    """
    last = iris[-1] if iris else ""
    if expand("owl:imports") in iris:
        raise UnsafeInputError(
            f"{where}: it imports {_short(last)}; imports are never followed, merge what you need into the file"
        )
    if any(iri.lower().endswith("#python_module") for iri in iris):  # as owlready2 spells it
        raise UnsafeInputError(f"{where}: it names a Python module to run ({_short(last)}); remove that statement")


def _short(text: object) -> str:
    line = " ".join(str(text).split())
    return repr(line if len(line) <= 80 else line[:77] + "...")
