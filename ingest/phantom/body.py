"""The synthetic body: an atlas of soft ellipsoids (``anatomy.yaml``), varied for each patient, drawn slice by slice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import yaml

AIR, FAT, MUSCLE, SKIN = -1000.0, -100.0, 55.0, 30.0
_NOISE_HU = 12.0
_TWO_THIGHS_FROM = 830.0


@dataclass(frozen=True)
class Grid:
    """Pixels of a slice.

    Attributes:
        size: pixels in x and y.
        spacing: millimetres of a pixel.
    """

    size: int
    spacing: float

    def axis(self) -> np.ndarray:
        """Millimetres from the middle of the image at each pixel centre, shape (size,)."""
        return ((np.arange(self.size) - (self.size - 1) / 2) * self.spacing).astype(np.float32)

    def pixel(self, mm: np.ndarray | float) -> np.ndarray:
        """Pixel coordinate (0-based, pixel centres are whole) of a distance from the middle."""
        return np.asarray(mm) / self.spacing + (self.size - 1) / 2

    def window(self, centre: float, reach: float) -> slice:
        """Pixels within ``reach`` millimetres of ``centre`` on an axis."""
        low, high = self.pixel(centre - reach), self.pixel(centre + reach)
        return slice(max(0, int(np.floor(low))), max(0, min(self.size, int(np.ceil(high)) + 1)))


@dataclass(frozen=True)
class Body:
    """One patient's body.

    Attributes:
        scale: factors on x, y, z of the atlas.
        organs: K x 7: density in HU, centre x, y, z and half axes x, y, z in millimetres of this body.
        outline: 3 x M: depths z, half width, half depth of the trunk there.
    """

    scale: np.ndarray
    organs: np.ndarray
    outline: np.ndarray

    @classmethod
    def varied(cls, rng: np.random.Generator) -> Body:
        """A body of its own: other proportions, organs a little displaced, larger or smaller, denser or not."""
        organs, outline = _atlas()
        scale = np.exp(rng.normal(0, 0.05, 3))
        own = organs.copy()
        own[:, 0] += rng.normal(0, 0.05, len(own)) * np.abs(own[:, 0])
        own[:, 1:4] = (own[:, 1:4] + rng.normal(0, 2.5, (len(own), 3))) * scale
        own[:, 4:7] *= scale * np.exp(rng.normal(0, 0.07, (len(own), 3)))
        return cls(scale, own, outline * scale[[2, 0, 1], None])

    def place(self, position: np.ndarray) -> np.ndarray:
        """A place of the atlas in this body, pulled inside its outline; shape (3,)."""
        at: np.ndarray = position * self.scale
        half = self.half_axes(at[2])
        out = float(np.sqrt(((at[:2] / half) ** 2).sum()))
        at[:2] /= max(1.0, out / 0.97)
        return at

    def half_axes(self, z: float) -> np.ndarray:
        """Half width and half depth of the trunk at depth z, shape (2,)."""
        depths, width, height = self.outline
        return np.array([np.interp(z, depths, width), np.interp(z, depths, height)])

    def relative(self, position: np.ndarray) -> np.ndarray:
        """x and y relative to the trunk at that depth, z along the body, as DeepLesion gives it; each in [0, 1]."""
        half = self.half_axes(position[2])
        along = 0.3 + 0.00068 * position[2] / self.scale[2]
        return np.asarray(np.clip([*(0.5 + 0.5 * position[:2] / half), along], 0, 1))

    def slice(self, z: float, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """The slice at depth z, shape (size, size) in HU, float32; rows go to the back, columns to the left side."""
        x, y = grid.axis()[None, :], grid.axis()[:, None]
        image = np.full((grid.size, grid.size), AIR, np.float32)
        half = self.half_axes(z)
        edge = 2.0 * grid.spacing
        thighs = z > _TWO_THIGHS_FROM * self.scale[2]
        if thighs:
            trunk = np.sqrt(((np.abs(x) - 0.5 * half[0]) / (0.48 * half[0])) ** 2 + (y / half[1]) ** 2)
        else:
            trunk = np.sqrt((x / half[0]) ** 2 + (y / half[1]) ** 2)
        outer = trunk
        if abs(z / self.scale[2] - 262) < 40:
            outer = np.minimum(trunk, np.sqrt(((np.abs(x) - 85) / 42) ** 2 + ((y + 92) / 30) ** 2))
        inside = (1 - outer) * half[1]
        image += (FAT - AIR) + (SKIN - FAT) * np.clip((4 - inside) / edge, 0, 1)
        if not thighs:
            image += (MUSCLE - FAT) * np.clip(((1 - trunk) * half[1] - 14) / edge, 0, 1)
        self._ribs(image, trunk, x, y, z)
        for hu, cx, cy, cz, rx, ry, rz in self.organs:
            rest = 1 - ((z - cz) / rz) ** 2
            if rest > 0.01:
                shrink = np.sqrt(rest)
                draw_ellipse(image, grid, hu, (cx, cy), (rx * shrink, ry * shrink))
        image += rng.standard_normal(image.shape, np.float32) * _NOISE_HU
        return np.asarray(AIR + (image - AIR) * np.clip(inside / edge + 0.5, 0, 1), np.float32)

    def _ribs(self, image: np.ndarray, radius: np.ndarray, x: np.ndarray, y: np.ndarray, z: float) -> None:
        depth = z / self.scale[2]
        if 130 < depth < 420:
            waves = np.cos(9 * np.arctan2(y, np.abs(x)) + depth / 6)
            image += 300 * np.clip(1 - np.abs(radius - 0.86) / 0.045, 0, 1) * np.clip(2 * waves, 0, 1)


def draw_ellipse(
    image: np.ndarray, grid: Grid, hu: float, centre: tuple[float, float], half: tuple[float, float]
) -> None:
    """Lay a soft ellipse of one density over a slice, in place; lengths in millimetres."""
    columns, rows = grid.window(centre[0], half[0] + 3), grid.window(centre[1], half[1] + 3)
    if columns.start >= columns.stop or rows.start >= rows.stop:
        return
    axis = grid.axis()
    u = (axis[columns] - np.float32(centre[0])) / np.float32(half[0])
    v = (axis[rows] - np.float32(centre[1])) / np.float32(half[1])
    radius = np.sqrt((u * u)[None, :] + (v * v)[:, None])
    cover = np.clip((1 - radius) * np.float32(min(half) / 3) + np.float32(0.5), 0, 1)
    part = image[rows, columns]
    part += cover * (np.float32(hu) - part)


@cache
def _atlas() -> tuple[np.ndarray, np.ndarray]:
    text = resources.files("ingest.phantom").joinpath("anatomy.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    rows = []
    for organ in content["organs"]:
        x, y, z = organ["at"]
        rows.append([organ["hu"], x, y, z, *organ["radii"]])
        if organ.get("both"):
            rows.append([organ["hu"], -x, y, z, *organ["radii"]])
    outline = content["outline"]
    return np.array(rows, float), np.array([outline["z"], outline["x"], outline["y"]], float)
