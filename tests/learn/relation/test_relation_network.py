"""What the relation CNN reads, that it learns, and that nothing but its inputs changes what it says."""

from __future__ import annotations

import io
import multiprocessing
import pickle
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ingest.mining.mention import Mention, MinedSentence, Relevance
from ingest.mining.tokens import tokenise
from ingest.reports.document import Bookmark, BookmarkKind
from kg.errors import InputError, TrainingError, UsageError
from kg.shipped import load_shipped
from learn.relation.annotations import AnnotatedSentence, annotated, read_annotations
from learn.relation.baselines import AllRelevant, NearestBookmark
from learn.relation.corpus import Corpus
from learn.relation.encode import NOWHERE, PAD, PLACES, UNKNOWN, WINDOW, Vocabulary, encode
from learn.relation.evaluation import evaluate
from learn.relation.model import RelationCNN
from learn.relation.network import Batch, RelationNetwork, lose_words
from learn.relation.recipe import RelationRecipe
from learn.relation.training import train_network

QUOTED = Path(__file__).parent / "quoted_sentences.jsonl"


def _sentence(text: str, mentions: dict[str, str], bookmarks: tuple[str, ...] = ("BOOKMARK",)) -> MinedSentence:
    """Each mention's words with its label's name; each is found once in the text, as is each bookmark."""
    by_name = load_shipped().by_name
    found = [(by_name[name].id, text.index(words), text.index(words) + len(words)) for words, name in mentions.items()]
    marks = [(text.index(mark), text.index(mark) + len(mark)) for mark in bookmarks]
    return annotated(text, found, marks, {}).sentence


@pytest.fixture(scope="module")
def quoted() -> list[MinedSentence]:
    rows = read_annotations(QUOTED, load_shipped())
    return [row.sentence for row in rows if isinstance(row, AnnotatedSentence)]


def test_learning_beats_the_baselines_without_words(cnn: RelationCNN, corpus: Corpus) -> None:
    seen = corpus.tests["seen"]
    figures = [evaluate(model, seen, replicates=20) for model in (AllRelevant(), NearestBookmark(), cnn)]
    assert figures[0].f1 < figures[1].f1 < figures[2].f1
    assert figures[2].f1_interval.low > figures[1].f1_interval.high


def test_training_twice_gives_the_same_weights_bit_for_bit(
    corpus: Corpus, tiny: RelationRecipe, label_classes: Mapping[str, str]
) -> None:
    def weights(seed: int) -> list[bytes]:
        _, network = train_network(corpus.train[:60], label_classes, replace(tiny, epochs=1, seed=seed))
        return [value.numpy().tobytes() for value in network.state_dict().values()]

    before = torch.random.get_rng_state()
    assert weights(1) == weights(1)
    assert weights(1) != weights(2)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_labels_of_one_class_are_judged_alike(cnn: RelationCNN) -> None:
    text = "Stable {} in the liver BOOKMARK near the aorta."
    judged = [
        [(j.relevance, j.probability) for j in cnn.judge([_sentence(text.format(w), {w: n, "liver": "liver"})])[0]]
        for w, n in (("nodule", "nodule"), ("lung mass", "lung mass"), ("cyst", "cyst"))
    ]
    assert judged[0] == judged[1] == judged[2]


def test_a_masked_network_cannot_tell_bookmarks_apart_and_a_whole_one_can(
    masked_cnn: RelationCNN, cnn: RelationCNN, corpus: Corpus
) -> None:
    rows = [row.sentence for row in corpus.tests["held-out families"] if len(row.sentence.bookmarks) > 1]

    def differing(model: RelationCNN) -> int:
        found = 0
        for judged in model.judge(rows):
            answers: dict[int, set[Relevance]] = {}
            for judgement in judged:
                answers.setdefault(judgement.mention, set()).add(judgement.relevance)
            found += sum(len(each) > 1 for each in answers.values())
        return found

    assert rows
    assert differing(masked_cnn) == 0
    assert differing(cnn) > len(rows) / 2


def test_padding_changes_nothing(cnn: RelationCNN, quoted: list[MinedSentence]) -> None:
    network = RelationNetwork(len(cnn.vocabulary.words), cnn.recipe, torch.Generator().manual_seed(0)).eval()
    pairs = [pair for sentence in quoted for pair in encode(sentence, cnn.vocabulary).values()]
    with torch.inference_mode():
        alone = torch.cat([network(Batch.of([pair])) for pair in pairs])
        padded = network(Batch.of(pairs, width=90))
    assert torch.allclose(alone, padded, atol=1e-5)
    assert alone.std() > 0


