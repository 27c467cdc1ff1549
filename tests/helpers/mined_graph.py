"""A small graph with mined reports, written by hand, behind both adapters, and what expected answers are computed from.

Patients, reports and offsets are made up; labels and their relations are those of the ontology that ships.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import graphs

from kg.ontology import Ontology
from kg.store import GraphStore, Transaction

RELEVANT, UNCERTAIN, IRRELEVANT = "relevant", "uncertain", "irrelevant"


@dataclass(frozen=True)
class Lesion:
    """A lesion, with the labels that stand in the graph as mined: names by relevance."""

    id: str
    patient: str
    has: tuple[str, ...] = ()
    may_have: tuple[str, ...] = ()
    not_about: tuple[str, ...] = ()
    index: int | None = None


@dataclass(frozen=True)
class Said:
    """One ``MENTIONS`` relationship: one mention judged for one bookmark, or for none (-1)."""

    report: str
    sentence: int
    label: str
    start: int
    end: int
    relevance: str
    lesion: str = ""
    bookmark: int = -1
    rule: str = "name"
    cue: str = ""
    probability: float | None = None
    nested: bool = False
    scope: str = "exact"

    @property
    def sentence_id(self) -> str:
        """Key of the sentence."""
        return f"{self.report}:{self.sentence}"


LESIONS = (
    Lesion("DL:00007", "DL:P0003", ("lung nodule", "right mid lung"), (), ("right lower lobe",), index=7),
    Lesion("DL:00008", "DL:P0003", ("right lower lobe", "lung nodule"), ("metastasis",), ("right mid lung",), index=8),
    Lesion("H:a", "P:1", ("liver mass", "hypoattenuation"), ("simple cyst",)),
    Lesion("H:b", "P:1", (), ("kidney cyst",), ("large",)),
    Lesion("H:c", "P:2", ("spiculated",), ("mass",), ()),
    Lesion("H:d", "P:2"),
)
"""One has nothing mined; of the others two are DeepLesion's."""

SAID = (
    Said("R1", 0, "lung nodule", 0, 11, RELEVANT, "DL:00007", 0, rule="composition", probability=0.97),
    Said("R1", 0, "lung nodule", 0, 11, RELEVANT, "DL:00008", 1, rule="composition", probability=0.91),
    Said("R1", 0, "right mid lung", 20, 37, RELEVANT, "DL:00007", 0, rule="synonym"),
    Said("R1", 0, "right mid lung", 20, 37, IRRELEVANT, "DL:00008", 1, rule="synonym", cue="other-bookmark"),
    Said("R1", 0, "right lower lobe", 60, 76, IRRELEVANT, "DL:00007", 0, cue="other-bookmark"),
    Said("R1", 0, "right lower lobe", 60, 76, RELEVANT, "DL:00008", 1),
    Said("R1", 1, "metastasis", 110, 120, UNCERTAIN, "DL:00008", 0, cue="u-likely"),
    Said("R2", 0, "liver mass", 0, 10, RELEVANT, "H:a", 0, rule="composition"),
    Said("R2", 0, "liver mass", 30, 42, RELEVANT, "H:a", 0, rule="adjective"),
    Said("R2", 0, "hypoattenuation", 12, 21, RELEVANT, "H:a", 0),
    Said("R2", 0, "liver", 0, 5, RELEVANT, "", 1, nested=True),
    Said("R2", 2, "simple cyst", 80, 91, UNCERTAIN, "H:a", 0, cue="u-or"),
    Said("R2", 3, "kidney cyst", 100, 110, UNCERTAIN, "H:b", 0),
    Said("R2", 3, "large", 95, 100, IRRELEVANT, "H:b", 0, cue="n-no"),
    Said("R2", 4, "kidney", 130, 136, RELEVANT),
    Said("R3", 0, "spiculated", 4, 14, RELEVANT, "H:c", 0),
    Said("R3", 0, "mass", 20, 24, RELEVANT, "H:c", 0, rule="synonym", scope="related"),
    Said("R4", 0, "pleural effusion", 3, 19, IRRELEVANT, cue="n-no"),
    Said("R4", 1, "pleural effusion", 43, 59, UNCERTAIN, cue="u-likely"),
    Said("R4", 1, "lung", 63, 67, RELEVANT),
    Said("R4", 2, "lung", 70, 74, IRRELEVANT, cue="n-clear", rule="synonym"),
    Said("R5", 0, "nodule", 9, 15, IRRELEVANT, cue="n-no"),
)
"""R1 and R2 have several bookmarks, one of them linked to no lesion; R4 and R5 have none. What is relevant
through a related term only counts as uncertain."""


