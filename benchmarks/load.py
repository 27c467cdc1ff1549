"""Loading DeepLesion into a fresh embedded graph, and against one transaction a row on a sample.

Usage: ``python benchmarks/load.py [--lesions 2000]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import pyarrow.compute as pc

from ingest.label_lists import LabelLists
from ingest.load import load_deeplesion
from ingest.mentions import asserted_labels, listed_parents
from ingest.release import Release, lesion_ids, study_ids
from kg import algebra
from kg.connect import open_store
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from kg.store import GraphStore, Row

LIMIT_S = 30.0


def first(release: Release, count: int) -> Release:
    """The release cut after ``count`` lesions."""
    table = release.labels.table
    labels = LabelLists(release.labels.terms, table.filter(pc.less(table["index"], count)).combine_chunks())
    return Release(release.lesions.slice(0, count).combine_chunks(), labels)


def load_row_by_row(store: GraphStore, release: Release) -> None:
    """The same nodes and label relationships, one MERGE a row, one transaction a row: what a simple loader does."""
    patients, studies, series = study_ids(release.lesions)
    lesions = lesion_ids(release.lesions["index"].to_pylist())
    rows = [{k: v for k, v in row.items() if v is not None} for row in release.lesions.to_pylist()]
    released = load_shipped("lesanet-released")
    labels = asserted_labels(release.labels, listed_parents(released, "lesanet-171"))
    members = released.label_set("lesanet-171").members
    labelled = lesion_ids(release.labels.table["index"].to_pylist())

    def write(cypher: str, parameters: Row) -> None:
        store.write_transaction(lambda tx: tx.run(cypher, parameters))

    for patient, study, serie, lesion, row in zip(patients, studies, series, lesions, rows, strict=True):
        write(
            "MERGE (p:Patient {id: $patient}) MERGE (s:Study {id: $study}) MERGE (e:Series {id: $series}) "
            "MERGE (l:Lesion {id: $lesion}) SET l += $row "
            "MERGE (p)-[:HAS_STUDY]->(s) MERGE (s)-[:HAS_SERIES]->(e) MERGE (e)-[:HAS_LESION]->(l)",
            {"patient": patient, "study": study, "series": serie, "lesion": lesion, "row": row},
        )
    for kind, matrix in (
        ("HAS_LABEL", labels.has),
        ("MAY_HAVE_LABEL", labels.may_have),
        ("MENTIONED_NOT_ABOUT", labels.not_about),
    ):
        for number, label in algebra.to_pairs(matrix).tolist():
            write(
                f"MATCH (l:Lesion {{id: $l}}) MATCH (k:Label {{id: $k}}) MERGE (l)-[:{kind} {{source: $s}}]->(k)",
                {"l": labelled[number], "k": members[label], "s": "lesanet"},
            )


def timed(folder: Path, release: Release, row_by_row: bool = False) -> float:
    """Seconds of a load into a new graph that holds the ontology."""
    with open_store(folder) as store:
        save_ontology(store, load_shipped())
        start = time.perf_counter()
        if row_by_row:
            load_row_by_row(store, release)
        else:
            load_deeplesion(store, release)
        return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lesions", type=int, default=2000, help="size of the sample")
    sample_size = parser.parse_args().lesions
    release = Release.shipped()
    sample = first(release, sample_size)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        timed(root / "warm", first(release, 100))
        slow = timed(root / "rows", sample, row_by_row=True)
        fast = timed(root / "sets", sample)
        with open_store(root / "whole") as store:
            save_ontology(store, load_shipped())
            whole = load_deeplesion(store, release)
            again = load_deeplesion(store, release)
    written = f"{whole.written:,} nodes and relationships"
    print(f"all lesions and labels   {whole.seconds:6.1f} s for {written}; limit {LIMIT_S:.0f} s")
    print(f"the same again           {again.seconds:6.1f} s, {again.written} written")
    ratio = f"{slow / fast:6.1f} x faster by sets than row by row"
    print(f"sample of {sample_size:,} lesions   {ratio} ({fast:.2f} s and {slow:.2f} s)")
    print("The load by sets also compares with what is there, stores the cohort, and keeps all or nothing.")


if __name__ == "__main__":
    main()
