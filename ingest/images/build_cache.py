"""Builds a patch cache: in parallel, resumable after any interruption, and whole or not at all.

Patches are written into a folder beside the cache's own; a journal says which are finished. When all are done the
folder is renamed to the cache's name, in place of an older one, which stays usable until then. What cannot be cut is
left out and told in ``problems.csv``.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ingest.images.crew import Answer, crew
from ingest.images.geometry import PatchGeometry
from ingest.images.patch import extract_patch, stored
from ingest.images.patch_cache import PatchCache, digest
from ingest.images.patch_jobs import PatchJob, in_series
from ingest.images.unfinished_cache import Cut, Problem, UnfinishedCache, only_build
from kg.errors import InputError, StoreError

_TASK = 32
_MOST_TOLD = 200


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
    geometry, begin anew: to add lesions to a finished cache, name all of them.

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
        StoreBusyError: another process is building this cache.
        StoreError: the disk is full or cannot be written; what was finished is kept for the next time.
        LesionKGError: a worker process died, or the cluster; what was finished is kept.
    """
    geometry = geometry or PatchGeometry()
    target = Path(folder).absolute()
    if len({job.lesion for job in jobs}) != len(jobs):
        raise InputError("patch cache: a lesion is named twice; give each lesion once")
    try:
        with only_build(target):
            work = UnfinishedCache.begin(target, jobs, geometry)
            resumed = len(work.lines)
            _cut_all(work, jobs, geometry, workers, dask, progress)
            problems = work.finish(jobs)
            cache = work.take_the_place_of(target)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise StoreError(
            f"patch cache {folder}: cannot be written ({reason}); free some space and give the same command again: "
            "finished patches are kept, and an older cache is as it was"
        ) from error
    substituted = int(np.count_nonzero(cache.table["substituted"].combine_chunks().value_lengths().to_numpy()))
    return Built(cache, problems, resumed, substituted)


def verify_cache(cache: PatchCache) -> tuple[str, ...]:
    """Lesions whose stored patch is no longer the one that was written (SHA-256)."""
    rows = zip(cache.lesions, cache.table["sha256"].to_pylist(), cache.pixels, strict=True)
    return tuple(lesion for lesion, expected, patch in rows if digest(patch) != expected)


def _cut_all(
    work: UnfinishedCache,
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
        under_way: deque[tuple[tuple[int, ...], Answer[list[Cut]]]] = deque()
        for places in [*tasks, None]:
            if places is not None:
                under_way.append((places, hands.submit(places, [jobs[place] for place in places], geometry)))
            while under_way and (places is None or len(under_way) >= hands.ahead):
                finished, answer = under_way.popleft()
                work.add(answer.result())
                done += len(finished)
                if progress is not None:
                    progress(done, len(jobs))


def _cut(places: Sequence[int], jobs: Sequence[PatchJob], geometry: PatchGeometry) -> list[Cut]:
    """Cut the lesions of one series. Raises nothing: whatever is wrong with one file, the batch goes on."""
    with threadpool_limits(1):
        try:
            source = jobs[0].open()
        except Exception as error:  # noqa: BLE001
            return [Cut(place, reason=_told(error)) for place in places]
        cuts = []
        for place, job in zip(places, jobs, strict=True):
            try:
                patch = extract_patch(source, job.number(source), job.box, geometry)
            except Exception as error:  # noqa: BLE001
                cuts.append(Cut(place, reason=_told(error)))
            else:
                box = tuple(float(value) for value in patch.box.astype(np.float32))
                cuts.append(Cut(place, stored(patch), box, patch.substituted))
        return cuts


def _told(error: Exception) -> str:
    """Why a lesion is left out. Messages that are not ours may quote a path or a tag: of those the kind only."""
    if isinstance(error, InputError):
        return " ".join(str(error).split())[:_MOST_TOLD]
    if isinstance(error, OSError):
        return f"its files cannot be read ({os.strerror(error.errno or 0) if error.errno else type(error).__name__})"
    return f"could not be cut ({type(error).__name__}); please report this"
