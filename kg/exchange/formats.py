"""Ontologies in the formats of other tools, and edited files read onto the ontology they came from.

A format that has a place for everything (OWL, OBO graph, tidy table) is read as it stands. Of the others only what
differs from the export of the base counts as an edit: what they have no place for stays as it is in the base.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from kg.errors import InputError, OntologyError, UsageError
from kg.exchange import obograph, obograph_read, sssom_file, tidy, tidy_read
from kg.exchange import sheet as sheets
from kg.files import write_whole
from kg.ontology import Ontology
from kg.owl import load_owl, write_owl
from kg.owl_return import give_back


class Format(StrEnum):
    """A file format; the value is the suffix that names it."""

    TURTLE = ".ttl"
    RDF_XML = ".owl"
    OBO_GRAPH = ".obo.json"
    SSSOM = ".sssom.tsv"
    SHEET = ".xlsx"
    TIDY = ".tsv"


MOST_BYTES = 64 * 2**20
"""Size beyond which a file is refused: the largest of a shipped ontology has 0.8 MB."""

_LACKS: dict[Format, tuple[str, ...]] = {
    Format.SSSOM: sssom_file.LACKS,
    Format.SHEET: sheets.LACKS,
}
_RENDER: dict[Format, Callable[[Ontology], bytes]] = {
    Format.OBO_GRAPH: obograph.render,
    Format.SSSOM: sssom_file.render,
    Format.SHEET: sheets.render,
    Format.TIDY: tidy.render,
}


def format_of(path: Path | str) -> Format:
    """The format that a file name stands for; ``.rdf`` is RDF/XML too.

    Raises:
        UsageError: the suffix names none.
    """
    name = Path(path).name.lower()
    found = [one for one in Format if name.endswith(one.value)]
    if name.endswith(".rdf"):
        return Format.RDF_XML
    if not found:
        raise UsageError(f"{path}: suffix names no ontology format; use one of {', '.join(Format)}")
    return max(found, key=len)


def lacks(format_: Format) -> tuple[str, ...]:
    """What a format has no place for, in words; an import keeps it as the base has it. Empty where nothing is lost."""
    return _LACKS.get(format_, ())


def write(ontology: Ontology, path: Path | str) -> None:
    """Write an ontology in the format of the file name; equal content gives equal bytes.

    The file is replaced as a whole or not at all.

    Raises:
        UsageError: the suffix names no format.
        OntologyError: the format cannot tell apart, or not hold, what it has a place for.
        InputError: the file cannot be written.
    """
    target = Path(path)
    format_ = format_of(target)
    if format_ in (Format.TURTLE, Format.RDF_XML):
        write_owl(ontology, target)
        return
    try:
        data = _RENDER[format_](ontology)
    except UnicodeEncodeError as error:
        raise OntologyError(
            f"ontology {ontology.name}: half a character ({error.reason}) in a text; remove it"
        ) from error
    write_whole(target, data)


def read_onto(base: Ontology, path: Path | str) -> Ontology:
    """The ontology that a file makes of a base: its edits made, what its format lacks kept.

    Args:
        base: the ontology that the file was exported from, as it is now.
        path: the file.

    Raises:
        UsageError: the suffix names no format.
        UnsafeInputError: an OWL file reaches for something outside itself; nothing was loaded.
        InputError: the file is missing, too large, damaged, of another kind, or refers to what is not there.
    """
    file = Path(path)
    match format_of(file):
        case Format.TURTLE | Format.RDF_XML:
            return load_owl(file)
        case Format.SHEET:
            return _resolved(sheets.read_onto(base, file), file)
        case Format.OBO_GRAPH:
            return _resolved(obograph_read.parse(_text(file), str(file)), file)
        case Format.TIDY:
            return _resolved(tidy_read.parse(_text(file), str(file), {k.id: k.name for k in base.labels}), file)
        case Format.SSSOM:
            return sssom_file.read_onto(base, _text(file), str(file))


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file}: larger than {MOST_BYTES // 2**20} MiB; choose a file with one ontology")
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is not UTF-8 text; save it as UTF-8") from error


def _resolved(ontology: Ontology, file: Path) -> Ontology:
    """The ontology, if every reference in it names one of its labels and an OWL file can hold its kept statements."""
    try:
        ontology.require_resolved()
        give_back((), ontology.foreign, ontology.name)
    except OntologyError as error:
        raise InputError(f"{file}: {error}") from error
    return ontology
