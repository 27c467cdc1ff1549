"""Synthetic patients: a body, one to three studies, and lesions some of which are seen again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ingest.phantom.appearance import Appearance
from ingest.phantom.body import Body
from ingest.phantom.lesion import Lesion

_STUDIES = (0.35, 0.35, 0.3)
_NEW_LESIONS = (0.45, 0.35, 0.2)
_SEEN_AGAIN = 0.75
_INTERVALS_MM, _INTERVAL_SHARES = (1.0, 2.0, 2.5, 3.0, 5.0), (0.05, 0.2, 0.2, 0.2, 0.35)
_SHIFT_MM = 4.0


@dataclass(frozen=True)
class Study:
    """One study, of one series.

    Attributes:
        lesions: in it, in millimetres of this study.
        numbers: of each lesion within the patient; the same lesion keeps its number in every study.
        body: as it lies in this study.
        spacing: millimetres of a pixel.
        interval: millimetres from slice to slice.
        window: display window, HU.
    """

    lesions: tuple[Lesion, ...]
    numbers: tuple[int, ...]
    body: Body
    spacing: float
    interval: float
    window: tuple[int, int]


@dataclass(frozen=True)
class Patient:
    """One synthetic patient.

    Attributes:
        sex: M or F.
        age: in years, at the first study.
        studies: in order of time.
    """

    sex: str
    age: int
    studies: tuple[Study, ...]

    @classmethod
    def drawn(cls, appearance: Appearance, sets: Iterator[tuple[int, ...]], rng: np.random.Generator) -> Patient:
        """A patient whose new lesions take the next label sets."""
        body = Body.varied(rng)
        studies: list[Study] = []
        present: dict[int, Lesion] = {}
        known = 0
        for number in range(1 + int(rng.choice(3, p=_STUDIES))):
            present = {k: lesion.later(rng) for k, lesion in present.items() if rng.random() < _SEEN_AGAIN}
            new = 1 + int(rng.choice(3, p=_NEW_LESIONS)) if number == 0 else int(rng.random() < 0.35 or not present)
            for _ in range(new):
                labels = next(sets)
                centre = body.place(appearance.position(labels, rng))
                present[known] = Lesion.drawn(labels, centre, appearance.look(labels), rng)
                known += 1
            studies.append(_study(present, body, rng))
        women_only = any(appearance.women_only(lesion.labels) for study in studies for lesion in study.lesions)
        sex = "F" if women_only or rng.random() < 0.5 else "M"
        return cls(sex, int(rng.integers(20, 86)), tuple(studies))


def _study(present: dict[int, Lesion], body: Body, rng: np.random.Generator) -> Study:
    shift = rng.normal(0, _SHIFT_MM, 3)
    organs = body.organs.copy()
    organs[:, 1:4] += shift
    lesions = tuple(replace(lesion, centre=lesion.centre + shift) for lesion in present.values())
    return Study(
        lesions,
        tuple(present),
        replace(body, organs=organs),
        round(float(rng.uniform(1.9, 2.1)), 4),
        float(rng.choice(_INTERVALS_MM, p=_INTERVAL_SHARES)),
        (-1350, 150) if rng.random() < 0.25 else (-175, 275),
    )
