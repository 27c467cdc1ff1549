"""One item of a review queue: what it says, the evidence, and what it would become."""

from __future__ import annotations

from urllib.parse import unquote, urlencode

from nicegui import ui

from kg.curation.decisions import Decision, Standing
from kg.curation.queues import Contradiction, Correlation, Item, QueueKind, Term, Topic, Unmapped, topic_of
from kg.curation.queues_text import says
from kg.errors import LesionKGError
from kg.ontology import Label, Ontology
from lesionkg.workbench import parts
from lesionkg.workbench.frame import place
from lesionkg.workbench.review_parts import chain, chips, lesions, table
from queries.pair_evidence import ALL, PairEvidence
from queries.promotion_options import RULE, options, rule_in_numbers
from queries.radlex_hints import radlex_of, terms_for, ways_between
from queries.review_board import Board

KINDS = {
    QueueKind.CORRELATIONS: "Learned, in no relation",
    QueueKind.CONTRADICTED: "Contradicted by lesions",
    QueueKind.CONFUSED: "Confused exclusives",
    QueueKind.TERMS: "Terms without a label",
    QueueKind.UNMAPPED: "Labels without RadLex",
}
"""Titles of the queues, in the order of the page."""

_MOST_PAIRS = 12
_CHANGES = 4


def address(queue: str = "", item: str = "", model: str = "", view: str = "") -> str:
    """The address of a state of the page."""
    values = {"view": view, "queue": queue, "item": item, "model": model}
    return "/review?" + urlencode({name: value for name, value in values.items() if value})


def heading(standing: Standing) -> None:
    """What an item says, and an earlier decision that no longer holds."""
    item = standing.item
    with ui.element("div").classes("lk-rv-block").props('data-mark="says"'):
        ui.label(says(item)).classes("lk-rv-says")
        ui.label(f"{item.id} · score {item.score:,.2f}").classes("lk-quiet lk-mono")
        if standing.decision is not None:
            past = standing.decision
            until = f" until {past.until}" if past.until else ""
            held = "Back in the queue" if standing.open else "Decided"
            text = f"{held}: {past.action}{until} by {past.reviewer} on {past.created[:10]} ({past.reason})"
            ui.label(text).classes("lk-note lk-small")


def decision(one: Decision, ontology: Ontology) -> None:
    """A decision: what, who, when, why; a proposal as a link."""
    until = f" until {one.until}" if one.until else ""
    ui.label(named(one.item, ontology)).style("font-weight: 600")
    ui.label(f"{one.action}{until} by {one.reviewer}, {one.created[:16].replace('T', ' ')} UTC").classes("lk-small")
    ui.label(one.reason).classes("lk-quiet lk-small")
    if one.proposal:
        number = one.proposal.partition("-")[0]
        ui.link(f"Proposal {number}", PROPOSALS).classes("lk-small")


PROPOSALS = "/ontology?view=proposals"
"""Where proposals are judged and applied."""


def names_of(item: str, board: Board) -> str:
    """An item in a few words."""
    return named(item, board.gathered.sources.lesions.ontology)


def named(item: str, ontology: Ontology) -> str:
    """An item in a few words: the names of its labels, or its term."""
    about = item.partition("/")[2]
    if topic_of(item) is Topic.TERM:
        return about
    ids = [unquote(part) for part in about.split("/")]
    return " · ".join(ontology.by_id[i].name if i in ontology.by_id else i for i in ids)


def show(standing: Standing, evidence: PairEvidence | None, board: Board) -> None:
    """The evidence for an item."""
    item, ontology = standing.item, board.gathered.sources.lesions.ontology
    with ui.element("div").classes("lk-chips"):
        chips(ontology, item.labels)
    with ui.element("div").classes("lk-rv-cols"):
        with ui.element("div").classes("lk-rv-block").style("gap: 16px"):
            _own(item, ontology)
            if evidence is not None:
                learned(evidence)
                lesion_counts(evidence)
            if item.examples:
                with _block("Lesions to look at", "examples"):
                    lesions(item.examples)
        with ui.element("div").classes("lk-rv-block").style("gap: 16px"):
            if evidence is not None:
                relations(evidence)
            _promotion(item, ontology)
            _radlex(item, ontology)


def learned(evidence: PairEvidence) -> None:
    """What models learned about two labels."""
    with _block("What models learned", "learned"):
        if not evidence.learned:
            parts.empty("No weight between them stands out.")
            return
        for model in dict.fromkeys(one.model for one in evidence.learned):
            rows = [
                (f"{one.source} → {one.target}", one.reading, f"{one.weight:+.2f}", one.stability, one.review)
                for one in evidence.learned
                if one.model == model
            ]
            headings = ("Evidence → counts for", "Reading", "Weight", "Stability", "Review")
            table(headings, rows, text_columns=2)
            ui.label(model).classes("lk-quiet lk-mono")


