"""A training recipe over CT patches: every choice that enters the weights, in one value that names the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from kg.errors import UsageError
from learn.recipe import Relations, Rhem
from learn.settings import as_plain, from_plain, read_plain


class Backbone(StrEnum):
    """The trunk over a patch (:mod:`learn.image.backbones`)."""

    VGG16 = "vgg16"
    """VGG-16 with batch normalisation, five scales, RoI pooling (LesaNet, section 4.1)."""
    RESNET = "resnet"
    """Residual blocks, same five taps."""
    CONVNEXT = "convnext"
    """Depthwise 7 x 7 blocks with layer normalisation, same five taps."""


class RoiMode(StrEnum):
    """How feature maps are pooled to 5 x 5 (:mod:`learn.image.roi`)."""

    OFFICIAL = "official"
    """RoIPool of the released code: rounded corners, inclusive ends; bins beyond the map are 0."""
    TIGHT = "tight"
    """The same with exclusive ends: no bin lies beyond the map."""
    ALIGN = "align"
    """Bilinear samples, no rounding (RoIAlign)."""


class Objective(StrEnum):
    """The classification loss on both score vectors."""

    WCE = "wce"
    """Class-weighted cross entropy (LesaNet, equation 1)."""
    ASYMMETRIC = "asymmetric"
    """Asymmetric loss: easy negatives count less."""
    BOOTSTRAP = "bootstrap"
    """Soft bootstrapping with the gradient through the target (ISBI 2019)."""
    WARP = "warp"
    """Weighted approximate ranking pairwise loss with the rule that a child ranks above its ancestors."""


class Optimiser(StrEnum):
    """Optimisation method."""

    SGD = "sgd"
    ADAMW = "adamw"


class Schedule(StrEnum):
    """Learning rate over training."""

    STEPS = "steps"
    """Multiplied by ``decay`` from each epoch of ``milestones`` on."""
    COSINE = "cosine"
    """Linear rise over ``warmup`` of training, then a half cosine to 0."""


class Augmentation(StrEnum):
    """Changes to a patch while training (:mod:`learn.image.augment`)."""

    NONE = "none"
    """None, as in the paper."""
    LATERAL = "lateral"
    """Shift, scale, intensity, and left-right flips that swap labels through CONTRALATERAL_OF."""


class Precision(StrEnum):
    """Number format of the trunk's forward and backward pass."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class ImageRecipe:
    """Choices of one training run over patches. Defaults are the paper's, and the released code's where it is silent.

    Attributes:
        seed: of weights, order, draws and augmentation.
        backbone: the trunk.
        width: multiplier on the channels of every block; 1 is the paper's network.
        roi: how maps are pooled.
        features: dimensions that each scale is projected to.
        embedding: dimensions of the embedding.
        labels: which label sets are positive in training.
        objective: the classification loss.
        weight_power: exponent on the class weights; 1 in the paper.
        weight_limit: clamp on the positive class weights.
        bootstrap: share of the given label in a bootstrapped target.
        focus_positive, focus_negative, shift: exponents and probability shift of the asymmetric loss.
        rhem: relational hard example mining.
        rhem_weight: its weight.
        rhem_pairs: pairs drawn for a batch (of each rank, when several train together).
        rhem_focus: exponent on the hardness of a pair, gamma in the paper.
        propagation: train the score propagation layer.
        triplet_weight: weight of the triplet loss; 0 leaves it out.
        triplets: triplets drawn for a batch (of each rank).
        triplet_margin: margin.
        triplet_similarity: least label similarity of anchor and positive.
        semantic_weight: weight of the semantic loss, minus the log-probability of breaking no relation; 0 leaves it
            out.
        optimiser: SGD with momentum, or AdamW.
        learning_rate: at its highest.
        momentum: of SGD.
        weight_decay: of all weights but biases, and for AdamW but normalisation layers too.
        bias_rate: learning rate of biases relative to the rest (released code: 2).
        clip: largest norm of the gradient of all parameters.
        schedule: learning rate over time.
        milestones: epochs, counted from 0, at which the steps schedule decays.
        decay: factor at each milestone.
        warmup: share of training that the cosine schedule rises for.
        average: decay of the exponential moving average of weights that is kept beside training and evaluated; 0 for
            none.
        augmentation: changes to patches.
        epochs: passes over the training lesions.
        batch: lesions in a batch (of each rank).
        precision: number format.
        top: when above 0, lesions' label sets are decided as their ``top`` best labels (ISBI 2019 used 5) in the
            paper-style figures.
    """

    seed: int = 0
    backbone: Backbone = Backbone.VGG16
    width: float = 1.0
    roi: RoiMode = RoiMode.OFFICIAL
    features: int = 256
    embedding: int = 256
    labels: Relations = Relations.EXPANDED
    objective: Objective = Objective.WCE
    weight_power: float = 1.0
    weight_limit: float = 300.0
    bootstrap: float = 0.9
    focus_positive: float = 1.0
    focus_negative: float = 4.0
    shift: float = 0.05
    rhem: Rhem = Rhem.SAMPLED
    rhem_weight: float = 1.0
    rhem_pairs: int = 10_000
    rhem_focus: float = 2.0
    propagation: bool = True
    triplet_weight: float = 5.0
    triplets: int = 5_000
    triplet_margin: float = 0.1
    triplet_similarity: float = 1.0
    semantic_weight: float = 0.0
    optimiser: Optimiser = Optimiser.SGD
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4
    bias_rate: float = 2.0
    clip: float = 10.0
    schedule: Schedule = Schedule.STEPS
    milestones: tuple[int, ...] = (10,)
    decay: float = 0.1
    warmup: float = 0.05
    average: float = 0.0
    augmentation: Augmentation = Augmentation.NONE
    epochs: int = 15
    batch: int = 128
    precision: Precision = Precision.FLOAT32
    top: int = 0

    def __post_init__(self) -> None:
        for name in ("features", "embedding", "rhem_pairs", "triplets", "epochs", "batch"):
            if getattr(self, name) < 1:
                raise UsageError(f"recipe: {name} must be 1 or more")
        for name in ("width", "weight_limit", "learning_rate", "clip", "decay"):
            if not getattr(self, name) > 0:
                raise UsageError(f"recipe: {name} must be positive")
        for name in (
            *("seed", "weight_power", "rhem_weight", "rhem_focus", "triplet_weight", "semantic_weight", "weight_decay"),
            *("bias_rate", "focus_positive", "focus_negative", "top"),
        ):
            if not getattr(self, name) >= 0:
                raise UsageError(f"recipe: {name} must be 0 or more")
        for name in ("momentum", "warmup", "average", "shift"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"recipe: {name} must be 0 or more and less than 1")
        if not 0 < self.bootstrap <= 1:
            raise UsageError("recipe: bootstrap must be above 0, and 1 at most")
        if list(self.milestones) != sorted(set(self.milestones)) or min(self.milestones, default=1) < 1:
            raise UsageError("recipe: milestones must be rising epochs from 1 on, for example 10")

    @property
    def seeds(self) -> tuple[int, ...]:
        """The one seed, as a run over metadata has several."""
        return (self.seed,)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return as_plain(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "recipe") -> ImageRecipe:
        """A recipe from plain values; what is not given takes its default.

        Raises:
            InputError: an unknown name or a value of the wrong kind; the message begins with ``source``.
        """
        return from_plain(cls, values, source)

    @classmethod
    def named(cls, name: str) -> ImageRecipe:
        """One of :data:`NAMED`.

        Raises:
            UsageError: no such name.
        """
        if name not in NAMED:
            raise UsageError(f"recipe {name!r}: no such recipe; give a JSON file, or one of {', '.join(NAMED)}")
        return cls(**NAMED[name])

    @classmethod
    def read(cls, path: Path | str) -> ImageRecipe:
        """A recipe from a JSON file with one object.

        Raises:
            InputError: no such file, not a JSON object, or see :meth:`from_dict`.
        """
        return cls.from_dict(read_plain(path), str(path))


