"""Attacks through ontology files: each is refused in one line, and nothing is fetched, opened or run."""

from __future__ import annotations

import codecs
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from kg.errors import InputError, UnsafeInputError
from kg.ontology import Label, LabelClass, Ontology
from kg.owl import load_owl, write_owl

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
OWL = 'xmlns:owl="http://www.w3.org/2002/07/owl#"'
PYTHON_MODULE = "http://www.lesfleursdunormal.fr/static/_downloads/owlready_ontology.owl#python_module"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to reach out fails the test."""

    def reached_out(*_: object, **__: object) -> None:
        pytest.fail("a file made the reader reach outside")

    monkeypatch.setattr(socket, "socket", reached_out)
    monkeypatch.setattr(socket, "create_connection", reached_out)
    monkeypatch.setattr(urllib.request, "urlopen", reached_out)


@pytest.fixture
def ours(tmp_path: Path) -> dict[str, str]:
    """Good files of a small ontology (synthetic), by suffix."""
    ontology = Ontology("small", (Label("LKG:0000001", "lung", LabelClass.BODYPART),))
    texts = {}
    for suffix in (".owl", ".ttl"):
        write_owl(ontology, tmp_path / f"ours{suffix}")
        texts[suffix] = (tmp_path / f"ours{suffix}").read_text(encoding="utf-8")
    return texts


def with_doctype(text: str, doctype: str, name: str = "lung") -> str:
    """The file with a document type, and ``name`` in the place of the label's name."""
    return text.replace("<rdf:RDF", f"{doctype}\n<rdf:RDF", 1).replace(">lung<", f">{name}<")


def unsafe(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    started = time.monotonic()
    with pytest.raises(UnsafeInputError) as caught:
        load_owl(path)
    assert time.monotonic() - started < 2
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert len(message) < 400 + len(str(path))
    return message


LAUGHS = "".join(f'<!ENTITY lol{i} "{f"&lol{i - 1};" * 10}">' for i in range(1, 10))
MANY = "".join(f'<!ENTITY e{i} "x">' for i in range(2000))

XML_ATTACKS = [
    pytest.param(f'<!DOCTYPE rdf:RDF [<!ENTITY lol0 "lol">{LAUGHS}]>', "&lol9;", "another entity", id="billion laughs"),
    pytest.param(f'<!DOCTYPE rdf:RDF [<!ENTITY a "{"x" * 257}">]>', "&a;" * 9, "longer", id="long entity"),
    pytest.param(f'<!DOCTYPE rdf:RDF [<!ENTITY a "{"x" * 10**6}">]>', "&a;" * 500, "longer", id="quadratic blow-up"),
    pytest.param(f"<!DOCTYPE rdf:RDF [{MANY}]>", "&e1;", "more than", id="very many entities"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;", "external", id="file entity"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY a SYSTEM "http://x/">]>', "&a;", "external", id="network entity"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY a SYSTEM "http://x/">]>', "lung", "external", id="unused entity"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY a PUBLIC "p" "http://x/">]>', "&a;", "external", id="public entity"),
    pytest.param('<!DOCTYPE rdf:RDF SYSTEM "http://x/a.dtd">', "lung", "outside", id="external DTD"),
    pytest.param('<!DOCTYPE rdf:RDF PUBLIC "p" "http://x/a.dtd">', "lung", "outside", id="public DTD"),
    pytest.param('<!DOCTYPE rdf:RDF SYSTEM "a.dtd" [<!ENTITY b "x">]>', "&b;", "outside", id="DTD with subset"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY % p "x">]>', "lung", "parameter", id="parameter entity"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY % p SYSTEM "http://x/"> %p;]>', "lung", "parameter", id="external one"),
    pytest.param("<!DOCTYPE rdf:RDF [<!ENTITY % a \"<!ENTITY b 'x'>\"> %a;]>", "&b;", "parameter", id="made by one"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY b "&#60;owl:imports/>">]>', "&b;", "markup", id="markup in an entity"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY b "&#38;b;">]>', "&b;", "another", id="entity of itself"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY b "&#37;p;">]>', "&b;", "another", id="hidden parameter entity"),
    pytest.param('<!DOCTYPE rdf:RDF [<!NOTATION n SYSTEM "x"><!ENTITY b SYSTEM "x" NDATA n>]>', "lung", "notations",
                 id="unparsed entity"),
    pytest.param('<!DOCTYPE rdf:RDF [<!ATTLIST rdf:RDF x CDATA "y">]>', "lung", "attributes", id="default attribute"),
    pytest.param("<!DOCTYPE rdf:RDF [<!ELEMENT rdf:RDF ANY>]>", "lung", "elements", id="element declaration"),
    pytest.param('<!DOCTYPE\n\n rdf:RDF\t[<!-- ]> --><!--\n--><!ENTITY\n% \np "x">\n]\n>', "lung", "parameter",
                 id="spread over lines and comments"),
    pytest.param('<!DOCTYPE rdf:RDF [<?pi <!ENTITY ok "x"> ?><!ENTITY b SYSTEM "x">]>', "lung", "external",
                 id="behind a processing instruction"),
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "UTF-16-LE", "UTF-16-BE", "ISO-8859-1", "US-ASCII", "cp1252"])
@pytest.mark.parametrize(("doctype", "name", "says"), XML_ATTACKS)
def test_xml_that_is_more_than_data_is_refused_in_every_encoding(
    ours: dict[str, str], doctype: str, name: str, says: str, encoding: str, tmp_path: Path
) -> None:
    text = with_doctype(ours[".owl"], doctype, name).replace('"UTF-8"', f'"{encoding.removesuffix("-LE")}"', 1)
    mark = {"UTF-16-LE": codecs.BOM_UTF16_LE, "UTF-16-BE": codecs.BOM_UTF16_BE}.get(encoding, b"")
    text = text.replace('"UTF-16-BE"', '"UTF-16"', 1)
    assert says in unsafe(tmp_path / "attack.owl", mark + text.encode(encoding))


