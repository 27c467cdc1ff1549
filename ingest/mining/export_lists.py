"""Label lists of lesions out of the graph, for other tools to train on.

Two forms. The *lists* have the layout of the file that LesaNet's authors released (:mod:`ingest.label_lists`): in the
relevant and uncertain lists every label that a report mentions is followed by the parents that the ontology lists for
it, so that :func:`ingest.mentions.parse` tells mentioned from inferred labels. What the parents imply in turn is for
the reader to add, as with the released file. Irrelevant labels stand alone, because what is above a label need not be
irrelevant with it; as in the released file, only those of train are written. The *lines* hold one lesion each, with all
relevances, and say of every label whether it was inferred, and otherwise what found it. Neither form holds report text.

A lesion of DeepLesion keeps its row in DL_info.csv as index. Other lesions are numbered from 0 in the order of their
ids, or behind the last row of DL_info.csv when DeepLesion's are among them, so that no number is taken for a row that
it is not; ``lesions`` maps their numbers to their ids in the graph. A label outside the label set stands in the lists
as the most specific labels of the set that it implies.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from ingest.deeplesion import OFFICIAL_ROWS
from ingest.mentions import Parents, listed_parents
from ingest.mining.export_split import Split
from ingest.mining.graph_lesion_labels import EDGE_TYPES, LABEL_SOURCE, said_of_lesion
from ingest.mining.mention import Relevance
from ingest.release import DEEPLESION
from kg.cohort import SPLITS
from kg.errors import LesionKGError, UsageError
from kg.ontology import Ontology, SynonymScope
from kg.revision import verified
from kg.store import GraphStore, Transaction

_LABELS = """
MATCH (l:Lesion)-[r:{type} {{source: $source}}]->(c:Label)
RETURN DISTINCT l.id AS lesion, l.index AS index, l.source AS origin, c.id AS label
ORDER BY lesion, label
"""
_PATIENTS = """
MATCH (p:Patient)-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion)
RETURN l.id AS lesion, p.id AS patient
ORDER BY lesion, patient
"""
_MENTIONS = """
MATCH (r:Report)-[:HAS_SENTENCE]->(:Sentence)-[m:MENTIONS]->(c:Label)
WHERE m.lesion <> ''
RETURN m.lesion AS lesion, c.id AS label, m.relevance AS relevance, m.rule AS rule, m.term AS term,
       m.scope AS scope, m.probability AS probability, r.id AS report, m.start AS begins, m.end AS ends
