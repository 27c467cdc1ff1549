"""Builds a patch cache from a made PNG folder, slowly enough to be killed: ``python killed_cache.py SERIES OUT``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ingest.images.build_cache import build_cache
from ingest.images.geometry import PatchGeometry
from ingest.images.patch_jobs import PatchJob

GEOMETRY = PatchGeometry(size=32)


def jobs(root: Path, series: int = 6) -> list[PatchJob]:
    """Three lesions in each series."""
    return [
        PatchJob(f"M:{s}{n}", str(root / f"{s:06d}_01_01"), False, 3, (5.0 + n, 6.0, 15.0 + n, 14.0), 0.9, 2.5)
        for s in range(1, series + 1)
        for n in range(3)
    ]


if __name__ == "__main__":
    build_cache(sys.argv[2], jobs(Path(sys.argv[1])), GEOMETRY, progress=lambda done, of: time.sleep(0.15))
