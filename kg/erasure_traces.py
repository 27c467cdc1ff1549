"""Finding every trace of a patient: his ids, in text and in bytes of unknown make.

In text an id is a word of its own: ``DL:P0003`` is in ``DL:P0003:S01``, not in ``DL:P00031``. In bytes nothing tells
where a word ends, so there an id that is only a number must at least not be a part of a longer number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

REDACTED = "[erased]"
"""What stands in the place of an id in a text that stays."""

SHORTEST = 5
"""Characters of the shortest identifier that is looked for: a shorter one is found everywhere by chance."""

_HEAD = 3
_ENCODINGS = ("utf-8", "utf-16-le", "utf-32-le")


class Traces:
    """Looks for the ids of one patient.

    Args:
        ids: ids and identifiers; those shorter than :data:`SHORTEST` are not looked for.

    Attributes:
        ids: what is looked for.
        too_short: how many are not.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        every = set(ids) - {""}
        self.ids = frozenset(one for one in every if len(one) >= SHORTEST)
        self.too_short = len(every) - len(self.ids)

    def in_text(self, text: str) -> bool:
        """Whether a text names the patient."""
        return bool(self.ids) and self._words.search(text) is not None

    def redacted(self, text: str) -> str:
        """The text with :data:`REDACTED` in the place of every id."""
        return self._words.sub(REDACTED, text) if self.ids else text

    def in_bytes(self, data: Any) -> bool:
        """Whether bytes (or a memory map) hold an id, as UTF-8, UTF-16 or UTF-32."""
        return bool(self.ids) and self._bytes.search(data) is not None

    def in_value(self, value: object) -> bool:
        """Whether a value names the patient: text, bytes, or lists and maps of these, keys too."""
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, bytes | memoryview):
            return self.in_bytes(bytes(value))
        if isinstance(value, dict):
            return any(self.in_value(key) or self.in_value(item) for key, item in value.items())
        return isinstance(value, list | tuple) and any(map(self.in_value, value))

    def redacted_value(self, value: Any) -> Any:
        """The value with every text in it redacted; keys of maps too."""
        if isinstance(value, str):
            return self.redacted(value)
        if isinstance(value, dict):
            return {self.redacted(key): self.redacted_value(item) for key, item in value.items()}
        return [self.redacted_value(item) for item in value] if isinstance(value, list | tuple) else value

    @cached_property
    def _spelled(self) -> frozenset[str]:
        return self.ids | {json.dumps(one)[1:-1] for one in self.ids}

    @cached_property
    def _words(self) -> re.Pattern[str]:
        return re.compile(_any_of(self._spelled, "(?<![^\\W_]{})", "(?![^\\W_])"))

    @cached_property
    def _bytes(self) -> re.Pattern[bytes]:
        # As Latin-1 every byte is one character, so one way of writing the pattern serves text and bytes.
        words = {one.encode(encoding).decode("latin-1") for one in self._spelled for encoding in _ENCODINGS}
        numbers = {word for word in words if word.isdigit()}
        parts = [_any_of(words - numbers, "", ""), _any_of(numbers, "(?<![0-9]{})", "(?![0-9])")]
        return re.compile("|".join(filter(None, parts)).encode("latin-1"))


def _any_of(words: Iterable[str], before: str, after: str) -> str:
    """A pattern for words, grouped by how they begin: the engine skips quickly to where one may begin.

    Args:
        words: literal words.
        before: what must hold before a word; ``{}`` stands for its beginning.
        after: what must hold after a word.
    """
    groups: dict[str, list[str]] = {}
    for word in sorted(words, key=lambda word: (-len(word), word)):
        groups.setdefault(word[:_HEAD], []).append(re.escape(word[_HEAD:]))
    return "|".join(
        f"{re.escape(head)}{before.format(re.escape(head))}(?:{'|'.join(rests)}){after}"
        for head, rests in sorted(groups.items())
    )