@pytest.mark.parametrize("lead", [b"\xef\xbb\xbf", b"<!-- @prefix -->\n"], ids=["byte order mark", "comment"])
def test_what_stands_before_the_document_type_hides_nothing(ours: dict[str, str], lead: bytes, tmp_path: Path) -> None:
    text = with_doctype(ours[".owl"], '<!DOCTYPE rdf:RDF [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;")
    body = text.split("?>\n", 1)[1].encode()
    unsafe(tmp_path / "attack.rdf", lead + body)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param('<!doctype rdf:RDF [<!ENTITY a SYSTEM "x">]>', id="small letters"),
        pytest.param('<!DOCTYPE rdf:RDF [<!entity a SYSTEM "x">]>', id="small letters inside"),
        pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY a "x">', id="not closed"),
        pytest.param("", id="an entity nobody declared"),
    ],
)
def test_a_document_type_that_xml_does_not_know_is_refused_too(
    ours: dict[str, str], content: str, tmp_path: Path
) -> None:
    (tmp_path / "x.owl").write_text(with_doctype(ours[".owl"], content, "&a;"), encoding="utf-8")
    with pytest.raises(InputError, match="not well-formed"):
        load_owl(tmp_path / "x.owl")


@pytest.mark.parametrize("encoding", ["UTF-7", "utf-32", "no-such-encoding", "rot13", "zip"])
def test_an_encoding_that_xml_parsers_need_not_know_is_refused(
    ours: dict[str, str], encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "x.owl").write_text(ours[".owl"].replace("UTF-8", encoding, 1), encoding="utf-8")
    with pytest.raises(InputError, match="not well-formed"):
        load_owl(tmp_path / "x.owl")


@pytest.mark.parametrize(
    ("doctype", "name"),
    [
        pytest.param('<!DOCTYPE rdf:RDF [<!ENTITY n "lung">]>', "&n;", id="one entity"),
        pytest.param(
            f'<!DOCTYPE rdf:RDF [<!ENTITY n "lung"><!ENTITY o "{"x" * 256}">]>', "&n;", id="as long as allowed"
        ),
        pytest.param("<!DOCTYPE rdf:RDF [\n  <!-- namespaces -->\n]>", "l&#117;ng", id="none"),
        pytest.param("<!DOCTYPE rdf:RDF>", "lu&#x6e;g", id="no subset"),
    ],
)
def test_short_literal_entities_are_accepted(ours: dict[str, str], doctype: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "x.owl").write_text(with_doctype(ours[".owl"], doctype, name), encoding="utf-8")
    assert load_owl(tmp_path / "x.owl").label("LKG:0000001").name == "lung"


HEADER = "https://w3id.org/lesionkg/ontology/small"

