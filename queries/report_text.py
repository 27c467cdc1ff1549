"""The sentences of reports that describe a lesion, with their text: whoever calls this records who read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ingest.mining.highlight import Mark, MarkKind, View, pieces, view
from ingest.mining.stored_report import find_report
from ingest.vault import Vault
from kg.errors import NotFoundError
from kg.graph_ontology import load_ontology
from kg.store import GraphStore
from queries.lesion_facts import LesionView, SentenceRef

VAULT = "vault.db"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text.

    Attributes:
        text: the characters.
        kind: ``bodypart``, ``type``, ``attribute``, ``bookmark``, or empty where nothing was found.
        name: of the label; of a bookmark its number in the report.
        relevance: of the label to the lesion: ``relevant``, ``uncertain``, ``irrelevant``; empty when it was judged
            for other lesions only.
    """

    text: str = field(repr=False)
    kind: str = ""
    name: str = ""
    relevance: str = ""


@dataclass(frozen=True, slots=True)
class ShownSentence:
    """A sentence with its text.

    Attributes:
        sentence: its ids and offsets.
        pieces: its text, cut where a mention begins or ends.
    """

    sentence: SentenceRef
    pieces: tuple[Piece, ...]


def sentence_texts(store: GraphStore, home: Path, lesion: LesionView) -> tuple[ShownSentence, ...]:
    """The sentences that describe a lesion, with their text out of the vault of the data folder.

    Args:
        store: the graph.
        home: the data folder.
        lesion: whose sentences.

    Raises:
        NotFoundError: the data folder has no vault, or another one than the reports were mined with.
    """
    if not (home / VAULT).is_file():
        raise NotFoundError(
            "report text: the data folder has no vault; serve the data folder that the reports were mined in"
        )
    labels = load_ontology(store).by_id
    by_report: dict[str, list[SentenceRef]] = {}
    for sentence in lesion.sentences:
        by_report.setdefault(sentence.report, []).append(sentence)
    shown = []
    with Vault(home / VAULT) as vault:
        for report, sentences in by_report.items():
            found = find_report(store, vault, report, "")
            judged = [
                replace(
                    linked.sentence,
                    judgements=tuple(
                        one
                        for one in linked.sentence.judgements
                        if one.bookmark is not None and linked.lesions[one.bookmark] == lesion.id
                    ),
                )
                for linked in found.sentences
            ]
            whole = view(found.stored.text, judged, labels)
            shown += [ShownSentence(one, tuple(_pieces(whole, one.start, one.end))) for one in sentences]
    return tuple(shown)


def _pieces(whole: View, start: int, end: int) -> Iterator[Piece]:
    for first, last, marks in pieces(whole):
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        text = whole.text[first:last]
        mark = _inner(marks)
        yield Piece(text) if mark is None else Piece(text, mark.kind, mark.name, mark.relevance or "")


def _inner(marks: tuple[Mark, ...]) -> Mark | None:
    """The mark to show of those that lie over a stretch: a label before a bookmark, a judged one, the longest."""
    order = sorted(
        marks,
        key=lambda mark: (mark.kind is MarkKind.BOOKMARK, mark.relevance is None, mark.start - mark.end, mark.name),
    )
    return order[0] if order else None
