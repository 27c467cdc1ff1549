"""Predictions of a run for lesions it has not seen, without the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from learn.head import HiddenLayers, LabelNetwork
from learn.recipe import Recipe
from learn.run import Run


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a run says of N lesions over C labels.

    Attributes:
        score: N x C float32, sigmoid of the refined logit, mean over members.
        probability: N x C float32, calibrated.
        embedding: N x D float32, unit length.
    """

    score: np.ndarray
    probability: np.ndarray
    embedding: np.ndarray


def predict(run: Run, table: pa.Table) -> Prediction:
    """Scores, probabilities and embeddings of lesions.

    Args:
        run: a trained model.
        table: N rows with the metadata columns of :data:`kg.cohort.COHORT_SCHEMA`.

    Raises:
        TrainingError: a column is missing, or a lesion has no location or size.
    """
    features = run.feature_map.transform(table)
    assert isinstance(run.recipe, Recipe)  # the feature map says so in words
    scores, embedding = member_outputs(run.weights, run.recipe, run.matrices.size, features)
    score = scores.mean(axis=0)
    return Prediction(score, run.calibration.apply(score), embedding)


def member_outputs(
    weights: Mapping[str, np.ndarray], recipe: Recipe, labels: int, features: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of every member network, and their embeddings side by side.

    Args:
        weights: tensors named ``<seed>.<parameter>``.
        recipe: sizes and seeds.
        labels: C.
        features: N x F float32.

    Returns:
        Scores S x N x C and embeddings N x (S * D), scaled to unit length: squared distances are means over members.
    """
    rows = torch.from_numpy(np.ascontiguousarray(features))
    scores, embeddings = [], []
    for seed in recipe.seeds:
        network = LabelNetwork(HiddenLayers(rows.shape[1], recipe.width, recipe.depth, 0.0), labels, recipe.embedding)
        start = f"{seed}."
        state = {name.removeprefix(start): torch.tensor(v) for name, v in weights.items() if name.startswith(start)}
        network.load_state_dict(state)
        network.eval()
        with torch.no_grad():
            out = network(rows)
        scores.append(torch.sigmoid(out.refined).numpy())
        embeddings.append(out.embedding.numpy())
    side_by_side = np.concatenate(embeddings, axis=1) / np.sqrt(len(recipe.seeds))
    return np.stack(scores), side_by_side.astype(np.float32)
