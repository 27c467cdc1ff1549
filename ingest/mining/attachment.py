"""Which of a sentence's bookmarks a label is attached to."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.mining.cues import Cue
from ingest.mining.mention import Mention, MinedSentence


class Attachment:
    def __init__(self, sentence: MinedSentence, texts: Sequence[str], cues: Sequence[Cue]) -> None:
        self._sentence = sentence

    def away(self, mention: Mention, bookmark: int) -> str:
        return ""
