"""The words and phrases that stand for labels: from the ontology and from rules, or from a full RadLex table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

from ingest.mining.composites import Composites, compositions
from ingest.mining.derived_forms import derived_terms, spellings
from ingest.mining.lemmas import Bases, Lemmas, inflection_bases
from ingest.mining.rule_file import RuleFile, parse_rules
from ingest.mining.term import STRENGTH, Rank, Term
from ingest.mining.tokens import words
from ingest.mining.word_data import shipped_words
from kg.errors import InputError
from kg.ontology import MatchKind, Ontology
from kg.radlex import read_radlex

Words = tuple[str, ...]

_VERSION = 1
"""Goes up when the same phrases are matched or combined in another way."""


@cache
def shipped_phrases() -> RuleFile:
    """The phrases in ``ingest/rules/phrases.yaml``."""
    return parse_rules(resources.files("ingest.rules").joinpath("phrases.yaml").read_text("utf-8"), "phrases.yaml")


@dataclass(frozen=True)
class Lexicon:
    """Phrases for labels.

    Attributes:
        terms: every phrase.
        names: preferred name of each label.
        composites: how labels combine.
        wanted: the labels whose mentions are given; None for all. The others still claim their words: with *renal
            pelvis* left out, "renal pelvis" does not become *pelvis*.
        bases: what a word may be an inflected form of.
    """

    terms: tuple[Term, ...]
    names: Mapping[str, str]
    composites: Composites = field(default_factory=Composites)
    wanted: frozenset[str] | None = None
    bases: Bases = inflection_bases

    @cached_property
    def id(self) -> str:
        """SHA-256 of all that decides what is matched."""
        content = [
            _VERSION,
            self.bases.__name__,
            sorted([t.text, t.label, t.rule, t.scope, t.unless, t.rank] for t in self.terms),
            sorted([*parts, label] for parts, label in self.composites.made.items()),
            sorted([*parts, label] for parts, label in self.composites.sided.items()),
            sorted(self.wanted or ()),
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @classmethod
    def of_ontology(
        cls,
        ontology: Ontology,
        rules: RuleFile | None = None,
        label_set: str | None = None,
        bases: Bases = inflection_bases,
    ) -> Lexicon:
        """Names, synonyms and derived forms of all labels, shipped phrases, and a user's own rules.

        Args:
            ontology: where the labels come from.
            rules: further phrases; one that is given here replaces what the ontology or we say of it.
            label_set: give mentions of these labels only.
            bases: what a word may be an inflected form of; :func:`ingest.mining.lemmas.wordnet_bases` asks WordNet too.

        Raises:
            InputError: a rule names a label that the ontology does not have.
            UsageError: no such label set.
        """
        given = _distinct(
            [
                *_asserted(ontology),
                *_of_rules(ontology, shipped_phrases(), Rank.SHIPPED_RULE),
                *_of_rules(ontology, rules or RuleFile(), Rank.USER_RULE),
            ]
        )
        data = shipped_words()
        organs = {label.id for label in ontology.labels if label.label_class == "bodypart"}
        terms = [*given, *derived_terms(given, organs, data)]
        composites, fragments = compositions(ontology, terms, data.sides)
        wanted = frozenset(ontology.label_set(label_set).members) if label_set else None
        names = {label.id: label.name for label in ontology.labels}
        return cls(_distinct([*terms, *fragments]), names, composites, wanted, bases)

    @classmethod
    def of_radlex(cls, path: Path | str) -> Lexicon:
        """Every name of every RadLex term that is not withdrawn; labels are RIDs.

        Raises:
            InputError: as for :func:`kg.radlex.read_radlex`.
        """
        radlex = read_radlex(path)
        terms = [
            Term(text, rid, "name" if i == 0 else "synonym")
            for rid, term in radlex.terms.items()
            if not term.obsolete
            for i, text in enumerate(term.names)
        ]
        return cls(_distinct(terms), {rid: term.name for rid, term in radlex.terms.items()})

    def phrases(self) -> tuple[Lemmas, Mapping[Words, tuple[Term, ...]]]:
        """Lemmas within the words of this lexicon, and for each sequence of base words the terms that count first.

        Those terms hold the base words of their ``unless``.
        """
        prefixes = shipped_words().parts
        spelt = [(term, tuple(spellings(tuple(words(term.text)), prefixes))) for term in self.terms]
        lemmas = Lemmas(frozenset(word for _, forms in spelt for form in forms for word in form), self.bases)
        found: dict[Words, tuple[Term, ...]] = {}
        for term, forms in spelt:
            if term.unless:
                unless = (" ".join(lemmas[word] for word in words(text)) for text in term.unless)
                term = replace(term, unless=tuple(unless))
            for form in forms:
                key = tuple(map(lemmas.__getitem__, form))
                known = found.get(key)
                if known is None or _order(term) < _order(known[0]):
                    found[key] = (term,)
                elif _order(term) == _order(known[0]) and all(term.label != other.label for other in known):
                    found[key] = (*known, term)
        return lemmas, found


def _order(term: Term) -> tuple[int, int]:
    """Whose word counts first; a rule may give one phrase to several labels with different scopes."""
    return term.rank, STRENGTH[term.scope] if term.rank >= Rank.ONTOLOGY else 0


def _asserted(ontology: Ontology) -> Iterable[Term]:
    for label in ontology.labels:
        if not label.deprecated:
            yield Term(label.name, label.id, "name")
            yield from (Term(synonym.text, label.id, "synonym", synonym.scope) for synonym in label.synonyms)
            for mapping in label.mappings:
                if mapping.predicate is MatchKind.EXACT:
                    yield Term(mapping.object_label, label.id, "radlex-name")


def _of_rules(ontology: Ontology, rules: RuleFile, rank: Rank) -> Iterable[Term]:
    for rule in rules.phrases:
        label = ontology.by_id.get(rule.label) or ontology.by_name.get(rule.label)
        if label is None and rank is Rank.USER_RULE:
            raise InputError(
                f"rule {rule.id}: label {rule.label!r} is not in ontology {ontology.name}; "
                "`lesionkg ontology show` lists the labels"
            )
        if label is not None:
            yield from (Term(text, label.id, rule.id, rule.scope, rule.unless, rank) for text in rule.any)


def _distinct(terms: Iterable[Term]) -> tuple[Term, ...]:
    kept: dict[tuple[str, str], Term] = {}
    for term in sorted((term for term in terms if words(term.text)), key=_order):
        kept.setdefault((term.text.lower(), term.label), term)
    return tuple(kept.values())
