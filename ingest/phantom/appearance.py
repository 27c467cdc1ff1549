"""What labels do to a synthetic lesion: where it lies and how it looks (``appearance.yaml``, keyed by label name)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import yaml

from kg.errors import InputError
from kg.matrices import RelationMatrices

_FACTORS = ("size", "aspect", "opacity")
_LARGEST = ("spikes", "lobes")
_FREE_BORDER = 1.5


@dataclass(frozen=True)
class Place:
    """Where lesions of a body part lie, in millimetres of the atlas (see ``anatomy.yaml``).

    Attributes:
        at: centre x, y, z.
        spread: standard deviations in x, y, z.
        both: on either side of the body.
        female: only in women.
    """

    at: tuple[float, float, float]
    spread: tuple[float, float, float]
    both: bool = False
    female: bool = False


@dataclass(frozen=True)
class Look:
    """How a lesion looks; densities in HU, ``soft`` in millimetres, the rest factors or shares of the radius.

    Attributes:
        hu: added to the density of soft tissue.
        size: factor on the radius.
        aspect: factor on length over width.
        opacity: share of the lesion over what lies behind it.
        soft: width of the blurred border.
        spikes: height of rays of the border.
        lobes: depth of the waves of the border.
        grain: coarse noise.
        fleck: bright (or dark) specks.
        core: added in the middle.
        rim: added in the outer shell.
        halo: added around the lesion.
        spot: added in the very middle.
        rings: amplitude of concentric rings.
        spokes: amplitude of rays inside.
        level: step between the upper and the lower half.
        pieces: further, smaller lesions beside it.
        stripes: amplitude and direction in degrees of each stripe pattern.
    """

    hu: float = 0.0
    size: float = 1.0
    aspect: float = 1.0
    opacity: float = 1.0
    soft: float = _FREE_BORDER
    spikes: float = 0.0
    lobes: float = 0.0
    grain: float = 0.0
    fleck: float = 0.0
    core: float = 0.0
    rim: float = 0.0
    halo: float = 0.0
    spot: float = 0.0
    rings: float = 0.0
    spokes: float = 0.0
    level: float = 0.0
    pieces: float = 0.0
    stripes: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Appearance:
    """Places and looks of C labels, in the order of the label set.

    Attributes:
        places: of each label; None for one that says nothing of place.
        looks: what each label says of appearance; an empty mapping for one that says nothing.
        ancestors: C x C boolean, ``[c, p]`` when p is an ancestor of c.
    """

    places: tuple[Place | None, ...]
    looks: tuple[dict[str, Any], ...]
    ancestors: np.ndarray

    @classmethod
    def of(cls, matrices: RelationMatrices) -> Appearance:
        """What the shipped table says of the labels of a label set.

        Raises:
            InputError: the table lacks one of them.
        """
        table = _table()
        missing = [name for name in matrices.names if name not in table]
        if missing:
            raise InputError(f"phantom: no appearance is written for label {missing[0]!r}; use the set lesanet-171")
        rows = [table[name] for name in matrices.names]
        return cls(tuple(_place(row) for row in rows), tuple(_look(row) for row in rows), matrices.ancestors.toarray())

    def look(self, labels: Iterable[int]) -> Look:
        """The look of a lesion with these label columns."""
        out: dict[str, Any] = {field.name: field.default for field in fields(Look)}
        soft = []
        for said in (self.looks[label] for label in labels):
            for name, value in said.items():
                if name in _FACTORS:
                    out[name] *= value
                elif name in _LARGEST:
                    out[name] = max(out[name], value)
                elif name == "soft":
                    soft.append(value)
                else:
                    out[name] = out[name] + value
        return Look(**{**out, "soft": max(soft, default=_FREE_BORDER)})

    def women_only(self, labels: Iterable[int]) -> bool:
        """Whether one of the labels is a body part of women."""
        return any((place := self.places[label]) is not None and place.female for label in labels)

    def position(self, labels: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """A place for a lesion with these label columns, shape (3,): x, y, z in millimetres of the atlas.

        Of the body parts only the most specific count. Each is a Gaussian; several are multiplied, so the narrowest
        says most. A body part on both sides takes the side that another one names, or either.
        """
        placed = [label for label in labels if self.places[label] is not None]
        leaves = [label for label in placed if not self.ancestors[placed, label].any()]
        places = [place for label in leaves if (place := self.places[label]) is not None]
        if not places:
            places = [Place((90.0, 0.0, 420.0), (25.0, 40.0, 150.0), both=True)]
        sides = [np.sign(place.at[0]) for place in places if not place.both and abs(place.at[0]) > 20]
        side = sides[0] if sides else rng.choice((-1.0, 1.0))
        at = np.array([place.at for place in places], float)
        at[[place.both for place in places], 0] *= side
        precision = np.array([place.spread for place in places], float) ** -2.0
        total = precision.sum(0)
        return np.asarray((precision * at).sum(0) / total + rng.standard_normal(3) / np.sqrt(total))


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = resources.files("ingest.phantom").joinpath("appearance.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return table


def _place(row: dict[str, Any]) -> Place | None:
    if "at" not in row:
        return None
    return Place(tuple(row["at"]), tuple(row["spread"]), row.get("both", False), row.get("female", False))


def _look(row: dict[str, Any]) -> dict[str, Any]:
    said = {name: row[name] for name in (field.name for field in fields(Look)) if name in row and name != "stripes"}
    return {**said, "stripes": ((row["stripes"], row["angle"]),)} if "stripes" in row else said
