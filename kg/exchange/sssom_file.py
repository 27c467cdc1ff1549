"""Mappings as SSSOM (Simple Standard for Sharing Ontological Mappings), with the metadata header.

One row a mapping. A justification that begins with ``semapv:`` is parted into the justification and its comment. Read
onto a base, the rows are all mappings to RadLex that there are: one that is gone is taken away, one that reads as the
base's export stays as the base has it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from kg import owl_vocabulary as v
from kg.errors import InputError
from kg.exchange.cells import defused, restored
from kg.ontology import Label, Ontology, TermMapping
from kg.sssom import COLUMNS, PREFIX, mapping_of

LACKS = (
    "labels, their classes, synonyms and definitions",
    "relations, exclusion and its exceptions, groups, label sets",
    "mappings to terms outside RadLex",
    "tabs and line ends in names and comments",
    "OWL statements outside the model; notices are in the header, which is not read back",
)

_UNSPECIFIED = "semapv:UnspecifiedMatching"
_RID = re.compile(r"RID\w+")
_JUSTIFIED = re.compile(r"(semapv:\w+)(?:: (.+))?")
_CURIE = re.compile(r"([A-Za-z][A-Za-z0-9]*):[A-Za-z0-9]+")


def render(ontology: Ontology) -> bytes:
    """The mappings to RadLex as UTF-8; equal content gives equal bytes.

    Raises:
        UnicodeEncodeError: a text holds half a character.
    """
    lines = [*_metadata(ontology), "\t".join(COLUMNS)]
    for label in ontology.labels:
        for mapping in label.mappings:
            if _RID.fullmatch(mapping.object_id):
                lines.append("\t".join(_quoted(defused(cell)) for cell in _row(label, mapping)))
    return ("\n".join(lines) + "\n").encode()


def _metadata(ontology: Ontology) -> Iterator[str]:
    """The header: YAML, every text in it as JSON writes it, which YAML reads too."""
    prefixes = {found[1] for label in ontology.labels if (found := _CURIE.fullmatch(label.id))}
    iris = {
        **{prefix: f"{v.LABELS}{prefix}_" for prefix in prefixes},
        PREFIX.rstrip(":"): v.RADLEX,
        "semapv": "https://w3id.org/semapv/vocab/",
        "skos": v.PREFIXES["skos"],
    }
    yield f"#mapping_set_id: {v.BASE}mappings/{quote(ontology.name, safe='')}"
    yield f"#mapping_set_version: {json.dumps(ontology.version)}"
    yield f"#mapping_set_title: {json.dumps(f'Labels of {ontology.name} to RadLex')}"
    yield "#license: https://w3id.org/sssom/license/unspecified"
    if ontology.notices:
        yield f"#other: {json.dumps(' '.join(' '.join(ontology.notices).split()))}"
    yield f"#subject_source: {v.ontology_iri(ontology.name)}"
    yield f"#object_source: {v.RADLEX}"
    yield "#curie_map:"
    yield from (f"#  {prefix}: {iri}" for prefix, iri in sorted(iris.items()))


def _row(label: Label, mapping: TermMapping) -> tuple[str, ...]:
    """The cells of a mapping; white space within a cell is one space."""
    reason = _line(mapping.justification)
    found = _JUSTIFIED.fullmatch(reason)
    why, comment = (found[1], found[2] or "") if found else (_UNSPECIFIED, reason)
    target = PREFIX + mapping.object_id
    return _line(label.id), _line(label.name), mapping.predicate, target, _line(mapping.object_label), why, comment


def _line(text: str) -> str:
    return " ".join(text.split())


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else cell


def read_onto(base: Ontology, text: str, file: str) -> Ontology:
    """The base with the mappings of a file.

    Args:
        base: where everything else comes from.
        text: the whole file.
        file: what to call it in an error.

    Raises:
        InputError: a column is missing, a row has too few or too many cells, a label is not one of the base, a
            predicate is unknown, or an object is not a ``radlex:RID...`` identifier.
    """
    listed: defaultdict[str, dict[tuple[str, ...], TermMapping]] = defaultdict(dict)
    ids = {_line(label.id): label.id for label in base.labels}
    for line, row in _read(text, file):
        if row["subject_id"] not in ids:
            raise InputError(f"{file}: line {line}: {row['subject_id']!r} is no label of {base.name}; correct it")
        listed[ids[row["subject_id"]]][_key(tuple(row[column] for column in COLUMNS))] = mapping_of(row, file)
    return replace(base, labels=tuple(_label(label, listed[label.id]) for label in base.labels))


def _key(cells: tuple[str, ...]) -> tuple[str, ...]:
    """What tells rows of one label apart: everything but the label's id and name."""
    return cells[2:]


def _label(label: Label, listed: dict[tuple[str, ...], TermMapping]) -> Label:
    exported = {m: _key(_row(label, m)) for m in label.mappings if _RID.fullmatch(m.object_id)}
    kept = [m for m in label.mappings if m not in exported or exported[m] in listed]
    new = [m for key, m in listed.items() if key not in exported.values()]
    return replace(label, mappings=(*kept, *new))


def _read(text: str, file: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells by column of each row; a cell may be quoted, as spreadsheet programs do."""
    lines = text.splitlines(keepends=False)
    first = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    reader = csv.reader(io.StringIO("\n".join(lines[first:])), delimiter="\t", strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise InputError(f"{file}: column {missing[0]!r} is missing; it needs {', '.join(COLUMNS)}")
        for cells in reader:
            line = first + reader.line_num
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{file}: line {line} has {len(cells)} cells, not {len(header)}; separate them by tabs"
                )
            yield line, {name: _line(restored(cell)) for name, cell in zip(header, cells, strict=True)}
    except csv.Error as error:
        raise InputError(
            f"{file}: line {first + reader.line_num} is no row of a table ({error}); save it tab-separated"
        ) from error
