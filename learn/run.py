"""A training run on disk: one folder with everything needed to use, judge and publish a model without the graph.

The folder appears whole, and a truncated or swapped file is refused (:mod:`learn.run_folder`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ingest.images.geometry import PatchGeometry
from kg.cohort import Cohort
from kg.errors import InputError, LesionKGError, TrainingError, UsageError
from kg.matrices import RelationMatrices
from learn.calibration import Calibration
from learn.features import MetadataFeatures
from learn.image.recipe import ImageRecipe
from learn.recipe import Recipe
from learn.run_folder import read_config, write_folder, write_json

FORMAT = "lesionkg-run/1"
"""What ``config.json`` of a run says of itself."""
METADATA = "metadata"
"""Features that come from what is known of a lesion, without pixels."""
IMAGE = "image"
"""Features that a network computes from a patch of CT."""

_GEOMETRY, _OTHER_RELATIONS = "patch.geometry", "training.other_relations"

AnyRecipe = Recipe | ImageRecipe
_RECIPES: Mapping[str, type[Recipe] | type[ImageRecipe]] = {METADATA: Recipe, IMAGE: ImageRecipe}


@dataclass(frozen=True, eq=False)
class Run:
    """A trained model and its predictions for N validation and test lesions over C labels.

    Attributes:
        run_id: ``metadata-`` or ``image-`` and ten hexadecimal digits of the hash of the configuration.
        features: what the model looks at.
        cohort: id of the cohort it was trained on.
        label_data_hash: of that cohort.
        inputs: hash of the patches it looked at; empty when it looked at none.
        created: when a run of this configuration was first trained, UTC, ISO 8601.
        recipe: every choice of the training.
        matrices: relations it was trained with.
        weights: tensors by name: ``<seed>.<parameter>`` of each member network, ``features.*``, ``patch.geometry``,
            ``training.other_relations`` and ``calibration.*``.
        thresholds: on ``score``, shape (C,).
        metrics: what the evaluation said, by split.
        lesions: N lesion ids.
        split: shape (N,), ``val`` or ``test``.
        score: N x C float32, sigmoid of the refined logit, mean over members.
        probability: N x C float32, calibrated.
        embedding: N x D float32, unit length: the members' embeddings side by side.
    """

    run_id: str
    features: str
    cohort: str
    label_data_hash: str
    inputs: str
    created: str
    recipe: AnyRecipe
    matrices: RelationMatrices
    weights: Mapping[str, np.ndarray]
    thresholds: np.ndarray
    metrics: Mapping[str, Any]
    lesions: tuple[str, ...]
    split: np.ndarray
    score: np.ndarray
    probability: np.ndarray
    embedding: np.ndarray

    @property
    def saw_pixels(self) -> bool:
        """Whether the model looked at an image."""
        return self.features == IMAGE

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the member networks."""
        return self.recipe.seeds

    @property
    def spl_weight(self) -> np.ndarray:
        """Score propagation, S x C x C: ``[s, i, j]`` is what the score of label j adds to label i in member s."""
        return np.stack([self.weights[f"{seed}.propagation.weight"] for seed in self.seeds])

    @property
    def spl_bias(self) -> np.ndarray:
        """Bias of score propagation, S x C."""
        return np.stack([self.weights[f"{seed}.propagation.bias"] for seed in self.seeds])

    @property
    def feature_map(self) -> MetadataFeatures:
        """The map from lesion rows to features, as fitted in training.

        Raises:
            UsageError: the model looks at pixels.
        """
        if not isinstance(self.recipe, Recipe):
            raise UsageError(f"run {self.run_id}: it looks at pixels, not at metadata; give it patches")
        parts = (self.weights[f"features.{name}"] for name in ("centre", "scale", "fill"))
        return MetadataFeatures(self.recipe.frequencies, self.recipe.midline, *parts)

    @property
    def geometry(self) -> PatchGeometry | None:
        """Of the patches that the model looks at; None when it looks at none."""
        values = self.weights.get(_GEOMETRY)
        if values is None:
            return None
        size, spacing_mm, neighbour_mm, longest_side = values.tolist()
        return PatchGeometry(int(size), spacing_mm, neighbour_mm, int(longest_side))

    @property
    def other_relations(self) -> tuple[str, ...]:
        """Matrix hashes of other relations that a part of the training was done with, because somebody asked for it."""
        rows = self.weights.get(_OTHER_RELATIONS, np.zeros((0, 64), np.uint8))
        return tuple(row.tobytes().decode("ascii") for row in rows)

    @property
    def calibration(self) -> Calibration:
        """From scores to probabilities."""
        return Calibration(self.weights["calibration.slope"], self.weights["calibration.intercept"])

    def require_cohort(self, cohort: Cohort) -> None:
        """Check that a cohort is the one of this run.

        A cohort that lost lesions of erased patients since is still the run's.

        Raises:
            TrainingError: other labels, another order, other label data, or predictions of a lesion that was erased.
        """
        if cohort.label_ids != self.matrices.label_ids:
            raise TrainingError(
                f"run {self.run_id}: its labels are not those of cohort {cohort.id}, or not in that order; "
                f"evaluate it on cohort {self.cohort}"
            )
        if cohort.id != self.cohort or self.label_data_hash not in cohort.label_data_hashes:
            raise TrainingError(
                f"run {self.run_id}: trained on cohort {self.cohort}, not on {cohort.id}; "
                "give the same cohort or train again"
            )
        require_nobody_erased(self, cohort)

    def write(self, runs_folder: Path | str, per_label: str, model_card: str) -> Path:
        """Write the run's folder, in place of an older run of the same configuration.

        Args:
            runs_folder: parent folder, made when absent.
            per_label: CSV text with one line a label.
            model_card: Markdown text.

        Returns:
            The folder.
        """
        target = Path(runs_folder) / self.run_id
        return write_folder(target, lambda folder: self._write_files(folder, per_label, model_card), self._config())

    def _write_files(self, folder: Path, per_label: str, model_card: str) -> None:
        self.matrices.save(folder / "matrices.safetensors")
        save_file({k: np.ascontiguousarray(v) for k, v in sorted(self.weights.items())}, folder / "weights.safetensors")
        save_file({"weight": self.spl_weight, "bias": self.spl_bias}, folder / "spl.safetensors")
        ids = self.matrices.label_ids
        finite = [None if np.isinf(t) else float(t) for t in self.thresholds]
        write_json(folder / "thresholds.json", dict(zip(ids, finite, strict=True)))
        write_json(folder / "metrics.json", self.metrics)
        (folder / "per_label.csv").write_text(per_label, encoding="utf-8")
        (folder / "model_card.md").write_text(model_card, encoding="utf-8")
        columns = {name: _rows(getattr(self, name)) for name in ("score", "probability", "embedding")}
        table = pa.table({"lesion": list(self.lesions), "split": self.split.tolist(), **columns})
        pq.write_table(table, folder / "predictions.parquet", compression="zstd")

    def _config(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "run_id": self.run_id,
            "features": self.features,
            "saw_pixels": self.saw_pixels,
            "seeds": list(self.seeds),
            "cohort": self.cohort,
            "label_set": self.matrices.label_set,
            "label_ids": list(self.matrices.label_ids),
            "label_names": list(self.matrices.names),
            "revision": self.matrices.revision,
            "ontology_hash": self.matrices.ontology_hash,
            "matrix_hash": self.matrices.matrix_hash,
            "label_data_hash": self.label_data_hash,
            "inputs": self.inputs,
            "created": self.created,
            "recipe": self.recipe.as_dict(),
        }

    @classmethod
    def read(cls, path: Path | str) -> Run:
        """Read a run's folder.

        Raises:
            InputError: no such folder, a file is missing, truncated or altered, or the files do not belong together.
        """
        folder = Path(path)
        try:
            config = read_config(folder, FORMAT)
            return cls.from_files(folder, config, load_file(folder / "weights.safetensors"))
        except InputError as error:
            raise InputError(f"{folder}: not a whole run ({error}); train again") from error
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException, SafetensorError, LesionKGError) as error:
            raise InputError(
                f"{folder}: not a whole run ({type(error).__name__}); give a run's folder, or train again"
            ) from error

    @classmethod
    def from_files(cls, folder: Path, config: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> Run:
        """A run from its configuration, its weights and the other files of its folder, which are there and unaltered.

        Raises:
            InputError: they do not belong together; a malformed file raises what its reader raises.
        """
        matrices = RelationMatrices.load(folder / "matrices.safetensors")
        if (tuple(config["label_ids"]), config["matrix_hash"]) != (matrices.label_ids, matrices.matrix_hash):
            raise InputError("its label order or matrix hash is not that of its matrices")
        recipe = _RECIPES[config["features"]].from_dict(config["recipe"])
        # The settings as they were stored: a setting that came later has a default, and leaves older runs readable.
        stored = config["recipe"]
        inputs = config.get("inputs", "")
        run_id = run_id_of(config["features"], config["cohort"], config["label_data_hash"], matrices, stored, inputs)
        if run_id != config["run_id"]:
            raise InputError("its id does not fit its configuration")
        table = pq.read_table(folder / "predictions.parquet")
        thresholds = json.loads((folder / "thresholds.json").read_text(encoding="utf-8"))
        return cls(
            run_id=run_id,
            features=config["features"],
            cohort=config["cohort"],
            label_data_hash=config["label_data_hash"],
            inputs=inputs,
            created=config["created"],
            recipe=recipe,
            matrices=matrices,
            weights=weights,
            thresholds=np.array([np.inf if (t := thresholds[i]) is None else t for i in matrices.label_ids]),
            metrics=json.loads((folder / "metrics.json").read_text(encoding="utf-8")),
            lesions=tuple(table["lesion"].to_pylist()),
            split=np.array(table["split"].to_pylist()),
            **{name: _matrix(table[name]) for name in ("score", "probability", "embedding")},
        )


def require_nobody_erased(run: Run, cohort: Cohort) -> None:
    """Check that no lesion of a run's predictions was erased from a cohort.

    Raises:
        TrainingError: one was.
    """
    if cohort.erased and not set(run.lesions) <= set(cohort.table["lesion"].to_pylist()):
        raise TrainingError(
            f"run {run.run_id}: holds predictions of lesions that were erased from cohort {cohort.id}; remove the run "
            "and train again, or let `lesionkg erase` clean the data folder that it lies in"
        )


def geometry_weights(geometry: PatchGeometry) -> dict[str, np.ndarray]:
    """What :attr:`Run.weights` holds of a patch geometry."""
    settings = (geometry.size, geometry.spacing_mm, geometry.neighbour_mm, geometry.longest_side)
    return {_GEOMETRY: np.array(settings, np.float64)}


def other_relations_weights(hashes: Sequence[str]) -> dict[str, np.ndarray]:
    """What :attr:`Run.weights` holds of relations that training began with before those of the run; nothing of none."""
    rows = np.frombuffer("".join(hashes).encode("ascii"), np.uint8).reshape(len(hashes), 64)
    return {_OTHER_RELATIONS: rows} if hashes else {}


def run_id_of(
    features: str,
    cohort: str,
    label_data_hash: str,
    matrices: RelationMatrices,
    recipe: Mapping[str, Any],
    inputs: str = "",
) -> str:
    """Id of the run of a configuration: equal configurations give equal ids.

    Names and synonyms of labels, and the revision of the graph, do not enter: they leave a model as it is.
    """
    content: list[Any] = [FORMAT, features, cohort, label_data_hash, matrices.label_set, matrices.matrix_hash, recipe]
    if inputs:
        content.append(inputs)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"{features}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def _rows(values: np.ndarray) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values, np.float32).ravel())
    fixed = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    return fixed.cast(pa.list_(pa.float32()))


def _matrix(column: pa.ChunkedArray) -> np.ndarray:
    joined = column.combine_chunks()
    return np.asarray(joined.flatten().to_numpy(), np.float32).reshape(len(joined), -1)
