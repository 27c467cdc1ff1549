"""A checkpoint: everything that continues a training exactly where it stood, in one safetensors file.

It appears by a rename when it is whole and on the disk, so that a killed process, a full disk or a lost machine leaves
the one before. Never a pickle: those run code when they are read.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kg.errors import InputError, TrainingError, UnsafeInputError

_FORMAT = "lesionkg-checkpoint/1"
_PICKLE_SUFFIXES = frozenset({".pt", ".pth", ".pkl", ".pickle", ".ckpt"})
_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")


@dataclass(frozen=True)
class Origin:
    """What a checkpoint belongs to; a training continues only from one of its own.

    Attributes:
        label_ids: C label ids in column order.
        matrix_hash: of the relations.
        cohort: id of the cohort.
        label_data_hash: of that cohort.
        inputs: content hash of the patch cache.
        recipe: every choice, as plain values.
        ranks: how many processes train together: they share out each step's lesions.
    """

    label_ids: tuple[str, ...]
    matrix_hash: str
    cohort: str
    label_data_hash: str
    inputs: str
    recipe: Mapping[str, Any]
    ranks: int


@dataclass(frozen=True)
class Best:
    """The best epoch so far.

    Attributes:
        epoch: counted from 0; -1 before the first.
        f1: macro F1 of validation lesions.
        auc: macro AUC of validation lesions, which decides among equals.
    """

    epoch: int = -1
    f1: float = -1.0
    auc: float = -1.0


@dataclass(frozen=True)
class Position:
    """Where a training stands: ``step`` steps of epoch ``epoch`` are done, both counted from 0."""

    epoch: int = 0
    step: int = 0


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training at one moment. There are no random states: draws are functions of the position.

    Attributes:
        origin: what it belongs to.
        position: where it stands.
        best: the best epoch so far.
        other_relations: matrix hashes of relations that earlier steps were trained with, where somebody asked for it.
        tensors: by name: ``network.*``, ``average.*``, ``best.*`` and ``optimiser.<parameter>.<what>``.
    """

    origin: Origin
    position: Position
    best: Best
    other_relations: tuple[str, ...]
    tensors: Mapping[str, Tensor]

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors whose name begins with ``<name>.``, under the rest of their name."""
        start = f"{name}."
        return {key.removeprefix(start): value for key, value in self.tensors.items() if key.startswith(start)}

    def save(self, path: Path) -> None:
        """Write the file in place of an older one.

        Raises:
            TrainingError: it cannot be written; the older file is as it was.
        """
        partial = path.with_name(path.name + ".partial")
        meta = {
            "format": _FORMAT,
            "origin": asdict(self.origin),
            "position": asdict(self.position),
            "best": asdict(self.best),
            "other_relations": self.other_relations,
        }
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.tensors.items()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, partial, {"lesionkg": json.dumps(meta, sort_keys=True)})
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(path)
            _sync_folder(path.parent)
        except (OSError, SafetensorError) as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise TrainingError(
                f"checkpoint {path}: could not be written ({_reason(error)}); the one before it is intact: free some "
                "space and give the same command again"
            ) from error

    @classmethod
    def load(cls, path: Path | str) -> Checkpoint:
        """Read a file written by :meth:`save`, on the CPU.

        Raises:
            UnsafeInputError: a pickle file; nothing of it was loaded.
            InputError: no such file, truncated, or not a checkpoint of ours.
        """
        source = Path(path)
        refuse_pickle(source)
        try:
            with safe_open(source, framework="pt") as file:
                meta = json.loads((file.metadata() or {})["lesionkg"])
                if meta["format"] != _FORMAT:
                    raise InputError(f"{source}: format {meta['format']!r}, expected {_FORMAT!r}; train again")
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            origin = Origin(**{**meta["origin"], "label_ids": tuple(meta["origin"]["label_ids"])})
            others = tuple(meta["other_relations"])
            return cls(origin, Position(**meta["position"]), Best(**meta["best"]), others, tensors)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{source}: not a whole checkpoint ({type(error).__name__}); remove it, or train with --restart"
            ) from error

    def require(self, origin: Origin, source: Path, allow_other_relations: bool = False) -> str:
        """Check that a training may continue from here.

        Args:
            origin: what the training belongs to.
            source: where this checkpoint was read from, for messages.
            allow_other_relations: other relations, and with them another cohort id, are no hindrance.

        Returns:
            A sentence on what differs and was asked for; empty when nothing does.

        Raises:
            TrainingError: labels, their order, recipe, label data, patches, ranks or relations differ.
        """
        mine = self.origin
        if mine.label_ids != origin.label_ids:
            raise TrainingError(
                f"checkpoint {source}: its {len(mine.label_ids)} labels are not the {len(origin.label_ids)} of this "
                "training, or not in that order; take the label set it was trained with, or train anew"
            )
        said = ""
        if mine.matrix_hash != origin.matrix_hash:
            said = (
                f"checkpoint {source}: trained with other relations (matrix hash {mine.matrix_hash[:10]}) than those "
                f"of this cohort ({origin.matrix_hash[:10]})"
            )
            if not allow_other_relations:
                raise TrainingError(
                    f"{said}; train anew, or give --allow-other-relations to continue with the new ones"
                )
            mine = replace(mine, matrix_hash=origin.matrix_hash, cohort=origin.cohort)
        for name, what in (
            ("recipe", "another recipe"),
            ("label_data_hash", "other labels of the lesions"),
            ("cohort", "another cohort"),
            ("inputs", "other patches"),
            ("ranks", "another number of processes"),
        ):
            if getattr(mine, name) != getattr(origin, name):
                raise TrainingError(
                    f"checkpoint {source}: trained with {what}{_first_difference(mine, origin, name)}; give the same, "
                    "or train anew with --restart"
                )
        return said


def refuse_pickle(path: Path) -> None:
    """Refuse what PyTorch writes by default, by name and by its first bytes.

    Raises:
        UnsafeInputError: it is a pickle file.
    """
    start = b""
    with contextlib.suppress(OSError), path.open("rb") as file:
        start = file.read(9)
    # A safetensors file begins with eight bytes of length, which can look like a pickle's first ones, and a brace.
    like_pickle = start.startswith(_PICKLE_STARTS) and not start.endswith(b"{")
    if path.suffix.lower() in _PICKLE_SUFFIXES or like_pickle:
        raise UnsafeInputError(
            f"{path}: a pickle checkpoint, which can run code when it is read; give a .safetensors file"
        )


def _first_difference(mine: Origin, other: Origin, name: str) -> str:
    if name != "recipe":
        return ""
    names = sorted(set(mine.recipe) | set(other.recipe))
    differing = next(n for n in names if mine.recipe.get(n) != other.recipe.get(n))
    return f" ({differing} {mine.recipe.get(differing)!r}, here {other.recipe.get(differing)!r})"


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error).splitlines()[0]


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last through a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def on_cpu(state: Mapping[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """Copies of tensors on the CPU, with a prefix before their names."""
    return {f"{prefix}{name}": value.detach().to("cpu", copy=True) for name, value in state.items()}
