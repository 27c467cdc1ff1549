"""The words and phrases that stand for labels: from the ontology, from rules, or from a full RadLex table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ingest.mining.lemmas import Lemmas
from ingest.mining.rule_file import RuleFile
from ingest.mining.tokens import words
from kg.errors import InputError
from kg.ontology import Ontology, SynonymScope
from kg.radlex import read_radlex


@dataclass(frozen=True, slots=True, order=True)
class Term:
    """One phrase for one label.

    Attributes:
        text: the phrase.
        label: label id, or RID.
        rule: ``name``, ``synonym``, the id of a derivation, or the id of a rule.
        scope: how its meaning compares with the label's.
        unless: it means something else in a sentence with one of these words.
    """

    text: str
    label: str
    rule: str
    scope: SynonymScope = SynonymScope.EXACT
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """Phrases for labels.

    Attributes:
        terms: every phrase.
        names: preferred name of each label.
    """

    terms: tuple[Term, ...]
    names: Mapping[str, str]

    @cached_property
    def id(self) -> str:
        """SHA-256 of all that decides what is matched."""
        content = json.dumps([[t.text, t.label, t.rule, t.scope, t.unless] for t in self.terms])
        return hashlib.sha256(content.encode()).hexdigest()

    @cached_property
    def lemmas(self) -> Lemmas:
        """Lemmas within the words of this lexicon."""
        return Lemmas(frozenset(word for term in self.terms for word in words(term.text)))

    @classmethod
    def of_ontology(cls, ontology: Ontology, rules: RuleFile = RuleFile(), label_set: str | None = None) -> Lexicon:  # noqa: B008
        """Names, synonyms and rules' phrases of all labels, or of one label set.

        Raises:
            InputError: a rule names a label that the ontology does not have.
            UsageError: no such label set.
        """
        wanted = set(ontology.label_set(label_set).members if label_set else ontology.by_id)
        terms: list[Term] = []
        for label in ontology.labels:
            if label.id in wanted and not label.deprecated:
                terms.append(Term(label.name, label.id, "name"))
                terms += (Term(s.text, label.id, "synonym", s.scope) for s in label.synonyms)
        for rule in rules.phrases:
            found = ontology.by_id.get(rule.label) or ontology.by_name.get(rule.label)
            if found is None:
                raise InputError(f"rule {rule.id}: no label {rule.label!r}; `lesionkg ontology show` lists the labels")
            if found.id in wanted:
                terms += (Term(text, found.id, rule.id, rule.scope, rule.unless) for text in rule.any)
        return cls(_distinct(terms), {label.id: label.name for label in ontology.labels})

    @classmethod
    def of_radlex(cls, path: Path | str) -> Lexicon:
        """Every name of every RadLex term that is not withdrawn; labels are RIDs.

        Raises:
            InputError: as for :func:`kg.radlex.read_radlex`.
        """
        radlex = read_radlex(path)
        terms = [
            Term(text, rid, "name" if i == 0 else "synonym")
            for rid, names in radlex.names.items()
            if rid not in radlex.obsolete
            for i, text in enumerate(names)
        ]
        return cls(_distinct(terms), {rid: names[0] for rid, names in radlex.names.items()})


def _distinct(terms: Iterable[Term]) -> tuple[Term, ...]:
    kept: dict[tuple[str, str], Term] = {}
    for term in terms:
        kept.setdefault((term.text.lower(), term.label), term)
    return tuple(kept.values())
