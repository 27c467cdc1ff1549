"""The closed classes of words that derived forms and composition need (``ingest/rules/words.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from kg.ontology import SynonymScope


@dataclass(frozen=True)
class WordData:
    """Words of radiology English that hold for any ontology.

    Attributes:
        adjectives: for a noun the adjectives that mean "of the noun".
        spellings: part of an American word, and the British spelling.
        positions: prefixes that place a lesion by an organ ("juxtapleural"), with the scope of what they form.
        parts: prefixes that are written closed, open or with a hyphen.
        sides: words for a side.
        joining: words that join equals.
        locating: words before the place of a lesion.
        skipped: words before further features of a lesion.
        barred: words before something that is not the lesion's.
    """

    adjectives: Mapping[str, tuple[str, ...]]
    spellings: Mapping[str, str]
    positions: Mapping[str, SynonymScope]
    parts: tuple[str, ...]
    sides: tuple[str, ...]
    joining: frozenset[str]
    locating: frozenset[str]
    skipped: frozenset[str]
    barred: frozenset[str]


@cache
def shipped_words() -> WordData:
    """The words in ``ingest/rules/words.yaml``."""
    data = yaml.safe_load(resources.files("ingest.rules").joinpath("words.yaml").read_text(encoding="utf-8"))
    return WordData(
        adjectives={noun: tuple(adjectives) for noun, adjectives in data["adjectives"].items()},
        spellings=data["spellings"],
        positions={prefix: SynonymScope(scope) for prefix, scope in data["positions"].items()},
        parts=tuple(data["parts"]),
        sides=tuple(data["sides"]),
        joining=frozenset(data["joining"]),
        locating=frozenset(data["locating"]),
        skipped=frozenset(data["skipped"]),
        barred=frozenset(data["barred"]),
    )
