"""The queues themselves: pure functions of an ontology, labelled lesions, and what a model learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10

import numpy as np

from kg.curation.queues import (
    Contradiction,
    Correlation,
    Counts,
    Item,
    QueueKind,
    SaidPair,
    Term,
    Topic,
    Unmapped,
    current_label,
    item_id,
)
from kg.curation.queues_lesions import LabelledLesions
from kg.names import folded
from kg.ontology import Ontology, SoftKind

RADLEX = "RID"
"""What RadLex ids begin with."""

_MOST_SURPRISE = 10.0


@dataclass(frozen=True, slots=True)
class LearnedEdge:
    """One CORRELATES_WITH relationship: evidence for ``source`` changes the score of ``target`` (label ids)."""

    source: str
    target: str
    weight: float
    stability: float


def correlation_items(lesions: LabelledLesions, model: str, edges: Iterable[LearnedEdge]) -> tuple[Item, ...]:
    """What a model learned and the ontology lacks (correlations), or contradicts (confused), strongest first.

    Nothing is lacking where one label is an ancestor of the other, where a soft relation connects them (what is
    typically in the rib is typically in bone), or where they are exclusive and the weight is negative. Both directions
    of one sign are one item; a merged label counts for its replacement.

    The score is weight times stability times how surprising the labels of lesions are in the same direction, see
    :func:`surprise`. By weight alone rare labels would stand first: of the first twenty, five hold among other lesions,
    with the score seventeen (``benchmarks/queues.py``).
    """
    closures, ontology = lesions.closures, lesions.ontology
    found: dict[tuple[int, int, bool], dict[bool, LearnedEdge]] = {}
    for edge in sorted(edges, key=lambda edge: abs(edge.weight)):
        ends = [current_label(label_id, ontology) for label_id in (edge.source, edge.target)]
        if ends[0] != ends[1] and all(end in closures.index and not ontology.by_id[end].deprecated for end in ends):
            source, target = (closures.index[end] for end in ends)
            key = (min(source, target), max(source, target), edge.weight > 0)
            found.setdefault(key, {})[source < target] = edge
    related = closures.ancestors.toarray()
    above = related.copy()
    for soft in ontology.soft_relations:
        subject, other = closures.index[soft.subject], closures.index[soft.object]
        related[subject, other] = True
        if soft.kind in (SoftKind.TYPICALLY_LOCATED_IN, SoftKind.TYPICALLY_HAS):
            related[subject] |= above[other]
    related |= related.T
    exclusive = closures.exclusive.toarray()
    keys = [(a, b, up) for a, b, up in found if not related[a, b] and (up or not exclusive[a, b])]
    counted = lesions.counts(np.array([k[0] for k in keys], int), np.array([k[1] for k in keys], int))
    items: list[Item] = []
    for (a, b, up), counts in zip(keys, counted, strict=True):
        there, back = found[a, b, up].get(True), found[a, b, up].get(False)
        stability = max((e for e in (there, back) if e), key=lambda edge: abs(edge.weight)).stability
        evidence = Correlation(model, there.weight if there else None, back.weight if back else None, stability, counts)
        topic = Topic.CONFUSED if exclusive[a, b] else Topic.TOGETHER if up else Topic.APART
        queue = QueueKind.CONFUSED if exclusive[a, b] else QueueKind.CORRELATIONS
        score = abs(evidence.weight) * stability * surprise(counts, up)
        items.append(_item(topic, queue, ontology, (a, b), score, evidence, lesions.examples(a, b)))
    return _ranked(items)


def surprise(counts: Counts, together: bool) -> float:
    """How surprising counts are by chance, from -10 to 10: orders of magnitude of their probability.

    Positive when more lesions than by chance have both labels and ``together`` is what is looked for, or fewer and it
    is not.
    """
    size = min(-log10(max(counts.probability, 1e-300)), _MOST_SURPRISE)
    return size if (counts.together > counts.expected) == together else -size


def contradiction_items(lesions: LabelledLesions) -> tuple[Item, ...]:
    """Asserted exclusive pairs with the lesions that contradict them, most lesions first.

    Pairs of exclusive groups count; what an exception takes out does not.
    """
    closures, ontology = lesions.closures, lesions.ontology
    listed = {(g.id, a, b) for g in ontology.exclusive_groups for a in g.members for b in g.members if a < b}
    listing = {(a, b): group for group, a, b in sorted(listed)} | {(p.a, p.b): "pair" for p in ontology.exclusive_pairs}
    below = closures.ancestors.toarray() | np.eye(len(closures.index), dtype=bool)
    exclusive = closures.exclusive.toarray()
    pairs = [(closures.index[a], closures.index[b], listing[a, b]) for a, b in sorted(ontology.all_exclusive_pairs)]
    met = [(a, b, source) for a, b, source in pairs if lesions.together[a, b]]
    counted = lesions.counts(np.array([m[0] for m in met], int), np.array([m[1] for m in met], int))
    items: list[Item] = []
    for (a, b, source), counts in zip(met, counted, strict=True):
        rows = lesions.with_all(a, b)
        has = lesions.has[rows].toarray()
        first, second = (_in_use(ontology, closures.index, below[:, high]) for high in (a, b))
        clash = exclusive[np.ix_(first, second)]
        # A contradiction comes down to the labels that have no further label of the lesion below them.
        mine, theirs = (
            _lowest(has[:, first], below[np.ix_(first, first)]),
            _lowest(has[:, second], below[np.ix_(second, second)]),
        )
        contradictory = ((mine.astype(np.int32) @ clash) * theirs).any(axis=1)
        if not contradictory.any():
            continue
        cells = (mine.T.astype(np.int32) @ theirs) * clash
        said = [
            SaidPair(
                ontology.labels[first[i]].id,
                ontology.labels[second[j]].id,
                int(cells[i, j]),
                int(lesions.together[first[i], second[j]]),
                lesions.patients_with(first[i], second[j]),
                lesions.patients_with(min(first[i], second[j], key=lambda label: lesions.together[label, label])),
            )
            for i, j in np.argwhere(cells)
        ]
        said.sort(key=lambda pair: (-pair.contradictory, pair.first, pair.second))
        evidence = Contradiction(counts, int(contradictory.sum()), source, tuple(said))
        examples = lesions.named(rows[contradictory])
        items.append(
            _item(Topic.CONTRADICTED, QueueKind.CONTRADICTED, ontology, (a, b), contradictory.sum(), evidence, examples)
        )
    return _ranked(items)


def _in_use(ontology: Ontology, index: Mapping[str, int], below: np.ndarray) -> np.ndarray:
    """Labels below another (mask over all), sorted; for one that is merged its replacement stands, if it is below too.

    A lesion with a merged label has the replacement by expansion, and an exception is to be about what is in use.
    """
    replacements = {
        column: index.get(current_label(label.id, ontology), column)
        for column, label in enumerate(ontology.labels)
        if label.deprecated
    }
    columns: list[int] = np.flatnonzero(below).tolist()
    return np.array([x for x in columns if (kept := replacements.get(x, x)) == x or not below[kept]], int)


def _lowest(has: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Of the labels that each lesion has (k x n), those without another of them below (n x n, reflexive)."""
    under = below & ~np.eye(len(below), dtype=bool)
    covered = has.astype(np.int32) @ under > 0
    found: np.ndarray = has & ~covered
    return found


