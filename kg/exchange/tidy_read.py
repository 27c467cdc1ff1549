"""The tidy table read back; :mod:`kg.exchange.tidy` says what its rows mean."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from kg.errors import InputError
from kg.exchange.cells import restored
from kg.exchange.tidy import COLUMNS, NAMELESS, ROWS
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    MatchKind,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
    TermMapping,
)

_MOST_IN_A_CELL = 2**26
_STATES = {"deprecated": True, "current": False}
_Kind = TypeVar("_Kind", bound=StrEnum)


@dataclass(frozen=True)
class _Row:
    """One row: where it stands, and its cells by column."""

    file: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def wrong(self, what: str) -> InputError:
        """The error that something in this row is wrong."""
        return InputError(f"{self.file}: line {self.line}: {what}")

    def one_of(self, kind: type[_Kind]) -> _Kind:
        """The predicate as one of the values of an enumeration."""
        if self["predicate"] not in set(kind):
            raise self.wrong(f"{self['row']} has predicate {self['predicate']!r}; use one of {', '.join(kind)}")
        return kind(self["predicate"])

    def position(self, column: str) -> int:
        """A cell as a position from 0."""
        text = self[column]
        if not (text.isascii() and text.isdecimal()):
            raise self.wrong(f"{self['row']} has position {text!r}; give a whole number")
        return int(text)

    def provenance(self) -> dict[str, str]:
        """Where a relation comes from."""
        return {name: self[name] for name in ("source", "author", "created", "evidence")}


def parse(text: str, file: str, known: Mapping[str, str]) -> Ontology:
    """The ontology that a table states; references are not followed.

    Args:
        text: the whole file.
        file: what to call it in an error.
        known: names by label id as they are now; they may stand beside ids although the table renames labels.

    Raises:
        InputError: it is no such table, was cut off, or a row is not understood.
    """
    rows: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in _read(text, file):
        if row["row"] not in ROWS:
            raise row.wrong(f"row {row['row']!r} is unknown; use one of {', '.join(ROWS)}")
        rows[row["row"]].append(row)
    if not rows["end"]:
        raise InputError(f"{file}: has no row 'end', so it was cut off; export it again")
    if len(rows["ontology"]) != 1:
        raise InputError(f"{file}: has {len(rows['ontology'])} rows 'ontology'; keep one")
    _require_names(rows, known)
    header = rows["ontology"][0]
    return Ontology(
        name=header["subject"],
        version=header["text"],
        notices=tuple(r["text"] for r in sorted(rows["notice"], key=lambda r: r.position("subject"))),
        labels=_labels(rows),
        relations=tuple(
            Relation(r["subject"], r.one_of(RelationKind), r["object"], **r.provenance()) for r in rows["relation"]
        ),
        exclusive_pairs=tuple(
            ExclusivePair(r["subject"], r["object"], **r.provenance()) for r in rows["exclusive-pair"]
        ),
        exceptions=tuple(ExclusionException(r["subject"], r["object"], **r.provenance()) for r in rows["exception"]),
        soft_relations=tuple(
            SoftRelation(r["subject"], r.one_of(SoftKind), r["object"], **r.provenance()) for r in rows["soft-relation"]
        ),
        exclusive_groups=_groups(rows),
        label_sets=_label_sets(rows),
        foreign=tuple(r["text"] for r in rows["foreign"]),
    )


def _read(text: str, file: str) -> Iterator[_Row]:
    """The rows that are not empty."""
    usual = csv.field_size_limit(_MOST_IN_A_CELL)  # kept statements are longer than the module allows by default
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise InputError(f"{file}: column {missing[0]!r} is missing; it needs {', '.join(COLUMNS)}")
        for cells in reader:
            row = _Row(file, reader.line_num, dict(zip(header, map(restored, cells), strict=False)))
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise row.wrong(f"has {len(cells)} cells, not {len(header)}; separate them by tabs")
            yield row
    except csv.Error as error:
        raise InputError(f"{file}: line {reader.line_num}: is no row ({error}); save it tab-separated") from error
    finally:
        csv.field_size_limit(usual)  # it holds for the whole process, and other readers rely on theirs


def _require_names(rows: Mapping[str, list[_Row]], known: Mapping[str, str]) -> None:
    """Check that no name beside an id is that of another label; a name that no label has may be an old one."""
    names = {**known, **{r["subject"]: r["subject_name"] for r in rows.get("label", ())}}
    bearers: defaultdict[str, set[str]] = defaultdict(set)
    for label_id, name in (*known.items(), *names.items()):
        bearers[name].add(label_id)
    for kind, found in rows.items():
        columns = () if kind in NAMELESS else ("subject",) if kind == "mapping" else ("subject", "object")
        for row in found:
            for column in columns:
                label_id, name = row[column], row[f"{column}_name"]
                others = bearers.get(name, set()) if name and label_id in names else set()
                if others and label_id not in others:
                    raise row.wrong(
                        f"{column} {label_id} is {names[label_id]!r}, but {name!r} is {min(others)}; "
                        "correct the id, or empty the name"
                    )


def _labels(rows: Mapping[str, list[_Row]]) -> tuple[Label, ...]:
    synonyms: defaultdict[str, list[Synonym]] = defaultdict(list)
    mappings: defaultdict[str, list[TermMapping]] = defaultdict(list)
    states: dict[str, tuple[bool, str]] = {}
    ids = {r["subject"] for r in rows["label"]}
    for row in [*rows["synonym"], *rows["mapping"], *rows["status"]]:
        if row["subject"] not in ids:
            raise row.wrong(f"{row['row']} of {row['subject']}, which has no row 'label'; add it or drop the row")
    for r in rows["synonym"]:
        synonyms[r["subject"]].append(Synonym(r["text"], r.one_of(SynonymScope), r["source"]))
    for r in rows["mapping"]:
        term = TermMapping(r["object"], r["object_name"], r.one_of(MatchKind), r["evidence"])
        mappings[r["subject"]].append(term)
    for r in rows["status"]:
        if r["predicate"] not in _STATES or r["subject"] in states:
            raise r.wrong(f"status {r['predicate']!r} of {r['subject']}; keep one row: {' or '.join(_STATES)}")
        states[r["subject"]] = _STATES[r["predicate"]], r["object"]
    return tuple(
        Label(
            id=r["subject"],
            name=r["subject_name"],
            label_class=r.one_of(LabelClass),
            synonyms=tuple(synonyms[r["subject"]]),
            definition=r["text"],
            mappings=tuple(mappings[r["subject"]]),
            deprecated=states.get(r["subject"], (False, ""))[0],
            replaced_by=states.get(r["subject"], (False, ""))[1],
            source=r["source"],
        )
        for r in rows["label"]
    )


def _groups(rows: Mapping[str, list[_Row]]) -> tuple[ExclusiveGroup, ...]:
    members: dict[str, list[str]] = {}
    for row in rows["exclusive-group"]:
        if row["subject"] in members:
            raise row.wrong(f"exclusive group {row['subject']!r} is there twice; keep one row")
        members[row["subject"]] = []
    for row in rows["group-member"]:
        if row["subject"] not in members:
            raise row.wrong(f"exclusive group {row['subject']!r} has no row 'exclusive-group'; add it")
        members[row["subject"]].append(row["object"])
    return tuple(
        ExclusiveGroup(r["subject"], tuple(members[r["subject"]]), r["source"]) for r in rows["exclusive-group"]
    )


def _label_sets(rows: Mapping[str, list[_Row]]) -> tuple[LabelSet, ...]:
    columns: dict[tuple[str, str], dict[int, str]] = {}
    for row in rows["label-set"]:
        if (row["subject"], row["text"]) in columns:
            raise row.wrong(f"label set {row['subject']!r} version {row['text']!r} is there twice; keep one row")
        columns[row["subject"], row["text"]] = {}
    for row in rows["column"]:
        place, position = columns.get((row["subject"], row["text"])), row.position("predicate")
        if place is None:
            raise row.wrong(f"label set {row['subject']!r} version {row['text']!r} has no row 'label-set'; add it")
        if position in place:
            raise row.wrong(f"label set {row['subject']!r} has two columns {position}; number them anew")
        place[position] = row["object"]
    for (name, version), place in columns.items():
        if set(place) != set(range(len(place))):
            raise rows["label-set"][0].wrong(
                f"label set {name!r} version {version!r} has a gap between its columns; number them anew from 0"
            )
    return tuple(
        LabelSet(name, tuple(place[position] for position in range(len(place))), version)
        for (name, version), place in columns.items()
    )
