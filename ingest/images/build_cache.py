"""Builds a patch cache: in parallel, resumable after any interruption, and whole or not at all.

Patches are written into a folder beside the cache's own; a journal says which are finished, each line after its patches
are on the disk. When all are done the folder is renamed to the cache's name, in place of an older one, which stays
usable until then. What cannot be cut is left out and told in ``problems.csv``.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from ingest.images.crew import Answer, crew, result
from ingest.images.geometry import PatchGeometry
from ingest.images.patch import extract_patch, stored
from ingest.images.patch_cache import CACHE_SCHEMA, FORMAT, PIXELS, PatchCache, digest, finish_cache
from ingest.images.patch_jobs import PatchJob, in_series
from kg.errors import InputError, StoreError

PROBLEMS = "problems.csv"
_PLAN, _JOURNAL = "plan.json", "journal.jsonl"
_TASK = 32
_MOST_TOLD = 200


@dataclass(frozen=True)
class Problem:
    """A lesion that was left out, and why."""

    lesion: str
    reason: str


@dataclass(frozen=True, eq=False)
class Built:
    """What building left.

    Attributes:
        cache: the finished cache.
        problems: lesions that were left out.
        resumed: patches that an interrupted build had finished.
        substituted: patches for which a slice was missing, and a nearer one taken.
    """

    cache: PatchCache
    problems: tuple[Problem, ...]
    resumed: int
    substituted: int


@dataclass(frozen=True, eq=False)
class _Cut:
    """One job's result: a patch with its box, or the reason why there is none."""

    place: int
    pixels: np.ndarray | None = None
    box: tuple[float, ...] = ()
    substituted: tuple[int, ...] = ()
    reason: str = ""