def unmapped_items(lesions: LabelledLesions) -> tuple[Item, ...]:
    """Labels in use without a RadLex id, those of the most lesions first."""
    items: list[Item] = []
    for column, label in enumerate(lesions.ontology.labels):
        if label.deprecated or any(mapping.object_id.startswith(RADLEX) for mapping in label.mappings):
            continue
        sets = tuple(s.name for s in lesions.ontology.label_sets if label.id in s.members)
        evidence = Unmapped(int(lesions.together[column, column]), sets)
        examples = lesions.examples(column)
        items.append(
            _item(Topic.UNMAPPED, QueueKind.UNMAPPED, lesions.ontology, (column,), evidence.lesions, evidence, examples)
        )
    return _ranked(items)


def term_items(ontology: Ontology, terms: Iterable[Term]) -> tuple[Item, ...]:
    """Terms that no label has by now, as its name, a synonym or a mapping; those of the most reports first.

    The same term of several sources is one item: that of the source with the most reports.
    """
    named = {folded(text) for k in ontology.labels for text in (k.name, *(s.text for s in k.synonyms))}
    mapped = {mapping.object_id for label in ontology.labels for mapping in label.mappings}
    most: dict[str, Term] = {}
    for term in terms:
        about = term.rid or folded(term.text)
        lacking = term.rid not in mapped and folded(term.text) not in named
        if lacking and (about not in most or most[about].reports < term.reports):
            most[about] = term
    items = [
        Item(item_id(Topic.TERM, about), QueueKind.TERMS, (), (term.text,), float(term.reports), term)
        for about, term in most.items()
    ]
    return _ranked(items)


def _item(
    topic: Topic,
    queue: QueueKind,
    ontology: Ontology,
    columns: Sequence[int],
    score: float,
    evidence: Correlation | Contradiction | Unmapped,
    examples: tuple[str, ...],
) -> Item:
    labels = [ontology.labels[column] for column in columns]
    ids, names = tuple(label.id for label in labels), tuple(label.name for label in labels)
    return Item(item_id(topic, *ids), queue, ids, names, round(float(score), 4), evidence, examples)


def _ranked(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: (-item.score, item.id)))
