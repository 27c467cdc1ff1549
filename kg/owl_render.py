"""Turtle and RDF/XML text of a document: equal documents give equal bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from kg import owl_vocabulary as v
from kg.errors import OntologyError
from kg.owl_terms import Blank, Block, Iri, Members, Text, Value

_LOCAL = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_QUOTE_BEFORE_QUOTE = re.compile(r'"(?="|\Z)')
_IRI = re.compile(r"<([^<>\"]*)>")
_QNAME_END = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans(
    {chr(i): f"\\u{i:04X}" for i in (*range(0x20), 0x7F, 0x85, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)}
    | {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)
_NAMESPACES = sorted(((iri, prefix) for prefix, iri in v.PREFIXES.items()), key=lambda item: -len(item[0]))


def turtle(blocks: Iterable[Block]) -> str:
    """The document in Turtle: a line a statement, a line an annotated axiom, names of labels as comments."""
    lines = [f"@prefix {prefix}: <{iri}> ." for prefix, iri in v.PREFIXES.items()]
    for block in blocks:
        if block.subject is None or block.type == "owl:Axiom":
            statements = [f"{name} {_turtle(value)}" for name, value in block.statements]
            comments = [value.comment for _, value in block.statements if isinstance(value, Iri)]
            lines.append(
                f"{_turtle(block.subject)} a {block.type} ; {' ; '.join(statements)} ."
                f"{_comment(' > '.join(filter(None, comments)))}"
            )
            continue
        if not block.statements:
            lines += ["", f"{_turtle(block.subject)} a {block.type} ."]
            continue
        lines += ["", _turtle(block.subject) + (f" a {block.type} ;" if block.type else "")]
        for name, value in block.statements:
            comment = _comment(value.comment) if isinstance(value, Iri) else ""
            lines.append(f"    {_turtle_name(name)} {_turtle(value)} ;{comment}")
        lines.append("    .")
    return "\n".join(lines) + "\n"


def abbreviated(statements: str) -> str:
    """N-Triples with short names for IRIs, for people; not to be read back."""
    return _IRI.sub(lambda match: _turtle_iri(Iri(match[1])), statements)


def _turtle(value: Value | None) -> str:
    if value is None:
        return "[]"
    if isinstance(value, Iri):
        return _turtle_iri(value)
    if isinstance(value, Blank):
        return f"_:{value.name}"
    if isinstance(value, Members):
        return f"( {' '.join(_turtle_iri(item) for item in value.items)} )"
    if value.datatype.startswith("<") or value.language:
        kind = f"^^{_turtle_name(value.datatype)}" if value.datatype else f"@{value.language}"
        return f'"{value.value.translate(_ESCAPES)}"{kind}'
    if value.datatype:
        return value.value
    if "\n" in value.value:
        long = value.value.translate({code: escaped for code, escaped in _ESCAPES.items() if chr(code) not in '\n\t"'})
        return '"""' + _QUOTE_BEFORE_QUOTE.sub(r"\"", long) + '"""'
    return f'"{value.value.translate(_ESCAPES)}"'


def _turtle_name(name: str) -> str:
    """A property or datatype, by a name such as ``rdfs:label`` or by its IRI in angle brackets."""
    return _turtle_iri(Iri(name[1:-1])) if name.startswith("<") else name


def _turtle_iri(iri: Iri) -> str:
    for namespace, prefix in _NAMESPACES:
        local = iri.value.removeprefix(namespace)
        if local != iri.value:
            return f"{prefix}:{local}" if _LOCAL.fullmatch(local) else f"<{iri.value}>"
    return f"<{iri.value}>"


def _comment(name: str) -> str:
    return f"  # {' '.join(name.translate(_ESCAPES).split())}" if name else ""


def rdf_xml(blocks: Iterable[Block]) -> str:
    """The document in RDF/XML.

    Raises:
        OntologyError: a text holds a character that XML cannot express.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<rdf:RDF"]
    lines += [f"    xmlns:{prefix}={quoteattr(iri)}" for prefix, iri in v.PREFIXES.items()]
    lines[-1] += ">"
    for block in blocks:
        about = _xml_node(block.subject, "about") if block.subject else ""
        element = block.type or "rdf:Description"
        lines += [f"  <{element}{about}>", *(_property(name, value) for name, value in block.statements)]
        lines.append(f"  </{element}>")
    return "\n".join([*lines, "</rdf:RDF>"]) + "\n"


def split_name(iri: str) -> tuple[str, str]:
    """Namespace and local name, as XML needs them of a property; the local name is empty where there is none."""
    match = _QNAME_END.search(iri)
    return (iri[: match.start()], match[0]) if match else (iri, "")


def is_xml_text(text: str) -> bool:
    """Whether XML can express all characters of a text."""
    return _NOT_IN_XML.search(text) is None


def _property(name: str, value: Value) -> str:
    tag = end = name
    if name.startswith("<"):
        namespace, end = split_name(name[1:-1])
        end = f"p:{end}"
        tag = f"{end} xmlns:p={quoteattr(namespace)}"
    if isinstance(value, Iri | Blank):
        return f"    <{tag}{_xml_node(value, 'resource')}/>"
    if isinstance(value, Members):
        items = "".join(f"<rdf:Description rdf:about={quoteattr(item.value)}/>" for item in value.items)
        return f'    <{name} rdf:parseType="Collection">{items}</{name}>'
    kind = f" rdf:datatype={quoteattr(v.expand(value.datatype))}" if value.datatype else ""
    kind += f' xml:lang="{value.language}"' if value.language else ""
    return f"    <{tag}{kind}>{_xml_text(value)}</{end}>"


def _xml_node(node: Iri | Blank, attribute: str) -> str:
    return f' rdf:nodeID="{node.name}"' if isinstance(node, Blank) else f" rdf:{attribute}={quoteattr(node.value)}"


def _xml_text(text: Text) -> str:
    bad = _NOT_IN_XML.search(text.value)
    if bad:
        raise OntologyError(
            f"text {text.value!r}: XML cannot hold the character U+{ord(bad[0]):04X}; write Turtle (.ttl) instead"
        )
    return escape(text.value, {"\r": "&#13;"})