def test_a_judgement_does_not_depend_on_what_is_judged_with_it(cnn: RelationCNN, quoted: list[MinedSentence]) -> None:
    together = cnn.judge(quoted)
    alone = [cnn.judge([sentence])[0] for sentence in quoted]
    assert [[(j.mention, j.bookmark, j.relevance) for j in row] for row in together] == [
        [(j.mention, j.bookmark, j.relevance) for j in row] for row in alone
    ]
    assert cnn.judge([]) == []


def test_judgements_are_one_for_each_pair_in_order(cnn: RelationCNN, corpus: Corpus) -> None:
    rows = [row.sentence for test in corpus.tests.values() for row in test]
    assert {len(row.bookmarks) for row in rows} >= {0, 1, 2, 3}
    for sentence, judged in zip(rows, cnn.judge(rows), strict=True):
        bookmarks = range(len(sentence.bookmarks)) or (None,)
        assert [(j.mention, j.bookmark) for j in judged] == [
            (mention, bookmark) for mention in range(len(sentence.mentions)) for bookmark in bookmarks
        ]
        assert all(j.rule == cnn.id and j.probability is not None and 1 / 3 <= j.probability <= 1 for j in judged)


def test_a_sentence_without_mentions_has_no_judgement(cnn: RelationCNN) -> None:
    assert cnn.judge([_sentence("Unchanged BOOKMARK.", {}), _sentence("", {}, ())]) == [(), ()]


def test_it_travels_to_another_process_and_says_the_same(cnn: RelationCNN, quoted: list[MinedSentence]) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(cnn.judge, quoted).result() == cnn.judge(quoted)


def test_it_travels_as_plain_arrays(cnn: RelationCNN) -> None:
    sent = io.BytesIO()
    pickle.Pickler(sent).dump(cnn)
    assert b"torch" not in sent.getvalue()
    assert pickle.loads(sent.getvalue()).id == cnn.id


def test_judging_leaves_the_number_of_threads_as_it_was(cnn: RelationCNN, quoted: list[MinedSentence]) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        cnn.judge(quoted)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


VOCABULARY = Vocabulary.of(
    [_sentence("Stable nodule in the liver BOOKMARK near 12 mm of the aorta and so on.", {"nodule": "nodule"})],
    {label.id: label.label_class.value for label in load_shipped().labels},
    rare=1,
)


def _read(sentence: MinedSentence, mention: int, bookmark: int | None, masked: bool = False) -> list[str]:
    return [VOCABULARY.words[word] for word in encode(sentence, VOCABULARY, masked)[mention, bookmark].words]


def test_labels_become_their_class_numbers_are_alike_and_the_pair_is_marked() -> None:
    text = "Stable nodule in the liver BOOKMARK near 3.5 mm of the aorta (4:7)."
    names = {"nodule": "nodule", "liver": "liver", "aorta": "aorta"}
    sentence = _sentence(text, names, ("BOOKMARK", "(4:7)"))
    assert " ".join(_read(sentence, 1, 1)) == (
        "stable <a type> in the <this bodypart> <a bookmark> near <number> mm of the <a bodypart> <this bookmark> ."
    )
    assert " ".join(_read(sentence, 0, 0)).startswith("stable <this type> in the <a bodypart> <this bookmark> near")


def test_distances_count_words_from_the_mention_and_the_bookmark() -> None:
    pair = encode(_sentence("Stable nodule in the liver BOOKMARK", {"nodule": "nodule"}), VOCABULARY)[0, 0]
    middle = pair.to_mention[pair.mention]
    assert (pair.to_mention - middle).tolist() == [-1, 0, 1, 2, 3, 4]
    assert pair.to_bookmark[pair.bookmark] == middle
    assert (pair.to_bookmark - middle).tolist() == [-5, -4, -3, -2, -1, 0]


def test_without_a_bookmark_every_distance_to_it_is_nowhere() -> None:
    sentence = _sentence("Stable nodule in the liver", {"nodule": "nodule"}, ())
    pair = encode(sentence, VOCABULARY)[0, None]
    assert set(pair.to_bookmark.tolist()) == {NOWHERE}
    assert pair.bookmark == -1


