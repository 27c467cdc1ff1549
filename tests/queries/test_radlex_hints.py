"""What RadLex says about labels, from a small made table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from made_ontology import LEFT_LUNG, LIVER, LUNG, NODULE, small
from small_radlex import write_table

from kg.ontology import MatchKind, Ontology, TermMapping
from kg.radlex.reference import FILE, import_table
from queries.radlex_hints import radlex_of, terms_for, ways_between


def mapped() -> Ontology:
    """The made ontology with its left lung and liver mapped too."""
    ontology = small()
    rids = {LEFT_LUNG: "RID1326", LIVER: "RID58"}
    labels = [
        replace(label, mappings=(TermMapping(rids[label.id], label.name, MatchKind.EXACT),))
        if label.id in rids
        else label
        for label in ontology.labels
    ]
    return replace(ontology, labels=tuple(labels))


def test_hints_come_from_the_table_of_the_data_folder(tmp_path: Path) -> None:
    assert radlex_of(tmp_path) is None
    import_table(write_table(tmp_path / "radlex.csv"), tmp_path / FILE)
    reference = radlex_of(tmp_path)
    assert reference is not None
    assert radlex_of(tmp_path) is reference, "read once"
    up = ("RID1326 left lung is_a RID1301 lung",)
    assert ways_between(mapped(), reference, LEFT_LUNG, LUNG) == up
    assert ways_between(mapped(), reference, LUNG, LEFT_LUNG) == up
    assert ways_between(mapped(), reference, LIVER, LUNG) == ()
    assert ways_between(mapped(), reference, NODULE, LUNG) == ()
    assert terms_for(mapped(), reference, NODULE) == (("RID3874", "nodule"),)
