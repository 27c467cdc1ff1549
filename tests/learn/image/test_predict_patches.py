"""Predictions of a run over patches it has not seen, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from made_patches import SIDE, TINY, made_matrices

from ingest.images.geometry import PatchGeometry
from kg.errors import UsageError
from learn.image.inputs import as_input
from learn.image.network import image_network
from learn.image.predict import image_network_of, outputs_of, predict_patches
from learn.run import Run, geometry_weights


@pytest.fixture(scope="module")
def run() -> Run:
    """A run whose network was not trained."""
    torch.set_num_threads(1)
    network = image_network(TINY, 8, SIDE)
    weights = {f"{TINY.seed}.{name}": value.numpy() for name, value in network.state_dict().items()}
    weights |= {"calibration.slope": np.ones(8), "calibration.intercept": np.zeros(8)}
    weights |= geometry_weights(PatchGeometry(size=SIDE, spacing_mm=2.0))
    empty: Any = np.zeros((0, 8), np.float32)
    return Run(
        "image-0123456789",
        "image",
        "made-0",
        "",
        "",
        "",
        TINY,
        made_matrices(),
        weights,
        np.full(8, 0.5),
        {},
        (),
        *[empty] * 4,
    )


def patches(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Made patches with boxes."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 32761, (count, 3, SIDE, SIDE)).astype(np.int16)
    corners = np.sort(draw.uniform(0, SIDE, (count, 2, 2)), axis=1)
    return pixels, corners.reshape(count, 4).astype(np.float32)


def test_scores_are_the_sigmoid_of_the_refined_logits_in_evaluation_mode(run: Run) -> None:
    pixels, boxes = patches(6)
    said = predict_patches(run, pixels, boxes)
    network = image_network(TINY, 8, SIDE).eval()
    with torch.no_grad():
        out = network(as_input(torch.from_numpy(pixels)), torch.from_numpy(boxes))
    np.testing.assert_allclose(said.score, torch.sigmoid(out.refined).numpy(), atol=1e-6)
    np.testing.assert_allclose(said.embedding, out.embedding.numpy(), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(said.embedding, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(said.probability, run.calibration.apply(said.score))


def test_a_lesion_is_judged_the_same_in_any_company(run: Run) -> None:
    pixels, boxes = patches(7)
    whole, alone = predict_patches(run, pixels, boxes, batch=3), predict_patches(run, pixels[4:5], boxes[4:5])
    np.testing.assert_allclose(whole.score[4], alone.score[0], atol=1e-5)


def test_no_lesions_give_empty_arrays(run: Run) -> None:
    said = predict_patches(run, *patches(0))
    assert (said.score.shape, said.embedding.shape) == ((0, 8), (0, 8))


def test_rows_of_a_read_only_memory_map_are_read_in_the_order_given(run: Run, tmp_path: Path) -> None:
    pixels, boxes = patches(5)
    pixels.tofile(tmp_path / "pixels")
    mapped = np.memmap(tmp_path / "pixels", np.int16, "r", shape=pixels.shape)
    score, _ = outputs_of(image_network_of(run), mapped, boxes, np.array([3, 0]), 64)
    np.testing.assert_allclose(score, predict_patches(run, pixels[[3, 0]], boxes[[3, 0]]).score, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "boxes"),
    [pytest.param((2, 3, 16, 16), 2, id="size"), pytest.param((2, 1, SIDE, SIDE), 2, id="slices"),
     pytest.param((2, 3, SIDE, SIDE), 1, id="boxes")],
)  # fmt: skip
def test_patches_of_another_shape_are_refused(run: Run, shape: tuple[int, ...], boxes: int) -> None:
    with pytest.raises(UsageError, match=f"looks at 3 x {SIDE} x {SIDE} patches"):
        predict_patches(run, np.zeros(shape, np.int16), np.zeros((boxes, 4), np.float32))


def test_a_run_that_looks_at_metadata_is_refused(run: Run) -> None:
    blind = replace(run, weights={k: v for k, v in run.weights.items() if not k.startswith("patch.")})
    assert blind.geometry is None
    with pytest.raises(UsageError, match="looks at no pixels"):
        image_network_of(blind)


def test_geometry_survives_the_weights_in_every_setting() -> None:
    geometry = PatchGeometry(size=64, spacing_mm=1.5, neighbour_mm=3.25, longest_side=512)
    assert Run.geometry.fget(SimpleNamespace(weights=geometry_weights(geometry))) == geometry  # type: ignore[attr-defined]
