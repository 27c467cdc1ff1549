"""What a change set would do, measured before it is saved: the rules, the label data, and who was faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from kg.curation.assessment import Assessment, assess
from kg.curation.change_set import ChangeSet
from kg.curation.history import RevisionEntry, read_as_of, read_revisions
from kg.curation.impact import Impact, impact
from kg.curation.incoherence import StoredModel, read_models
from kg.curation.label_data import LabelData, read_label_data
from kg.errors import ConflictError, LesionKGError
from kg.graph_cohort import OFFICIAL, list_cohorts
from kg.ontology import Ontology
from kg.revision import head
from kg.schema import READ_WRITES, SCHEMA_ID
from kg.store import GraphStore


@dataclass(frozen=True)
class Preview:
    """What a change set would do to the newest revision.

    Attributes:
        revision: the newest revision.
        assessment: what the rules say; None where it does not fit that revision.
        conflict: why it does not fit; empty where it does.
        faster: revisions since the one it was made on that touched the same facts, newest first.
        impact: what it does to label data and models; None where that cannot be measured.
        unmeasured: why it cannot be.
        cohort: which lesions were counted.
    """

    revision: int
    assessment: Assessment | None
    conflict: str
    faster: tuple[RevisionEntry, ...]
    impact: Impact | None
    unmeasured: str
    cohort: str

    @property
    def summary(self) -> str:
        """The impact in one line, as a change set keeps it; empty where there is none."""
        return f"{self.cohort}: {self.impact.summary}" if self.impact else ""


class Previews:
    """Measures change sets on one graph; keeps the label data until somebody writes. Its threads may share it.

    Args:
        store: the graph.
    """

    def __init__(self, store: GraphStore) -> None:
        self._store, self._lock = store, Lock()
        self._writes = -1
        self._data: dict[str, LabelData] = {}
        self._models: tuple[StoredModel, ...] = ()
        self._past: dict[tuple[int, str], Ontology] = {}

    def cohorts(self) -> tuple[str, ...]:
        """Names of what can be counted: cohorts, then all labelled lesions."""
        return (*dict.fromkeys(entry.name or entry.id for entry in list_cohorts(self._store)), OFFICIAL)

    def ontology_of(self, sequence: int, newest: Ontology) -> Ontology:
        """The ontology of a revision.

        Args:
            sequence: its number; 0 for the newest.
            newest: the ontology of the newest revision.

        Raises:
            UsageError: no such revision.
            StaleRevisionError: its history was not kept, or damaged.
        """
        stamp = head(self._store)
        if sequence in (0, stamp.sequence) and newest.content_hash == stamp.ontology_hash:
            return newest
        key = sequence, stamp.created
        if key not in self._past:
            found = self._store.read_transaction(lambda tx: read_as_of(tx, sequence))
            self._past = {key: found}
        return self._past[key]

    def preview(
        self, newest: Ontology, change_set: ChangeSet, base: int, cohort: str = OFFICIAL, label_set: str = ""
    ) -> Preview:
        """What a change set would do.

        Args:
            newest: the ontology of the newest revision.
            change_set: the changes.
            base: the revision that they were made on.
            cohort: lesions to count: name or id of a cohort, or ``official``.
            label_set: whose columns count; the first of the ontology when empty.
        """
        sequence = head(self._store).sequence
        faster = self.faster(change_set, base)
        try:
            assessment = assess(newest, change_set)
        except ConflictError as error:
            return Preview(sequence, None, str(error), faster, None, "", cohort)
        found, why = self._impact(newest, assessment.after, cohort, label_set)
        return Preview(sequence, assessment, "", faster, found, why, cohort)

    def faster(self, change_set: ChangeSet, base: int) -> tuple[RevisionEntry, ...]:
        """Revisions after ``base`` that touched the same facts, newest first."""
        later = self._store.read_transaction(lambda tx: read_revisions(tx, after=base))
        return tuple(e for e in later if e.change_set is None or change_set.keys & e.change_set.keys)

    def _impact(self, before: Ontology, after: Ontology, cohort: str, label_set: str) -> tuple[Impact | None, str]:
        if not label_set:
            both: Sequence[str] = [s.name for s in before.label_sets if s.name in {t.name for t in after.label_sets}]
            if not both:
                return None, "the ontology has no label set whose columns could be counted"
            label_set = both[0]
        try:
            data, models = self._read(cohort)
            return impact(before, after, data, label_set, models), ""
        except LesionKGError as error:
            return None, str(error)

    def _read(self, cohort: str) -> tuple[LabelData, tuple[StoredModel, ...]]:
        with self._lock:
            writes = self._store.read(READ_WRITES, {"id": SCHEMA_ID})
            now = writes[0]["writes"] if writes else 0
            if now != self._writes:
                self._data, self._models = {}, read_models(self._store)
                self._writes = now
            if cohort not in self._data:
                self._data[cohort] = read_label_data(self._store, cohort)
            return self._data[cohort], self._models