STATEMENT_ATTACKS = [
    pytest.param(".ttl", f"<{HEADER}> owl:imports <https://example.org/x.owl> .", "imports", id="import"),
    pytest.param(".ttl", f"<{HEADER}> owl:imports <file:///etc/passwd> .", "imports", id="import of a file"),
    pytest.param(".ttl", f"<{HEADER}> owl:imports <x.owl> .", "imports", id="import of a neighbour"),
    pytest.param(".ttl", "<http://x/y> owl:imports <ftp://example.org/x> .", "imports", id="import by something else"),
    pytest.param(".ttl", f"<{HEADER}> <http://www.w3.org/2002/07/owl#imp\\u006frts> <http://x/y> .", "imports",
                 id="import with an escape"),
    pytest.param(".ttl", f"@base <http://www.w3.org/2002/07/> . <{HEADER}> <owl#imports> [] .", "imports", id="base"),
    pytest.param(".ttl", "lkg:brings rdfs:subPropertyOf owl:imports .", "imports", id="a property like it"),
    pytest.param(".ttl", f"<{HEADER}> <{PYTHON_MODULE}> 'antigravity' .", "Python module", id="module"),
    pytest.param(".ttl", f"[] a owl:Axiom ; <{PYTHON_MODULE}> 'os' .", "Python module", id="module of an axiom"),
    pytest.param(".ttl", f"lkg:x rdfs:subPropertyOf <{PYTHON_MODULE}> .", "Python module", id="a property like it too"),
    pytest.param(".owl", f'<owl:Ontology rdf:about="{HEADER}"><owl:imports rdf:resource="http://x/y"/></owl:Ontology>',
                 "imports", id="XML import"),
    pytest.param(".owl", f'<owl:Ontology rdf:about="{HEADER}" owl:imports="http://x/y"/>', "imports",
                 id="import by attribute"),
    pytest.param(".owl", f'<owl:Ontology rdf:about="{HEADER}"><owl:imports><owl:Ontology rdf:about="http://x/y"/>'
                         "</owl:imports></owl:Ontology>", "imports", id="nested"),
    pytest.param(".owl", f'<owl:Ontology rdf:about="{HEADER}"><o:imports {OWL.replace(":owl", ":o")} '
                         'rdf:resource="../../x"/></owl:Ontology>', "imports", id="under another prefix"),
    pytest.param(".owl", f'<owl:Ontology rdf:about="{HEADER}"><p:python_module '
                         f'xmlns:p="{PYTHON_MODULE.removesuffix("python_module")}">os</p:python_module></owl:Ontology>',
                 "Python module", id="XML module"),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "statement", "says"), STATEMENT_ATTACKS)
def test_imports_and_python_modules_are_refused_however_spelled(
    ours: dict[str, str], suffix: str, statement: str, says: str, tmp_path: Path
) -> None:
    text = ours[suffix]
    text = text + statement if suffix == ".ttl" else text.replace("</rdf:RDF>", statement + "</rdf:RDF>")
    before = set(sys.modules)
    assert says in unsafe(tmp_path / f"attack{suffix}", text)
    assert not {"antigravity", "owlready2"} & (set(sys.modules) - before)


def test_an_import_hidden_in_a_file_that_is_not_ours_is_refused_as_unsafe(tmp_path: Path) -> None:
    imports = '<owl:Ontology rdf:about="http://x/"><owl:imports rdf:resource="http://x/y"/></owl:Ontology>'
    content = f"<rdf:RDF {RDF} {OWL}>{imports}</rdf:RDF>"
    unsafe(tmp_path / "x.owl", content)


def test_xml_in_a_turtle_file_is_never_parsed_as_xml(ours: dict[str, str], tmp_path: Path) -> None:
    text = with_doctype(ours[".owl"], '<!DOCTYPE rdf:RDF [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;")
    (tmp_path / "x.ttl").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="not Turtle"):
        load_owl(tmp_path / "x.ttl")


def test_a_file_called_owl_that_begins_like_turtle_is_never_parsed_as_xml(ours: dict[str, str], tmp_path: Path) -> None:
    text = '# <?xml version="1.0"?>\n' + with_doctype(ours[".owl"], '<!DOCTYPE rdf:RDF SYSTEM "http://x/">')
    (tmp_path / "x.owl").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="not Turtle"):
        load_owl(tmp_path / "x.owl")
