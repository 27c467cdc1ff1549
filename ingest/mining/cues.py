"""Cue phrases: words that say how a label near them is meant ("no evidence of", "likely", "adjacent to")."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from ingest.mining.rule_file import CueKind, CueRule, Direction, parse_rules
from ingest.mining.tokens import words

_END = ""
"""Key of a node's cue; no word is empty."""


@cache
def shipped_cues(name: str = "cues.yaml") -> tuple[CueRule, ...]:
    """The cues of a file in ``ingest/rules``."""
    return parse_rules(_shipped(name), name).cues


def word_list(name: str) -> frozenset[str]:
    """A list of ``ingest/rules/relevance_words.yaml``."""
    return frozenset(_word_lists()[name])


@cache
def _word_lists() -> dict[str, list[str]]:
    lists: dict[str, list[str]] = yaml.safe_load(_shipped("relevance_words.yaml"))
    return lists


def _shipped(name: str) -> str:
    return resources.files("ingest.rules").joinpath(name).read_text(encoding="utf-8")


_DEGREES = word_list("degrees")
"""Passed over inside a phrase."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue phrase found in a sentence.

    Attributes:
        start: index of its first token.
        end: one past the last.
        kind: what it says of the labels in its scope.
        before: id of the rule under which it stands before the labels it is about, "" when it does not.
        after: likewise after them. Two rules for opposite directions act on one side only ("suspected metastasis",
            "metastasis suspected"); one rule for both directions acts on both ("X or Y").
    """

    start: int
    end: int
    kind: CueKind
    before: str = ""
    after: str = ""


class CueFinder:
    """Finds cue phrases by a trie of words, longest first; words of degree inside a phrase are passed over.

    Of rules with the same phrase the later wins, so that a hospital's rules, given behind the shipped ones, take
    effect; rules of one kind for opposite directions are kept side by side.
    """

    def __init__(self, rules: Sequence[CueRule]) -> None:
        content = [_word_lists(), [[rule.id, rule.kind, rule.direction, list(rule.any)] for rule in rules]]
        self.id = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
        """Hash of the rules and of the words that bound their scopes."""
        self._root: dict[str, Any] = {}
        for rule in rules:
            for phrase in rule.any:
                node = self._root
                for word in words(phrase):
                    node = node.setdefault(word, {})
                node[_END] = _joined(node.get(_END), rule)

    def find(self, texts: Sequence[str]) -> list[Cue]:
        """Cues among a sentence's token texts, in order; none lies in another."""
        root = self._root
        if root.keys().isdisjoint(texts):
            return []
        found = []
        at, size = 0, len(texts)
        while at < size:
            node = root.get(texts[at])
            end, last, best = at, at + 1, None
            while node is not None:
                end += 1
                if _END in node:
                    best, last = node[_END], end
                while end < size and texts[end] in _DEGREES and texts[end] not in node:
                    end += 1
                node = node.get(texts[end]) if end < size else None
            if best is not None:
                found.append(Cue(at, last, *best))
            at = last
        return found


def _joined(known: tuple[CueKind, str, str] | None, rule: CueRule) -> tuple[CueKind, str, str]:
    kind, before, after = known or (rule.kind, "", "")
    if kind != rule.kind or rule.direction == Direction.BOTH:
        before = after = ""
    return (
        rule.kind,
        before if rule.direction == Direction.BACKWARD else rule.id,
        after if rule.direction == Direction.FORWARD else rule.id,
    )
