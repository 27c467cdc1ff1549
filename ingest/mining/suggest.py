"""Candidate labels: what reports often say and the ontology lacks, for a curator to look through.

With a RadLex table, terms of RadLex that no label covers; with or without it, words and phrases that no label covers.

What is rare may name a patient. A candidate is therefore shown only when at least five patients have it, and words are
held to more, because names of radiologists and common surnames are frequent too: a word must stand in lower case in
reports of as many patients, be written so at least as often as with a capital inside a sentence, hold no digit, and
nowhere follow a title ("Dr.") or stand where reports are signed. A phrase is made of such words and of words of the
lexicons. Terms of RadLex are shown as RadLex spells them. Reports without a patient count as one patient's. Reports
written in capitals throughout, or without any, cannot be told from names: the first give no words, of the
second only the titles protect.

Memory does not grow with the number of reports beyond one number for each patient: of each candidate at most
:data:`MOST_PATIENTS` patients are remembered, and when there are too many words or phrases, those of the fewest
patients are forgotten, so that later counts of theirs are too low, never too high.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TypeVar

from ingest.mining.candidate import MOST_PATIENTS, Candidate, CandidateKind, Place, Suggestions
from ingest.mining.frequent_words import LEAST_PATIENTS
from ingest.mining.known_words import FUNCTION_WORDS, REPORT_WORDS, names_of_people
from ingest.mining.matcher import Matcher
from ingest.mining.mention import Mention, MinedSentence, Token
from ingest.mining.sentences import mined_sentences
from ingest.mining.tokens import words
from ingest.reports.parse import parse
from ingest.reports.report import Report, ReportProblem
from kg.errors import UsageError
from kg.ontology import MatchKind, Ontology
from kg.radlex import Reference

_MOST_KEPT = 400_000
_SHORTEST_WORD = 3
_ALIKE = 0.85
_SAME_START = 4
_NEARLY_ALWAYS = 0.9
_COMMON = FUNCTION_WORDS | REPORT_WORDS
_SAME = (MatchKind.EXACT, MatchKind.CLOSE)
_CLAUSE_ENDS = frozenset(".:;!?")

K = TypeVar("K")


@dataclass(slots=True)
class _Seen:
    mentions: int = 0
    reports: int = 0
    last: int = -1
    patients: set[int] = field(default_factory=set)
    plain: set[int] = field(default_factory=set)
    """Patients with a report that has it in lower case."""
    lower: int = 0
    capital: int = 0
    """Times with a capital inside a sentence, against which ``lower`` is held."""
    inside: str = ""
    """A label that a part of it mentions."""
    places: list[Place] = field(default_factory=list)


class Suggester:
    """Reads reports one by one and counts what no label covers.

    Args:
        ontology: the labels.
        matcher: finds them.
        radlex: a RadLex table, and a matcher of its terms; None to do without.
        least: patients that a shown candidate must have, at least five.
        places: sentences to remember for each candidate.

    Raises:
        UsageError: fewer than five patients.
    """

    def __init__(
        self,
        ontology: Ontology,
        matcher: Matcher,
        radlex: tuple[Reference, Matcher] | None = None,
        least: int = LEAST_PATIENTS,
        places: int = 0,
    ) -> None:
        if least < LEAST_PATIENTS:
            raise UsageError(
                f"least number of patients {least}: a word so rare may be a name; allow {LEAST_PATIENTS} or more"
            )
        self._ontology = ontology
        self._matcher = matcher
        self._radlex: Reference | None = radlex[0] if radlex else None
        self._terms: Matcher | None = radlex[1] if radlex else None
        mappings = [(mapping, label.name) for label in ontology.labels for mapping in label.mappings]
        self._near = {mapping.object_id: name for mapping, name in mappings}
        self._same = {mapping.object_id for mapping, _ in mappings if mapping.predicate in _SAME}
        self._least = least
        self._places = places
        self._known = {word for term in matcher.lexicon.terms for word in words(term.text)}
        self._patients: dict[str, int] = {}
        self._names: set[str] = set()
        self._words: dict[str, _Seen] = {}
        self._phrases: dict[tuple[str, ...], _Seen] = {}
        self._found: dict[str, _Seen] = {}
        self._reports = 0
        self._left_out = 0
        self._pruned = False

    def read(
        self,
        reports: Iterable[Report | ReportProblem],
        tell: Callable[[ReportProblem], None] = lambda problem: None,
        advance: Callable[[], None] = lambda: None,
    ) -> Suggestions:
        """Read all reports and list the candidates.

        Args:
            reports: read one by one.
            tell: told of each problem as it occurs.
            advance: told after each report.
        """
        for report in reports:
            advance()
            if isinstance(report, ReportProblem):
                self._left_out += report.left_out
                tell(report)
            else:
                self.add(report)
        return self.suggestions()

    def add(self, report: Report) -> None:
        """Count one report."""
        patient = self._patients.setdefault(report.patient, len(self._patients))
        digest = text_digest(report.text) if self._places else b""
        for sentence in mined_sentences(parse(report.text), self._matcher):
            place = Place(report.id, digest, sentence.start, sentence.start + len(sentence.text))
            self._add_sentence(sentence, patient, place)
        self._reports += 1
        self._words, self._phrases = self._without_rare(self._words), self._without_rare(self._phrases)

    def suggestions(self) -> Suggestions:
        """The candidates so far."""
        phrases = list(self._phrase_candidates())
        found = [*self._radlex_candidates(), *_on_their_own([*self._word_candidates(), *phrases], phrases)]
        order = sorted(found, key=lambda one: (-one.reports, -one.mentions, one.text, one.rid))
        return Suggestions(tuple(order), self._reports, len(self._patients), self._left_out, self._pruned)

    def _add_sentence(self, sentence: MinedSentence, patient: int, place: Place) -> None:
        tokens = sentence.tokens
        lower = [token.text for token in tokens]
        written = [sentence.text[token.start - sentence.start : token.end - sentence.start] for token in tokens]
        self._names.update(names_of_people(lower, written))
        labels: list[str] = [""] * len(tokens)
        for mention in sentence.mentions:
            for at in _tokens_of(mention, tokens):
                labels[at] = mention.label
        covered = [bool(label) for label in labels]
        for mention in self._radlex_mentions(sentence):
            inside = _tokens_of(mention, tokens)
            self._count(self._found.setdefault(mention.label, _Seen()), patient, place, [labels[at] for at in inside])
            for at in inside:
                covered[at] = True
        for at, word in enumerate(lower):
            if word.isalpha() and len(word) >= _SHORTEST_WORD and word not in FUNCTION_WORDS:
                seen = self._words.setdefault(word, _Seen())
                if written[at].islower():
                    seen.lower += 1
                    self._plain(seen, patient)
                elif not _begins_clause(lower, at):
                    seen.capital += 1
                if not covered[at]:
                    self._count(seen, patient, place)
        for start, end in _phrases(lower):
            if not all(covered[start:end]):
                seen = self._phrases.setdefault(tuple(lower[start:end]), _Seen())
                small = [word.islower() for word in written[start:end]]
                if all(small[1:]) and (small[0] or _begins_clause(lower, start)):
                    self._plain(seen, patient)
                self._count(seen, patient, place, labels[start:end])

    def _radlex_mentions(self, sentence: MinedSentence) -> Iterator[Mention]:
        """Terms that no label is mapped to and no mention of a label covers."""
        spans = [(mention.start, mention.end) for mention in sentence.mentions]
        for mention in self._terms.mentions(sentence.tokens) if self._terms else ():
            if mention.nested or mention.label in self._same:
                continue
            if not any(start <= mention.start and mention.end <= end for start, end in spans):
                yield mention

    def _count(self, seen: _Seen, patient: int, place: Place, labels: Sequence[str] = ()) -> None:
        seen.mentions += 1
        seen.inside = seen.inside or next(filter(None, labels), "")
        if len(seen.patients) < MOST_PATIENTS:
            seen.patients.add(patient)
        if seen.last != self._reports:
            seen.last = self._reports
            seen.reports += 1
            if len(seen.places) < self._places:
                seen.places.append(place)

    def _plain(self, seen: _Seen, patient: int) -> None:
        if len(seen.plain) < self._least:
            seen.plain.add(patient)

    def _without_rare(self, seen: dict[K, _Seen]) -> dict[K, _Seen]:
        if len(seen) <= _MOST_KEPT:
            return seen
        self._pruned = True
        order = sorted(seen.items(), key=lambda item: (-len(item[1].patients), -item[1].mentions))
        return dict(order[: _MOST_KEPT // 2])

    def _may_be_shown(self, word: str) -> bool:
        """No name of a person, as far as can be told."""
        seen = self._words.get(word)
        if word in FUNCTION_WORDS or word in self._known:
            return True
        if seen is None or word in self._names:
            return False
        return len(seen.plain) >= self._least and seen.lower >= seen.capital

    def _radlex_candidates(self) -> Iterator[Candidate]:
        for rid, seen in self._found.items():
            if self._radlex is not None and len(seen.patients) >= self._least:
                name = self._radlex.terms[rid].name
                if not _COMMON.issuperset(words(name)):
                    terms = self._radlex.terms
                    above = sorted(parent for how, parent in terms[rid].above if how == "is_a")
                    parents = tuple(terms[parent].name for parent in above if parent in terms)
                    nearest = self._label_above(rid) or self._label_name(seen.inside)
                    yield self._candidate(CandidateKind.RADLEX, name, seen, nearest, rid, parents)

    def _word_candidates(self) -> Iterator[Candidate]:
        for word, seen in self._words.items():
            if len(seen.patients) >= self._least and word not in _COMMON and self._may_be_shown(word):
                yield self._candidate(CandidateKind.WORD, word, seen, self._spelt_alike(word))

    def _phrase_candidates(self) -> Iterator[Candidate]:
        for phrase, seen in self._phrases.items():
            enough = len(seen.patients) >= self._least and len(seen.plain) >= self._least
            if enough and all(map(self._may_be_shown, phrase)):
                yield self._candidate(CandidateKind.PHRASE, " ".join(phrase), seen, self._label_name(seen.inside))

    def _candidate(
        self, kind: CandidateKind, text: str, seen: _Seen, nearest: str, rid: str = "", parents: tuple[str, ...] = ()
    ) -> Candidate:
        return Candidate(
            kind, text, rid, parents, nearest, seen.mentions, seen.reports, len(seen.patients), tuple(seen.places)
        )

    def _label_name(self, label: str) -> str:
        return self._ontology.by_id[label].name if label else ""

    def _label_above(self, rid: str) -> str:
        """The label of the nearest mapped term above, "" when there is none; is-a counts before part-of."""
        assert self._radlex is not None
        terms = self._radlex.terms
        layer, visited = [rid], {rid}
        while layer:
            steps = sorted(
                (how != "is_a", how, above) for term in layer if term in terms for how, above in terms[term].above
            )
            above = list(dict.fromkeys(term for _, _, term in steps))
            if mapped := next((self._near[term] for term in above if term in self._near), ""):
                return mapped
            layer = [term for term in above if term not in visited]
            visited.update(layer)
        return ""

    def _spelt_alike(self, word: str) -> str:
        alike = self._names_by_start[word[:_SAME_START]]
        found = get_close_matches(word, alike, n=1, cutoff=_ALIKE)
        return alike[found[0]] if found else ""

    @cached_property
    def _names_by_start(self) -> defaultdict[str, dict[str, str]]:
        """Names and synonyms of labels, with the label's name, by their first letters."""
        found: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for label in self._ontology.labels:
            for text in (label.name, *(synonym.text for synonym in label.synonyms)):
                found[text.lower()[:_SAME_START]].setdefault(text.lower(), label.name)
        return found


