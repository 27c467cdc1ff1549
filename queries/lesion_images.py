"""The pixels of a lesion, from what a data folder holds: the image files themselves, or a patch cache.

Image files of DeepLesion, or of a synthetic set, are looked for in ``HOME/images`` and ``HOME/set``; they give patches
at the resolution of the slice. Else the caches that lie in the data folder are looked through
(``lesionkg ingest images``).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kg.errors import InputError, NotFoundError
from kg.store import GraphStore

if TYPE_CHECKING:
    from ingest.images.geometry import PatchGeometry
    from ingest.images.patch_cache import PatchCache

HOW_TO_ADD = (
    "unpack DeepLesion's archives into HOME/images, or cut patches with `lesionkg ingest images --home HOME`; "
    "HOME is the data folder"
)

SIDE_MM = 120.0
"""Side of a patch that is cut from image files, as in LesaNet (section 5.2)."""

_LARGEST = 384
"""Pixels a side of such a patch, at most."""

_FACTS = """
UNWIND $ids AS id
MATCH (l:Lesion {id: id})
RETURN l.id AS lesion, l.file AS file, l.key_slice AS key_slice, l.box AS box, l.measurement AS ends,
       l.spacing_mm AS spacing_mm, l.slice_mm AS slice_mm, l.image_size AS image_size
ORDER BY lesion
"""


@dataclass(frozen=True, eq=False)
class LesionPatch:
    """The pixels around a lesion.

    Attributes:
        lesion: its id.
        hu: 3 x P x P int16, Hounsfield units: the slice towards the head, the key slice, the one towards the feet.
        spacing_mm: of a pixel of the patch.
        neighbour_mm: distance of the other two slices from the key slice.
        box: x1, y1, x2, y2 of the lesion in 0-based patch pixels; a whole number is the middle of a pixel.
        diameters: x and y of the four ends of the RECIST diameters, likewise; None when unknown.
        origin: where the pixels come from, for people.
    """

    lesion: str
    hu: np.ndarray
    spacing_mm: float
    neighbour_mm: float
    box: tuple[float, ...]
    diameters: tuple[float, ...] | None
    origin: str

    @property
    def size(self) -> int:
        """P."""
        return int(self.hu.shape[-1])


def lesion_patch(store: GraphStore, home: Path, lesion: str) -> LesionPatch:
    """The patch of a lesion.

    Args:
        store: the graph, which knows where the lesion is.
        home: the data folder.
        lesion: id.

    Raises:
        NotFoundError: no image of it is at hand, or the graph does not hold it.
        InputError: the image that is at hand cannot be read.
    """
    rows = store.read(_FACTS, {"ids": [lesion]})
    if not rows:
        raise NotFoundError(f"lesion {lesion[:80]!r}: not in this graph; give its id")
    folder = _series(home, rows[0])
    if folder is not None:
        return _cut(folder, rows[0])
    for cache in caches(home):
        if lesion in cache.row_of:
            return _cached(cache, rows[0])
    raise NotFoundError(f"no image of lesion {lesion} is at hand; {HOW_TO_ADD}")


def with_images(store: GraphStore, home: Path, lesions: list[str]) -> set[str]:
    """Those of the lesions of which an image is at hand."""
    found = {lesion for cache in caches(home) for lesion in lesions if lesion in cache.row_of}
    if image_folders(home):
        rows = store.read(_FACTS, {"ids": [lesion for lesion in lesions if lesion not in found]})
        found |= {row["lesion"] for row in rows if _series(home, row) is not None}
    return found


def thumbnail(patch: LesionPatch, window: tuple[float, float], side: int = 96) -> bytes:
    """A PNG of the key slice around the lesion, three times the size of its box at most.

    Args:
        patch: of the lesion.
        window: Hounsfield units shown black, and white.
        side: pixels of the picture.
    """
    from PIL import Image

    x1, y1, x2, y2 = patch.box
    reach = min(max(x2 - x1, y2 - y1, 20 / patch.spacing_mm) * 1.5, patch.size / 2)
    middle = patch.size / 2
    low, high = max(0, round(middle - reach)), min(patch.size, round(middle + reach))
    part = patch.hu[1, low:high, low:high].astype(np.float32)
    black, white = window
    grey = np.clip((part - black) / max(white - black, 1.0), 0, 1) * 255
    picture = Image.fromarray(np.rint(grey).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def image_folders(home: Path) -> list[Path]:
    """Folders of the data folder that hold series folders such as ``000001_01_01``, as far as they are there."""
    inner = "Images_png"
    tried = [home / name / part for name in ("images", "set") for part in ("", inner, f"{inner}/{inner}")]
    return [folder for folder in tried if folder.is_dir()]


def caches(home: Path) -> list[PatchCache]:
    """The patch caches that lie in the data folder; one that is damaged is passed over."""
    from ingest.images.patch_cache import MANIFEST

    found = []
    for manifest in sorted(home.glob(f"*/{MANIFEST}")):
        try:
            found.append(_open(manifest.parent, manifest.stat().st_mtime_ns))
        except (InputError, OSError):
            continue
    return found


@lru_cache(8)
def _open(folder: Path, changed: int) -> PatchCache:
    from ingest.images.patch_cache import PatchCache

    return PatchCache.open(folder)


def _series(home: Path, facts: dict[str, Any]) -> Path | None:
    """The folder of the lesion's series, when it is on this disk and all is known that cutting needs."""
    if None in (facts["file"], facts["key_slice"], facts["box"], facts["spacing_mm"]):
        return None
    name = str(facts["file"]).rsplit("_", 1)[0]
    if not name or Path(name).name != name:
        return None
    return next((folder / name for folder in image_folders(home) if (folder / name).is_dir()), None)