def lesion_counts(evidence: PairEvidence) -> None:
    """What the labels of lesions say about two labels, by split."""
    first, second = (label.name for label in evidence.labels)
    with _block("What lesions say", "counts"):
        rows = [
            (
                "all splits" if one.split == ALL else one.split,
                one.first,
                one.second,
                one.together,
                f"{one.expected:,.1f}",
                None if one.lift is None else round(one.lift, 2),
                one.patients,
            )
            for one in evidence.splits
        ]
        table(("Split", first, second, "Both", "By chance", "Lift", "Patients"), rows)


def relations(evidence: PairEvidence) -> None:
    """What the ontology says about two labels."""
    with _block("What the ontology says", "relations"):
        if not evidence.relations:
            parts.empty("No relation joins the two.")
        for one in evidence.relations:
            how = "asserted" if one.asserted else "inherited"
            ui.label(f"{one.kind.capitalize()}, {how}").classes("lk-small")
            chain(one.chain)
            if one.evidence:
                ui.label(one.evidence).classes("lk-quiet lk-small")
        if evidence.shared:
            ui.label(f"Both are below {', '.join(evidence.shared)}").classes("lk-quiet lk-small")


def _own(item: Item, ontology: Ontology) -> None:
    match item.evidence:
        case Contradiction() as found:
            listed = "an exclusive pair" if found.listed == "pair" else f"exclusive group {found.listed}"
            with _block(f"Contradictory lesions: {found.contradictory:,}, by the most specific labels", "said"):
                ui.label(f"Listed as {listed}").classes("lk-quiet lk-small")
                names = {label.id: label.name for label in ontology.labels}
                rows = [
                    (names[one.first], names[one.second], one.contradictory, one.together, one.patients)
                    for one in found.said[:_MOST_PAIRS]
                ]
                table(("Label", "Exclusive with", "Contradict", "Both", "Patients"), rows, text_columns=2)
                if len(found.said) > _MOST_PAIRS:
                    parts.empty(f"and {len(found.said) - _MOST_PAIRS:,} more pairs")
                ui.link(
                    "Their lesions, on the page of conflicts", f"/conflicts?group=exclusive/{'/'.join(item.labels)}"
                )
        case Term() as found:
            with _block("What reports say", "said"):
                parts.facts(
                    {
                        "Kind": found.kind,
                        "Mentions": found.mentions,
                        "Reports": found.reports,
                        "Patients": f"at least {found.patients:,}",
                        "Reports named": found.source,
                        "Nearest label": found.nearest,
                        "RadLex": found.rid,
                        "Below, in RadLex": ", ".join(found.parents),
                    }
                )
        case Unmapped() as found:
            with _block("The label", "said"):
                label = ontology.by_id[item.labels[0]]
                parts.facts(
                    {
                        "Class": label.label_class.value,
                        "Synonyms": ", ".join(one.text for one in label.synonyms),
                        "Definition": label.definition,
                        "Lesions": found.lesions,
                        "Label sets": ", ".join(found.label_sets),
                    }
                )
        case Correlation():
            pass


def _promotion(item: Item, ontology: Ontology) -> None:
    ways, numbers = options(item, ontology), rule_in_numbers(item)
    if not ways and not numbers:
        return
    with _block("What promotion would do", "becomes"):
        rule = next((one for one in ways if one.key == RULE), None)
        if rule is not None:
            for change in rule.changes[:_CHANGES]:
                ui.label(change)
            if len(rule.changes) > _CHANGES:
                parts.empty(f"and {len(rule.changes) - _CHANGES:,} more changes")
            if rule.refused:
                ui.label(rule.refused).classes("lk-warn")
        for text, holds in numbers:
            with ui.element("div").classes("lk-rv-rule lk-small"):
                ui.label("✓" if holds else "✗").classes("lk-good" if holds else "lk-quiet").props(
                    f'aria-label="{"holds" if holds else "does not hold"}"'
                )
                ui.label(text)


def _radlex(item: Item, ontology: Ontology) -> None:
    if not item.labels:
        return
    with _block("RadLex", "radlex"):
        for label_id in item.labels:
            ui.label(_mapped(ontology.by_id[label_id])).classes("lk-small")
        try:
            reference = radlex_of(place().settings.home)
        except LesionKGError as error:
            ui.label(str(error)).classes("lk-warn lk-small")
            return
        if reference is None:
            return
        if len(item.labels) == 2:
            ways = ways_between(ontology, reference, *item.labels)
            for way in ways:
                ui.label(way).classes("lk-small")
            if not ways:
                parts.empty("RadLex does not put one below the other.")
        else:
            for rid, name in terms_for(ontology, reference, item.labels[0]):
                ui.label(f"{rid}: {name}").classes("lk-small")


def _mapped(label: Label) -> str:
    terms = [
        f"{one.object_id} {one.object_label} ({one.predicate.value.removeprefix('skos:')})" for one in label.mappings
    ]
    return f"{label.name}: {', '.join(terms) or 'no term'}"


def _block(text: str, mark: str) -> ui.element:
    """A part with a small heading; use as a context."""
    box = ui.element("div").classes("lk-rv-block").props(f'data-mark="{mark}"')
    with box, ui.element("h3").classes("lk-heading"):
        ui.label(text)
    return box