def _on_their_own(found: Sequence[Candidate], phrases: Sequence[Candidate]) -> list[Candidate]:
    """Without words and phrases that hardly ever stand outside of one and the same longer phrase."""
    longer: defaultdict[str, int] = defaultdict(int)
    for phrase in phrases:
        parts = phrase.text.split()
        for size in range(1, len(parts)):
            for start in range(len(parts) - size + 1):
                part = " ".join(parts[start : start + size])
                longer[part] = max(longer[part], phrase.mentions)
    return [one for one in found if longer[one.text] < _NEARLY_ALWAYS * one.mentions]


def text_digest(text: str) -> bytes:
    """Sixteen bytes that say whether two texts are the same."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _phrases(lower: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Two words that stand together, or three, or two with "of" between them, as (first token, one past the last)."""
    can = [_can_bound(word) for word in lower]
    for start in range(len(lower) - 1):
        if can[start] and can[start + 1]:
            yield start, start + 2
        if can[start] and can[start + 2 : start + 3] == [True] and (can[start + 1] or lower[start + 1] == "of"):
            yield start, start + 3


def _can_bound(word: str) -> bool:
    return word.isalpha() and len(word) >= _SHORTEST_WORD and word not in _COMMON


def _begins_clause(lower: Sequence[str], at: int) -> bool:
    return at == 0 or lower[at - 1] in _CLAUSE_ENDS


def _tokens_of(mention: Mention, tokens: Sequence[Token]) -> list[int]:
    """Which tokens a mention covers."""
    found: list[int] = []
    for start, end in mention.parts or ((mention.start, mention.end),):
        first = bisect_left(tokens, start, key=lambda token: token.start)
        found += range(first, bisect_left(tokens, end, key=lambda token: token.start))
    return found
