"""A report on the quality of an ontology before a release: what OBO's checker ROBOT reports, on our model.

ROBOT itself is a Java program that no package index offers here, and some of its checks have no counterpart: a label
has one name and one definition by construction. The rules of :mod:`kg.rules` are part of the report, at their severity.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from kg.exchange.cells import defused
from kg.findings import Finding
from kg.names import folded, spaced
from kg.ontology import Label, MatchKind, Ontology, SoftKind, TermMapping
from kg.rules import check

COLUMNS = ("level", "rule", "label", "name", "value")
"""Columns of the table that :func:`report_tsv` makes."""

_RID = re.compile(r"RID\w+")
_SIDE = re.compile(r"\b(left|right)\b")
_OTHER = {"left": "right", "right": "left"}


class Level(StrEnum):
    """How grave a line is."""

    ERROR = "error"
    """Nothing is released."""

    WARNING = "warning"
    """Somebody should look at it."""

    INFO = "info"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One thing to look at.

    Attributes:
        level: how grave it is.
        rule: name of the rule, e.g. ``missing-definition``.
        label: id of the label it is about; empty when it is about none.
        name: the label's preferred name.
        value: what is wrong, or the text at fault.
    """

    level: Level
    rule: str
    label: str = ""
    name: str = ""
    value: str = ""

    def as_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return {column: str(getattr(self, column)) for column in COLUMNS}


def report(ontology: Ontology) -> list[ReportLine]:
    """Everything worth a look, gravest first; equal content gives equal lines."""
    found = [*lines_of(ontology, check(ontology)), *_header(ontology), *_deprecation(ontology), *_sources(ontology)]
    for rule in (_names, _definitions, _synonyms, _mappings, _places, _partners):
        found += rule(ontology)
    return ordered(found)


def ordered(lines: Iterable[ReportLine]) -> list[ReportLine]:
    """Lines, gravest first, then by rule and label."""
    rank = list(Level)
    return sorted(lines, key=lambda x: (rank.index(x.level), x.rule, x.label, x.value))


def lines_of(ontology: Ontology, findings: Iterable[Finding]) -> list[ReportLine]:
    """Findings as lines of a report, each at the first label that it is about."""
    lines = []
    for finding in findings:
        label = ontology.by_name.get(finding.labels[0]) if finding.labels else None
        about = (label.id, label.name) if label else ("", "")
        lines.append(ReportLine(Level(finding.severity.value), finding.rule, *about, finding.message))
    return lines


def counts(lines: Iterable[ReportLine]) -> dict[tuple[Level, str], int]:
    """How many lines there are of each level and rule, in the order of the lines."""
    return dict(Counter((line.level, line.rule) for line in lines))


def report_tsv(lines: Iterable[ReportLine]) -> str:
    """The report as a table; white space within a cell is one space."""
    rows = (tuple(defused(spaced(cell)) for cell in line.as_dict().values()) for line in lines)
    return "".join("\t".join(row) + "\n" for row in (COLUMNS, *rows))


def _at(level: Level, rule: str, label: Label, value: str = "") -> ReportLine:
    return ReportLine(level, rule, label.id, label.name, value)


def _header(ontology: Ontology) -> Iterator[ReportLine]:
    if not any(notice.strip() for notice in ontology.notices):
        yield ReportLine(Level.WARNING, "missing-licence", value=f"{ontology.name} has no notice of its licence")


def _names(ontology: Ontology) -> Iterator[ReportLine]:
    same = _shared(ontology.labels, lambda label: [folded(label.name)])
    for label in ontology.labels:
        if not label.name.strip():
            yield _at(Level.ERROR, "missing-name", label)
        elif label.name != spaced(label.name):
            yield _at(Level.ERROR, "name-formatting", label, "has spaces at an end, two in a row, a tab or a line end")
        elif "_" in label.name:
            yield _at(Level.WARNING, "name-underscore", label, label.name)
        others = [x.name for x in same[folded(label.name)] if x.name != label.name]
        if others and not label.deprecated:
            yield _at(Level.WARNING, "similar-names", label, f"as {others[0]!r} but for case and spaces")


def _definitions(ontology: Ontology) -> Iterator[ReportLine]:
    same = _shared(ontology.labels, lambda label: [folded(label.definition)])
    for label in ontology.labels:
        if not label.definition.strip():
            if not label.deprecated:
                yield _at(Level.WARNING, "missing-definition", label)
            continue
        others = [x.name for x in same[folded(label.definition)] if x.id != label.id]
        if others and not label.deprecated:
            yield _at(Level.ERROR, "duplicate-definition", label, f"is defined as {others[0]!r} is")
        if label.definition != label.definition.strip():
            yield _at(Level.WARNING, "definition-whitespace", label)
        if label.definition.strip()[0].islower():
            yield _at(Level.INFO, "lowercase-definition", label, label.definition)


def _synonyms(ontology: Ontology) -> Iterator[ReportLine]:
    shared = _shared(ontology.labels, lambda label: {folded(text) for text in _names_of(label)})
    for label in ontology.labels:
        scopes: defaultdict[str, set[str]] = defaultdict(set)
        for synonym in label.synonyms:
            text = folded(synonym.text)
            scopes[text].add(synonym.scope.value)
            if synonym.text != spaced(synonym.text) or not text:
                yield _at(Level.WARNING, "synonym-whitespace", label, repr(synonym.text))
            if text == folded(label.name):
                yield _at(Level.WARNING, "synonym-is-name", label, synonym.text)
            if not synonym.source:
                yield _at(Level.INFO, "missing-synonym-source", label, synonym.text)
        for text, found in scopes.items():
            if len(found) > 1:
                yield _at(Level.WARNING, "synonym-in-two-scopes", label, f"{text}: {', '.join(sorted(found))}")
            others = [x.name for x in shared[text] if x.id != label.id]
            if others and not label.deprecated:
                yield _at(Level.INFO, "shared-synonym", label, f"{text}: also of {', '.join(others)}")


