"""The relation CNN: words and distances in, scores of the three classes out.

After LesaNet, section 3.2, which names the inputs (the words with labels and bookmarks marked, and a sentence
embedding), the output (three classes) and, by its references, convolution and self-attention; the layers' sizes and
what attention asks with are this project's own. The papers' sentence embedding is a pretrained one (BioSentVec); this
one is learned with the rest: the mean of the embeddings of hashed words and neighbouring word pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from learn.relation.encode import A_LABEL, CLASSES, NOWHERE, PAD, PLACES, THIS_LABEL, UNKNOWN, Pair
from learn.relation.recipe import RelationRecipe

OUTPUTS = 3


@dataclass(frozen=True)
class Batch:
    """B pairs, padded to T words.

    Attributes:
        words: shape (B, T), PAD behind the end.
        to_mention: shape (B, T).
        to_bookmark: shape (B, T).
        mention: shape (B,).
        bookmark: shape (B,), -1 without one.
    """

    words: Tensor
    to_mention: Tensor
    to_bookmark: Tensor
    mention: Tensor
    bookmark: Tensor

    @classmethod
    def of(cls, pairs: Sequence[Pair], width: int | None = None) -> Batch:
        """Pad to the longest pair, or to ``width`` words."""
        size = width or max(len(pair.words) for pair in pairs)
        words = np.full((len(pairs), size), PAD)
        to_mention, to_bookmark = np.full_like(words, NOWHERE), np.full_like(words, NOWHERE)
        for row, pair in enumerate(pairs):
            words[row, : len(pair.words)] = pair.words
            to_mention[row, : len(pair.words)] = pair.to_mention
            to_bookmark[row, : len(pair.words)] = pair.to_bookmark
        return cls(
            words=torch.from_numpy(words),
            to_mention=torch.from_numpy(to_mention),
            to_bookmark=torch.from_numpy(to_bookmark),
            mention=torch.tensor([pair.mention for pair in pairs]),
            bookmark=torch.tensor([pair.bookmark for pair in pairs]),
        )


class RelationNetwork(nn.Module):
    """Embeddings, two layers of convolutions, attention pooling.

    Args:
        words: size of the vocabulary.
        recipe: sizes.
        random: source of the first weights.
    """

    def __init__(self, words: int, recipe: RelationRecipe, random: torch.Generator) -> None:
        super().__init__()
        self.recipe = recipe
        self.word = nn.Embedding(words, recipe.word_size)
        self.to_mention = nn.Embedding(PLACES, recipe.place_size)
        self.to_bookmark = nn.Embedding(PLACES, recipe.place_size)
        inputs = recipe.word_size + 2 * recipe.place_size
        self.first = nn.ModuleList(nn.Conv1d(inputs, recipe.filters, w, padding=w // 2) for w in recipe.widths)
        size = recipe.filters * len(recipe.widths)
        self.second = nn.Conv1d(size, size, 3, padding=1)
        self.asked = nn.Linear(2 * size, size)
        self.key = nn.Linear(size, size, bias=False)
        self.attention = nn.Linear(size, recipe.heads, bias=False)
        self.sentence = nn.Embedding(recipe.sentence_buckets, recipe.sentence_size)
        self.hidden = nn.Linear((recipe.heads + 2) * size + recipe.sentence_size, size)
        self.out = nn.Linear(size, OUTPUTS)
        self.drop = nn.Dropout(recipe.dropout)
        for name, value in self.named_parameters():
            with torch.no_grad():
                if name.endswith("bias"):
                    value.zero_()
                elif value.dim() == 2 and isinstance(self.get_submodule(name.rsplit(".", 1)[0]), nn.Embedding):
                    value.normal_(0, 0.1, generator=random)
                else:
                    value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=random)

    def forward(self, batch: Batch) -> Tensor:
        """Scores before softmax, shape (B, 3), in the order of :class:`ingest.mining.mention.Relevance`."""
        real = (batch.words != PAD).unsqueeze(2)
        read = torch.cat(
            [self.word(batch.words), self.to_mention(batch.to_mention), self.to_bookmark(batch.to_bookmark)], dim=2
        )
        # Zero behind the end of a sentence, as before its beginning: padding changes nothing.
        states = self.drop(read * real).transpose(1, 2)
        states = torch.cat([torch.relu(layer(states)) for layer in self.first], dim=1) * real.transpose(1, 2)
        states = (states + torch.relu(self.second(states))).transpose(1, 2)
        rows = torch.arange(len(states))
        mention = states[rows, batch.mention]
        bookmark = states[rows, batch.bookmark.clamp(min=0)] * (batch.bookmark >= 0).unsqueeze(1)
        query = self.asked(torch.cat([mention, bookmark], dim=1))
        score = self.attention(torch.tanh(self.key(states) + query.unsqueeze(1))).masked_fill(~real, float("-inf"))
        pooled = (score.softmax(dim=1).transpose(1, 2) @ states).flatten(1)
        seen = torch.cat([pooled, mention, bookmark, self._sentence(batch.words, real)], dim=1)
        out: Tensor = self.out(self.drop(torch.relu(self.hidden(self.drop(seen)))))
        return out

    def _sentence(self, words: Tensor, real: Tensor) -> Tensor:
        """Mean embedding of hashed words and word pairs, shape (B, sentence_size)."""
        buckets = self.recipe.sentence_buckets
        single = self.sentence(words * 31 % buckets) * real
        double = self.sentence((words[:, :-1] * 8191 + words[:, 1:] * 131 + 7) % buckets) * real[:, 1:]
        mean: Tensor = (single.sum(dim=1) + double.sum(dim=1)) / (2 * real.sum(dim=1) - 1)
        return mean


def lose_words(words: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Training noise: read a share of the words as unknown, and a share of the labels as of another class.

    So the network meets unknown words, labels of unknown class, and labels nested in others of another class. Marks of
    bookmarks and padding stay.
    """
    lost = torch.rand(words.shape, generator=random) < share
    classes = torch.randint(len(CLASSES), words.shape, generator=random)
    changed = torch.full_like(words, UNKNOWN)
    for first in (THIS_LABEL, A_LABEL):
        changed = torch.where((words >= first) & (words < first + len(CLASSES)), first + classes, changed)
    return torch.where(lost & (words >= THIS_LABEL), changed, words)
