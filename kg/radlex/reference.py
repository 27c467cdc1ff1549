"""The whole of RadLex beside the ontology: a reference to search, to follow upwards, and to take terms from.

RadLex does not ship with the project. Whoever has it as a table imports it once; it is kept as one Parquet file in the
data folder, and its terms never enter the graph unless a curator adopts them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kg import algebra
from kg.algebra import BoolMatrix
from kg.errors import InputError, UsageError

FILE = "radlex.parquet"
_FORMAT = "lesionkg-radlex/1"
_META = b"lesionkg"
_LISTS = {
    "synonyms": ("synonyms", "alt_labels"),
    "is_a": ("parents",),
    "part_of": ("part_of",),
    "contained_by": ("contained_by",),
}
_SCHEMA = pa.schema(
    [
        pa.field("rid", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("definition", pa.string(), nullable=False),
        *(pa.field(name, pa.list_(pa.string()), nullable=False) for name in _LISTS),
    ]
)
_ROOT = "RID1"
"""RadLex's term above all others."""

_OBSOLETE_ROOT = "RID15849"
"""RadLex moves withdrawn terms below this one, "Obsolete Radlex Term"."""


class Step(StrEnum):
    """How RadLex puts one term above another."""

    IS_A = "is_a"
    PART_OF = "part_of"
    CONTAINED_BY = "contained_by"


@dataclass(frozen=True, slots=True)
class Term:
    """One term of RadLex.

    Attributes:
        rid: its identifier, e.g. ``RID1301``.
        name: preferred name.
        synonyms: other names.
        definition: empty where RadLex has none.
        above: terms right above it, with the step that leads there.
        obsolete: RadLex has withdrawn it.
    """

    rid: str
    name: str
    synonyms: tuple[str, ...]
    definition: str
    above: tuple[tuple[Step, str], ...]
    obsolete: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All of its names, the preferred one first."""
        return self.name, *self.synonyms


@dataclass(frozen=True, eq=False)
class Reference:
    """All terms of a RadLex table.

    Attributes:
        terms: by RID, in the order of the table.
        digest: SHA-256 of the table that was imported.
    """

    terms: Mapping[str, Term]
    digest: str

    def term(self, rid: str) -> Term:
        """The term of this RID.

        Raises:
            UsageError: RadLex has none.
        """
        found = self.terms.get(rid)
        if found is None:
            raise UsageError(
                f"RadLex term {rid!r}: not in the reference; `lesionkg ontology radlex search` finds terms"
            )
        return found

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Row of each RID in :attr:`ancestors`."""
        return {rid: i for i, rid in enumerate(self.terms)}

    @cached_property
    def rids(self) -> tuple[str, ...]:
        """RID of each row of :attr:`ancestors`."""
        return tuple(self.terms)

    @cached_property
    def below(self) -> Mapping[str, tuple[tuple[Step, str], ...]]:
        """Terms right below each one, with the step that leads up from them; only of terms that have some."""
        found: dict[str, list[tuple[Step, str]]] = {}
        for rid, term in self.terms.items():
            for step, up in term.above:
                found.setdefault(up, []).append((step, rid))
        return {rid: tuple(steps) for rid, steps in found.items()}

    @cached_property
    def ancestors(self) -> BoolMatrix:
        """T x T sparse bool: all terms above each one, over steps of every kind; T terms.

        RadLex has cycles over steps of different kinds, so a term may be its own ancestor.
        """
        index = self.index
        pairs = [(i, index[up]) for i, term in enumerate(self.terms.values()) for _, up in term.above if up in index]
        return algebra.closure(algebra.from_pairs(np.array(pairs), len(index)))

    @cached_property
    def tops(self) -> frozenset[str]:
        """The terms right below RadLex's root, each of which heads a main branch."""
        return frozenset(low for _, low in self.below.get(_ROOT, ()))

    def branches(self, rid: str) -> frozenset[str]:
        """The main branches of RadLex, such as anatomical entities or findings, that hold a term."""
        above = self.ancestors[[self.index[rid]]].indices
        return frozenset(self.tops & {rid, *(self.rids[i] for i in above)})

    def ways_up(self, rid: str, wanted: Iterable[str]) -> dict[str, tuple[tuple[Step, str], ...]]:
        """The shortest way up from a term to each wanted term that is above it; ties by the order of the table."""
        goal = set(wanted) - {rid}
        found: dict[str, tuple[tuple[Step, str], ...]] = {}
        seen = {rid}
        queue: list[tuple[str, tuple[tuple[Step, str], ...]]] = [(rid, ())]
        while queue and goal - found.keys():
            following: list[tuple[str, tuple[tuple[Step, str], ...]]] = []
            for low, way in queue:
                for step, up in self.terms[low].above:
                    if up in seen or up not in self.terms:
                        continue
                    seen.add(up)
                    further = (*way, (step, up))
                    if up in goal:
                        found[up] = further
                    following.append((up, further))
            queue = following
        return found

    def chains(self, rid: str) -> list[tuple[tuple[Step, str], ...]]:
        """For each term right above, the chain through it and on by first ``is_a`` to the top."""
        found: list[tuple[tuple[Step, str], ...]] = []
        for first in self.terms[rid].above:
            if first[1] not in self.terms:
                continue
            chain, seen = [first], {rid, first[1]}
            while True:
                above = self.terms[chain[-1][1]].above
                onward = next((s for s in above if s[0] is Step.IS_A and s[1] in self.terms.keys() - seen), None)
                if onward is None:
                    break
                chain.append(onward)
                seen.add(onward[1])
            found.append(tuple(chain))
        return found

    def text(self, rid: str, way: Iterable[tuple[Step, str]]) -> str:
        """A way up in words: ``RID1315 lower lobe of right lung part_of RID1302 right lung``."""
        return f"{rid} {self.terms[rid].name}" + "".join(f" {step} {up} {self.terms[up].name}" for step, up in way)


