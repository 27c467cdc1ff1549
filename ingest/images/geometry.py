"""What a patch is: its size, its resolution, and how stored numbers become Hounsfield units."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from kg.errors import UsageError

WINDOW_HU = (-1024.0, 3071.0)
"""The one wide intensity window, in Hounsfield units."""

STEPS_PER_HU = 8
"""Patches are stored as int16 in eighths of a Hounsfield unit above the low end of the window: 0 to 32,760."""


@dataclass(frozen=True)
class PatchGeometry:
    """Size and resolution of a patch. The defaults are the paper's (LesaNet, section 5.2).

    Attributes:
        size: pixels in x and y.
        spacing_mm: of a pixel of the patch.
        neighbour_mm: distance of the two neighbouring slices from the key slice.
        longest_side: the resized image is made no larger than this, in pixels (released code).
    """

    size: int = 120
    spacing_mm: float = 1.0
    neighbour_mm: float = 2.0
    longest_side: int = 800

    def __post_init__(self) -> None:
        if self.size < 16 or self.size % 2 or self.longest_side < self.size:
            raise UsageError("patch: size must be an even number of pixels, 16 or more, and at most longest_side")
        if not (self.spacing_mm > 0 and self.neighbour_mm > 0):
            raise UsageError("patch: spacing_mm and neighbour_mm must be positive")

    def as_dict(self) -> dict[str, float]:
        """Plain values for JSON."""
        return asdict(self)
