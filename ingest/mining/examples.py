"""Sentences that show how candidates are used. They come from the vault, and are for the eyes of a curator only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.mining.candidate import Candidate, Place
from ingest.mining.highlight import printable
from ingest.mining.suggest import text_digest
from ingest.vault import Vault


def examples(vault: Vault, source: str, candidates: Sequence[Candidate]) -> Mapping[Candidate, tuple[str, ...]]:
    """Sentences with each candidate, of reports that were mined before and have not changed since.

    Args:
        vault: where they were mined to.
        source: name of the source they were mined as.
        candidates: candidates with places.

    Returns:
        For each candidate its sentences on one line each, none when no report with it is in the vault.
    """
    keys = {(source, place.report) for candidate in candidates for place in candidate.places}
    surrogates = vault.find("report", keys)
    texts: dict[str, tuple[str, bytes]] = {}
    stored = vault.reports(surrogates.values())
    for (_, report), surrogate in surrogates.items():
        if surrogate in stored:
            texts[report] = stored[surrogate].text, text_digest(stored[surrogate].text)

    def sentence(place: Place) -> str:
        text, digest = texts.get(place.report, ("", b""))
        return " ".join(printable(text[place.start : place.end]).split()) if digest == place.digest else ""

    return {one: tuple(filter(None, map(sentence, one.places))) for one in candidates}
