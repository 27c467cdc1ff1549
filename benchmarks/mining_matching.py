"""Figures of label matching: quality on real lesion descriptions step by step, and speed on real reports.

Usage: ``python benchmarks/mining.py matching``. Speeds are ratios measured in one run, best of several repeats.
"""

from __future__ import annotations

import csv
import json
import os
import re
import time
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import ahocorasick

from ingest.mining.describe import Describer
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.mention import Judgement, MinedSentence, Relevance
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.tokens import tokenise, words
from kg.shipped import load_shipped

DATA = Path(os.environ.get("LESIONKG_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
LABEL_SET = "lesanet-171"
REPEAT = 3
ASSERTED = ("name", "synonym", "radlex-name")
FORMS = ("adjective", "word-order", "prefix", "spelling")


class Steps:
    """A relevance model for measuring: rules on top of which only the mentions of some steps count."""

    id = "steps"

    def __init__(self, counts: Callable[[MinedSentence, int], bool], rules: RuleRelevance | None = None) -> None:
        self._counts = counts
        self._rules = rules

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        """Judge by the rules, or as relevant; what does not count is irrelevant."""
        judged = (
            self._rules.judge(sentences)
            if self._rules
            else [tuple(Judgement(i, None, Relevance.RELEVANT) for i in range(len(s.mentions))) for s in sentences]
        )
        return [
            tuple(
                j if self._counts(sentence, j.mention) else Judgement(j.mention, None, Relevance.IRRELEVANT)
                for j in row
            )
            for sentence, row in zip(sentences, judged, strict=True)
        ]


def quality() -> None:
    """Precision, recall, F1 and exact sets on the development descriptions, step by step."""
    file = DATA / "lesanet" / "hand_labeled_dev_250.json"
    if not file.exists():
        print(f"{file}: absent, so no figures on descriptions; set LESIONKG_TEST_DATA")
        return
    rows = json.loads(file.read_text(encoding="utf-8"))
    ontology = load_shipped("lesanet-repaired")
    matcher = Matcher(Lexicon.of_ontology(ontology))
    members = {ontology.by_id[i].name for i in ontology.label_set(LABEL_SET).members}
    right = [set(row["expanded_terms"]) & members for row in rows]

    def scores(model: Steps, expand: bool = True) -> str:
        describer = Describer(ontology, matcher, model, LABEL_SET, expand)
        found = [set(described.labels) for described in describer.describe([row["text"] for row in rows])]
        both = sum(len(a & b) for a, b in zip(found, right, strict=True))
        precision, recall = both / sum(map(len, found)), both / sum(map(len, right))
        exact = sum(a == b for a, b in zip(found, right, strict=True)) / len(rows)
        return f"{precision:.3f} {recall:.3f} {2 * precision * recall / (precision + recall):.4f} {exact:.3f}"

    def only(*rules: str, nested: bool = True, gaps: bool = True) -> Steps:
        def counts(sentence: MinedSentence, index: int) -> bool:
            mention = sentence.mentions[index]
            return mention.rule in rules and (nested or not mention.nested) and (gaps or not mention.parts)

        return Steps(counts)

    ours = {term.rule for term in matcher.lexicon.terms} - {*ASSERTED, *FORMS}
    every = (*ASSERTED, *FORMS, *ours, "composition", "side")
    print(f"{len(rows)} real descriptions, {LABEL_SET}, micro-averaged     P     R     F1     exact")
    for step, text in (
        ("names and synonyms, longest match, no parents", scores(only(*ASSERTED, nested=False, gaps=False), False)),
        ("+ expansion by the ontology", scores(only(*ASSERTED, nested=False, gaps=False))),
        ("+ labels inside longer ones", scores(only(*ASSERTED, gaps=False))),
        ("+ composition", scores(only(*ASSERTED, "composition", gaps=True))),
        ("+ sides across a gap", scores(only(*ASSERTED, "composition", "side"))),
        ("+ derived forms (adjectives, order, prefixes)", scores(only(*ASSERTED, *FORMS, "composition", "side"))),
        ("+ shipped phrases and senses", scores(only(*every))),
        ("all, with relevance rules", scores(Steps(lambda *_: True, RuleRelevance()))),
    ):
        print(f"{step:48} {text}")
    print("without one part of it, with relevance rules:")
    for part in (*FORMS, "composition", "side"):
        left = Steps(lambda sentence, i, part=part: sentence.mentions[i].rule != part, RuleRelevance())  # type: ignore[misc]
        print(f"  {part:46} {scores(left)}")
    for scope in ("broad", "related"):
        left = Steps(lambda sentence, i, scope=scope: sentence.mentions[i].scope != scope, RuleRelevance())  # type: ignore[misc]
        print(f"  {scope + ' terms':46} {scores(left)}")


def speed() -> None:
    """Sentences a second on the reports, and how many times faster than the usual ways."""
    reports = DATA / "reports" / "indiana_reports.csv"
    radlex = DATA / "radlex" / "radlex_merged.csv"
    if not (reports.exists() and radlex.exists()):
        print(f"{DATA}: reports or RadLex absent, so no speeds; set LESIONKG_TEST_DATA")
        return
    sentences = list(_sentences(reports))
    print(f"{len(sentences):,} sentences of the Indiana reports, best of {REPEAT}")
    lexicons = {"ontology": Lexicon.of_ontology(load_shipped()), "RadLex": Lexicon.of_radlex(radlex)}
    for name, lexicon in lexicons.items():
        start = time.perf_counter()
        matcher = Matcher(lexicon)
        built = time.perf_counter() - start
        tracemalloc.start()
        matcher = Matcher(lexicon)
        megabytes = tracemalloc.get_traced_memory()[0] / 2**20
        tracemalloc.stop()
        phrases = sorted({term.text.lower() for term in lexicon.terms})
        print(f"{name}: {len(phrases):,} phrases, matcher built in {built:.2f} s, {megabytes:.0f} MB")
        few = sentences[:: max(1, len(sentences) // 2000)] if name == "RadLex" else sentences
        ways: list[tuple[str, Callable[[str], list[Any]], Sequence[str]]] = [
            ("trie matcher", lambda text, m=matcher: m.longest(words(text)), sentences),
            ("regex union, no plurals", _regex(phrases), few),
            ("Aho-Corasick, no plurals", _automaton(phrases), sentences),
            ("Aho-Corasick on base words", _on_base_words(lexicon), sentences),
        ]
        ours = 0.0
        for way, function, given in ways:
            rate = _rate(function, given)
            ours = ours or rate
            found = sum(len(function(text)) for text in few) / len(few)
            print(f"  {way:38} {rate:10,.0f} sentences/s, {found:.2f} phrases each; the trie: {ours / rate:5.1f} x")
        texts = [words(sentence) for sentence in sentences]
        alone = _rate(matcher.longest, texts)
        print(f"  {'trie matcher, words given':38} {alone:10,.0f} sentences/s")
        whole = _rate(lambda text, m=matcher: m.mentions(tokenise(text, 0, len(text))), sentences)
        print(f"  {'mentions with offsets and composition':38} {whole:10,.0f} sentences/s")


def _sentences(reports: Path) -> Iterable[str]:
    with reports.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            for part in ("findings", "impression"):
                yield from (text for text in re.split(r"(?<=[.!?])\s+", row[part] or "") if text)


def _rate(function: Callable[[Any], object], texts: Sequence[Any]) -> float:
    best = 0.0
    for _ in range(REPEAT):
        start = time.perf_counter()
        for text in texts:
            function(text)
        best = max(best, len(texts) / (time.perf_counter() - start))
    return best


def _regex(phrases: Sequence[str]) -> Callable[[str], list[tuple[int, int]]]:
    union = "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))
    pattern = re.compile(rf"(?<![a-z0-9])(?:{union})(?![a-z0-9])")
    return lambda text: [found.span() for found in pattern.finditer(text.lower())]


def _automaton(phrases: Sequence[str]) -> Callable[[str], list[tuple[int, int]]]:
    automaton = ahocorasick.Automaton()
    for phrase in phrases:
        automaton.add_word(phrase, len(phrase))
    automaton.make_automaton()

    def longest(text: str) -> list[tuple[int, int]]:
        low = text.lower()
        spans = []
        for last, size in automaton.iter(low):
            start, end = last - size + 1, last + 1
            before, after = low[start - 1 : start], low[end : end + 1]
            if not (before.isalnum() or after.isalnum()):
                spans.append((start, -end))
        chosen: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if not chosen or start >= chosen[-1][1]:
                chosen.append((start, -end))
        return chosen

    return longest


def _on_base_words(lexicon: Lexicon) -> Callable[[str], list[tuple[int, int]]]:
    """The automaton doing what the trie does: plurals, hyphens and spellings folded first."""
    lemmas, phrases = lexicon.phrases()
    find = _automaton([" ".join(parts) for parts in phrases])
    return lambda text: find(" ".join(map(lemmas.__getitem__, words(text))))


def main() -> None:
    """Measure and print."""
    quality()
    speed()


if __name__ == "__main__":
    main()
