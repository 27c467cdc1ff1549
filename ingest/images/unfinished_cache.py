"""A patch cache under construction: a folder that knows which patches are finished, whatever interrupts it.

Beside the patches lie a plan, which says of what jobs they are, and a journal, which says which of them are finished,
with their checksums. Going on believes a line of the journal only when the patch has its checksum.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.images.geometry import PatchGeometry
from ingest.images.patch_cache import CACHE_SCHEMA, FORMAT, MANIFEST, PIXELS, PatchCache, digest, finish_cache
from ingest.images.patch_jobs import PatchJob
from kg.errors import InputError, StoreBusyError

PROBLEMS = "problems.csv"
_PLAN, _JOURNAL = "plan.json", "journal.jsonl"


@dataclass(frozen=True)
class Problem:
    """A lesion that was left out, and why."""

    lesion: str
    reason: str


@dataclass(frozen=True, eq=False)
class Cut:
    """One job's result: a patch with its box, or the reason why there is none.

    Attributes:
        place: of the job among all.
        pixels: 3 x size x size int16, None when it was left out.
        box: in patch pixels.
        substituted: numbers of missing slices.
        reason: "" when there is a patch.
    """

    place: int
    pixels: np.ndarray | None = None
    box: tuple[float, ...] = ()
    substituted: tuple[int, ...] = ()
    reason: str = ""


@dataclass(eq=False)
class UnfinishedCache:
    """A folder in which a cache is made.

    Attributes:
        folder: where.
        geometry: of its patches.
        lines: what is finished, by place.
    """

    folder: Path
    geometry: PatchGeometry
    lines: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def begin(cls, target: Path, jobs: Sequence[PatchJob], geometry: PatchGeometry) -> UnfinishedCache:
        """Go on with an interrupted build of the same jobs, or begin; patches left out before are tried again.

        Args:
            target: folder of the cache that this one becomes; it is made beside it.
            jobs: all of them.
            geometry: of the patches.
        """
        older = _older(target)
        if older.exists() and not target.exists():
            older.rename(target)  # the last build ended between its two renames
        folder = target.with_name(f".{target.name}.building")
        plan = {"format": FORMAT, "jobs": _plan_hash(jobs, geometry)}
        work = cls(folder, geometry)
        try:
            same = json.loads((folder / _PLAN).read_text(encoding="utf-8")) == plan
        except (OSError, ValueError):
            same = False
        if same:
            (folder / MANIFEST).unlink(missing_ok=True)
            work.lines = work._finished()
            work._rewrite_journal()
            return work
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / PIXELS).touch()
        (folder / _JOURNAL).touch()
        (folder / _PLAN).write_text(json.dumps(plan), encoding="utf-8")
        return work

    @property
    def row_bytes(self) -> int:
        """Bytes of a patch."""
        return 3 * self.geometry.size**2 * 2

    def add(self, cuts: Sequence[Cut]) -> None:
        """Store finished jobs: patches first, then the journal that names them."""
        lines = {}
        with (self.folder / PIXELS).open("r+b") as file:
            for cut in cuts:
                line = {"reason": cut.reason, "box": cut.box, "substituted": cut.substituted, "sha256": ""}
                if cut.pixels is not None:
                    file.seek(cut.place * self.row_bytes)
                    file.write(np.ascontiguousarray(cut.pixels, "<i2").tobytes())
                    line["sha256"] = digest(cut.pixels)
                lines[cut.place] = line
        with (self.folder / _JOURNAL).open("a", encoding="utf-8") as file_:
            file_.writelines(json.dumps([place, line]) + "\n" for place, line in lines.items())
        self.lines |= lines

    def finish(self, jobs: Sequence[PatchJob]) -> tuple[Problem, ...]:
        """Close the gaps that left-out lesions leave, and write the tables; the folder is then a whole cache.

        Raises:
            InputError: not one patch could be cut.
        """
        good = [place for place in range(len(jobs)) if not self.lines[place]["reason"]]
        problems = tuple(
            Problem(job.lesion, self.lines[place]["reason"])
            for place, job in enumerate(jobs)
            if self.lines[place]["reason"]
        )
        if not good:
            raise InputError(
                f"patch cache: none of {len(jobs)} lesions has a usable image (the first: {problems[0].lesion}, "
                f"{problems[0].reason})"
            )
        self._close_gaps(good)
        kept = [self.lines[place] for place in good]
        boxes = np.array([line["box"] for line in kept], np.float32)
        rows = pa.table(
            [
                [jobs[place].lesion for place in good],
                pa.FixedSizeListArray.from_arrays(pa.array(boxes.ravel()), 4),
                [line["sha256"] for line in kept],
                pa.array([line["substituted"] for line in kept], pa.list_(pa.int32())),
            ],
            schema=CACHE_SCHEMA,
        )
        with (self.folder / PROBLEMS).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["lesion", "reason"])
            writer.writerows([problem.lesion, problem.reason] for problem in problems)
        finish_cache(self.folder, self.geometry, rows)
        return problems

    def take_the_place_of(self, target: Path) -> PatchCache:
        """Give the finished folder the cache's name; an older cache is removed after that."""
        older = _older(target)
        shutil.rmtree(older, ignore_errors=True)
        if target.exists():
            target.rename(older)
        self.folder.rename(target)
        shutil.rmtree(older, ignore_errors=True)
        # Kept until now, so that nothing need be cut again had the build ended before the rename.
        (target / _JOURNAL).unlink()
        (target / _PLAN).unlink()
        return PatchCache.open(target)

    def _close_gaps(self, good: Sequence[int]) -> None:
        # In place: a patch only ever moves towards the front. A build interrupted here cuts again what lies in a wrong
        # place, for its checksum tells.
        with (self.folder / PIXELS).open("r+b") as file:
            for row, place in enumerate(good):
                if row != place:
                    file.seek(place * self.row_bytes)
                    patch = file.read(self.row_bytes)
                    file.seek(row * self.row_bytes)
                    file.write(patch)
            file.truncate(len(good) * self.row_bytes)
            file.flush()
            os.fsync(file.fileno())

    def _finished(self) -> dict[int, dict[str, Any]]:
        """Journal lines whose patches are as written; the last line may be cut short."""
        found: dict[int, dict[str, Any]] = {}
        for text in (self.folder / _JOURNAL).read_text(encoding="utf-8").splitlines():
            try:
                place, line = json.loads(text)
            except ValueError:
                continue
            found[place] = line
        with (self.folder / PIXELS).open("rb") as file:
            for place, line in list(found.items()):
                file.seek(place * self.row_bytes)
                if line["reason"] or hashlib.sha256(file.read(self.row_bytes)).hexdigest() != line["sha256"]:
                    del found[place]
        return found

    def _rewrite_journal(self) -> None:
        partial = self.folder / (_JOURNAL + ".partial")
        partial.write_text("".join(json.dumps([p, line]) + "\n" for p, line in self.lines.items()), encoding="utf-8")
        partial.replace(self.folder / _JOURNAL)


@contextmanager
def only_build(target: Path) -> Iterator[None]:
    """Keep other processes from building the same cache for the time of a ``with`` block.

    Raises:
        StoreBusyError: one is at it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusyError(
                f"patch cache {target}: another process is building it; wait for it, or give another folder"
            ) from None
        yield


def _older(target: Path) -> Path:
    return target.with_name(f".{target.name}.older")


def _plan_hash(jobs: Sequence[PatchJob], geometry: PatchGeometry) -> str:
    content = [geometry.as_dict(), [asdict(job) for job in jobs]]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
