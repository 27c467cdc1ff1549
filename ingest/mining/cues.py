"""Cue phrases: words that say how a label near them is meant ("no evidence of", "likely", "adjacent to")."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ingest.mining.rule_file import CueKind, CueRule, Direction, parse_rules

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue phrase found in a sentence.

    Attributes:
        start: index of its first token.
        end: one past the last.
        kind: what it says of the labels in its scope.
        direction: where its scope lies.
        rule: id of the rule it belongs to.
    """

    start: int
    end: int
    kind: CueKind
    direction: Direction
    rule: str


@cache
def shipped_cues() -> tuple[CueRule, ...]:
    """The cues in ``ingest/rules/cues.yaml``."""
    text = resources.files("ingest.rules").joinpath("cues.yaml").read_text(encoding="utf-8")
    return parse_rules(text, "cues.yaml").cues


def words(phrase: str) -> tuple[str, ...]:
    """A phrase's words and punctuation marks in lower case, as tokens show them."""
    return tuple(_WORD.findall(phrase.lower()))


class CueFinder:
    """Finds cue phrases in tokens, longest first; a rule given later wins over an earlier one with the same phrase."""

    def __init__(self, rules: Sequence[CueRule]) -> None:
        self._phrases: dict[str, list[tuple[tuple[str, ...], CueRule]]] = {}
        for rule in reversed(rules):
            for phrase in rule.any:
                parts = words(phrase)
                rows = self._phrases.setdefault(parts[0], [])
                if all(parts != known for known, _ in rows):
                    rows.append((parts, rule))
        for rows in self._phrases.values():
            rows.sort(key=lambda row: -len(row[0]))
        self._first = frozenset(self._phrases)
        content = [[rule.id, rule.kind, rule.direction, list(rule.any)] for rule in rules]
        self.id = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
        """Hash of the rules."""

    def find(self, texts: Sequence[str]) -> list[Cue]:
        """Cues in a sentence's token texts, in order, none inside another."""
        if self._first.isdisjoint(texts):
            return []
        found = []
        free = 0
        for index, text in enumerate(texts):
            if index < free or text not in self._first:
                continue
            for parts, rule in self._phrases[text]:
                end = index + len(parts)
                if tuple(texts[index:end]) == parts:
                    found.append(Cue(index, end, rule.kind, rule.direction, rule.id))
                    free = end
                    break
        return found