def _cut(folder: Path, facts: dict[str, Any]) -> LesionPatch:
    from ingest.images.geometry import PatchGeometry
    from ingest.images.patch import extract_patch
    from ingest.images.png_series import PngSeries

    series = PngSeries(folder, facts["spacing_mm"], facts["slice_mm"])
    size = min(2 * round(SIDE_MM / series.spacing_mm / 2), _LARGEST)
    geometry = PatchGeometry(size=size, spacing_mm=series.spacing_mm)
    x1, y1, x2, y2 = facts["box"]
    height, width = series.hu(facts["key_slice"]).shape
    geometry = replace(geometry, longest_side=max(height, width, size))
    patch = extract_patch(series, facts["key_slice"], (x1, y1, x2, y2), geometry)
    return _placed(np.rint(patch.hu).astype(np.int16), facts, geometry, max(height, width), tuple(patch.box), "images")


def _cached(cache: PatchCache, facts: dict[str, Any]) -> LesionPatch:
    from ingest.images.geometry import STEPS_PER_HU, WINDOW_HU

    row = cache.row_of[facts["lesion"]]
    hu = np.rint(np.asarray(cache.pixels[row], np.float32) / STEPS_PER_HU + WINDOW_HU[0]).astype(np.int16)
    longest = max(facts["image_size"] or (1,))
    return _placed(hu, facts, cache.geometry, longest, tuple(cache.boxes[row].tolist()), "patch cache")


def _placed(
    hu: np.ndarray, facts: dict[str, Any], geometry: PatchGeometry, longest: int, box: tuple[float, ...], origin: str
) -> LesionPatch:
    """A patch with box and diameters in its pixels, by the steps of :func:`ingest.images.patch.extract_patch`."""
    ends, own, spacing = facts["ends"], facts["box"], facts["spacing_mm"]
    placed = None
    used = geometry.spacing_mm
    if own is not None and spacing:
        scale = min(spacing / geometry.spacing_mm, geometry.longest_side / longest)
        used = spacing / scale
        centre = [round((own[axis] + own[axis + 2]) * scale / 2) for axis in (0, 1)]
        if ends is not None:
            placed = tuple(float(end * scale - centre[place % 2] + geometry.size / 2) for place, end in enumerate(ends))
    return LesionPatch(
        lesion=facts["lesion"],
        hu=hu,
        spacing_mm=float(used),
        neighbour_mm=geometry.neighbour_mm,
        box=tuple(float(value) for value in box),
        diameters=placed,
        origin=origin,
    )
