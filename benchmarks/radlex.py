"""The whole of RadLex: import, loading, closure against plain Python sets (a ratio), search, disagreements.

Usage: ``python benchmarks/radlex.py RADLEX.csv``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from kg.radlex.disagreements import Disagreement, disagreements
from kg.radlex.reference import FILE, Reference, import_table, load_reference
from kg.radlex.search import search
from kg.shipped import load_shipped
from learn.impact import released_label_data

T = TypeVar("T")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="RadLex as CSV")
    table = parser.parse_args().table
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        timed("import", lambda: import_table(table, file))
        reference, _ = timed("load", lambda: load_reference(file))
    closed, quick = timed("closure", lambda: reference.ancestors)
    plain, slow = timed("closure by plain sets", lambda: plain_closure(reference))
    assert closed.nnz == plain
    print(f"{len(reference.terms):,} terms, {plain:,} pairs above; plain sets take {slow / quick:.1f} times as long")
    for text in ("lung", "right lower lo", "hemangoima"):
        timed(f"search {text!r}", lambda text=text: search(reference, text))  # type: ignore[misc]
    ontology, data = load_shipped("lesanet-repaired"), released_label_data("lesanet-171")[1]
    report, _ = timed("disagreements of lesanet-repaired", lambda: disagreements(ontology, reference, data))
    for what in Disagreement:
        rows = [one for one in report.differences if one.what is what]
        print(f"  {what.value}: {len(rows)}, {sum(one.lesions > 0 for one in rows)} of them on lesions")


def timed(what: str, work: Callable[[], T]) -> tuple[T, float]:
    """Its result and seconds, which are printed."""
    start = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - start
    print(f"{what}: {seconds:.2f} s")
    return made, seconds


def plain_closure(reference: Reference) -> int:
    """Number of pairs of a term and one above it, by walking up from each."""
    up = {rid: {high for _, high in term.above if high in reference.terms} for rid, term in reference.terms.items()}
    pairs = 0
    for rid in up:
        seen: set[str] = set()
        queue = [rid]
        while queue:
            new = up[queue.pop()] - seen
            seen |= new
            queue += new
        pairs += len(seen)
    return pairs


if __name__ == "__main__":
    main()