@dataclass(frozen=True)
class MinedGraph:
    """The graph through both adapters.

    Attributes:
        embedded: through the embedded adapter.
        bolt: over Bolt, as the user who may only read.
        folder: where it lies.
        ontology: what its labels come from.
    """

    embedded: GraphStore
    bolt: GraphStore
    folder: Path
    ontology: Ontology

    def ancestors(self, name: str) -> set[str]:
        """Names of all ancestors of a label, walked through the relations."""
        parents = {
            self.ontology.by_id[r.parent].name
            for r in self.ontology.relations
            if self.ontology.by_id[r.child].name == name
        }
        return parents.union(*(self.ancestors(parent) for parent in parents))


@contextmanager
def mined_graph(folder: Path) -> Iterator[MinedGraph]:
    """Fill a new graph folder, own and serve it until the block ends."""
    from kg.graph_ontology import save_ontology
    from kg.owner import GraphOwner
    from kg.shipped import load_shipped

    with GraphOwner(folder, create=True) as owner:
        ontology = load_shipped()
        save_ontology(owner.store, ontology)
        named = {one.label for one in SAID}.union(*({*one.has, *one.may_have, *one.not_about} for one in LESIONS))
        assert named <= set(ontology.by_name), named - set(ontology.by_name)
        fill(owner.store)
        with graphs.connect(owner.ownership, folder, "reader") as bolt:
            yield MinedGraph(owner.store, bolt, folder, ontology)


def fill(store: GraphStore) -> None:
    """Write lesions, reports and mentions into a graph that holds the shipped ontology."""
    lesions = [
        {
            "id": one.id,
            "patient": one.patient,
            "source": "DeepLesion" if one.index is not None else "mining",
            "index": one.index,
        }
        for one in LESIONS
    ]
    labels = [
        {"lesion": one.id, "label": label, "kind": kind}
        for one in LESIONS
        for kind, names in (("HAS", one.has), ("MAY", one.may_have), ("NOT", one.not_about))
        for label in names
    ]
    said = [
        {
            "report": one.report, "sentence": one.sentence_id, "at": 50 * one.sentence, "label": one.label,
            "lesion": one.lesion, "properties": _known(one),
        }
        for one in SAID
    ]  # fmt: skip

    def work(tx: Transaction) -> None:
        run = tx.run_many
        run(
            "UNWIND $rows AS row MERGE (p:Patient {id: row.patient}) "
            "MERGE (p)-[:HAS_STUDY]->(t:Study {id: row.patient + ':S01'}) "
            "MERGE (t)-[:HAS_SERIES]->(s:Series {id: row.patient + ':S01:R01'}) "
            "CREATE (s)-[:HAS_LESION]->(l:Lesion {id: row.id, source: row.source}) SET l.index = row.index",
            lesions,
        )
        for kind, edge in (
            ("HAS", "HAS_LABEL {source: 'mining', verified: false}"),
            ("MAY", "MAY_HAVE_LABEL {source: 'mining'}"),
            ("NOT", "MENTIONED_NOT_ABOUT {source: 'mining'}"),
        ):
            run(
                "UNWIND $rows AS row MATCH (l:Lesion {id: row.lesion}) MATCH (c:Label {name: row.label}) "
                f"CREATE (l)-[:{edge}]->(c)",
                [row for row in labels if row["kind"] == kind],
            )
        run(
            "UNWIND $rows AS row MERGE (r:Report {id: row.report}) "
            "ON CREATE SET r.source = 'mining', r.digest = 'd', r.settings = 's', r.study = '' "
            "MERGE (r)-[:HAS_SENTENCE]->(s:Sentence {id: row.sentence}) "
            "SET s.start = row.at, s.end = row.at + 49, s.section = 'findings', s.organ = ''",
            said,
        )
        run(
            "UNWIND $rows AS row MATCH (s:Sentence {id: row.sentence}) MATCH (c:Label {name: row.label}) "
            "CREATE (s)-[m:MENTIONS]->(c) SET m += row.properties",
            said,
        )
        run(
            "UNWIND $rows AS row MATCH (s:Sentence {id: row.sentence}) MATCH (l:Lesion {id: row.lesion}) "
            "MERGE (s)-[:DESCRIBES]->(l)",
            [row for row in said if row["lesion"]],
        )
        # Labels of another source, which none of the mined answers may show.
        run(
            "UNWIND $rows AS row MATCH (l:Lesion {id: row.lesion}) MATCH (c:Label {name: row.label}) "
            "CREATE (l)-[:HAS_LABEL {source: 'lesanet', verified: true}]->(c)",
            [{"lesion": "DL:00007", "label": "calcified"}, {"lesion": "H:a", "label": "liver mass"}],
        )

    store.write_transaction(work)


def _known(one: Said) -> dict[str, object]:
    properties: dict[str, object] = {
        "start": one.start, "end": one.end, "rule": one.rule, "term": one.label, "scope": one.scope,
        "relevance": one.relevance, "cue": one.cue, "probability": one.probability, "bookmark": one.bookmark,
        "lesion": one.lesion, "nested": one.nested,
    }  # fmt: skip
    return {name: value for name, value in properties.items() if value is not None}
