"""Runs that were trained elsewhere: everything of a run's folder but its weights, taken in file by file.

A run is registered with its configuration, which holds the SHA-256 of every file; then its files arrive in any order.
A file appears whole, or not at all; when the last one is there, all are read and checked together.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO, Any

import numpy as np
import pyarrow as pa
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from kg.errors import ConflictError, InputError, LesionKGError, NotFoundError
from learn.run import FORMAT, Run
from learn.run_folder import read_config, write_json

FILES = (
    "matrices.safetensors",
    "metrics.json",
    "model_card.md",
    "per_label.csv",
    "predictions.parquet",
    "spl.safetensors",
    "thresholds.json",
)
"""What is uploaded of a run."""

WEIGHTS = "weights.safetensors"
"""What stays where it was trained."""

_CONFIG, _TENSORS = "config.json", "weights.json"
_RUN_ID = re.compile(r"(metadata|image)-[0-9a-f]{10}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Tensor:
    """What is told of a tensor of the weights.

    Attributes:
        name: its name.
        dtype: type of its numbers, as safetensors calls it.
        shape: its shape.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape)}


@dataclass(frozen=True, slots=True)
class Registered:
    """A run as far as it has arrived.

    Attributes:
        run_id: its id.
        config: content of its ``config.json``.
        tensors: of its weights.
        missing: files that have not arrived.
    """

    run_id: str
    config: Mapping[str, Any]
    tensors: tuple[Tensor, ...]
    missing: tuple[str, ...]


def tensors_of(folder: Path) -> tuple[Tensor, ...]:
    """Names, types and shapes of a run's weights; the numbers are not read.

    Raises:
        InputError: the folder holds no weights.
    """
    try:
        with safe_open(str(folder / WEIGHTS), framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in sorted(file.keys())}
            return tuple(Tensor(name, str(s.get_dtype()), tuple(s.get_shape())) for name, s in slices.items())
    except (OSError, SafetensorError) as error:
        raise InputError(f"{folder}: holds no weights ({type(error).__name__}); give a run's folder") from error


