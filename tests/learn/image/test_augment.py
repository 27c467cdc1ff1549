"""Augmented patches: the lesion stays in its box, draws repeat, and a mirror image has the other side's labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_patches import NAMES, SIDE, made_cache, made_cohort, made_matrices, made_ontology

from kg.errors import InputError, MatrixError, OntologyError
from kg.matrices import RelationMatrices
from kg.ontology import Ontology, SoftKind, SoftRelation
from kg.shipped import load_shipped
from learn.image.augment import CONTRAST, OFFSET_HU, Draws, augment
from learn.image.contralateral import Laterality
from learn.image.examples import Examples
from learn.image.inputs import as_input
from learn.recipe import Relations

PAIRS = (
    ("left lung", "right lung"),
    ("left lower lobe", "right lower lobe"),
    ("left upper lung", "right upper lobe"),
    ("left kidney", "right kidney"),
    ("left adrenal gland", "right adrenal gland"),
    ("left hilum lymph node", "right hilum lymph node"),
    ("left lobe of thyroid gland", "right thyroid lobe"),
)
"""Partners among the labels of the shipped ontology."""


def with_pairs(ontology: Ontology, pairs: tuple[tuple[str, str], ...] = PAIRS) -> Ontology:
    """The ontology with these labels as partners."""
    ids = ontology.by_name
    said = {SoftRelation(ids[a].id, SoftKind.CONTRALATERAL_OF, ids[b].id, "test") for a, b in pairs}
    others = {r for r in ontology.soft_relations if r.kind is not SoftKind.CONTRALATERAL_OF}
    return replace(ontology, soft_relations=tuple(others | said))


def still(lesions: int, **changed: torch.Tensor) -> Draws:
    """Draws that change nothing but what is given."""
    one, none = torch.ones(lesions), torch.zeros(lesions)
    return replace(Draws(none > 0, torch.zeros(lesions, 2), one, none, one), **changed)


def blob(box: torch.Tensor, size: int = 64) -> torch.Tensor:
    """A patch with a smooth bright spot in the middle of a box."""
    at = torch.arange(size)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    bright = torch.exp(-((at[None] - x) ** 2 + (at[:, None] - y) ** 2) / 18)
    return bright.expand(3, size, size).clone() * 0.9 - 0.19


def test_draws_that_change_nothing_leave_patch_and_box() -> None:
    patches, boxes = torch.rand(4, 3, 20, 20) * 0.9 - 0.19, torch.tensor([[2.0, 3, 9, 12]]).expand(4, 4)
    moved, where = augment(patches, boxes, still(4))
    torch.testing.assert_close(moved, patches, atol=1e-5, rtol=0)
    torch.testing.assert_close(where, boxes)


def test_a_flip_mirrors_every_pixel_and_the_box() -> None:
    patches, boxes = torch.rand(2, 3, 20, 20) * 0.9 - 0.19, torch.tensor([[2.0, 3, 9, 12], [0, 0, 19, 19]])
    moved, where = augment(patches, boxes, still(2, flip=torch.tensor([True, True])))
    torch.testing.assert_close(moved, patches.flip(-1), atol=1e-5, rtol=0)
    torch.testing.assert_close(where, torch.tensor([[10.0, 3, 17, 12], [0, 0, 19, 19]]))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_lesion_stays_in_the_middle_of_its_box(seed: int) -> None:
    draws = Draws.of_epoch(8, seed, 0)
    boxes = torch.tensor([[20.0, 24, 34, 40]]).expand(8, 4)
    moved, where = augment(torch.stack([blob(box) for box in boxes]), boxes, draws)
    weight = (moved - moved.amin(dim=(1, 2, 3), keepdim=True))[:, 0] ** 4
    at = torch.arange(64.0)
    total = weight.sum(dim=(1, 2))
    x, y = (weight.sum(dim=1) * at).sum(dim=1) / total, (weight.sum(dim=2) * at).sum(dim=1) / total
    torch.testing.assert_close(x, (where[:, 0] + where[:, 2]) / 2, atol=0.15, rtol=0)
    torch.testing.assert_close(y, (where[:, 1] + where[:, 3]) / 2, atol=0.15, rtol=0)
    assert (where[:, 2] - where[:, 0] - 14 / draws.scale).abs().max() < 1e-4


def test_boxes_are_never_below_zero_nor_turned_around() -> None:
    draws = Draws.of_epoch(500, 1, 0)
    boxes = torch.tensor([[0.0, 1, 3, 4]]).expand(500, 4)
    _, where = augment(torch.zeros(500, 3, 16, 16), boxes, draws)
    assert (where >= 0).all()
    assert (where[:, :2] <= where[:, 2:]).all()


def test_intensities_move_by_what_the_constants_say_around_water() -> None:
    stored = torch.tensor([0, 8 * 1024, 8 * 1124, 8 * 2024, 32760], dtype=torch.int16)
    patches = as_input(stored)[None, None, None].expand(1, 3, 5, 5).contiguous()
    draws = still(1, offset=torch.tensor([OFFSET_HU]), contrast=torch.tensor([1 + CONTRAST]))
    moved, _ = augment(patches, torch.zeros(1, 4), draws)
    hu = (moved[0, 0, 2] + 50 / 255) * 4095 - 1024
    expected = [-1024 * 1.03 + 10, 10, 113, 1040, 3071]
    torch.testing.assert_close(hu, torch.tensor(expected).clamp(-1024, 3071), atol=0.02, rtol=0)


def test_draws_are_those_of_seed_epoch_and_lesion() -> None:
    draws, again = Draws.of_epoch(50, 3, 2), Draws.of_epoch(50, 3, 2)
    assert torch.equal(draws.scale, again.scale)
    assert not torch.equal(draws.scale, Draws.of_epoch(50, 3, 1).scale)
    assert not torch.equal(draws.scale, Draws.of_epoch(50, 4, 2).scale)
    rows = torch.tensor([7, 4])
    assert torch.equal(draws.take(rows, torch.ones(50, dtype=torch.bool)).shift, draws.shift[rows])


def test_about_half_of_the_lesions_that_may_be_are_flipped_and_no_other() -> None:
    draws, may_flip = Draws.of_epoch(2000, 0, 0), torch.arange(2000) % 2 == 0
    flipped = draws.take(torch.arange(2000), may_flip).flip
    assert not flipped[~may_flip].any()
    assert 0.45 < float(flipped[may_flip].float().mean()) < 0.55


def test_the_made_label_set_has_one_pair_and_two_labels_without_a_partner() -> None:
    sides = Laterality.from_ontology(made_ontology(), "made-8")
    assert [NAMES[i] for i in np.flatnonzero(sides.lateral)] == [
        "left lung",
        "right lung",
        "lingula",
        "right middle lobe",
    ]
    assert [NAMES[i] for i in sides.partner[sides.partner >= 0]] == ["right lung", "left lung"]
    labels = np.eye(8, dtype=bool)
    assert [NAMES[i] for i in np.flatnonzero(~sides.can_flip(labels))] == ["lingula", "right middle lobe"]


def test_of_the_171_real_labels_thirteen_sides_have_six_pairs_and_three_without_a_partner() -> None:
    ontology = with_pairs(load_shipped())
    sides = Laterality.from_ontology(ontology, "lesanet-171")
    names = [ontology.by_id[i].name for i in sides.label_ids]
    alone = {names[i] for i in np.flatnonzero(sides.lateral & (sides.partner < 0))}
    assert alone == {"lingula", "right mid lung", "right thyroid lobe"}
    assert (sides.partner >= 0).sum() == 12
    assert {frozenset((names[i], names[p])) for i, p in enumerate(sides.partner) if p >= 0} == {
        frozenset(pair) for pair in PAIRS[:6]
    }


def test_where_nothing_is_said_of_sides_nothing_may_be_flipped() -> None:
    plain = replace(made_ontology(), soft_relations=())
    sides = Laterality.from_ontology(plain, "made-8")
    assert not sides.known
    assert not sides.can_flip(np.zeros((3, 8), bool)).any()
    assert Laterality.unknown(sides.label_ids).partner.tolist() == sides.partner.tolist()


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param((("heart", "heart"),), id="its own"),
        pytest.param((("left lung", "right lung"), ("left lung", "heart")), id="two partners"),
    ],
)
def test_partners_that_are_no_pairs_are_refused(pairs: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(OntologyError, match="drop one of these relations"):
        Laterality.from_ontology(with_pairs(made_ontology(), pairs), "made-8")


def test_sides_survive_a_file_and_another_file_is_refused(tmp_path: Path) -> None:
    sides = Laterality.from_ontology(made_ontology(), "made-8")
    sides.save(tmp_path / "sides.json")
    back = Laterality.load(tmp_path / "sides.json")
    assert back.label_ids == sides.label_ids
    np.testing.assert_array_equal(back.partner, sides.partner)
    np.testing.assert_array_equal(back.lateral, sides.lateral)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match="not a laterality file"):
        Laterality.load(tmp_path / "other.json")
    with pytest.raises(MatrixError, match="pairs"):
        replace(sides, partner=np.array([-1, 2, 3, -1, -1, -1, -1, -1]))


@pytest.fixture(scope="module")
def real() -> tuple[RelationMatrices, Laterality]:
    """The relations of the real labels, and their sides."""
    ontology = with_pairs(load_shipped())
    return RelationMatrices.from_ontology(ontology, "lesanet-171"), Laterality.from_ontology(ontology, "lesanet-171")


def test_a_mirror_image_has_the_labels_of_the_other_side_with_what_follows_from_them(tmp_path: Path) -> None:
    matrices = made_matrices()
    cohort = made_cohort(matrices)
    cache = made_cache(tmp_path / "cache", cohort)
    sides = Laterality.from_ontology(made_ontology(), "made-8")
    lesions = cohort.subset("train")
    examples = Examples.of(lesions, matrices, cache, Relations.EXPANDED, sides)
    left, right = NAMES.index("left lung"), NAMES.index("right lung")
    rows = np.flatnonzero(examples.targets.positive[:, left] & examples.may_flip)
    assert len(rows)
    straight, flipped = examples.truth(rows), examples.truth(rows, np.ones(len(rows), bool))
    assert (straight.positive[:, left] == 1).all() and (flipped.positive[:, left] == 0).all()
    assert (flipped.positive[:, right] == 1).all()
    others = [i for i in range(8) if i not in (left, right)]
    assert torch.equal(straight.positive[:, others], flipped.positive[:, others])
    # What excludes the other side excludes this one: reliable negatives are those of the mirrored labels.
    expected = matrices.reliable_negatives(flipped.positive.numpy().astype(bool)).toarray()
    np.testing.assert_array_equal(flipped.reliable.numpy().astype(bool), expected)
    untouched = examples.truth(rows, np.zeros(len(rows), bool))
    assert torch.equal(untouched.positive, straight.positive)
    assert examples.pixels.shape[-1] == examples.patch_size == SIDE


def test_no_real_lesion_that_may_be_flipped_breaks_a_relation_by_it_that_it_did_not_break_before(
    real: tuple[RelationMatrices, Laterality],
) -> None:
    matrices, sides = real
    draw = np.random.default_rng(0)
    single = np.eye(171, dtype=bool)[draw.permutation(171)]
    positive = matrices.expand(single).toarray()
    mirrored = matrices.expand(single[:, sides.mirrored]).toarray()
    may = sides.can_flip(positive)
    assert may.sum() == 171 - 3
    assert matrices.coherent(mirrored[may]).all()
    np.testing.assert_array_equal(matrices.expand(mirrored[may][:, sides.mirrored]).toarray(), positive[may])
