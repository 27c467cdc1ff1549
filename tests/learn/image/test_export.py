"""Exported networks say what the run says, for any number of lesions, and hold no pickle."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_patches import SIDE, TINY, made_cache, made_cohort, made_matrices

from ingest.images.geometry import STEPS_PER_HU, WINDOW_HU
from kg.errors import TrainingError, UsageError
from learn.image import export as exporting
from learn.image.export import METADATA, ExportedNetwork, ExportFormat, export_run
from learn.image.network import image_network
from learn.image.predict import image_network_of, predict_patches
from learn.image.recipe import Backbone, ImageRecipe, RoiMode
from learn.image.train import train_images
from learn.predict import Prediction
from learn.run import Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run on made patches."""
    folder = tmp_path_factory.mktemp("exported")
    matrices = made_matrices()
    cohort = made_cohort(matrices)
    return train_images(cohort, matrices, made_cache(folder / "cache", cohort), TINY, folder / "runs")


def with_network(run: Run, **changes: Any) -> Run:
    """The run with another network, untrained but for its statistics: those of a first batch."""
    assert isinstance(run.recipe, ImageRecipe)
    recipe = replace(run.recipe, **changes)
    network = image_network(recipe, run.matrices.size, SIDE)
    pixels, boxes = lesions(16)
    for _ in range(50):
        network(torch.from_numpy(hounsfield(pixels)) / 1000, torch.from_numpy(boxes))
    others = {name: value for name, value in run.weights.items() if not name.startswith(f"{recipe.seed}.")}
    own = {f"{recipe.seed}.{name}": value.numpy() for name, value in network.state_dict().items()}
    # Labels far from each other, as a trained network has them.
    own[f"{recipe.seed}.propagation.weight"] = 8 * own[f"{recipe.seed}.propagation.weight"]
    return replace(run, recipe=recipe, weights={**others, **own})


