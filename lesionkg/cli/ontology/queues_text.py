"""How ``lesionkg ontology queue`` shows its queues: as text, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kg.curation.decisions import Decision, Standing
from kg.curation.describe import describe
from kg.curation.queues import Item, QueueKind
from kg.curation.queues_graph import QueueSources
from kg.curation.queues_promotion import promote
from kg.curation.queues_text import says, why
from kg.errors import LesionKGError
from kg.ontology import Ontology
from lesionkg.cli.context import console

_TITLES = {
    QueueKind.CORRELATIONS: "Correlations that no relation of the ontology says",
    QueueKind.CONTRADICTED: "Exclusive pairs that lesions contradict",
    QueueKind.CONFUSED: "Correlations between exclusive labels",
    QueueKind.TERMS: "Terms of reports that no label covers",
    QueueKind.UNMAPPED: "Labels without a RadLex id",
}
_MOST_CHANGES = 3


def becomes(item: Item, ontology: Ontology) -> tuple[list[str], str]:
    """What promotion would make of an item, one line for each change; or none, and why not."""
    try:
        made = promote(item, ontology, "", "")
    except LesionKGError as error:
        return [], str(error)
    names = {label.id: label.name for label in ontology.labels}
    return [describe(change, names) for change in made.changes], ""


def as_dict(standing: Standing, ontology: Ontology) -> dict[str, Any]:
    """An item as plain values, with what was decided and what it would become."""
    changes, refused = becomes(standing.item, ontology)
    return {
        **standing.item.as_dict(),
        "says": says(standing.item),
        "why": why(standing.item),
        "open": standing.open,
        "decision": standing.decision.as_dict() if standing.decision else None,
        "becomes": changes,
        "refused": refused,
    }


def print_queues(
    sources: QueueSources, listed: Mapping[QueueKind, Sequence[Standing]], shown: Mapping[QueueKind, Sequence[Standing]]
) -> None:
    """The chosen items of each queue under a title."""
    learned = f"model {sources.model}" if sources.model else "no model with correlations"
    _say(f"Revision {sources.revision}; {learned}; {len(sources.lesions.ids):,} lesions ({sources.data})")
    for kind, rows in listed.items():
        waiting = sum(one.open for one in rows)
        decided = f", {len(rows) - waiting:,} decided" if waiting < len(rows) else ""
        first = f", the first {len(shown[kind]):,}" if len(shown[kind]) < waiting else ""
        _say(f"\n{_TITLES[kind]} ({kind}): {waiting:,} open{decided}{first}")
        for one in shown[kind]:
            _print_item(one, sources.lesions.ontology)


def _print_item(standing: Standing, ontology: Ontology) -> None:
    item = standing.item
    _say(f"{item.score:10,.2f}  {item.id}")
    _say(f"{'':12}{says(item)}: {why(item)}")
    changes, refused = becomes(item, ontology)
    more = f"; and {len(changes) - _MOST_CHANGES} more" if len(changes) > _MOST_CHANGES else ""
    _say(f"{'':12}{'would ' + '; '.join(changes[:_MOST_CHANGES]) + more if changes else refused}")
    if item.examples:
        _say(f"{'':12}see {', '.join(item.examples)}")
    if standing.decision:
        _say(f"{'':12}{decided(standing.decision)}")


def decided(decision: Decision) -> str:
    """A decision in one line."""
    until = f" until {decision.until}" if decision.until else ""
    proposal = f" as proposal {decision.proposal}" if decision.proposal else ""
    return f"{decision.action}{until}{proposal} by {decision.reviewer} on {decision.created[:10]}: {decision.reason}"


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
