"""Canonical text of connected OWL statements: equal statements give equal text, whatever their blank nodes are called.

The text is N-Triples, a statement a line, the lines sorted, blank nodes numbered. It enters the ontology hash, so it
must never depend on the version of a library, and no file may make its computation long.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kg.errors import InputError
from kg.owl_terms import Blank, Iri, Text, Triple

_BUDGET = 100_000
"""Statements looked at while blank nodes are told apart; what the OWL API writes needs a few rounds over each."""

_NOT_IN_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\\ud800-\udfff]')
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_TERM = (
    r'(?:<(?P<{0}iri>[^\x00-\x20<>"{{}}|^`\\]*)>|_:b(?P<{0}blank>0|[1-9][0-9]*)'
    r'|"(?P<{0}text>(?:[^"\\\n\r]|\\["\\nrt]|\\u[0-9A-F]{{4}})*)"'
    r'(?:@(?P<{0}language>[A-Za-z]{{1,8}}(?:-[A-Za-z0-9]{{1,8}})*)|\^\^<(?P<{0}datatype>[^\x00-\x20<>"{{}}|^`\\]*)>)?)'
)
_LINE = re.compile(r" ".join([_TERM.format(part) for part in "spo"]) + r" \.")
_ESCAPE = re.compile(r'\\(?:u([0-9A-F]{4})|(["\\nrt]))')
_TO_ESCAPE = {
    **{i: f"\\u{i:04X}" for i in (*range(0x20), 0x7F, *range(0x80, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)},
    **{ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"},
}
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


def components(triples: Iterable[Triple]) -> list[list[Triple]]:
    """Statements grouped by the blank nodes that they share; one without any stands alone."""
    found = list(dict.fromkeys(triples))
    leader: dict[Blank, Blank] = {}

    def lead(node: Blank) -> Blank:
        while leader.setdefault(node, node) != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for triple in found:
        if isinstance(triple.subject, Blank) and isinstance(triple.object, Blank):
            leader[lead(triple.subject)] = lead(triple.object)
    groups: dict[object, list[Triple]] = defaultdict(list)
    for triple in found:
        blanks = _blanks(triple)
        groups[lead(blanks[0]) if blanks else triple].append(triple)
    return list(groups.values())


def canonical(triples: Sequence[Triple]) -> str:
    """The text of statements.

    Raises:
        InputError: an IRI is none, or there are too many blank nodes that nothing tells apart.
    """
    blanks = sorted({node for triple in triples for node in _blanks(triple)})
    left = [_BUDGET]

    def lines(ranks: Mapping[Blank, int]) -> list[str]:
        """The smallest text over all ways to tell blank nodes of one rank apart (all ways that lead to one text)."""
        ranks = _refined(ranks, triples, left)
        sizes = Counter(ranks.values())
        tied = [node for node in blanks if sizes[ranks[node]] > 1]
        if not tied:
            names = {node: f"_:b{rank}" for node, rank in ranks.items()}
            return sorted(_line(triple, names) for triple in triples)
        lowest = min(ranks[node] for node in tied)
        first = [node for node in tied if ranks[node] == lowest]
        return min(lines({**ranks, node: -1}) for node in first)

    return "\n".join(lines(dict.fromkeys(blanks, 0)))


def parse(text: str) -> list[Triple]:
    """The inverse of :func:`canonical`.

    Raises:
        InputError: it is no such text.
    """
    return [_triple(line) for line in text.split("\n")]


def require_canonical(text: str) -> list[Triple]:
    """The statements of a text that :func:`canonical` would write just so, connected with each other.

    Raises:
        InputError: it would not.
    """
    triples = parse(text)
    if canonical(triples) != text or len(components(triples)) != 1:
        raise InputError(f"statement {_short(text)}: is not in the canonical form; import it from an OWL file")
    return triples


def _refined(ranks: Mapping[Blank, int], triples: Sequence[Triple], left: list[int]) -> dict[Blank, int]:
    """Ranks of blank nodes told apart by the statements they are in, as far as these differ."""
    classes = len(set(ranks.values()))
    while True:
        left[0] -= len(triples)
        if left[0] < 0:
            raise InputError("OWL statements: too many unnamed nodes that nothing tells apart; give them names")
        seen: dict[Blank, list[str]] = {node: [] for node in ranks}
        for triple in triples:
            for node in dict.fromkeys(_blanks(triple)):
                seen[node].append(_line(triple, {**{b: f"_:b{ranks[b]}" for b in _blanks(triple)}, node: "_:"}))
        signatures = {node: (ranks[node], sorted(lines)) for node, lines in seen.items()}
        order = sorted({(rank, tuple(lines)) for rank, lines in signatures.values()})
        place = {signature: i for i, signature in enumerate(order)}
        ranks = {node: place[rank, tuple(lines)] for node, (rank, lines) in signatures.items()}
        if len(order) == classes:
            return ranks
        classes = len(order)


def _blanks(triple: Triple) -> list[Blank]:
    return [node for node in (triple.subject, triple.object) if isinstance(node, Blank)]


def _line(triple: Triple, names: Mapping[Blank, str]) -> str:
    return " ".join([*_terms(triple, names), "."])


def _terms(triple: Triple, names: Mapping[Blank, str]) -> Iterator[str]:
    for term in (triple.subject, triple.predicate, triple.object):
        if isinstance(term, Blank):
            yield names[term]
        elif isinstance(term, Iri):
            yield f"<{_iri(term.value)}>"
        else:
            text = f'"{term.value.translate(_TO_ESCAPE)}"'
            if term.language:
                text += f"@{term.language}"
            yield f"{text}^^<{_iri(term.datatype)}>" if term.datatype else text


def _iri(value: str) -> str:
    if _NOT_IN_IRI.search(value) or not _SCHEME.match(value):
        raise InputError(f"IRI {_short(value)}: has no scheme, or a character that no IRI has; mend it")
    return value


def _triple(line: str) -> Triple:
    match = _LINE.fullmatch(line)
    if match is None:
        raise InputError(f"statement {_short(line)}: is not in the canonical form; import it from an OWL file")
    subject, predicate, value = (_term(match, part) for part in "spo")
    if isinstance(subject, Text) or not isinstance(predicate, Iri):
        raise InputError(
            f"statement {_short(line)}: its subject or property is no resource; import it from an OWL file"
        )
    return Triple(subject, predicate, value)


def _term(match: re.Match[str], part: str) -> Iri | Blank | Text:
    if match[f"{part}iri"] is not None:
        return Iri(match[f"{part}iri"])
    if match[f"{part}blank"] is not None:
        return Blank(f"b{match[f'{part}blank']}")
    text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _PLAIN.get(m[2], m[2]), match[f"{part}text"])
    return Text(text, match[f"{part}datatype"] or "", match[f"{part}language"] or "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 80 else line[:77] + "...")
