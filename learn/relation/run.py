"""A trained relation CNN on disk: one folder with everything needed to use and to judge it.

Like the run of a lesion model, it appears whole, and a truncated or swapped file is refused
(:mod:`learn.run_folder`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from kg.errors import InputError
from learn.relation.encode import Vocabulary
from learn.relation.model import RelationCNN
from learn.relation.recipe import RelationRecipe
from learn.run_folder import read_config, write_folder, write_json

_FORMAT = "lesionkg-relation/1"
FOLDER = "relation"
"""Folder of the data folder where runs are written."""


@dataclass(frozen=True)
class TrainedOn:
    """What a network was trained on.

    Attributes:
        name: the synthetic grammar, or the name of an annotation file.
        hash: of the sentences and what was judged of them.
        synthetic: whether a grammar made them.
        sentences: how many.
        pairs: judged (mention, bookmark) pairs.
    """

    name: str
    hash: str
    synthetic: bool
    sentences: int
    pairs: int

    def __str__(self) -> str:
        kind = "synthetic sentences" if self.synthetic else "annotated sentences"
        return f"{self.sentences:,} {kind} ({self.pairs:,} pairs) of {self.name}"


@dataclass(frozen=True, eq=False)
class RelationRun:
    """A trained relation CNN.

    Attributes:
        run_id: ``relation-`` and ten hexadecimal digits of the hash of data and recipe.
        created: UTC, ISO 8601.
        recipe: every choice of the training.
        trained_on: the sentences.
        vocabulary: words and label classes the network knows.
        weights: its parameters by name.
        metrics: figures by test set and model.
    """

    run_id: str
    created: str
    recipe: RelationRecipe
    trained_on: TrainedOn
    vocabulary: Vocabulary
    weights: Mapping[str, np.ndarray]
    metrics: Mapping[str, Any]

    def model(self) -> RelationCNN:
        """The network as a relevance model; its id is the run's with a hash of the weights."""
        digest = hashlib.sha256()
        for name, value in sorted(self.weights.items()):
            digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
        return RelationCNN(f"{self.run_id}-{digest.hexdigest()[:8]}", self.recipe, self.vocabulary, self.weights)

    def write(self, parent: Path, model_card: str) -> Path:
        """Write the run's folder, in place of an older run of the same data and recipe.

        Args:
            parent: folder of the runs, made when absent.
            model_card: Markdown text.

        Returns:
            The folder.
        """
        config = {
            "format": _FORMAT,
            "run_id": self.run_id,
            "created": self.created,
            "recipe": self.recipe.as_dict(),
            "trained_on": asdict(self.trained_on),
        }
        return write_folder(parent / self.run_id, lambda folder: self._write_files(folder, model_card), config)

    def _write_files(self, folder: Path, model_card: str) -> None:
        weights = {name: np.ascontiguousarray(value) for name, value in sorted(self.weights.items())}
        save_file(weights, folder / "weights.safetensors")
        write_json(folder / "vocabulary.json", list(self.vocabulary.words))
        write_json(folder / "label_classes.json", dict(sorted(self.vocabulary.label_classes.items())))
        write_json(folder / "metrics.json", self.metrics)
        (folder / "model_card.md").write_text(model_card, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> RelationRun:
        """Read a run's folder.

        Raises:
            InputError: no such folder, or a file is missing, truncated, altered or does not belong to the others.
        """
        try:
            config = read_config(folder, _FORMAT)
            run = cls(
                run_id=config["run_id"],
                created=config["created"],
                recipe=RelationRecipe.from_dict(config["recipe"]),
                trained_on=TrainedOn(**config["trained_on"]),
                vocabulary=Vocabulary(
                    tuple(_read_json(folder / "vocabulary.json")), _read_json(folder / "label_classes.json")
                ),
                weights=load_file(folder / "weights.safetensors"),
                metrics=_read_json(folder / "metrics.json"),
            )
            run.model()
        except InputError as error:
            raise InputError(f"{folder}: not a whole relation model ({error}); train again") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
            raise InputError(
                f"{folder}: not a whole relation model ({type(error).__name__}); give the folder that "
                "`lesionkg mine train` wrote, or train again"
            ) from error
        return run


def load_relation_cnn(folder: Path) -> RelationCNN:
    """The network of a run's folder as a relevance model.

    Raises:
        InputError: not a whole run.
    """
    return RelationRun.read(folder).model()


def run_id_of(data_hash: str, recipe: RelationRecipe) -> str:
    """Id of the run of data and a recipe: equal ones give equal ids."""
    text = json.dumps([_FORMAT, data_hash, recipe.as_dict()], sort_keys=True, separators=(",", ":"))
    return f"relation-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
