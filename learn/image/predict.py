"""Predictions of a run over patches."""

from __future__ import annotations

import numpy as np
import torch

from kg.errors import UsageError
from learn.head import LabelNetwork
from learn.image.inputs import as_input
from learn.image.network import image_network
from learn.image.recipe import ImageRecipe
from learn.predict import Prediction
from learn.run import Run


def predict_patches(
    run: Run, pixels: np.ndarray, boxes: np.ndarray, batch: int = 64, device: torch.device | str = "cpu"
) -> Prediction:
    """Scores, probabilities and embeddings of lesions on patches.

    Args:
        run: a trained model that looks at pixels.
        pixels: N x 3 x P x P int16, as :mod:`ingest.images.patch_cache` stores them.
        boxes: N x 4 float32, x1, y1, x2, y2 of each lesion in patch pixels.
        batch: lesions at once.
        device: where to compute.

    Raises:
        UsageError: the model looks at no pixels, or the patches are of another size than it was trained on.
    """
    network = image_network_of(run)
    size = run.geometry.size if run.geometry else 0
    if pixels.shape[1:] != (3, size, size) or boxes.shape != (len(pixels), 4):
        raise UsageError(
            f"run {run.run_id}: it looks at 3 x {size} x {size} patches with one box each, not at "
            f"{' x '.join(map(str, pixels.shape[1:]))}; cut them with its geometry"
        )
    score, embedding = outputs_of(network.to(device), pixels, boxes, np.arange(len(pixels)), batch)
    return Prediction(score, run.calibration.apply(score), embedding)


def image_network_of(run: Run) -> LabelNetwork:
    """The network of a run with its weights, ready to predict, on the CPU.

    Raises:
        UsageError: the model looks at no pixels.
    """
    geometry = run.geometry
    if geometry is None or not isinstance(run.recipe, ImageRecipe):
        raise UsageError(f"run {run.run_id}: it looks at no pixels; give it metadata")
    network = image_network(run.recipe, run.matrices.size, geometry.size)
    start = f"{run.recipe.seed}."
    state = {n.removeprefix(start): torch.tensor(v) for n, v in run.weights.items() if n.startswith(start)}
    network.load_state_dict(state)
    return network.eval()


def outputs_of(
    network: LabelNetwork, pixels: np.ndarray, boxes: np.ndarray, rows: np.ndarray, batch: int
) -> tuple[np.ndarray, np.ndarray]:
    """What a network says of some patches, in float32, on the device it is on.

    Args:
        network: in evaluation mode.
        pixels: M x 3 x P x P int16; may be a memory map.
        boxes: M x 4 float32.
        rows: shape (N,), which of them.
        batch: lesions at once.

    Returns:
        Scores N x C (sigmoid of the refined logits) and embeddings N x D.
    """
    device = next(network.parameters()).device
    scores, embeddings = (
        [np.zeros((0, network.propagation.out_features), np.float32)],
        [np.zeros((0, network.embedding.out_features), np.float32)],
    )
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            some = rows[start : start + batch]
            part = torch.from_numpy(np.array(pixels[some])).to(device)
            out = network(as_input(part), torch.from_numpy(np.array(boxes[some], np.float32)).to(device))
            scores.append(torch.sigmoid(out.refined.float()).cpu().numpy())
            embeddings.append(out.embedding.float().cpu().numpy())
    return np.concatenate(scores), np.concatenate(embeddings)
