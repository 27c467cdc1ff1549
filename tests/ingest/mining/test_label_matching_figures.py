"""Label matching on the real lesion descriptions of the hand-labelled set's published half."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from ingest.mining.describe import Describer
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.rule_relevance import RuleRelevance
from kg.shipped import load_shipped

LABEL_SET = "lesanet-171"


@pytest.fixture(scope="module")
def counted(shared_data: Path) -> np.ndarray:
    """For each of the 250 descriptions: labels found and right, found, right."""
    rows = json.loads((shared_data / "lesanet" / "hand_labeled_dev_250.json").read_text(encoding="utf-8"))
    ontology = load_shipped("lesanet-repaired")
    members = {ontology.by_id[i].name for i in ontology.label_set(LABEL_SET).members}
    describer = Describer(ontology, Matcher(Lexicon.of_ontology(ontology)), RuleRelevance(), LABEL_SET, expand=True)
    found = [set(description.labels) for description in describer.describe([row["text"] for row in rows])]
    right = [set(row["expanded_terms"]) & members for row in rows]
    return np.array([[len(a & b), len(a), len(b)] for a, b in zip(found, right, strict=True)])


def f1(counts: np.ndarray) -> float:
    both, found, right = counts.sum(0)
    return float(2 * both / (found + right))


def test_labels_of_250_real_descriptions(counted: np.ndarray) -> None:
    assert len(counted) == 250
    assert f1(counted) >= 0.960
    assert np.mean((counted[:, 0] == counted[:, 1]) & (counted[:, 0] == counted[:, 2])) >= 0.78


def test_no_half_of_them_does_badly(counted: np.ndarray) -> None:
    for seed in range(20):
        half = np.array(random.Random(seed).sample(range(250), 125))
        assert f1(counted[half]) >= 0.95