class RegisteredRuns:
    """The runs of one folder; threads of one process may share it.

    Args:
        folder: made when the first run is registered.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()

    def all(self) -> list[Registered]:
        """Every run, by id."""
        found = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        return [self.find(path.name) for path in found if (path / _CONFIG).is_file() and _RUN_ID.fullmatch(path.name)]

    def find(self, run_id: str) -> Registered:
        """A run as far as it has arrived.

        Raises:
            NotFoundError: it was not registered.
        """
        folder = self._of(run_id)
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        tensors = json.loads((folder / _TENSORS).read_text(encoding="utf-8"))
        return Registered(
            run_id=run_id,
            config=config,
            tensors=tuple(Tensor(one["name"], one["dtype"], tuple(one["shape"])) for one in tensors),
            missing=tuple(name for name in FILES if not (folder / name).is_file()),
        )

    def register(self, config: Mapping[str, Any], tensors: Iterable[Tensor]) -> tuple[Registered, bool]:
        """Take in what a run was trained with; its files follow.

        Args:
            config: content of its ``config.json``.
            tensors: of its weights.

        Returns:
            The run, and whether it is new; a run that was registered before is left as it is.

        Raises:
            InputError: it is no configuration of a run.
            ConflictError: another run has this id.
        """
        run_id = _checked(config)
        given = tuple(tensors)
        target = self._folder / run_id
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._lock:
            if not target.exists():
                partial = Path(tempfile.mkdtemp(prefix=f".{run_id}.", dir=self._folder))
                try:
                    write_json(partial / _CONFIG, config)
                    write_json(partial / _TENSORS, [one.as_dict() for one in given])
                    partial.rename(target)
                except BaseException:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise
                return self.find(run_id), True
            known = self.find(run_id)
        if (known.config, known.tensors) != (config, given):
            raise ConflictError(
                f"run {run_id}: another run of the same configuration is registered under this id; "
                "publish that one, or train with other seeds"
            )
        return known, False

    @contextmanager
    def arriving(self, run_id: str, name: str) -> Iterator[IO[bytes]]:
        """Take in a file: what is written to the stream is stored when the block ends, and not when it raises.

        Args:
            run_id: of a registered run.
            name: one of :data:`FILES`.

        Raises:
            NotFoundError: the run was not registered, or has no such file.
            InputError: its SHA-256 is not the registered one, or the files do not belong together.
        """
        run = self.find(run_id)
        if name not in FILES:
            raise NotFoundError(f"run {run_id}: has no file {name!r}; send {', '.join(FILES)}")
        folder = self._of(run_id)
        with tempfile.NamedTemporaryFile(prefix=f".{name}.", dir=folder) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            stream.seek(0)
            if hashlib.file_digest(stream, "sha256").hexdigest() != run.config["files"][name]:
                raise InputError(f"run {run_id}: {name} is not the file that was registered; send it again")
            with self._lock:
                self._store(run_id, Path(stream.name), folder / name)

    def _store(self, run_id: str, arrived: Path, target: Path) -> None:
        if target.is_file():
            return
        # A link of the same file under its own name; the temporary name goes when the stream is closed.
        os.link(arrived, target)
        if not self.find(run_id).missing:
            try:
                _read(target.parent)
            except InputError:
                target.unlink()
                raise

    def read(self, run_id: str) -> Run:
        """A run whose files have all arrived; of its weights it has those of score propagation only.

        Raises:
            NotFoundError: it was not registered.
            ConflictError: some files have not arrived.
            InputError: the files were altered.
        """
        missing = self.find(run_id).missing
        if missing:
            raise ConflictError(f"run {run_id}: {', '.join(missing)} did not arrive yet; send what is missing")
        return _read(self._of(run_id))

    def _of(self, run_id: str) -> Path:
        folder = self._folder / run_id
        if not _RUN_ID.fullmatch(run_id) or not (folder / _CONFIG).is_file():
            raise NotFoundError(f"run {run_id!r}: was not registered here; `lesionkg publish RUN --server URL` does it")
        return folder


def _checked(config: Mapping[str, Any]) -> str:
    """The id of a configuration that can be one; whether its files fit is seen when they are there."""
    run_id, files = config.get("run_id"), config.get("files")
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise InputError("run: has no id of the form metadata-0123456789; send the config.json of a run's folder")
    digests = files.values() if isinstance(files, dict) else ()
    if not isinstance(files, dict) or set(files) != {*FILES, WEIGHTS}:
        raise InputError(f"run {run_id}: its files are not {', '.join((*FILES, WEIGHTS))}; train again")
    if not all(isinstance(digest, str) and _DIGEST.fullmatch(digest) for digest in digests):
        raise InputError(f"run {run_id}: the hash of a file is no SHA-256; send the config.json of a run's folder")
    return run_id


def _read(folder: Path) -> Run:
    """A whole registered run.

    Raises:
        InputError: a file was altered, or they do not belong together.
    """
    try:
        config = read_config(folder, FORMAT, absent=(WEIGHTS,))
        spl = load_file(folder / "spl.safetensors")
        weights = {
            f"{seed}.propagation.{part}": spl[part][member]
            for member, seed in enumerate(config["seeds"])
            for part in ("weight", "bias")
        }
        run = Run.from_files(folder, config, weights)
        _require_shapes(run)
    except InputError as error:
        raise InputError(f"run {folder.name}: {error}; register the run's folder as training left it") from error
    except (OSError, ValueError, KeyError, IndexError, TypeError, pa.ArrowException, SafetensorError) as error:
        raise InputError(f"run {folder.name}: not a whole run ({type(error).__name__}); register it anew") from error
    except LesionKGError as error:
        raise InputError(f"run {folder.name}: {error}") from error
    return run


def _require_shapes(run: Run) -> None:
    size, lesions = run.matrices.size, len(run.lesions)
    shapes = {
        "score": (run.score, (lesions, size)),
        "probability": (run.probability, (lesions, size)),
        "embedding": (run.embedding, (lesions, run.embedding.shape[-1])),
        "split": (run.split, (lesions,)),
        "score propagation": (run.spl_weight, (len(run.seeds), size, size)),
    }
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            raise InputError(f"its {name} has the shape {array.shape}, not {shape}")
        if name != "split" and not np.isfinite(array).all():
            raise InputError(f"its {name} holds a number that is not finite")
    if len(set(run.lesions)) != lesions or not set(run.split.tolist()) <= {"val", "test"}:
        raise InputError("its predictions name a lesion twice, or another split than val and test")
    if not isinstance(run.metrics["test"]["macro_auc"], (int, float)):
        raise InputError("its metrics hold no macro AUC on the test split")
