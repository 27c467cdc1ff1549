"""OWL files of the lesion ontology: Turtle and RDF/XML, each label a class of findings.

``lung`` is the class "lesion having the label lung". Strict relations are subclass axioms annotated with their kind
and provenance, so that a reasoner sees what training sees; exclusion is an annotation (profile ``training``) or a
disjointness axiom (profile ``strict``); everything else is annotation. Statements outside the model are kept and given
back. Reading back what was written gives an equal ontology.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Literal
from xml.sax import SAXException

import rdflib
from rdflib import Graph
from rdflib.exceptions import ParserError
from rdflib.parser import InputSource

from kg.errors import InputError, OntologyError, UsageError
from kg.files import write_whole
from kg.ontology import Ontology
from kg.owl_document import Profile, document
from kg.owl_read import read_statements
from kg.owl_render import rdf_xml, turtle
from kg.owl_safety import MOST_BYTES, require_safe_statements, require_safe_xml
from kg.owl_vocabulary import BASE

_TURTLE, _XML = (".ttl",), (".owl", ".rdf")


def write_owl(ontology: Ontology, path: Path | str, profile: Literal["training", "strict"] = "training") -> None:
    """Write an ontology: Turtle for ``.ttl``, RDF/XML for ``.owl`` and ``.rdf``; equal content gives equal bytes.

    Args:
        ontology: what to write; references that do not resolve are written as they are.
        path: the file; it is replaced as a whole or not at all.
        profile: ``training`` writes exclusion as a symmetric annotation, ``strict`` as disjoint classes.

    Raises:
        UsageError: another suffix or profile.
        OntologyError: a text cannot be expressed in the format, or two labels share an id.
    """
    target = Path(path)
    suffix = _suffix(target)
    if profile not in list(Profile):
        raise UsageError(f"profile {profile!r}: not known; use one of {', '.join(Profile)}")
    blocks = document(ontology, Profile(profile))
    try:
        data = (turtle(blocks) if suffix in _TURTLE else rdf_xml(blocks)).encode()
    except UnicodeEncodeError as error:
        raise OntologyError(
            f"ontology {ontology.name}: half a character ({error.reason}) in a text; remove it"
        ) from error
    write_whole(target, data)


def load_owl(path: Path | str) -> Ontology:
    """Read an OWL file: one of ours, or one of ours as Protégé saves it, in either profile.

    Raises:
        UnsafeInputError: entities, imports or Python modules that could reach outside the file; nothing was loaded.
        InputError: missing, cut off, of another format, or not a lesion ontology.
        UsageError: a suffix that is none of ``.ttl``, ``.owl``, ``.rdf``.
    """
    file = Path(path)
    suffix = _suffix(file)
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file}: larger than {MOST_BYTES // 2**20} MB; this is no lesion ontology")
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check the path") from error
    return parse_owl(data, str(file), suffix)


def parse_owl(data: bytes, where: str, suffix: str = ".ttl") -> Ontology:
    """Read the content of an OWL file.

    Args:
        data: the content.
        where: what to call it in an error.
        suffix: ``.ttl``, ``.owl`` or ``.rdf``; the latter two may hold Turtle too, as Protégé saves it.

    Raises:
        UnsafeInputError: as :func:`load_owl`.
        InputError: as :func:`load_owl`.
    """
    graph = Graph()
    with _literals_as_they_are():
        _parse(graph, data, where, suffix)
    require_safe_statements(graph, where)
    return read_statements(graph, where)


def _parse(graph: Graph, data: bytes, where: str, suffix: str) -> None:
    # a handler of rdflib may meet anything in a damaged file
    damage = (
        ParserError, SAXException, SyntaxError, ValueError, LookupError, AttributeError, TypeError, AssertionError,
        RecursionError,
    )  # fmt: skip
    if suffix in _XML and not _looks_like_turtle(data):
        require_safe_xml(data, where)
        try:
            graph.parse(_bytes_as_they_are(data), publicID=BASE, format="xml")
        except damage as error:
            raise InputError(f"{where}: not RDF/XML ({_reason(error)}); export it again") from error
    else:
        try:
            graph.parse(data=data.decode("utf-8-sig"), publicID=BASE, format="turtle")
        except damage as error:
            raise InputError(f"{where}: not Turtle ({_reason(error)}); it may be cut off, export it again") from error


@contextmanager
def _literals_as_they_are() -> Iterator[None]:
    """Let rdflib neither rewrite typed literals, nor log one that is no value of its type: they are given back."""
    before, log = rdflib.NORMALIZE_LITERALS, logging.getLogger("rdflib.term")
    level = log.level
    rdflib.NORMALIZE_LITERALS = False
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        rdflib.NORMALIZE_LITERALS = before
        log.setLevel(level)


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _TURTLE + _XML:
        raise UsageError(f"{path}: suffix {suffix!r} names no format; use .ttl for Turtle, .owl or .rdf for RDF/XML")
    return suffix


def _bytes_as_they_are(data: bytes) -> InputSource:
    """A source whose encoding the XML parser finds out, as when the file was checked; rdflib would assume UTF-8."""
    source = InputSource()
    source.setByteStream(BytesIO(data))
    return source


def _looks_like_turtle(data: bytes) -> bool:
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:7].lower()
    return start.startswith((b"@prefix", b"@base", b"prefix", b"base", b"#"))


def _reason(error: BaseException) -> str:
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= 120 else line[:117] + "..."