ORDER BY report, begins, ends, label, lesion
"""


class ListFormat(StrEnum):
    """Forms of an export."""

    JSON = "json"
    """The released layout."""
    JSONL = "jsonl"
    """One lesion a line."""


@dataclass(frozen=True, slots=True)
class Asserted:
    """A label that reports say of a lesion.

    Attributes:
        label: label id.
        relevance: to the lesion.
        rule: what matched at the first such mention, "" when the source keeps no mentions.
        term: the lexicon's form that matched there, "" likewise.
        probability: the model's probability of the relevance there, None when a rule decided.
    """

    label: str
    relevance: Relevance
    rule: str = ""
    term: str = ""
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class LabelledLesion:
    """A lesion with what is said of it.

    Attributes:
        id: id in the graph.
        row: row of DL_info.csv for a lesion of DeepLesion, else None.
        patient: id of the patient in the graph, "" when the graph does not know.
        labels: in the order of their first mention.
    """

    id: str
    row: int | None
    patient: str
    labels: tuple[Asserted, ...]


@dataclass(frozen=True)
class ExportSummary:
    """What an export wrote.

    Attributes:
        file: where.
        lesions: lesions by split.
        labels: asserted labels of the lesions by relevance, those outside the label set included.
        others: lesions that are not DeepLesion's.
    """

    file: str
    lesions: Mapping[str, int]
    labels: Mapping[str, int]
    others: int


@dataclass(frozen=True)
class LabelExport:
    """All labelled lesions of one source, with the ontology they are expanded by.

    Attributes:
        ontology: the graph's.
        label_set: whose columns the lists use.
        lesions: by id.
    """

    ontology: Ontology
    label_set: str
    lesions: tuple[LabelledLesion, ...]

    @classmethod
    def pull(cls, store: GraphStore, label_set: str, source: str = LABEL_SOURCE) -> LabelExport:
        """Read everything in one transaction.

        Raises:
            UsageError: no such label set, or no labels of this source.
            StaleRevisionError: the graph's ontology was edited behind our back.
        """

        def work(tx: Transaction) -> LabelExport:
            _, ontology = verified(tx)
            ontology.label_set(label_set)
            lesions = tuple(_read_lesions(tx, source))
            if not lesions:
                raise UsageError(
                    f"source {source!r}: the graph has no labels from it; mine reports first: `lesionkg mine REPORTS`"
                )
            return cls(ontology, label_set, lesions)

        return store.read_transaction(work)

    def write(self, path: Path, form: ListFormat, split: Split) -> ExportSummary:
        """Write one of the two forms, whole or not at all; equal content gives equal bytes.

        Raises:
            InputError: the split's file does not name a lesion.
            LesionKGError: the file cannot be written.
        """
        splits = [split.of(lesion.id, lesion.patient) for lesion in self.lesions]
        with _written(path) as stream:
            if form is ListFormat.JSON:
                json.dump(self.as_lists(splits), stream, ensure_ascii=False)
                stream.write("\n")
            else:
                for line in self.as_lines(splits):
                    stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        counts = Counter(splits)
        relevances = Counter(one.relevance for lesion in self.lesions for one in lesion.labels)
        return ExportSummary(
            str(path),
            {name: counts[name] for name in SPLITS},
            {str(relevance): relevances[relevance] for relevance in Relevance},
            len(self._others),
        )

    def as_lists(self, splits: Sequence[str]) -> dict[str, Any]:
        """The content of a file in the released layout.

        Args:
            splits: the split of each lesion.
        """
        first = OFFICIAL_ROWS if len(self._others) < len(self.lesions) else 0
        index = {lesion: number for number, lesion in enumerate(self._others, first)}
        content: dict[str, Any] = {"term_list": [self.ontology.by_id[label].name for label in self._columns]}
        for split in SPLITS:
            chosen = [lesion for lesion, its in zip(self.lesions, splits, strict=True) if its == split]
            content[f"{split}_lesion_idxs"] = [index.get(lesion.id, lesion.row) for lesion in chosen]
            for relevance in Relevance:
                if relevance is not Relevance.IRRELEVANT or split == "train":
                    content[f"{split}_{relevance}_labels"] = [self._entries(lesion, relevance) for lesion in chosen]
        if index:
            content["lesions"] = {str(number): lesion for lesion, number in index.items()}
        return content

    def as_lines(self, splits: Sequence[str]) -> Iterator[dict[str, Any]]:
        """One mapping a lesion: its id, its split, and its labels within the label set, inferred ones marked.

        Args:
            splits: the split of each lesion.
        """
        for lesion, split in zip(self.lesions, splits, strict=True):
            labels = [
                self._line(one.label, one.relevance, False, one.rule, one.term, one.probability)
                for one in lesion.labels
                if one.label in self._columns
            ]
            done = {one.label for one in lesion.labels if one.relevance is not Relevance.IRRELEVANT}
            for relevance in (Relevance.RELEVANT, Relevance.UNCERTAIN):
                above = {a for one in lesion.labels if one.relevance == relevance for a in self._ancestors[one.label]}
                implied = sorted((above - done) & self._columns.keys(), key=self._columns.__getitem__)
                labels += [self._line(label, relevance, True) for label in implied]
                done |= above
            yield {"lesion": lesion.id, "split": split, "labels": labels}

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {label: i for i, label in enumerate(self.ontology.label_set(self.label_set).members)}

    @cached_property
    def _parents(self) -> Parents:
        return listed_parents(self.ontology, self.label_set)

    @cached_property
    def _others(self) -> list[str]:
        return [lesion.id for lesion in self.lesions if lesion.row is None]

    @cached_property
    def _ancestors(self) -> Mapping[str, frozenset[str]]:
        parents: dict[str, set[str]] = defaultdict(set)
        for child, parent in self.ontology.parent_pairs:
            parents[child].add(parent)
        found: dict[str, frozenset[str]] = {}

        def above(label: str) -> frozenset[str]:
            if label not in found:
                found[label] = frozenset(parents[label]).union(*(above(parent) for parent in sorted(parents[label])))
            return found[label]

        return {label: above(label) for label in self.ontology.by_id}

    def _entries(self, lesion: LabelledLesion, relevance: Relevance) -> list[int]:
        entries: list[int] = []
        for one in lesion.labels:
            if one.relevance != relevance:
                continue
            if relevance is Relevance.IRRELEVANT:
                entries += [self._columns[one.label]] if one.label in self._columns else []
                continue
            for column in self._within_set(one.label):
                entries += [column, *sorted(self._parents[column])]
        return entries

    def _within_set(self, label: str) -> list[int]:
        if label in self._columns:
            return [self._columns[label]]
        members = self._ancestors[label] & self._columns.keys()
        implied = frozenset().union(*(self._ancestors[member] for member in members))
        return sorted(self._columns[member] for member in members - implied)

    def _line(
        self,
        label: str,
        relevance: Relevance,
        inferred: bool,
        rule: str = "",
        term: str = "",
        probability: float | None = None,
    ) -> dict[str, Any]:
        return {
            "name": self.ontology.by_id[label].name,
            "id": label,
            "relevance": str(relevance),
            "inferred": inferred,
            "rule": rule,
            "term": term,
            "probability": probability,
        }


def _read_lesions(tx: Transaction, source: str) -> Iterator[LabelledLesion]:
    said: dict[str, list[tuple[str, Relevance]]] = defaultdict(list)
    rows: dict[str, int | None] = {}
    for relevance, kind in EDGE_TYPES.items():
        for row in tx.run(_LABELS.format(type=kind), {"source": source}):
            said[row["lesion"]].append((row["label"], relevance))
            rows[row["lesion"]] = row["index"] if row["origin"] == DEEPLESION.source else None
    patients = {row["lesion"]: row["patient"] for row in tx.run(_PATIENTS)}
    first = _first_mentions(tx.run(_MENTIONS)) if source == LABEL_SOURCE else {}
    for lesion in sorted(said):
        keys = [(lesion, label, relevance) for label, relevance in said[lesion]]
        order = sorted(keys, key=lambda key: first[key][0] if key in first else len(first))
        labels = (first[key][1] if key in first else Asserted(key[1], key[2]) for key in order)
        yield LabelledLesion(lesion, rows[lesion], patients.get(lesion, ""), tuple(labels))


def _first_mentions(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, Relevance], tuple[int, Asserted]]:
    """For each lesion, label and relevance the first mention, with its place among all mentions."""
    first: dict[tuple[str, str, Relevance], tuple[int, Asserted]] = {}
    for row in rows:
        relevance = said_of_lesion(Relevance(row["relevance"]), SynonymScope(row["scope"]))
        asserted = Asserted(row["label"], relevance, row["rule"], row["term"], row["probability"])
        first.setdefault((row["lesion"], row["label"], relevance), (len(first), asserted))
    return first


@contextmanager
def _written(path: Path) -> Iterator[IO[str]]:
    """A text file that takes its place when the block ends without an error."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        partial.replace(path)
    except OSError as error:
        raise LesionKGError(f"{path}: cannot be written ({error.strerror}); name another file") from error
    finally:
        partial.unlink(missing_ok=True)