def build_cache(
    folder: Path | str,
    jobs: Sequence[PatchJob],
    geometry: PatchGeometry | None = None,
    workers: int = 1,
    dask: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Built:
    """Cut all patches into one cache.

    An interrupted build of the same jobs goes on where it stopped, and ends with the same bytes. Other jobs, or another
    geometry, begin anew.

    Args:
        folder: the cache's folder; an older cache there is replaced when the new one is whole.
        jobs: in the order of the patches.
        geometry: size and resolution; the paper's when None.
        workers: processes; 1 cuts in this one.
        dask: address of a Dask scheduler, which then decides how many work; its workers must see the same files.
        progress: told patches done, and in all.

    Raises:
        UsageError: fewer than one worker, or no scheduler answers.
        InputError: not one patch could be cut, or a lesion is named twice.
        StoreError: the disk is full or cannot be written; what was finished is kept for the next time.
    """
    geometry = geometry or PatchGeometry()
    target = Path(folder)
    if len({job.lesion for job in jobs}) != len(jobs):
        raise InputError("patch cache: a lesion is named twice; give each lesion once")
    building = target.with_name(f".{target.name}.building")
    try:
        work = _Building.begin(building, jobs, geometry)
        resumed = sum(1 for line in work.lines.values() if not line["reason"])
        _cut_all(work, jobs, geometry, workers, dask, progress)
        cache, problems = work.finish(jobs)
        _swap(building, target)
    except OSError as error:
        raise StoreError(
            f"patch cache {target}: cannot be written ({os.strerror(error.errno or 0)}); free some space and give the "
            "same command again: finished patches are kept, and an older cache is as it was"
        ) from error
    whole = PatchCache.open(target)
    substituted = int(np.count_nonzero(cache.table["substituted"].combine_chunks().value_lengths().to_numpy()))
    return Built(whole, problems, resumed, substituted)


def verify_cache(cache: PatchCache) -> tuple[str, ...]:
    """Lesions whose stored patch is no longer the one that was written (SHA-256)."""
    rows = zip(cache.lesions, cache.table["sha256"].to_pylist(), cache.pixels, strict=True)
    return tuple(lesion for lesion, expected, patch in rows if digest(patch) != expected)


@dataclass(eq=False)
class _Building:
    """A cache under construction."""

    folder: Path
    geometry: PatchGeometry
    lines: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def begin(cls, folder: Path, jobs: Sequence[PatchJob], geometry: PatchGeometry) -> _Building:
        """Go on with an interrupted build of the same jobs, or begin."""
        plan = {"format": FORMAT, "jobs": _plan_hash(jobs, geometry)}
        work = cls(folder, geometry)
        try:
            same = json.loads((folder / _PLAN).read_text(encoding="utf-8")) == plan
        except (OSError, ValueError):
            same = False
        if same:
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
        return 3 * self.geometry.size**2 * 2

    def add(self, cuts: Sequence[_Cut]) -> None:
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
            file.flush()
            os.fsync(file.fileno())
        with (self.folder / _JOURNAL).open("a", encoding="utf-8") as file_:
            file_.writelines(json.dumps([place, line]) + "\n" for place, line in lines.items())
            file_.flush()
            os.fsync(file_.fileno())
        self.lines |= lines

    def finish(self, jobs: Sequence[PatchJob]) -> tuple[PatchCache, tuple[Problem, ...]]:
        """Close the gaps that left-out lesions leave, and write the table."""
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
        if good != list(range(len(good))):
            self._close_gaps(good)
        os.truncate(self.folder / PIXELS, len(good) * self.row_bytes)
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
        cache = finish_cache(self.folder, self.geometry, rows)
        (self.folder / _JOURNAL).unlink()
        (self.folder / _PLAN).unlink()
        return cache, problems

    def _close_gaps(self, good: Sequence[int]) -> None:
        # Into a new file: an interruption here must leave the journal true.
        partial = self.folder / (PIXELS + ".partial")
        with (self.folder / PIXELS).open("rb") as source, partial.open("wb") as target:
            for place in good:
                source.seek(place * self.row_bytes)
                target.write(source.read(self.row_bytes))
            target.flush()
            os.fsync(target.fileno())
        # From here on the journal is not: its places are those before. A build interrupted now begins anew.
        (self.folder / _PLAN).write_text("{}", encoding="utf-8")
        partial.replace(self.folder / PIXELS)

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
                if line["reason"]:
                    # Left-out lesions are tried again: the file may have been repaired.
                    del found[place]
                    continue
                file.seek(place * self.row_bytes)
                if hashlib.sha256(file.read(self.row_bytes)).hexdigest() != line["sha256"]:
                    del found[place]
        return found

    def _rewrite_journal(self) -> None:
        partial = self.folder / (_JOURNAL + ".partial")
        partial.write_text("".join(json.dumps([p, line]) + "\n" for p, line in self.lines.items()), encoding="utf-8")
        partial.replace(self.folder / _JOURNAL)


def _plan_hash(jobs: Sequence[PatchJob], geometry: PatchGeometry) -> str:
    content = [geometry.as_dict(), [asdict(job) for job in jobs]]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def _swap(building: Path, target: Path) -> None:
    """Put the finished folder in the place of the older one."""
    older = target.with_name(f".{target.name}.older")
    shutil.rmtree(older, ignore_errors=True)
    if target.exists():
        target.rename(older)
    building.rename(target)
    shutil.rmtree(older, ignore_errors=True)


def _cut_all(
    work: _Building,
    jobs: Sequence[PatchJob],
    geometry: PatchGeometry,
    workers: int,
    dask: str,
    progress: Callable[[int, int], None] | None,
) -> None:
    left = [place for place in range(len(jobs)) if place not in work.lines]
    tasks = [tuple(left[i] for i in group) for group in in_series([jobs[place] for place in left], _TASK)]
    done = len(jobs) - len(left)
    if progress is not None:
        progress(done, len(jobs))
    with crew(_cut, workers, dask) as hands:
        under_way: deque[tuple[tuple[int, ...], Answer[list[_Cut]]]] = deque()
        for places in [*tasks, None]:
            if places is not None:
                under_way.append((places, hands.submit(places, [jobs[place] for place in places], geometry)))
            while under_way and (places is None or len(under_way) >= hands.ahead):
                finished, answer = under_way.popleft()
                work.add(result(answer))
                done += len(finished)
                if progress is not None:
                    progress(done, len(jobs))


def _cut(places: Sequence[int], jobs: Sequence[PatchJob], geometry: PatchGeometry) -> list[_Cut]:
    """Cut the lesions of one series."""
    with threadpool_limits(1):
        try:
            source = jobs[0].open()
        except InputError as error:
            return [_Cut(place, reason=_told(error)) for place in places]
        cuts = []
        for place, job in zip(places, jobs, strict=True):
            try:
                patch = extract_patch(source, job.number(source), job.box, geometry)
            except InputError as error:
                cuts.append(_Cut(place, reason=_told(error)))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one file: the batch goes on
                cuts.append(_Cut(place, reason=f"could not be cut ({type(error).__name__}); please report this"))
            else:
                box = tuple(float(value) for value in patch.box.astype(np.float32))
                cuts.append(_Cut(place, stored(patch), box, patch.substituted))
        return cuts


def _told(error: InputError) -> str:
    return " ".join(str(error).split())[:_MOST_TOLD]