def lesions(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Made patches as a cache stores them, with boxes inside, on a single pixel, and larger than the patch."""
    random = np.random.default_rng(count)
    pixels = random.integers(0, 32761, (count, 3, SIDE, SIDE)).astype(np.int16)
    boxes = np.array([[3.5, 6, 20.25, 30], [0, 0, 90, 40], [12, 12, 12, 12]], np.float32)
    return pixels, np.resize(boxes, (count, 4))


def hounsfield(pixels: np.ndarray) -> np.ndarray:
    return (pixels / STEPS_PER_HU + WINDOW_HU[0]).astype(np.float32)


def assert_same(outputs: Any, expected: Prediction, labels: int) -> None:
    score, probability, embedding = (np.asarray(part) for part in outputs)
    assert score.shape == (len(expected.score), labels)
    assert expected.score.std() > 0.1
    np.testing.assert_allclose(score, expected.score, atol=1e-4)
    np.testing.assert_allclose(probability, expected.probability, atol=1e-4)
    np.testing.assert_allclose(embedding, expected.embedding, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [RoiMode.OFFICIAL, RoiMode.ALIGN])
def test_onnx_says_what_the_run_says(trained: Run, tmp_path: Path, mode: RoiMode) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    run = with_network(trained, width=1 / 8, roi=mode)
    file = tmp_path / "network.onnx"
    metadata = export_run(run, file, ExportFormat.ONNX)
    assert [path.name for path in tmp_path.iterdir()] == ["network.onnx"]
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for count in (1, 3):
        pixels, boxes = lesions(count)
        outputs = session.run(["score", "probability", "embedding"], {"patch": hounsfield(pixels), "box": boxes})
        assert_same(outputs, predict_patches(run, pixels, boxes), run.matrices.size)
    assert json.loads(session.get_modelmeta().custom_metadata_map[METADATA]) == metadata


@pytest.mark.parametrize(
    ("backbone", "mode"),
    [
        pytest.param(Backbone.VGG16, RoiMode.OFFICIAL, marks=pytest.mark.slow),
        (Backbone.CONVNEXT, RoiMode.ALIGN),
        pytest.param(Backbone.RESNET, RoiMode.TIGHT, marks=pytest.mark.slow),
    ],
)
def test_the_exported_program_says_what_the_run_says(
    trained: Run, tmp_path: Path, backbone: Backbone, mode: RoiMode
) -> None:
    run = with_network(trained, width=1 / 8, backbone=backbone, roi=mode)
    file = tmp_path / "network.pt2"
    metadata = export_run(run, file, ExportFormat.TORCH)
    extra = {f"{METADATA}.json": ""}
    program = torch.export.load(file, extra_files=extra).module()
    for count in (1, 3):
        pixels, boxes = lesions(count)
        with torch.no_grad():
            outputs = program(torch.from_numpy(hounsfield(pixels)), torch.from_numpy(boxes))
        assert_same(outputs, predict_patches(run, pixels, boxes), run.matrices.size)
    assert json.loads(extra[f"{METADATA}.json"]) == metadata


@pytest.fixture(scope="module")
def program(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's exported program."""
    file = tmp_path_factory.mktemp("program") / "network.pt2"
    export_run(trained, file, ExportFormat.TORCH)
    return file


def test_the_exported_program_holds_no_pickle(program: Path) -> None:
    with zipfile.ZipFile(program) as archive:
        assert any("/weights/" in name for name in archive.namelist())
        for name in archive.namelist():
            assert not name.endswith(".pkl")
            # A nested archive of tensors would hold one; the example's file is there, and empty.
            assert not archive.read(name).startswith((b"PK", b"\x80")) or "/weights/weight_" in name, name
        for part in ("model_weights_config.json", "model_constants_config.json"):
            (config,) = (json.loads(archive.read(n)) for n in archive.namelist() if n.endswith(part))
            assert not any(entry["use_pickle"] for entry in config["config"].values())


def test_intensities_outside_the_window_are_clipped_to_it(program: Path) -> None:
    network = torch.export.load(program).module()
    pixels, boxes = lesions(1)
    inside = torch.from_numpy(hounsfield(pixels))
    low, high = WINDOW_HU
    beyond = torch.where(inside < 0, torch.tensor(low), torch.tensor(high))
    box = torch.from_numpy(boxes)
    with torch.no_grad():
        torch.testing.assert_close(network(2 * beyond, box), network(beyond, box), rtol=0, atol=0)
        assert not torch.equal(network(inside, box)[2], network(beyond, box)[2])


def test_a_score_that_is_all_but_certain_is_calibrated_as_the_run_does(trained: Run) -> None:
    run = with_network(trained)
    assert isinstance(run.recipe, ImageRecipe)
    spl = f"{run.recipe.seed}.propagation.weight"
    gentle = np.full(run.matrices.size, 0.3)
    run = replace(run, weights={**run.weights, spl: 1e6 * run.weights[spl], "calibration.slope": gentle})
    pixels, boxes = lesions(3)
    expected = predict_patches(run, pixels, boxes)
    assert set(expected.score.round(3).flat) == {0.0, 1.0}
    assert 0.001 < expected.probability.min() < expected.probability.max() < 0.999
    with torch.no_grad():
        network = ExportedNetwork(image_network_of(run), run.calibration)
        _, probability, _ = network(torch.from_numpy(hounsfield(pixels)), torch.from_numpy(boxes))
    np.testing.assert_allclose(probability.numpy(), expected.probability, atol=1e-3)


def test_the_metadata_is_what_a_user_needs(trained: Run) -> None:
    metadata = exporting.export_metadata(replace(trained, thresholds=np.array([0.5, np.inf] * 4)))
    assert metadata["label_ids"] == list(trained.matrices.label_ids)
    assert metadata["thresholds"] == [0.5, None] * 4
    assert metadata["geometry"]["size"] == SIDE
    assert metadata["synthetic"] is False
    assert json.loads(json.dumps(metadata, allow_nan=False)) == metadata
    phantom = replace(trained, lesions=tuple(f"PHANTOM:{k:05d}" for k in range(len(trained.lesions))))
    assert exporting.export_metadata(phantom)["synthetic"] is True


def test_without_the_packages_for_onnx_one_line_says_what_to_install(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(UsageError, match=r"onnxscript not installed; run `pip install 'lesionkg\[onnx\]'`"):
        export_run(trained, tmp_path / "network.onnx", ExportFormat.ONNX)
    assert not list(tmp_path.iterdir())


def test_a_run_that_looks_at_no_pixels_and_a_missing_folder_are_refused(trained: Run, tmp_path: Path) -> None:
    blind = replace(trained, weights={n: v for n, v in trained.weights.items() if not n.startswith("patch.")})
    with pytest.raises(UsageError, match="looks at no pixels"):
        export_run(blind, tmp_path / "network.pt2", ExportFormat.TORCH)
    with pytest.raises(UsageError, match="no such folder"):
        export_run(trained, tmp_path / "absent" / "network.pt2", ExportFormat.TORCH)


def test_a_failed_export_leaves_the_older_file_as_it_was(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "network.pt2"
    file.write_bytes(b"older")

    def full(program: object, target: Any, extra_files: object) -> None:
        target.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch.export, "save", full)
    with pytest.raises(TrainingError, match="No space left on device"):
        export_run(trained, file, ExportFormat.TORCH)
    assert file.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [file]
