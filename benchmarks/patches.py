"""How quick the patch cache is beside decoding slices: ``python benchmarks/patches.py FOLDER``.

FOLDER holds DeepLesion series folders of 16-bit PNG slices. Prints ratios of one run, best of several repetitions.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ingest.images.build_cache import build_cache
from ingest.images.patch import extract_patch
from ingest.images.patch_cache import write_cache
from ingest.images.patch_jobs import deeplesion_jobs
from ingest.images.png_series import open_png_series
from ingest.release import Release

_TIMES = 30
_PATCHES = 4_000


def best(work: Callable[[], object]) -> float:
    """Least seconds of several repetitions."""
    taken = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    """Print the ratios."""
    jobs = deeplesion_jobs(Release.shipped(), Path(sys.argv[1])).jobs
    job = jobs[0]

    def decode() -> None:
        series = open_png_series(job.path, job.spacing_mm, job.slice_mm)
        for number in (job.key_slice - 1, job.key_slice, job.key_slice + 1):
            series.hu(number)

    warm = open_png_series(job.path, job.spacing_mm, job.slice_mm)
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        few = build_cache(Path(folder) / "few", jobs).cache
        copies = np.arange(_PATCHES) % len(jobs)
        names = [str(place) for place in range(_PATCHES)]
        cache = write_cache(Path(folder) / "many", few.geometry, names, few.pixels[copies], few.boxes[copies])
        decoding = best(decode)
        cutting = best(lambda: extract_patch(warm, job.key_slice, job.box))
        reading = best(lambda: np.array(cache.pixels[draw.integers(_PATCHES, size=128)])) / 128
    print(f"decoding three PNG slices of 512 x 512: {decoding * 1e3:.2f} ms")
    print(f"cutting the patch out of decoded slices: {cutting * 1e3:.2f} ms, {cutting / decoding:.2f} of decoding")
    print(f"reading a patch of a random batch of 128 from the cache: {reading * 1e3:.3f} ms")
    print(f"decoding three slices takes {decoding / reading:.0f} times as long as reading the patch")


if __name__ == "__main__":
    main()
