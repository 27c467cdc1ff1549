"""What a correction does to the relationships between one lesion and one label; no graph is touched here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

CURATOR = "curator"
"""``source`` of what a curator says of a lesion."""

LACKS, SUPERSEDED = "LACKS_LABEL", "SUPERSEDED"

SAID = ("HAS_LABEL", "MAY_HAVE_LABEL", "MENTIONED_NOT_ABOUT")
"""What sources say of a lesion and a label."""

ACTIVE = (*SAID, LACKS)
"""All that holds; the rest is :data:`SUPERSEDED`."""


class Edge(NamedTuple):
    """A relationship from the lesion to the label: its type, and its properties."""

    kind: str
    has: Mapping[str, Any]


def restate(edges: Sequence[Edge], has_label: bool, stamp: Mapping[str, Any]) -> list[Edge]:
    """The relationships once a curator said whether the lesion has the label.

    Args:
        edges: all between the two.
        has_label: what the curator says.
        stamp: ``correction``, ``author``, ``created`` and ``reason``.
    """
    kept = [edge for edge in edges if edge.kind == SUPERSEDED]
    said: dict[str, list[Edge]] = {}
    for edge in edges:
        if edge.kind == SUPERSEDED:
            continue
        if edge.has.get("source") == CURATOR:
            kept.append(Edge(SUPERSEDED, {**edge.has, "said": [edge.kind], "superseded_by": stamp["correction"]}))
        else:
            said.setdefault(str(edge.has.get("source") or ""), []).append(edge)
    kept += [
        Edge(SUPERSEDED, superseded(source, [e.kind for e in found], any(e.has.get("verified") for e in found)))
        for source, found in said.items()
    ]
    own = {"source": CURATOR, **stamp}
    return [*kept, Edge("HAS_LABEL", {**own, "verified": True}) if has_label else Edge(LACKS, own)]


def withdraw(edges: Sequence[Edge], correction: str, stamp: Mapping[str, Any]) -> list[Edge]:
    """The relationships once a correction was undone: those that it superseded hold again.

    Args:
        edges: all between the two; the correction's own one holds.
        correction: its id.
        stamp: ``undone_by``, ``undone`` and ``undo_reason``.
    """
    own = next(edge for edge in edges if edge.kind != SUPERSEDED and edge.has.get("correction") == correction)
    kept = [Edge(SUPERSEDED, {**own.has, "said": [own.kind], **stamp})]
    earlier = any(edge.has.get("superseded_by") == correction for edge in edges)
    for edge in edges:
        if edge is own:
            continue
        if edge.has.get("superseded_by") == correction:
            kept.append(Edge(edge.has["said"][0], _without(edge.has, ("said", "superseded_by"))))
        elif edge.kind == SUPERSEDED and edge.has.get("source") != CURATOR and not earlier:
            kept += [
                Edge(kind, _without(edge.has, ("said",) if kind == "HAS_LABEL" else ("said", "verified")))
                for kind in edge.has["said"]
            ]
        else:
            kept.append(edge)
    return kept


def superseded(source: str, kinds: Collection[str], verified: bool) -> dict[str, Any]:
    """Properties of the relationship that keeps what a source says where a curator's statement holds.

    Args:
        source: who says it.
        kinds: the types it would have.
        verified: of its ``HAS_LABEL``; false without one.
    """
    return {"source": source, "said": sorted(kinds), "verified": verified and "HAS_LABEL" in kinds}


def _without(has: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in has.items() if name not in names}
