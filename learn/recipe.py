"""A training recipe: every choice that training makes, in one value that names the run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from kg.errors import UsageError
from learn.settings import as_plain, from_plain, read_plain


class Rhem(StrEnum):
    """How the relational hard example mining loss is computed."""

    EXPECTED = "expected"
    """Closed form: the expectation of the sampled loss, with no sampling variance."""
    SAMPLED = "sampled"
    """Draws pairs with replacement, as in the paper (LesaNet, equation 2)."""
    OFF = "off"
    """Left out."""


class Relations(StrEnum):
    """Where the label sets that training sees come from."""

    EXPANDED = "expanded"
    """Released labels with all ancestors added (LesaNet, section 3.2)."""
    RELEASED = "released"
    """Released labels as they are; an earlier, incomplete expansion is already in them."""
    MOST_SPECIFIC = "most-specific"
    """Released labels without any that another one of the lesion implies: what is left when expansion is taken out."""


@dataclass(frozen=True)
class Recipe:
    """Choices of one training run over metadata features. Defaults were chosen on the validation split.

    Attributes:
        seeds: one network is trained for each; the run's score is their mean.
        frequencies: of the sine and cosine features of location, in periods for each body length.
        midline: add features of the distance from the body's midline, which is the same on both sides.
        width: units of each hidden layer of the trunk.
        depth: hidden layers of the trunk.
        dropout: share of hidden units dropped in training.
        embedding: dimensions of the embedding.
        labels: which label sets are positive in training.
        weight_power: exponent on the class weights of the weighted cross entropy; 1 is the paper's loss, 0 is plain
            cross entropy.
        weight_limit: clamp on the positive class weights, before the exponent (300 in the released code).
        rhem: relational hard example mining.
        rhem_weight: its weight in the total loss; 1 in the paper.
        rhem_pairs: lesion-label pairs drawn for a batch when sampled.
        propagation: train the score propagation layer; without it the refined score is the score.
        propagation_rate: learning rate of that layer relative to the rest.
        triplet_weight: weight of the triplet loss, 5 in the paper; 0 leaves it out.
        triplets: triplets drawn for a batch.
        triplet_lesions: how many lesions of a batch they are drawn among; the paper's batch is 128.
        triplet_margin: margin of the triplet loss.
        triplet_similarity: least label similarity of anchor and positive.
        epochs: passes over the training lesions.
        batch: lesions in a batch.
        learning_rate: peak of the one-cycle schedule (AdamW).
        weight_decay: of all weights but those of the score propagation layer.
    """

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    frequencies: tuple[float, ...] = (0.5, 1.0, 2.0, 3.0)
    midline: bool = True
    width: int = 256
    depth: int = 2
    dropout: float = 0.6
    embedding: int = 64
    labels: Relations = Relations.EXPANDED
    weight_power: float = 0.5
    weight_limit: float = 300.0
    rhem: Rhem = Rhem.EXPECTED
    rhem_weight: float = 0.1
    rhem_pairs: int = 10_000
    propagation: bool = True
    propagation_rate: float = 4.0
    triplet_weight: float = 0.1
    triplets: int = 5_000
    triplet_lesions: int = 128
    triplet_margin: float = 0.1
    triplet_similarity: float = 1.0
    epochs: int = 60
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise UsageError("seeds: give one or more distinct numbers, 0 or greater, for example 0,1,2")
        for name in ("width", "depth", "embedding", "rhem_pairs", "triplets", "triplet_lesions", "epochs", "batch"):
            if getattr(self, name) < 1:
                raise UsageError(f"recipe: {name} must be 1 or more")
        for name in ("weight_power", "rhem_weight", "propagation_rate", "triplet_weight", "weight_decay"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"recipe: {name} must be 0 or more")
        if not 0 <= self.dropout < 1:
            raise UsageError("recipe: dropout must be 0 or more and less than 1")
        if not (self.learning_rate > 0 and self.weight_limit > 0):
            raise UsageError("recipe: learning_rate and weight_limit must be positive")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return as_plain(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "recipe") -> Recipe:
        """A recipe from plain values; what is not given takes its default.

        Raises:
            InputError: an unknown name or a value of the wrong kind; the message begins with ``source``.
        """
        return from_plain(cls, values, source)

    @classmethod
    def read(cls, path: Path | str) -> Recipe:
        """A recipe from a JSON file with one object.

        Raises:
            InputError: no such file, not a JSON object, or see :meth:`from_dict`.
        """
        return cls.from_dict(read_plain(path), str(path))