def test_masked_pairs_of_one_mention_are_equal() -> None:
    sentence = _sentence("nodule BOOKMARK and the liver (4:7)", {"nodule": "nodule"}, ("BOOKMARK", "(4:7)"))
    first, second = encode(sentence, VOCABULARY, masked=True).values()
    assert first.words.tolist() == second.words.tolist()
    assert first.to_bookmark.tolist() == second.to_bookmark.tolist()
    assert _read(sentence, 0, 0) != _read(sentence, 0, 1)


def test_nested_mentions_are_one_unit_and_mentions_with_gaps_several() -> None:
    by_name = load_shipped().by_name
    text = "right upper and lower lobe nodule BOOKMARK"
    sentence = MinedSentence(
        text=text,
        start=0,
        tokens=tokenise(text, 0, len(text), (Bookmark(34, 42, BookmarkKind.HYPERLINK),)),
        mentions=(
            Mention(0, 26, by_name["right upper lobe"].id, "", "", parts=((0, 11), (22, 26))),
            Mention(16, 33, by_name["lung nodule"].id, "", ""),
            Mention(27, 33, by_name["nodule"].id, "", "", nested=True),
        ),
        bookmarks=(Bookmark(34, 42, BookmarkKind.HYPERLINK),),
    )
    assert _read(sentence, 0, 0) == ["<this bodypart>", "and", "<this bodypart>", "<this bookmark>"]
    assert _read(sentence, 2, 0) == ["<a bodypart>", "and", "<this type>", "<this bookmark>"]


def test_a_label_of_another_ontology_is_a_label_of_unknown_class() -> None:
    sentence = annotated("odd BOOKMARK", [("OTHER:1", 0, 3)], [(4, 12)], {}).sentence
    assert _read(sentence, 0, 0) == ["<this label>", "<this bookmark>"]


def test_words_far_from_both_are_not_looked_at() -> None:
    text = "nodule " + "word " * 1000 + "BOOKMARK" + " word" * 1000
    pair = encode(_sentence(text, {"nodule": "nodule"}), VOCABULARY)[0, 0]
    assert len(pair.words) == (WINDOW + 1) + (2 * WINDOW + 1)
    assert VOCABULARY.words[pair.words[pair.bookmark]] == "<this bookmark>"


@given(st.integers(-500, 500), st.integers(-500, 500))
def test_farther_is_never_nearer(a: int, b: int) -> None:
    from learn.relation.encode import _distance

    first, second = _distance(np.array([min(a, b), max(a, b)]))
    assert 0 <= first <= second < NOWHERE < PLACES


def test_noise_reads_words_as_unknown_and_labels_as_of_another_class_and_leaves_bookmarks() -> None:
    sentence = _sentence("Stable nodule in the liver BOOKMARK", {"nodule": "nodule", "liver": "liver"})
    words = Batch.of([encode(sentence, VOCABULARY)[0, 0]] * 50, width=9).words
    read = lose_words(words, 1.0, torch.Generator().manual_seed(0))
    names = [{VOCABULARY.words[word] for word in column} for column in read.T.tolist()]
    assert names[0] == {VOCABULARY.words[UNKNOWN]}
    assert names[1] == {"<this bodypart>", "<this type>", "<this attribute>", "<this label>"}
    assert names[4] == {"<a bodypart>", "<a type>", "<a attribute>", "<a label>"}
    assert names[5] == {"<this bookmark>"}
    assert names[6:] == [{VOCABULARY.words[PAD]}] * 3
    assert torch.equal(lose_words(words, 0.0, torch.Generator()), words)


def test_sentences_that_judge_nothing_or_all_alike_cannot_be_trained_on(
    corpus: Corpus, tiny: RelationRecipe, label_classes: Mapping[str, str]
) -> None:
    alike = [replace(row, gold=dict.fromkeys(row.gold, Relevance.RELEVANT)) for row in corpus.train[:20]]
    for rows in ([], alike):
        with pytest.raises(TrainingError, match="judge no pair, or all alike"):
            train_network(rows, label_classes, tiny)


@pytest.mark.parametrize(
    "change",
    [{"epochs": 0}, {"widths": ()}, {"widths": (2,)}, {"dropout": 1.0}, {"learning_rate": 0.0}, {"seed": -1}],
)
def test_a_recipe_that_cannot_be_trained_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="relation recipe"):
        RelationRecipe(**change)  # type: ignore[arg-type]


def test_a_recipe_survives_a_round_trip_and_unknown_settings_are_refused(tiny: RelationRecipe) -> None:
    assert RelationRecipe.from_dict(tiny.as_dict()) == tiny
    with pytest.raises(InputError, match="unknown setting 'layers'"):
        RelationRecipe.from_dict({"layers": 3})
