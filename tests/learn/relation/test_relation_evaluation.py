"""Figures of relevance models, the ensemble, and runs on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from ingest.mining.attachment import OTHER_BOOKMARK
from ingest.mining.mention import Judgement, MinedSentence, Relevance
from ingest.mining.paper_rules import PaperRules
from ingest.mining.rule_relevance import RuleRelevance
from kg.errors import InputError, TrainingError
from kg.shipped import load_shipped
from learn.relation.annotations import AnnotatedSentence, read_annotations
from learn.relation.baselines import AllRelevant, NearestBookmark
from learn.relation.compare import CNN, CNN_AND_RULES
from learn.relation.corpus import Corpus, file_corpus
from learn.relation.ensemble import Ensemble
from learn.relation.evaluation import RELEVANCES, confusion, evaluate
from learn.relation.make_run import train_relation
from learn.relation.model import RelationCNN
from learn.relation.recipe import RelationRecipe
from learn.relation.run import RelationRun, load_relation_cnn

QUOTED = Path(__file__).parent / "quoted_sentences.jsonl"
R, U, I = Relevance  # noqa: E741


class _Says:
    """A model that says one thing about every pair."""

    def __init__(self, relevance: Relevance, rule: str = "") -> None:
        self.id = f"says {relevance}"
        self._answer = relevance, rule

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        return [
            tuple(replace(j, relevance=self._answer[0], rule=self._answer[1]) for j in row)
            for row in AllRelevant().judge(sentences)
        ]


@pytest.fixture(scope="module")
def quoted() -> list[AnnotatedSentence]:
    return [row for row in read_annotations(QUOTED, load_shipped()) if isinstance(row, AnnotatedSentence)]


def test_figures_agree_with_a_second_opinion(corpus: Corpus) -> None:
    rows = corpus.tests["held-out families"]
    figures = evaluate(RuleRelevance(), rows, replicates=50)
    truth, judged = [], []
    for row, answers in zip(rows, RuleRelevance().judge([r.sentence for r in rows]), strict=True):
        for answer in answers:
            truth.append(row.gold[answer.mention, answer.bookmark])
            judged.append(answer.relevance)
    for mine, theirs in (
        (figures.precision, precision_score),
        (figures.recall, recall_score),
        (figures.f1, f1_score),
    ):
        assert mine == pytest.approx(theirs(truth, judged, labels=RELEVANCES, average="macro", zero_division=0))
    assert figures.right == sum(a == b for a, b in zip(truth, judged, strict=True))
    assert figures.pairs == len(truth)
    assert figures.f1_interval.low <= figures.f1 <= figures.f1_interval.high


def test_only_judged_pairs_count(quoted: list[AnnotatedSentence]) -> None:
    first = next(iter(quoted[0].gold.items()))
    part = [replace(quoted[0], gold=dict([first]))]
    assert confusion(AllRelevant(), part).sum() == 1


def test_a_class_that_never_occurs_counts_neither_for_nor_against(quoted: list[AnnotatedSentence]) -> None:
    row = replace(quoted[0], gold=dict.fromkeys(quoted[0].gold, R))
    figures = evaluate(AllRelevant(), [row], replicates=10)
    assert figures.f1 == 1
    assert np.isnan(figures.by_class[U].f1)
    assert json.dumps(figures.as_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("network", "rules", "rule", "expected"),
    [
        pytest.param(R, I, "negation", I, id="a negation overrules relevant"),
        pytest.param(R, U, "hedge", U, id="a hedge overrules relevant"),
        pytest.param(U, I, "landmark", I, id="a landmark overrules uncertain"),
        pytest.param(I, U, "hedge", I, id="irrelevant stays"),
        pytest.param(I, R, "", I, id="no rule, the network decides"),
        pytest.param(U, R, "", U, id="no rule, uncertain stays"),
        pytest.param(R, I, OTHER_BOOKMARK, R, id="which bookmark is the network's question"),
    ],
)
def test_rules_overrule_the_network_where_they_fire(
    quoted: list[AnnotatedSentence], network: Relevance, rules: Relevance, rule: str, expected: Relevance
) -> None:
    model = Ensemble(_Says(network, "net"), _Says(rules, rule))
    judged = [j for row in model.judge([r.sentence for r in quoted]) for j in row]
    assert {j.relevance for j in judged} == {expected}
    assert len(judged) >= sum(len(row.gold) for row in quoted)
    assert model.id == f"says {network}+says {rules}"


def test_the_nearest_bookmark_takes_the_label(quoted: list[AnnotatedSentence]) -> None:
    (judged,) = NearestBookmark().judge([quoted[0].sentence])
    assert [j.relevance for j in judged] == [R, I, R, I, R, I, I, R]


def test_rules_are_better_than_the_papers_rules_on_every_synthetic_set(corpus: Corpus) -> None:
    for rows in corpus.tests.values():
        assert evaluate(RuleRelevance(), rows, 10).f1 > evaluate(PaperRules(), rows, 10).f1


@pytest.fixture(scope="module")
def written(
    corpus: Corpus, tiny: RelationRecipe, label_classes: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[RelationRun, Path]:
    small = replace(corpus, tests={"seen": corpus.tests["seen"]})
    return train_relation(small, label_classes, replace(tiny, epochs=1), tmp_path_factory.mktemp("relation"))


def test_a_run_read_again_judges_the_same(written: tuple[RelationRun, Path], quoted: list[AnnotatedSentence]) -> None:
    run, folder = written
    sentences = [row.sentence for row in quoted]
    model = load_relation_cnn(folder)
    assert isinstance(model, RelationCNN)
    assert model.judge(sentences) == run.model().judge(sentences)
    assert model.id == run.model().id
    assert model.id.startswith(f"{run.run_id}-")
    assert folder.name == run.run_id


def test_a_run_says_that_it_is_synthetic_and_what_it_beats(written: tuple[RelationRun, Path]) -> None:
    run, folder = written
    card = (folder / "model_card.md").read_text()
    assert "synthetic" in card
    assert "Research use only" in card
    assert "cannot be compared" in card
    assert run.trained_on.synthetic
    found = json.loads((folder / "metrics.json").read_text())["seen"]
    assert {"all relevant", "nearest bookmark", "papers' rules", "rules", CNN, CNN_AND_RULES} <= set(found)
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "label_classes.json",
        "metrics.json",
        "model_card.md",
        "vocabulary.json",
        "weights.safetensors",
    ]


def test_training_again_gives_the_same_run_with_its_first_date(
    written: tuple[RelationRun, Path], corpus: Corpus, label_classes: Mapping[str, str]
) -> None:
    run, folder = written
    small = replace(corpus, tests={"seen": corpus.tests["seen"]})
    config = json.loads((folder / "config.json").read_text())
    config["created"] = "2001-01-01T00:00:00+00:00"
    (folder / "config.json").write_text(json.dumps(config))
    again, same = train_relation(small, label_classes, run.recipe, folder.parent)
    assert same == folder
    assert again.created == "2001-01-01T00:00:00+00:00"
    assert again.model().id == run.model().id
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("file", ["config.json", "weights.safetensors", "vocabulary.json", "label_classes.json"])
@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_a_damaged_run_is_refused_in_one_line(
    written: tuple[RelationRun, Path], tmp_path: Path, file: str, damage: str
) -> None:
    import shutil

    folder = Path(shutil.copytree(written[1], tmp_path / "copy"))
    path = folder / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="not a whole relation model") as error:
        load_relation_cnn(folder)
    assert "\n" not in str(error.value)


def test_files_of_two_runs_cannot_be_mixed(written: tuple[RelationRun, Path], tmp_path: Path) -> None:
    run, _ = written
    other = replace(run, vocabulary=replace(run.vocabulary, words=run.vocabulary.words[:-1]))
    folder = other.write(tmp_path, "card")
    with pytest.raises(InputError, match="not a whole relation model"):
        RelationRun.read(folder)


def test_a_file_is_divided_by_its_text(corpus: Corpus) -> None:
    rows = [*corpus.train, *corpus.train[:50]]
    divided = file_corpus("ours.jsonl", rows)
    train, test = ({row.sentence.text for row in part} for part in (divided.train, divided.tests["held back"]))
    assert not train & test
    assert len(test) == pytest.approx(len(train) / 4, rel=0.4)
    assert not divided.synthetic
    with pytest.raises(TrainingError, match="too few"):
        file_corpus("ours.jsonl", rows[:1])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_default_network_reaches_its_figures_on_synthetic_held_out_sentences(
    label_classes: Mapping[str, str], tmp_path: Path
) -> None:
    from learn.relation.corpus import made_corpus

    recipe = RelationRecipe()
    run, _ = train_relation(made_corpus(recipe), label_classes, recipe, tmp_path)
    for test, models in run.metrics.items():
        assert max(models[CNN]["f1"], models[CNN_AND_RULES]["f1"]) > 0.85, test
        assert models[CNN]["f1"] > models["nearest bookmark"]["f1"]
        assert models["rules"]["f1"] > 0.545 > models["papers' rules"]["f1"]
