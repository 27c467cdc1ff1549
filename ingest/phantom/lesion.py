"""One synthetic lesion: an ellipsoid with the look its labels give it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ingest.phantom.appearance import Look
from ingest.phantom.body import Grid

TISSUE_HU = 45.0
SMALLEST_MM, LARGEST_MM = 4.0, 38.0
_RADIUS_MM, _RADIUS_SPREAD = 12.0, 0.18
_WAVES = 6
_CONTRAST = 2.0
"""What labels do to density is exaggerated by this factor: a small network is to learn it from a thousand lesions."""
_STRIPE_MM = 8.0


@dataclass(frozen=True)
class Lesion:
    """A lesion in one study.

    Attributes:
        labels: its complete label set, label columns in order.
        centre: x, y, z in millimetres of the body.
        radii: half axes in millimetres: long and short in the slice, and along z.
        angle: of the long axis, in radians.
        look: how it looks.
        seed: of its texture; kept in follow-up studies.
    """

    labels: tuple[int, ...]
    centre: np.ndarray
    radii: np.ndarray
    angle: float
    look: Look
    seed: int

    @classmethod
    def drawn(cls, labels: tuple[int, ...], centre: np.ndarray, look: Look, rng: np.random.Generator) -> Lesion:
        """A lesion with this look; size, elongation and direction vary."""
        radius = _RADIUS_MM * look.size * np.exp(rng.normal(0, _RADIUS_SPREAD))
        aspect = max(1.05, 1.2 * look.aspect * np.exp(rng.normal(0, 0.08)))
        radii = radius * np.array([np.sqrt(aspect), 1 / np.sqrt(aspect), rng.uniform(0.8, 1.1)])
        radii = np.clip(radii, SMALLEST_MM * np.array([1.0, 0.7, 1.0]), LARGEST_MM)
        return cls(labels, centre, radii, rng.uniform(-0.4, 0.4), look, int(rng.integers(2**31)))

    def later(self, rng: np.random.Generator) -> Lesion:
        """The same lesion in the next study: grown or shrunk, a little displaced."""
        radii = np.clip(self.radii * np.exp(rng.normal(0, 0.2)), SMALLEST_MM * 0.7, LARGEST_MM)
        return replace(self, radii=radii, centre=self.centre + rng.normal(0, 1.5, 3))

    def ends(self) -> np.ndarray:
        """End points of the long and the short axis in its middle slice, shape (4, 2), millimetres of the body."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        long, short = self.radii[0] * np.array([c, s]), self.radii[1] * np.array([-s, c])
        return np.asarray(self.centre[:2] + np.array([-long, long, -short, short]))

    def draw(self, image: np.ndarray, grid: Grid, z: float) -> None:
        """Lay the lesion over a slice at depth z, in place."""
        rng = np.random.default_rng(self.seed)
        self._draw_part(image, grid, z, self.centre, self.radii, rng)
        for turn in rng.uniform(0, 2 * np.pi) + np.arange(self.look.pieces) * 2.4:
            way = np.array([np.cos(turn), np.sin(turn), 0.0])
            self._draw_part(image, grid, z, self.centre + way * self.radii[:2].mean() * 1.25, self.radii * 0.45, rng)

    def _draw_part(
        self, image: np.ndarray, grid: Grid, z: float, centre: np.ndarray, radii: np.ndarray, rng: np.random.Generator
    ) -> None:
        look = self.look
        phases = rng.uniform(0, 2 * np.pi, (_WAVES, 3))
        away = (z - centre[2]) / radii[2]
        reach = radii[0] * (1.7 + look.spikes) + look.soft
        columns, rows = grid.window(centre[0], reach), grid.window(centre[1], reach)
        if abs(away) >= 1 or columns.start >= columns.stop or rows.start >= rows.stop:
            return
        x = grid.axis()[columns][None, :] - np.float32(centre[0])
        y = grid.axis()[rows][:, None] - np.float32(centre[1])
        c, s = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        u, v = (x * c + y * s) / np.float32(radii[0]), (y * c - x * s) / np.float32(radii[1])
        radius = np.sqrt(u * u + v * v)
        if look.spikes or look.lobes:
            turn = np.arctan2(v, u)
            rays = np.maximum(np.cos(9 * turn + phases[0, 0]), 0) ** 3
            radius = radius / (1 + look.spikes * rays + look.lobes * np.cos(5 * turn + phases[0, 1]))
        radius = np.sqrt(radius * radius + np.float32(away * away))
        inside = (1 - radius) * np.float32(radii[:2].mean())
        part = image[rows, columns]
        if look.halo:
            part += _CONTRAST * look.halo * np.clip(1 - np.abs(radius - 1.3) / 0.4, 0, 1)
        own = TISSUE_HU + _CONTRAST * (look.hu + self._texture(x, y, radius, inside, phases))
        cover = np.clip(inside / np.float32(max(look.soft, grid.spacing)) + np.float32(0.5), 0, 1) * look.opacity
        part += cover * (own - part)

    def _texture(
        self, x: np.ndarray, y: np.ndarray, radius: np.ndarray, inside: np.ndarray, phases: np.ndarray
    ) -> np.ndarray:
        """What is added to the density inside, shape of ``radius``."""
        look = self.look
        out = np.zeros(radius.shape, np.float32)
        if look.grain or look.fleck:
            waves = np.zeros(radius.shape, np.float32)
            for turn, phase, length in phases:
                mm = 6.0 + length
                waves += np.cos((x * np.cos(turn) + y * np.sin(turn)) * (2 * np.pi / mm) + phase)
            waves *= np.float32(np.sqrt(2 / _WAVES))
            out += look.grain * waves + look.fleck * np.clip(2 * waves - 1.5, 0, 1)
        if look.core:
            out += look.core * np.clip((0.6 - radius) * 5, 0, 1)
        if look.spot:
            out += look.spot * np.clip((0.35 - radius) * 8, 0, 1)
        if look.rings:
            out += look.rings * np.cos(radius * (4 * np.pi))
        if look.spokes:
            out += look.spokes * np.cos(6 * np.arctan2(y, x)) * np.clip(radius * 3, 0, 1)
        if look.rim:
            out += look.rim * np.clip(1.5 - np.abs(inside - 2) / 1.5, 0, 1)
        if look.level:
            out += look.level * np.clip(y / 2 + 0.5, 0, 1)
        for amplitude, angle in look.stripes:
            turn = np.deg2rad(angle)
            out += amplitude * np.cos((x * np.cos(turn) + y * np.sin(turn)) * (2 * np.pi / _STRIPE_MM))
        return out
