"""Rules in YAML: further phrases for labels, and cue phrases for relevance, each with an id that its matches carry.

One format serves the rules that ship in ``ingest/rules`` and a hospital's own::

    phrases:
      - id: our-hospital-001
        label: liver                  # preferred name or id of a label
        any: [segment viii, segment 8]
        scope: narrow                 # exact (default), narrow, broad, related
        unless: [lung]                # optional: not in a sentence that holds one of these words
    cues:
      - id: our-hospital-101
        kind: negation                # negation, uncertainty, landmark, other-lesion, terminator, pseudo
        any: [no convincing]
        direction: forward            # forward (default), backward, both
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from kg.errors import InputError
from kg.ontology import SynonymScope


class CueKind(StrEnum):
    """What a cue phrase says of the labels in its scope."""

    NEGATION = "negation"
    UNCERTAINTY = "uncertainty"
    LANDMARK = "landmark"
    OTHER_LESION = "other-lesion"
    TERMINATOR = "terminator"
    """Ends the scope of a cue before or after it."""
    PSEUDO = "pseudo"
    """Looks like a cue, is none ("no increase", "not only"), and hides the cue inside."""


class Direction(StrEnum):
    """Where a cue's scope lies."""

    FORWARD = "forward"
    BACKWARD = "backward"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class PhraseRule:
    """Further phrases for one label."""

    id: str
    label: str
    any: tuple[str, ...]
    scope: SynonymScope = SynonymScope.EXACT
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CueRule:
    """Cue phrases of one kind."""

    id: str
    kind: CueKind
    any: tuple[str, ...]
    direction: Direction = Direction.FORWARD


@dataclass(frozen=True, slots=True)
class RuleFile:
    """The rules of one file."""

    phrases: tuple[PhraseRule, ...] = ()
    cues: tuple[CueRule, ...] = ()


def read_rules(path: Path) -> RuleFile:
    """Read a rule file.

    Raises:
        InputError: not readable, not YAML, or a rule lacks something, has an unknown key, or repeats an id.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give a YAML file in UTF-8") from error
    return parse_rules(text, str(path))


def parse_rules(text: str, name: str) -> RuleFile:
    """Parse a rule file's text; ``name`` is what errors call it.

    Raises:
        InputError: as for :func:`read_rules`.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{name}{where}: not YAML; check indentation and quotes") from error
    rules = _RuleReader(name)
    top = rules.mapping(content if content is not None else {}, "the file", ("phrases", "cues"))
    return RuleFile(
        tuple(rules.phrase(row) for row in rules.rows(top, "phrases")),
        tuple(rules.cue(row) for row in rules.rows(top, "cues")),
    )


class _RuleReader:
    def __init__(self, name: str) -> None:
        self._name = name
        self._ids: set[str] = set()

    def phrase(self, row: object) -> PhraseRule:
        given = self.mapping(row, "a phrase rule", ("id", "label", "any", "scope", "unless"))
        rule_id = self._id(given)
        label = given.get("label")
        if not isinstance(label, str) or not label.strip():
            raise self._error(f"rule {rule_id}", "it names no label", "add `label: NAME`")
        return PhraseRule(
            rule_id,
            label.strip(),
            self._texts(given, "any", rule_id, needed=True),
            SynonymScope(self._word(given, "scope", SynonymScope, SynonymScope.EXACT, rule_id)),
            self._texts(given, "unless", rule_id),
        )

    def cue(self, row: object) -> CueRule:
        given = self.mapping(row, "a cue rule", ("id", "kind", "any", "direction"))
        rule_id = self._id(given)
        return CueRule(
            rule_id,
            CueKind(self._word(given, "kind", CueKind, None, rule_id)),
            self._texts(given, "any", rule_id, needed=True),
            Direction(self._word(given, "direction", Direction, Direction.FORWARD, rule_id)),
        )

    def rows(self, top: Mapping[str, Any], key: str) -> list[object]:
        rows = top.get(key) or []
        if not isinstance(rows, list):
            raise self._error(key, "not a list", "begin each rule with a dash")
        return rows

    def mapping(self, value: object, what: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._error(what, "not a mapping", f"give it {', '.join(keys)}")
        for key in value:
            if key not in keys:
                raise self._error(what, f"unknown key {key!r}", f"use {', '.join(keys)}")
        return value

    def _id(self, given: Mapping[str, Any]) -> str:
        rule_id = given.get("id")
        if not isinstance(rule_id, str) or not rule_id.strip():
            raise self._error("a rule", "it has no id", "give every rule an `id` of its own")
        if rule_id in self._ids:
            raise self._error(f"rule {rule_id}", "the id is used twice", "give every rule an `id` of its own")
        self._ids.add(rule_id)
        return rule_id

    def _texts(self, given: Mapping[str, Any], key: str, rule_id: str, needed: bool = False) -> tuple[str, ...]:
        texts = given.get(key) or []
        if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
            raise self._error(f"rule {rule_id}", f"{key!r} is not a list of phrases", f"write `{key}: [..., ...]`")
        if needed and not texts:
            raise self._error(f"rule {rule_id}", f"{key!r} is missing", f"write `{key}: [..., ...]`")
        return tuple(" ".join(text.split()) for text in texts)

    def _word(
        self, given: Mapping[str, Any], key: str, known: Iterable[StrEnum], default: StrEnum | None, rule_id: str
    ) -> str:
        value = given.get(key, default)
        words = [str(word) for word in known]
        if value not in words:
            raise self._error(f"rule {rule_id}", f"{key} {value!r} is unknown", f"use {', '.join(words)}")
        return str(value)

    def _error(self, what: str, reason: str, next_step: str) -> InputError:
        return InputError(f"{self._name}: {what}: {reason}; {next_step}")
