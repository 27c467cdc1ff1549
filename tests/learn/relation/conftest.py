"""A tiny grammar run, shared by the tests of the relation CNN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from kg.shipped import load_shipped
from learn.relation.corpus import Corpus, made_corpus
from learn.relation.model import RelationCNN
from learn.relation.recipe import RelationRecipe
from learn.relation.training import train_network

TINY = RelationRecipe(
    sentences=500,
    epochs=3,
    batch=32,
    word_size=16,
    place_size=8,
    filters=16,
    sentence_size=4,
    sentence_buckets=64,
    learning_rate=0.01,
)


@pytest.fixture(scope="session")
def tiny() -> RelationRecipe:
    """A recipe for a network that trains in seconds."""
    return TINY


@pytest.fixture(scope="session")
def label_classes() -> Mapping[str, str]:
    """Class of every label that ships."""
    return {label.id: label.label_class.value for label in load_shipped().labels}


@pytest.fixture(scope="session")
def corpus(tiny: RelationRecipe) -> Corpus:
    """Few synthetic sentences to train on, and a few of each test set."""
    return made_corpus(tiny, test_sentences=150)


def _model(corpus: Corpus, recipe: RelationRecipe, label_classes: Mapping[str, str]) -> RelationCNN:
    vocabulary, network = train_network(corpus.train, label_classes, recipe)
    return RelationCNN("tiny", recipe, vocabulary, {k: v.numpy() for k, v in network.state_dict().items()})


@pytest.fixture(scope="session")
def cnn(corpus: Corpus, tiny: RelationRecipe, label_classes: Mapping[str, str]) -> RelationCNN:
    """A tiny trained network."""
    return _model(corpus, tiny, label_classes)


@pytest.fixture(scope="session")
def masked_cnn(corpus: Corpus, tiny: RelationRecipe, label_classes: Mapping[str, str]) -> RelationCNN:
    """A tiny network that cannot see which bookmark is asked about."""
    return _model(corpus, replace(tiny, epochs=1, masked=True), label_classes)
