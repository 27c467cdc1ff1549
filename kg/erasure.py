"""A patient in the graph, and his erasure from it in one transaction.

With the patient go studies, series, lesions, reports and sentences, and every relationship of these: labels,
predictions, similar lesions, membership of cohorts. A cohort that loses lesions is frozen anew under its id
(:mod:`kg.erased_cohort`). A text that stays, such as the reason of a revision, has his ids redacted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kg.erasure_traces import Traces
from kg.graph_cohort import shrink_cohort
from kg.graph_lines import read_content
from kg.schema import NODE_KEYS
from kg.store import GraphStore, Transaction


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything in the graph that is one patient: ids and surrogates, sorted.

    Attributes:
        patients: more than one where a lesion was brought in twice, under ids of two sources.
        studies: of these patients.
        series: of these studies.
        lesions: of these series.
        reports: about these patients.
    """

    patients: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    lesions: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """All of them."""
        return frozenset().union(self.patients, self.studies, self.series, self.lesions, self.reports)

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each."""
        return {name: len(ids) for name, ids in asdict(self).items()}

    def with_more(self, **more: Iterable[str]) -> Subject:
        """This subject with further ids."""
        return Subject(**{name: tuple(sorted({*ids, *more.get(name, ())})) for name, ids in asdict(self).items()})


@dataclass(frozen=True, slots=True)
class GraphErasure:
    """What an erasure did to the graph.

    Attributes:
        nodes: removed nodes by label.
        cohorts: lesions that each cohort lost, by its id.
        redacted: texts that named the patient and stay without his ids.
    """

    nodes: Mapping[str, int]
    cohorts: Mapping[str, int]
    redacted: int


_NODES = {
    "Lesion": "lesions",
    "Series": "series",
    "Study": "studies",
    "Report": "reports",
    "Patient": "patients",
}
_OF_PATIENTS = {
    "studies": "(:Patient {id: id})-[:HAS_STUDY]->(n:Study)",
    "series": "(:Patient {id: id})-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(n:Series)",
    "lesions": "(:Patient {id: id})-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(n:Lesion)",
}


def grown(tx: Transaction, subject: Subject) -> Subject:
    """The subject with all that the graph says belongs to its patients, and the patients of its lesions and studies."""
    found: dict[str, set[str]] = {}
    for name, pattern in _OF_PATIENTS.items():
        found[name] = _ids(tx, f"UNWIND $ids AS id MATCH {pattern}", subject.patients)
    lesions, studies = found["lesions"].union(subject.lesions), found["studies"].union(subject.studies)
    found["patients"] = _ids(
        tx,
        "UNWIND $ids AS id MATCH (n:Patient)-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->"
        "(:Lesion {id: id})",
        lesions,
    ) | _ids(tx, "UNWIND $ids AS id MATCH (n:Patient)-[:HAS_STUDY]->(:Study {id: id})", studies)
    found["patients"] |= _ids(tx, "UNWIND $ids AS id MATCH (n:Patient {id: id})", subject.patients)
    found["reports"] = _ids(tx, "MATCH (n:Report) WHERE n.patient IN $ids", subject.patients)
    found["reports"] |= _ids(tx, "MATCH (n:Report) WHERE n.study IN $ids", studies)
    return subject.with_more(**found)


def lesions_in_cohorts(tx: Transaction, subject: Subject) -> dict[str, dict[str, int]]:
    """How many of the lesions each cohort has in each split, by id of the cohort."""
    found: dict[str, dict[str, int]] = {}
    for row in tx.run(
        "UNWIND $ids AS id MATCH (:Lesion {id: id})-[r:IN_COHORT]->(c:Cohort) "
        "RETURN c.id AS cohort, r.split AS split, count(r) AS n ORDER BY cohort, split",
        {"ids": list(subject.lesions)},
    ):
        found.setdefault(row["cohort"], {})[row["split"]] = row["n"]
    return found


def erase_from_graph(store: GraphStore, subject: Subject) -> GraphErasure:
    """Remove a patient from the graph: all of him, or nothing. Doing it again changes nothing.

    Raises:
        StoreError: nothing was removed.
    """

    def work(tx: Transaction) -> GraphErasure:
        cohorts = {cohort: sum(splits.values()) for cohort, splits in lesions_in_cohorts(tx, subject).items()}
        nodes = {
            "Sentence": _delete(
                tx,
                "Sentence",
                _ids(
                    tx,
                    "UNWIND $ids AS id MATCH (:Report {id: id})-[:HAS_SENTENCE]->(n:Sentence)",
                    subject.reports,
                ),
            )
        }
        for label, name in _NODES.items():
            ids: tuple[str, ...] = getattr(subject, name)
            nodes[label] = _delete(tx, label, _ids(tx, f"UNWIND $ids AS id MATCH (n:{label} {{id: id}})", ids))
        for cohort, lesions in cohorts.items():
            shrink_cohort(tx, cohort, lesions)
        return GraphErasure({k: n for k, n in nodes.items() if n}, cohorts, _redact(tx, Traces(subject.ids)))

    return store.write_transaction(work)


def lines_naming(tx: Transaction, traces: Traces) -> tuple[int, list[str]]:
    """Every node and relationship read, and the kinds of those that name the patient.

    Returns:
        How many were read, and for each that names him its label or type.
    """
    found: list[str] = []

    def look(line: str) -> None:
        if traces.in_text(line):
            found.append(str(json.loads(line)[0]))

    content = read_content(tx, look)
    return content.nodes + content.relationships, found


def _redact(tx: Transaction, traces: Traces) -> int:
    """Take the ids out of every property that is left; a node whose key holds one goes."""
    found: list[list[Any]] = []

    def look(line: str) -> None:
        if traces.in_text(line):
            found.append(json.loads(line))

    read_content(tx, look)
    for parts in found:
        properties = parts[-1]
        clean = {name: traces.redacted_value(value) for name, value in properties.items()}
        changed = {name: value for name, value in clean.items() if value != properties[name]}
        if len(parts) == 2:
            label, key = parts[0], NODE_KEYS[parts[0]]
            if key in changed:
                _delete(tx, label, {properties[key]})
            else:
                tx.run(
                    f"MATCH (n:{label}) WHERE n.{key} = $key SET n += $changed",
                    {"key": properties[key], "changed": changed},
                )
        elif not (traces.in_value(parts[2]) or traces.in_value(parts[4])):  # its end goes, and it with it
            kind, a, start, b, end = parts[:5]
            for name, value in changed.items():
                tx.run(
                    f"MATCH (a:{a})-[r:{kind}]->(b:{b}) WHERE a.{NODE_KEYS[a]} = $start AND b.{NODE_KEYS[b]} = $end "
                    f"AND r.`{name}` = $old SET r.`{name}` = $new",
                    {"start": start, "end": end, "old": properties[name], "new": value},
                )
    return len(found)


def _ids(tx: Transaction, match: str, ids: Iterable[str]) -> set[str]:
    """Ids of the nodes ``n`` that a pattern finds."""
    rows = tx.run(f"{match} RETURN DISTINCT n.id AS id ORDER BY id", {"ids": sorted(ids)})
    return {row["id"] for row in rows}


def _delete(tx: Transaction, label: str, ids: Iterable[str]) -> int:
    rows = [{"key": one} for one in sorted(ids)]
    tx.run_many(f"UNWIND $rows AS row MATCH (n:{label}) WHERE n.{NODE_KEYS[label]} = row.key DETACH DELETE n", rows)
    return len(rows)