def read_radlex(table: Path | str) -> Reference:
    """Read a RadLex table without keeping it.

    Args:
        table: CSV with the columns ``rid preferred_label alt_labels parents synonyms part_of contained_by`` and perhaps
            ``definition``, lists separated by ``|``.

    Raises:
        InputError: no such file, not CSV in UTF-8, a column is missing, or a RID is empty or there twice.
    """
    rows, digest = _read(Path(table))
    return _reference(rows, digest)


def import_table(table: Path, target: Path) -> Reference:
    """Read a RadLex table and keep it.

    Args:
        table: as for :func:`read_radlex`.
        target: Parquet file to write; replaced as a whole or not at all.

    Raises:
        InputError: as for :func:`read_radlex`, or the file cannot be written.
    """
    rows, digest = _read(table)
    meta = json.dumps({"format": _FORMAT, "digest": digest, "terms": len(rows)})
    stored = pa.Table.from_pylist(rows, schema=_SCHEMA).replace_schema_metadata({_META: meta.encode()})
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(stored, partial)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{target}: cannot be written ({error.strerror}); choose another place") from error
    return _reference(rows, digest)


def load_reference(file: Path) -> Reference:
    """The terms that were imported.

    Raises:
        UsageError: none were.
        InputError: the file is damaged or of another format.
    """
    if not file.exists():
        raise UsageError(f"{file}: no RadLex imported yet; `lesionkg ontology radlex import TABLE.csv` does")
    try:
        table = pq.read_table(file)
        meta = json.loads(table.schema.metadata[_META])
        if meta["format"] != _FORMAT or meta["terms"] != table.num_rows:
            raise ValueError("format")
        rows = table.to_pylist()
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: is damaged ({type(error).__name__}); import the RadLex table again") from error
    return _reference(rows, meta["digest"])


def _reference(rows: list[dict[str, Any]], digest: str) -> Reference:
    obsolete = _below(rows, _OBSOLETE_ROOT)
    terms = {
        row["rid"]: Term(
            row["rid"],
            row["name"],
            tuple(row["synonyms"]),
            row["definition"],
            tuple((step, up) for step in Step for up in row[step.value]),
            row["rid"] in obsolete,
        )
        for row in rows
    }
    return Reference(terms, digest)


def _read(table: Path) -> tuple[list[dict[str, Any]], str]:
    """The rows of a table, and its SHA-256."""
    try:
        data = table.read_bytes()
        return _rows(data.decode("utf-8-sig"), table), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise InputError(f"{table}: cannot be read ({error.strerror}); choose a RadLex table") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: is not CSV in UTF-8; choose a RadLex table") from error


def _rows(text: str, table: Path) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    needed = ("rid", "preferred_label", *(column for columns in _LISTS.values() for column in columns))
    missing = [column for column in needed if column not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"{table}: column {missing[0]!r} is missing; choose a RadLex table")
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for line, row in enumerate(reader, 2):
        rid, name = (row["rid"] or "").strip(), (row["preferred_label"] or "").strip()
        if not rid or rid in seen:
            raise InputError(
                f"{table}: row {line} has {'the RID ' + rid + ' again' if rid else 'no RID'}; mend the table"
            )
        seen.add(rid)
        lists = {key: _items([row[c] for c in columns], name) for key, columns in _LISTS.items()}
        rows.append({"rid": rid, "name": name or rid, "definition": (row.get("definition") or "").strip(), **lists})
    if not rows:
        raise InputError(f"{table}: holds no terms; choose a RadLex table")
    return rows


def _items(cells: Iterable[str | None], name: str) -> list[str]:
    """The entries of some cells, each once; the preferred name is no synonym."""
    items = (item.strip() for cell in cells for item in (cell or "").split("|"))
    return list(dict.fromkeys(item for item in items if item not in ("", name)))


def _below(rows: Iterable[Mapping[str, Any]], root: str) -> set[str]:
    children: dict[str, list[str]] = {}
    for row in rows:
        for up in row["is_a"]:
            children.setdefault(up, []).append(str(row["rid"]))
    found, queue = {root}, [root]
    while queue:
        new = [rid for rid in children.get(queue.pop(), ()) if rid not in found]
        found.update(new)
        queue.extend(new)
    return found