_PLAIN: Mapping[str, Any] = {"rhem": Rhem.OFF, "propagation": False, "triplet_weight": 0.0}

NAMED: Mapping[str, Mapping[str, Any]] = {
    "paper": {},
    "modern": {
        "optimiser": Optimiser.ADAMW,
        "learning_rate": 1e-3,
        "weight_decay": 0.05,
        "bias_rate": 1.0,
        "schedule": Schedule.COSINE,
        "average": 0.999,
        "augmentation": Augmentation.LATERAL,
        "roi": RoiMode.ALIGN,
        "rhem": Rhem.EXPECTED,
        "precision": Precision.BFLOAT16,
        "epochs": 30,
    },
    "multiscale-cnn": _PLAIN,
    "warp": {**_PLAIN, "objective": Objective.WARP},
    "isbi-2019": {**_PLAIN, "objective": Objective.BOOTSTRAP, "milestones": (12,), "top": 5},
    "phantom": {
        "width": 0.125,
        "roi": RoiMode.ALIGN,
        "rhem": Rhem.EXPECTED,
        "optimiser": Optimiser.ADAMW,
        "learning_rate": 3e-3,
        "weight_decay": 0.05,
        "bias_rate": 1.0,
        "schedule": Schedule.COSINE,
        "epochs": 8,
        "batch": 64,
    },
}
"""Recipes by name. ``paper`` is LesaNet; ``multiscale-cnn`` and ``warp`` are the baselines of its Table 1;
``isbi-2019`` is the earlier paper's method on LesaNet's labels (its own 145-label list was not released). ``phantom``
is LesaNet in small, for patches of 64 pixels at 1.9 mm of a synthetic set: about a minute on two CPU cores."""
