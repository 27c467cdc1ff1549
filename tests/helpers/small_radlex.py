"""A RadLex-like table of a few terms; synthetic, for tests."""

from __future__ import annotations

import csv
from pathlib import Path

COLUMNS = ("rid", "preferred_label", "alt_labels", "parents", "definition", "synonyms", "part_of", "contained_by")
ROWS = (
    ("RID1", "RadLex entity", "", "RID0", "", "", "", ""),
    ("RID3", "anatomical entity", "", "RID1", "", "", "", ""),
    ("RID5", "imaging observation", "", "RID1", "", "", "", ""),
    ("RID15849", "Obsolete Radlex Term", "", "RID1", "", "", "", ""),
    ("RID1243", "thorax", "chest", "RID3", "", "", "", ""),
    ("RID1301", "lung", "", "RID3", "Made, of two\nlines.", "pulmo|Lunge", "", "RID1243"),
    ("RID1326", "left lung", "", "RID1301", "", "", "", ""),
    ("RID1338", "lower lobe of left lung", "LLL|pulmonary", "RID3", "", "left lower lobe", "RID1326", ""),
    ("RID1350", "left-sided basal segment", "", "RID3", "", "", "RID1338", ""),
    ("RID58", "liver", "", "RID3", "", "", "", "RID1243"),
    ("RID3874", "nodule", "", "RID5", "", "", "", ""),
    ("RID50149", "nodule of lung", "", "RID3874", "", "", "", ""),
    ("RID9", "old lung", "", "RID15849", "", "", "", ""),
)


def write_table(file: Path, rows: tuple[tuple[str, ...], ...] = ROWS, columns: tuple[str, ...] = COLUMNS) -> Path:
    """The table as CSV."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return file
