"""The total loss of a batch (LesaNet, equation 5), and its parts."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from kg.junction_tree import JunctionTree
from kg.matrices import RelationMatrices
from learn.exact import ExactInference
from learn.head import Outputs
from learn.image.examples import Examples, Truth
from learn.image.recipe import ImageRecipe
from learn.image.seeds import derived_seed, generator
from learn.losses import rhem_expected, rhem_sampled, triplet_loss
from learn.objectives import classification_loss
from learn.recipe import Rhem
from learn.targets import class_weights
from learn.triplets import label_similarity, sample_triplets


class Losses(NamedTuple):
    """Parts of the total loss, each a scalar with its weight in it; 0 where it is left out."""

    classification: Tensor
    refined: Tensor
    mining: Tensor
    triplet: Tensor
    semantic: Tensor


class Objective:
    """Losses of a recipe.

    Args:
        recipe: which losses, and their weights.
        examples: what the class weights are counted on.
        matrices: relations.
        device: where the network is.
    """

    def __init__(
        self, recipe: ImageRecipe, examples: Examples, matrices: RelationMatrices, device: torch.device
    ) -> None:
        self.recipe = recipe
        weights = class_weights(examples.targets.positive, recipe.weight_limit, recipe.weight_power)
        self.weights = (torch.from_numpy(weights[0]).to(device), torch.from_numpy(weights[1]).to(device))
        self._ancestors = torch.from_numpy(matrices.ancestors.toarray()).to(device)
        self._random = torch.Generator(device)
        self._exact = ExactInference(JunctionTree.compile(matrices)) if recipe.semantic_weight > 0 else None

    def draw_triplets(self, positive: Tensor, *key: int) -> Tensor:
        """Triplets of a batch, T x 3 rows; drawn on the CPU, where the labels come from.

        Args:
            positive: B x C.
            key: what the draw belongs to: epoch, step, rank.
        """
        recipe = self.recipe
        if recipe.triplet_weight == 0:
            return torch.zeros((0, 3), dtype=torch.long)
        random = generator(recipe.seed, "triplets", *key)
        return sample_triplets(label_similarity(positive), recipe.triplets, recipe.triplet_similarity, random)

    def __call__(self, out: Outputs, truth: Truth, triplets: Tensor, *key: int) -> Losses:
        """Losses of a batch.

        Args:
            out: what the network says.
            truth: on the same device.
            triplets: of :meth:`draw_triplets`, on the same device.
            key: what the draws belong to: epoch, step, rank.
        """
        recipe, none = self.recipe, out.score.new_zeros(())
        return Losses(
            classification=self._classify(out.score, truth),
            refined=self._classify(out.refined, truth) if recipe.propagation else none,
            mining=self._mine(out.score, truth, key) if recipe.rhem is not Rhem.OFF else none,
            triplet=recipe.triplet_weight * triplet_loss(out.embedding, triplets, recipe.triplet_margin)
            if recipe.triplet_weight > 0
            else none,
            semantic=self._break_nothing(out) if self._exact is not None else none,
        )

    def _classify(self, logits: Tensor, truth: Truth) -> Tensor:
        return classification_loss(self.recipe, logits, truth.positive, truth.used, self.weights, self._ancestors)

    def _break_nothing(self, out: Outputs) -> Tensor:
        """Semantic loss: minus the log-probability that independent labels break no relation (Xu et al. 2018)."""
        assert self._exact is not None
        logits = out.refined if self.recipe.propagation else out.score
        return -self.recipe.semantic_weight * self._exact.log_legal(logits).mean()

    def _mine(self, logits: Tensor, truth: Truth, key: tuple[int, ...]) -> Tensor:
        recipe = self.recipe
        if recipe.rhem is Rhem.EXPECTED:
            loss = rhem_expected(logits, truth.positive, truth.reliable, recipe.rhem_focus)
        else:
            self._random.manual_seed(derived_seed(recipe.seed, "mining", *key))
            loss = rhem_sampled(
                logits, truth.positive, truth.reliable, recipe.rhem_pairs, recipe.rhem_focus, self._random
            )
        return recipe.rhem_weight * loss
