"""Further forms of a label's phrases: adjectives, word order, prefixes, British spelling; open and closed spellings.

The rules are general and the words come from ``ingest/rules/words.yaml``; which labels they lead to is decided by the
phrases of the lexicon that they are applied to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ingest.mining.term import Rank, Term
from ingest.mining.tokens import words
from ingest.mining.word_data import WordData
from kg.ontology import SynonymScope

_LONGEST_PART = 3
_SHORTEST_REST = 4

Words = tuple[str, ...]


def derived_terms(terms: Collection[Term], organs: Collection[str], data: WordData) -> list[Term]:
    """All forms derived from ``terms``.

    Args:
        terms: the phrases given.
        organs: ids of the body-part labels; a prefix ("juxtapleural") is set before their words only.
        data: closed classes of words.
    """
    swaps = _swaps(data.adjectives)
    derived: dict[tuple[Words, str], Term] = {}
    for term in terms:
        parts = tuple(words(term.text))
        for form in _adjective_forms(parts, swaps):
            _add(derived, term, form, "adjective")
    single = {tuple(words(term.text)) for term in (*terms, *derived.values()) if term.label in organs}
    for term in (*terms, *derived.values()):
        for form in _of_forms(tuple(words(term.text)), single, swaps, data.sides):
            _add(derived, term, form, "word-order")
    for term in (*terms, *derived.values()):
        parts = tuple(words(term.text))
        if "of" in parts[1:-1] and "the" not in parts:
            at = parts.index("of") + 1
            _add(derived, term, (*parts[:at], "the", *parts[at:]), "word-order")
    known = {word for term in (*terms, *derived.values()) for word in words(term.text)}
    for term in (*terms, *derived.values()):
        parts = tuple(words(term.text))
        if len(parts) == 1 and term.label in organs and term.scope != SynonymScope.RELATED:
            for prefix, scope in data.positions.items():
                if prefix + parts[0] not in known and not parts[0].startswith(prefix):
                    _add(derived, term, (prefix + parts[0],), "prefix", _weaker(scope, term.scope))
    for term in (*terms, *derived.values()):
        for american, british in data.spellings.items():
            if american in term.text.lower():
                _add(derived, term, tuple(words(term.text.lower().replace(american, british))), "spelling")
    return list(derived.values())


def spellings(parts: Words, prefixes: tuple[str, ...]) -> Iterator[Words]:
    """The phrase itself, and with one of its prefixes written apart ("para aortic") or joined ("paraaortic")."""
    yield parts
    for i, word in enumerate(parts):
        if word.startswith(prefixes):
            for prefix in prefixes:
                if word.startswith(prefix) and len(word) - len(prefix) >= _SHORTEST_REST:
                    yield (*parts[:i], prefix, word[len(prefix) :], *parts[i + 1 :])
            if word in prefixes and i + 1 < len(parts) and len(parts[i + 1]) >= _SHORTEST_REST:
                yield (*parts[:i], word + parts[i + 1], *parts[i + 2 :])


def _add(
    derived: dict[tuple[Words, str], Term], term: Term, form: Words, rule: str, scope: SynonymScope | None = None
) -> None:
    new = Term(" ".join(form), term.label, rule, scope or term.scope, term.unless, Rank.DERIVED)
    derived.setdefault((form, term.label), new)


def _weaker(a: SynonymScope, b: SynonymScope) -> SynonymScope:
    order = (SynonymScope.EXACT, SynonymScope.NARROW, SynonymScope.BROAD, SynonymScope.RELATED)
    return max(a, b, key=order.index)


def _swaps(adjectives: Mapping[str, tuple[str, ...]]) -> dict[Words, list[Words]]:
    """Noun and adjective either way."""
    swaps: dict[Words, list[Words]] = {}
    for noun, forms in adjectives.items():
        for form in forms:
            swaps.setdefault(tuple(words(noun)), []).append(tuple(words(form)))
            swaps.setdefault(tuple(words(form)), []).append(tuple(words(noun)))
    return swaps


def _adjective_forms(parts: Words, swaps: Mapping[Words, list[Words]]) -> Iterator[Words]:
    for i in range(len(parts)):
        for size in range(1, _LONGEST_PART + 1):
            for other in swaps.get(parts[i : i + size], ()):
                yield (*parts[:i], *other, *parts[i + size :])


def _of_forms(
    parts: Words, single: Collection[Words], swaps: Mapping[Words, list[Words]], sides: Collection[str]
) -> Iterator[Words]:
    """ "pancreatic head": "head of the pancreas"; "right thyroid lobe": "right lobe of the thyroid"."""
    for i in range(len(parts)):
        for j in range(i + 1, len(parts)):
            organ = parts[i:j]
            if organ in single and not set(organ) & set(sides) and (i == 0 or parts[0] in sides or i == 1):
                for noun in (organ, *swaps.get(organ, ())):
                    yield (*parts[:i], *parts[j:], "of", *noun)
                    if i == 1 and parts[0] in sides:
                        yield (*parts[j:], "of", parts[0], *noun)
