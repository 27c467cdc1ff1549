"""The proof of an erasure: every store that the data folder has is searched, and each says how much was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ingest.erasure_patches import find_caches
from ingest.erasure_vault import REMOVED_LAST
from ingest.images.patch_cache import PatchCache
from kg.erasure import lines_naming
from kg.erasure_tables import tables_naming
from kg.erasure_traces import SHORTEST, Traces
from kg.relational import Database
from lesionkg.erasure.files import files_naming, shown
from lesionkg.erasure.place import Place


@dataclass(slots=True)
class Proof:
    """What was searched, and what was found.

    Attributes:
        searched: one line a store, with what was read of it.
        left: places that still name the patient; a place, never an id.
        backups: backups of the graph that hold him: they cannot be changed.
        beyond: what cannot be searched from here.
    """

    searched: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    backups: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)


def search(place: Place, traces: Traces, lesions: Collection[str], last: bool) -> Proof:
    """Search everything for the patient.

    Args:
        place: where.
        traces: his ids, identifiers and lines of his reports.
        lesions: his, for stores that hold pixels.
        last: the identifiers have left the vault, so they are looked for there too.
    """
    proof = Proof()
    _search_graph(place, traces, proof)
    with place.open_curation() as curation:
        if curation is not None:
            _search_database(curation, traces, proof)
    with place.open_vault() as vault:
        if vault is not None:
            _search_database(vault.database, traces, proof, () if last else REMOVED_LAST)
    _search_caches(place, lesions, proof)
    _search_files(place, traces, proof)
    if traces.too_short:
        proof.beyond.append(
            f"{traces.too_short} identifiers of fewer than {SHORTEST} characters, which are found in every file by "
            "chance; they were removed where a column or property holds them"
        )
    return proof


def _search_graph(place: Place, traces: Traces, proof: Proof) -> None:
    with place.open_graph() as store:
        read, found = store.read_transaction(lambda tx: lines_naming(tx, traces))
    proof.searched.append(f"graph: {read:,} nodes and relationships with all their properties, through Cypher")
    proof.left += [f"graph: {n} {kind}" for kind, n in sorted(Counter(found).items())]
    if place.folder is None:
        proof.beyond.append("the files of the graph's server, its logs and its backups: ask who runs it")
    else:
        _search_bytes("graph folder", sorted(place.folder.iterdir()), traces, proof)


def _search_database(database: Database, traces: Traces, proof: Proof, but: Collection[str] = ()) -> None:
    read, found = tables_naming(database, traces)
    proof.searched.append(f"{database.name}: {read:,} rows of all tables")
    proof.left += [f"{database.name}: {column}" for column in found if column.partition(".")[0] not in but]
    if not database.files:
        proof.beyond.append(f"{database.name}: the files of its PostgreSQL server, its logs and its backups")
    elif not but:
        _search_bytes(f"{database.name} file", database.files, traces, proof)


def _search_bytes(name: str, paths: Iterable[Path], traces: Traces, proof: Proof) -> None:
    size = 0
    for path in paths:
        data = path.read_bytes()
        size += len(data)
        if traces.in_bytes(data):
            proof.left.append(f"{name}: bytes of {path.name}")
    proof.searched.append(f"{name}: {size:,} bytes")


def _search_caches(place: Place, lesions: Collection[str], proof: Proof) -> None:
    for folder in find_caches(place.home):
        cache = PatchCache.open(folder)
        proof.searched.append(f"patch cache {shown(place, folder)}: {len(cache.lesions):,} lesions with their patches")
        if set(cache.lesions) & set(lesions):
            proof.left.append(f"patch cache {shown(place, folder)}")


def _search_files(place: Place, traces: Traces, proof: Proof) -> None:
    read, found = files_naming(place, traces)
    proof.searched.append(f"data folder: {read:,} further files, packed and columnar ones unpacked")
    for named in found:
        where = shown(place, named.path, traces)
        if named.backup:
            proof.backups.append(where)
        else:
            proof.left.append(f"{where} (cannot be read: {named.unreadable})" if named.unreadable else where)
