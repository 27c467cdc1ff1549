"""The terms that OWL statements of a file are made of, the same for every format."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Iri:
    """A resource, by its full IRI; ``comment`` is its name for the human reader."""

    value: str
    comment: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, order=True)
class Blank:
    """A node without an IRI; ``name`` tells it from others of one file."""

    name: str


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """A literal; ``datatype`` is empty for plain text, else an IRI or a name such as ``xsd:boolean``."""

    value: str
    datatype: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Members:
    """An ordered collection of resources."""

    items: tuple[Iri, ...]


Value = Iri | Blank | Text | Members


@dataclass(frozen=True, slots=True)
class Block:
    """What one place of the file says about one subject (an unnamed node where it is None) of one type (if any)."""

    subject: Iri | Blank | None
    type: str
    statements: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Triple:
    """One statement by itself."""

    subject: Iri | Blank
    predicate: Iri
    object: Iri | Blank | Text
