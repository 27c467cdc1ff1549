"""The first lesions of the real release, for tests that need a graph in a second or two."""

from __future__ import annotations

import pyarrow.compute as pc

from ingest.label_lists import LabelLists
from ingest.release import Release


def first_lesions(count: int) -> Release:
    """The shipped release cut after ``count`` lesions; of the first 200, 96 have label lists."""
    whole = Release.shipped()
    table = whole.labels.table
    labels = LabelLists(whole.labels.terms, table.filter(pc.less(table["index"], count)).combine_chunks())
    return Release(whole.lesions.slice(0, count).combine_chunks(), labels)
