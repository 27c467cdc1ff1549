"""What the 171 labels do to a synthetic lesion."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ingest.phantom.appearance import Appearance, Look
from ingest.phantom.body import Body, Grid
from ingest.phantom.lesion import LARGEST_MM, Lesion
from kg import algebra
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped


@pytest.fixture(scope="module")
def matrices() -> RelationMatrices:
    return RelationMatrices.from_ontology(load_shipped(), "lesanet-171")


@pytest.fixture(scope="module")
def appearance(matrices: RelationMatrices) -> Appearance:
    return Appearance.of(matrices)


def test_every_label_has_a_visible_consequence(appearance: Appearance, matrices: RelationMatrices) -> None:
    silent = [
        name
        for name, place, look in zip(matrices.names, appearance.places, appearance.looks, strict=True)
        if place is None and not look
    ]
    assert silent == []
    placed = [c for c, place in zip(matrices.classes, appearance.places, strict=True) if place is not None]
    assert placed.count("bodypart") >= 112 and placed.count("attribute") == 0


def test_exclusive_labels_never_look_alike_in_the_same_place(
    appearance: Appearance, matrices: RelationMatrices
) -> None:
    for a, b in algebra.to_pairs(matrices.exclusive, symmetric=True):
        same_look = appearance.looks[a] == appearance.looks[b]
        assert not (same_look and appearance.places[a] == appearance.places[b]), (matrices.names[a], matrices.names[b])


def test_exclusive_body_parts_lie_apart(appearance: Appearance, matrices: RelationMatrices) -> None:
    for a, b in algebra.to_pairs(matrices.exclusive, symmetric=True):
        one, other = appearance.places[a], appearance.places[b]
        if one and other and matrices.classes[a] == matrices.classes[b] == "bodypart":
            apart = np.linalg.norm(np.subtract(one.at, other.at))
            assert apart > 4 or one.at[0] * other.at[0] < 0, (matrices.names[a], matrices.names[b])


def test_a_side_is_kept_by_what_lies_on_both(appearance: Appearance, matrices: RelationMatrices) -> None:
    rng = np.random.default_rng(0)
    for name, side in (("left lung", 1), ("right lung", -1)):
        labels = [matrices.names.index(n) for n in ("chest", "lung", name, "subpleural")]
        x = np.array([appearance.position(labels, rng)[0] for _ in range(50)])
        assert (x * side > 40).all()
    either = np.array([appearance.position([matrices.names.index("kidney")], rng)[0] for _ in range(50)])
    assert (either > 0).any() and (either < 0).any()


def test_the_most_specific_body_part_decides(appearance: Appearance, matrices: RelationMatrices) -> None:
    chain = ["abdomen", "upper abdomen", "pancreas", "pancreatic tail"]
    labels = [matrices.names.index(name) for name in chain]
    place = appearance.places[labels[-1]]
    assert place is not None
    rng = np.random.default_rng(0)
    found = np.array([appearance.position(labels, rng) for _ in range(300)])
    assert np.abs(found.mean(0) - place.at).max() < 2
    assert found.std(0) == pytest.approx(place.spread, rel=0.2)


def test_what_labels_say_is_combined(appearance: Appearance, matrices: RelationMatrices) -> None:
    column = {name: i for i, name in enumerate(matrices.names)}
    plain = appearance.look([])
    assert plain == Look()
    large, cyst = appearance.look([column["large"]]), appearance.look([column["cyst"]])
    both = appearance.look([column["large"], column["cyst"]])
    assert (both.size, both.hu, both.soft) == (large.size, cyst.hu, cyst.soft)
    assert len(appearance.look([column["soft tissue"], column["reticular"]]).stripes) == 2


def test_women_only_body_parts_are_marked(appearance: Appearance, matrices: RelationMatrices) -> None:
    assert appearance.women_only([matrices.names.index("ovary")])
    assert not appearance.women_only([matrices.names.index("pelvis")])


def test_a_body_shows_its_organs() -> None:
    body = Body.varied(np.random.default_rng(0))
    grid = Grid(192, 2.0)
    for depth, x, low, high in ((265, -85, -1000, -700), (265, 85, -1000, -700), (440, -80, 60, 160)):
        image = body.slice(depth * body.scale[2], grid, np.random.default_rng(1))
        column, row = np.rint(grid.pixel(np.array([x * body.scale[0], 0.0]))).astype(int)
        assert low < np.median(image[row - 2 : row + 3, column - 2 : column + 3]) < high


def test_a_place_lies_inside_the_body_and_is_given_relative_to_it() -> None:
    body = Body.varied(np.random.default_rng(3))
    for position in ([500.0, 0, 300], [-20.0, -400, 600], [0.0, 0, 100]):
        at = body.place(np.array(position))
        assert ((at[:2] / body.half_axes(at[2])) ** 2).sum() <= 1
        assert ((body.relative(at) >= 0) & (body.relative(at) <= 1)).all()
    head, feet = (body.relative(body.place(np.array([0.0, 0, z])))[2] for z in (50, 800))
    assert head < feet


@pytest.mark.parametrize(
    ("label", "brighter"),
    [("sclerotic", True), ("calcified", True), ("lytic", False), ("cyst", False), ("lipoma", False)],
)
def test_density_follows_the_label(
    appearance: Appearance, matrices: RelationMatrices, label: str, brighter: bool
) -> None:
    def brightness(labels: tuple[int, ...]) -> float:
        rng = np.random.default_rng(4)
        lesion = Lesion.drawn(labels, np.zeros(3), appearance.look(labels), rng)
        image, grid = np.zeros((96, 96), np.float32), Grid(96, 2.0)
        lesion.draw(image, grid, 0.0)
        return float(image[44:52, 44:52].mean())

    change = brightness((matrices.names.index(label),)) - brightness(())
    assert change > 10 if brighter else change < -10


def test_sizes_follow_the_labels_and_keep_their_order(appearance: Appearance, matrices: RelationMatrices) -> None:
    sizes = []
    for label in ("tiny", "nodule", "mass", "large"):
        labels = (matrices.names.index(label),)
        drawn = [
            Lesion.drawn(labels, np.zeros(3), appearance.look(labels), np.random.default_rng(s)) for s in range(40)
        ]
        sizes.append(np.median([lesion.radii[0] for lesion in drawn]))
        assert max(lesion.radii.max() for lesion in drawn) <= LARGEST_MM
    assert all(a < b for a, b in pairwise(sizes))


def test_a_lesion_is_not_drawn_beyond_its_ends() -> None:
    lesion = Lesion.drawn((), np.zeros(3), Look(), np.random.default_rng(0))
    image = np.zeros((96, 96), np.float32)
    lesion.draw(image, Grid(96, 2.0), float(lesion.radii[2]) + 0.1)
    assert not image.any()
    lesion.draw(image, Grid(96, 2.0), 0.0)
    assert image.any()