def _mappings(ontology: Ontology) -> Iterator[ReportLine]:
    same = _shared(ontology.labels, lambda label: {m.object_id for m in _exact(label)})
    for label in ontology.labels:
        if not label.mappings and not label.deprecated:
            yield _at(Level.WARNING, "missing-mapping", label)
        if len({m.object_id for m in _exact(label)}) > 1:
            terms = ", ".join(m.object_id for m in _exact(label))
            yield _at(Level.WARNING, "two-exact-mappings", label, terms)
        for mapping in label.mappings:
            if not _RID.fullmatch(mapping.object_id):
                yield _at(Level.INFO, "mapping-outside-radlex", label, mapping.object_id)
            if not mapping.justification:
                yield _at(Level.INFO, "missing-justification", label, mapping.object_id)
        for mapping in _exact(label):
            others = [x.name for x in same[mapping.object_id] if x.id != label.id]
            if others and not label.deprecated:
                value = f"{mapping.object_id}: also of {', '.join(others)}"
                yield _at(Level.WARNING, "shared-exact-mapping", label, value)


def _deprecation(ontology: Ontology) -> Iterator[ReportLine]:
    """A deprecated label keeps its relations, but new ones should not be made to it."""
    gone = {label.id for label in ontology.labels if label.deprecated}
    for label in ontology.labels:
        if label.replaced_by and not label.deprecated:
            yield _at(Level.ERROR, "misused-replacement", label, "has a replacement but is not deprecated")
        if label.deprecated and not label.replaced_by:
            yield _at(Level.INFO, "deprecated-without-replacement", label)
        if label.deprecated and label.replaced_by in gone:
            yield _at(Level.WARNING, "deprecated-replacement", label, label.replaced_by)
    names = {label.id: label for label in ontology.labels}
    for child, parent in sorted({(r.child, r.parent) for r in ontology.relations}):
        if parent in gone and child not in gone and child in names:
            yield _at(Level.WARNING, "deprecated-parent", names[child], names[parent].name)
    others = [
        *((p.a, p.b, "EXCLUSIVE_WITH") for p in ontology.exclusive_pairs),
        *((x.a, x.b, "COMPATIBLE_WITH") for x in ontology.exceptions),
        *((s.subject, s.object, s.kind.value) for s in ontology.soft_relations),
    ]
    for a, b, kind in sorted(set(others)):
        if len(gone & {a, b}) == 1 and a in names and b in names:
            kept, old = (a, b) if b in gone else (b, a)
            yield _at(Level.INFO, "deprecated-reference", names[kept], f"{kind} {names[old].name}")


def _places(ontology: Ontology) -> Iterator[ReportLine]:
    placed = {r.child for r in ontology.relations}
    for label in ontology.labels:
        if label.id not in placed and not label.deprecated:
            yield _at(Level.INFO, "missing-parent", label)


def _partners(ontology: Ontology) -> Iterator[ReportLine]:
    """A label of one side has its mirror label, and the two are said to be partners."""
    linked = {frozenset((s.subject, s.object)) for s in ontology.soft_relations if s.kind is SoftKind.CONTRALATERAL_OF}
    partnered = frozenset[str]().union(*linked)
    for label in ontology.labels:
        if label.deprecated or not _SIDE.search(label.name):
            continue
        name = _SIDE.sub(lambda side: _OTHER[side[0]], label.name)
        partner = ontology.by_name.get(name)
        if partner is None and label.id not in partnered:
            yield _at(Level.INFO, "missing-partner", label, f"there is no {name!r}")
        if partner is not None and frozenset((label.id, partner.id)) not in linked:
            yield _at(Level.WARNING, "partner-not-related", label, f"no {SoftKind.CONTRALATERAL_OF} {name!r}")


def _sources(ontology: Ontology) -> Iterator[ReportLine]:
    names = {label.id: label for label in ontology.labels}
    ends = [
        *((r.child, r.parent, r.kind.value, r.source) for r in ontology.relations),
        *((p.a, p.b, "EXCLUSIVE_WITH", p.source) for p in ontology.exclusive_pairs),
        *((x.a, x.b, "COMPATIBLE_WITH", x.source) for x in ontology.exceptions),
        *((s.subject, s.object, s.kind.value, s.source) for s in ontology.soft_relations),
    ]
    for a, b, kind, source in ends:
        if not source and a in names and b in names:
            yield _at(Level.WARNING, "missing-source", names[a], f"{kind} {names[b].name}")


def _shared(labels: Iterable[Label], keys: Callable[[Label], Iterable[str]]) -> defaultdict[str, list[Label]]:
    """Labels by each of their keys; deprecated ones share theirs with their replacements and are left out."""
    found: defaultdict[str, list[Label]] = defaultdict(list)
    for label in labels:
        for key in () if label.deprecated else keys(label):
            found[key].append(label)
    return found


def _names_of(label: Label) -> Iterator[str]:
    yield label.name
    yield from (synonym.text for synonym in label.synonyms)


def _exact(label: Label) -> list[TermMapping]:
    return [m for m in label.mappings if m.predicate is MatchKind.EXACT]
