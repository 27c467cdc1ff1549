"""Lemmas: folded only to words of the lexicon."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mining.lemmas import Lemmas, inflection_bases, wordnet_bases
from kg.errors import UsageError


@pytest.mark.parametrize(
    ("form", "base"),
    [
        ("nodes", "node"),
        ("masses", "mass"),
        ("metastases", "metastasis"),
        ("opacities", "opacity"),
        ("densities", "density"),
        ("bronchi", "bronchus"),
        ("calculi", "calculus"),
        ("thrombi", "thrombus"),
        ("hila", "hilum"),
        ("diverticula", "diverticulum"),
        ("vertebrae", "vertebra"),
        ("axillae", "axilla"),
        ("apices", "apex"),
        ("cortices", "cortex"),
        ("pelves", "pelvis"),
        ("phalanges", "phalanx"),
        ("granulomata", "granuloma"),
        ("femora", "femur"),
        ("feet", "foot"),
        ("biopsies", "biopsy"),
        ("arteries", "artery"),
        ("kidneys", "kidney"),
        ("diaphragms", "diaphragm"),
        ("abscesses", "abscess"),
        ("atria", "atrium"),
        ("ganglia", "ganglion"),
        ("bases", "base"),
        ("crohn's", "crohn"),
        ("heterogeneously", "heterogeneous"),
        ("diffusely", "diffuse"),
        ("cystically", "cystic"),
        ("peripherally", "peripheral"),
        ("patchily", "patchy"),
    ],
)
def test_plurals_possessives_and_adverbs_fold_to_a_known_base(form: str, base: str) -> None:
    assert Lemmas(frozenset({base}))[form] == base
    assert Lemmas(frozenset())[form] == form


@pytest.mark.parametrize(("word", "piece"), [("as", "a"), ("mass", "mas"), ("is", "i"), ("gas", "ga"), ("ly", "l")])
def test_short_words_and_double_s_stay(word: str, piece: str) -> None:
    assert Lemmas(frozenset({piece}))[word] == word


@given(st.text(st.characters(min_codepoint=97, max_codepoint=122)), st.frozensets(st.text("abcdes", min_size=1)))
def test_a_word_is_itself_or_a_word_of_the_lexicon(word: str, vocabulary: frozenset[str]) -> None:
    assert Lemmas(vocabulary)[word] in vocabulary | {word}


@given(st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1))
def test_no_word_is_its_own_base(word: str) -> None:
    assert word not in set(inflection_bases(word))


def test_lemmas_travel_without_what_they_remember() -> None:
    lemmas = Lemmas(frozenset({"node"}))
    assert lemmas["nodes"] == "node"
    sent = pickle.loads(pickle.dumps(lemmas))
    assert not sent
    assert sent["nodes"] == "node"


def test_without_its_corpus_wordnet_says_what_to_do() -> None:
    nltk = pytest.importorskip("nltk")
    try:
        nltk.data.find("corpora/wordnet.zip")
    except LookupError:
        with pytest.raises(UsageError, match="WordNet: NLTK has no copy of it here"):
            Lemmas(frozenset({"goose"}), wordnet_bases)["geese"]
    else:
        assert Lemmas(frozenset({"goose"}), wordnet_bases)["geese"] == "goose"
