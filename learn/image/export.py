"""A run's network in a file that needs nothing of this project: ONNX, or PyTorch's own exported program.

What is inside: Hounsfield units and a box in; scores, calibrated probabilities and an embedding out, for any number of
lesions at once. What else a user needs to know (label ids, thresholds, calibration, geometry of the patches, units)
travels inside the file as one JSON text, named :data:`METADATA`: ``metadata_props`` of ONNX, an extra file of the
exported program. Relations are not inside: decided labels are made coherent by who reads the scores.

Neither file holds a pickle. The example that an exported program would pickle is taken out of it.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ingest.images.geometry import STEPS_PER_HU, WINDOW_HU
from kg.errors import TrainingError, UsageError
from learn import calibration
from learn.calibration import Calibration
from learn.description import is_synthetic
from learn.head import LabelNetwork
from learn.image.inputs import as_input
from learn.image.predict import image_network_of
from learn.run import Run

METADATA = "lesionkg"
"""Name of the JSON text in ``metadata_props`` of ONNX; ``lesionkg.json`` among the extra files of ``.pt2``."""

INPUTS = {
    "patch": "B x 3 x size x size float32, Hounsfield units: neighbour towards the head, key slice, neighbour "
    "towards the feet; the window is applied inside",
    "box": "B x 4 float32: x1, y1, x2, y2 of the lesion in pixels of the patch",
}
OUTPUTS = {
    "score": "B x C, refined score, 0 to 1: what thresholds are compared with",
    "probability": "B x C, calibrated",
    "embedding": "B x D, unit length: near lesions have labels in common",
}

_FORMAT = "lesionkg-export/1"
# A score of float32 is clipped by calibration 1e-7 away from 0 and 1.
_SUREST = 16.118095


class ExportFormat(StrEnum):
    """Kinds of files."""

    TORCH = "torch"
    """PyTorch's exported program, ``.pt2``."""
    ONNX = "onnx"
    """ONNX, ``.onnx``."""

    @property
    def suffix(self) -> str:
        """Ending of a file's name."""
        return ".pt2" if self is ExportFormat.TORCH else ".onnx"


class ExportedNetwork(nn.Module):
    """A trained network from Hounsfield units to calibrated probabilities.

    Args:
        network: in evaluation mode.
        calibrated: its calibration.
    """

    slope: Tensor
    intercept: Tensor

    def __init__(self, network: LabelNetwork, calibrated: Calibration) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("slope", torch.tensor(calibrated.slope, dtype=torch.float32))
        self.register_buffer("intercept", torch.tensor(calibrated.intercept, dtype=torch.float32))

    def forward(self, patch: Tensor, box: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See :data:`INPUTS` and :data:`OUTPUTS`."""
        low, high = WINDOW_HU
        out = self.network(as_input((patch.clamp(low, high) - low) * STEPS_PER_HU), box)
        sure = out.refined.clamp(-_SUREST, _SUREST)
        return torch.sigmoid(out.refined), torch.sigmoid(self.slope * sure + self.intercept), out.embedding


def export_run(run: Run, path: Path | str, kind: ExportFormat) -> dict[str, Any]:
    """Write a run's network to one file; an older one is replaced when the new one is complete.

    Args:
        run: a trained model that looks at pixels.
        path: the file.
        kind: of file.

    Returns:
        The metadata inside.

    Raises:
        UsageError: the run looks at no pixels, a package for ONNX is not installed, or the folder does not exist.
        TrainingError: the file could not be written.
    """
    target = Path(path)
    metadata = export_metadata(run)
    if kind is ExportFormat.ONNX and (missing := [name for name in ("onnx", "onnxscript") if find_spec(name) is None]):
        raise UsageError(f"export: {' and '.join(missing)} not installed; run `pip install 'lesionkg[onnx]'`")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent}: no such folder; make it, or give another file")
    network = ExportedNetwork(image_network_of(run), run.calibration).eval()
    size = metadata["geometry"]["size"]
    example = (torch.zeros(2, 3, size, size), torch.tensor([[size / 4, size / 4, size / 2, size / 2]] * 2))
    text = json.dumps(metadata, ensure_ascii=False, sort_keys=True)
    partial = target.with_name(target.name + ".partial")
    try:
        with torch.no_grad(), _quiet():
            (_write_torch if kind is ExportFormat.TORCH else _write_onnx)(network, example, text, partial)
        partial.replace(target)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise TrainingError(f"{target}: could not be written ({reason}); what was there before is intact") from error
    finally:
        partial.unlink(missing_ok=True)
    return metadata


def export_metadata(run: Run) -> dict[str, Any]:
    """What a user of an exported network needs to know, as plain values for JSON.

    Raises:
        UsageError: the run looks at no pixels.
    """
    geometry = run.geometry
    if geometry is None:
        raise UsageError(f"run {run.run_id}: it looks at no pixels; export a run that was trained on patches")
    return {
        "format": _FORMAT,
        "run_id": run.run_id,
        "note": "Research use only; not for diagnosis.",
        "synthetic": is_synthetic(run),
        "label_set": run.matrices.label_set,
        "matrix_hash": run.matrices.matrix_hash,
        "label_ids": list(run.matrices.label_ids),
        "label_names": list(run.matrices.names),
        # JSON knows no infinity: null is a label that is never decided.
        "thresholds": [float(t) if t < float("inf") else None for t in run.thresholds],
        "calibration": {
            "method": calibration.METHOD,
            "slope": run.calibration.slope.tolist(),
            "intercept": run.calibration.intercept.tolist(),
        },
        "geometry": geometry.as_dict(),
        "window_hu": list(WINDOW_HU),
        "inputs": INPUTS,
        "outputs": OUTPUTS,
    }


def _write_torch(network: nn.Module, example: tuple[Tensor, ...], metadata: str, path: Path) -> None:
    program = torch.export.export(network, example, dynamic_shapes=_any_number(example))
    program.example_inputs = None
    # The file's name must end in .pt2, or a warning says so.
    with path.open("wb") as file:
        torch.export.save(program, file, extra_files={f"{METADATA}.json": metadata})


def _write_onnx(network: nn.Module, example: tuple[Tensor, ...], metadata: str, path: Path) -> None:
    program = torch.onnx.export(
        network,
        example,
        dynamo=True,
        dynamic_shapes=_any_number(example),
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        verbose=False,
    )
    assert program is not None
    program.model.metadata_props[METADATA] = metadata
    program.save(path, external_data=False)


def _any_number(example: tuple[Tensor, ...]) -> tuple[dict[int, Any], ...]:
    """Dynamic shapes: any number of lesions, the same in all inputs."""
    lesions = torch.export.Dim("lesions", min=1)
    return tuple({0: lesions} for _ in example)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter says to its own developers from the user."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
            warnings.filterwarnings("ignore", r"# The axis name: lesions will not be used", UserWarning)
            yield
    finally:
        log.setLevel(level)
