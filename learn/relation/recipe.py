"""Every choice that training a relation CNN makes, in one value that names the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kg.errors import UsageError
from learn.settings import as_plain, from_plain


@dataclass(frozen=True)
class RelationRecipe:
    """Choices of one training. Defaults were chosen on families of templates kept for that (``use: dev``).

    Attributes:
        seed: of the weights, the order of sentences, and every draw; also of made sentences.
        sentences: made sentences to train on; not used with an annotation file.
        plain: share of plain sentences (one lesion, one bookmark) among the made ones; fewer than in reports, because
            little is to be learned from them.
        epochs: passes over the sentences.
        batch: pairs of a mention and a bookmark in a batch.
        learning_rate: peak of the one-cycle schedule (AdamW).
        weight_decay: of all weights.
        word_size: dimensions of a word's embedding.
        place_size: dimensions of the embeddings of the distance to the mention and to the bookmark.
        filters: of each convolution.
        widths: words that the convolutions of the first layer span.
        heads: of attention pooling.
        sentence_size: dimensions of the sentence embedding.
        sentence_buckets: words and word pairs are hashed into so many for the sentence embedding.
        dropout: share of hidden units dropped in training.
        word_dropout: share of words read as unknown in training, so that unknown words are met.
        rare: words of the training sentences met less often count as unknown.
        class_power: exponent on the class weights of the loss; 1 makes all three classes weigh the same, 0 every pair.
        masked: hide which bookmark is asked about: a baseline, never a model to use.
    """

    seed: int = 0
    sentences: int = 9_000
    plain: float = 0.2
    epochs: int = 5
    batch: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    word_size: int = 48
    place_size: int = 12
    filters: int = 48
    widths: tuple[int, ...] = (3, 5)
    heads: int = 2
    sentence_size: int = 16
    sentence_buckets: int = 4096
    dropout: float = 0.3
    word_dropout: float = 0.08
    rare: int = 3
    class_power: float = 0.5
    masked: bool = False

    def __post_init__(self) -> None:
        for name in (
            *("sentences", "epochs", "batch", "word_size", "place_size", "filters", "heads", "sentence_size", "rare"),
            "sentence_buckets",
        ):
            if getattr(self, name) < 1:
                raise UsageError(f"relation recipe: {name} must be 1 or more")
        if self.seed < 0 or not self.widths or any(width < 1 or width % 2 == 0 for width in self.widths):
            raise UsageError("relation recipe: seed must be 0 or more, and widths odd numbers, for example 3,5")
        if not (0 <= self.dropout < 1 and 0 <= self.word_dropout < 1 and 0 <= self.plain <= 1):
            raise UsageError("relation recipe: dropout, word_dropout and plain are shares from 0 to 1")
        if not (self.learning_rate > 0 and self.weight_decay >= 0 and self.class_power >= 0):
            raise UsageError("relation recipe: learning_rate must be positive; weight_decay, class_power 0 or more")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return as_plain(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RelationRecipe:
        """A recipe from plain values; what is not given takes its default.

        Raises:
            InputError: an unknown name or a value of the wrong kind.
        """
        return from_plain(cls, values, "relation recipe")
